/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of payload: canonical only, padded, unused bits zero. */
#include "record/value.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a character plus one; 0 for all others. */
static const uint8_t values[256] = {
	['A'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	['a'] = 27,
	28,
	29,
	30,
	31,
	32,
	33,
	34,
	35,
	36,
	37,
	38,
	39,
	40,
	41,
	42,
	43,
	44,
	45,
	46,
	47,
	48,
	49,
	50,
	51,
	52,
	['0'] = 53,
	54,
	55,
	56,
	57,
	58,
	59,
	60,
	61,
	62,
	['+'] = 63,
	['/'] = 64,
};

static unsigned value(char c)
{
	return values[(unsigned char)c] - 1u;
}

static size_t padding(struct str text)
{
	if (text.len == 0 || text.p[text.len - 1] != '=')
		return 0;
	return text.p[text.len - 2] == '=' ? 2 : 1;
}

bool value_is_base64(struct str text)
{
	if (text.len % 4)
		return false;
	size_t pad = padding(text), n = text.len - pad;
	for (size_t i = 0; i < n; i++) {
		if (!values[(unsigned char)text.p[i]])
			return false;
	}
	if (pad == 0)
		return true;
	return (value(text.p[n - 1]) & (pad == 1 ? 3 : 15)) == 0;
}

size_t value_base64_size(struct str text)
{
	return text.len / 4 * 3 - padding(text);
}

void value_base64_decode(struct str text, uint8_t *ret)
{
	size_t pad = padding(text), n = text.len - pad, i = 0;

	for (; i + 4 <= n; i += 4) {
		unsigned w = value(text.p[i]) << 18 | value(text.p[i + 1]) << 12 |
			value(text.p[i + 2]) << 6 | value(text.p[i + 3]);
		*ret++ = (uint8_t)(w >> 16);
		*ret++ = (uint8_t)(w >> 8);
		*ret++ = (uint8_t)w;
	}
	if (pad)
		*ret++ = (uint8_t)(value(text.p[i]) << 2 | value(text.p[i + 1]) >> 4);
	if (pad == 1)
		*ret++ = (uint8_t)(value(text.p[i + 1]) << 4 | value(text.p[i + 2]) >> 2);
}

struct str value_base64_encode(struct str bytes, struct arena *a)
{
	const uint8_t *b = (const uint8_t *)bytes.p;
	size_t len = (bytes.len + 2) / 3 * 4;
	char *text = arena_alloc(a, len ? len : 1);
	char *p = text;

	if (!text)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i;
		unsigned w = (unsigned)b[i] << 16 | (have > 1 ? (unsigned)b[i + 1] << 8 : 0) |
			(have > 2 ? b[i + 2] : 0);
		*p++ = alphabet[w >> 18];
		*p++ = alphabet[w >> 12 & 63];
		*p++ = have > 1 ? alphabet[w >> 6 & 63] : '=';
		*p++ = have > 2 ? alphabet[w & 63] : '=';
	}
	return str_from(text, len);
}
