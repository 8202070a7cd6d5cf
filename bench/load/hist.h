/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of nanoseconds with logarithmic buckets, each split in 64: the
 * error of a percentile is below 1.6 %. Fixed memory, no allocation.
 */
#ifndef LOAD_HIST_H
#define LOAD_HIST_H

#include <stdint.h>

enum { HIST_SUB_BITS = 6, HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS };

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min;
	uint64_t max;
	uint64_t buckets[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_add(struct hist *h, uint64_t ns);

/* The value that share (0..1) of all samples do not pass; 0 when there are none. */
uint64_t hist_percentile(const struct hist *h, double share);

#endif
