/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for bytes that goes round among many buffers: each has some only while there is something in it. What one has
 * just emptied is still in the processor's cache when the next one fills it, and however many there are, together they
 * take the memory of those that are in use at once.
 */
#ifndef BASE_SPARES_H
#define BASE_SPARES_H

#include "base/buf.h"

enum { SPARES_MAX = 32 };

struct spares {
	struct buf all[SPARES_MAX]; /* the first n have memory */
	unsigned n;
};

void spares_init(struct spares *s);
void spares_done(struct spares *s);

/* All of it back to the heap, where memory is short. Returns how many bytes. */
size_t spares_drop(struct spares *s);

/* Call before bytes are appended to a buffer: one without memory gets some, if there is any. */
void spares_take(struct spares *s, struct buf *b);
/* An empty buffer gives its memory back; one with little in it keeps no more than that. */
void spares_give(struct spares *s, struct buf *b);

#endif
