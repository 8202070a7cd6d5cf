/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spares.h"

enum {
	SPARE_BYTES = 256 * 1024, /* larger ones go back to the heap */
	ROOMY = 8, /* so many times what is in it a buffer may be, */
	SMALL = 4096, /* or so large */
};

void spares_init(struct spares *s)
{
	s->n = 0;
	for (unsigned i = 0; i < SPARES_MAX; i++)
		buf_init(&s->all[i], SPARE_BYTES);
}

void spares_done(struct spares *s)
{
	for (unsigned i = 0; i < SPARES_MAX; i++)
		buf_done(&s->all[i]);
	s->n = 0;
}

size_t spares_drop(struct spares *s)
{
	size_t freed = 0;

	for (unsigned i = 0; i < s->n; i++)
		freed += s->all[i].cap;
	spares_done(s);
	spares_init(s);
	return freed;
}

/* Exchanges all but the limits. */
static void swap(struct buf *a, struct buf *b)
{
	struct buf was = *a;
	size_t limit_a = a->limit, limit_b = b->limit;

	*a = *b;
	*b = was;
	a->limit = limit_a;
	b->limit = limit_b;
}

void spares_take(struct spares *s, struct buf *b)
{
	if (b->cap == 0 && s->n > 0)
		swap(b, &s->all[--s->n]);
}

static void give(struct spares *s, struct buf *b)
{
	buf_clear(b, s->n < SPARES_MAX ? SPARE_BYTES : 0);
	if (b->cap > 0)
		swap(b, &s->all[s->n++]);
}

void spares_give(struct spares *s, struct buf *b)
{
	size_t len = buf_len(b);
	struct buf rest;

	if (b->cap == 0 || (len > 0 && (b->cap <= SMALL || b->cap / ROOMY < len)))
		return;
	buf_init(&rest, b->limit);
	if (len > 0 && !buf_append(&rest, buf_bytes(b)))
		return;
	give(s, b);
	swap(b, &rest);
}
