/* SPDX-License-Identifier: Apache-2.0 */
#include "base/distinct.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/table.h"

enum { BITS_PER_NAME = 8, BITS_MIN = 512, BITS_MAX = 1 << 24, WORD = 32 };

void distinct_done(struct distinct *d)
{
	memory_give(d->n_bits / 8);
	free(d->bits);
	*d = (struct distinct){ 0 };
}

static void begin_window(struct distinct *d, uint64_t now)
{
	distinct_done(d);
	d->since = now;
}

/* Sets the bit of a hash; false when it was set. */
static bool set_bit(struct distinct *d, uint32_t hash)
{
	uint32_t at = hash & (d->n_bits - 1);
	uint32_t bit = (uint32_t)1 << (at % WORD);

	if (d->bits[at / WORD] & bit)
		return false;
	d->bits[at / WORD] |= bit;
	return true;
}

static void widen(struct distinct *d, unsigned max)
{
	d->n_bits = BITS_MIN;
	while (d->n_bits < BITS_MAX && d->n_bits / BITS_PER_NAME < max)
		d->n_bits *= 2;
	d->bits = calloc(d->n_bits / WORD, sizeof(*d->bits));
	check(d->bits);
	memory_take(d->n_bits / 8);
	for (unsigned i = 0; i < d->count; i++)
		set_bit(d, d->few[i]);
}

static bool among_few(const struct distinct *d, uint32_t hash)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (d->few[i] == hash)
			return true;
	}
	return false;
}

static bool is_set(const struct distinct *d, uint32_t hash)
{
	uint32_t at = hash & (d->n_bits - 1);

	return d->bits[at / WORD] & (uint32_t)1 << (at % WORD);
}

bool distinct_add(struct distinct *d, struct str name, unsigned max, uint64_t now)
{
	if (max == 0)
		return true;
	if (now < d->since || now - d->since >= DISTINCT_WINDOW_MS)
		begin_window(d, now);
	uint32_t hash = (uint32_t)table_hash(name);
	if (d->bits ? is_set(d, hash) : among_few(d, hash))
		return true;
	if (d->count >= max)
		return false;
	if (!d->bits && d->count == DISTINCT_FEW)
		widen(d, max);
	if (d->bits)
		set_bit(d, hash);
	else
		d->few[d->count] = hash;
	d->count++;
	return true;
}
