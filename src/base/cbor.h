/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic CBOR (RFC 8949 section 4.2.1), the subset that crosses the link:
 * integers, byte and text strings, arrays, maps, false, true and null. Everything
 * else is refused: longer forms than needed, indefinite lengths, tags, floats, other
 * simple values, text that is not XML characters in strict UTF-8.
 *
 * The reader is sticky: the first fault stays in error, later gets yield zero
 * and consume nothing. The caller tests once, after cbor_end().
 */
#ifndef BASE_CBOR_H
#define BASE_CBOR_H

#include "base/buf.h"

struct cbor_reader {
	const uint8_t *p;
	const uint8_t *end;
	const char *error; /* static text of the first fault, or NULL */
};

enum cbor_type {
	CBOR_UINT,
	CBOR_NEG, /* a negative integer */
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_BOOL,
	CBOR_NULL,
	CBOR_NONE, /* end of input, an earlier fault, or a type that is never allowed */
};

static inline void cbor_init(struct cbor_reader *r, struct str bytes)
{
	r->p = (const uint8_t *)bytes.p;
	r->end = r->p + bytes.len;
	r->error = NULL;
}

/* Records a fault found by the caller; the first one stays. */
static inline void cbor_fail(struct cbor_reader *r, const char *error)
{
	if (!r->error)
		r->error = error;
	r->end = r->p;
}

static inline size_t cbor_left(const struct cbor_reader *r)
{
	return (size_t)(r->end - r->p);
}

/* The type of the next item; consumes nothing and is never a fault. */
enum cbor_type cbor_peek(const struct cbor_reader *r);

uint64_t cbor_uint(struct cbor_reader *r);
/* An unsigned integer that is at most max. */
uint64_t cbor_uint_max(struct cbor_reader *r, uint64_t max);
/* A signed integer that fits. */
int64_t cbor_int(struct cbor_reader *r);
/* The bytes stay in the input. Never p == NULL, also after a fault. */
struct str cbor_text(struct cbor_reader *r);
/* As cbor_text(), for a caller that checks the characters itself. */
struct str cbor_text_unchecked(struct cbor_reader *r);
struct str cbor_bytes(struct cbor_reader *r);
bool cbor_bool(struct cbor_reader *r);
void cbor_null(struct cbor_reader *r);

/*
 * The number of items of an array, or of pairs of a map: never more than the bytes
 * left could hold, so that it may be used as it is. 0 after a fault.
 */
size_t cbor_array(struct cbor_reader *r);
size_t cbor_map(struct cbor_reader *r);

/*
 * A map key that is an unsigned integer; keys must grow. *next starts as 0 for each map
 * and holds the least key that may follow.
 */
uint64_t cbor_key(struct cbor_reader *r, uint64_t *next);

/* All input must be used. True when there was no fault. */
bool cbor_end(struct cbor_reader *r);

/* Writers: false, and nothing appended, only when the limit of out would be passed. */
bool cbor_put_uint(struct buf *out, uint64_t n);
bool cbor_put_int(struct buf *out, int64_t n);
bool cbor_put_text(struct buf *out, struct str s);
bool cbor_put_bytes(struct buf *out, struct str s);
bool cbor_put_array(struct buf *out, size_t items);
bool cbor_put_map(struct buf *out, size_t pairs);
bool cbor_put_bool(struct buf *out, bool b);
bool cbor_put_null(struct buf *out);

enum { CBOR_HEAD_MAX = 9 }; /* bytes of the longest item head */

/* Writes the head of an item (CBOR_UINT to CBOR_MAP) to p, which has room; returns its end. */
char *cbor_head(char *p, enum cbor_type type, uint64_t n);

#endif
