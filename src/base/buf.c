/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){ .limit = limit };
}

void buf_done(struct buf *b)
{
	memory_give(b->cap);
	free(b->data);
	buf_init(b, b->limit);
}

static void move_to_front(struct buf *b)
{
	if (b->off == 0)
		return;
	memmove(b->data, b->data + b->off, b->end - b->off);
	b->end -= b->off;
	b->off = 0;
}

char *buf_make_space(struct buf *b, size_t n)
{
	size_t len = b->end - b->off;

	if (n > b->limit || len > b->limit - n)
		return NULL;
	/* Moving is cheap only when little is left or much is gained. */
	if (b->data && b->cap - len >= n && b->off >= len) {
		move_to_front(b);
		return b->data + b->end;
	}
	size_t cap = b->cap ? b->cap : 512;
	while (cap - len < n)
		cap *= 2;
	if (cap > b->limit)
		cap = b->limit > len + n ? b->limit : len + n;
	if (cap == 0)
		cap = 1;
	char *data = malloc(cap);
	check(data);
	memory_take(cap);
	memory_give(b->cap);
	if (len)
		memcpy(data, b->data + b->off, len);
	free(b->data);
	b->data = data;
	b->off = 0;
	b->end = len;
	b->cap = cap;
	return data + len;
}

void buf_consume(struct buf *b, size_t n)
{
	check(n <= b->end - b->off);
	b->off += n;
	if (b->off == b->end)
		b->off = b->end = 0;
}

void buf_truncate(struct buf *b, size_t n)
{
	check(n <= b->end - b->off);
	b->end = b->off + n;
}

void buf_clear(struct buf *b, size_t keep)
{
	b->off = b->end = 0;
	if (b->cap > keep) {
		memory_give(b->cap);
		free(b->data);
		b->data = NULL;
		b->cap = 0;
	}
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	check(n >= 0);
	char *p = buf_space(b, (size_t)n + 1);
	if (p) {
		vsnprintf(p, (size_t)n + 1, format, again);
		buf_commit(b, (size_t)n);
	}
	va_end(again);
	return p;
}
