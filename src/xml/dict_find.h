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

/* First eight bytes of a name, and last eight of one that has more: all of it, up to 16 bytes. */
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
	size_t mask; /* number of entries - 1 */
	size_t count;
	unsigned spaces; /* namespaces numbered so far */
};

#define LITTLE_ENDIAN_BYTES (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* Bytes up to readable may be read, though they are not part of the name. */
static inline struct dict_key dict_key_near(struct str s, const char *readable)
{
	struct dict_key k = { 0, 0 };

	if (s.len > 8) {
		memcpy(&k.head, s.p, 8);
		memcpy(&k.tail, s.p + s.len - 8, 8);
	} else if (s.len && readable - s.p >= 8 && LITTLE_ENDIAN_BYTES) {
		memcpy(&k.head, s.p, 8);
		k.head &= ~0ull >> (64 - 8 * s.len);
	} else if (s.len) {
		memcpy(&k.head, s.p, s.len);
	}
	return k;
}

static inline struct dict_key dict_key(struct str s)
{
	return dict_key_near(s, s.p + s.len);
}

static inline size_t dict_slot(struct dict_key k, size_t len, uint32_t space)
{
	uint64_t h = (k.head ^ space * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	h ^= h >> 32;
	h = (h ^ k.tail ^ len) * 0xc4ceb9fe1a85ec53ull;
	return h >> 32;
}

/* The entry of name, whose key is k, in space, or NULL. d may be NULL. */
static inline const struct dict_entry *dict_find_key(
	const struct xml_dict *d, uint32_t space, struct str name, struct dict_key k)
{
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

static inline const struct dict_entry *dict_find(
	const struct xml_dict *d, uint32_t space, struct str name)
{
	return dict_find_key(d, space, name, dict_key(name));
}

#endif
