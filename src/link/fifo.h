/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that a sending channel keeps until they are acknowledged, in order, with a cursor
 * at the next one to send. They live in chunks that come from a pool shared by all
 * channels: no malloc per record, an idle channel holds nothing, and a record never moves.
 *
 *	head            cursor                  end
 *	 | sent, kept    | not (or again) to send |
 */
#ifndef LINK_FIFO_H
#define LINK_FIFO_H

#include "base/list.h"
#include "base/str.h"

struct fifo_record {
	uint64_t trace;
	uint64_t receipt;
	uint64_t queued_at;
	uint32_t len;
	uint8_t proof;
	bool moot; /* its sender sends it again by another way: it may be dropped */
	char bytes[];
};

struct fifo_chunk {
	struct list link;
	uint32_t used;
	uint32_t cap;
	char space[];
};

struct fifo_pool {
	struct list chunks;
	unsigned n;
};

struct fifo {
	struct list chunks;
	uint32_t head; /* offset of the first record in the first chunk */
	struct fifo_chunk *at; /* cursor; NULL: at the head of an empty queue */
	uint32_t at_off;
	unsigned count;
	size_t bytes; /* of the records alone */
};

void fifo_pool_init(struct fifo_pool *pool);
void fifo_pool_done(struct fifo_pool *pool);

void fifo_init(struct fifo *f);
void fifo_done(struct fifo *f, struct fifo_pool *pool);

/* head: what shall stand in front of the bytes; its length is set here. */
void fifo_append(
	struct fifo *f, struct fifo_pool *pool, const struct fifo_record *head, struct str record);

/* The oldest record, or NULL. */
struct fifo_record *fifo_head(struct fifo *f);

/*
 * Removes the oldest record; a cursor there moves on. Its bytes stay valid until
 * the chunk that is returned (NULL: nothing to do) is given to fifo_release().
 */
struct fifo_chunk *fifo_pop(struct fifo *f);
void fifo_release(struct fifo_pool *pool, struct fifo_chunk *chunk);

/* The record at the cursor, or NULL at the end. */
struct fifo_record *fifo_peek(struct fifo *f);
/* Moves the cursor behind the record that fifo_peek() gave. */
void fifo_advance(struct fifo *f);
void fifo_rewind(struct fifo *f);

#endif
