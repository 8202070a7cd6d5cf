/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from byte strings to pointers. The hash is salted with real
 * entropy, so that a peer cannot choose names that collide.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/str.h"

struct table_slot;

struct table {
	struct table_slot *slots;
	size_t count;
	size_t cap; /* a power of two, or 0 */
};

/* 64-bit salted hash (SipHash-1-3) of s; the salt is drawn once per process. */
uint64_t table_hash(struct str s);

void table_init(struct table *t);
void table_done(struct table *t);

/* The value, or NULL. */
void *table_find(const struct table *t, struct str key);

/*
 * Sets key to value (not NULL). The table does not copy the key: its bytes must
 * live as long as the entry, usually inside the value. Returns the old value,
 * whose key bytes the entry no longer uses, or NULL.
 */
void *table_set(struct table *t, struct str key, void *value);

/* Removes the entry and returns its value, or NULL. */
void *table_remove(struct table *t, struct str key);

/*
 * Iteration: start with *at = 0; returns the next value or NULL at the end. The
 * current entry may not be removed meanwhile; see table_collect() for that.
 */
void *table_next(const struct table *t, size_t *at);

/* All values in a new array of *ret_n pointers, NULL when empty; the caller frees it. */
void **table_collect(const struct table *t, size_t *ret_n);

#endif
