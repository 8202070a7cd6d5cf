/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiving channel tells its sender, and when. */
#include <stdlib.h>

#include "base/check.h"
#include "link/rx.h"

static void list_rejects(struct link_rx *rx, struct frame_report *r)
{
	struct link *l = rx->peer->l;

	if (rx->n_rejects > l->cap_out_rejects) {
		l->cap_out_rejects = rx->cap_rejects;
		l->out_rejects =
			realloc(l->out_rejects, l->cap_out_rejects * sizeof(*l->out_rejects));
		check(l->out_rejects);
	}
	r->rejects = l->out_rejects;
	for (size_t i = 0; i < rx->n_rejects && rx->rejects[i].seq <= rx->taken; i++) {
		struct str text = rx->rejects[i].text ? str_of(rx->rejects[i].text) : STRL("");
		if (text.len > TEXT_BYTES_MAX)
			text.len = TEXT_BYTES_MAX;
		r->rejects[r->n_rejects++] =
			(struct frame_reject){ rx->rejects[i].seq, rx->rejects[i].condition, text };
	}
}

void rx_report(struct link_rx *rx)
{
	static const enum frame_type types[] = {
		[RX_OPEN] = FRAME_ACK, [RX_REVOKED] = FRAME_NAK, [RX_GAVE_UP] = FRAME_REACH
	};
	struct frame_report r = {
		.channel = rx->number,
		.epoch = rx->epoch,
		.taken = rx->taken,
		.have = rx->next - 1,
		.why = NAK_REVOKED,
		.condition = rx->reach_condition,
		.text = rx->reach_text ? str_of(rx->reach_text) : STRL(""),
	};

	list_remove(&rx->ack.link);
	rx->unacked = 0;
	if (rx->peer->state != PEER_UP)
		return;
	list_rejects(rx, &r);
	if (r.text.len > TEXT_BYTES_MAX)
		r.text.len = TEXT_BYTES_MAX;
	frame_report(rx->peer, types[rx->state], &r);
}

/* Is it time for another nak, or answer to a frame of an epoch that is over? */
bool rx_may_answer(struct link_rx *rx, uint64_t now)
{
	if (rx->answered_at && now < rx->answered_at + REWIND_MS)
		return false;
	rx->answered_at = now;
	return true;
}

void rx_ack_soon(struct link_rx *rx, uint64_t now)
{
	struct link *l = rx->peer->l;

	if (!timer_armed(&rx->ack))
		timer_start(&l->ack_timers, &rx->ack, now + l->set.ack_ms);
}

void rx_nak_gap(struct link_rx *rx, uint64_t now)
{
	struct frame_report r = { .channel = rx->number,
		.epoch = rx->epoch,
		.taken = rx->taken,
		.have = rx->next - 1,
		.why = NAK_GAP };

	if (!rx_may_answer(rx, now))
		return;
	list_rejects(rx, &r);
	frame_report(rx->peer, FRAME_NAK, &r);
}

void rx_nak_unknown(struct link_peer *p, uint64_t channel, uint64_t epoch, enum nak_why why)
{
	struct frame_report r = { .channel = channel, .epoch = epoch, .why = why };

	frame_report(p, FRAME_NAK, &r);
}

/* Time. */

/* The first that is due takes all others along: many pairs cost one wake-up and one write then. */
void rx_flush(struct link *l, uint64_t now)
{
	struct link_timer *t = timer_due(&l->ack_timers, now);

	for (; t; t = timer_due(&l->ack_timers, UINT64_MAX))
		rx_report(LIST_OWNER(t, struct link_rx, ack));
}

void rx_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	rx_flush(l, now);
	while ((t = timer_due(&l->rx_idle_timers, now))) {
		struct link_rx *rx = LIST_OWNER(t, struct link_rx, idle);
		bool busy = rx->state == RX_OPEN && rx->outstanding;
		if (!busy && now >= rx->used_at + l->set.idle_ms)
			rx_free(rx);
		else
			timer_start(&l->rx_idle_timers, &rx->idle, now + l->set.idle_ms);
	}
}
