/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal: aligned tables, sizes and times for people, and nothing that a terminal
 * obeys. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "base/buf.h"

/*
 * Appends a peer's text so that it stays text: control characters, line ends and changes of
 * direction become \u{...}, a backslash is doubled. s is valid UTF-8.
 */
void show_safe(struct buf *out, struct str s);

/* "1.5 MiB" */
void show_bytes(struct buf *out, uint64_t n);
/* "250 ms", "12 s", "3 h 5 min" */
void show_ms(struct buf *out, uint64_t ms);

/* A table: cells of text row by row; columns are made as wide as they must be. */
struct grid {
	struct buf text; /* cells, one after the other */
	size_t *ends; /* of each cell in text */
	size_t n;
	size_t columns;
	bool *right; /* align column i to the right */
};

void grid_init(struct grid *g, size_t columns);
void grid_done(struct grid *g);
/* Ends the cell that was written to g->text. */
void grid_cell(struct grid *g);
/* Numbers stand at the right. */
void grid_right(struct grid *g, size_t column);
/* Appends all rows with two spaces in front. */
void grid_show(const struct grid *g, struct buf *out);

#endif
