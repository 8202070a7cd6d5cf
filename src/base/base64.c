/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a character, or -1. */
static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding(struct str text)
{
	if (text.len == 0 || text.p[text.len - 1] != '=')
		return 0;
	return text.p[text.len - 2] == '=' ? 2 : 1;
}

bool base64_is(struct str text)
{
	if (text.len % 4)
		return false;
	size_t pad = padding(text), n = text.len - pad;
	for (size_t i = 0; i < n; i++) {
		if (value(text.p[i]) < 0)
			return false;
	}
	return pad == 0 || (value(text.p[n - 1]) & (pad == 1 ? 3 : 15)) == 0;
}

size_t base64_size(struct str text)
{
	return text.len / 4 * 3 - padding(text);
}

/* n characters as bits, the first ones on top of 24. */
static unsigned bits_of(const char *p, size_t n)
{
	unsigned w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (unsigned)value(p[i]) << (18 - 6 * i);
	return w;
}

void base64_decode(struct str text, void *ret)
{
	size_t n = text.len - padding(text);
	unsigned char *out = ret;

	for (size_t i = 0; i < n; i += 4) {
		size_t have = n - i < 4 ? n - i : 4;
		unsigned w = bits_of(text.p + i, have);
		for (size_t k = 0; k + 1 < have; k++)
			*out++ = (unsigned char)(w >> (16 - 8 * k));
	}
}

static size_t length(struct str bytes)
{
	return (bytes.len + 2) / 3 * 4;
}

static void encode(struct str bytes, char *p)
{
	const unsigned char *b = (const unsigned char *)bytes.p;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i;
		unsigned w = (unsigned)b[i] << 16 | (have > 1 ? (unsigned)b[i + 1] << 8 : 0) |
			(have > 2 ? b[i + 2] : 0);
		*p++ = alphabet[w >> 18];
		*p++ = alphabet[w >> 12 & 63];
		*p++ = have > 1 ? alphabet[w >> 6 & 63] : '=';
		*p++ = have > 2 ? alphabet[w & 63] : '=';
	}
}

struct str base64_text(struct str bytes, struct arena *a)
{
	char *text = arena_alloc(a, length(bytes) + 1);

	if (!text)
		return (struct str){ NULL, 0 };
	encode(bytes, text);
	return str_from(text, length(bytes));
}

bool base64_append(struct buf *out, struct str bytes)
{
	char *p = buf_space(out, length(bytes));

	if (!p)
		return false;
	encode(bytes, p);
	buf_commit(out, length(bytes));
	return true;
}
