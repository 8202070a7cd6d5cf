/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; removal shifts the following run back. */
#include "base/table.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"

struct table_slot {
	uint64_t hash;
	struct str key;
	void *value; /* NULL: free slot */
};

static uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t table_hash(struct str s)
{
	static uint64_t salt[2];
	static bool salted;

	if (!salted) {
		random_bytes(salt, sizeof(salt));
		salted = true;
	}
	uint64_t v[4] = { salt[0] ^ 0x736f6d6570736575, salt[1] ^ 0x646f72616e646f6d,
		salt[0] ^ 0x6c7967656e657261, salt[1] ^ 0x7465646279746573 };
	uint64_t word;
	size_t i = 0;
	for (; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.p + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	if (i < s.len)
		memcpy(&word, s.p + i, s.len - i);
	word |= (uint64_t)s.len << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int n = 0; n < 3; n++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void table_done(struct table *t)
{
	free(t->slots);
	table_init(t);
}

/* The slot that holds key, or the free slot where it belongs. */
static struct table_slot *slot_of(const struct table *t, uint64_t hash, struct str key)
{
	size_t i = hash & (t->cap - 1);
	while (t->slots[i].value && (t->slots[i].hash != hash || !str_eq(t->slots[i].key, key)))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

void *table_find(const struct table *t, struct str key)
{
	if (t->count == 0)
		return NULL;
	return slot_of(t, table_hash(key), key)->value;
}

static void grow(struct table *t)
{
	struct table old = *t;

	t->cap = old.cap ? old.cap * 2 : 16;
	t->slots = calloc(t->cap, sizeof(*t->slots));
	check(t->slots);
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].value)
			*slot_of(t, old.slots[i].hash, old.slots[i].key) = old.slots[i];
	}
	free(old.slots);
}

void *table_set(struct table *t, struct str key, void *value)
{
	check(value);
	if ((t->count + 1) * 4 > t->cap * 3)
		grow(t);
	uint64_t hash = table_hash(key);
	struct table_slot *slot = slot_of(t, hash, key);
	void *old = slot->value;
	*slot = (struct table_slot){ hash, key, value };
	t->count += !old;
	return old;
}

void *table_remove(struct table *t, struct str key)
{
	if (t->count == 0)
		return NULL;
	struct table_slot *slot = slot_of(t, table_hash(key), key);
	void *old = slot->value;
	if (!old)
		return NULL;
	size_t hole = (size_t)(slot - t->slots);
	for (size_t i = (hole + 1) & (t->cap - 1); t->slots[i].value; i = (i + 1) & (t->cap - 1)) {
		size_t home = t->slots[i].hash & (t->cap - 1);
		if (((i - home) & (t->cap - 1)) >= ((i - hole) & (t->cap - 1))) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole].value = NULL;
	t->count--;
	return old;
}

void *table_next(const struct table *t, size_t *at)
{
	while (*at < t->cap) {
		void *value = t->slots[(*at)++].value;
		if (value)
			return value;
	}
	return NULL;
}

void **table_collect(const struct table *t, size_t *ret_n)
{
	void **all = NULL;
	size_t n = 0, at = 0;
	void *value;

	if (t->count) {
		all = calloc(t->count, sizeof(*all));
		check(all);
	}
	while ((value = table_next(t, &at)))
		all[n++] = value;
	*ret_n = n;
	return all;
}
