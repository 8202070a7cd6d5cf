/* SPDX-License-Identifier: Apache-2.0 */
/* A sender opens a receiving channel, or a new epoch of one: what is kept of the one before. */
#include <stdlib.h>

#include "base/check.h"
#include "link/rx.h"

struct link_rx *rx_of_number(const struct link_peer *p, uint64_t number)
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
void rx_keep_rejects(struct link_rx *rx, uint64_t from, uint64_t to)
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
	rx_keep_rejects(rx, base, rx->taken);
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
	struct link_rx *other = rx_of_number(p, f->open.channel);

	if (other && other != rx) {
		/* The sender has forgotten the other pair and uses its number again. */
		if (other->epoch >= f->open.epoch)
			return NULL;
		rx_revoke(other);
		rx_free(other);
	}
	bool known = rx;
	if (known) {
		rx_revoke(rx);
		rx_renew_id(rx);
	} else {
		rx = rx_new(p, pair, now);
	}
	if (!rx)
		return NULL;
	bind_number(rx, (uint32_t)f->open.channel);
	start_epoch(rx, f->open.epoch, f->open.base);
	if (known)
		rx_report(rx);
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
	if (f->open.base > SEQ_MAX)
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
		rx_report(rx);
	} else if (f->open.base == 0) {
		rx_nak_unknown(p, f->open.channel, f->open.epoch, NAK_FORGOTTEN);
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
