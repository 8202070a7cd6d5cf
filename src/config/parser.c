/* SPDX-License-Identifier: Apache-2.0 */
#include "config/parser.h"

#include <stdio.h>

#include "config/address.h"
#include "config/pattern.h"
#include "jid/jid.h"

enum {
	PATH_BYTES = 4096,
	NODE_ID_MAX = 63,
	WORDS_MAX = 16, /* rules of one section */
};

/* A line end inside braces is no more than a space. */
void parser_next(struct parser *p)
{
	if (p->now.kind == TOKEN_OPEN)
		p->depth++;
	if (p->now.kind == TOKEN_CLOSE && p->depth)
		p->depth--;
	do {
		p->now = lex_next(&p->lex);
	} while (p->now.kind == TOKEN_LINE_END && p->depth);
}

bool parser_at_end(const struct parser *p)
{
	return p->now.kind == TOKEN_LINE_END || p->now.kind == TOKEN_END;
}

static const struct rule *find_rule(const struct section *s, struct str word)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (str_is(word, s->rules[i].word))
			return &s->rules[i];
	}
	return NULL;
}

/* A line inside braces that starts with a statement's word: its closing brace was forgotten. */
static bool at_lost_statement(const struct parser *p)
{
	return p->depth && p->now.kind == TOKEN_WORD && p->now.first &&
		statement_find(p->now.span) && !find_rule(p->section, p->now.span);
}

bool parser_in_list(const struct parser *p)
{
	return !p->confused && p->now.kind == TOKEN_WORD && !find_rule(p->section, p->now.span) &&
		!at_lost_statement(p);
}

bool parser_unexpected(struct parser *p, const char *const *words, size_t n)
{
	char what[80];
	bool word = p->now.kind == TOKEN_WORD;

	if (p->confused)
		return false;
	p->confused = true;
	lex_describe(&p->now, what, sizeof(what));
	report_at(p->report, p->now.span, "%s does not belong here", what);
	report_expected(p->report, words, n, word ? p->now.span : STRL(""));
	return false;
}

bool parser_word(struct parser *p, const char *what, struct str *ret_span)
{
	if (p->confused || p->now.kind != TOKEN_WORD || at_lost_statement(p))
		return parser_unexpected(p, &what, 1);
	*ret_span = p->now.span;
	parser_next(p);
	return true;
}

bool parser_accept(struct parser *p, const char *word)
{
	if (p->confused || p->now.kind != TOKEN_WORD || !str_is(p->now.span, word))
		return false;
	parser_next(p);
	return true;
}

bool parser_choice(struct parser *p, const char *const *words, size_t n, size_t *ret_index)
{
	for (size_t i = 0; i < n; i++) {
		if (parser_accept(p, words[i])) {
			*ret_index = i;
			return true;
		}
	}
	return parser_unexpected(p, words, n);
}

bool parser_path(struct parser *p, const char **ret_path)
{
	static const char *const expected[] = { "a file name in double quotes" };
	char path[PATH_BYTES];
	struct str span = p->now.span;

	if (p->confused || p->now.kind != TOKEN_STRING)
		return parser_unexpected(p, expected, 1);
	size_t folder = strlen(p->folder);
	parser_next(p);
	if (folder + span.len >= sizeof(path)) {
		report_at(p->report, span, "this file name is too long");
		return false;
	}
	size_t n = lex_unquote(span, path + folder);
	if (n == 0) {
		report_at(p->report, span, "the file name is empty");
		return false;
	}
	memcpy(path, p->folder, folder);
	struct str whole = { path, folder + n };
	*ret_path = owned_str(p->arena, path[folder] == '/' ? str_skip(whole, folder) : whole).p;
	return true;
}

bool parser_address(struct parser *p, struct str *ret_addr)
{
	char text[ADDRESS_TEXT];
	struct str span;

	if (!parser_word(p, "an address with a port, as in 192.0.2.1:5269", &span))
		return false;
	const char *error = address_port(span, text);
	if (error) {
		report_at(p->report, span, "not an address: %s", error);
		return false;
	}
	*ret_addr = owned_str(p->arena, str_of(text));
	return true;
}

bool parser_own_address(struct parser *p, struct str *ret_addr)
{
	struct str span = p->now.span;

	return parser_address(p, ret_addr) && parser_once(p, "address", *ret_addr, span);
}

static bool is_node_id(struct str s)
{
	if (s.len == 0 || s.len > NODE_ID_MAX || s.p[0] == '-' || s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

bool parser_node(struct parser *p, struct str *ret_id, struct str *ret_span)
{
	static const char *const reserved[] = { "any", "via", "else", "none", "certificate", "key",
		"trust", "accept" };

	if (!parser_word(p, "a name of lower-case letters, digits and `-`", ret_span))
		return false;
	if (!is_node_id(*ret_span)) {
		report_at(p->report, *ret_span,
			"not a name: 1 to 63 lower-case letters, digits and `-` inside");
		return false;
	}
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (str_is(*ret_span, reserved[i])) {
			report_at(p->report, *ret_span,
				"`%s` is a word of this language, not a name", reserved[i]);
			return false;
		}
	}
	*ret_id = owned_str(p->arena, *ret_span);
	return true;
}

bool parser_domain(struct parser *p, struct str *ret_domain, struct str *ret_span)
{
	struct str prepared;

	if (!parser_word(p, "a domain", ret_span))
		return false;
	arena_reset(&p->scratch);
	enum jid_error error = jid_parse_domain(&p->scratch, *ret_span, &prepared);
	if (error != JID_OK) {
		report_at(p->report, *ret_span, "not a domain: %s", jid_error_text(error));
		return false;
	}
	*ret_domain = owned_str(p->arena, prepared);
	return true;
}

bool parser_pattern(struct parser *p, struct str *ret_pattern, struct str *ret_span)
{
	struct str prepared;

	if (!parser_word(p, "a domain, a pattern as in *.example.org, or `any`", ret_span))
		return false;
	arena_reset(&p->scratch);
	const char *error = pattern_prepare(&p->scratch, *ret_span, &prepared);
	if (error) {
		report_at(p->report, *ret_span, "not a domain or pattern: %s", error);
		return false;
	}
	*ret_pattern = owned_str(p->arena, prepared);
	return true;
}

/* Goes on from where it counted last: a file has many places, in order. */
struct config_place parser_place(struct parser *p, struct str where)
{
	const char *text = p->report->text.p, *at = where.p;
	struct config_place place = { .column = 1 };

	if (!p->counted || p->counted > at) {
		p->counted = text;
		p->counted_lines = 1;
	}
	for (; p->counted < at; p->counted++)
		p->counted_lines += *p->counted == '\n';
	place.line = p->counted_lines;
	while (at > text && at[-1] != '\n')
		place.column += ((unsigned char)*--at & 0xc0) != 0x80;
	return place;
}

struct str *parser_remember(struct parser *p, struct str span)
{
	struct str *copy = arena_alloc(p->arena, sizeof(*copy));

	check(copy);
	*copy = span;
	return copy;
}

bool parser_once(struct parser *p, const char *kind, struct str name, struct str span)
{
	size_t len = strlen(kind) + 1 + name.len;
	char *key = arena_alloc(p->arena, len + 1);

	check(key);
	len = (size_t)snprintf(key, len + 1, "%s%s%.*s", kind, name.len ? " " : "", STR_FMT(name));
	const struct str *first = table_find(&p->seen, str_from(key, len));
	if (first) {
		report_at(p->report, span,
			"`%.200s` stands here for the second time, first in line %u", key,
			report_line(p->report, *first));
		return false;
	}
	table_set(&p->seen, str_from(key, len), parser_remember(p, span));
	return true;
}

bool parser_reachable(struct parser *p, const struct str *earlier, struct str span)
{
	if (earlier)
		report_at(p->report, span, "this never matches: `%.*s` in line %u already does",
			earlier->len > 100 ? 100 : STR_FMT(*earlier),
			report_line(p->report, *earlier));
	return !earlier;
}

static void expected_rules(const struct section *s, const char *words[WORDS_MAX], size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n + 1 < WORDS_MAX; i++)
		words[n++] = s->rules[i].word;
	words[n++] = "}";
	*ret_n = n;
}

static bool missing_brace(struct parser *p, struct str open)
{
	report_at(p->report, p->now.span, "the `}` for the `{` in line %u is missing before this",
		report_line(p->report, open));
	p->at_statement = true;
	return false;
}

/* After an error inside a section: on to the next rule, so that its errors are found too. */
static void skip_to_rule(struct parser *p)
{
	unsigned depth = p->depth;

	p->confused = false;
	while (p->now.kind != TOKEN_END && !at_lost_statement(p)) {
		if (p->depth == depth && p->now.kind == TOKEN_CLOSE)
			return;
		if (p->depth == depth && p->now.kind == TOKEN_WORD &&
			find_rule(p->section, p->now.span))
			return;
		parser_next(p);
	}
}

/* The word of a rule and what it takes. */
static bool section_line(struct parser *p, const struct section *s, struct section_row *row,
	struct str first[WORDS_MAX])
{
	const char *words[WORDS_MAX];
	size_t n_words;
	const struct rule *rule = p->now.kind == TOKEN_WORD ? find_rule(s, p->now.span) : NULL;

	if (!rule) {
		expected_rules(s, words, &n_words);
		return parser_unexpected(p, words, n_words);
	}
	struct str *before = &first[rule - s->rules];
	struct str span = p->now.span;
	parser_next(p);
	if (before->p && !rule->many) {
		report_at(p->report, span, "`%s` stands twice in this section", rule->word);
		return false;
	}
	*before = span;
	return rule->parse(p, row);
}

static bool section_complete(
	struct parser *p, const struct section *s, struct str at, const struct str first[WORDS_MAX])
{
	bool ok = true;

	for (size_t i = 0; i < s->n; i++) {
		if (s->rules[i].required && !first[i].p) {
			report_at(p->report, at, "`%s` is missing in this section of `%s`",
				s->rules[i].word, s->name);
			ok = false;
		}
	}
	return ok;
}

static bool section_body(struct parser *p, const struct section *s, struct section_row *row)
{
	struct str first[WORDS_MAX] = { 0 };
	struct str open = p->now.span;
	bool ok = true;

	parser_next(p);
	while (p->now.kind != TOKEN_CLOSE) {
		if (p->now.kind == TOKEN_END || at_lost_statement(p))
			return missing_brace(p, open);
		if (!section_line(p, s, row, first)) {
			ok = false;
			skip_to_rule(p);
		}
	}
	if (ok)
		ok = section_complete(p, s, p->now.span, first);
	parser_next(p);
	return ok;
}

/*
 * section = `{` *rule `}`
 */
bool parser_section(struct parser *p, const struct section *s, struct section_row *row)
{
	static const char *const expected[] = { "{" };

	check(s->n < WORDS_MAX);
	if (p->confused || p->now.kind != TOKEN_OPEN)
		return parser_unexpected(p, expected, 1);
	const struct section *outside = p->section;
	p->section = s;
	bool ok = section_body(p, s, row);
	p->section = outside;
	return ok;
}
