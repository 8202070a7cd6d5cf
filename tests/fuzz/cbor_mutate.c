/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document is taken apart into items (where each begins, where its contents begin, where it ends, what it is
 * in). A mutation chooses one of them and says what stands there instead and by how many items its container grows;
 * splice() then writes the document anew.
 */
#include "cbor_mutate.h"

#include <stdbool.h>
#include <string.h>

#include "base/cbor.h"

enum { ITEMS = 512, DEPTH = 40, ROOM = 8192 };

struct item {
	size_t start;
	size_t body; /* after the head */
	size_t end;
	size_t parent; /* SIZE_MAX: none */
	uint64_t n; /* what the head says */
	uint8_t major;
};

struct document {
	const uint8_t *data;
	size_t size;
	struct item items[ITEMS];
	size_t count;
	uint32_t random;
};

static uint32_t dice(struct document *d, uint32_t sides)
{
	d->random = d->random * 1664525 + 1013904223;
	return (d->random >> 8) % sides;
}

static bool read_head(struct document *d, size_t *at, struct item *i)
{
	if (*at >= d->size)
		return false;
	uint8_t first = d->data[(*at)++];
	unsigned more = 0;

	i->major = first >> 5;
	i->n = first & 31;
	if (i->n > 27)
		return false;
	if (i->n >= 24)
		more = 1u << (i->n - 24);
	if (more > d->size - *at)
		return false;
	if (more)
		i->n = 0;
	for (; more; more--)
		i->n = i->n << 8 | d->data[(*at)++];
	return true;
}

/* How many items are inside; strings have bytes instead. */
static uint64_t children(const struct item *i)
{
	return i->major == 4 ? i->n : i->major == 5 ? 2 * i->n : 0;
}

static bool take_apart(struct document *d)
{
	size_t open[DEPTH];
	uint64_t left[DEPTH];
	size_t depth = 0, at = 0;

	do {
		struct item *i = &d->items[d->count];
		if (d->count == ITEMS)
			return false;
		*i = (struct item){ .start = at, .parent = depth ? open[depth - 1] : SIZE_MAX };
		if (!read_head(d, &at, i))
			return false;
		i->body = at;
		if ((i->major == 2 || i->major == 3) && i->n > d->size - at)
			return false;
		if (i->major == 2 || i->major == 3)
			at += i->n;
		i->end = at;
		d->count++;
		if (children(i) > 0) {
			if (depth == DEPTH || children(i) > d->size)
				return false;
			open[depth] = d->count - 1;
			left[depth++] = children(i);
			continue;
		}
		while (depth > 0 && --left[depth - 1] == 0)
			d->items[open[--depth]].end = at;
	} while (depth > 0);
	return at == d->size;
}

struct output {
	uint8_t *p;
	size_t len;
	size_t max;
};

static void put(struct output *o, const void *bytes, size_t len)
{
	if (o->len + len <= o->max)
		memcpy(o->p + o->len, bytes, len);
	o->len += len; /* beyond max: splice() gives up */
}

static void put_head(struct output *o, uint8_t major, uint64_t n)
{
	uint8_t head[9];
	unsigned more = n < 24 ? 0 : n < 256 ? 1 : n < 65536 ? 2 : n <= UINT32_MAX ? 4 : 8;

	head[0] = (uint8_t)(major << 5 |
		(more == 0                  ? n
				: more == 1 ? 24
				: more == 2 ? 25
				: more == 4 ? 26
					    : 27));
	for (unsigned i = 0; i < more; i++)
		head[1 + i] = (uint8_t)(n >> 8 * (more - 1 - i));
	put(o, head, 1 + more);
}

/* The document with new_bytes in the place of an item; its container has `more` items more. */
static size_t splice(const struct document *d, const struct item *i, const struct output *new_bytes,
	int more, uint8_t *ret, size_t max)
{
	struct output o = { ret, 0, max };
	size_t from = 0;

	if (new_bytes->len > new_bytes->max)
		return 0;
	if (more && i->parent != SIZE_MAX) {
		const struct item *p = &d->items[i->parent];
		put(&o, d->data, p->start);
		put_head(&o, p->major, p->n + (uint64_t)(int64_t)more);
		from = p->body;
	}
	put(&o, d->data + from, i->start - from);
	put(&o, new_bytes->p, new_bytes->len);
	put(&o, d->data + i->end, d->size - i->end);
	return o.len <= max ? o.len : 0;
}

static void other_number(struct document *d, const struct item *i, struct output *o)
{
	static const uint64_t edges[] = { 0, 1, 2, 23, 24, 255, 256, 65535, 65536, 1 << 20,
		UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX };
	uint64_t n = edges[dice(d, sizeof(edges) / sizeof(edges[0]))];

	switch (dice(d, 4)) {
	case 0:
		n = i->n + 1;
		break;
	case 1:
		n = i->n - 1;
		break;
	case 2:
		n = dice(d, 200);
		break;
	default:
		break;
	}
	put_head(o, i->major > 1 ? 0 : i->major, n);
}

static void other_string(struct document *d, const struct item *i, struct output *o)
{
	static uint8_t text[ROOM];
	size_t len = i->end - i->body;

	if (len > ROOM / 2)
		len = ROOM / 2;
	memcpy(text, d->data + i->body, len);
	len = LLVMFuzzerMutate(text, len, len + 16);
	put_head(o, i->major, len);
	put(o, text, len);
}

static void simple_item(struct document *d, struct output *o)
{
	static const uint8_t items[] = { 0x00, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xf4, 0xf5, 0xf6 };

	put(o, &items[dice(d, sizeof(items))], 1);
}

static void put_item(const struct document *d, const struct item *i, struct output *o)
{
	put(o, d->data + i->start, i->end - i->start);
}

/* Writes what shall stand instead of the item; returns by how many items its container grows. */
static int mutate_item(struct document *d, const struct item *i, struct output *o)
{
	const struct item *other = &d->items[dice(d, (uint32_t)d->count)];
	const struct item *parent = i->parent == SIZE_MAX ? NULL : &d->items[i->parent];
	bool in_array = parent && parent->major == 4;

	switch (dice(d, 8)) {
	case 0:
		put_item(d, other, o);
		return 0;
	case 1: /* gone */
		return in_array ? -1 : 0;
	case 2: /* twice */
		put_item(d, i, o);
		put_item(d, i, o);
		return in_array;
	case 3: /* one more behind it */
		put_item(d, i, o);
		put_item(d, other, o);
		return in_array;
	case 4:
		simple_item(d, o);
		return 0;
	case 5: /* one deeper */
		put_head(o, 4, 1);
		put_item(d, i, o);
		return 0;
	default:
		if (i->major == 2 || i->major == 3)
			other_string(d, i, o);
		else if (i->major <= 1)
			other_number(d, i, o);
		else
			put_item(d, other, o);
		return 0;
	}
}

size_t cbor_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct document d;
	static uint8_t instead[ROOM], whole[1 << 20];
	struct output o = { instead, 0, sizeof(instead) };

	d = (struct document){ .data = data, .size = size, .random = seed };
	if (size == 0 || !take_apart(&d))
		return LLVMFuzzerMutate(data, size, max);
	const struct item *i = &d.items[dice(&d, (uint32_t)d.count)];
	int more = mutate_item(&d, i, &o);
	size_t n = splice(&d, i, &o, more, whole, max < sizeof(whole) ? max : sizeof(whole));
	if (n == 0)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, whole, n);
	return n;
}
