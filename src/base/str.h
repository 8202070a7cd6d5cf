/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A string is a pointer and a length: it owns nothing, may hold any byte and is
 * not terminated. Whoever made it says how long the bytes live.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

/* A string literal as a struct str; also usable in static initialisers. */
/* clang-format off */
#define STR(lit) { "" lit, sizeof(lit) - 1 }
/* clang-format on */
#define STRL(lit) ((struct str)STR(lit))

/* For printf's "%.*s": only for strings that are known to be printable. */
#define STR_FMT(s) (int)(s).len, (s).p

static inline struct str str_of(const char *zero_terminated)
{
	return (struct str){ zero_terminated, strlen(zero_terminated) };
}

static inline struct str str_from(const void *p, size_t len)
{
	return (struct str){ (const char *)p, len };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool str_is(struct str a, const char *zero_terminated)
{
	return str_eq(a, str_of(zero_terminated));
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && memcmp(s.p, prefix.p, prefix.len) == 0;
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0;
}

/* An ASCII letter in lower case, any other byte as it is. */
static inline char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The rest of s after its first n bytes; n is at most s.len. */
static inline struct str str_skip(struct str s, size_t n)
{
	return (struct str){ s.p + n, s.len - n };
}

/* A zero-terminated copy on the heap; the caller frees it. */
char *str_dup_c(struct str s);

/* A copy on the heap (p is NULL for a string of length 0); freed with str_free(). */
struct str str_dup(struct str s);
void str_free(struct str *s);

/* Order by bytes, then by length; for qsort and binary search. */
int str_cmp(struct str a, struct str b);

/* Parses a decimal number of 1 to 20 digits that fits; false otherwise, *ret_n untouched. */
bool str_to_u64(struct str s, uint64_t *ret_n);

#endif
