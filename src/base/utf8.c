/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

/* Bytes 0x20..0x7f and TAB, LF, CR, eight at a time. */
static bool plain_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	/* A byte is below 0x20 or above 0x7f exactly when one of these high bits shows. */
	return ((w | (w - 0x2020202020202020)) & 0x8080808080808080) == 0;
}

/* The length of the sequence at p (n bytes are there) if it is a valid XML character, else 0. */
static size_t sequence(const unsigned char *p, size_t n)
{
	unsigned c = p[0];

	if (c < 0x80)
		return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
	if (c < 0xc2)
		return 0;
	if (c < 0xe0)
		return n >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (c < 0xf0) {
		if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if (c == 0xe0 && p[1] < 0xa0)
			return 0;
		if (c == 0xed && p[1] > 0x9f)
			return 0;
		return c == 0xef && p[1] == 0xbf && p[2] >= 0xbe ? 0 : 3;
	}
	if (c > 0xf4 || n < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
		(p[3] & 0xc0) != 0x80)
		return 0;
	if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

size_t utf8_xml_prefix(struct str s)
{
	size_t i = 0;

	while (i < s.len) {
		while (i + 8 <= s.len && plain_word(s.p + i))
			i += 8;
		if (i == s.len)
			break;
		size_t n = sequence((const unsigned char *)s.p + i, s.len - i);
		if (n == 0)
			return i;
		i += n;
	}
	return i;
}

uint32_t utf8_decode(struct str s, size_t *ret_len)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (p[0] < 0x80) {
		*ret_len = 1;
		return p[0];
	}
	if (p[0] < 0xe0) {
		*ret_len = 2;
		return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	}
	if (p[0] < 0xf0) {
		*ret_len = 3;
		return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	}
	*ret_len = 4;
	return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
		(uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
}

size_t utf8_encode(uint32_t c, char ret[4])
{
	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (char)(0xc0 | c >> 6);
		ret[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (char)(0xe0 | c >> 12);
		ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | c >> 18);
	ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
