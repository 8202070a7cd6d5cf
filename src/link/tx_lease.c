/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inner writes into the lease table that it shares with others (doc/link.md, section 7). An entry names the
 * owner of a pair and the holders: the inners whose records the owner may write.
 *
 *	A  before an inner uses an owner it has won an entry with that owner and itself as a holder
 *	B  it takes itself out only when the owner cannot write for it any more
 *	C  it takes no other holder out, and changes the owner only when there is no other
 *
 * So whatever an outer may write for a pair, the entry of that moment names this outer; and an entry
 * names one. A channel gets here without an owner, which B holds for (tx_owner.c, tx_leave.c).
 */
#include <stdlib.h>

#include "base/check.h"
#include "link/lease.h"
#include "link/tx.h"

enum { REFRESH = 4 }; /* an entry of others is tried once in so many retries */

bool tx_shared(const struct link *l)
{
	return l->ops.ask && l->set.role == LINK_INNER;
}

/* Reads what is known; without holders that are known to be dead. False: nobody can tell what is there. */
static bool read_entry(const struct link_tx *tx, struct lease *e)
{
	const struct tx_lease *le = tx->lease;

	*e = (struct lease){ .pair = tx->name.pair };
	if (le->value.len && !lease_read(le->value, e))
		return false;
	if (str_eq(e->wish, e->owner) || tx_stays(tx))
		e->wish = STRL("");
	for (size_t i = e->n_holders; i-- > 0;) {
		if (tx_expelled(tx->l, e->holders[i].node, e->holders[i].boot))
			lease_leave(e, e->holders[i].node);
	}
	return true;
}

static struct link_peer *choose(struct link_tx *tx, struct link_peer *const *among, size_t n)
{
	struct link *l = tx->l;

	for (size_t i = 0; tx->pinned && i < n; i++) {
		if (among[i] == tx->pinned)
			return tx->pinned;
	}
	return n ? l->ops.choose(l->user, tx->name.pair, among, n) : NULL;
}

/* Among the live nodes but the present owner. */
static struct link_peer *choose_other(struct link_tx *tx, size_t n, struct str owner)
{
	struct link_peer **live = tx->l->live;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!str_eq(live[i]->id, owner))
			live[kept++] = live[i];
	}
	return choose(tx, live, kept);
}

static struct link_peer *find_live(struct link_tx *tx, size_t n, struct str id)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(tx->l->live[i]->id, id))
			return tx->l->live[i];
	}
	return NULL;
}

/*
 * The entry's number grows from what others wrote into it, the channel's does not: what one entry says must not
 * use up the epochs of all channels.
 */
static void ask(struct link_tx *tx, struct lease *e, struct link_peer *then, uint64_t now)
{
	uint64_t epoch = tx_next_epoch(tx->l, tx->epoch);
	uint64_t least = e->epoch < LEASE_EPOCH_MAX ? e->epoch + 1 : LEASE_EPOCH_MAX;

	e->pair = tx->name.pair;
	e->epoch = epoch > least ? epoch : least;
	tx_ask(tx, e, epoch, then, now);
}

/* --- Four things to write --- */

/* We too. */
static void join(struct link_tx *tx, struct lease *e, struct link_peer *p, uint64_t now)
{
	if (lease_join(e, tx->l->set.node, tx->l->set.boot_id))
		ask(tx, e, p, now);
	else
		tx_ask_later(tx, now);
}

/* We alone: this owner. */
static void take(struct link_tx *tx, struct lease *e, struct link_peer *p, uint64_t now)
{
	e->owner = p->id;
	e->wish = STRL("");
	join(tx, e, p, now);
}

/* Not we. What nobody uses or wishes needs no entry. */
static void leave(struct link_tx *tx, struct lease *e, uint64_t now)
{
	lease_leave(e, tx->l->set.node);
	if (e->n_holders || e->wish.len)
		ask(tx, e, NULL, now);
	else
		tx_ask(tx, NULL, 0, NULL, now);
}

/* Not we, and the others not there. */
static void wish(struct link_tx *tx, struct lease *e, struct link_peer *p, uint64_t now)
{
	lease_leave(e, tx->l->set.node);
	e->wish = p->id;
	ask(tx, e, NULL, now);
}

/* --- Which of them --- */

/*
 * Our row may be of the process before us. Its owner cannot write for it any more when it has
 * greeted us, or when what it heard from that process is older than a lease.
 */
static bool row_is_fenced(struct link_tx *tx, const struct lease *e, uint64_t now)
{
	struct link *l = tx->l;
	const struct lease_holder *row = lease_holder(e, l->set.node);

	if (!row || row->boot == l->set.boot_id)
		return true;
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state == PEER_UP && str_eq(p->id, e->owner))
			return true;
	}
	return l->started && now >= l->started + l->set.dead_ms;
}

/* Nobody else uses the pair: the choice is ours. */
static void step_alone(struct link_tx *tx, struct lease *e, size_t n, uint64_t now)
{
	struct link_peer *p = find_live(tx, n, e->wish);
	uint64_t grace = tx->l->set.table_retry_ms;

	if (!p && e->wish.len && now < tx->lease->known_at + grace) {
		tx_ask_later(tx, now); /* who wished it is to have it */
		return;
	}
	if (!p && e->wish.len)
		p = choose_other(tx, n, e->owner);
	if (!p)
		p = tx_choice(tx, false, now);
	if (p && (row_is_fenced(tx, e, now) || str_eq(p->id, e->owner)))
		take(tx, e, p, now);
	else if (!p && lease_holder(e, tx->l->set.node) && row_is_fenced(tx, e, now))
		leave(tx, e, now);
	else
		tx_ask_later(tx, now);
}

/* Others use it: where they are, or they are asked to leave. */
static void step_among_others(struct link_tx *tx, struct lease *e, size_t n, uint64_t now)
{
	struct link_peer *owner = find_live(tx, n, e->owner);
	bool elsewhere = tx->pinned && tx->pinned != owner && find_live(tx, n, tx->pinned->id);
	bool row = lease_holder(e, tx->l->set.node);

	if (!row_is_fenced(tx, e, now)) {
		tx_ask_later(tx, now);
		return;
	}
	if (owner && !elsewhere && !e->wish.len && choose(tx, &owner, 1)) {
		join(tx, e, owner, now);
		return;
	}
	struct link_peer *p = e->wish.len ? NULL : choose_other(tx, n, e->owner);
	if (p)
		wish(tx, e, p, now);
	else if (row)
		leave(tx, e, now);
	else
		tx_ask_later(tx, now);
}

/* Nothing is to be sent, or no node can be asked. */
static void step_out(struct link_tx *tx, struct lease *e, uint64_t now)
{
	bool row = lease_holder(e, tx->l->set.node);

	if (row && row_is_fenced(tx, e, now))
		leave(tx, e, now);
	else if (row)
		tx_ask_later(tx, now);
}

static bool others_hold(const struct link_tx *tx, const struct lease *e)
{
	return e->n_holders > (lease_holder(e, tx->l->set.node) ? 1u : 0u);
}

static void step(struct link_tx *tx, uint64_t now)
{
	struct lease e;

	if (!read_entry(tx, &e)) {
		tx_ask_later(tx, now);
		return;
	}
	bool others = others_hold(tx, &e);
	if (tx_needed(tx) && others && tx_stay(tx, &e, now))
		e.wish = STRL("");
	size_t n = tx_needed(tx) ? tx_list_live(tx, false, now) : 0;
	if (n == 0)
		step_out(tx, &e, now);
	else if (others)
		step_among_others(tx, &e, n, now);
	else
		step_alone(tx, &e, n, now);
}

/* What it would ask for it holds already: the owner is taken in a new epoch, and the table has nothing to say. */
static bool use_held(struct link_tx *tx, uint64_t now)
{
	struct link_peer *p = tx->lease->held;
	struct lease e;

	if (!p || !tx_needed(tx) || !read_entry(tx, &e) || !tx_keeps_held(tx, &e) || e.wish.len ||
		!find_live(tx, tx_list_live(tx, false, now), p->id))
		return false;
	bool others = others_hold(tx, &e);
	bool pinned = tx->pinned && tx->pinned != p && !tx_stays(tx);
	bool elsewhere = others ? pinned : tx_choice(tx, false, now) != p;
	if (elsewhere || !choose(tx, &p, 1))
		return false;
	tx->lease->since = 0;
	tx_set_owner(tx, p, tx_next_epoch(tx->l, tx->epoch), now);
	return true;
}

/* --- Without the table --- */

/* The setting says that after some time a pair goes without it. */
static bool go_alone(struct link_tx *tx, uint64_t now)
{
	struct link *l = tx->l;
	struct tx_lease *le = tx->lease;

	if (!l->set.alone_ms || !tx_needed(tx) || now < le->since + l->set.alone_ms)
		return false;
	struct link_peer *p = tx_choice(tx, false, now);
	if (!p)
		return false;
	le->alone = true;
	tx_set_owner(tx, p, tx_next_epoch(l, 0), now);
	tx_ask_later(tx, now);
	return true;
}

/* It is there again: what it says is caught up with, if possible without a pause. */
static void come_back(struct link_tx *tx, uint64_t now)
{
	struct lease e;

	if (!read_entry(tx, &e)) {
		tx_ask_later(tx, now);
	} else if (!others_hold(tx, &e)) {
		take(tx, &e, tx->owner, now);
	} else if (str_eq(e.owner, tx->owner->id) && !e.wish.len) {
		join(tx, &e, tx->owner, now);
	} else {
		tx_leave(tx, now);
		if (tx->owner)
			tx_ask_later(tx, now);
	}
}

/* --- When --- */

void tx_seek(struct link_tx *tx, uint64_t now)
{
	struct tx_lease *le = tx_lease_of(tx);

	le->alone = false;
	if (!tx_needed(tx))
		le->since = 0;
	else if (!le->since)
		le->since = now;
	tx_stay_look(tx);
	tx_wait(tx, now);
	bool pauses = tx->l->table_down && timer_armed(&le->retry);
	if (!tx_asking(tx) && !use_held(tx, now) && !pauses)
		step(tx, now);
}

void tx_pass_wish_on(struct link_tx *tx, uint64_t now)
{
	struct lease e;

	if (tx_asking(tx) || tx->lease->alone || tx->lease->leaving || !tx_shall_leave(tx))
		return;
	struct link_peer *to = tx_choice(tx, false, now);
	bool elsewhere = to && to != tx->owner;
	if (!elsewhere && tx_refused_by(tx, NULL, now))
		tx_ask_later(tx, now); /* soon it may be had there again */
	if (!elsewhere || !read_entry(tx, &e) || !lease_holder(&e, tx->l->set.node))
		return;
	e.wish = to->id;
	ask(tx, &e, NULL, now);
}

bool tx_has_others(const struct link_tx *tx)
{
	struct lease e;

	return tx->lease && (tx_asking(tx) || !read_entry(tx, &e) || others_hold(tx, &e));
}

/* What others wish ends an order to stay. */
static void follow_wish(struct link_tx *tx, struct str wish, uint64_t now)
{
	if (tx->pinned && !str_eq(tx->pinned->id, wish))
		tx->pinned = NULL;
	tx_leave(tx, now);
}

static void look_at_wish(struct link_tx *tx, uint64_t now)
{
	struct lease e;

	if (!read_entry(tx, &e))
		return;
	if (!str_eq(e.owner, tx->owner->id) || !lease_holder(&e, tx->l->set.node))
		tx_reassign(tx, LINK_WHY_REVOKED, now); /* we were taken for dead */
	else if (e.wish.len)
		follow_wish(tx, e.wish, now);
	else
		tx_pass_wish_on(tx, now);
	/* It may have had to stay until now. */
	if (tx->owner && tx->owner->draining)
		tx_leave_step(tx, now);
}

void tx_entry_changed(struct link_tx *tx, uint64_t now)
{
	if (!tx->owner)
		tx_seek(tx, now);
	else if (tx->lease->alone)
		come_back(tx, now);
	else
		look_at_wish(tx, now);
}

static bool usable(struct link_tx *tx, const struct link_peer *p, uint64_t now)
{
	if (tx_stays(tx))
		return p == tx->lease->stay_at && tx_may_stay(tx, now);
	return p->state == PEER_UP && !p->draining && !p->aside && !tx_refused_by(tx, p, now);
}

/* Idle, or made only to give a row back. */
static bool is_useless(const struct link_tx *tx, uint64_t now)
{
	return now >= tx->used_at + tx->l->set.idle_ms || (tx->epoch == 0 && !tx->pinned);
}

void tx_entry_won(struct link_tx *tx, uint64_t now)
{
	struct tx_lease *le = tx->lease;

	if (tx->owner) {
		le->alone = le->alone && le->then != tx->owner;
		tx_entry_changed(tx, now);
	} else if (le->then && usable(tx, le->then, now)) {
		/* The channel may have had an epoch since it asked: without the table, or to be sealed. */
		uint64_t epoch =
			le->epoch > tx->epoch ? le->epoch : tx_next_epoch(tx->l, tx->epoch);
		le->since = 0;
		if (!tx->from && tx_has_others(tx))
			tx->why = LINK_WHY_SHARED;
		tx_set_owner(tx, le->then, epoch, now);
		tx_pass_wish_on(tx, now); /* of an order that came meanwhile */
	} else if (!le->row && !tx_needed(tx) && is_useless(tx, now)) {
		tx_free(tx);
	} else {
		tx_seek(tx, now);
	}
}

/* What was known may be old, or a word of the table was lost: a try tells. */
static void refresh(struct link_tx *tx, uint64_t now)
{
	struct lease e;

	if (tx_needed(tx) && read_entry(tx, &e) && others_hold(tx, &e) &&
		now >= tx->lease->known_at + REFRESH * tx->l->set.table_retry_ms)
		ask(tx, &e, NULL, now);
}

void tx_seek_again(struct link_tx *tx, uint64_t now)
{
	if (tx->owner && tx->lease->alone) {
		if (!tx_asking(tx))
			come_back(tx, now);
		return;
	}
	if (tx->owner) {
		look_at_wish(tx, now); /* it may have changed while a question was under way */
		return;
	}
	tx->expect &= tx->q.count > 0; /* nobody waits for what is only expected */
	tx_stay_look(tx);
	if ((!tx_asking(tx) && use_held(tx, now)) || go_alone(tx, now) || tx_asking(tx))
		return;
	step(tx, now);
	if (!tx_asking(tx))
		refresh(tx, now);
}

/* --- The end of this node --- */

static bool is_kept_for_nothing(const struct link_tx *tx)
{
	return tx->lease && tx->lease->counted && tx->q.count == 0;
}

void tx_drain_own(struct link *l, uint64_t now)
{
	LIST_EACH (&l->txs, it) {
		struct link_tx *tx = LIST_OWNER(it, struct link_tx, link);
		tx->expect = false;
		if (is_kept_for_nothing(tx))
			tx_reassign(tx, LINK_WHY_DRAINED, now);
	}
}

bool tx_drained_own(const struct link *l)
{
	return l->n_leases == 0 || l->table_down;
}
