/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records whose senders will send them again by another way. Channels whose owner is dead lose it, and what stands
 * first in them is dropped. What stands behind other records stays where it is: a channel has no gaps. So does what an
 * owner has that is up (the node that was stopped is taken for dead, not the others): that much comes twice.
 */
#include "link/tx.h"

static void mark(struct link_tx *tx, bool (*moot)(void *user, uint64_t receipt))
{
	uint64_t send = tx->send;

	fifo_rewind(&tx->q);
	for (unsigned i = 0; i < tx->q.count; i++) {
		struct fifo_record *r = fifo_peek(&tx->q);
		if (r->receipt && moot(tx->l->user, r->receipt)) {
			r->moot = true;
			r->receipt = 0; /* nobody waits for it any more */
		}
		fifo_advance(&tx->q);
	}
	tx_rewind_to(tx, send);
}

static void drop(struct link_tx *tx, uint64_t now)
{
	struct link_peer *p = tx->owner;

	if (p && (p->state == PEER_UP || now < p->silent_since + tx->l->set.dead_ms))
		return;
	if (p)
		tx_reassign(tx, LINK_WHY_DEAD, now);
	while (tx->q.count && fifo_head(&tx->q)->moot)
		tx_settle(tx, tx->l->set.cond_timeout, STRL(""));
	tx_wake_program(tx);
	if (tx->waiting && tx->q.count == 0)
		tx_release(tx);
}

void link_drop(struct link *l, bool (*moot)(void *user, uint64_t receipt), uint64_t now)
{
	engine_notice_pause(l, now);
	LIST_EACH_SAFE (&l->txs, it) {
		struct link_tx *tx = LIST_OWNER(it, struct link_tx, link);
		if (tx->q.count == 0)
			continue;
		mark(tx, moot);
		drop(tx, now);
	}
}
