/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Skips bytes that need no attention, 16 at a time where SSE2 is there. Each
 * function returns the first byte of [p, end) that is not plain, or end. Control
 * characters (TAB, LF and CR too) and bytes from 0x80 on are never plain.
 */
#ifndef XML_SCAN_H
#define XML_SCAN_H

#include "xml/chars.h"

#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i scan_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Bytes are compared as signed: those from 0x80 on are below 0x20 as well. */
static inline __m128i scan_low(__m128i x)
{
	return _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
}

static inline __m128i scan_is(__m128i x, char c)
{
	return _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
}

#define SCAN_BLOCKS(p, end, stop_mask)                                                             \
	while ((end) - (p) >= 16) {                                                                \
		__m128i x = scan_load(p);                                                          \
		unsigned hit = (unsigned)_mm_movemask_epi8(stop_mask);                             \
		if (hit)                                                                           \
			return (p) + __builtin_ctz(hit);                                           \
		(p) += 16;                                                                         \
	}
#else
#define SCAN_BLOCKS(p, end, stop_mask)
#endif

static inline bool scan_plain(char c)
{
	return c >= 0x20 && (signed char)c >= 0;
}

#ifdef __SSE2__
/* Which of 16 bytes are ASCII name characters; a colon is none. */
static inline __m128i scan_named(__m128i x)
{
	__m128i lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
	__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
		_mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
	/* '-', '.', '/', digits; but '/' ends a name. */
	__m128i digit = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('-' - 1)),
		_mm_cmplt_epi8(x, _mm_set1_epi8('9' + 1)));

	return _mm_or_si128(
		_mm_or_si128(letter, scan_is(x, '_')), _mm_andnot_si128(scan_is(x, '/'), digit));
}
#endif

/* Names: stops at the first byte that is no ASCII name character, a colon included. */
static inline const char *scan_name(const char *p, const char *end)
{
	SCAN_BLOCKS(p, end, _mm_andnot_si128(scan_named(x), _mm_set1_epi8(-1)))
	while (p < end && xml_class_is(*p, XML_NAME))
		p++;
	return p;
}

/* Character data: stops at '<', '&' and ']' as well. */
static inline const char *scan_text(const char *p, const char *end)
{
	SCAN_BLOCKS(p, end,
		_mm_or_si128(_mm_or_si128(scan_low(x), scan_is(x, '<')),
			_mm_or_si128(scan_is(x, '&'), scan_is(x, ']'))))
	while (p < end && scan_plain(*p) && *p != '<' && *p != '&' && *p != ']')
		p++;
	return p;
}

/* An attribute value in quotes of this kind: stops at the quote, '<' and '&' as well. */
static inline const char *scan_value(const char *p, const char *end, char quote)
{
	SCAN_BLOCKS(p, end,
		_mm_or_si128(_mm_or_si128(scan_low(x), scan_is(x, '<')),
			_mm_or_si128(scan_is(x, '&'), scan_is(x, quote))))
	while (p < end && scan_plain(*p) && *p != '<' && *p != '&' && *p != quote)
		p++;
	return p;
}

/* Strings to be written: stops at the five characters as well. */
static inline const char *scan_output(const char *p, const char *end)
{
	SCAN_BLOCKS(p, end,
		_mm_or_si128(_mm_or_si128(_mm_or_si128(scan_low(x), scan_is(x, '<')),
				     _mm_or_si128(scan_is(x, '&'), scan_is(x, '>'))),
			_mm_or_si128(scan_is(x, '"'), scan_is(x, '\''))))
	while (p < end && scan_plain(*p) && *p != '<' && *p != '&' && *p != '>' && *p != '"' &&
		*p != '\'')
		p++;
	return p;
}

#endif
