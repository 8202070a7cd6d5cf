/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiving channel, one per pair and sending node.
 *
 *	 una                taken           next
 *	  | sender has not   | delivered, not | not here yet
 *	  | seen our word    | taken (ring)   |
 *
 * Its numbers outlive an epoch: when the sender opens a new one here after having been elsewhere,
 * what was taken here in an earlier epoch is not delivered again, and rejects that the sender may
 * not have seen are still reported. Only another process of the sender starts from nothing.
 */
#include <stdlib.h>

#include "base/check.h"
#include "link/rx.h"

enum { RING_MIN = 8, RING_KEEP = 64 };

static void push_entry(struct link_rx *rx, size_t size)
{
	size_t n = (size_t)(rx->next - rx->taken); /* with this one */

	if (n > rx->cap) {
		size_t cap = rx->cap ? rx->cap * 2 : RING_MIN;
		struct rx_entry *ring = calloc(cap, sizeof(*ring));
		check(ring);
		for (uint64_t seq = rx->taken + 1; seq < rx->next; seq++)
			ring[seq & (cap - 1)] = *rx_entry_of(rx, seq);
		free(rx->ring);
		rx->ring = ring;
		rx->cap = cap;
	}
	*rx_entry_of(rx, rx->next) = (struct rx_entry){ (uint32_t)size, false };
	rx->bytes += size;
	rx->next++;
	rx->outstanding++;
	rx->peer->l->rx_untaken++;
}

void rx_done(struct link_rx *rx, uint64_t seq, uint64_t now)
{
	struct link *l = rx->peer->l;

	if (rx->state == RX_GAVE_UP || seq <= rx->taken || seq >= rx->next ||
		rx_entry_of(rx, seq)->done)
		return;
	rx_entry_of(rx, seq)->done = true;
	rx->outstanding--;
	if (rx->state == RX_OPEN)
		l->rx_untaken--;
	while (rx->taken + 1 < rx->next && rx_entry_of(rx, rx->taken + 1)->done) {
		rx->taken++;
		rx->bytes -= rx_entry_of(rx, rx->taken)->size;
	}
	if (rx->taken + 1 == rx->next && rx->cap > RING_KEEP) {
		free(rx->ring);
		rx->ring = NULL;
		rx->cap = 0;
	}
	if (++rx->unacked >= l->set.ack_records)
		rx_report(rx);
	else
		rx_ack_soon(rx, now);
}

void rx_reject(struct link_rx *rx, uint64_t seq, unsigned condition, const char *text)
{
	if (rx->state == RX_GAVE_UP || seq <= rx->taken || seq >= rx->next ||
		rx_entry_of(rx, seq)->done)
		return;
	if (rx->n_rejects == rx->cap_rejects) {
		rx->cap_rejects = rx->cap_rejects ? rx->cap_rejects * 2 : 4;
		rx->rejects = realloc(rx->rejects, rx->cap_rejects * sizeof(*rx->rejects));
		check(rx->rejects);
	}
	size_t at = rx->n_rejects++;
	for (; at > 0 && rx->rejects[at - 1].seq > seq; at--)
		rx->rejects[at] = rx->rejects[at - 1];
	rx->rejects[at] = (struct rx_reject){ seq, condition, text };
	rx->rejected++;
}

void rx_give_up(struct link_rx *rx, unsigned condition, const char *text, uint64_t now)
{
	if (rx->state != RX_OPEN)
		return;
	rx_forget_outstanding(rx);
	rx->state = RX_GAVE_UP;
	rx->reach_condition = condition;
	rx->reach_text = text;
	rx->answered_at = now;
	rx_report(rx);
}

static enum link_fault deliver(struct link_rx *rx, const union frame *f, uint64_t now)
{
	struct link *l = rx->peer->l;
	const char *reason = NULL;
	struct link_delivery d = {
		.pair = rx->name.pair,
		.channel = rx->slot->id,
		.seq = f->data.seq,
		.trace = f->data.trace,
		.proof = (uint8_t)f->data.proof,
		.record = f->data.record,
		.from = rx->peer,
	};

	push_entry(rx, f->data.record.len);
	rx_ack_soon(rx, now);
	rx->delivered++;
	if (l->ops.deliver(l->user, &d, &reason) == LINK_ACCEPT)
		return FAULT_NONE;
	/* The sender learns it with the next report, and so never sends it again. */
	rx_reject(rx, d.seq, l->set.cond_internal, link_fault_text(FAULT_RECORD));
	rx_done(rx, d.seq, now);
	rx_report(rx);
	l->fault.detail = reason;
	l->fault.channel = f->data.channel;
	l->fault.epoch = f->data.epoch;
	l->fault.seq = d.seq;
	return FAULT_RECORD;
}

static enum link_fault judge_data(const struct link *l, const union frame *f)
{
	if (f->data.channel >= l->set.channels_max)
		return FAULT_CHANNEL;
	if (f->data.una < 1 || f->data.seq < f->data.una || f->data.seq > SEQ_MAX)
		return FAULT_SEQUENCE;
	if (f->data.seq - f->data.una >= l->set.window_records)
		return FAULT_WINDOW;
	return FAULT_NONE;
}

/* A record of the epoch that is open here. */
static enum link_fault accept_data(struct link_rx *rx, const union frame *f, uint64_t now)
{
	if (f->data.una > rx->taken + 1)
		return FAULT_SEQUENCE;
	if (f->data.una > rx->una) {
		rx->una = f->data.una;
		if (rx->n_rejects)
			rx_keep_rejects(rx, rx->una, UINT64_MAX);
	}
	if (f->data.seq < rx->next) {
		rx->repeated++;
		rx_ack_soon(rx, now);
		return FAULT_NONE;
	}
	if (f->data.seq > rx->next) {
		rx_nak_gap(rx, now);
		return FAULT_NONE;
	}
	if (rx->bytes >= rx->peer->l->set.window_bytes)
		return FAULT_WINDOW;
	return deliver(rx, f, now);
}

enum link_fault rx_on_data(struct link_peer *p, const union frame *f, uint64_t now)
{
	enum link_fault fault = judge_data(p->l, f);

	if (fault || !peer_lease(p, now))
		return fault;
	struct link_rx *rx = rx_of_number(p, f->data.channel);
	if (!rx || f->data.epoch > rx->epoch) {
		rx_nak_unknown(p, f->data.channel, f->data.epoch, NAK_UNKNOWN);
		return FAULT_NONE;
	}
	if (f->data.epoch < rx->epoch)
		return FAULT_NONE;
	rx->used_at = now;
	if (rx->state == RX_OPEN)
		return accept_data(rx, f, now);
	if (rx_may_answer(rx, now))
		rx_report(rx);
	return FAULT_NONE;
}
