/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8 (RFC 3629) and the characters XML 1.0 allows (section 2.2). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/*
 * The length of the longest prefix of s that is well-formed UTF-8 made only of
 * XML Char code points: s.len when all of it is. No overlong forms, surrogates,
 * NUL, C0 controls other than TAB, LF and CR, U+FFFE or U+FFFF.
 */
size_t utf8_xml_prefix(struct str s);

static inline bool utf8_is_xml(struct str s)
{
	return utf8_xml_prefix(s) == s.len;
}

/*
 * Decodes the code point at s.p; its length in bytes is put into *ret_len.
 * s is not empty and known to be valid UTF-8.
 */
uint32_t utf8_decode(struct str s, size_t *ret_len);

/* Writes the UTF-8 form of a code point (at most 4 bytes) and returns its length. */
size_t utf8_encode(uint32_t code_point, char ret_bytes[4]);

#endif
