/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-outer: plays the local domains towards foreign servers. What only outer has: the public
 * certificates, the resolver, and the addresses that must never be dialled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "base/table.h"
#include "net/lookup.h"
#include "net/resolver.h"
#include "node/node.h"
#include "outer/elsewhere.h"
#include "outer/evidence.h"
#include "outer/reach.h"
#include "outer/sources.h"
#include "policy/peer.h"

enum { OWN_MS = 10000 };

/* A local domain and its certificate. */
struct domain {
	struct str name;
	struct net_creds *creds;
};

struct outer {
	struct table domains; /* by prepared name */
	struct net_resolver *resolver; /* of sources */
	struct sources sources;
	struct evidence *evidence;
	struct reach_own own; /* of the host */
	uint64_t own_at; /* when it was asked for them last */
};

/* --- the local domains --- */

static void domains_free(struct table *t)
{
	size_t n;
	void **all = table_collect(t, &n);

	for (size_t i = 0; i < n; i++) {
		struct domain *d = all[i];
		net_creds_unref(d->creds);
		str_free(&d->name);
		free(d);
	}
	free(all);
	table_done(t);
}

/* Threats D17: a certificate that does not fit is said aloud, and used as the operator asked. */
static void warn_about(const struct domain *d)
{
	struct arena a;
	struct str ascii;
	time_t now = time(NULL);

	arena_init(&a, 8192);
	if (jid_domain_to_ascii(&a, d->name, &ascii) == JID_OK &&
		!net_creds_covers(d->creds, ascii))
		LOG(LOG_ALARM, "certificate-name", LF_STR("domain", d->name),
			LF_CSTR("reason", "the certificate does not name this domain"));
	if (net_creds_not_after(d->creds) < now)
		LOG(LOG_ALARM, "certificate-expired", LF_STR("domain", d->name));
	arena_done(&a);
}

static bool domains_load(const struct config *c, struct table *t, char *err, size_t err_size)
{
	for (size_t i = 0; i < c->n_domains; i++) {
		const struct config_keys *keys = &c->domains[i].keys;
		struct net_creds *creds =
			net_creds_load(keys->certificate, keys->key, err, err_size);
		if (!creds)
			return false;
		struct domain *d = calloc(1, sizeof(*d));
		check(d);
		*d = (struct domain){ .name = str_dup(c->domains[i].name), .creds = creds };
		warn_about(d);
		check(!table_set(t, d->name, d));
	}
	return true;
}

static bool plays(struct node *n, struct str us)
{
	struct outer *o = n->role_state;

	return table_find(&o->domains, us);
}

static struct net_creds *creds(struct node *n, struct str us)
{
	struct outer *o = n->role_state;
	struct domain *d = table_find(&o->domains, us);

	return d ? net_creds_ref(d->creds) : NULL;
}

static struct config_peer proofs(struct node *n, struct str us, struct str them)
{
	const struct config_peer *peer = policy_peer(n->config, them);

	return peer ? *peer : (struct config_peer){ .refuse = true };
}

/* Local to foreign only: neither a relay between foreign domains nor a loop between local ones. */
static struct s2s_rule rule(struct node *n, struct str us, struct str them)
{
	if (!plays(n, us) || plays(n, them))
		return (struct s2s_rule){ 0 };
	const struct config_peer *peer = policy_peer(n->config, them);
	if (!peer || peer->refuse)
		return (struct s2s_rule){ 0 };
	return (struct s2s_rule){
		.allowed = true,
		.bidi = n->config->bidi,
		.share = n->config->multiplex,
		.redirect = n->config->redirect,
		.tls_required = peer->tls_required,
		.accept_certificate = (peer->accept & CONFIG_BY_CERTIFICATE) != 0,
		.accept_dialback = (peer->accept & CONFIG_DIALBACK) != 0,
	};
}

/* --- what others say about their certificates --- */

static void evidence(struct node *n, struct transport *t, struct str us, struct str them,
	unsigned wanted, struct proof_table *table)
{
	struct outer *o = n->role_state;

	evidence_ask(o->evidence, t, us, them, wanted, table);
}

static void evidence_cancel(struct node *n, struct transport *t)
{
	struct outer *o = n->role_state;

	if (o)
		evidence_forget(o->evidence, t);
}

static void describe(struct node *n, struct str them, struct json *j)
{
	struct outer *o = n->role_state;

	evidence_describe(o->evidence, them, j);
}

static void expect_for(struct node *n, struct str us, struct str them)
{
	struct outer *o = n->role_state;
	const struct config_peer *peer = policy_peer(n->config, them);

	if (peer && (peer->accept & CONFIG_DANE))
		evidence_expect(o->evidence, us, them);
}

/* Whoever named the pair has proved nothing, and is not known here: on nobody's account. */
static void expect(struct node *n, struct str us, struct str them)
{
	expect_for(n, STRL(""), them);
}

/* Where POSH is accepted, documents are fetched by the trust of the face. NULL without a message: it is not. */
static struct net_tls *https_new(const struct config *c, char *err, size_t err_size)
{
	unsigned accept = 0;

	for (size_t i = 0; i < c->n_peers; i++)
		accept |= c->peers[i].accept;
	err[0] = '\0';
	if (!(accept & CONFIG_POSH))
		return NULL;
	const char **files = calloc(c->n_trust + 1, sizeof(*files));
	check(files);
	for (size_t i = 0; i < c->n_trust; i++)
		files[i] = c->trust[i].path;
	struct net_tls *tls =
		net_tls_new(NET_TLS_HTTPS, files, c->n_trust, c->n_trust == 0, err, err_size);
	free(files);
	return tls;
}

/* --- the servers of foreign domains --- */

/* Interfaces come and go: what the system said counts for some seconds. */
static bool reach(struct node *n, const struct net_addr *addr)
{
	struct outer *o = n->role_state;

	if (o->own_at == 0 || n->now - o->own_at >= OWN_MS) {
		o->own_at = n->now;
		if (!reach_own_load(&o->own))
			LOG(LOG_WARNING, "own-addresses-unknown");
	}
	return reach_permitted(n->config, &o->own, addr);
}

static struct node_target target_of(const struct net_target *t)
{
	struct node_target target = {
		.addr = t->addr, .direct_tls = t->direct_tls, .port = t->port
	};

	memcpy(target.host, t->host, sizeof(target.host));
	return target;
}

static void on_resolved(
	void *user, enum net_lookup_result result, const struct net_target *targets, size_t count)
{
	struct dial *d = user;
	struct node_target all[NET_TARGETS_MAX];

	switch (result) {
	case NET_LOOKUP_FOUND:
		for (size_t i = 0; i < count; i++)
			all[i] = target_of(&targets[i]);
		node_dial_targets(d, all, count);
		break;
	case NET_LOOKUP_NOT_FOUND:
		node_dial_failed(d, DIAL_NOT_IN_DNS);
		break;
	case NET_LOOKUP_FORBIDDEN:
		LOG(LOG_WARNING, "address-forbidden", LF_STR("domain", d->them));
		node_dial_failed(d, DIAL_FORBIDDEN);
		break;
	case NET_LOOKUP_FAILED:
		node_dial_failed(d, DIAL_DNS);
		break;
	}
}

/* A server has sent us elsewhere: to an address that we would dial, or a host that has such. */
static void lookup_elsewhere(struct node *n, struct dial *d, struct arena *a)
{
	struct outer *o = n->role_state;
	struct elsewhere e;
	bool readable = elsewhere_read(a, d->host, &e);

	LOG(LOG_INFO, "redirected", LF_STR("domain", d->them), LF_STR("host", d->host));
	if (!readable)
		node_dial_failed(d, DIAL_ELSEWHERE);
	else if (e.addr.len == 0)
		d->lookup = net_resolve_host(o->resolver, e.name, e.port, on_resolved, d);
	else if (reach(n, &e.addr))
		node_dial_targets(d, &(struct node_target){ .addr = e.addr }, 1);
	else
		node_dial_failed(d, DIAL_ELSEWHERE_FORBIDDEN);
}

static void lookup(struct node *n, struct dial *d)
{
	struct outer *o = n->role_state;
	struct arena a;
	struct str ascii;

	expect_for(n, d->us, d->them);
	arena_init(&a, 8192);
	if (d->host.len)
		lookup_elsewhere(n, d, &a);
	else if (jid_domain_to_ascii(&a, d->them, &ascii) == JID_OK)
		d->lookup = net_resolve(o->resolver, ascii, on_resolved, d);
	else
		node_dial_failed(d, DIAL_NO_NAME);
	arena_done(&a);
}

static void lookup_cancel(struct node *n, struct dial *d)
{
	net_lookup_cancel(d->lookup);
}

static bool may_dial(void *user, const struct net_addr *addr)
{
	struct node *n = user;

	return reach(n, addr);
}

/* --- life --- */

static bool start(struct node *n, char *err, size_t err_size)
{
	struct outer *o = calloc(1, sizeof(*o));

	check(o);
	n->role_state = o;
	table_init(&o->domains);
	sources_init(&o->sources, n->loop, may_dial, n);
	if (!sources_refresh(&o->sources, n->config, err, err_size))
		return false;
	o->resolver = o->sources.resolver;
	struct net_tls *https = https_new(n->config, err, err_size);
	if (!https && err[0])
		return false;
	o->evidence = evidence_new(n, o->resolver, https);
	net_tls_unref(https);
	return domains_load(n->config, &o->domains, err, err_size);
}

static void stop(struct node *n)
{
	struct outer *o = n->role_state;

	if (!o)
		return;
	evidence_free(o->evidence);
	sources_done(&o->sources);
	domains_free(&o->domains);
	reach_own_done(&o->own);
	free(o);
	n->role_state = NULL;
}

/* Certificates and domains anew, and whom DNS is asked of and trusted for. */
static bool reload(struct node *n, char *err, size_t err_size)
{
	struct outer *o = n->role_state;
	struct table fresh;
	struct net_tls *https = https_new(n->config, err, err_size);

	if (!https && err[0])
		return false;
	table_init(&fresh);
	if (!domains_load(n->config, &fresh, err, err_size) ||
		!sources_refresh(&o->sources, n->config, err, err_size)) {
		domains_free(&fresh);
		net_tls_unref(https);
		return false;
	}
	domains_free(&o->domains);
	o->domains = fresh;
	evidence_refresh(o->evidence, https);
	net_tls_unref(https);
	return true;
}

static const struct node_role role = {
	.config = CONFIG_OUTER,
	.link = LINK_OUTER,
	.program = "sallyport-outer",
	.start = start,
	.stop = stop,
	.reload = reload,
	.plays = plays,
	.rule = rule,
	.proofs = proofs,
	.evidence = evidence,
	.evidence_cancel = evidence_cancel,
	.expect = expect,
	.describe = describe,
	.creds = creds,
	.lookup = lookup,
	.lookup_cancel = lookup_cancel,
};

int main(int argc, char **argv)
{
	return node_main(argc, argv, &role);
}
