/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	word    = 1*(any byte but space, `"`, `{`, `}`, `#`)
 *	string  = `"` *(byte | `\"` | `\\`) `"`         on one line
 *	comment = `#` to the end of the line
 */
#include "config/lex.h"

#include <stdio.h>

void lex_init(struct lex *l, struct str text, struct report *report)
{
	*l = (struct lex){ .left = text, .line_start = true, .report = report };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
	return is_space(c) || c == '\n' || c == '"' || c == '{' || c == '}' || c == '#';
}

static void skip_blanks(struct lex *l)
{
	size_t n = 0;

	while (n < l->left.len && is_space(l->left.p[n]))
		n++;
	if (n < l->left.len && l->left.p[n] == '#') {
		while (n < l->left.len && l->left.p[n] != '\n')
			n++;
	}
	l->left = str_skip(l->left, n);
}

static size_t word_length(struct str s)
{
	size_t n = 1;

	while (n < s.len && !ends_word(s.p[n]))
		n++;
	return n;
}

/* The length with both quotes; 0 when the closing one is missing. */
static size_t string_length(struct str s)
{
	for (size_t n = 1; n < s.len && s.p[n] != '\n'; n++) {
		if (s.p[n] == '"')
			return n + 1;
		if (s.p[n] == '\\')
			n++;
	}
	return 0;
}

static struct token take(struct lex *l, enum token_kind kind, size_t n)
{
	struct token t = { kind, { l->left.p, n }, l->line_start };

	l->left = str_skip(l->left, n);
	l->line_start = kind == TOKEN_LINE_END;
	return t;
}

static struct token take_string(struct lex *l)
{
	size_t n = string_length(l->left);

	if (n == 0) {
		while (n < l->left.len && l->left.p[n] != '\n' && l->left.p[n] != '\r')
			n++;
		if (l->report)
			report_at(l->report, str_from(l->left.p, n),
				"the closing quote of this string is missing");
	}
	return take(l, TOKEN_STRING, n);
}

struct token lex_next(struct lex *l)
{
	skip_blanks(l);
	if (l->left.len == 0)
		return take(l, TOKEN_END, 0);
	switch (l->left.p[0]) {
	case '\n':
		return take(l, TOKEN_LINE_END, 1);
	case '{':
		return take(l, TOKEN_OPEN, 1);
	case '}':
		return take(l, TOKEN_CLOSE, 1);
	case '"':
		return take_string(l);
	default:
		return take(l, TOKEN_WORD, word_length(l->left));
	}
}

size_t lex_unquote(struct str span, char *p)
{
	size_t n = 0;
	struct str s = str_skip(span, 1);

	if (s.len && s.p[s.len - 1] == '"')
		s.len--;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		p[n++] = s.p[i];
	}
	return n;
}

void lex_describe(const struct token *t, char *ret, size_t size)
{
	static const char *const names[] = {
		[TOKEN_OPEN] = "`{`",
		[TOKEN_CLOSE] = "`}`",
		[TOKEN_LINE_END] = "the end of the line",
		[TOKEN_END] = "the end of the file",
	};

	if (t->kind == TOKEN_WORD && t->span.len <= 60) {
		snprintf(ret, size, "`%.*s`", STR_FMT(t->span));
	} else if (t->kind == TOKEN_WORD) {
		snprintf(ret, size, "this long word");
	} else if (t->kind == TOKEN_STRING) {
		snprintf(ret, size, "a quoted string");
	} else {
		snprintf(ret, size, "%s", names[t->kind]);
	}
}

bool lex_is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (ends_word(s.p[i]))
			return false;
	}
	return s.len > 0;
}

void lex_quote(struct buf *out, struct str s)
{
	buf_append_c(out, "\"");
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_append_c(out, "\\");
		buf_append(out, str_from(s.p + i, 1));
	}
	buf_append_c(out, "\"");
}
