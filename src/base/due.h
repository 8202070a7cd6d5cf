/* SPDX-License-Identifier: Apache-2.0 */
/* When something is due: a time in milliseconds of one clock, UINT64_MAX for never. */
#ifndef BASE_DUE_H
#define BASE_DUE_H

#include <stdint.h>

static inline uint64_t due_first(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
