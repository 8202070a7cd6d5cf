/* SPDX-License-Identifier: Apache-2.0 */
/* Time on a sending channel: age limits, orphans, stalls, idle channels. */
#include <stdlib.h>

#include "base/check.h"
#include "link/tx.h"

enum { ORPHAN_LOOK_MS = 1000 };

static void hand_back_all(struct link_tx *tx, uint64_t now)
{
	const struct tx_refusals *no = tx->refusals;
	unsigned condition = no->condition;
	char text[TEXT_BYTES_MAX];
	size_t len = no->text_len;

	memcpy(text, no->text, len);
	tx_release(tx);
	/* Not more than are here now: the program may queue others meanwhile, and they wait. */
	tx->waiting = true;
	for (unsigned n = tx->q.count; n && tx->q.count; n--)
		tx_settle(tx, condition, str_from(text, len));
	tx_wake_program(tx);
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
		l->ops.undelivered(l->user, o->name.pair, o->out.trace, o->out.record,
			l->set.cond_busy, STRL("queue full"));
		tx_settled(l, o->out.receipt);
		pair_name_done(&o->name);
		str_free(&o->out.record);
		free(o);
	}
}

static void hand_back_older(struct link_tx *tx, uint64_t age, uint64_t now)
{
	while (tx->q.count && fifo_head(&tx->q)->queued_at + age <= now)
		tx_settle(tx, tx->l->set.cond_timeout, STRL("no node to send it to"));
	tx_wake_program(tx);
	if (tx->waiting && tx->q.count == 0)
		tx_release(tx);
}

static void hand_back_orphans(struct link *l, uint64_t age, uint64_t now)
{
	struct list all;

	tx_retry_orphans(l, now);
	list_move(&l->orphans, &all);
	while (!list_empty(&all)) {
		struct link_tx *tx = owned_tx(all.next);
		list_remove(&tx->owned);
		list_append(&l->orphans, &tx->owned);
		hand_back_older(tx, age, now);
	}
}

/*
 * A node that is awaited keeps its pairs, not their records: what waits for it is no better off than what has no owner.
 * The channel loses it (the records that go back end its epoch), and gets it again if it is back first.
 */
static void release_awaited(struct link *l, uint64_t age, uint64_t now)
{
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (!peer_is_awaited(p, now))
			continue;
		LIST_EACH_SAFE (&p->owned, at) {
			struct link_tx *tx = owned_tx(at);
			if (tx->q.count && fifo_head(&tx->q)->queued_at + age <= now)
				tx_reassign(tx, LINK_WHY_DEAD, now);
		}
	}
}

void tx_hand_back(struct link *l, uint64_t now)
{
	hand_back_due(l, now);
	release_awaited(l, 0, now);
	if (!list_empty(&l->orphans))
		hand_back_orphans(l, 0, now);
}

static unsigned look_ms(const struct link *l)
{
	unsigned period = l->set.queue_age_ms / 8;

	return period > ORPHAN_LOOK_MS ? ORPHAN_LOOK_MS : period + 1;
}

static void look_at_awaited(struct link *l, uint64_t now)
{
	if (now < l->awaited_at)
		return;
	l->awaited_at = now + look_ms(l);
	release_awaited(l, l->set.queue_age_ms, now);
}

static void look_at_orphans(struct link *l, uint64_t now)
{
	if (list_empty(&l->orphans) || now < l->orphans_at)
		return;
	hand_back_orphans(l, l->set.queue_age_ms, now);
	l->orphans_at = now + look_ms(l);
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
		tx_rewind_to(tx, tx->have + 1);
		tx_go_on(tx, now);
	}
	timer_start(&tx->l->stall_timers, &tx->stall, now + stall / 4);
}

static void check_idle(struct link_tx *tx, uint64_t now)
{
	unsigned idle = tx->l->set.idle_ms;

	bool is_idle = tx->q.count == 0 && !tx->waiting && !tx->pinned && now >= tx->used_at + idle;

	if (is_idle && !(tx->lease && tx->lease->counted)) {
		tx_free(tx);
		return;
	}
	timer_start(&tx->l->tx_idle_timers, &tx->idle, now + idle);
	/* The lease goes back first. */
	if (is_idle && !tx_asking(tx)) {
		tx->expect = false;
		tx_reassign(tx, LINK_WHY_HOME, now);
	}
}

void tx_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	hand_back_due(l, now);
	look_at_awaited(l, now);
	look_at_orphans(l, now);
	while ((t = timer_due(&l->stall_timers, now)))
		check_stall(LIST_OWNER(t, struct link_tx, stall), now);
	tx_stop_holding(l, now);
	tx_seal_tick(l, now);
	tx_stay_tick(l, now);
	tx_table_tick(l, now);
	while ((t = timer_due(&l->tx_idle_timers, now)))
		check_idle(LIST_OWNER(t, struct link_tx, idle), now);
}
