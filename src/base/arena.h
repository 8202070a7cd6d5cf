/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena hands out memory that is given back all at once. One arena per
 * stream, reset per stanza, so that parsing never calls malloc or free once
 * the first chunk exists. It has a limit: what a peer can grow stops there.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
	char *next; /* first free byte of the current chunk */
	char *end; /* first byte after it */
	struct arena_chunk *chunks;
	size_t used; /* bytes in all full chunks and large blocks since the last reset */
	size_t limit;
};

/* limit: bytes that may be in use between two resets. No memory is taken yet. */
void arena_init(struct arena *a, size_t limit);

/*
 * Gives all memory back and takes a first chunk of this size (not counted against the limit), for those
 * who know what they will need. Without it the first chunk comes with the first use, 4 KiB.
 */
void arena_reserve(struct arena *a, size_t size);

/* Gives all memory back; the arena may be used again. */
void arena_done(struct arena *a);

/* Everything allocated so far becomes invalid; the first chunk is kept for the next use. */
void arena_reset(struct arena *a);

/* The slow path of arena_alloc(). */
void *arena_grow(struct arena *a, size_t size);

/*
 * Memory for size bytes, aligned to 8, not cleared. NULL only when the limit
 * would be passed: the caller reports it as the peer's fault.
 */
static inline void *arena_alloc(struct arena *a, size_t size)
{
	size_t rounded = (size + 7) & ~(size_t)7;
	if ((size_t)(a->end - a->next) >= rounded && rounded >= size) {
		void *p = a->next;
		a->next += rounded;
		return p;
	}
	return arena_grow(a, size);
}

/* As arena_alloc(), cleared to zero. */
void *arena_zalloc(struct arena *a, size_t size);

/* A copy of s in the arena; p is NULL when the limit would be passed. Length 0 is never NULL. */
struct str arena_str(struct arena *a, struct str s);

/* Bytes held from the heap at present. */
size_t arena_footprint(const struct arena *a);

#endif
