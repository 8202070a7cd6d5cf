/* SPDX-License-Identifier: Apache-2.0 */
/* What DNS and the web say of one domain: asked within the shares of those who want it, kept, and judged by. */
#include <stdlib.h>

#include "base/check.h"
#include "node/gate.h"
#include "node/transport.h"
#include "outer/evidence_int.h"

enum {
	LOOKUP_MS = 10000,
	LEAST_S = 60, /* however short an answer says it lives */
	MOST_S = 3600,
	FAILED_S = 30,
	POSH_FAILED_S = 300,
	BRIDGE_MS = 60000,
};

#define NO_NAME "domain has no A-label form"

static uint64_t until(const struct entry *x, uint64_t s)
{
	s = s < LEAST_S ? LEAST_S : s > MOST_S ? MOST_S : s;
	return net_now(x->owner->node->loop) + s * 1000;
}

/*
 * The next answer cannot be asked for. Look-ups end within seconds, so an answer that is a little too old holds until
 * then; but nobody may be judged by an old one for as long as he keeps his own share used up, nor by one of before
 * the resolver was exchanged.
 */
static enum state bridge(const struct entry *x, enum state state, uint64_t was_until)
{
	bool lately = was_until && net_now(x->owner->node->loop) <= was_until + BRIDGE_MS;

	return state == KNOWN && lately ? KNOWN : UNKNOWN;
}

/* --- DANE --- */

static void on_dane(void *user, struct net_dane *d)
{
	struct entry *x = user;
	bool failed = d->failed;

	for (size_t i = 0; i < d->n; i++)
		failed = failed || d->servers[i].failed;
	entry_end_share(x, &x->dane.share);
	x->dane.lookup = NULL;
	net_dane_free(x->dane.answer);
	x->dane.answer = d;
	x->dane.state = KNOWN;
	x->dane.until =
		failed ? net_now(x->owner->node->loop) + FAILED_S * 1000 : until(x, d->ttl_s);
	if (x->dane.outdated)
		x->dane.until = 0;
	x->dane.outdated = false;
	entry_tell(x);
}

static bool to_ascii(struct str domain, struct arena *a, struct str *ret)
{
	arena_init(a, 8192);
	return jid_domain_to_ascii(a, domain, ret) == JID_OK;
}

/* On whose account it is looked up. */
static struct share_user user_of(const struct transport *t, struct str us)
{
	struct share_user user = { .us = us };

	if (!t || transport_target(t))
		return user;
	const struct net_conn *conn = transport_conn(t);
	user.from = net_conn_peer_addr(conn);
	user.known = gate_is_known(net_conn_pass(conn));
	return user;
}

static struct share *begin_share(
	struct entry *x, struct share_user user, struct str ascii, const char **ret_why)
{
	struct evidence *e = x->owner;

	user.proved = gate_knows_domain(e->node->gate, x->domain);
	return share_take(e->shares, &user, ascii, net_now(e->node->loop), ret_why);
}

/* Is the answer there? Asks for it when it is not, or too old. */
enum state look_for_dane(struct entry *x, const struct share_user *user, const char **ret_why)
{
	struct evidence *e = x->owner;
	struct arena a;
	struct str ascii;

	if (x->dane.state == KNOWN && x->dane.until > net_now(e->node->loop))
		return KNOWN;
	if (x->dane.lookup)
		return ASKED;
	*ret_why = NO_NAME;
	if (to_ascii(x->domain, &a, &ascii))
		x->dane.share = begin_share(x, *user, ascii, ret_why);
	if (x->dane.share) {
		x->dane.lookup = net_dane_resolve(e->resolver, ascii, LOOKUP_MS, on_dane, x);
		x->dane.state = ASKED;
	}
	arena_done(&a);
	return x->dane.lookup ? ASKED : bridge(x, x->dane.state, x->dane.until);
}

static struct proof_answer judge_dane(const struct entry *x, struct transport *t)
{
	static const enum proof_said said[] = { [NET_DANE_SILENT] = PROOF_SILENT,
		[NET_DANE_YES] = PROOF_YES,
		[NET_DANE_DENIES] = PROOF_DENIES };
	const struct node_target *target = transport_target(t);
	struct proof_answer answer = { PROOF_DENIES, NO_NAME };
	struct arena a;
	struct str ascii;

	if (to_ascii(x->domain, &a, &ascii))
		answer.said = said[net_conn_dane(transport_conn(t), x->owner->node->tls,
			x->dane.answer, ascii, target ? str_of(target->host) : STRL(""),
			target ? target->port : 0, &answer.why)];
	arena_done(&a);
	return answer;
}

struct proof_answer look_dane(struct entry *x, struct transport *t, struct str us)
{
	const struct share_user user = user_of(t, us);
	const char *why = NULL;

	switch (look_for_dane(x, &user, &why)) {
	case KNOWN:
		return judge_dane(x, t);
	case ASKED:
		entry_wait(x, t);
		return (struct proof_answer){ PROOF_PENDING, NULL };
	case UNKNOWN:
	default:
		return (struct proof_answer){ PROOF_DENIES, why };
	}
}

/* --- POSH --- */

static void on_posh(void *user, const char *error, const struct net_posh_doc *doc)
{
	struct entry *x = user;
	uint64_t now = net_now(x->owner->node->loop);
	uint64_t s = POSH_FAILED_S;

	entry_end_share(x, &x->posh.share);
	x->posh.fetch = NULL;
	x->posh.error = error;
	free(x->posh.doc);
	x->posh.doc = NULL;
	if (!error) {
		x->posh.doc = malloc(sizeof(*doc));
		check(x->posh.doc);
		*x->posh.doc = *doc;
		s = doc->expires_s < LEAST_S ? LEAST_S : doc->expires_s;
	}
	x->posh.state = KNOWN;
	x->posh.until = x->posh.outdated ? 0 : now + s * 1000;
	x->posh.outdated = false;
	entry_tell(x);
}

/* Also an HTTPS server is an address that strangers choose. */
static bool may_dial(void *user, const struct net_addr *addr, struct str host)
{
	struct node *n = user;

	return gate_may_dial(n->gate, addr, host, net_now(n->loop));
}

static enum state need_posh(struct entry *x, const struct share_user *user, const char **ret_why)
{
	struct evidence *e = x->owner;
	const struct net_posh_settings settings = {
		.tls = e->https, .timeout_ms = LOOKUP_MS, .may_dial = may_dial, .user = e->node
	};
	struct arena a;
	struct str ascii;

	if (x->posh.state == KNOWN && x->posh.until > net_now(e->node->loop))
		return KNOWN;
	if (x->posh.fetch)
		return ASKED;
	*ret_why = "POSH is not accepted of anybody";
	if (!e->https)
		return UNKNOWN;
	*ret_why = NO_NAME;
	if (to_ascii(x->domain, &a, &ascii))
		x->posh.share = begin_share(x, *user, ascii, ret_why);
	if (x->posh.share) {
		x->posh.fetch = net_posh_fetch(e->resolver, &settings, ascii, on_posh, x);
		x->posh.state = ASKED;
	}
	arena_done(&a);
	return x->posh.fetch ? ASKED : bridge(x, x->posh.state, x->posh.until);
}

static struct proof_answer judge_posh(const struct entry *x, struct transport *t)
{
	if (x->posh.error)
		return (struct proof_answer){ PROOF_SILENT, x->posh.error };
	if (net_conn_posh(transport_conn(t), x->posh.doc))
		return (struct proof_answer){ PROOF_YES, NULL };
	return (struct proof_answer){ PROOF_NO, "POSH names other certificates" };
}

struct proof_answer look_posh(struct entry *x, struct transport *t, struct str us)
{
	const struct share_user user = user_of(t, us);
	const char *why = NULL;

	switch (need_posh(x, &user, &why)) {
	case KNOWN:
		return judge_posh(x, t);
	case ASKED:
		entry_wait(x, t);
		return (struct proof_answer){ PROOF_PENDING, NULL };
	case UNKNOWN:
	default:
		return (struct proof_answer){ PROOF_NO, why };
	}
}
