/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stanzas of one pair, oldest first, kept until the next hop has them:
 *
 *	| written, not taken or not acknowledged | waiting |
 *
 * The bytes of all of them lie in one buffer in the same order.
 */
#ifndef S2S_QUEUE_H
#define S2S_QUEUE_H

#include "base/spares.h"
#include "s2s/face.h"

struct entry {
	struct s2s_token token;
	uint64_t since; /* when it was queued */
	uint64_t end; /* offset in the stream behind its last byte, once written */
	size_t len;
	unsigned doubts; /* how often its stream ended before they acknowledged it */
};

struct queue {
	struct buf bytes;
	struct buf entries; /* struct entry each */
	struct spares *spares; /* where their memory comes from */
	unsigned max_stanzas; /* limits of what is not owed */
	size_t max_bytes;
	size_t owed_len; /* bytes of what is owed */
	size_t written; /* how many entries were written */
	size_t written_len; /* and their bytes */
};

void queue_init(struct queue *q, struct spares *spares, unsigned stanzas, size_t bytes);
void queue_done(struct queue *q);
void queue_limit(struct queue *q, unsigned stanzas, size_t bytes);

static inline size_t queue_count(const struct queue *q)
{
	return buf_len(&q->entries) / sizeof(struct entry);
}

static inline struct entry *queue_entry(const struct queue *q, size_t i)
{
	return (struct entry *)(void *)(q->entries.data + q->entries.off) + i;
}

/* How much more of what is owed (S2S_OWED) a queue takes: as many as the link holds of a pair may come back at once. */
enum { QUEUE_OWED_STANZAS = 1024, QUEUE_OWED_BYTES = 512 * 1024 };

/* False when the queue is full. */
bool queue_add(struct queue *q, struct str xml, struct s2s_token token, uint64_t now);
/* The first waiting entry's bytes; there is one. */
struct str queue_next(const struct queue *q);
/* The first waiting entry was written; end is the stream's offset behind it. */
void queue_wrote(struct queue *q, uint64_t end);
/* Takes the first entry off, which was written. */
struct s2s_token queue_pop(struct queue *q);
/* The stream is gone: nothing counts as written. */
void queue_rewind(struct queue *q);
/* Takes out n entries from the first-th on; the caller frees the array of their tokens. */
struct s2s_token *queue_take(struct queue *q, size_t first, size_t n);
/* Drops the waiting entries of this channel; returns how many. */
size_t queue_revoke(struct queue *q, uint64_t channel);
/* Of this channel, was something written that ends beyond this offset in the stream? */
bool queue_has_beyond(const struct queue *q, uint64_t channel, uint64_t offset);
/* Gives memory back when nothing is queued. */
void queue_trim(struct queue *q);

#endif
