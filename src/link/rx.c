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
#include "link/engine.h"

static const uint64_t seq_max = (uint64_t)1 << 62;

enum { RING_MIN = 8, RING_KEEP = 64 };

/* Ids. */

static void set_id(struct link_rx *rx)
{
	rx->slot->id += (uint64_t)1 << RX_SLOT_BITS;
}

static bool take_slot(struct link *l, struct link_rx *rx)
{
	struct rx_slot *slot = l->rx_free;

	if (slot) {
		l->rx_free = slot->next_free;
	} else {
		if (l->n_rx_slots == (size_t)1 << RX_SLOT_BITS)
			return false;
		if ((l->n_rx_slots & (l->n_rx_slots - 1)) == 0) {
			size_t cap = l->n_rx_slots ? l->n_rx_slots * 2 : 1;
			l->rx_slots = realloc(l->rx_slots, cap * sizeof(struct rx_slot *));
			check(l->rx_slots);
		}
		slot = calloc(1, sizeof(*slot));
		check(slot);
		slot->id = l->n_rx_slots;
		l->rx_slots[l->n_rx_slots++] = slot;
	}
	slot->rx = rx;
	rx->slot = slot;
	set_id(rx);
	return true;
}

struct link_rx *rx_find(const struct link *l, uint64_t channel)
{
	uint64_t index = channel & (((uint64_t)1 << RX_SLOT_BITS) - 1);

	if (index >= l->n_rx_slots || l->rx_slots[index]->id != channel)
		return NULL;
	return l->rx_slots[index]->rx;
}

/* Birth and end. */

static struct link_rx *rx_new(struct link_peer *p, struct link_pair pair, uint64_t now)
{
	struct link_rx *rx = calloc(1, sizeof(*rx));

	check(rx);
	if (!take_slot(p->l, rx)) {
		free(rx);
		return NULL;
	}
	rx->peer = p;
	pair_name_init(&rx->name, pair);
	list_init(&rx->ack.link);
	list_init(&rx->idle.link);
	timer_start(&p->l->rx_idle_timers, &rx->idle, now + p->l->set.idle_ms);
	table_set(&p->rx_by_pair, rx->name.key, rx);
	list_append(&p->rxs, &rx->link);
	return rx;
}

/* The engine as a whole no longer waits for the program's word on these records. */
static void forget_outstanding(struct link_rx *rx)
{
	if (rx->state == RX_OPEN)
		rx->peer->l->rx_untaken -= rx->outstanding;
}

void rx_free(struct link_rx *rx)
{
	struct link_peer *p = rx->peer;
	struct link *l = p->l;

	forget_outstanding(rx);
	rx->slot->rx = NULL;
	rx->slot->next_free = l->rx_free;
	l->rx_free = rx->slot;
	if (rx->number < p->cap_numbers && p->rx_by_number[rx->number] == rx)
		p->rx_by_number[rx->number] = NULL;
	table_remove(&p->rx_by_pair, rx->name.key);
	list_remove(&rx->link);
	list_remove(&rx->ack.link);
	list_remove(&rx->idle.link);
	pair_name_done(&rx->name);
	free(rx->ring);
	free(rx->rejects);
	free(rx);
}

static void revoke(struct link_rx *rx)
{
	struct link *l = rx->peer->l;

	if (rx->state != RX_OPEN)
		return;
	forget_outstanding(rx);
	rx->state = RX_REVOKED;
	if (rx->outstanding)
		l->ops.revoke(l->user, rx->name.pair, rx->slot->id);
}

void rx_revoke_all(struct link_peer *p)
{
	LIST_EACH (&p->rxs, it)
		revoke(LIST_OWNER(it, struct link_rx, link));
}

void rx_forget_all(struct link_peer *p)
{
	LIST_EACH_SAFE (&p->rxs, it) {
		struct link_rx *rx = LIST_OWNER(it, struct link_rx, link);
		revoke(rx);
		rx_free(rx);
	}
}

/* Reports. */

static struct rx_entry *entry_of(const struct link_rx *rx, uint64_t seq)
{
	return &rx->ring[seq & (rx->cap - 1)];
}

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

static void report(struct link_rx *rx)
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
static bool may_answer(struct link_rx *rx, uint64_t now)
{
	if (rx->answered_at && now < rx->answered_at + REWIND_MS)
		return false;
	rx->answered_at = now;
	return true;
}

static void ack_soon(struct link_rx *rx, uint64_t now)
{
	struct link *l = rx->peer->l;

	if (!timer_armed(&rx->ack))
		timer_start(&l->ack_timers, &rx->ack, now + l->set.ack_ms);
}

static void nak_gap(struct link_rx *rx, uint64_t now)
{
	struct frame_report r = { .channel = rx->number,
		.epoch = rx->epoch,
		.taken = rx->taken,
		.have = rx->next - 1,
		.why = NAK_GAP };

	if (!may_answer(rx, now))
		return;
	list_rejects(rx, &r);
	frame_report(rx->peer, FRAME_NAK, &r);
}

static void nak_unknown(struct link_peer *p, uint64_t channel, uint64_t epoch, enum nak_why why)
{
	struct frame_report r = { .channel = channel, .epoch = epoch, .why = why };

	frame_report(p, FRAME_NAK, &r);
}

/* Opening. */

static struct link_rx *by_number(const struct link_peer *p, uint64_t number)
{
	return number < p->cap_numbers ? p->rx_by_number[number] : NULL;
}

static void bind_number(struct link_rx *rx, uint32_t number)
{
	struct link_peer *p = rx->peer;

	if (number >= p->cap_numbers) {
		size_t cap = p->cap_numbers ? p->cap_numbers : 64;
		while (cap <= number)
			cap *= 2;
		p->rx_by_number = realloc(p->rx_by_number, cap * sizeof(struct link_rx *));
		check(p->rx_by_number);
		for (size_t i = p->cap_numbers; i < cap; i++)
			p->rx_by_number[i] = NULL;
		p->cap_numbers = cap;
	}
	if (rx->number < p->cap_numbers && p->rx_by_number[rx->number] == rx)
		p->rx_by_number[rx->number] = NULL;
	rx->number = number;
	p->rx_by_number[number] = rx;
}

/* Keeps the rejects of from to to. */
static void keep_rejects(struct link_rx *rx, uint64_t from, uint64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < rx->n_rejects; i++) {
		if (rx->rejects[i].seq >= from && rx->rejects[i].seq <= to)
			rx->rejects[kept++] = rx->rejects[i];
	}
	rx->n_rejects = kept;
}

static void start_epoch(struct link_rx *rx, uint64_t epoch, uint64_t base)
{
	keep_rejects(rx, base, rx->taken);
	if (rx->taken < base - 1)
		rx->taken = base - 1;
	rx->next = rx->taken + 1;
	rx->una = base;
	rx->bytes = 0;
	rx->outstanding = 0;
	rx->answered_at = 0;
	rx->epoch = epoch;
	rx->state = RX_OPEN;
}

/* A channel for this new epoch; NULL: there is none to be had, or the frame is of the past. */
static struct link_rx *open_epoch(
	struct link_peer *p, struct link_rx *rx, const union frame *f, uint64_t now)
{
	struct link_pair pair = { f->open.local, f->open.foreign };
	struct link_rx *other = by_number(p, f->open.channel);

	if (other && other != rx) {
		/* The sender has forgotten the other pair and uses its number again. */
		if (other->epoch >= f->open.epoch)
			return NULL;
		revoke(other);
		rx_free(other);
	}
	bool known = rx;
	if (known) {
		revoke(rx);
		set_id(rx);
	} else {
		rx = rx_new(p, pair, now);
	}
	if (!rx)
		return NULL;
	bind_number(rx, (uint32_t)f->open.channel);
	start_epoch(rx, f->open.epoch, f->open.base);
	if (known)
		report(rx);
	return rx;
}

static bool length_fits(struct str domain)
{
	return domain.len >= 1 && domain.len <= DOMAIN_BYTES_MAX;
}

enum link_fault rx_on_open(struct link_peer *p, const union frame *f, uint64_t now)
{
	struct link *l = p->l;
	char space[PAIR_KEY_MAX];

	if (f->open.channel >= l->set.channels_max)
		return FAULT_CHANNEL;
	if (f->open.base > seq_max)
		return FAULT_SEQUENCE;
	if (!length_fits(f->open.local) || !length_fits(f->open.foreign))
		return FAULT_PAIR;
	if (!peer_lease(p, now))
		return FAULT_NONE;
	struct link_pair pair = { f->open.local, f->open.foreign };
	struct link_rx *rx = table_find(&p->rx_by_pair, pair_key(pair, space));
	if (rx && f->open.epoch < rx->epoch)
		return FAULT_NONE;
	if (rx && f->open.epoch == rx->epoch) {
		if (rx->number != f->open.channel)
			return FAULT_CHANNEL;
		report(rx);
	} else if (f->open.base == 0) {
		nak_unknown(p, f->open.channel, f->open.epoch, NAK_FORGOTTEN);
		return FAULT_NONE;
	} else {
		rx = open_epoch(p, rx, f, now);
	}
	if (!rx)
		return FAULT_NONE;
	rx->used_at = now;
	if (f->open.expect && rx->state == RX_OPEN)
		l->ops.expect(l->user, rx->name.pair);
	return FAULT_NONE;
}

/* Records. */

static void push_entry(struct link_rx *rx, size_t size)
{
	size_t n = (size_t)(rx->next - rx->taken); /* with this one */

	if (n > rx->cap) {
		size_t cap = rx->cap ? rx->cap * 2 : RING_MIN;
		struct rx_entry *ring = calloc(cap, sizeof(*ring));
		check(ring);
		for (uint64_t seq = rx->taken + 1; seq < rx->next; seq++)
			ring[seq & (cap - 1)] = *entry_of(rx, seq);
		free(rx->ring);
		rx->ring = ring;
		rx->cap = cap;
	}
	*entry_of(rx, rx->next) = (struct rx_entry){ (uint32_t)size, false };
	rx->bytes += size;
	rx->next++;
	rx->outstanding++;
	rx->peer->l->rx_untaken++;
}

void rx_done(struct link_rx *rx, uint64_t seq, uint64_t now)
{
	struct link *l = rx->peer->l;

	if (rx->state == RX_GAVE_UP || seq <= rx->taken || seq >= rx->next ||
		entry_of(rx, seq)->done)
		return;
	entry_of(rx, seq)->done = true;
	rx->outstanding--;
	if (rx->state == RX_OPEN)
		l->rx_untaken--;
	while (rx->taken + 1 < rx->next && entry_of(rx, rx->taken + 1)->done) {
		rx->taken++;
		rx->bytes -= entry_of(rx, rx->taken)->size;
	}
	if (rx->taken + 1 == rx->next && rx->cap > RING_KEEP) {
		free(rx->ring);
		rx->ring = NULL;
		rx->cap = 0;
	}
	if (++rx->unacked >= l->set.ack_records)
		report(rx);
	else
		ack_soon(rx, now);
}

void rx_reject(struct link_rx *rx, uint64_t seq, unsigned condition, const char *text)
{
	if (rx->state == RX_GAVE_UP || seq <= rx->taken || seq >= rx->next ||
		entry_of(rx, seq)->done)
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
	forget_outstanding(rx);
	rx->state = RX_GAVE_UP;
	rx->reach_condition = condition;
	rx->reach_text = text;
	rx->answered_at = now;
	report(rx);
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
	ack_soon(rx, now);
	rx->delivered++;
	if (l->ops.deliver(l->user, &d, &reason) == LINK_ACCEPT)
		return FAULT_NONE;
	/* The sender learns it with the next report, and so never sends it again. */
	rx_reject(rx, d.seq, l->set.cond_internal, link_fault_text(FAULT_RECORD));
	rx_done(rx, d.seq, now);
	report(rx);
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
	if (f->data.una < 1 || f->data.seq < f->data.una || f->data.seq > seq_max)
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
			keep_rejects(rx, rx->una, UINT64_MAX);
	}
	if (f->data.seq < rx->next) {
		rx->repeated++;
		ack_soon(rx, now);
		return FAULT_NONE;
	}
	if (f->data.seq > rx->next) {
		nak_gap(rx, now);
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
	struct link_rx *rx = by_number(p, f->data.channel);
	if (!rx || f->data.epoch > rx->epoch) {
		nak_unknown(p, f->data.channel, f->data.epoch, NAK_UNKNOWN);
		return FAULT_NONE;
	}
	if (f->data.epoch < rx->epoch)
		return FAULT_NONE;
	rx->used_at = now;
	if (rx->state == RX_OPEN)
		return accept_data(rx, f, now);
	if (may_answer(rx, now))
		report(rx);
	return FAULT_NONE;
}

/* Time. */

/* The first that is due takes all others along: many pairs cost one wake-up and one write then. */
void rx_flush(struct link *l, uint64_t now)
{
	struct link_timer *t = timer_due(&l->ack_timers, now);

	for (; t; t = timer_due(&l->ack_timers, UINT64_MAX))
		report(LIST_OWNER(t, struct link_rx, ack));
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
