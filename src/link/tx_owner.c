/* SPDX-License-Identifier: Apache-2.0 */
/* Which far node a sending channel belongs to: choice, refusal, hand-over, drain. */
#include <stdlib.h>

#include "base/check.h"
#include "link/tx.h"

bool tx_refused_by(const struct link_tx *tx, const struct link_peer *p, uint64_t now)
{
	for (size_t i = 0; tx->refusals && i < tx->refusals->n; i++) {
		if (tx->refusals->by[i].until > now && (!p || tx->refusals->by[i].peer == p))
			return true;
	}
	return false;
}

void tx_refuse(
	struct link_tx *tx, const struct link_peer *p, const struct frame_report *r, uint64_t now)
{
	struct tx_refusals *no = tx->refusals;
	size_t i = 0;

	while (no && i < no->n && no->by[i].peer != p)
		i++;
	if (!no || i == no->n) {
		no = realloc(no, sizeof(*no) + (i + 1) * sizeof(no->by[0]));
		check(no);
		no->n = i + 1;
		tx->refusals = no;
	}
	no->by[i].peer = p;
	no->by[i].until = now + tx->l->set.refusal_ms;
	no->condition = r->condition ? r->condition : tx->l->set.cond_timeout;
	no->text_len = r->text.len;
	memcpy(no->text, r->text.p, r->text.len);
}

void tx_forget_refusals(struct link_peer *p)
{
	LIST_EACH (&p->l->txs, it) {
		struct tx_refusals *no = LIST_OWNER(it, struct link_tx, link)->refusals;
		for (size_t i = 0; no && i < no->n; i++) {
			if (no->by[i].peer == p)
				no->by[i].until = 0;
		}
	}
}

/* What refused a pair is not taken for its home for so long. */
enum { LASTING_MS = 600000 };

static bool refused_lately(const struct link_tx *tx, const struct link_peer *p, uint64_t now)
{
	for (size_t i = 0; tx->refusals && i < tx->refusals->n; i++) {
		uint64_t until = tx->refusals->by[i].until;
		if (tx->refusals->by[i].peer == p && until && until + LASTING_MS > now)
			return true;
	}
	return false;
}

size_t tx_list_live(struct link_tx *tx, bool lasting, uint64_t now)
{
	struct link *l = tx->l;
	size_t n = 0;

	if (!lasting && tx_stays(tx)) {
		l->live[0] = tx->lease->stay_at;
		return tx_may_stay(tx, now);
	}
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		bool serves = l->set.role == LINK_INNER || link_peer_serves(p, tx->name.pair.local);
		bool refused = lasting ? refused_lately(tx, p, now) : tx_refused_by(tx, p, now);
		if (p->state == PEER_UP && !p->draining && !p->aside && serves &&
			tx->number < p->limits.channels && !refused)
			l->live[n++] = p;
	}
	return n;
}

struct link_peer *tx_choice(struct link_tx *tx, bool lasting, uint64_t now)
{
	struct link *l = tx->l;
	size_t n = tx_list_live(tx, lasting, now);

	for (size_t i = 0; tx->pinned && i < n; i++) {
		if (l->live[i] == tx->pinned)
			return tx->pinned;
	}
	return n ? l->ops.choose(l->user, tx->name.pair, l->live, n) : NULL;
}

uint64_t tx_next_epoch(struct link *l, uint64_t last)
{
	uint64_t wall = l->ops.wall_ms(l->user);
	uint64_t least = last > l->epoch ? last + 1 : l->epoch + 1;

	l->epoch = wall > least ? wall : least;
	return l->epoch;
}

void tx_set_owner(struct link_tx *tx, struct link_peer *p, uint64_t epoch, uint64_t now)
{
	struct link *l = tx->l;

	check(p->l == l && p->state == PEER_UP);
	list_remove(&tx->owned);
	tx->waiting = false;
	tx->epoch = epoch;
	tx->owner = p;
	tx->placed_at = now;
	tx->have = tx->una - 1;
	tx->need_open = true;
	tx->confirmed = false;
	tx->progress_at = now;
	tx->probe_gap = l->set.stall_ms;
	tx_rewind_to(tx, tx->una);
	list_append(&p->owned, &tx->owned);
	tx_go_on(tx, now);
}

void tx_release(struct link_tx *tx)
{
	list_remove(&tx->owned);
	list_remove(&tx->ready);
	list_remove(&tx->leave.link);
	tx->owner = NULL;
	tx->held = false;
	tx_stop_leaving(tx);
	tx->waiting = false;
	tx->need_open = false;
	tx_rewind_to(tx, tx->una);
}

void tx_wait(struct link_tx *tx, uint64_t now)
{
	struct link *l = tx->l;

	list_remove(&tx->owned);
	tx->waiting = tx->q.count;
	if (tx->waiting) {
		bool nobody = tx_refused_by(tx, NULL, now) && !tx_choice(tx, false, now);
		list_append(nobody ? &l->due : &l->orphans, &tx->owned);
	}
}

void tx_assign(struct link_tx *tx, uint64_t now)
{
	if (tx_shared(tx->l)) {
		tx_seek(tx, now);
		return;
	}
	struct link_peer *p = tx_choice(tx, false, now);
	if (p) {
		tx_set_owner(tx, p, tx_next_epoch(tx->l, tx->epoch), now);
	} else {
		tx->expect &= tx->q.count > 0;
		tx_wait(tx, now);
	}
}

void tx_reassign(struct link_tx *tx, enum link_why why, uint64_t now)
{
	struct link_peer *before = tx->owner;

	tx_note_leave(tx, why, now);
	tx_release(tx);
	if (tx_needed(tx) || tx->lease)
		tx_assign(tx, now);
	if (why == LINK_WHY_REVOKED && tx->owner != before) {
		tx->why = why;
		tx->from = before;
	}
}

void tx_release_all(struct link_peer *p, enum link_why why, uint64_t now)
{
	struct list all;

	list_move(&p->owned, &all);
	while (!list_empty(&all))
		tx_reassign(owned_tx(all.next), why, now);
}

void tx_release_some(struct link_peer *p, enum link_why why, uint64_t now)
{
	enum { AT_ONCE = 2048 };

	for (unsigned n = 0; n < AT_ONCE && !list_empty(&p->owned); n++)
		tx_reassign(owned_tx(p->owned.next), why, now);
}

void tx_drain_all(struct link_peer *p, uint64_t now)
{
	LIST_EACH_SAFE (&p->owned, it)
		tx_leave_step(owned_tx(it), now);
}

void tx_resume_all(struct link_peer *p, uint64_t now)
{
	LIST_EACH (&p->owned, it) {
		struct link_tx *tx = owned_tx(it);
		/* Acknowledgements may have been lost with the connection: ask for them. */
		if (tx->send > tx->una || tx_sealed(tx)) {
			tx->need_open = true;
			tx_rewind_to(tx, tx->have + 1);
		}
		tx_make_ready(tx);
	}
	peer_pump(p, now);
}

void tx_retry_orphans(struct link *l, uint64_t now)
{
	struct list all;

	list_move(&l->orphans, &all);
	while (!list_empty(&all))
		tx_reassign(owned_tx(all.next), LINK_WHY_DEAD, now);
}
