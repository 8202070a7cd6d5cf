/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration text as tokens: words, quoted strings, braces, line ends. A token's span points
 * into the text, so that every message can show where it belongs (config/report.h).
 */
#ifndef CONFIG_LEX_H
#define CONFIG_LEX_H

#include "config/report.h"

enum token_kind {
	TOKEN_WORD,
	TOKEN_STRING, /* the span holds both quotes; see lex_unquote() */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_LINE_END,
	TOKEN_END,
};

struct token {
	enum token_kind kind;
	struct str span;
	bool first; /* of its line */
};

struct lex {
	struct str left; /* text not read yet */
	bool line_start;
	struct report *report;
};

/* report: may be NULL; else text is valid UTF-8 without control characters other than TAB, CR, LF.
 */
void lex_init(struct lex *l, struct str text, struct report *report);

/* TOKEN_END again and again at the end. A string that does not end on its line is reported. */
struct token lex_next(struct lex *l);

/* Copies what a TOKEN_STRING means to p, which has room for span.len bytes; returns the length. */
size_t lex_unquote(struct str span, char *p);

/* How messages call a token: "`word`", "the end of the line", ... (up to size bytes). */
void lex_describe(const struct token *t, char *ret, size_t size);

/* Can it stand in a file without quotes? */
bool lex_is_word(struct str s);

/* Appends it in quotes, as a token of kind TOKEN_STRING. */
void lex_quote(struct buf *out, struct str s);

#endif
