/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sending channel: records wait here until the far node took them.
 *
 *	 una            send            high            next
 *	  | in flight    | to send again | never sent    |
 *
 * (send is below high only after a rewind.) A channel with records is in one of three
 * places: it has an owner, or it is an orphan (no node for it now: wait, for queue_age_ms at most),
 *or it is due (no node can reach the pair: its records go back at the next tick).
 */
#include <stdlib.h>

#include "base/check.h"
#include "link/engine.h"

enum { BURST_RECORDS = 16, BURST_BYTES = 32768, ORPHAN_LOOK_MS = 1000 };

/* The nodes that said that they cannot reach this pair, and what the last of them said. */
struct tx_refusals {
	unsigned condition;
	size_t text_len;
	char text[TEXT_BYTES_MAX];
	size_t n;
	struct {
		const struct link_peer *peer;
		uint64_t until;
	} by[];
};

struct overflow {
	struct list link;
	struct pair_name name;
	uint64_t trace;
	struct str record;
};

static struct link_tx *owned_tx(struct list *it)
{
	return LIST_OWNER(it, struct link_tx, owned);
}

/* Moves all members of from to the empty list to. */
static void list_move(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/* Birth and end. */

struct link_tx *tx_find(const struct link *l, struct link_pair pair)
{
	char space[PAIR_KEY_MAX];

	return table_find(&l->tx_by_pair, pair_key(pair, space));
}

static bool take_number(struct link *l, uint32_t *ret_number)
{
	if (l->n_free) {
		*ret_number = l->free_numbers[--l->n_free];
		return true;
	}
	if (l->n_numbers == l->set.channels_max)
		return false;
	if (l->n_numbers == l->cap_numbers) {
		l->cap_numbers = l->cap_numbers ? l->cap_numbers * 2 : 64;
		l->tx_by_number =
			realloc(l->tx_by_number, l->cap_numbers * sizeof(struct link_tx *));
		l->free_numbers = realloc(l->free_numbers, l->cap_numbers * sizeof(uint32_t));
		check(l->tx_by_number && l->free_numbers);
	}
	*ret_number = (uint32_t)l->n_numbers++;
	return true;
}

struct link_tx *tx_get(struct link *l, struct link_pair pair, uint64_t now)
{
	struct link_tx *tx = l->last_tx;
	uint32_t number;

	if (tx && str_eq(tx->name.pair.foreign, pair.foreign) &&
		str_eq(tx->name.pair.local, pair.local))
		return tx;
	tx = tx_find(l, pair);
	if (tx)
		l->last_tx = tx;
	if (tx || !take_number(l, &number))
		return tx;
	tx = calloc(1, sizeof(*tx));
	check(tx);
	tx->l = l;
	tx->number = number;
	l->tx_by_number[number] = tx;
	pair_name_init(&tx->name, pair);
	table_set(&l->tx_by_pair, tx->name.key, tx);
	list_append(&l->txs, &tx->link);
	list_init(&tx->owned);
	list_init(&tx->ready);
	list_init(&tx->stall.link);
	list_init(&tx->idle.link);
	fifo_init(&tx->q);
	tx->una = tx->send = tx->high = tx->next = l->seq_base;
	tx->have = tx->una - 1;
	tx->used_at = now;
	timer_start(&l->tx_idle_timers, &tx->idle, now + l->set.idle_ms);
	return tx;
}

void tx_free(struct link_tx *tx)
{
	struct link *l = tx->l;

	/* A later channel of this pair counts on, so that the far node cannot mix them up. */
	if (tx->next > l->seq_base)
		l->seq_base = tx->next;
	if (l->last_tx == tx)
		l->last_tx = NULL;
	l->tx_records -= tx->q.count;
	l->tx_by_number[tx->number] = NULL;
	l->free_numbers[l->n_free++] = tx->number;
	table_remove(&l->tx_by_pair, tx->name.key);
	list_remove(&tx->link);
	list_remove(&tx->owned);
	list_remove(&tx->ready);
	list_remove(&tx->stall.link);
	list_remove(&tx->idle.link);
	fifo_done(&tx->q, &l->pool);
	pair_name_done(&tx->name);
	free(tx->refusals);
	free(tx);
}

void tx_done(struct link *l)
{
	LIST_EACH_SAFE (&l->txs, it)
		tx_free(LIST_OWNER(it, struct link_tx, link));
	LIST_EACH_SAFE (&l->overflow, it) {
		struct overflow *o = LIST_OWNER(it, struct overflow, link);
		pair_name_done(&o->name);
		str_free(&o->record);
		free(o);
	}
	free(l->tx_by_number);
	free(l->free_numbers);
	table_done(&l->tx_by_pair);
	fifo_pool_done(&l->pool);
}

/* The queue. */

bool tx_has_room(const struct link_tx *tx)
{
	return tx->q.count < tx->l->set.window_records && tx->q.bytes < tx->l->set.window_bytes;
}

void tx_append(struct link_tx *tx, uint64_t trace, uint8_t proof, struct str record, uint64_t now)
{
	fifo_append(&tx->q, &tx->l->pool, record, trace, proof, now);
	tx->next++;
	tx->l->tx_records++;
	tx->used_at = now;
}

void tx_overflow(struct link *l, struct link_pair pair, uint64_t trace, struct str record)
{
	struct overflow *o = calloc(1, sizeof(*o));

	check(o);
	pair_name_init(&o->name, pair);
	o->trace = trace;
	o->record = str_dup(record);
	list_append(&l->overflow, &o->link);
}

/* The oldest record leaves: it was taken, or (condition not 0) goes back to the program. */
static void settle(struct link_tx *tx, unsigned condition, struct str text)
{
	struct link *l = tx->l;
	struct fifo_record *r = fifo_head(&tx->q);

	if (tx->send == tx->una)
		tx->send++;
	else
		tx->sent_bytes -= r->len;
	tx->una++;
	if (tx->high < tx->una)
		tx->high = tx->una;
	if (tx->have < tx->una - 1)
		tx->have = tx->una - 1;
	l->tx_records--;
	struct fifo_chunk *chunk = fifo_pop(&tx->q);
	if (!condition) {
		tx->acked++;
	} else {
		tx->rejected++;
		l->ops.undelivered(l->user, tx->name.pair, r->trace, str_from(r->bytes, r->len),
			condition, text);
	}
	fifo_release(&l->pool, chunk);
}

static void wake_program(struct link_tx *tx)
{
	if (!tx->blocked || !tx_has_room(tx))
		return;
	tx->blocked = false;
	tx->l->ops.writable(tx->l->user, tx->name.pair);
}

/* Moves the send pointer to seq (una to high). */
static void rewind_to(struct link_tx *tx, uint64_t seq)
{
	fifo_rewind(&tx->q);
	tx->send = tx->una;
	tx->sent_bytes = 0;
	while (tx->send < seq) {
		tx->sent_bytes += fifo_peek(&tx->q)->len;
		fifo_advance(&tx->q);
		tx->send++;
	}
}

/* Behind what the owner has received. */
static void skip_received(struct link_tx *tx)
{
	while (tx->send <= tx->have) {
		tx->sent_bytes += fifo_peek(&tx->q)->len;
		fifo_advance(&tx->q);
		tx->send++;
	}
}

/* Sending. */

bool tx_sendable(const struct link_tx *tx)
{
	const struct link_peer *p = tx->owner;

	if (!p || p->state != PEER_UP)
		return false;
	if (tx->need_open)
		return true;
	/* A node that drains gets no new records, only repetitions. */
	if (tx->send >= (p->draining ? tx->high : tx->next))
		return false;
	return tx->send - tx->una < p->limits.window_records &&
	       tx->sent_bytes < p->limits.window_bytes;
}

void tx_make_ready(struct link_tx *tx)
{
	if (list_empty(&tx->ready) && tx_sendable(tx))
		list_append(&tx->owner->ready, &tx->ready);
}

static size_t send_one(struct link_tx *tx)
{
	struct fifo_record *r = fifo_peek(&tx->q);

	frame_data(tx->owner, tx->number, tx->epoch, tx->send, tx->una, r->proof, r->trace,
		str_from(r->bytes, r->len));
	fifo_advance(&tx->q);
	tx->sent_bytes += r->len;
	if (tx->send < tx->high)
		tx->resent++;
	else
		tx->sent++;
	tx->send++;
	if (tx->high < tx->send)
		tx->high = tx->send;
	return r->len;
}

void tx_burst(struct link_tx *tx, uint64_t now)
{
	size_t bytes = 0;

	if (tx->send == tx->una)
		tx->progress_at = now;
	if (tx->need_open) {
		tx->need_open = false;
		frame_open(tx->owner, tx->number, tx->epoch, tx->confirmed ? 0 : tx->una,
			tx->expect, tx->name.pair.local, tx->name.pair.foreign);
		tx->expect = false;
	}
	for (unsigned n = 0; n < BURST_RECORDS && bytes < BURST_BYTES && tx_sendable(tx); n++)
		bytes += send_one(tx);
	if (tx->send > tx->una && !timer_armed(&tx->stall))
		timer_start(&tx->l->stall_timers, &tx->stall, now + tx->l->set.stall_ms / 4);
}

static void go_on(struct link_tx *tx, uint64_t now)
{
	tx_make_ready(tx);
	if (tx->owner)
		peer_pump(tx->owner, now);
}

/* Owners. */

static bool refused_by(const struct link_tx *tx, const struct link_peer *p, uint64_t now)
{
	for (size_t i = 0; tx->refusals && i < tx->refusals->n; i++) {
		if (tx->refusals->by[i].until > now && (!p || tx->refusals->by[i].peer == p))
			return true;
	}
	return false;
}

static void refuse(
	struct link_tx *tx, const struct link_peer *p, const struct frame_report *r, uint64_t now)
{
	struct tx_refusals *no = tx->refusals;
	size_t i = 0;

	while (no && i < no->n && no->by[i].peer != p)
		i++;
	if (!no || i == no->n) {
		no = realloc(no, sizeof(*no) + (i + 1) * sizeof(no->by[0]));
		check(no);
		no->n = i + 1;
		tx->refusals = no;
	}
	no->by[i].peer = p;
	no->by[i].until = now + tx->l->set.refusal_ms;
	no->condition = r->condition ? r->condition : tx->l->set.cond_timeout;
	no->text_len = r->text.len;
	memcpy(no->text, r->text.p, r->text.len);
}

void tx_forget_refusals(struct link_peer *p)
{
	LIST_EACH (&p->l->txs, it) {
		struct tx_refusals *no = LIST_OWNER(it, struct link_tx, link)->refusals;
		for (size_t i = 0; no && i < no->n; i++) {
			if (no->by[i].peer == p)
				no->by[i].until = 0;
		}
	}
}

static size_t list_live(struct link_tx *tx, uint64_t now)
{
	struct link *l = tx->l;
	size_t n = 0;

	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		bool serves = l->set.role == LINK_INNER || link_peer_serves(p, tx->name.pair.local);
		if (p->state == PEER_UP && !p->draining && serves &&
			tx->number < p->limits.channels && !refused_by(tx, p, now))
			l->live[n++] = p;
	}
	return n;
}

static void set_owner(struct link_tx *tx, struct link_peer *p, uint64_t now)
{
	struct link *l = tx->l;
	uint64_t wall = l->ops.wall_ms(l->user);

	l->epoch = wall > l->epoch ? wall : l->epoch + 1;
	tx->epoch = l->epoch;
	tx->owner = p;
	tx->have = tx->una - 1;
	tx->need_open = true;
	tx->confirmed = false;
	tx->progress_at = now;
	tx->probe_gap = l->set.stall_ms;
	rewind_to(tx, tx->una);
	list_append(&p->owned, &tx->owned);
	go_on(tx, now);
}

static void release(struct link_tx *tx)
{
	list_remove(&tx->owned);
	list_remove(&tx->ready);
	tx->owner = NULL;
	tx->waiting = false;
	tx->need_open = false;
	rewind_to(tx, tx->una);
}

void tx_assign(struct link_tx *tx, uint64_t now)
{
	struct link *l = tx->l;
	size_t n = list_live(tx, now);
	struct link_peer *p = n ? l->ops.choose(l->user, tx->name.pair, l->live, n) : NULL;

	if (p) {
		check(p->l == l && p->state == PEER_UP);
		set_owner(tx, p, now);
	} else if (tx->q.count) {
		tx->waiting = true;
		list_append(refused_by(tx, NULL, now) ? &l->due : &l->orphans, &tx->owned);
	} else {
		tx->expect = false;
	}
}

static void reassign(struct link_tx *tx, uint64_t now)
{
	release(tx);
	if (tx->q.count || tx->expect)
		tx_assign(tx, now);
}

void tx_release_all(struct link_peer *p, uint64_t now)
{
	struct list all;

	list_move(&p->owned, &all);
	while (!list_empty(&all))
		reassign(owned_tx(all.next), now);
}

static void drain_step(struct link_tx *tx, uint64_t now)
{
	if (tx->owner && tx->owner->draining && tx->una >= tx->high)
		reassign(tx, now);
}

void tx_drain_all(struct link_peer *p, uint64_t now)
{
	LIST_EACH_SAFE (&p->owned, it)
		drain_step(owned_tx(it), now);
}

void tx_resume_all(struct link_peer *p, uint64_t now)
{
	LIST_EACH (&p->owned, it) {
		struct link_tx *tx = owned_tx(it);
		/* Acknowledgements may have been lost with the connection: ask for them. */
		if (tx->send > tx->una) {
			tx->need_open = true;
			rewind_to(tx, tx->have + 1);
		}
		tx_make_ready(tx);
	}
	peer_pump(p, now);
}

void tx_retry_orphans(struct link *l, uint64_t now)
{
	struct list all;

	list_move(&l->orphans, &all);
	while (!list_empty(&all))
		reassign(owned_tx(all.next), now);
}

/* What the far node says. */

/* The channel that a report is about; NULL with FAULT_NONE: a channel or epoch of the past. */
static struct link_tx *reported(
	struct link_peer *p, const struct frame_report *r, enum link_fault *ret_fault)
{
	struct link *l = p->l;

	*ret_fault = FAULT_NONE;
	if (r->channel >= l->n_numbers)
		*ret_fault = FAULT_CHANNEL;
	else if (r->epoch > l->epoch || r->have < r->taken)
		*ret_fault = FAULT_ACK;
	if (*ret_fault)
		return NULL;
	struct link_tx *tx = l->tx_by_number[r->channel];
	if (!tx || tx->owner != p || tx->epoch != r->epoch)
		return NULL;
	if (r->have >= tx->high)
		*ret_fault = FAULT_ACK;
	return *ret_fault ? NULL : tx;
}

static void apply(struct link_tx *tx, const struct frame_report *r, uint64_t now)
{
	size_t i = 0;

	tx->used_at = now;
	tx->confirmed |= r->why != NAK_UNKNOWN && r->why != NAK_FORGOTTEN;
	if (r->taken >= tx->una || r->have > tx->have)
		tx->progress_at = now;
	while (tx->una <= r->taken) {
		while (i < r->n_rejects && r->rejects[i].seq < tx->una)
			i++;
		if (i < r->n_rejects && r->rejects[i].seq == tx->una) {
			unsigned condition = r->rejects[i].condition;
			settle(tx, condition ? condition : tx->l->set.cond_internal,
				r->rejects[i].text);
		} else {
			settle(tx, 0, STRL(""));
		}
	}
	if (r->have > tx->have)
		tx->have = r->have;
	skip_received(tx);
	wake_program(tx);
	drain_step(tx, now);
}

enum link_fault tx_on_ack(struct link_peer *p, const union frame *f, uint64_t now)
{
	enum link_fault fault;
	struct link_tx *tx = reported(p, &f->report, &fault);

	if (!tx)
		return fault;
	apply(tx, &f->report, now);
	go_on(tx, now);
	return FAULT_NONE;
}

/* True at most once in REWIND_MS, whatever the far node asks for. */
static bool may_again(uint64_t *last, uint64_t now)
{
	if (*last && now < *last + REWIND_MS)
		return false;
	*last = now;
	return true;
}

static void answer_nak(struct link_tx *tx, const struct frame_report *r, uint64_t now)
{
	switch (r->why) {
	case NAK_GAP:
		/* Not a late one: the far node may have received more meanwhile. */
		if (r->have >= tx->have && may_again(&tx->rewound_at, now))
			rewind_to(tx, tx->have + 1);
		break;
	case NAK_UNKNOWN:
		/* Either the open was lost, or this nak is older than what confirmed the epoch. */
		if (!may_again(&tx->rewound_at, now))
			break;
		tx->need_open = true;
		if (!tx->confirmed)
			rewind_to(tx, tx->una);
		break;
	case NAK_REVOKED:
	case NAK_FORGOTTEN:
		if (may_again(&tx->renewed_at, now))
			reassign(tx, now);
		break;
	}
}

enum link_fault tx_on_nak(struct link_peer *p, const union frame *f, uint64_t now)
{
	enum link_fault fault;
	struct link_tx *tx = reported(p, &f->report, &fault);

	if (!tx)
		return fault;
	apply(tx, &f->report, now);
	/* Reports and what the program did meanwhile may have moved the channel. */
	if (tx->owner == p && tx->epoch == f->report.epoch)
		answer_nak(tx, &f->report, now);
	go_on(tx, now);
	return FAULT_NONE;
}

enum link_fault tx_on_reach(struct link_peer *p, const union frame *f, uint64_t now)
{
	enum link_fault fault;
	struct link_tx *tx = reported(p, &f->report, &fault);

	if (!tx)
		return fault;
	apply(tx, &f->report, now);
	/* One that leaves gives back what it could not deliver: no judgement of the pair. */
	if (!p->draining)
		refuse(tx, p, &f->report, now);
	if (tx->owner == p && tx->epoch == f->report.epoch)
		reassign(tx, now);
	return FAULT_NONE;
}

/* Time. */

static void hand_back_all(struct link_tx *tx, uint64_t now)
{
	const struct tx_refusals *no = tx->refusals;
	unsigned condition = no->condition;
	char text[TEXT_BYTES_MAX];
	size_t len = no->text_len;

	memcpy(text, no->text, len);
	release(tx);
	/* Not more than are here now: the program may queue others meanwhile, and they wait. */
	tx->waiting = true;
	for (unsigned n = tx->q.count; n && tx->q.count; n--)
		settle(tx, condition, str_from(text, len));
	wake_program(tx);
	tx->waiting = false;
	if (tx->q.count)
		tx_assign(tx, now);
}

static void hand_back_due(struct link *l, uint64_t now)
{
	struct list all;

	list_move(&l->due, &all);
	while (!list_empty(&all))
		hand_back_all(owned_tx(all.next), now);
	list_move(&l->overflow, &all);
	while (!list_empty(&all)) {
		struct overflow *o = LIST_OWNER(all.next, struct overflow, link);
		list_remove(&o->link);
		l->ops.undelivered(l->user, o->name.pair, o->trace, o->record, l->set.cond_busy,
			STRL("queue full"));
		pair_name_done(&o->name);
		str_free(&o->record);
		free(o);
	}
}

static void hand_back_old(struct link_tx *tx, uint64_t now)
{
	uint64_t age = tx->l->set.queue_age_ms;

	while (tx->q.count && fifo_head(&tx->q)->queued_at + age <= now)
		settle(tx, tx->l->set.cond_timeout, STRL("no node to send it to"));
	wake_program(tx);
	if (tx->waiting && tx->q.count == 0)
		release(tx);
}

static void look_at_orphans(struct link *l, uint64_t now)
{
	if (list_empty(&l->orphans) || now < l->orphans_at)
		return;
	tx_retry_orphans(l, now);
	struct list all;
	list_move(&l->orphans, &all);
	while (!list_empty(&all)) {
		struct link_tx *tx = owned_tx(all.next);
		list_remove(&tx->owned);
		list_append(&l->orphans, &tx->owned);
		hand_back_old(tx, now);
	}
	unsigned period = l->set.queue_age_ms / 8;
	l->orphans_at = now + (period > ORPHAN_LOOK_MS ? ORPHAN_LOOK_MS : period + 1);
}

static void check_stall(struct link_tx *tx, uint64_t now)
{
	unsigned stall = tx->l->set.stall_ms;

	if (tx->send == tx->una || !tx->owner || tx->owner->state != PEER_UP)
		return;
	bool moved = tx->progress_at > tx->probed_at;
	if (moved)
		tx->probe_gap = stall;
	if (now >= (moved ? tx->progress_at : tx->probed_at) + tx->probe_gap) {
		tx->probed_at = now;
		if (tx->probe_gap < stall * PROBE_SLOWEST)
			tx->probe_gap *= 2;
		tx->need_open = true;
		rewind_to(tx, tx->have + 1);
		go_on(tx, now);
	}
	timer_start(&tx->l->stall_timers, &tx->stall, now + stall / 4);
}

static void check_idle(struct link_tx *tx, uint64_t now)
{
	unsigned idle = tx->l->set.idle_ms;

	if (tx->q.count == 0 && !tx->waiting && now >= tx->used_at + idle)
		tx_free(tx);
	else
		timer_start(&tx->l->tx_idle_timers, &tx->idle, now + idle);
}

void tx_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	hand_back_due(l, now);
	look_at_orphans(l, now);
	while ((t = timer_due(&l->stall_timers, now)))
		check_stall(LIST_OWNER(t, struct link_tx, stall), now);
	while ((t = timer_due(&l->tx_idle_timers, now)))
		check_idle(LIST_OWNER(t, struct link_tx, idle), now);
}
