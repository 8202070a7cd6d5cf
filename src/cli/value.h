/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a daemon's JSON as text for a terminal. What is not there, or is of another type, is "-": daemons of other
 * versions may say less or more.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <jansson.h>

#include "base/buf.h"

typedef void value_fn(struct buf *out, const json_t *row, const char *key);

value_fn value_plain; /* a string, a number, yes or no */
value_fn value_ms; /* milliseconds as a span of time */
value_fn value_seconds;
value_fn value_bytes;
value_fn value_percent; /* of a number of thousandths */
value_fn value_up; /* up or DOWN */
value_fn
	value_streams; /* {"state", "proof", "tls"}, or an array of them: the first, and how many more */
value_fn
	value_failure; /* {"step", "text", "detail", ...}: what failed, when, how often, and the next try */

/* A string that is one. */
void value_str(struct buf *out, const json_t *value);
/* A number that is not negative; false when it is none. */
bool value_count(const json_t *row, const char *key, uint64_t *ret);
/* The members that are strings, with spaces between them. */
void value_words(struct buf *out, const json_t *object, const char *const *keys, size_t n);

#endif
