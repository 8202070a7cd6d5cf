/* SPDX-License-Identifier: Apache-2.0 */
/* An array of JSON objects as a table with titles: what no row has is left out, what no column shows is added. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/value.h"

/* One column: title, the member that it shows, and how. */
struct column {
	const char *title;
	const char *key;
	value_fn *put;
	bool right;
};

/* The last columns of a pair, and of all pairs of a domain. */
/* clang-format off */
#define TRAFFIC_COLUMNS                                                                            \
	{ "READ", "stanzas_in", value_plain, true },                                               \
	{ "WRITTEN", "stanzas_out", value_plain, true },                                           \
	{ "QUEUED", "queued", value_plain, true },                                                 \
	{ "BYTES", "queued_bytes", value_bytes, true },                                            \
	{ "UNSENT", "unsent", value_plain, true },                                                 \
	{ "LAST FAILURE", "failed", value_failure }
/* clang-format on */

/* One array of an answer. */
struct section {
	const char *key;
	const char *title;
	const struct column *columns;
	size_t n; /* at most 16 */
};

/* Appends an empty line, the title and the rows; nothing without rows. */
void table_show(struct buf *out, const struct section *s, json_t *rows);

#endif
