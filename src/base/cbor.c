/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An item starts with a head: three bits of major type, five bits that are the argument
 * or say in how many bytes it follows. Heads are the whole of the format here; strings
 * add their bytes. Nothing nests in this file: the caller walks arrays and maps.
 */
#include "base/cbor.h"

#include "base/utf8.h"

enum {
	MAJOR_UINT,
	MAJOR_NEG,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE
};
enum { SIMPLE_FALSE = 0xf4, SIMPLE_TRUE = 0xf5, SIMPLE_NULL = 0xf6 };

enum cbor_type cbor_peek(const struct cbor_reader *r)
{
	static const uint8_t types[8] = { CBOR_UINT, CBOR_NEG, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY,
		CBOR_MAP, CBOR_NONE, CBOR_NONE };

	if (r->p == r->end)
		return CBOR_NONE;
	switch (*r->p) {
	case SIMPLE_FALSE:
	case SIMPLE_TRUE:
		return CBOR_BOOL;
	case SIMPLE_NULL:
		return CBOR_NULL;
	default:
		return types[*r->p >> 5];
	}
}

/* The argument that follows a head byte with 24 to 27 in its low bits. */
static uint64_t long_argument(struct cbor_reader *r, unsigned info)
{
	size_t bytes = (size_t)1 << (info - 24);
	uint64_t n = 0;

	if (cbor_left(r) < bytes + 1) {
		cbor_fail(r, "item is cut short");
		return 0;
	}
	for (size_t i = 1; i <= bytes; i++)
		n = n << 8 | r->p[i];
	if (info == 24 ? n < 24 : n >> (bytes * 4) == 0) {
		cbor_fail(r, "integer not in its shortest form");
		return 0;
	}
	r->p += bytes + 1;
	return n;
}

static const char *wrong_type(const struct cbor_reader *r)
{
	if (r->p == r->end)
		return "item is missing";
	if (*r->p >> 5 == MAJOR_TAG)
		return "tag";
	if (*r->p >> 5 == MAJOR_SIMPLE && (*r->p < SIMPLE_FALSE || *r->p > SIMPLE_NULL))
		return "float, break or unknown simple value";
	return "item of the wrong type";
}

/* The rare heads: longer than one byte, or a fault. */
static __attribute__((noinline)) uint64_t other_head(struct cbor_reader *r, unsigned major)
{
	if (r->p == r->end || *r->p >> 5 != major) {
		cbor_fail(r, wrong_type(r));
		return 0;
	}
	unsigned info = *r->p & 31;
	if (info > 27) {
		cbor_fail(r, info == 31 ? "indefinite length" : "reserved head");
		return 0;
	}
	return long_argument(r, info);
}

/* Consumes a head of this major type and returns its argument. */
static inline uint64_t head(struct cbor_reader *r, unsigned major)
{
	if (r->p != r->end) {
		unsigned info = *r->p - (major << 5);
		if (info < 24) {
			r->p++;
			return info;
		}
	}
	return other_head(r, major);
}

uint64_t cbor_uint(struct cbor_reader *r)
{
	return head(r, MAJOR_UINT);
}

uint64_t cbor_uint_max(struct cbor_reader *r, uint64_t max)
{
	uint64_t n = head(r, MAJOR_UINT);

	if (n > max) {
		cbor_fail(r, "integer out of range");
		return 0;
	}
	return n;
}

int64_t cbor_int(struct cbor_reader *r)
{
	bool negative = cbor_peek(r) == CBOR_NEG;
	uint64_t n = head(r, negative ? MAJOR_NEG : MAJOR_UINT);

	if (n > INT64_MAX) {
		cbor_fail(r, "integer out of range");
		return 0;
	}
	if (r->error)
		return 0;
	return negative ? -1 - (int64_t)n : (int64_t)n;
}

static struct str string(struct cbor_reader *r, unsigned major)
{
	uint64_t n = head(r, major);

	if (n > cbor_left(r)) {
		cbor_fail(r, "string is cut short");
		n = 0;
	}
	if (r->error)
		return STRL("");
	struct str s = str_from(r->p, (size_t)n);
	r->p += n;
	return s;
}

struct str cbor_text_unchecked(struct cbor_reader *r)
{
	return string(r, MAJOR_TEXT);
}

struct str cbor_text(struct cbor_reader *r)
{
	struct str s = string(r, MAJOR_TEXT);

	if (!utf8_is_xml(s)) {
		cbor_fail(r, "text is not XML characters in UTF-8");
		return STRL("");
	}
	return s;
}

struct str cbor_bytes(struct cbor_reader *r)
{
	return string(r, MAJOR_BYTES);
}

bool cbor_bool(struct cbor_reader *r)
{
	if (cbor_peek(r) != CBOR_BOOL) {
		cbor_fail(r, wrong_type(r));
		return false;
	}
	return *r->p++ == SIMPLE_TRUE;
}

void cbor_null(struct cbor_reader *r)
{
	if (cbor_peek(r) != CBOR_NULL)
		cbor_fail(r, wrong_type(r));
	else
		r->p++;
}

static size_t count(struct cbor_reader *r, unsigned major, unsigned bytes_each)
{
	uint64_t n = head(r, major);

	if (n > cbor_left(r) / bytes_each) {
		cbor_fail(r, "more items than bytes");
		return 0;
	}
	return (size_t)n;
}

size_t cbor_array(struct cbor_reader *r)
{
	return count(r, MAJOR_ARRAY, 1);
}

size_t cbor_map(struct cbor_reader *r)
{
	return count(r, MAJOR_MAP, 2);
}

uint64_t cbor_key(struct cbor_reader *r, uint64_t *next)
{
	uint64_t key = head(r, MAJOR_UINT);

	if (key < *next || key == UINT64_MAX) {
		cbor_fail(r, "map keys repeated or not in order");
		return 0;
	}
	*next = key + 1;
	return key;
}

bool cbor_end(struct cbor_reader *r)
{
	if (!r->error && r->p != r->end)
		cbor_fail(r, "bytes left over");
	return !r->error;
}

char *cbor_head(char *p, enum cbor_type type, uint64_t n)
{
	/* The types up to CBOR_MAP are the major types. */
	unsigned major = (unsigned)type << 5;

	if (n < 24) {
		*p = (char)(major | n);
		return p + 1;
	}
	unsigned info = n <= UINT8_MAX ? 24 : n <= UINT16_MAX ? 25 : n <= UINT32_MAX ? 26 : 27;
	*p++ = (char)(major | info);
	for (int shift = (8 << (info - 24)) - 8; shift >= 0; shift -= 8)
		*p++ = (char)(n >> shift);
	return p;
}

static size_t head_size(uint64_t n)
{
	if (n < 24)
		return 1;
	return n <= UINT8_MAX ? 2 : n <= UINT16_MAX ? 3 : n <= UINT32_MAX ? 5 : 9;
}

static bool put_head(struct buf *out, enum cbor_type type, uint64_t n)
{
	size_t size = head_size(n);
	char *p = buf_space(out, size);

	if (!p)
		return false;
	cbor_head(p, type, n);
	buf_commit(out, size);
	return true;
}

static bool put_string(struct buf *out, enum cbor_type type, struct str s)
{
	size_t size = head_size(s.len);

	if (s.len > SIZE_MAX - size)
		return false;
	char *p = buf_space(out, size + s.len);
	if (!p)
		return false;
	p = cbor_head(p, type, s.len);
	if (s.len)
		memcpy(p, s.p, s.len);
	buf_commit(out, size + s.len);
	return true;
}

bool cbor_put_uint(struct buf *out, uint64_t n)
{
	return put_head(out, CBOR_UINT, n);
}

bool cbor_put_int(struct buf *out, int64_t n)
{
	return n >= 0 ? put_head(out, CBOR_UINT, (uint64_t)n)
		      : put_head(out, CBOR_NEG, (uint64_t)(-1 - n));
}

bool cbor_put_text(struct buf *out, struct str s)
{
	return put_string(out, CBOR_TEXT, s);
}

bool cbor_put_bytes(struct buf *out, struct str s)
{
	return put_string(out, CBOR_BYTES, s);
}

bool cbor_put_array(struct buf *out, size_t items)
{
	return put_head(out, CBOR_ARRAY, items);
}

bool cbor_put_map(struct buf *out, size_t pairs)
{
	return put_head(out, CBOR_MAP, pairs);
}

bool cbor_put_bool(struct buf *out, bool b)
{
	return buf_append(out, b ? STRL("\xf5") : STRL("\xf4"));
}

bool cbor_put_null(struct buf *out)
{
	return buf_append(out, STRL("\xf6"));
}
