/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket, told the time. What was used drains away at the rate of the limit; more than burst is never
 * outstanding. Two words of memory, no timer, no allocation: buckets hang on the objects that they limit.
 */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* amount units in period_ms, and burst units at once; amount 0: no limit. */
struct rate_limit {
	uint64_t amount;
	uint64_t burst;
	unsigned period_ms;
};

struct rate {
	uint64_t used; /* units times the period */
	uint64_t at; /* when used was right */
};

/* So much a second or a minute, and ten times as much at once. */
struct rate_limit rate_per_s(uint64_t amount);
struct rate_limit rate_per_min(uint64_t amount);
/* Uses n units when there is room for them. */
bool rate_take(struct rate *r, const struct rate_limit *limit, uint64_t n, uint64_t now);
/* Uses n units in any case. Returns after how many milliseconds the bucket is no longer overdrawn: 0 is now. */
uint64_t rate_charge(struct rate *r, const struct rate_limit *limit, uint64_t n, uint64_t now);
/* After this time nothing is known of a bucket that was full to the brim. */
uint64_t rate_forget_ms(const struct rate_limit *limit);

#endif
