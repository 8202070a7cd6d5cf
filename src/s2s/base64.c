/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(struct buf *out, struct str s)
{
	char *p = buf_space(out, (s.len + 2) / 3 * 4);

	if (!p)
		return false;
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t bits = 0;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*p++ = k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
	}
	buf_commit(out, (s.len + 2) / 3 * 4);
	return true;
}

static int digit_value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool base64_decode(struct str s, char *ret, size_t *ret_len)
{
	size_t pad = 0, len = 0;

	if (s.len % 4)
		return false;
	while (pad < 2 && pad < s.len && s.p[s.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.len; i += 4) {
		size_t n = s.len - i == 4 ? 4 - pad : 4;
		uint32_t bits = 0;
		for (size_t k = 0; k < 4; k++) {
			int v = k < n ? digit_value(s.p[i + k]) : 0;
			if (v < 0)
				return false;
			bits = bits << 6 | (uint32_t)v;
		}
		if (bits & ((1u << 8 * (4 - n)) - 1))
			return false;
		for (size_t k = 0; k + 1 < n; k++)
			ret[len++] = (char)(bits >> (16 - 8 * k));
	}
	*ret_len = len;
	return true;
}
