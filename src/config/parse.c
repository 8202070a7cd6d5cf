/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	file      = *( [statement] line-end )
 *	statement = one of the table in statements.c
 *
 * A statement ends with its line, except inside braces, where line ends are spaces. After an error
 * the parser goes on at the next statement (or the next rule of a section), so that one run
 * shows all errors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/utf8.h"
#include "config/parser.h"

enum { TEXT_MAX = 1024 * 1024, STATEMENTS_MAX = 32, JID_SCRATCH = 64 * 1024 };

/* Relative paths count from the folder of the file. */
static char *folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash ? (size_t)(slash - file) + 1 : 0;
	char *folder = NULL;

	if (file[0] == '/')
		return str_dup_c(str_from(file, len));
	char *here = getcwd(NULL, 0);
	int n = asprintf(&folder, "%s/%.*s", here ? here : ".", (int)len, file);
	check(n >= 0);
	free(here);
	return folder;
}

static size_t allowed_words(enum config_role role, const char *words[STATEMENTS_MAX])
{
	size_t n = 0;

	check(n_statements <= STATEMENTS_MAX);
	for (size_t i = 0; i < n_statements; i++) {
		if (statements[i].roles & (1u << role))
			words[n++] = statements[i].word;
	}
	return n;
}

static bool unknown_statement(struct parser *p)
{
	const char *words[STATEMENTS_MAX];
	size_t n = allowed_words(p->c->role, words);

	if (p->now.kind == TOKEN_CLOSE) {
		report_at(p->report, p->now.span, "this `}` closes nothing");
		return false;
	}
	if (p->now.kind == TOKEN_OPEN) {
		report_at(p->report, p->now.span,
			"`{` stands on the same line as the statement that it belongs to");
		return false;
	}
	p->unknown = true;
	return parser_unexpected(p, words, n);
}

static bool misplaced(struct parser *p, const struct statement *s)
{
	const char *where = p->c->role == CONFIG_OUTER ? "inner.conf" : "outer.conf";

	report_at(p->report, p->now.span, "`%s` belongs into %s", s->word, where);
	if (s->elsewhere)
		report_hint(p->report, s->elsewhere);
	return false;
}

static bool statement_end(struct parser *p)
{
	static const char *const expected[] = { "the end of the line" };

	if (parser_at_end(p))
		return true;
	return parser_unexpected(p, expected, 1);
}

static bool parse_statement(struct parser *p)
{
	const struct statement *s = p->now.kind == TOKEN_WORD ? statement_find(p->now.span) : NULL;

	p->statement = p->now.span;
	p->confused = false;
	p->at_statement = false;
	if (!s)
		return unknown_statement(p);
	if (!(s->roles & (1u << p->c->role)))
		return misplaced(p, s);
	parser_next(p);
	bool first = !s->once || parser_once(p, s->word, STRL(""), p->statement);
	if (s->parse(p) && statement_end(p) && first)
		return true;
	p->failed |= 1u << (s - statements);
	return false;
}

/* To the end of a statement with an error. */
static void skip_statement(struct parser *p)
{
	struct str open = p->statement;

	if (p->at_statement) {
		p->depth = 0;
		p->at_statement = false;
		return;
	}
	while (p->now.kind != TOKEN_END && !(p->now.kind == TOKEN_LINE_END && p->depth == 0))
		parser_next(p);
	if (p->depth) {
		report_at(p->report, open, "a `}` of this statement is missing");
		p->depth = 0;
	}
}

static void parse_file(struct parser *p)
{
	parser_next(p);
	while (p->now.kind != TOKEN_END) {
		if (p->now.kind == TOKEN_LINE_END) {
			parser_next(p);
			continue;
		}
		if (!parse_statement(p))
			skip_statement(p);
	}
}

static bool readable(struct report *r)
{
	if (r->text.len > TEXT_MAX) {
		r->count++;
		buf_printf(r->out, "%s: larger than 1 MiB\n", r->file);
		return false;
	}
	size_t good = utf8_xml_prefix(r->text);
	if (good == r->text.len)
		return true;
	/* The text up to there can be shown; what follows cannot. */
	struct str at = str_skip(r->text, good);
	r->text.len = good;
	at.len = 0;
	report_at(r, at, "not a character: the file has to be UTF-8 text");
	return false;
}

static void parser_init(struct parser *p, struct report *report, struct config_owned *o)
{
	*p = (struct parser){ .report = report, .arena = &o->arena, .c = &o->c };
	o->c.file = owned_str(&o->arena, str_of(report->file)).p;
	lex_init(&p->lex, report->text, report);
	arena_init(&p->scratch, JID_SCRATCH);
	table_init(&p->seen);
	table_init(&p->peers);
	table_init(&p->routes);
	table_init(&p->networks);
	p->folder = folder_of(report->file);
}

static void parser_done(struct parser *p)
{
	arena_done(&p->scratch);
	table_done(&p->seen);
	table_done(&p->peers);
	table_done(&p->routes);
	table_done(&p->networks);
	free(p->folder);
}

struct config *config_parse(
	enum config_role role, const char *file, struct str text, struct buf *errors)
{
	struct report report = { .file = file, .text = text, .out = errors };
	struct parser p;

	if (!readable(&report))
		return NULL;
	struct config_owned *o = owned_new(role);
	parser_init(&p, &report, o);
	parse_file(&p);
	whole_check(&p);
	parser_done(&p);
	report_end(&report);
	if (report.count) {
		config_free(&o->c);
		return NULL;
	}
	return &o->c;
}

bool config_guess_role(struct str text, enum config_role *ret_role)
{
	struct lex lex;
	unsigned depth = 0, votes[2] = { 0, 0 };

	lex_init(&lex, text, NULL);
	for (struct token t = lex_next(&lex); t.kind != TOKEN_END; t = lex_next(&lex)) {
		const struct statement *s = NULL;
		if (t.kind == TOKEN_WORD && t.first && depth == 0)
			s = statement_find(t.span);
		if (s && s->roles == 1u << CONFIG_OUTER)
			votes[CONFIG_OUTER]++;
		if (s && s->roles == 1u << CONFIG_INNER)
			votes[CONFIG_INNER]++;
		depth += t.kind == TOKEN_OPEN;
		depth -= t.kind == TOKEN_CLOSE && depth;
	}
	*ret_role = votes[CONFIG_INNER] > votes[CONFIG_OUTER] ? CONFIG_INNER : CONFIG_OUTER;
	return votes[CONFIG_INNER] != votes[CONFIG_OUTER];
}
