/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry a domain, in a table of bounded size; the longest unused goes first. A transport that was told
 * "pending" is a waiter of the entry; it is told once, and asks again.
 */
#include "outer/evidence.h"

#include <stdlib.h>

#include "base/check.h"
#include "node/transport.h"
#include "outer/evidence_int.h"

/* More than look-ups can be open: one that is not in use can always go. */
enum { ENTRIES_MAX = 2048 };

/* --- entries --- */

void entry_end_share(struct entry *x, struct share **share)
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
	entry_end_share(x, &x->dane.share);
	entry_end_share(x, &x->posh.share);
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

void entry_wait(struct entry *x, struct transport *t)
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
void entry_tell(struct entry *x)
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

/* --- the whole --- */

void evidence_ask(struct evidence *e, struct transport *t, struct str us, struct str them,
	unsigned wanted, struct proof_table *table)
{
	struct entry *x = entry_get(e, them);

	if (wanted & CONFIG_DANE)
		table->by[POLICY_PROOF_DANE] = look_dane(x, t, us);
	if (wanted & CONFIG_POSH)
		table->by[POLICY_PROOF_POSH] = look_posh(x, t, us);
}

void evidence_expect(struct evidence *e, struct str us, struct str them)
{
	const struct share_user user = { .us = us };
	const char *why;

	look_for_dane(entry_get(e, them), &user, &why);
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
		x->posh.outdated = x->posh.fetch;
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
