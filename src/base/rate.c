/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is counted in units times milliseconds of the period, so that nothing is divided on the way. */
#include "base/rate.h"

enum { BURST = 10, SECOND_MS = 1000, MINUTE_MS = 60000 };

static struct rate_limit limit_of(uint64_t amount, unsigned period_ms)
{
	return (struct rate_limit){
		.amount = amount, .burst = BURST * amount, .period_ms = period_ms
	};
}

struct rate_limit rate_per_s(uint64_t amount)
{
	return limit_of(amount, SECOND_MS);
}

struct rate_limit rate_per_min(uint64_t amount)
{
	return limit_of(amount, MINUTE_MS);
}

static void drain(struct rate *r, const struct rate_limit *limit, uint64_t now)
{
	uint64_t passed = now > r->at ? now - r->at : 0;

	r->at = now;
	if (passed > r->used / limit->amount)
		r->used = 0;
	else
		r->used -= passed * limit->amount;
}

/* Room for what one call may say, and then some: no sum below can overflow. */
static uint64_t scaled(const struct rate_limit *limit, uint64_t n)
{
	const uint64_t most = UINT64_MAX / 8;

	return n > most / limit->period_ms ? most : n * limit->period_ms;
}

bool rate_take(struct rate *r, const struct rate_limit *limit, uint64_t n, uint64_t now)
{
	if (limit->amount == 0)
		return true;
	drain(r, limit, now);
	uint64_t more = scaled(limit, n);
	if (r->used + more > scaled(limit, limit->burst))
		return false;
	r->used += more;
	return true;
}

uint64_t rate_charge(struct rate *r, const struct rate_limit *limit, uint64_t n, uint64_t now)
{
	if (limit->amount == 0)
		return 0;
	drain(r, limit, now);
	r->used += scaled(limit, n);
	if (r->used > UINT64_MAX / 4)
		r->used = UINT64_MAX / 4;
	uint64_t burst = scaled(limit, limit->burst);
	return r->used <= burst ? 0 : (r->used - burst + limit->amount - 1) / limit->amount;
}

uint64_t rate_forget_ms(const struct rate_limit *limit)
{
	return limit->amount == 0 ? 0 : scaled(limit, limit->burst) / limit->amount + 1;
}
