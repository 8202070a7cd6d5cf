/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory is held for peers: what arenas, buffers and the objects of connections, streams, pairs and queues
 * take. A count, not an allocator: it costs an addition where memory is taken anyhow. Threads may use it.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

extern size_t memory_counter; /* for the functions below alone */

static inline void memory_take(size_t n)
{
	__atomic_fetch_add(&memory_counter, n, __ATOMIC_RELAXED);
}

static inline void memory_give(size_t n)
{
	__atomic_fetch_sub(&memory_counter, n, __ATOMIC_RELAXED);
}

static inline size_t memory_held(void)
{
	return __atomic_load_n(&memory_counter, __ATOMIC_RELAXED);
}

#endif
