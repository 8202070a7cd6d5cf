/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	_xmpp-server, _xmpps-server SRV --> secure: their targets ------.
 *	                                --> securely absent: the domain -+-> TLSA of each
 *	                                --> not secure: nothing to ask
 *
 * A record of the wrong length, or of a kind that is not known, is left out (RFC 7671 section 4). What is
 * left is compared by OpenSSL, which knows what each usage means for the chain.
 */
#include "net/dane.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/conn_int.h"
#include "net/srv.h"

enum { PORT = 5269, TLSA_HEAD = 3, TTL_MOST_S = 3600, USAGE_DANE_EE = 3, TIMEOUT_MS = 10000 };

struct srv_question {
	struct net_dane_lookup *lookup;
	struct net_question *question;
	bool direct_tls;
	bool secure;
	bool found; /* any record, also "." */
};

struct tlsa_question {
	struct net_dane_lookup *lookup;
	struct net_question *question;
	struct net_dane_server *server;
};

struct net_dane_lookup {
	struct net_resolver *resolver;
	struct net_timer *end; /* reports from the loop */
	struct net_timer *deadline;
	void (*done)(void *user, struct net_dane *d);
	void *user;
	char domain[NET_NAME_SIZE];
	struct net_dane *dane;
	unsigned open; /* questions */
	struct srv_question srv[2];
	struct tlsa_question tlsa[NET_DANE_SERVERS];
};

void net_dane_free(struct net_dane *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		for (size_t k = 0; k < d->servers[i].n; k++)
			str_free(&d->servers[i].records[k].data);
	}
	free(d->servers);
	free(d);
}

static void cancel_questions(struct net_dane_lookup *l)
{
	for (size_t i = 0; i < 2; i++) {
		net_question_cancel(l->srv[i].question);
		l->srv[i].question = NULL;
	}
	for (size_t i = 0; i < NET_DANE_SERVERS; i++) {
		net_question_cancel(l->tlsa[i].question);
		l->tlsa[i].question = NULL;
	}
}

static void lookup_free(struct net_dane_lookup *l)
{
	cancel_questions(l);
	net_timer_free(l->end);
	net_timer_free(l->deadline);
	net_dane_free(l->dane);
	free(l);
}

void net_dane_cancel(struct net_dane_lookup *l)
{
	if (l)
		lookup_free(l);
}

static void on_end(void *user)
{
	struct net_dane_lookup *l = user;
	struct net_dane *d = l->dane;

	l->dane = NULL;
	l->done(l->user, d);
	lookup_free(l);
}

/* Silence is no answer: it must not be taken for a domain without records. */
static void on_deadline(void *user)
{
	struct net_dane_lookup *l = user;

	for (size_t i = 0; i < 2; i++)
		l->dane->failed = l->dane->failed || l->srv[i].question;
	for (size_t i = 0; i < l->dane->n; i++)
		l->dane->servers[i].failed = l->dane->servers[i].failed || l->tlsa[i].question;
	cancel_questions(l);
	net_timer_set(l->end, 0);
}

static void answered(struct net_dane_lookup *l, const struct net_answer *a)
{
	if (a->ttl_s < l->dane->ttl_s)
		l->dane->ttl_s = a->ttl_s;
	if (--l->open == 0)
		net_timer_set(l->end, 0);
}

/* --- TLSA --- */

static void add_record(struct net_dane_lookup *l, struct net_dane_server *s, struct str rdata)
{
	const unsigned char *p = (const unsigned char *)rdata.p;

	if (rdata.len <= TLSA_HEAD)
		return;
	l->dane->bytes += rdata.len;
	if (l->dane->bytes > NET_DANE_BYTES) {
		s->failed = true;
		return;
	}
	s->records[s->n++] =
		(struct net_tlsa){ p[0], p[1], p[2], str_dup(str_skip(rdata, TLSA_HEAD)) };
}

static void on_tlsa(void *user, const struct net_answer *a)
{
	struct tlsa_question *q = user;
	struct net_dane_server *s = q->server;

	q->question = NULL;
	s->failed = a->failed || a->n > NET_DANE_RECORDS;
	for (size_t i = 0; a->secure && !s->failed && i < a->n; i++)
		add_record(q->lookup, s, str_from(a->data[i], (size_t)a->len[i]));
	answered(q->lookup, a);
}

static void ask_server(struct net_dane_lookup *l, size_t i)
{
	struct net_dane_server *s = &l->dane->servers[i];
	char name[NET_NAME_SIZE + 32];

	l->tlsa[i] = (struct tlsa_question){ .lookup = l, .server = s };
	snprintf(name, sizeof(name), "_%u._tcp.%s", s->port, s->host);
	l->open++;
	l->tlsa[i].question = net_ask(l->resolver, name, NET_TYPE_TLSA, on_tlsa, &l->tlsa[i]);
	if (!l->tlsa[i].question) {
		s->failed = true;
		l->open--;
	}
}

/* --- SRV --- */

static void add_server(struct net_dane_lookup *l, const char *host, uint16_t port)
{
	struct net_dane *d = l->dane;

	for (size_t i = 0; i < d->n; i++) {
		if (d->servers[i].port == port && strcmp(d->servers[i].host, host) == 0)
			return;
	}
	if (d->n == NET_DANE_SERVERS)
		return;
	struct net_dane_server *all = realloc(d->servers, (d->n + 1) * sizeof(*all));
	check(all);
	d->servers = all;
	struct net_dane_server *s = &d->servers[d->n++];
	*s = (struct net_dane_server){ .port = port };
	snprintf(s->host, sizeof(s->host), "%s", host);
}

/* Both SRV answers are in. */
static void follow(struct net_dane_lookup *l)
{
	bool any = l->srv[0].found || l->srv[1].found;

	if (!any && l->srv[0].secure && l->srv[1].secure)
		add_server(l, l->domain, PORT);
	for (size_t i = 0; i < l->dane->n && !l->dane->failed; i++)
		ask_server(l, i);
}

static void on_srv(void *user, const struct net_answer *a)
{
	struct srv_question *q = user;
	struct net_dane_lookup *l = q->lookup;
	struct net_srv srv;

	q->question = NULL;
	q->secure = a->secure;
	q->found = a->n > 0;
	l->dane->failed = l->dane->failed || a->failed;
	for (size_t i = 0; a->secure && i < a->n; i++) {
		if (net_srv_read(str_from(a->data[i], (size_t)a->len[i]), &srv) && srv.target[0] &&
			srv.port)
			add_server(l, srv.target, srv.port);
	}
	if (l->open == 1)
		follow(l);
	answered(l, a);
}

static void ask_service(struct net_dane_lookup *l, size_t i, const char *service)
{
	char name[NET_NAME_SIZE + 32];

	l->srv[i].lookup = l;
	snprintf(name, sizeof(name), "%s._tcp.%s", service, l->domain);
	l->srv[i].question = net_ask(l->resolver, name, NET_TYPE_SRV, on_srv, &l->srv[i]);
	if (l->srv[i].question)
		l->open++;
	else
		l->dane->failed = true;
}

struct net_dane_lookup *net_dane_resolve(struct net_resolver *r, struct str ascii_domain,
	unsigned timeout_ms, void (*done)(void *user, struct net_dane *d), void *user)
{
	struct net_dane_lookup *l = calloc(1, sizeof(*l));
	struct net_loop *loop = net_resolver_loop(r);

	check(l);
	l->resolver = r;
	l->done = done;
	l->user = user;
	l->end = net_timer_new(loop, on_end, l);
	l->deadline = net_timer_new(loop, on_deadline, l);
	net_timer_set(l->deadline, net_now(loop) + (timeout_ms ? timeout_ms : TIMEOUT_MS));
	l->dane = calloc(1, sizeof(*l->dane));
	check(l->dane);
	l->dane->ttl_s = TTL_MOST_S;
	if (ascii_domain.len < sizeof(l->domain)) {
		memcpy(l->domain, ascii_domain.p, ascii_domain.len);
		ask_service(l, 0, "_xmpp-server");
		ask_service(l, 1, "_xmpps-server");
	}
	if (l->open == 0)
		net_timer_set(l->end, 0);
	return l;
}

/* --- comparing --- */

/* Usage of the record that matched, or -1. *ret_usable: how many could be used. */
static int compare(const struct net_tls *tls, X509 *cert, STACK_OF(X509) * sent,
	const struct net_dane_server *s, size_t *ret_usable)
{
	SSL *ssl = SSL_new(tls->ctx);
	uint8_t usage = 0;
	int matched = -1;

	check(ssl);
	/* A name that OpenSSL cannot take for one: its records cannot be compared with, and must not be passed over. */
	*ret_usable = s->n;
	if (SSL_dane_enable(ssl, s->host) <= 0) {
		SSL_free(ssl);
		ERR_clear_error();
		return -1;
	}
	*ret_usable = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct net_tlsa *r = &s->records[i];
		if (SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
			    (const unsigned char *)r->data.p, r->data.len) > 0)
			++*ret_usable;
	}
	if (*ret_usable && net_verify_by_dane(tls, cert, sent, SSL_get0_dane(ssl)) &&
		SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL) >= 0)
		matched = usage;
	SSL_free(ssl);
	ERR_clear_error();
	return matched;
}

/* RFC 7671 section 5.1: a key named itself needs no other name. Else RFC 7673 section 4.1: domain or target. */
static const char *bad_for(X509 *cert, int usage, struct str domain, const char *host)
{
	const char *why;

	if (usage == USAGE_DANE_EE)
		return NULL;
	if (!net_verify_for_servers(cert))
		return "certificate is not for servers";
	if (net_identity_names(cert, domain, NET_IDENTITY_DNS, &why) ||
		net_identity_names(cert, str_of(host), NET_IDENTITY_DNS, &why))
		return NULL;
	return why;
}

static enum net_dane_said ask_one(const struct net_tls *tls, X509 *cert, STACK_OF(X509) * sent,
	const struct net_dane_server *s, struct str domain, const char **ret_why)
{
	size_t usable;

	*ret_why = "DNS of the TLSA records failed";
	if (s->failed)
		return NET_DANE_DENIES;
	int usage = compare(tls, cert, sent, s, &usable);
	*ret_why = s->n ? "no usable TLSA record" : "no TLSA record";
	if (usable == 0)
		return NET_DANE_SILENT;
	*ret_why = "the certificate agrees with no TLSA record";
	if (usage < 0)
		return NET_DANE_DENIES;
	*ret_why = bad_for(cert, usage, domain, s->host);
	return *ret_why ? NET_DANE_DENIES : NET_DANE_YES;
}

/* A word that decides: yes, else a denial, else silence. */
static bool weaker(enum net_dane_said a, enum net_dane_said b)
{
	return b == NET_DANE_YES || (b == NET_DANE_DENIES && a == NET_DANE_SILENT);
}

enum net_dane_said net_conn_dane(const struct net_conn *c, const struct net_tls *tls,
	const struct net_dane *d, struct str ascii_domain, struct str host, uint16_t port,
	const char **ret_why)
{
	X509 *cert = c->ssl && c->tls == NET_CONN_TLS_ON ? SSL_get0_peer_certificate(c->ssl) : NULL;
	enum net_dane_said said = NET_DANE_SILENT;
	bool found = false;

	*ret_why = "DNS of the server's name failed";
	if (d->failed)
		return NET_DANE_DENIES;
	*ret_why = d->n && host.len ? "signed DNS does not name this server"
				    : "DNS of the domain is not signed";
	for (size_t i = 0; cert && i < d->n && said != NET_DANE_YES; i++) {
		const struct net_dane_server *s = &d->servers[i];
		const char *why;
		if (host.len && (s->port != port || !str_is(host, s->host)))
			continue;
		enum net_dane_said one =
			ask_one(tls, cert, SSL_get_peer_cert_chain(c->ssl), s, ascii_domain, &why);
		if (!found || weaker(said, one)) {
			said = one;
			*ret_why = why;
		}
		found = true;
	}
	return !found && d->n && host.len ? NET_DANE_DENIES : said;
}
