/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of the sending channel only: tx.c, tx_owner.c, tx_report.c, tx_age.c. */
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

/* Moves all members of from to the empty list to. */
static inline void list_move(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
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
void tx_set_owner(struct link_tx *tx, struct link_peer *p, uint64_t now);
/* The nodes that may have it now, in l->live. lasting: nor those that refused it a while ago. */
size_t tx_list_live(struct link_tx *tx, bool lasting, uint64_t now);
/* The node that it belongs to, of those; NULL: none. */
struct link_peer *tx_choice(struct link_tx *tx, bool lasting, uint64_t now);

/* --- tx_place.c --- */
/* It is about to leave its owner for this reason. */
void tx_note_leave(struct link_tx *tx, enum link_why why, uint64_t now);
/* If it shall leave its owner, and nothing that was sent is unacknowledged, it does. */
void tx_leave_step(struct link_tx *tx, uint64_t now);

#endif
