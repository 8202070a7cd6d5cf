/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry a domain, in a table of bounded size; the longest unused goes first. A transport that was told
 * "pending" is a waiter of the entry; it is told once, and asks again.
 */
#include "outer/evidence.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/table.h"
#include "net/dane.h"
#include "node/gate.h"
#include "node/transport.h"
#include "outer/share.h"

enum {
	ENTRIES_MAX =
		2048, /* more than look-ups can be open: one that is not in use can always go */
	LOOKUP_MS = 10000,
	LEAST_S = 60, /* however short an answer says it lives */
	MOST_S = 3600,
	FAILED_S = 30,
	POSH_FAILED_S = 300,
};

#define NO_NAME "domain has no A-label form"

enum state { UNKNOWN, ASKED, KNOWN };

struct entry {
	struct list used; /* in evidence.used */
	struct evidence *owner;
	struct str domain;
	struct list waiters;
	struct {
		enum state state;
		bool outdated; /* while it was looked up, the resolver was exchanged */
		uint64_t until;
		struct net_dane_lookup *lookup;
		struct share *share; /* of the look-up */
		struct net_dane *answer;
	} dane;
	struct {
		enum state state;
		uint64_t until;
		struct net_posh_fetch *fetch;
		struct share *share; /* of the fetch */
		const char *error;
		struct net_posh_doc *doc;
	} posh;
};

struct waiter {
	struct list in_entry;
	struct waiter *next; /* of the same transport */
	struct entry *entry;
	struct transport *transport;
};

struct evidence {
	struct node *node;
	struct net_resolver *resolver;
	struct net_tls *https;
	struct table entries;
	struct list used; /* longest unused first */
	struct shares *shares;
};

/* --- entries --- */

static void end_share(struct entry *x, struct share **share)
{
	share_give(*share, net_now(x->owner->node->loop));
	*share = NULL;
}

static void entry_free(struct entry *x)
{
	struct evidence *e = x->owner;

	check(list_empty(&x->waiters));
	net_dane_cancel(x->dane.lookup);
	net_posh_cancel(x->posh.fetch);
	end_share(x, &x->dane.share);
	end_share(x, &x->posh.share);
	net_dane_free(x->dane.answer);
	free(x->posh.doc);
	table_remove(&e->entries, x->domain);
	list_remove(&x->used);
	str_free(&x->domain);
	free(x);
}

static bool is_idle(const struct entry *x)
{
	return list_empty(&x->waiters) && !x->dane.lookup && !x->posh.fetch;
}

static void make_room(struct evidence *e)
{
	if (e->entries.count < ENTRIES_MAX)
		return;
	LIST_EACH (&e->used, it) {
		struct entry *x = LIST_OWNER(it, struct entry, used);
		if (is_idle(x)) {
			entry_free(x);
			return;
		}
	}
}

static struct entry *entry_get(struct evidence *e, struct str domain)
{
	struct entry *x = table_find(&e->entries, domain);

	if (x) {
		list_remove(&x->used);
	} else {
		make_room(e);
		x = calloc(1, sizeof(*x));
		check(x);
		x->owner = e;
		x->domain = str_dup(domain);
		list_init(&x->waiters);
		list_init(&x->used);
		table_set(&e->entries, x->domain, x);
	}
	list_append(&e->used, &x->used);
	return x;
}

/* --- waiting --- */

static void wait_for(struct entry *x, struct transport *t)
{
	struct waiter **mine = (struct waiter **)transport_evidence(t);

	for (struct waiter *w = *mine; w; w = w->next) {
		if (w->entry == x && !list_empty(&w->in_entry))
			return;
	}
	struct waiter *w = calloc(1, sizeof(*w));
	check(w);
	*w = (struct waiter){ .next = *mine, .entry = x, .transport = t };
	list_append(&x->waiters, &w->in_entry);
	*mine = w;
}

static void waiter_free(struct waiter *w)
{
	struct waiter **at = (struct waiter **)transport_evidence(w->transport);

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	list_remove(&w->in_entry);
	free(w);
}

void evidence_forget(struct evidence *e, struct transport *t)
{
	struct waiter **mine = (struct waiter **)transport_evidence(t);

	while (*mine)
		waiter_free(*mine);
}

/* Each is told once. Those that ask for more meanwhile wait for that, not for this. */
static void tell(struct entry *x)
{
	struct list *last = x->waiters.prev, *it;
	bool more = !list_empty(&x->waiters);

	while (more && (it = list_first(&x->waiters))) {
		struct waiter *w = LIST_OWNER(it, struct waiter, in_entry);
		struct transport *t = w->transport;
		more = it != last;
		waiter_free(w);
		transport_proved(t);
	}
}

static uint64_t until(const struct entry *x, uint64_t s)
{
	s = s < LEAST_S ? LEAST_S : s > MOST_S ? MOST_S : s;
	return net_now(x->owner->node->loop) + s * 1000;
}

/* --- DANE --- */

static void on_dane(void *user, struct net_dane *d)
{
	struct entry *x = user;
	bool failed = d->failed;

	for (size_t i = 0; i < d->n; i++)
		failed = failed || d->servers[i].failed;
	end_share(x, &x->dane.share);
	x->dane.lookup = NULL;
	net_dane_free(x->dane.answer);
	x->dane.answer = d;
	x->dane.state = KNOWN;
	x->dane.until =
		failed ? net_now(x->owner->node->loop) + FAILED_S * 1000 : until(x, d->ttl_s);
	if (x->dane.outdated)
		x->dane.until = 0;
	x->dane.outdated = false;
	tell(x);
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

/* Is the answer there? Asks for it when it is not, or too old; an old answer is better than none. */
static enum state need_dane(struct entry *x, const struct share_user *user, const char **ret_why)
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
	return x->dane.state;
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

static struct proof_answer ask_dane(struct entry *x, struct transport *t, struct str us)
{
	const struct share_user user = user_of(t, us);
	const char *why = NULL;

	switch (need_dane(x, &user, &why)) {
	case KNOWN:
		return judge_dane(x, t);
	case ASKED:
		wait_for(x, t);
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

	end_share(x, &x->posh.share);
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
	x->posh.until = now + s * 1000;
	tell(x);
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
		return x->posh.state;
	*ret_why = NO_NAME;
	if (to_ascii(x->domain, &a, &ascii))
		x->posh.share = begin_share(x, *user, ascii, ret_why);
	if (x->posh.share) {
		x->posh.fetch = net_posh_fetch(e->resolver, &settings, ascii, on_posh, x);
		x->posh.state = ASKED;
	}
	arena_done(&a);
	return x->posh.state;
}

static struct proof_answer judge_posh(const struct entry *x, struct transport *t)
{
	if (x->posh.error)
		return (struct proof_answer){ PROOF_SILENT, x->posh.error };
	if (net_conn_posh(transport_conn(t), x->posh.doc))
		return (struct proof_answer){ PROOF_YES, NULL };
	return (struct proof_answer){ PROOF_NO, "POSH names other certificates" };
}

static struct proof_answer ask_posh(struct entry *x, struct transport *t, struct str us)
{
	const struct share_user user = user_of(t, us);
	const char *why = NULL;

	switch (need_posh(x, &user, &why)) {
	case KNOWN:
		return judge_posh(x, t);
	case ASKED:
		wait_for(x, t);
		return (struct proof_answer){ PROOF_PENDING, NULL };
	case UNKNOWN:
	default:
		return (struct proof_answer){ PROOF_NO, why };
	}
}

/* --- the whole --- */

void evidence_ask(struct evidence *e, struct transport *t, struct str us, struct str them,
	unsigned wanted, struct proof_table *table)
{
	struct entry *x = entry_get(e, them);

	if (wanted & CONFIG_DANE)
		table->by[POLICY_PROOF_DANE] = ask_dane(x, t, us);
	if (wanted & CONFIG_POSH)
		table->by[POLICY_PROOF_POSH] = ask_posh(x, t, us);
}

void evidence_expect(struct evidence *e, struct str us, struct str them)
{
	const struct share_user user = { .us = us };
	const char *why;

	need_dane(entry_get(e, them), &user, &why);
}

static const char *dane_state(const struct net_dane_server *s)
{
	return s->failed ? "failed" : s->n ? "records" : "none";
}

void evidence_describe(struct evidence *e, struct str them, struct json *j)
{
	const struct entry *x = table_find(&e->entries, them);

	if (!x)
		return;
	if (x->dane.state == KNOWN) {
		json_array(j, "dane");
		for (size_t i = 0; i < x->dane.answer->n; i++) {
			const struct net_dane_server *s = &x->dane.answer->servers[i];
			json_object(j, NULL);
			json_cstr(j, "host", s->host);
			json_u64(j, "port", s->port);
			json_cstr(j, "state", dane_state(s));
			json_u64(j, "records", s->n);
			json_end(j);
		}
		json_end(j);
		json_bool(j, "dns_failed", x->dane.answer->failed);
	}
	if (x->posh.state == KNOWN)
		json_cstr(j, "posh", x->posh.error ? x->posh.error : "a document with digests");
}

struct evidence *evidence_new(struct node *n, struct net_resolver *r, struct net_tls *https)
{
	struct evidence *e = calloc(1, sizeof(*e));

	check(e);
	e->node = n;
	e->resolver = r;
	e->https = https ? net_tls_ref(https) : NULL;
	e->shares = shares_new(&share_limits_default);
	table_init(&e->entries);
	list_init(&e->used);
	return e;
}

void evidence_refresh(struct evidence *e, struct net_tls *https)
{
	net_tls_unref(e->https);
	e->https = https ? net_tls_ref(https) : NULL;
	LIST_EACH (&e->used, it) {
		struct entry *x = LIST_OWNER(it, struct entry, used);
		x->dane.until = x->posh.until = 0;
		x->dane.outdated = x->dane.lookup;
	}
}

/* No transport waits any more, or will ever ask again. */
static void drop_waiters(struct entry *x)
{
	struct list *it;

	while ((it = list_first(&x->waiters)))
		waiter_free(LIST_OWNER(it, struct waiter, in_entry));
}

void evidence_free(struct evidence *e)
{
	struct list *it;

	if (!e)
		return;
	while ((it = list_first(&e->used))) {
		struct entry *x = LIST_OWNER(it, struct entry, used);
		drop_waiters(x);
		entry_free(x);
	}
	table_done(&e->entries);
	shares_free(e->shares);
	net_tls_unref(e->https);
	free(e);
}
