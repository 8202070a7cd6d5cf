/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte queue: append at the end, consume at the front, one block of memory.
 * It has a limit; an append that would pass it fails and changes nothing.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *data;
	size_t off; /* first unread byte */
	size_t end; /* first free byte */
	size_t cap;
	size_t limit;
};

void buf_init(struct buf *b, size_t limit);
void buf_done(struct buf *b);

/* The slow path of buf_space(). */
char *buf_make_space(struct buf *b, size_t n);

/* Room for n more bytes at the end, or NULL when the limit would be passed; see buf_commit(). */
static inline char *buf_space(struct buf *b, size_t n)
{
	if (b->cap - b->end >= n && b->data && n <= b->limit && b->end - b->off <= b->limit - n)
		return b->data + b->end;
	return buf_make_space(b, n);
}

/* The first n bytes of the room that buf_space() gave are now part of the content. */
static inline void buf_commit(struct buf *b, size_t n)
{
	b->end += n;
}

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->off;
}

/* The unread bytes; valid until the next call that changes the buffer. */
static inline struct str buf_bytes(const struct buf *b)
{
	return (struct str){ b->data ? b->data + b->off : "", b->end - b->off };
}

/* Drops n bytes at the front; n is at most buf_len(). */
void buf_consume(struct buf *b, size_t n);

/* Drops everything from the n-th unread byte on: undoes appends. */
void buf_truncate(struct buf *b, size_t n);

/* Drops all bytes; memory above keep bytes of capacity goes back to the heap. */
void buf_clear(struct buf *b, size_t keep);

static inline bool buf_append(struct buf *b, struct str s)
{
	char *p = buf_space(b, s.len);
	if (!p)
		return false;
	if (s.len)
		memcpy(p, s.p, s.len);
	b->end += s.len;
	return true;
}

static inline bool buf_append_c(struct buf *b, const char *zero_terminated)
{
	return buf_append(b, str_of(zero_terminated));
}

/* printf into the buffer; false when the limit would be passed. */
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
