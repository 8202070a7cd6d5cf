/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a channel is and where it belongs. A channel goes to another node only when nothing that was sent to its owner
 * is unacknowledged: what the owner has written is known then, and it has nothing left that it could write later.
 *
 *	at home --owner dead, refuses, drains--> elsewhere --idle for home_ms, next record--> at home
 *	   |                                         |
 *	   +------------ link_move() ----------------+----> pinned --link_unpin(), node dies--> elsewhere
 */
#include "base/check.h"
#include "link/lease.h"
#include "link/tx.h"

enum { HOLD_MS = 2000 };

/* --- leaving --- */

void tx_note_leave(struct link_tx *tx, enum link_why why, uint64_t now)
{
	/* A revoked channel needs a new epoch, and usually gets it at the same node. */
	if (!tx->owner || why == LINK_WHY_REVOKED)
		return;
	if (tx->pinned == tx->owner)
		tx->pinned = NULL;
	tx->from = tx->owner;
	tx->why = why;
	tx->placed_at = now;
}

static bool is_up(const struct link_peer *p)
{
	return p->state == PEER_UP && !p->draining && !p->aside;
}

/* An operator wants it to be elsewhere. */
bool tx_shall_leave(const struct link_tx *tx)
{
	bool elsewhere = tx->pinned && tx->pinned != tx->owner && is_up(tx->pinned);

	return (tx->owner->aside || elsewhere) && !tx_stays(tx);
}

static void stop_holding(struct link_tx *tx, uint64_t now)
{
	list_remove(&tx->leave.link);
	if (!tx->held || (tx->lease && tx->lease->leaving))
		return;
	tx->held = false;
	tx_go_on(tx, now);
}

static void leave_owner(struct link_tx *tx, uint64_t now)
{
	if (tx->owner->draining) {
		tx_reassign(tx, LINK_WHY_DRAINED, now);
		return;
	}
	if (!tx_shall_leave(tx))
		return;
	enum link_why why = tx->owner->aside ? LINK_WHY_DRAINED : LINK_WHY_COMMAND;
	struct link_peer *to = tx_choice(tx, false, now);
	if (!to || to == tx->owner) {
		stop_holding(tx, now);
		return;
	}
	tx_note_leave(tx, why, now);
	tx_release(tx);
	if (tx->q.count || tx->expect || tx->pinned)
		tx_set_owner(tx, to, tx_next_epoch(tx->l, tx->epoch), now);
}

void tx_leave_step(struct link_tx *tx, uint64_t now)
{
	if (tx->owner && tx_shared(tx->l))
		tx_shared_leave_step(tx, now);
	else if (tx->owner && tx->una >= tx->high)
		leave_owner(tx, now);
}

static void leave(struct link_tx *tx, uint64_t now)
{
	if (tx_shared(tx->l)) {
		tx_pass_wish_on(tx, now);
		return;
	}
	tx->held = true;
	timer_start(&tx->l->leave_timers, &tx->leave, now + HOLD_MS);
	tx_leave_step(tx, now);
}

void tx_stop_holding(struct link *l, uint64_t now)
{
	struct link_timer *t;

	while ((t = timer_due(&l->leave_timers, now)))
		stop_holding(LIST_OWNER(t, struct link_tx, leave), now);
}

/* --- coming home --- */

void tx_go_home(struct link_tx *tx, uint64_t now)
{
	if (!tx->owner || tx->q.count || now < tx->used_at + tx->l->set.home_ms ||
		tx_has_others(tx))
		return;
	struct link_peer *to = tx_choice(tx, true, now);
	if (!to || to == tx->owner)
		return;
	tx_note_leave(tx, LINK_WHY_HOME, now);
	tx_release(tx);
	if (tx_shared(tx->l)) {
		tx->expect = true;
		tx_seek(tx, now);
	} else {
		tx_set_owner(tx, to, tx_next_epoch(tx->l, tx->epoch), now);
	}
}

/* --- orders --- */

const char *link_move(struct link *l, struct link_pair pair, struct str node, uint64_t now)
{
	struct link_peer *p = peer_find(l, node);

	if (!p)
		return "no such node is linked with this one";
	if (!is_up(p))
		return "that node is not up, or it is drained";
	if (l->set.role == LINK_OUTER && !link_peer_serves(p, pair.local))
		return "that node does not serve the local domain";
	struct link_tx *tx = tx_get(l, pair, now);
	if (!tx || tx->number >= p->limits.channels)
		return "there are too many pairs";
	tx->pinned = p;
	if (tx->owner && tx->owner != p)
		leave(tx, now);
	else if (tx->owner)
		stop_holding(tx, now);
	else if (tx->waiting)
		tx_reassign(tx, LINK_WHY_COMMAND, now);
	else if (!tx_shared(l)) /* with a table: when it is needed */
		tx_set_owner(tx, p, tx_next_epoch(l, tx->epoch), now);
	if (tx->owner == p)
		tx->why = LINK_WHY_COMMAND;
	return NULL;
}

const char *link_unpin(struct link *l, struct link_pair pair)
{
	struct link_tx *tx = tx_find(l, pair);

	if (!tx || !tx->pinned)
		return "the pair is not held at any node";
	tx->pinned = NULL;
	return NULL;
}

static bool others_are_up(const struct link *l, const struct link_peer *but)
{
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p != but && is_up(p))
			return true;
	}
	return false;
}

const char *link_set_aside(struct link *l, struct str node, bool aside, uint64_t now)
{
	struct link_peer *p = peer_find(l, node);

	if (!p)
		return "no such node is linked with this one";
	if (aside && !others_are_up(l, p))
		return "no other node is up that could take its pairs";
	if (aside == p->aside)
		return aside ? "it is drained already" : "it is not drained";
	p->aside = aside;
	others_changed(l);
	LIST_EACH_SAFE (&p->owned, it) {
		struct link_tx *tx = owned_tx(it);
		if (aside)
			leave(tx, now);
		else if (!tx_shall_leave(tx))
			stop_holding(tx, now);
	}
	if (!aside)
		tx_retry_orphans(l, now);
	return NULL;
}

/* --- telling --- */

static struct str id_of(const struct link_peer *p)
{
	return p ? p->id : STRL("");
}

/* What is told of a channel, and where it lies meanwhile. */
struct told {
	struct link_place place;
	struct lease lease, silent;
};

static enum link_hold hold_of(
	struct link_tx *tx, const struct lease *e, size_t others, uint64_t now)
{
	const struct tx_lease *le = tx->lease;
	const struct link_settings *set = &tx->l->set;

	if (tx_stays(tx))
		return LINK_HOLD_SILENT;
	if (tx->owner || tx->q.count == 0 || !tx_choice(tx, false, now))
		return LINK_HOLD_NOT;
	if (others && e->wish.len && now >= le->wished_at + set->follow_ms)
		return LINK_HOLD_SILENT;
	return others && !tx_asking(tx) && !tx->l->table_down ? LINK_HOLD_OTHERS : LINK_HOLD_TABLE;
}

static void drop_expelled(const struct link *l, struct lease *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n_holders; i++) {
		if (!tx_expelled(l, e->holders[i].node, e->holders[i].boot))
			e->holders[kept++] = e->holders[i];
	}
	e->n_holders = kept;
}

static void tell_lease(struct link_tx *tx, struct told *t, uint64_t now)
{
	bool known = lease_read(tx->lease->value, &t->lease);

	if (known) {
		t->place.lease = &t->lease;
		t->silent = t->lease;
		lease_leave(&t->silent, tx->l->set.node);
		drop_expelled(tx->l, &t->silent);
		t->place.others = t->silent.n_holders;
	}
	t->place.hold = hold_of(tx, &t->lease, t->place.others, now);
	if (known && t->place.hold == LINK_HOLD_SILENT) {
		tx_stay_filter(tx, &t->silent);
		t->place.silent = &t->silent;
	}
}

static struct link_place place_of(struct link_tx *tx, uint64_t now)
{
	static const char *const names[] = {
#define X(id, name) [id] = name,
		LINK_WHYS(X)
#undef X
	};

	return (struct link_place){
		.pair = tx->name.pair,
		.owner = id_of(tx->owner),
		.home = id_of(tx_choice(tx, true, now)),
		.pinned = id_of(tx->pinned),
		.from = id_of(tx->from),
		.why = names[tx->why],
		.placed_ms_ago = now - tx->placed_at,
		.idle_ms = tx->q.count ? 0 : now - tx->used_at,
		.epoch = tx->epoch,
		.queued = tx->next - tx->send,
		.unacknowledged = tx->send - tx->una,
	};
}

static void tell_place(struct link_tx *tx, uint64_t now,
	void (*tell)(void *user, const struct link_place *place), void *user)
{
	struct told t = { .place = place_of(tx, now) };

	if (tx->lease)
		tell_lease(tx, &t, now);
	tell(user, &t.place);
}

void link_each_channel(struct link *l, uint64_t now, struct excerpt *e,
	void (*tell)(void *user, const struct link_place *place), void *user)
{
	struct link_tx *tx;

	excerpt_begin(e);
	LIST_EACH (&l->txs, it) {
		tx = LIST_OWNER(it, struct link_tx, link);
		bool notable = tx->q.count || tx->pinned || tx_stays(tx);
		if (!excerpt_has(e, tx->name.pair.local, tx->name.pair.foreign) ||
			!excerpt_now(e, tx, notable))
			continue;
		tell_place(tx, now, tell, user);
	}
	while ((tx = excerpt_later(e)))
		tell_place(tx, now, tell, user);
}

static uint64_t count(const struct list *all)
{
	uint64_t n = 0;

	LIST_EACH (all, it)
		n++;
	return n;
}

void link_each_peer(const struct link *l, uint64_t now,
	void (*tell)(void *user, const struct link_peer_info *info), void *user)
{
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		const struct link_peer_info info = {
			.id = p->id,
			.why_down = p->state == PEER_UP ? NULL
				: p->why                ? p->why
							: "no greeting yet",
			.boot = p->boot,
			.heard_ms_ago = p->known ? now - p->heard : LINK_NEVER_HEARD,
			.rtt_ms = p->rtt,
			.release = p->release,
			.load = p->load,
			.others = p->others,
			.version = p->version,
			.catalogue = p->catalogue,
			.owned = count(&p->owned),
			.serving = count(&p->rxs),
			.up = p->state == PEER_UP,
			.draining = p->draining,
			.aside = p->aside,
		};
		tell(user, &info);
	}
}
