/* SPDX-License-Identifier: Apache-2.0 */
/* The limits: the rows of CONFIG_LIMITS as a table, and the statement that sets one. */
#ifndef CONFIG_LIMITS_H
#define CONFIG_LIMITS_H

#include "config/parser.h"

/* limit = `limit` WORD... NUMBER */
bool parse_limit(struct parser *p);

/* One row of CONFIG_LIMITS. */
struct limit_row {
	const char *words;
	const char *unit;
	const char *help;
	uint64_t def, least, most;
	size_t offset; /* in struct config_limits */
};
extern const struct limit_row limit_rows[];
extern const size_t n_limit_rows;

static inline uint64_t *limit_value(struct config_limits *limits, const struct limit_row *row)
{
	return (uint64_t *)(void *)((char *)limits + row->offset);
}

#endif
