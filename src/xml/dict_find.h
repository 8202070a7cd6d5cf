/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a dictionary, for the reader's lookups. One open-addressed table
 * holds three kinds of keys, told apart by space: unqualified attributes, namespace
 * names, and the elements of each namespace. Only our own names are ever
 * inserted, so nobody can choose names that collide, and a lookup
 * seldom takes a second step.
 */
#ifndef XML_DICT_FIND_H
#define XML_DICT_FIND_H

#include "xml/dict.h"

enum { DICT_ATTRS, DICT_SPACES, DICT_ELEMS }; /* elements of namespace n: DICT_ELEMS + n */

/* First and last eight bytes of a name: together with its length all of it, up to 16 bytes. */
struct dict_key {
	uint64_t head;
	uint64_t tail;
};

struct dict_entry {
	struct dict_key key;
	struct str name;
	uint32_t space;
	uint32_t id; /* 0: free */
};

struct xml_dict {
	struct dict_entry *entries;
	size_t mask;
	size_t count;
	unsigned spaces; /* namespaces numbered so far */
};

static inline struct dict_key dict_key(struct str s)
{
	struct dict_key k = { 0, 0 };
	uint32_t low, high;

	if (s.len >= 8) {
		memcpy(&k.head, s.p, 8);
		memcpy(&k.tail, s.p + s.len - 8, 8);
	} else if (s.len >= 4) {
		memcpy(&low, s.p, 4);
		memcpy(&high, s.p + s.len - 4, 4);
		k.head = low | (uint64_t)high << 32;
	} else if (s.len) {
		k.head = (unsigned char)s.p[0] | (uint64_t)(unsigned char)s.p[s.len / 2] << 8 |
			(uint64_t)(unsigned char)s.p[s.len - 1] << 16;
	}
	return k;
}

static inline size_t dict_slot(struct dict_key k, size_t len, uint32_t space)
{
	uint64_t h = (k.head ^ space * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	h ^= h >> 32;
	h = (h ^ k.tail ^ len) * 0xc4ceb9fe1a85ec53ull;
	return h >> 32;
}

/* The entry of name in space, or NULL. d may be NULL. */
static inline const struct dict_entry *dict_find(
	const struct xml_dict *d, uint32_t space, struct str name)
{
	struct dict_key k = dict_key(name);

	if (!d)
		return NULL;
	for (size_t i = dict_slot(k, name.len, space);; i++) {
		const struct dict_entry *e = &d->entries[i & d->mask];
		if (e->id == 0)
			return NULL;
		if (e->key.head == k.head && e->key.tail == k.tail && e->space == space &&
			e->name.len == name.len &&
			(name.len <= 16 || memcmp(e->name.p, name.p, name.len) == 0))
			return e;
	}
}

#endif
