/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease table that the inners of a world share, as bad as a real one may be: questions are late, get lost, and are
 * granted after the one who asked has given up or died; answers get lost; what a refusal tells of
 * the entry, and what the watch tells, may be older than what stands there; at times there is no answer at all; and at
 * times it counts its revisions anew, from a lower number. What it keeps is compare-and-set by
 * revision and value, which is all that the protocol builds upon. When the faults are over it is only
 * slow: who asks gets the answer before giving up, and hears how the entry is, or nobody could promise that no
 * record starves.
 */
#include "sim_world.h"

static void push_event(struct world *w, struct table_event *e)
{
	struct table_event **place = &w->table_events;

	while (*place && (*place)->at <= e->at)
		place = &(*place)->next;
	e->next = *place;
	*place = e;
}

static struct table_event *new_question(struct world *w, enum table_kind kind, struct node *n,
	unsigned pair, uint64_t revision, struct str old, struct str value)
{
	struct table_event *e = calloc(1, sizeof(*e) + value.len + old.len);
	unsigned late = w->calm ? TABLE_MS / 2 - 1 : 60; /* question and answer together: in time */

	e->kind = kind;
	e->node = n;
	e->boot = n->boot;
	e->pair = pair;
	e->revision = revision;
	e->len = value.len;
	if (value.len)
		memcpy(e->value, value.p, value.len);
	e->old_len = old.len;
	if (old.len)
		memcpy(e->value + value.len, old.p, old.len);
	e->at = w->now + 1 + below(w, chance(w, 10) ? late : 6);
	return e;
}

static struct table_event *new_event(struct world *w, enum table_kind kind, struct node *n,
	unsigned pair, uint64_t revision, struct str value)
{
	return new_question(w, kind, n, pair, revision, STRL(""), value);
}

static bool unreachable(const struct world *w, const struct node *n)
{
	return w->table_down_until > w->now || n->table_cut_until > w->now;
}

void sim_ask(void *user, uint64_t ticket, struct link_pair pair, uint64_t revision, struct str old,
	struct str value)
{
	struct node *n = user;
	struct world *w = n->w;
	struct table_event *e =
		new_question(w, TABLE_QUESTION, n, pair_index(w, pair), revision, old, value);

	w->totals->asked++;
	e->ticket = ticket;
	if (!w->calm && chance(w, w->table_loss)) {
		free(e);
		return;
	}
	if (unreachable(w, n)) {
		/* It is refused, or waits somewhere and is granted when nobody expects it. */
		uint64_t until = w->table_down_until > n->table_cut_until ? w->table_down_until
									  : n->table_cut_until;
		if (chance(w, 70)) {
			struct table_event *no =
				new_event(w, TABLE_ANSWER, n, e->pair, 0, STRL(""));
			no->ticket = ticket;
			no->answer = chance(w, 50) ? LINK_UNASKED : LINK_UNAVAILABLE;
			push_event(w, no);
			if (no->answer == LINK_UNASKED || chance(w, 50)) {
				free(e);
				return;
			}
		}
		e->at = until + 1 + below(w, 20);
	}
	push_event(w, e);
}

static struct table_value *value_of(struct world *w, unsigned pair)
{
	return &w->table[pair].past[w->table[pair].n_past - 1];
}

struct str sim_table_value(struct world *w, unsigned pair)
{
	if (w->table[pair].n_past == 0)
		return STRL("");
	const struct table_value *v = value_of(w, pair);
	return str_from(v->bytes, v->len);
}

/* What is not there any more has none. */
static uint64_t revision_of(const struct table_value *v)
{
	return v->len ? v->revision : 0;
}

static void set_value(struct world *w, const struct table_event *e)
{
	struct table_entry *t = &w->table[e->pair];

	if (t->n_past == PAST_MAX)
		memmove(&t->past[0], &t->past[1], (--t->n_past) * sizeof(t->past[0]));
	struct table_value *v = &t->past[t->n_past++];
	v->revision = ++w->table_revision;
	v->len = e->len;
	if (e->len > sizeof(v->bytes)) {
		fail(w, "an entry is too long");
		return;
	}
	memcpy(v->bytes, e->value, e->len);
}

/* Every inner hears of the change, if it hears of it. */
static void tell_all(struct world *w, unsigned pair)
{
	const struct table_value *v = value_of(w, pair);

	for (unsigned i = 0; i < w->n_inner && v->len; i++) {
		unsigned times = w->calm || !chance(w, w->table_loss) ? 1 : 2 * below(w, 2);
		while (times--) {
			struct table_event *e = new_event(w, TABLE_NEWS, &w->nodes[i], pair,
				v->revision, str_from(v->bytes, v->len));
			push_event(w, e);
		}
	}
}

static void judge(struct world *w, struct table_event *q)
{
	struct table_entry *t = &w->table[q->pair];
	uint64_t revision = t->n_past ? revision_of(value_of(w, q->pair)) : 0;
	struct str old = str_from(q->value + q->len, q->old_len);
	bool won =
		q->revision == revision && (!revision || str_eq(old, sim_table_value(w, q->pair)));
	struct table_event *a;

	if (won) {
		set_value(w, q);
		TELL(w, "table: pair %u by %s, revision %lu", q->pair, q->node->id,
			w->table_revision);
		tell_all(w, q->pair);
		a = new_event(w, TABLE_ANSWER, q->node, q->pair, revision_of(value_of(w, q->pair)),
			STRL(""));
		a->answer = LINK_WON;
	} else {
		/* A follower's word may be old. */
		bool stale = !w->calm && chance(w, w->table_stale);
		unsigned age = stale ? below(w, t->n_past + 1) : 0;
		if (age == t->n_past) {
			a = new_event(w, TABLE_ANSWER, q->node, q->pair, 0, STRL(""));
		} else {
			const struct table_value *v = &t->past[t->n_past - 1 - age];
			a = new_event(w, TABLE_ANSWER, q->node, q->pair, revision_of(v),
				str_from(v->bytes, v->len));
		}
		a->answer = LINK_LOST;
		w->totals->asked_in_vain++;
	}
	a->ticket = q->ticket;
	a->boot = q->boot;
	if (!w->calm && (chance(w, w->table_loss) || unreachable(w, q->node)))
		free(a);
	else
		push_event(w, a);
}

static void hand_over(struct world *w, const struct table_event *e)
{
	struct node *n = e->node;
	char *copy = malloc(e->len ? e->len : 1);
	struct str value = str_from(copy, e->len);

	sim_touch(n);
	memcpy(copy, e->value, e->len);
	if (e->kind == TABLE_ANSWER)
		link_answered(n->l, e->ticket, e->answer, e->revision, value, w->now);
	else if (!unreachable(w, n))
		link_told(n->l, e->revision, value, w->now);
	free(copy);
}

void sim_run_table(struct world *w)
{
	while (w->table_events && w->table_events->at <= w->now) {
		struct table_event *e = w->table_events;
		w->table_events = e->next;
		if (e->kind == TABLE_QUESTION) {
			judge(w, e);
		} else if (e->node->l && e->node->boot == e->boot) {
			if (e->node->paused_until > w->now) {
				e->at = e->node->paused_until;
				push_event(w, e);
				continue;
			}
			hand_over(w, e);
		}
		free(e);
	}
}

/* What was told before has numbers that others will have again. */
static void count_anew(struct world *w)
{
	uint64_t less = 1 + below(w, 8);

	w->table_revision -= less < w->table_revision ? less : w->table_revision;
	for (unsigned pair = 0; pair < PAIRS_MAX; pair++) {
		struct table_value *v = w->table[pair].n_past ? value_of(w, pair) : NULL;
		if (v)
			v->revision -= less < v->revision ? less : v->revision - 1;
	}
}

void sim_table_fault(struct world *w)
{
	struct node *n = &w->nodes[below(w, w->n_inner)];

	if (chance(w, 20))
		count_anew(w);
	if (chance(w, 50))
		w->table_down_until = w->now + below(w, 300);
	else
		n->table_cut_until = w->now + below(w, 300);
	w->totals->table_faults++;
}

/* Whatever an outer writes for a pair, the entry of this moment names it, and the sender as a holder. */
void sim_check_lease(struct node *writer, const struct record *r)
{
	struct world *w = writer->w;
	const struct node *s = &w->nodes[r->sender];
	struct lease entry;

	if (!w->shared || s->role != LINK_INNER || w->alone)
		return;
	if (!lease_read(sim_table_value(w, r->pair), &entry)) {
		fail(w, "written without a lease");
		return;
	}
	const struct lease_holder *h = lease_holder(&entry, str_of(s->id));
	if (!str_is(entry.owner, writer->id))
		fail(w, "written by an outer that does not own the pair");
	else if (!h || h->boot != s->index * 1000 + r->boot)
		fail(w, "written for an inner that does not hold the pair");
}

void sim_table_done(struct world *w)
{
	while (w->table_events) {
		struct table_event *e = w->table_events;
		w->table_events = e->next;
		free(e);
	}
}
