/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON into a buf. Strings are escaped so that the output is one line
 * of printable ASCII: control characters, quotes, invalid UTF-8 (as \ufffd) and
 * everything above U+007E (bidirectional overrides included) leave as escapes.
 *
 *	struct json j;
 *	json_init(&j, &buf);
 *	json_object(&j, NULL);
 *	json_str(&j, "name", name);
 *	json_array(&j, "list");
 *	json_u64(&j, NULL, 3);
 *	json_end(&j);
 *	json_end(&j);
 *
 * key is NULL inside an array and at the top. A full buffer is remembered in
 * failed, and later calls do nothing.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH = 16 };

struct json {
	struct buf *out;
	unsigned depth;
	bool comma;
	bool failed;
	char closing[JSON_DEPTH];
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j); /* closes the innermost object or array */
void json_str(struct json *j, const char *key, struct str value);
void json_cstr(struct json *j, const char *key, const char *value); /* NULL writes null */
/* Above INT64_MAX as a string: readers refuse all of what has a number that they cannot hold. */
void json_u64(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_real(struct json *j, const char *key, double value);

/* Appends s as a quoted, escaped JSON string; at most cap bytes of s, then an ellipsis. */
bool json_escape(struct buf *out, struct str s, size_t cap);

#endif
