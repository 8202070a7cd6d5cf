/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the lease table that several inners share, one at a time for each pair and a limited number in all,
 * and what the table answers. Only LINK_WON counts. A question without an answer may have been
 * granted or may be later; the next one for its pair finds out, since both expect the same revision.
 */
#include <stdlib.h>

#include "base/check.h"
#include "link/lease.h"
#include "link/tx.h"

enum { NUMBER_BITS = RX_SLOT_BITS, DOUBTS_MAX = 3 };

struct expelled {
	struct str node;
	uint64_t boot;
};

/* What is known. */

struct tx_lease *tx_lease_of(struct link_tx *tx)
{
	struct tx_lease *le = tx->lease;

	if (le)
		return le;
	le = calloc(1, sizeof(*le));
	check(le);
	le->tx = tx;
	list_init(&le->queue);
	list_init(&le->overdue.link);
	list_init(&le->retry.link);
	list_init(&le->seal.link);
	list_init(&le->stay.link);
	tx->lease = le;
	return le;
}

bool tx_asking(const struct link_tx *tx)
{
	return tx->lease && (tx->lease->ticket || !list_empty(&tx->lease->queue));
}

static void count(struct link_tx *tx)
{
	struct tx_lease *le = tx->lease;
	bool counts = le->row || tx_asking(tx);

	if (counts && !le->counted)
		tx->l->n_leases++;
	if (!counts && le->counted)
		tx->l->n_leases--;
	le->counted = counts;
}

bool tx_keeps_held(const struct link_tx *tx, const struct lease *entry)
{
	const struct link_peer *p = tx->lease->held;
	const struct lease_holder *row = lease_holder(entry, tx->l->set.node);

	return p && row && row->boot == tx->l->set.boot_id && str_eq(entry->owner, p->id);
}

static void set_known(struct link_tx *tx, struct str value, uint64_t revision, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	struct lease entry;
	/* The table is not the one that it was. */
	bool older = revision < le->revision && !str_eq(value, le->value);

	tx_stay_news(tx, value, now);
	str_free(&le->value);
	le->value = str_dup(value);
	le->revision = revision;
	le->known_at = now;
	le->doubts = 0;
	bool good = lease_read(value, &entry);
	le->row = good && lease_holder(&entry, tx->l->set.node);
	if (older || !good || !tx_keeps_held(tx, &entry))
		le->held = NULL;
}

/* Questions. */

static void send_question(struct link_tx *tx, uint64_t now)
{
	struct link *l = tx->l;
	struct tx_lease *le = tx->lease;

	l->n_asked++;
	le->ticket = ++l->questions << NUMBER_BITS | tx->number;
	timer_start(&l->ask_timers, &le->overdue, now + l->set.table_ms);
	l->ops.ask(l->user, le->ticket, tx->name.pair, le->expected, le->replaced, le->asked);
}

void tx_ask(struct link_tx *tx, const struct lease *entry, uint64_t epoch, struct link_peer *then,
	uint64_t now)
{
	struct link *l = tx->l;
	struct tx_lease *le = tx->lease;
	struct buf value;

	check(!tx_asking(tx));
	buf_init(&value, LEASE_BYTES_MAX);
	if (entry)
		lease_write(entry, &value);
	str_free(&le->asked);
	le->asked = str_dup(buf_bytes(&value));
	buf_done(&value);
	str_free(&le->replaced);
	le->replaced = str_dup(le->value);
	le->expected = le->revision;
	le->epoch = epoch;
	le->then = then;
	le->was_held = le->held;
	if (!entry || !tx_keeps_held(tx, entry))
		le->held = NULL;
	list_remove(&le->retry.link);
	if (l->n_asked < l->set.table_asks)
		send_question(tx, now);
	else
		list_append(&l->unasked, &le->queue);
	count(tx);
}

void tx_ask_later(struct link_tx *tx, uint64_t now)
{
	if (!timer_armed(&tx->lease->retry))
		timer_start(
			&tx->l->retry_timers, &tx->lease->retry, now + tx->l->set.table_retry_ms);
}

static void end_question(struct link_tx *tx)
{
	struct tx_lease *le = tx->lease;

	if (le->ticket)
		tx->l->n_asked--;
	le->ticket = 0;
	list_remove(&le->queue);
	list_remove(&le->overdue.link);
}

static void ask_next(struct link *l, uint64_t now)
{
	while (!list_empty(&l->unasked) && l->n_asked < l->set.table_asks) {
		struct tx_lease *le = LIST_OWNER(l->unasked.next, struct tx_lease, queue);
		list_remove(&le->queue);
		send_question(le->tx, now);
	}
}

void tx_lease_free(struct link_tx *tx)
{
	struct tx_lease *le = tx->lease;

	if (!le)
		return;
	end_question(tx);
	le->row = false;
	count(tx);
	list_remove(&le->retry.link);
	list_remove(&le->seal.link);
	tx_stay_done(le);
	str_free(&le->value);
	str_free(&le->asked);
	str_free(&le->replaced);
	free(le);
	tx->lease = NULL;
}

/* Answers. */

static void unanswered(struct link_tx *tx, uint64_t now)
{
	end_question(tx);
	tx->l->table_down = true;
	tx_ask_later(tx, now);
	count(tx);
}

/* As if there had been no question. */
static void unasked(struct link_tx *tx, uint64_t now)
{
	struct tx_lease *le = tx->lease;

	if (le->revision == le->expected && str_eq(le->value, le->replaced))
		le->held = le->was_held;
	unanswered(tx, now);
}

/* Has the watch told what others made of the entry since we changed it? */
static bool overtaken(const struct tx_lease *le, uint64_t revision)
{
	return le->revision > (le->asked.len ? revision : le->expected);
}

static void won(struct link_tx *tx, uint64_t revision, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	struct str value = le->asked;
	bool late = overtaken(le, revision);

	if (le->then)
		le->held = le->then;
	le->asked = (struct str){ 0 };
	if (!late)
		set_known(tx, value, revision, now);
	str_free(&value);
	count(tx);
	if (late)
		tx_entry_changed(tx, now);
	else
		tx_entry_won(tx, now);
}

static uint64_t epoch_of(struct str value)
{
	struct lease entry;

	return lease_read(value, &entry) ? entry.epoch : 0;
}

/*
 * Is this a later entry than the known one? Its epoch tells, which grows with each change: the table may number anew
 * what it keeps (net/kv_bucket.c), and then what is old has a high revision. The revision tells of an entry that was
 * removed and made anew, by a slower clock perhaps, which does not happen to one with our row.
 */
static bool is_news(const struct tx_lease *le, uint64_t revision, struct str value)
{
	uint64_t epoch = epoch_of(value), known = epoch_of(le->value);

	return epoch > known || (revision > le->revision && (epoch == known || !le->row));
}

static void lost(struct link_tx *tx, uint64_t revision, struct str value, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	/* The watch has told why, before the answer came. */
	bool told = le->revision != le->expected;
	/* Of an entry that was removed there is no revision; ours nobody removes. */
	bool gone = revision == 0 && !le->row && !told;
	bool renumbered = revision && revision != le->revision && str_eq(value, le->value);
	bool changed =
		is_news(le, revision, value) || renumbered || gone || le->doubts == DOUBTS_MAX;

	if (changed)
		set_known(tx, value, revision, now);
	count(tx);
	if (changed || told) {
		tx_entry_changed(tx, now);
		return;
	}
	/* The answer is out of date, or the table is not the one that it was. */
	le->doubts++;
	tx_ask_later(tx, now);
}

void link_answered(struct link *l, uint64_t ticket, enum link_answer answer, uint64_t revision,
	struct str value, uint64_t now)
{
	uint64_t number = ticket & (((uint64_t)1 << NUMBER_BITS) - 1);
	struct link_tx *tx = number < l->n_numbers ? l->tx_by_number[number] : NULL;

	if (!tx || !tx->lease || tx->lease->ticket != ticket) {
		/* Late: of no question any more, but no worse than what the watch tells. */
		if (answer == LINK_LOST)
			link_told(l, revision, value, now);
		return;
	}
	if (answer == LINK_UNASKED) {
		unasked(tx, now);
	} else if (answer == LINK_UNAVAILABLE) {
		unanswered(tx, now);
	} else {
		end_question(tx);
		l->table_down = false;
		if (answer == LINK_WON)
			won(tx, revision, now);
		else
			lost(tx, revision, value, now);
	}
	ask_next(l, now);
}

/* What others wrote may fill half of the channels; the other half is for who has something to send. */
static bool has_channels(const struct link *l)
{
	return l->n_numbers - l->n_free < l->set.channels_max / 2;
}

void link_told(struct link *l, uint64_t revision, struct str value, uint64_t now)
{
	struct lease entry;

	if (!lease_read(value, &entry))
		return;
	struct link_tx *tx = tx_find(l, entry.pair);
	/* A row of ours of which no channel knows: a question granted late, or a process before this one. */
	if (tx_shared(l) && !(tx && tx->lease) && lease_holder(&entry, l->set.node) &&
		(tx || has_channels(l))) {
		tx = tx_get(l, entry.pair, now);
		if (tx)
			tx_lease_of(tx);
	}
	if (!tx || !tx->lease || !is_news(tx->lease, revision, value))
		return;
	set_known(tx, value, revision, now);
	count(tx);
	if (!tx_asking(tx))
		tx_entry_changed(tx, now);
}

void tx_table_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	while ((t = timer_due(&l->ask_timers, now)))
		unanswered(LIST_OWNER(t, struct tx_lease, overdue)->tx, now);
	while ((t = timer_due(&l->retry_timers, now))) {
		struct link_tx *tx = LIST_OWNER(t, struct tx_lease, retry)->tx;
		/* One at a time tries whether the table is back. */
		if (l->table_down && l->n_asked)
			tx_ask_later(tx, now);
		else
			tx_seek_again(tx, now);
	}
	ask_next(l, now);
}

/* Inners that are gone. */

bool tx_expelled(const struct link *l, struct str node, uint64_t boot)
{
	for (size_t i = 0; i < l->n_expelled; i++) {
		if (l->expelled[i].boot == boot && str_eq(l->expelled[i].node, node))
			return true;
	}
	return false;
}

void link_expel(struct link *l, struct str inner, uint64_t boot, uint64_t now)
{
	if (str_eq(inner, l->set.node) || tx_expelled(l, inner, boot))
		return;
	l->expelled = realloc(l->expelled, (l->n_expelled + 1) * sizeof(*l->expelled));
	check(l->expelled);
	l->expelled[l->n_expelled++] = (struct expelled){ str_dup(inner), boot };
	LIST_EACH (&l->txs, it) {
		struct link_tx *tx = LIST_OWNER(it, struct link_tx, link);
		if (!tx->lease)
			continue;
		bool stayed = tx_stays(tx);
		tx_stay_expelled(tx);
		if ((!tx->owner || stayed) && !tx_asking(tx))
			tx_entry_changed(tx, now);
	}
}

void tx_table_done(struct link *l)
{
	for (size_t i = 0; i < l->n_expelled; i++)
		str_free(&l->expelled[i].node);
	free(l->expelled);
}
