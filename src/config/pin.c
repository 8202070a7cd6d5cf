/* SPDX-License-Identifier: Apache-2.0 */
#include "config/pin.h"

#include "base/base64.h"

enum { DIGEST = 32, BASE64_LEN = 44, HEX_LEN = 64 };

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(struct str s, unsigned char ret[DIGEST])
{
	for (size_t i = 0; i < DIGEST; i++) {
		int high = hex_value(s.p[2 * i]), low = hex_value(s.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool read_base64(struct str s, unsigned char ret[DIGEST])
{
	if (!base64_is(s) || base64_size(s) != DIGEST)
		return false;
	base64_decode(s, ret);
	return true;
}

const char *pin_digest(struct str s, unsigned char ret[32])
{
	static const struct str scheme = STR("sha256/");
	unsigned char digest[DIGEST];
	bool ok = false;

	if (!str_starts(s, scheme))
		return "it begins with `sha256/`";
	s = str_skip(s, scheme.len);
	if (s.len == HEX_LEN)
		ok = read_hex(s, digest);
	else if (s.len == BASE64_LEN)
		ok = read_base64(s, digest);
	else
		return s.len ? "the digest has the wrong length" : "the digest is missing";
	if (!ok)
		return "the digest is neither base64 nor hexadecimal";
	memcpy(ret, digest, DIGEST);
	return NULL;
}
