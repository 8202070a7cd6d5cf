/* SPDX-License-Identifier: Apache-2.0 */
/* What the far node says of a sending channel: acknowledgements, naks, reach. */
#include "link/tx.h"

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
	if (r->taken >= tx->una)
		tx->renew_ms = 0;
	while (tx->una <= r->taken) {
		while (i < r->n_rejects && r->rejects[i].seq < tx->una)
			i++;
		if (i < r->n_rejects && r->rejects[i].seq == tx->una) {
			unsigned condition = r->rejects[i].condition;
			tx_settle(tx, condition ? condition : tx->l->set.cond_internal,
				r->rejects[i].text);
		} else {
			tx_settle(tx, 0, STRL(""));
		}
	}
	if (r->have > tx->have)
		tx->have = r->have;
	tx_skip_received(tx);
	tx_wake_program(tx);
	tx_leave_step(tx, now);
}

enum link_fault tx_on_ack(struct link_peer *p, const union frame *f, uint64_t now)
{
	enum link_fault fault;
	struct link_tx *tx = reported(p, &f->report, &fault);

	if (!tx)
		return fault;
	apply(tx, &f->report, now);
	tx_go_on(tx, now);
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

/* A node that asks again and again takes nothing, and each time costs a place for the pair, or a write to the table. */
static bool may_renew(struct link_tx *tx, uint64_t now)
{
	if (tx->renew_ms && now < tx->renewed_at + tx->renew_ms)
		return false;
	tx->renewed_at = now;
	tx->renew_ms = tx->renew_ms ? 2 * tx->renew_ms : REWIND_MS;
	if (tx->renew_ms > RENEW_SLOWEST_MS)
		tx->renew_ms = RENEW_SLOWEST_MS;
	return true;
}

static void answer_nak(struct link_tx *tx, const struct frame_report *r, uint64_t now)
{
	switch (r->why) {
	case NAK_GAP:
		/* Not a late one: the far node may have received more meanwhile. */
		if (r->have >= tx->have && may_again(&tx->rewound_at, now))
			tx_rewind_to(tx, tx->have + 1);
		break;
	case NAK_UNKNOWN:
		/* Either the open was lost, or this nak is older than what confirmed the epoch. */
		if (!may_again(&tx->rewound_at, now))
			break;
		tx->need_open = true;
		if (!tx->confirmed)
			tx_rewind_to(tx, tx->una);
		break;
	case NAK_REVOKED:
	case NAK_FORGOTTEN:
		if (may_renew(tx, now))
			tx_reassign(tx, LINK_WHY_REVOKED, now);
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
	tx_go_on(tx, now);
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
		tx_refuse(tx, p, &f->report, now);
	else
		tx_stay_refused(tx);
	if (tx->owner == p && tx->epoch == f->report.epoch)
		tx_reassign(tx, p->draining ? LINK_WHY_DRAINED : LINK_WHY_REFUSED, now);
	return FAULT_NONE;
}
