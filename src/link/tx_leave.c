/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With a shared table: a sending channel leaves an owner that lives, because somebody wants the pair elsewhere. Nothing
 * new is sent to the owner; when all that was sent is settled, it has nothing that it could write, and
 * the channel goes. The others wait for that, so it may not take long. If a slow next hop makes it,
 * the channel is sealed: the owner is given a higher epoch, which makes it drop what it has not
 * written, and which never gets a record.
 */
#include "link/tx.h"

static void await(struct link_tx *tx, uint64_t now)
{
	timer_start(&tx->l->seal_timers, &tx->lease->seal, now + 2 * tx->l->set.stall_ms);
}

void tx_leave(struct link_tx *tx, uint64_t now)
{
	if (tx->lease->leaving)
		return;
	tx->lease->leaving = true;
	tx->held = true;
	await(tx, now);
	tx_leave_step(tx, now);
}

void tx_stop_leaving(struct link_tx *tx)
{
	if (!tx->lease)
		return;
	tx->lease->leaving = false;
	tx->lease->sealed = false;
	list_remove(&tx->lease->seal.link);
}

static void seal(struct link_tx *tx, uint64_t now)
{
	if (!tx->lease->sealed) {
		tx->lease->sealed = true;
		tx->epoch = tx_next_epoch(tx->l, tx->epoch);
		tx->confirmed = false;
		tx->have = tx->una - 1;
		tx_rewind_to(tx, tx->una);
	}
	tx->need_open = true;
	tx_go_on(tx, now);
}

void tx_seal_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	while ((t = timer_due(&l->seal_timers, now))) {
		struct link_tx *tx = LIST_OWNER(t, struct tx_lease, seal)->tx;
		await(tx, now);
		seal(tx, now);
	}
}

void tx_shared_leave_step(struct link_tx *tx, uint64_t now)
{
	const struct tx_lease *le = tx->lease;
	bool settled = tx->una >= tx->high || (le->sealed && tx->confirmed);
	bool drains = tx->owner->draining && !tx_stays(tx);
	enum link_why why = drains   ? LINK_WHY_DRAINED
		: tx_shall_leave(tx) ? LINK_WHY_COMMAND
				     : LINK_WHY_WISHED;

	if (settled && (drains || le->leaving))
		tx_reassign(tx, why, now);
	else if (tx->l->lets_go && !tx_needed(tx))
		tx_reassign(tx, LINK_WHY_DRAINED, now);
}
