/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides about single stanzas. Both kinds of statement are lists in the order of the file in which the
 * first match decides; nothing is copied into the other: `rule` is about content, `refuse` about addresses.
 */
#include "config/rules.h"

#include "base/count.h"
#include "config/content.h"
#include "config/pattern.h"
#include "jid/jid.h"

enum { off = false, on = true };

const struct config_rule_row config_rule_rows[CONFIG_RULES] = {
#define RULE(id, name, default, way, action, help) { name, default, way, action, help },
#include "config/rule.def"
#undef RULE
};

_Static_assert(CONFIG_RULES <= 32, "bits of rules_used");

bool config_any_matches(const struct str *patterns, size_t n, struct str domain)
{
	for (size_t i = 0; i < n; i++) {
		if (config_match(patterns[i], domain))
			return true;
	}
	return n == 0;
}

bool config_rule_on(
	const struct config *c, enum config_rule_id id, struct str local, struct str foreign)
{
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct config_rule *r = &c->rules[i];
		if (r->id == id && config_any_matches(r->foreign, r->n_foreign, foreign) &&
			config_any_matches(r->local, r->n_local, local))
			return r->on;
	}
	return config_rule_rows[id].on;
}

void rules_fill(struct config *c)
{
	for (unsigned i = 0; i < CONFIG_RULES; i++)
		c->rules_used |= (uint32_t)config_rule_rows[i].on << i;
	for (size_t i = 0; i < c->n_rules; i++)
		c->rules_used |= (uint32_t)c->rules[i].on << c->rules[i].id;
}

/* --- rule --- */

/* Does the list go on? Not with a word that is one of these. */
static bool in_list(const struct parser *p, const char *const *words, size_t n)
{
	if (!p->confused && p->now.kind == TOKEN_STRING)
		return true;
	if (p->confused || p->now.kind != TOKEN_WORD)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (str_is(p->now.span, words[i]))
			return false;
	}
	return true;
}

bool rules_list_goes_on(const struct parser *p)
{
	static const char *const ends[] = { "for", "at" };

	return in_list(p, ends, COUNT(ends));
}

bool rules_patterns(struct parser *p, struct str **list, size_t *n)
{
	bool ok = true;

	do {
		struct str pattern, span;
		if (parser_pattern(p, &pattern, &span))
			*OWNED_APPEND(p->arena, *list, *n) = pattern;
		else
			ok = false;
	} while (rules_list_goes_on(p));
	return ok;
}

static bool rule_name(struct parser *p, enum config_rule_id *ret_id)
{
	const char *words[CONFIG_RULES];
	size_t which;

	for (unsigned i = 0; i < CONFIG_RULES; i++)
		words[i] = config_rule_rows[i].name;
	if (!parser_choice(p, words, CONFIG_RULES, &which))
		return false;
	*ret_id = (enum config_rule_id)which;
	return true;
}

/* A rule for any that stands earlier decides everything: the key is its name. */
static bool rule_reached(struct parser *p, const char *name, struct str at)
{
	char key[64] = "rule ";
	const struct str *earlier =
		table_find(&p->seen, str_of(strncat(key, name, sizeof(key) - 6)));

	if (!earlier)
		return true;
	report_at(p->report, at, "this never matches: `rule %s` in line %u already decides for any",
		name, report_line(p->report, *earlier));
	return false;
}

bool parse_rule(struct parser *p)
{
	static const char *const states[] = { "on", "off" };
	static const char *const ends[] = { "for", "at", "the end of the line" };
	struct config_rule rule = { 0 };
	struct str at = p->now.span;
	size_t state = 0;
	bool ok = rule_name(p, &rule.id) && parser_choice(p, states, COUNT(states), &state);

	rule.on = state == 0;
	if (ok && parser_accept(p, "for"))
		ok = rules_patterns(p, &rule.foreign, &rule.n_foreign);
	if (ok && parser_accept(p, "at"))
		ok = rules_patterns(p, &rule.local, &rule.n_local);
	if (ok && !parser_at_end(p))
		return parser_unexpected(p, ends, COUNT(ends));
	if (!ok || !rule_reached(p, config_rule_rows[rule.id].name, at))
		return false;
	if (!rule.n_foreign && !rule.n_local)
		ok = parser_once(p, "rule", str_of(config_rule_rows[rule.id].name), at);
	*OWNED_APPEND(p->arena, p->c->rules, p->c->n_rules) = rule;
	return ok;
}

/* --- refuse, allow --- */

/* The address of a quoted or a bare word, prepared. */
static bool full_address(struct parser *p, struct config_address *ret_address)
{
	bool quoted = p->now.kind == TOKEN_STRING;
	struct str span = p->now.span, text = span;
	struct jid jid;

	parser_next(p);
	arena_reset(&p->scratch);
	if (quoted) {
		char *copy = arena_alloc(&p->scratch, span.len);
		text = str_from(copy, copy ? lex_unquote(span, copy) : 0);
	}
	enum jid_error error = jid_parse(&p->scratch, text, &jid);
	if (error != JID_OK) {
		report_at(p->report, span, "not an address: %s", jid_error_text(error));
		return false;
	}
	*ret_address = (struct config_address){
		.local = jid.local.len ? owned_str(p->arena, jid.local) : STRL(""),
		.domain = owned_str(p->arena, jid.domain),
		.resource = jid.resource.len ? owned_str(p->arena, jid.resource) : STRL(""),
	};
	return true;
}

/*
 * ADDRESS = PATTERN | [LOCAL `@`] DOMAIN [`/` RESOURCE], in double quotes when it has characters that no word
 * may have
 */
static bool address(struct parser *p, struct config_address *ret_address)
{
	static const char *const expected[] = {
		"an address, a domain, a pattern as in *.example.org", "`any`"
	};
	struct str span = p->now.span;

	if (p->confused || (p->now.kind != TOKEN_WORD && p->now.kind != TOKEN_STRING))
		return parser_unexpected(p, expected, COUNT(expected));
	if (p->now.kind == TOKEN_STRING || memchr(span.p, '@', span.len) ||
		memchr(span.p, '/', span.len))
		return full_address(p, ret_address);
	*ret_address = (struct config_address){ 0 };
	return parser_pattern(p, &ret_address->domain, &span);
}

static bool address_list(struct parser *p, struct config_address **list, size_t *n)
{
	static const char *const ends[] = { "from", "to", "silently" };
	bool ok = true;

	do {
		struct config_address a;
		if (address(p, &a))
			*OWNED_APPEND(p->arena, *list, *n) = a;
		else
			ok = false;
	} while (in_list(p, ends, COUNT(ends)));
	return ok;
}

static bool has_any(const struct config_address *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(list[i].domain, "any") && !list[i].local.len)
			return true;
	}
	return n == 0;
}

/* A statement for all addresses leaves nothing to those after it. */
static bool stanzas_reached(struct parser *p, const struct config_stanzas *s)
{
	const struct str *earlier = table_find(&p->seen, STRL("stanzas for any"));

	if (earlier) {
		report_at(p->report, p->statement,
			"this never matches: the statement in line %u already does",
			report_line(p->report, *earlier));
		return false;
	}
	if (has_any(s->from, s->n_from) && has_any(s->to, s->n_to))
		return parser_once(p, "stanzas for any", STRL(""), p->statement);
	return true;
}

/* The words of both statements behind their first. */
static bool parse_stanzas(struct parser *p, struct config_stanzas *s)
{
	const char *const starts[] = { "from", "to", s->refuse ? "text" : "address" };
	static const char *const ends[] = { "to", "the end of the line", "silently" };
	bool outer_allow = !s->refuse && p->c->role == CONFIG_OUTER;
	bool ok = true;

	if (p->now.kind != TOKEN_WORD ||
		(!str_is(p->now.span, "from") && !str_is(p->now.span, "to")))
		return parser_unexpected(p, starts, s->refuse || outer_allow ? 3 : 2);
	if (parser_accept(p, "from"))
		ok = address_list(p, &s->from, &s->n_from);
	if (parser_accept(p, "to"))
		ok = address_list(p, &s->to, &s->n_to) && ok;
	s->silently = s->refuse && parser_accept(p, "silently");
	if (!parser_at_end(p))
		return parser_unexpected(p, ends, s->refuse ? 3 : 2);
	if (!ok || !stanzas_reached(p, s))
		return false;
	*OWNED_APPEND(p->arena, p->c->stanzas, p->c->n_stanzas) = *s;
	return true;
}

bool parse_refuse(struct parser *p)
{
	struct config_stanzas s = { .refuse = true };

	if (parser_accept(p, "text"))
		return parse_refuse_text(p);
	return parse_stanzas(p, &s);
}

bool parse_allow_stanzas(struct parser *p)
{
	struct config_stanzas s = { .refuse = false };

	return parse_stanzas(p, &s);
}

/* --- print --- */

void rules_put_patterns(struct buf *out, const char *word, const struct str *list, size_t n)
{
	if (n)
		buf_append_c(out, word);
	for (size_t i = 0; i < n; i++) {
		buf_append_c(out, " ");
		buf_append(out, list[i]);
	}
}

static void put_address(struct buf *out, const struct config_address *a)
{
	struct buf text;
	bool full = a->local.len || a->resource.len;

	buf_init(&text, 4096);
	buf_append(&text, a->local);
	buf_append_c(&text, a->local.len ? "@" : "");
	buf_append(&text, a->domain);
	buf_append_c(&text, a->resource.len ? "/" : "");
	buf_append(&text, a->resource);
	buf_append_c(out, " ");
	if (full && !lex_is_word(buf_bytes(&text)))
		lex_quote(out, buf_bytes(&text));
	else
		buf_append(out, buf_bytes(&text));
	buf_done(&text);
}

static void put_addresses(
	struct buf *out, const char *word, const struct config_address *list, size_t n)
{
	if (n)
		buf_append_c(out, word);
	for (size_t i = 0; i < n; i++)
		put_address(out, &list[i]);
}

/* Is there a statement that decides about this rule for any? Then the default says nothing. */
static bool decided(const struct config *c, unsigned id)
{
	for (size_t i = 0; i < c->n_rules; i++) {
		if (c->rules[i].id == id && !c->rules[i].n_foreign && !c->rules[i].n_local)
			return true;
	}
	return false;
}

static void put_rule(struct buf *out, const struct config_rule *r)
{
	const struct config_rule_row *row = &config_rule_rows[r->id];

	buf_printf(out, "rule %s %s", row->name, r->on ? "on" : "off");
	rules_put_patterns(out, " for", r->foreign, r->n_foreign);
	rules_put_patterns(out, " at", r->local, r->n_local);
	buf_printf(out, "  # %s (%s): %s\n", row->action, row->way, row->help);
}

void rules_print(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_stanzas; i++) {
		const struct config_stanzas *s = &c->stanzas[i];
		buf_append_c(out, s->refuse ? "refuse" : "allow");
		put_addresses(out, " from", s->from, s->n_from);
		put_addresses(out, " to", s->to, s->n_to);
		buf_append_c(out, s->silently ? " silently\n" : "\n");
	}
	content_print(c, out);
	for (size_t i = 0; i < c->n_rules; i++)
		put_rule(out, &c->rules[i]);
	for (unsigned i = 0; i < CONFIG_RULES; i++) {
		const struct config_rule r = { .id = i, .on = config_rule_rows[i].on };
		if (!decided(c, i))
			put_rule(out, &r);
	}
}
