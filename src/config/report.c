/* SPDX-License-Identifier: Apache-2.0 */
#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

enum {
	LINE_SHOWN = 120, /* code points of the source line */
	GUESS_MAX = 24, /* longest word that is compared with the allowed ones */
};

static bool silent(const struct report *r)
{
	return r->count > REPORT_MAX;
}

/* The line that holds p, without its end. */
static struct str line_of(struct str text, const char *p)
{
	const char *from = p, *to = p;

	while (from > text.p && from[-1] != '\n')
		from--;
	while (to < text.p + text.len && *to != '\n')
		to++;
	return str_from(from, (size_t)(to - from));
}

unsigned report_line(const struct report *r, struct str where)
{
	unsigned line = 1;

	if (silent(r))
		return 0; /* nobody reads it, and a file may have very many errors */
	for (const char *p = r->text.p; p < where.p; p++)
		line += *p == '\n';
	return line;
}

static size_t code_points(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* What a terminal could take as a command or as a change of direction becomes a '?'. */
static bool is_safe(uint32_t c)
{
	return !(c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff);
}

/* One line; TABs stay, so that carets below stand right. */
static void show_text(struct buf *out, struct str line)
{
	for (size_t i = 0; i < line.len;) {
		size_t n;
		uint32_t c = utf8_decode(str_skip(line, i), &n);
		if (c == '\t' || is_safe(c)) {
			buf_append(out, str_from(line.p + i, n));
		} else if (c != '\r') {
			buf_append_c(out, "?");
		}
		i += n;
	}
	buf_append_c(out, "\n");
}

static void show_carets(struct buf *out, struct str line, struct str where)
{
	buf_append_c(out, "    ");
	for (const char *p = line.p; p < where.p; p++) {
		if (((unsigned char)*p & 0xc0) != 0x80)
			buf_append_c(out, *p == '\t' ? "\t" : " ");
	}
	size_t n = code_points(where);
	for (size_t i = 0; i < (n ? n : 1); i++)
		buf_append_c(out, "^");
	buf_append_c(out, "\n");
}

/* A window of the line around where that fits a terminal. */
static struct str shorten(struct str line, struct str where)
{
	const char *end = line.p + line.len;

	while (code_points(str_from(line.p, (size_t)(where.p - line.p))) > LINE_SHOWN / 2) {
		line.p++;
		while (line.p < where.p && ((unsigned char)*line.p & 0xc0) == 0x80)
			line.p++;
	}
	line.len = (size_t)(end - line.p);
	size_t at = 0, n = 0;
	while (at < line.len && n < LINE_SHOWN) {
		size_t len;
		utf8_decode(str_skip(line, at), &len);
		at += len;
		n++;
	}
	line.len = at;
	return line;
}

static void show_source(struct report *r, struct str where)
{
	struct str line = line_of(r->text, where.p);

	if (line.len == 0)
		return;
	if (code_points(line) > LINE_SHOWN) {
		/* Far into a long line: start nearby, not at every code point from its beginning.
		 */
		size_t before = (size_t)(where.p - line.p);
		size_t skip = before > 4 * LINE_SHOWN ? before - 4 * LINE_SHOWN : 0;
		while (skip && ((unsigned char)line.p[skip] & 0xc0) == 0x80)
			skip++;
		line = shorten(str_skip(line, skip), where);
	}
	if (where.len > (size_t)(line.p + line.len - where.p))
		where.len = (size_t)(line.p + line.len - where.p);
	buf_append_c(r->out, "    ");
	show_text(r->out, line);
	show_carets(r->out, line, where);
}

void report_at(struct report *r, struct str where, const char *format, ...)
{
	char message[512];
	va_list args;

	r->count++;
	if (silent(r))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	struct str line = line_of(r->text, where.p);
	size_t column = 1 + code_points(str_from(line.p, (size_t)(where.p - line.p)));
	buf_printf(r->out, "%s:%u:%zu: ", r->file, report_line(r, where), column);
	/* A message may quote a word of the file, cut inside a character. */
	struct str m = str_of(message);
	m.len = utf8_xml_prefix(m);
	show_text(r->out, m);
	show_source(r, where);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

/* Insertions, deletions, changes and swaps of neighbours that make a of b. */
static unsigned distance(struct str a, struct str b)
{
	unsigned d[GUESS_MAX + 1][GUESS_MAX + 1];

	for (unsigned i = 0; i <= a.len; i++) {
		for (unsigned j = 0; j <= b.len; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			unsigned change = d[i - 1][j - 1] + (a.p[i - 1] != b.p[j - 1]);
			d[i][j] = min3(change, d[i - 1][j] + 1, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				d[i][j] = min3(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
		}
	}
	return d[a.len][b.len];
}

static const char *closest(const char *const *words, size_t n, struct str word)
{
	const char *best = NULL;
	unsigned least = word.len <= 3 ? 2 : 3;

	if (word.len < 2 || word.len > GUESS_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct str candidate = str_of(words[i]);
		unsigned d = candidate.len <= GUESS_MAX ? distance(candidate, word) : least;
		if (d < least) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

/* A word that could stand there, and not a description of one. */
static bool is_literal(const char *word)
{
	return strncmp(word, "a ", 2) != 0 && strncmp(word, "an ", 3) != 0 &&
		strncmp(word, "the ", 4) != 0;
}

void report_expected(struct report *r, const char *const *words, size_t n, struct str word)
{
	size_t width = 14;

	if (silent(r))
		return;
	buf_append_c(r->out, "    expected:");
	for (size_t i = 0; i < n; i++) {
		const char *quote = is_literal(words[i]) ? "`" : "";
		size_t len = strlen(words[i]) + 4;
		if (i && width + len > 96) {
			buf_append_c(r->out, "\n     ");
			width = 6;
		}
		buf_printf(r->out, " %s%s%s%s", quote, words[i], quote, i + 1 < n ? "," : "");
		width += len;
	}
	const char *guess = closest(words, n, word);
	if (guess)
		buf_printf(r->out, "; did you mean `%s`?", guess);
	buf_append_c(r->out, "\n");
}

void report_hint(struct report *r, const char *hint)
{
	if (!silent(r))
		buf_printf(r->out, "    %s\n", hint);
}

void report_end(struct report *r)
{
	if (silent(r))
		buf_printf(r->out, "%s: %u more errors\n", r->file, r->count - REPORT_MAX);
}
