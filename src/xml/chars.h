/* SPDX-License-Identifier: Apache-2.0 */
/* Which characters and names XML takes: shared by reader and writer. */
#ifndef XML_CHARS_H
#define XML_CHARS_H

#include "base/utf8.h"

/* What an ASCII byte may be; all others are 0. A colon is in no class. */
enum { XML_NAME_START = 1, XML_NAME = 2, XML_SPACE = 4 };

extern const uint8_t xml_class[256];

static inline bool xml_class_is(char c, uint8_t mask)
{
	return xml_class[(unsigned char)c] & mask;
}

bool xml_is_name_start(uint32_t code_point);
bool xml_is_name_char(uint32_t code_point);
/* The production Char. */
bool xml_is_char(uint32_t code_point);

enum { XML_CHAR_MALFORMED = -1, XML_CHAR_FORBIDDEN = -2 };

/*
 * The length of the character at p, of which n (at least 1) bytes are there. 0:
 * a good beginning that is cut. Negative: not UTF-8, or not an XML Char;
 * found at the first byte that tells.
 */
int xml_char_len(const char *p, size_t n);

/* An NCName of Namespaces in XML 1.0: not empty, no colon. */
bool xml_is_ncname(struct str s);

#endif
