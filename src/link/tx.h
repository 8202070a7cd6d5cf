/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of the sending channel only: tx.c and tx_*.c. */
#ifndef LINK_TX_H
#define LINK_TX_H

#include "link/engine.h"

/* The nodes that said that they cannot reach this pair, and what the last of them said. */
struct tx_refusals {
	unsigned condition;
	size_t text_len;
	char text[TEXT_BYTES_MAX];
	size_t n;
	struct {
		const struct link_peer *peer;
		uint64_t until;
	} by[];
};

/* A record that found no room: it goes back at the next tick. */
struct overflow {
	struct list link;
	struct pair_name name;
	struct link_out out; /* its record is a copy */
};

static inline struct link_tx *owned_tx(struct list *it)
{
	return LIST_OWNER(it, struct link_tx, owned);
}

/* Tells the program that a record is its no longer. */
void tx_settled(struct link *l, uint64_t receipt);
/* The oldest record leaves: it was taken, or (condition not 0) goes back to the program. */
void tx_settle(struct link_tx *tx, unsigned condition, struct str text);
void tx_wake_program(struct link_tx *tx);
/* Moves the send pointer to seq (una to high). */
void tx_rewind_to(struct link_tx *tx, uint64_t seq);
/* Behind what the owner has received. */
void tx_skip_received(struct link_tx *tx);
void tx_go_on(struct link_tx *tx, uint64_t now);
void tx_refuse(
	struct link_tx *tx, const struct link_peer *p, const struct frame_report *r, uint64_t now);
void tx_release(struct link_tx *tx);
/* Takes it from its owner, if it has one, and chooses again if there is something to send. */
void tx_reassign(struct link_tx *tx, enum link_why why, uint64_t now);
/* This node becomes the owner, in a new epoch; nobody is at present. */
void tx_set_owner(struct link_tx *tx, struct link_peer *p, uint64_t epoch, uint64_t now);
/* A number above this one, and above all epochs that we had. */
uint64_t tx_next_epoch(struct link *l, uint64_t last);
/* Without an owner: among those that wait for one, or those whose records go back. */
void tx_wait(struct link_tx *tx, uint64_t now);
/* Did this node (NULL: any) refuse the pair in the last second? */
bool tx_refused_by(const struct link_tx *tx, const struct link_peer *p, uint64_t now);
/* Has it anything to send? */
static inline bool tx_needed(const struct link_tx *tx)
{
	return tx->q.count || tx->expect;
}
/*
 * The nodes that may have it now, in l->live. lasting: as if it did not have to stay with its owner (tx_stay.c), and
 * without those that refused it a while ago.
 */
size_t tx_list_live(struct link_tx *tx, bool lasting, uint64_t now);
/* The node that it belongs to, of those; NULL: none. */
struct link_peer *tx_choice(struct link_tx *tx, bool lasting, uint64_t now);
struct lease;

/* --- tx_place.c --- */
/* It is about to leave its owner for this reason. */
void tx_note_leave(struct link_tx *tx, enum link_why why, uint64_t now);
/* If it shall leave its owner, and nothing that was sent is unacknowledged, it does. */
void tx_leave_step(struct link_tx *tx, uint64_t now);
/* Does an operator want it to be elsewhere? */
bool tx_shall_leave(const struct link_tx *tx);

/* --- tx_leave.c: with a shared table --- */
/* Everybody is to leave the owner, which lives. */
void tx_leave(struct link_tx *tx, uint64_t now);
void tx_stop_leaving(struct link_tx *tx);
void tx_seal_tick(struct link *l, uint64_t now);
/* If it shall leave its owner, and the owner has nothing that it could write, it does. */
void tx_shared_leave_step(struct link_tx *tx, uint64_t now);

/* --- tx_stay.c: with a shared table --- */
/* Have others kept the pair at its owner, although it was wished elsewhere? Then it has no other choice. */
bool tx_stays(const struct link_tx *tx);
/* The wish of this entry, which is the known one: is it time to give it up? From then on the pair stays. */
bool tx_stay(struct link_tx *tx, const struct lease *entry, uint64_t now);
/* Can it be had at the owner with which it stays? */
bool tx_may_stay(struct link_tx *tx, uint64_t now);
/* That owner, which drains, gave back what it had: it is to end. */
void tx_stay_refused(struct link_tx *tx);
/* Another entry takes the place of the known one. */
void tx_stay_news(struct link_tx *tx, struct str value, uint64_t now);
/* The owner with which it stays may be dead. */
void tx_stay_look(struct link_tx *tx);
/* Some inner was expelled. */
void tx_stay_expelled(struct link_tx *tx);
/* Leaves, of these holders besides us, those that have kept it there. */
void tx_stay_filter(const struct link_tx *tx, struct lease *others);
void tx_stay_tick(struct link *l, uint64_t now);
void tx_stay_done(struct tx_lease *le);

/* --- tx_lease.c: what is to be written into the shared table --- */
/* Has no owner now (which cannot write for it any more): asks for what it needs, or leaves. */
void tx_seek(struct link_tx *tx, uint64_t now);
/* If an operator wants it elsewhere, all holders are told. */
void tx_pass_wish_on(struct link_tx *tx, uint64_t now);
/* Does another inner use the pair, as far as is known? */
bool tx_has_others(const struct link_tx *tx);
/* The entry is another one than was thought. */
void tx_entry_changed(struct link_tx *tx, uint64_t now);
/* The question that tx_ask() had was answered: its value stands in the table. */
void tx_entry_won(struct link_tx *tx, uint64_t now);
/* After a while without an answer, or without what is needed. */
void tx_seek_again(struct link_tx *tx, uint64_t now);

/* --- tx_table.c: questions and answers --- */
struct tx_lease {
	struct link_tx *tx;
	struct str value; /* the entry as far as it is known; empty: none */
	uint64_t revision; /* of it */
	unsigned doubts; /* times that the table answered with an older one */
	bool row; /* it names this node as a holder */
	/* The owner of an entry that this process won, and since which it asked for none with another owner or
	 * without itself; or NULL. */
	struct link_peer *held;
	struct link_peer *was_held; /* before the question under way */
	uint64_t known_at; /* since when */
	uint64_t since; /* what is needed is missing; 0: it is not */
	bool alone; /* the owner was chosen without the table */
	bool leaving; /* nothing new goes to the owner: the channel moves as soon as it can */
	bool sealed; /* an epoch without records, so that the owner drops what it has not written */
	struct link_timer seal;

	/* The wish of an entry (tx_stay.c). */
	uint64_t wished_at; /* since when it has not changed, nor who holds the pair besides us */
	struct link_peer
		*stay_at; /* it was given up: the pair stays with this owner; NULL: it was not */
	struct str stay_value; /* the entry that was given up */
	bool given_back; /* stay_at drains and has given back what it had */
	unsigned gave_up; /* times, since others held it */
	unsigned stay_turns; /* of stay_ms that it stays yet */
	struct link_timer stay;

	uint64_t ticket; /* of the question under way; 0: none */
	struct str asked; /* the value that it would write */
	/* What this value was made for, and its revision: news may come before its turn. */
	struct str replaced;
	uint64_t expected;
	uint64_t epoch; /* the channel's own, if it is won */
	struct link_peer *then; /* becomes the owner if it is won */
	struct list queue; /* in l->unasked, or alone */
	struct link_timer overdue;
	struct link_timer retry;
	bool counted; /* in l->n_leases */
};

static inline bool tx_sealed(const struct link_tx *tx)
{
	return tx->lease && tx->lease->sealed;
}

struct tx_lease *tx_lease_of(struct link_tx *tx);
void tx_lease_free(struct link_tx *tx);
/* A question waits for its turn or its answer. */
bool tx_asking(const struct link_tx *tx);
/* Asks for this entry in place of the known one (NULL: for its removal), and for that owner in this epoch. */
void tx_ask(struct link_tx *tx, const struct lease *entry, uint64_t epoch, struct link_peer *then,
	uint64_t now);
/* Does the entry name what is held? */
bool tx_keeps_held(const struct link_tx *tx, const struct lease *entry);
void tx_ask_later(struct link_tx *tx, uint64_t now);
void tx_table_tick(struct link *l, uint64_t now);
bool tx_expelled(const struct link *l, struct str node, uint64_t boot);
void tx_table_done(struct link *l);

#endif
