/* SPDX-License-Identifier: Apache-2.0 */
#include "node/preflight.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/special.h"
#include "jid/jid.h"
#include "net/conn.h"
#include "net/tls.h"

enum { DAY_S = 24 * 60 * 60, SECRET_LEAST = 16 };

struct preflight {
	const struct config *c;
	long long now_s;
	struct config_place at; /* of the statement that is looked at */
	struct buf *out;
	bool ok;
	struct arena arena;
};

/* Where the statement stands, in the form of the messages of config/. */
static void put_place(struct preflight *p)
{
	if (p->at.line)
		buf_printf(p->out, "%s:%u:%u: ", p->c->file, p->at.line, p->at.column);
}

__attribute__((format(printf, 3, 0))) static void put(
	struct preflight *p, const char *before, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	buf_append_c(p->out, before);
	put_place(p);
	buf_printf(p->out, "%s\n", text);
}

__attribute__((format(printf, 2, 3))) static void fail(struct preflight *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(p, "", format, args);
	va_end(args);
	p->ok = false;
}

__attribute__((format(printf, 2, 3))) static void warn(struct preflight *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(p, "warning: ", format, args);
	va_end(args);
}

/* A key or a secret that others may read. */
static void check_private(struct preflight *p, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		warn(p, "%s: everybody may read it (chmod 600)", path);
}

static void check_end(struct preflight *p, const char *path, const struct net_creds *creds)
{
	long long left = net_creds_not_after(creds) - p->now_s;

	if (left <= 0) {
		fail(p, "%s: the certificate has expired: get a new one, then `sallyport reload`",
			path);
	} else if (left < (long long)PREFLIGHT_SOON_DAYS * DAY_S) {
		warn(p, "%s: the certificate expires in %lld days: renew it now", path,
			left / DAY_S);
	}
}

static struct net_creds *check_creds(struct preflight *p, const struct config_keys *keys)
{
	char err[512] = "";
	p->at = keys->at;
	struct net_creds *creds = net_creds_load(keys->certificate, keys->key, err, sizeof(err));

	check_private(p, keys->key);
	if (!creds) {
		fail(p, "%s", err);
		return NULL;
	}
	check_end(p, keys->certificate, creds);
	return creds;
}

/* Public CAs issue certificates for one usage: servers look for serverAuth, also in who dials them. */
static void check_usage(
	struct preflight *p, const struct config_keys *keys, const struct net_creds *creds)
{
	if (creds && !net_creds_for_servers(creds))
		fail(p,
			"%s: the certificate is not for servers: its extended key usage has no "
			"serverAuth",
			keys->certificate);
}

static void check_trust(struct preflight *p, enum net_tls_use use, const char *path)
{
	char err[512] = "";
	struct net_tls *tls = net_tls_new(use, &path, 1, false, err, sizeof(err));

	if (!tls)
		fail(p, "%s", err);
	net_tls_unref(tls);
}

/* Credentials for the link name the node. */
static void check_link(struct preflight *p, const struct config_keys *keys)
{
	struct net_creds *creds = check_creds(p, keys);

	if (creds && !net_creds_covers(creds, p->c->node))
		fail(p,
			"%s: the certificate is not for node %.*s: `sallyport pki init` makes one "
			"for "
			"each node",
			keys->certificate, STR_FMT(p->c->node));
	check_usage(p, keys, creds);
	net_creds_unref(creds);
	check_trust(p, NET_TLS_LINK, keys->trust);
}

static void check_covers(
	struct preflight *p, const struct net_creds *creds, const struct config_domain *d)
{
	struct str ascii;

	arena_reset(&p->arena);
	if (jid_domain_to_ascii(&p->arena, d->name, &ascii) != JID_OK ||
		!net_creds_covers(creds, ascii))
		fail(p,
			"%s: the certificate is not for domain %.*s: it needs that name among its "
			"subject alternative names",
			d->keys.certificate, STR_FMT(d->name));
}

static bool same_keys(const struct config_keys *a, const struct config_keys *b)
{
	return strcmp(a->certificate, b->certificate) == 0 && strcmp(a->key, b->key) == 0;
}

/* Neighbours usually share a certificate: it is loaded, and complained of, once. */
static void check_domains(struct preflight *p)
{
	const struct config_domain *d = p->c->domains, *end = d + p->c->n_domains;

	while (d < end) {
		const struct config_keys *keys = &d->keys;
		struct net_creds *creds = check_creds(p, keys);
		check_usage(p, keys, creds);
		for (; d < end && same_keys(keys, &d->keys); d++) {
			if (creds)
				check_covers(p, creds, d);
		}
		net_creds_unref(creds);
	}
}

static void check_secret(struct preflight *p, const char *path, const char *cure)
{
	char line[512];
	size_t longest = 0;
	bool good = true;
	FILE *f = fopen(path, "re");

	if (!f) {
		fail(p, "%s: %s", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		size_t len = line[0] == '#' ? 0 : strcspn(line, "\r\n");
		longest = len > longest ? len : longest;
		good = good && (len == 0 || len >= SECRET_LEAST);
	}
	fclose(f);
	if (!good || longest == 0)
		fail(p, "%s: needs one secret of at least %d characters a line: %s", path,
			SECRET_LEAST, cure);
	check_private(p, path);
}

static void check_crl(struct preflight *p, const char *path)
{
	char err[512] = "";
	long long next;

	if (!net_crl_next(path, &next, err, sizeof(err)))
		fail(p, "%s", err);
	else if (next && next <= p->now_s)
		fail(p,
			"%s: the revocation list is out of date: what its CA issued would be "
			"refused",
			path);
}

/* A file with a DS or DNSKEY record; libunbound says no more of one that it cannot use. */
static void check_anchor(struct preflight *p, const char *path)
{
	char line[2048];
	bool found = false;
	FILE *f = fopen(path, "re");

	if (!f) {
		fail(p, "%s: %s", path, strerror(errno));
		return;
	}
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ";")] = '\0';
		found = strstr(line, "DNSKEY") || strstr(line, "\tDS\t") || strstr(line, " DS ");
	}
	fclose(f);
	if (!found)
		fail(p, "%s: has no DS or DNSKEY record", path);
}

/* Some servers cannot do anything else: not a fault, but worth a word. */
static void check_dialback(struct preflight *p)
{
	unsigned accept = 0;

	for (size_t i = 0; i < p->c->n_peers; i++)
		accept |= p->c->peers[i].accept;
	p->at = p->c->peers[0].at;
	if (accept && !(accept & CONFIG_DIALBACK))
		warn(p,
			"no `peer` accepts dialback: servers that can do nothing else, such as "
			"jabberd2, are refused");
}

/* A client's certificate: which node it is for is the brokers' to know. */
static void check_nats(struct preflight *p, const struct config_keys *keys)
{
	net_creds_unref(check_creds(p, keys));
	check_trust(p, NET_TLS_LINK, keys->trust);
}

static void check_outer(struct preflight *p)
{
	const struct config *c = p->c;

	check_domains(p);
	for (size_t i = 0; i < c->n_listen_link; i++)
		check_link(p, &c->listen_link[i].keys);
	for (size_t i = 0; i < c->n_trust; i++) {
		p->at = c->trust[i].at;
		check_trust(p, NET_TLS_S2S, c->trust[i].path);
	}
	for (size_t i = 0; i < c->n_crls; i++) {
		p->at = c->crls[i].at;
		check_crl(p, c->crls[i].path);
	}
	for (size_t i = 0; i < c->n_anchors; i++) {
		p->at = c->anchors[i].at;
		check_anchor(p, c->anchors[i].path);
	}
	check_dialback(p);
}

static bool is_public(struct str addr)
{
	struct net_addr a;

	if (!net_addr_parse(addr, &a))
		return false;
	const struct sockaddr_in *v4 = (const void *)&a.sa;
	const struct sockaddr_in6 *v6 = (const void *)&a.sa;
	return a.sa.ss_family == AF_INET ? !special_v4((const unsigned char *)&v4->sin_addr)
					 : !special_v6(v6->sin6_addr.s6_addr);
}

static void check_components(struct preflight *p, const struct config_server *s)
{
	for (size_t i = 0; i < s->n_components; i++) {
		const struct config_component *m = &s->components[i];
		p->at = m->at;
		check_secret(p, m->secret, "`openssl rand -hex 32` prints one");
		if (!m->tls && is_public(m->addr))
			warn(p,
				"the component's stream is not protected, and its address is not "
				"one of a private network");
	}
}

static void check_inner(struct preflight *p)
{
	const struct config *c = p->c;

	for (size_t i = 0; i < c->n_links; i++)
		check_link(p, &c->links[i].keys);
	for (size_t i = 0; i < c->n_servers; i++) {
		p->at = c->servers[i].at;
		if (c->servers[i].trust)
			check_trust(p, NET_TLS_S2S, c->servers[i].trust);
		check_components(p, &c->servers[i]);
	}
	if (c->mint.certificate)
		net_creds_unref(check_creds(p, &c->mint));
}

bool preflight(const struct config *c, long long now_s, struct buf *messages)
{
	struct preflight p = { .c = c, .now_s = now_s, .out = messages, .ok = true };

	arena_init(&p.arena, 64 * 1024);
	if (c->role == CONFIG_OUTER) {
		check_outer(&p);
	} else {
		check_inner(&p);
	}
	if (c->nats.n_servers)
		check_nats(&p, &c->nats.keys);
	p.at = c->dialback_at;
	if (c->dialback_secret)
		check_secret(&p, c->dialback_secret, "`sallyport pki init` makes one");
	arena_done(&p.arena);
	return p.ok;
}
