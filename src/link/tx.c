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
#include "link/tx.h"

enum { BURST_RECORDS = 16, BURST_BYTES = 32768 };

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
	list_init(&tx->leave.link);
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
	list_remove(&tx->leave.link);
	list_remove(&tx->idle.link);
	tx_lease_free(tx);
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
		str_free(&o->out.record);
		free(o);
	}
	tx_table_done(l);
	free(l->tx_by_number);
	free(l->free_numbers);
	table_done(&l->tx_by_pair);
	fifo_pool_done(&l->pool);
}

/* The queue. */

/* At least one: an empty queue has room, as nothing would wake who waits for it. */
static unsigned window_records(const struct link *l)
{
	unsigned n = l->set.window_records / l->tight;

	return n ? n : 1;
}

static size_t window_bytes(const struct link *l)
{
	return l->set.window_bytes / l->tight;
}

bool tx_has_room(const struct link_tx *tx)
{
	return tx->q.count < window_records(tx->l) && tx->q.bytes < window_bytes(tx->l);
}

void tx_append(struct link_tx *tx, const struct link_out *out, uint64_t now)
{
	struct fifo_record head = {
		.trace = out->trace, .receipt = out->receipt, .queued_at = now, .proof = out->proof
	};

	fifo_append(&tx->q, &tx->l->pool, &head, out->record);
	tx->next++;
	tx->l->tx_records++;
	tx->used_at = now;
}

void tx_overflow(struct link *l, struct link_pair pair, const struct link_out *out)
{
	struct overflow *o = calloc(1, sizeof(*o));

	check(o);
	pair_name_init(&o->name, pair);
	o->out = *out;
	o->out.record = str_dup(out->record);
	list_append(&l->overflow, &o->link);
}

void tx_settled(struct link *l, uint64_t receipt)
{
	if (receipt)
		l->ops.settled(l->user, receipt);
}

void tx_settle(struct link_tx *tx, unsigned condition, struct str text)
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
	} else if (!r->moot) {
		tx->rejected++;
		l->ops.undelivered(l->user, tx->name.pair, r->trace, str_from(r->bytes, r->len),
			condition, text);
	}
	tx_settled(l, r->receipt);
	fifo_release(&l->pool, chunk);
}

/* Half of the window: to stop and start a stream for each record costs more than to carry it. */
static bool has_much_room(const struct link_tx *tx)
{
	return tx->q.count <= window_records(tx->l) / 2 && tx->q.bytes <= window_bytes(tx->l) / 2;
}

void tx_wake_program(struct link_tx *tx)
{
	if (!tx->blocked || !has_much_room(tx))
		return;
	tx->blocked = false;
	tx->l->ops.writable(tx->l->user, tx->name.pair);
}

void tx_rewind_to(struct link_tx *tx, uint64_t seq)
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

void tx_skip_received(struct link_tx *tx)
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
	/* A node that drains, or is to be left, gets no new records, only repetitions; none in a sealed epoch. */
	bool left = tx->held || (p->draining && !tx_stays(tx));
	if (tx_sealed(tx) || tx->send >= (left ? tx->high : tx->next))
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

void tx_go_on(struct link_tx *tx, uint64_t now)
{
	tx_make_ready(tx);
	if (tx->owner)
		peer_pump(tx->owner, now);
}
