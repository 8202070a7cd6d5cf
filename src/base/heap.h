/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive binary heap of times: which deadline is next, for tens of
 * thousands of them. Setting costs O(log n), the next one O(1).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in the member; all zero: not in a heap. */
struct heap_node {
	uint64_t key;
	size_t place; /* index + 1, 0: not in the heap */
};

struct heap {
	struct heap_node **nodes;
	size_t count;
	size_t cap;
};

void heap_init(struct heap *h);
/* Frees the heap's own memory; nodes that are still in it stay untouched. */
void heap_done(struct heap *h);

/* Puts the node in, or moves it, so that it has this key. */
void heap_set(struct heap *h, struct heap_node *n, uint64_t key);
/* Takes the node out; nothing happens when it is not in. */
void heap_remove(struct heap *h, struct heap_node *n);

/* The node with the least key, or NULL. */
static inline struct heap_node *heap_top(const struct heap *h)
{
	return h->count ? h->nodes[0] : NULL;
}

static inline bool heap_holds(const struct heap_node *n)
{
	return n->place != 0;
}

#endif
