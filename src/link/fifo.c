/* SPDX-License-Identifier: Apache-2.0 */
/* A popped chunk is unlinked as soon as its last record is gone, even if there was room in it. */
#include "link/fifo.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { CHUNK_BYTES = 2048, POOL_CHUNKS = 1024 };

static void free_chunk(struct fifo_chunk *c)
{
	memory_give(sizeof(*c) + c->cap);
	free(c);
}

void fifo_pool_init(struct fifo_pool *pool)
{
	list_init(&pool->chunks);
	pool->n = 0;
}

void fifo_pool_done(struct fifo_pool *pool)
{
	LIST_EACH_SAFE (&pool->chunks, it)
		free_chunk(LIST_OWNER(it, struct fifo_chunk, link));
	fifo_pool_init(pool);
}

void fifo_init(struct fifo *f)
{
	*f = (struct fifo){ 0 };
	list_init(&f->chunks);
}

void fifo_done(struct fifo *f, struct fifo_pool *pool)
{
	LIST_EACH_SAFE (&f->chunks, it)
		fifo_release(pool, LIST_OWNER(it, struct fifo_chunk, link));
	fifo_init(f);
}

static uint32_t footprint(size_t len)
{
	return (uint32_t)((sizeof(struct fifo_record) + len + 7) & ~(size_t)7);
}

static struct fifo_chunk *take_chunk(struct fifo_pool *pool, uint32_t need)
{
	uint32_t cap = CHUNK_BYTES - sizeof(struct fifo_chunk);

	if (need <= cap && pool->n) {
		struct list *first = list_first(&pool->chunks);
		list_remove(first);
		pool->n--;
		return LIST_OWNER(first, struct fifo_chunk, link);
	}
	if (need > cap)
		cap = need;
	struct fifo_chunk *c = malloc(sizeof(*c) + cap);
	check(c);
	memory_take(sizeof(*c) + cap);
	c->cap = cap;
	c->used = 0;
	list_init(&c->link);
	return c;
}

void fifo_release(struct fifo_pool *pool, struct fifo_chunk *c)
{
	if (!c)
		return;
	list_remove(&c->link);
	if (c->cap != CHUNK_BYTES - sizeof(*c) || pool->n >= POOL_CHUNKS) {
		free_chunk(c);
		return;
	}
	c->used = 0;
	list_append(&pool->chunks, &c->link);
	pool->n++;
}

static struct fifo_chunk *first_chunk(struct fifo *f)
{
	return list_empty(&f->chunks) ? NULL : LIST_OWNER(f->chunks.next, struct fifo_chunk, link);
}

static struct fifo_chunk *next_chunk(struct fifo *f, struct fifo_chunk *c)
{
	return c->link.next == &f->chunks ? NULL
					  : LIST_OWNER(c->link.next, struct fifo_chunk, link);
}

static struct fifo_record *record_at(struct fifo_chunk *c, uint32_t off)
{
	return (struct fifo_record *)(void *)(c->space + off);
}

void fifo_append(
	struct fifo *f, struct fifo_pool *pool, const struct fifo_record *head, struct str record)
{
	check(record.len < UINT32_MAX / 2);
	uint32_t need = footprint(record.len);
	struct fifo_chunk *c =
		list_empty(&f->chunks) ? NULL : LIST_OWNER(f->chunks.prev, struct fifo_chunk, link);

	if (!c || c->cap - c->used < need) {
		c = take_chunk(pool, need);
		list_append(&f->chunks, &c->link);
	}
	struct fifo_record *r = record_at(c, c->used);
	*r = *head;
	r->len = (uint32_t)record.len;
	if (record.len)
		memcpy(r->bytes, record.p, record.len);
	c->used += need;
	f->count++;
	f->bytes += record.len;
}

struct fifo_record *fifo_head(struct fifo *f)
{
	return f->count ? record_at(first_chunk(f), f->head) : NULL;
}

struct fifo_record *fifo_peek(struct fifo *f)
{
	if (!f->at) {
		f->at = first_chunk(f);
		f->at_off = f->head;
	}
	if (!f->at)
		return NULL;
	if (f->at_off == f->at->used) {
		struct fifo_chunk *next = next_chunk(f, f->at);
		if (!next)
			return NULL;
		f->at = next;
		f->at_off = 0;
	}
	return record_at(f->at, f->at_off);
}

void fifo_advance(struct fifo *f)
{
	struct fifo_record *r = fifo_peek(f);

	check(r);
	f->at_off += footprint(r->len);
}

void fifo_rewind(struct fifo *f)
{
	f->at = NULL;
	f->at_off = 0;
}

struct fifo_chunk *fifo_pop(struct fifo *f)
{
	struct fifo_chunk *c = first_chunk(f);

	check(f->count && c);
	struct fifo_record *r = record_at(c, f->head);
	uint32_t after = f->head + footprint(r->len);
	if (f->at == c && f->at_off == f->head)
		f->at_off = after;
	f->head = after;
	f->count--;
	f->bytes -= r->len;
	if (after < c->used)
		return NULL;
	/* A cursor in this chunk can only be at its end: all before it is gone. */
	if (f->at == c)
		fifo_rewind(f);
	list_remove(&c->link);
	f->head = 0;
	return c;
}
