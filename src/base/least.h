/* SPDX-License-Identifier: Apache-2.0 */
/* The smaller of two numbers, or the earlier of two times (UINT64_MAX: never). */
#ifndef BASE_LEAST_H
#define BASE_LEAST_H

#include <stdint.h>

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
