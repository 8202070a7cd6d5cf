/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stanzas of one stream in the order in which they came, until each is handled. What the peer is told is how
 * many were handled without a gap. Stanzas of several pairs may be handled in another order than they came.
 */
#ifndef S2S_INBOX_H
#define S2S_INBOX_H

#include "s2s/core.h"

struct inbox {
	struct s2s_stream *stream;
	size_t slot; /* in face.slots */
	uint64_t base; /* the first that was counted */
	uint64_t first; /* the oldest that is not handled */
	uint64_t next; /* the next to come */
	unsigned char *done; /* of first to next - 1, by number & (cap - 1) */
	size_t cap;
	bool whole; /* all stanzas of the stream are counted */
	bool left; /* to them: they send again what is not acknowledged, to another node */
};

struct inbox *inbox_new(struct s2s_face *f, struct s2s_stream *s);
/* Receipts that are still out lead nowhere from now on. */
void inbox_free(struct s2s_face *f, struct inbox *b);
void inbox_free_slots(struct s2s_face *f);

/* A stanza came: its receipt, never 0. */
uint64_t inbox_add(struct inbox *b);
/* It is handled: the inbox that moved on, or NULL. */
struct inbox *inbox_settle(struct s2s_face *f, uint64_t receipt);

/* Whose receipt is it? NULL: nobody's any more. */
const struct inbox *inbox_of(const struct s2s_face *f, uint64_t receipt);

static inline uint64_t inbox_received(const struct inbox *b)
{
	return b->next - b->base;
}

static inline uint64_t inbox_handled(const struct inbox *b)
{
	return b->first - b->base;
}

#endif
