/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values below 64 have a bucket each. Above, the position of the highest bit
 * gives the row and the six bits after it the column.
 */
#include "hist.h"

#include <string.h>

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

static unsigned bucket_of(uint64_t v)
{
	if (v < (1u << HIST_SUB_BITS))
		return (unsigned)v;
	unsigned row = 63u - (unsigned)__builtin_clzll(v) - HIST_SUB_BITS;
	return ((row + 1) << HIST_SUB_BITS) + (unsigned)((v >> row) - (1u << HIST_SUB_BITS));
}

/* The middle of a bucket's range. */
static uint64_t value_of(unsigned bucket)
{
	if (bucket < (1u << HIST_SUB_BITS))
		return bucket;
	unsigned row = (bucket >> HIST_SUB_BITS) - 1;
	uint64_t column = bucket & ((1u << HIST_SUB_BITS) - 1);
	uint64_t low = (column + (1u << HIST_SUB_BITS)) << row;
	return low + ((1ull << row) >> 1);
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->count++;
	h->sum += ns;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->buckets[bucket_of(ns)]++;
}

uint64_t hist_percentile(const struct hist *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5);
	uint64_t seen = 0;
	if (!h->count)
		return 0;
	if (wanted < 1)
		wanted = 1;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted) {
			uint64_t v = value_of(i);
			return v > h->max ? h->max : v < h->min ? h->min : v;
		}
	}
	return h->max;
}
