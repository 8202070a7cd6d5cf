/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receipt is the number of a slot and, in its low bits, that of a stanza. A slot goes on counting when its inbox is
 * gone, so that a receipt of the past matches nothing of a later stream.
 */
#include "s2s/inbox.h"

#include <stdlib.h>

#include "base/check.h"

enum { SEQ_BITS = 40, RING_MIN = 16, RING_KEEP = 256 };

static const uint64_t seq_mask = ((uint64_t)1 << SEQ_BITS) - 1;

static size_t take_slot(struct s2s_face *f)
{
	if (f->n_free_slots)
		return f->free_slots[--f->n_free_slots];
	check(f->n_slots < ((size_t)1 << (64 - SEQ_BITS)) - 1);
	if (f->n_slots == f->cap_slots) {
		f->cap_slots = f->cap_slots ? f->cap_slots * 2 : 16;
		f->slots = realloc(f->slots, f->cap_slots * sizeof(*f->slots));
		f->free_slots = realloc(f->free_slots, f->cap_slots * sizeof(*f->free_slots));
		check(f->slots && f->free_slots);
	}
	f->slots[f->n_slots] = (struct inbox_slot){ 0 };
	return f->n_slots++;
}

struct inbox *inbox_new(struct s2s_face *f, struct s2s_stream *s)
{
	struct inbox *b = calloc(1, sizeof(*b));

	check(b);
	b->stream = s;
	b->slot = take_slot(f);
	b->base = b->first = b->next = f->slots[b->slot].next;
	f->slots[b->slot].inbox = b;
	return b;
}

void inbox_free(struct s2s_face *f, struct inbox *b)
{
	if (!b)
		return;
	f->slots[b->slot].inbox = NULL;
	f->slots[b->slot].next = b->next;
	f->free_slots[f->n_free_slots++] = b->slot;
	free(b->done);
	free(b);
}

void inbox_free_slots(struct s2s_face *f)
{
	free(f->slots);
	free(f->free_slots);
}

static unsigned char *flag(const struct inbox *b, uint64_t seq)
{
	return &b->done[seq & (b->cap - 1)];
}

static void grow(struct inbox *b)
{
	struct inbox old = *b;

	b->cap = old.cap ? old.cap * 2 : RING_MIN;
	b->done = calloc(b->cap, 1);
	check(b->done);
	for (uint64_t seq = b->first; old.cap && seq < b->next; seq++)
		*flag(b, seq) = *flag(&old, seq);
	free(old.done);
}

uint64_t inbox_add(struct inbox *b)
{
	if (b->next - b->first == b->cap)
		grow(b);
	*flag(b, b->next) = 0;
	return (uint64_t)(b->slot + 1) << SEQ_BITS | (b->next++ & seq_mask);
}

static void move_on(struct inbox *b)
{
	while (b->first < b->next && *flag(b, b->first))
		b->first++;
	if (b->first == b->next && b->cap > RING_KEEP) {
		free(b->done);
		b->done = NULL;
		b->cap = 0;
	}
}

static struct inbox *find(const struct s2s_face *f, uint64_t receipt, uint64_t *ret_ahead)
{
	size_t slot = receipt >> SEQ_BITS;

	if (slot == 0 || slot > f->n_slots || !f->slots[slot - 1].inbox)
		return NULL;
	struct inbox *b = f->slots[slot - 1].inbox;
	*ret_ahead = (receipt - b->first) & seq_mask;
	return *ret_ahead < b->next - b->first ? b : NULL;
}

const struct inbox *inbox_of(const struct s2s_face *f, uint64_t receipt)
{
	uint64_t ahead;

	return find(f, receipt, &ahead);
}

struct inbox *inbox_settle(struct s2s_face *f, uint64_t receipt)
{
	uint64_t ahead;
	struct inbox *b = find(f, receipt, &ahead);

	if (!b)
		return NULL;
	*flag(b, b->first + ahead) = 1;
	if (ahead)
		return NULL;
	move_on(b);
	return b;
}
