/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the configuration parser:
 *
 *	outer.conf:3:8: `s3s` is not known here
 *	    listen s3s 198.51.100.10:5269
 *	           ^^^
 *	    expected: `s2s`, `link`; did you mean `s2s`?
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "base/buf.h"

enum { REPORT_MAX = 50 }; /* messages of one run; the rest is only counted */

struct report {
	const char *file;
	struct str text; /* the whole file */
	struct buf *out;
	unsigned count;
};

/* where is a part of the text; its line, and carets below it, follow the message. */
void report_at(struct report *r, struct str where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The line of a part of the text, from 1. */
unsigned report_line(const struct report *r, struct str where);

/* Adds "expected: ..." to the last message; word is what stood there instead, or empty. */
void report_expected(struct report *r, const char *const *words, size_t n, struct str word);

/* Adds a line of advice to the last message. */
void report_hint(struct report *r, const char *hint);

/* The last line, when there were more messages than REPORT_MAX. */
void report_end(struct report *r);

#endif
