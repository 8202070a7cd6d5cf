/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many different names were there in this minute? The first few are kept by their hash, and many in a bitmap
 * whose size follows from the limit: a name can be taken for one that was seen (about one in eight when the limit is
 * reached), never the other way round, so that nobody is counted twice.
 */
#ifndef BASE_DISTINCT_H
#define BASE_DISTINCT_H

#include "base/str.h"

enum { DISTINCT_FEW = 12, DISTINCT_WINDOW_MS = 60000 };

struct distinct {
	uint64_t since; /* begin of the window */
	unsigned count; /* in the window */
	uint32_t few[DISTINCT_FEW];
	uint32_t *bits; /* NULL while few are enough */
	uint32_t n_bits; /* a power of two */
};

/* Zero is a fresh one. */
void distinct_done(struct distinct *d);
/* Notes the name. False: it is new, and max others were there in this window. max 0: no limit. */
bool distinct_add(struct distinct *d, struct str name, unsigned max, uint64_t now);

#endif
