/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With a shared table: a pair that has to stay with its owner. Somebody wished that all leave it, but another inner
 * holds the pair there and does not go: perhaps it is dead for good. As long as the owner lives there is no need to
 * wait for that one: the wish is given up, and the pair goes on where it is, also if the owner drains or was set aside.
 *
 *	wish --for follow_ms nobody came or went--> stays --its holders gone, owner dead--> free
 *	  ^                                           |
 *	  +---- a new try after stay_ms and longer ---+
 *
 * Meanwhile wishes do not count, whoever has them: nobody can fulfil them. Who sees that one was given up, although the
 * owner is the same, does as well: two inners would otherwise wish by turns.
 */
#include "link/lease.h"
#include "link/tx.h"

enum { DOUBLINGS = 5 };

bool tx_stays(const struct link_tx *tx)
{
	return tx->lease && tx->lease->stay_at;
}

static bool holds(const struct lease *e, const struct lease_holder *h)
{
	const struct lease_holder *row = lease_holder(e, h->node);

	return row && row->boot == h->boot;
}

/* How many inners besides us hold it in both, in the same process? */
static size_t others_in_both(const struct link_tx *tx, const struct lease *a, const struct lease *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_holders; i++) {
		const struct lease_holder *h = &a->holders[i];
		n += !str_eq(h->node, tx->l->set.node) && !tx_expelled(tx->l, h->node, h->boot) &&
			holds(b, h);
	}
	return n;
}

static void end(struct link_tx *tx)
{
	struct tx_lease *le = tx->lease;

	le->stay_at = NULL;
	str_free(&le->stay_value);
	list_remove(&le->stay.link);
}

void tx_stay_done(struct tx_lease *le)
{
	end(le->tx);
}

static void await(struct link_tx *tx, uint64_t now)
{
	timer_start(&tx->l->stay_timers, &tx->lease->stay, now + tx->l->set.stay_ms);
}

static void begin(struct link_tx *tx, struct str value, struct link_peer *owner, uint64_t now)
{
	struct tx_lease *le = tx->lease;

	end(tx);
	le->stay_at = owner;
	le->stay_value = str_dup(value);
	le->given_back = false;
	le->stay_turns = 1u << le->gave_up;
	le->gave_up += le->gave_up < DOUBLINGS;
	await(tx, now);
}

bool tx_stay(struct link_tx *tx, const struct lease *entry, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	struct link *l = tx->l;
	struct link_peer *p = peer_find(l, entry->owner);

	if (!entry->wish.len || now < le->wished_at + l->set.follow_ms || !p ||
		p->state != PEER_UP || !l->ops.choose(l->user, tx->name.pair, &p, 1))
		return false;
	begin(tx, le->value, p, now);
	return true;
}

/* Those that held it when the wish was given up are gone, or somebody else owns it. */
static bool is_over(const struct link_tx *tx, const struct lease *entry)
{
	const struct tx_lease *le = tx->lease;
	struct lease then;

	return !str_eq(entry->owner, le->stay_at->id) || !lease_read(le->stay_value, &then) ||
		others_in_both(tx, &then, entry) == 0;
}

void tx_stay_news(struct link_tx *tx, struct str value, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	struct lease was, is;
	bool known = lease_read(le->value, &was), good = lease_read(value, &is);
	bool same_owner = known && good && str_eq(was.owner, is.owner);
	size_t both = same_owner ? others_in_both(tx, &was, &is) : 0;

	if (tx_stays(tx) && (!good || is_over(tx, &is))) {
		le->gave_up = 0;
		end(tx);
	} else if (!tx_stays(tx) && both && was.wish.len && !is.wish.len) {
		struct link_peer *p = peer_find(tx->l, is.owner);
		if (p)
			begin(tx, le->value, p, now);
	}
	if (!same_owner || !str_eq(was.wish, is.wish) || both < others_in_both(tx, &was, &was) ||
		both < others_in_both(tx, &is, &is))
		le->wished_at = now;
}

void tx_stay_filter(const struct link_tx *tx, struct lease *others)
{
	struct lease then;
	bool stays = tx_stays(tx) && lease_read(tx->lease->stay_value, &then);

	for (size_t i = others->n_holders; i-- > 0;) {
		struct lease_holder h = others->holders[i];
		if (tx_expelled(tx->l, h.node, h.boot) || (stays && !holds(&then, &h)))
			lease_leave(others, h.node);
	}
}

void tx_stay_look(struct link_tx *tx)
{
	if (tx_stays(tx) && tx->lease->stay_at->state != PEER_UP)
		end(tx);
}

bool tx_may_stay(struct link_tx *tx, uint64_t now)
{
	struct tx_lease *le = tx->lease;
	const struct link_peer *p = le->stay_at;

	le->given_back &= p->draining;
	return p->state == PEER_UP && !le->given_back && tx->number < p->limits.channels &&
		!tx_refused_by(tx, p, now);
}

void tx_stay_refused(struct link_tx *tx)
{
	if (tx_stays(tx))
		tx->lease->given_back = true;
}

void tx_stay_expelled(struct link_tx *tx)
{
	struct lease e;

	if (tx_stays(tx) && (!lease_read(tx->lease->value, &e) || is_over(tx, &e)))
		end(tx);
}

void tx_stay_tick(struct link *l, uint64_t now)
{
	struct link_timer *t;

	while ((t = timer_due(&l->stay_timers, now))) {
		struct link_tx *tx = LIST_OWNER(t, struct tx_lease, stay)->tx;
		if (--tx->lease->stay_turns) {
			await(tx, now);
			continue;
		}
		end(tx);
		if (!tx_asking(tx))
			tx_entry_changed(tx, now);
	}
}
