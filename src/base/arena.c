/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks are linked newest first; the oldest is the first chunk, which a reset
 * keeps. A block larger than a chunk gets a chunk of its own size.
 */
#include "base/arena.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { CHUNK = 4096 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* usable bytes */
	_Alignas(16) char bytes[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

static void use_chunk(struct arena *a, struct arena_chunk *c)
{
	a->chunks = c;
	a->next = c->bytes;
	a->end = c->bytes + c->size;
}

static void add_chunk(struct arena *a, size_t size)
{
	struct arena_chunk *c = malloc(sizeof(*c) + size);

	check(c);
	memory_take(sizeof(*c) + size);
	*c = (struct arena_chunk){ .older = a->chunks, .size = size };
	use_chunk(a, c);
}

static void free_chunk(struct arena_chunk *c)
{
	memory_give(sizeof(*c) + c->size);
	free(c);
}

void arena_reserve(struct arena *a, size_t size)
{
	arena_done(a);
	add_chunk(a, (size + 7) & ~(size_t)7);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunks;

	if (!c)
		return;
	while (c->older) {
		struct arena_chunk *older = c->older;
		free_chunk(c);
		c = older;
	}
	use_chunk(a, c);
	a->used = 0;
}

void arena_done(struct arena *a)
{
	arena_reset(a);
	if (a->chunks)
		free_chunk(a->chunks);
	arena_init(a, a->limit);
}

void *arena_grow(struct arena *a, size_t size)
{
	size_t rounded = (size + 7) & ~(size_t)7;
	size_t taken = a->used + (a->chunks ? a->chunks->size : 0);

	if (rounded < size || rounded > a->limit || taken > a->limit - rounded)
		return NULL;
	size_t want = a->chunks ? a->chunks->size * 2 : CHUNK;
	if (want > 256 * 1024)
		want = 256 * 1024;
	if (want > a->limit - taken)
		want = a->limit - taken;
	if (want < rounded)
		want = rounded;
	a->used = taken;
	add_chunk(a, want);
	a->next += rounded;
	return a->chunks->bytes;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	void *p = arena_alloc(a, size);
	if (p)
		memset(p, 0, size);
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	if (s.len == 0)
		return STRL("");
	char *p = arena_alloc(a, s.len);
	if (!p)
		return (struct str){ NULL, 0 };
	memcpy(p, s.p, s.len);
	return (struct str){ p, s.len };
}

size_t arena_footprint(const struct arena *a)
{
	size_t n = 0;
	for (const struct arena_chunk *c = a->chunks; c; c = c->older)
		n += sizeof(*c) + c->size;
	return n;
}
