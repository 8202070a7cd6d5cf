/* SPDX-License-Identifier: Apache-2.0 */
/* Records as link.h offers them: handed to the sending and receiving channels. */
#include "base/check.h"
#include "link/engine.h"

enum { TIGHT_PART = 16 };

bool link_send(struct link *l, struct link_pair pair, const struct link_out *out, uint64_t now)
{
	check(out->record.len + LINK_OVERHEAD <= l->set.frame_bytes);
	struct link_tx *tx = tx_get(l, pair, now);
	if (!tx) {
		tx_overflow(l, pair, out);
		return true;
	}
	if (tx->q.count >= 2 * l->set.window_records || tx->q.bytes >= 2 * l->set.window_bytes) {
		tx_overflow(l, pair, out);
		return false;
	}
	tx_go_home(tx, now);
	tx_append(tx, out, now);
	if (tx->owner) {
		tx_make_ready(tx);
		peer_pump(tx->owner, now);
	} else if (!tx->waiting) {
		tx_assign(tx, now);
	}
	tx->blocked = !tx_has_room(tx);
	return !tx->blocked;
}

bool link_writable(struct link *l, struct link_pair pair)
{
	struct link_tx *tx = tx_find(l, pair);

	return !tx || tx_has_room(tx);
}

bool link_is_full(const struct link *l)
{
	bool full = false;

	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state != PEER_UP)
			continue;
		if (list_empty(&p->ready) || peer_may_send(p))
			return false;
		full = true;
	}
	return full;
}

void link_set_tight(struct link *l, bool tight)
{
	l->tight = tight ? TIGHT_PART : 1;
}

void link_expect(struct link *l, struct link_pair pair, uint64_t now)
{
	struct link_tx *tx = l->draining ? NULL : tx_get(l, pair, now);

	if (!tx || tx->waiting)
		return;
	tx_go_home(tx, now);
	tx->expect = true;
	tx->used_at = now;
	if (!tx->owner) {
		tx_assign(tx, now);
		return;
	}
	tx->need_open = true;
	tx_make_ready(tx);
	peer_pump(tx->owner, now);
}

void link_taken(struct link *l, uint64_t channel, uint64_t seq, uint64_t now)
{
	struct link_rx *rx = rx_find(l, channel);

	if (rx)
		rx_done(rx, seq, now);
}

void link_reject(struct link *l, uint64_t channel, uint64_t seq, unsigned condition,
	const char *text, uint64_t now)
{
	struct link_rx *rx = rx_find(l, channel);

	if (!rx)
		return;
	rx_reject(rx, seq, condition, text);
	rx_done(rx, seq, now);
}

void link_unreachable(
	struct link *l, uint64_t channel, unsigned condition, const char *text, uint64_t now)
{
	struct link_rx *rx = rx_find(l, channel);

	if (rx)
		rx_give_up(rx, condition, text, now);
}

bool link_may_write(const struct link *l, uint64_t channel, uint64_t now)
{
	const struct link_rx *rx = rx_find(l, channel);

	return rx && rx->state == RX_OPEN && peer_lease_holds(rx->peer, now);
}

void link_drain(struct link *l, uint64_t now)
{
	if (l->draining)
		return;
	l->draining = true;
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state == PEER_UP)
			frame_drain(p);
	}
}

void link_let_go(struct link *l, uint64_t now)
{
	if (l->lets_go || !l->draining)
		return;
	l->lets_go = true;
	if (tx_shared(l))
		tx_drain_own(l, now);
}

void link_undrain(struct link *l)
{
	if (!l->draining)
		return;
	l->draining = l->lets_go = false;
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->carrier)
			peer_fault(p, FAULT_NONE);
	}
}

void link_hand_back(struct link *l, uint64_t now)
{
	tx_hand_back(l, now);
}

uint32_t link_catalogue(const struct link *l)
{
	return l->catalogue;
}

size_t link_unacknowledged(const struct link *l)
{
	return l->tx_records;
}

bool link_drained(const struct link *l)
{
	return l->draining && l->tx_records == 0 && l->rx_untaken == 0 &&
		list_empty(&l->ack_timers) && list_empty(&l->overflow) && tx_drained_own(l);
}
