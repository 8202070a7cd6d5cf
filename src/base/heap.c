/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <stdlib.h>

#include "base/check.h"

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_done(struct heap *h)
{
	free(h->nodes);
	heap_init(h);
}

static void put(struct heap *h, size_t i, struct heap_node *n)
{
	h->nodes[i] = n;
	n->place = i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i) {
		size_t parent = (i - 1) / 2;
		if (h->nodes[parent]->key <= n->key)
			break;
		put(h, i, h->nodes[parent]);
		i = parent;
	}
	put(h, i, n);
}

static void sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= n->key)
			break;
		put(h, i, h->nodes[child]);
		i = child;
	}
	put(h, i, n);
}

static void settle(struct heap *h, size_t i, struct heap_node *n)
{
	if (i && h->nodes[(i - 1) / 2]->key > n->key)
		sift_up(h, i, n);
	else
		sift_down(h, i, n);
}

void heap_set(struct heap *h, struct heap_node *n, uint64_t key)
{
	n->key = key;
	if (!n->place) {
		if (h->count == h->cap) {
			h->cap = h->cap ? h->cap * 2 : 16;
			h->nodes = reallocarray(h->nodes, h->cap, sizeof(*h->nodes));
			check(h->nodes);
		}
		put(h, h->count++, n);
	}
	settle(h, n->place - 1, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	if (!n->place)
		return;
	size_t i = n->place - 1;
	check(i < h->count && h->nodes[i] == n);
	struct heap_node *last = h->nodes[--h->count];
	n->place = 0;
	if (last != n)
		settle(h, i, last);
}
