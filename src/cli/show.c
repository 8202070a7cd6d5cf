/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"

enum { CELL_TEXT_MAX = 256 << 20 };

/* Controls, and what changes the direction or the place of other characters. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
		(c >= 0xe0000 && c <= 0xe0fff);
}

void show_safe(struct buf *out, struct str s)
{
	while (s.len) {
		size_t n;
		uint32_t c = utf8_decode(s, &n);
		if (is_unsafe(c)) {
			buf_printf(out, "\\u{%x}", (unsigned)c);
		} else if (c == '\\') {
			buf_append_c(out, "\\\\");
		} else {
			buf_append(out, str_from(s.p, n));
		}
		s = str_skip(s, n);
	}
}

void show_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)n / 1024;
	unsigned unit = 0;

	if (n < 1024) {
		buf_printf(out, "%llu B", (unsigned long long)n);
		return;
	}
	while (size >= 1024 && unit < 3) {
		size /= 1024;
		unit++;
	}
	buf_printf(out, size < 10 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void show_ms(struct buf *out, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (ms < 1000) {
		buf_printf(out, "%llu ms", (unsigned long long)ms);
	} else if (s < 120) {
		buf_printf(out, "%llu s", s);
	} else if (s < 3600) {
		buf_printf(out, "%llu min %llu s", s / 60, s % 60);
	} else if (s < 86400) {
		buf_printf(out, "%llu h %llu min", s / 3600, s / 60 % 60);
	} else {
		buf_printf(out, "%llu d %llu h", s / 86400, s / 3600 % 24);
	}
}

void grid_init(struct grid *g, size_t columns)
{
	*g = (struct grid){ .columns = columns, .right = calloc(columns, sizeof(bool)) };
	check(g->right);
	buf_init(&g->text, CELL_TEXT_MAX);
}

void grid_done(struct grid *g)
{
	buf_done(&g->text);
	free(g->ends);
	free(g->right);
	*g = (struct grid){ 0 };
}

void grid_cell(struct grid *g)
{
	if ((g->n & (g->n - 1)) == 0) {
		g->ends = realloc(g->ends, (g->n ? 2 * g->n : 1) * sizeof(*g->ends));
		check(g->ends);
	}
	g->ends[g->n++] = buf_len(&g->text);
}

void grid_right(struct grid *g, size_t column)
{
	g->right[column] = true;
}

static struct str cell(const struct grid *g, size_t i)
{
	size_t from = i ? g->ends[i - 1] : 0;

	return str_from(buf_bytes(&g->text).p + from, g->ends[i] - from);
}

static size_t width(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static void pad(struct buf *out, size_t n)
{
	while (n--)
		buf_append_c(out, " ");
}

static void show_row(const struct grid *g, size_t first, const size_t *widths, struct buf *out)
{
	size_t due = 0; /* spaces are written only before something */

	for (size_t i = 0; i < g->columns; i++) {
		struct str text = cell(g, first + i);
		size_t blank = widths[i] - width(text);
		due += 2 + (g->right[i] ? blank : 0);
		if (text.len) {
			pad(out, due);
			due = 0;
			buf_append(out, text);
		}
		due += g->right[i] ? 0 : blank;
	}
	buf_append_c(out, "\n");
}

void grid_show(const struct grid *g, struct buf *out)
{
	size_t *widths = calloc(g->columns, sizeof(*widths));

	check(widths);
	for (size_t i = 0; i < g->n; i++) {
		size_t w = width(cell(g, i));
		if (w > widths[i % g->columns])
			widths[i % g->columns] = w;
	}
	for (size_t i = 0; i + g->columns <= g->n; i += g->columns)
		show_row(g, i, widths, out);
	free(widths);
}
