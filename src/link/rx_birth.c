/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of receiving channels, their birth and their end. */
#include <stdlib.h>

#include "base/check.h"
#include "link/rx.h"

/* Ids. */

void rx_renew_id(struct link_rx *rx)
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
	rx_renew_id(rx);
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

struct link_rx *rx_new(struct link_peer *p, struct link_pair pair, uint64_t now)
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
void rx_forget_outstanding(struct link_rx *rx)
{
	if (rx->state == RX_OPEN)
		rx->peer->l->rx_untaken -= rx->outstanding;
}

void rx_free(struct link_rx *rx)
{
	struct link_peer *p = rx->peer;
	struct link *l = p->l;

	rx_forget_outstanding(rx);
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

void rx_revoke(struct link_rx *rx)
{
	struct link *l = rx->peer->l;

	if (rx->state != RX_OPEN)
		return;
	rx_forget_outstanding(rx);
	rx->state = RX_REVOKED;
	if (rx->outstanding)
		l->ops.revoke(l->user, rx->name.pair, rx->slot->id);
}

void rx_revoke_all(struct link_peer *p)
{
	LIST_EACH (&p->rxs, it)
		rx_revoke(LIST_OWNER(it, struct link_rx, link));
}

void rx_forget_all(struct link_peer *p)
{
	LIST_EACH_SAFE (&p->rxs, it) {
		struct link_rx *rx = LIST_OWNER(it, struct link_rx, link);
		rx_revoke(rx);
		rx_free(rx);
	}
}
