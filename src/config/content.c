/* SPDX-License-Identifier: Apache-2.0 */
#include "config/content.h"

#include "base/count.h"
#include "config/rules.h"

enum { FINGERPRINT_DIGITS = 16, POLICY_MOST = 255 };

/* --- label --- */

/* An object identifier is a word, any other name may need quotes. */
static bool policy_id(struct parser *p, struct str *ret_id)
{
	static const char *const expected[] = { "the name or object identifier of a label policy" };
	struct str span = p->now.span, text = span;

	if (p->confused || (p->now.kind != TOKEN_WORD && p->now.kind != TOKEN_STRING))
		return parser_unexpected(p, expected, COUNT(expected));
	if (p->now.kind == TOKEN_STRING) {
		arena_reset(&p->scratch);
		char *copy = arena_alloc(&p->scratch, span.len);
		text = str_from(copy, copy ? lex_unquote(span, copy) : 0);
	}
	parser_next(p);
	if (text.len == 0 || text.len > POLICY_MOST) {
		report_at(p->report, span, "not the name of a label policy: it is %s",
			text.len ? "too long" : "empty");
		return false;
	}
	*ret_id = owned_str(p->arena, text);
	return true;
}

bool parse_label(struct parser *p)
{
	static const char *const kinds[] = { "policy" };
	static const char *const ends[] = { "for", "at", "the end of the line" };
	struct config_labels row = { 0 };
	struct str at = p->statement;
	size_t kind;
	bool ok = parser_choice(p, kinds, COUNT(kinds), &kind);

	while (ok) {
		struct str id;
		ok = policy_id(p, &id);
		if (ok)
			*OWNED_APPEND(p->arena, row.policies, row.n) = id;
		if (!rules_list_goes_on(p))
			break;
	}
	if (ok && parser_accept(p, "for"))
		ok = rules_patterns(p, &row.foreign, &row.n_foreign);
	if (ok && parser_accept(p, "at"))
		ok = rules_patterns(p, &row.local, &row.n_local);
	if (ok && !parser_at_end(p))
		return parser_unexpected(p, ends, COUNT(ends));
	const struct str *earlier = table_find(&p->seen, STRL("label policy for any"));
	if (ok && earlier) {
		report_at(p->report, at,
			"this never matches: the statement in line %u already decides for any",
			report_line(p->report, *earlier));
		return false;
	}
	if (ok && !row.n_foreign && !row.n_local)
		ok = parser_once(p, "label policy for any", STRL(""), at);
	*OWNED_APPEND(p->arena, p->c->labels, p->c->n_labels) = row;
	return ok;
}

const struct config_labels *config_labels_for(
	const struct config *c, struct str local, struct str foreign)
{
	for (size_t i = 0; i < c->n_labels; i++) {
		const struct config_labels *l = &c->labels[i];
		if (config_any_matches(l->foreign, l->n_foreign, foreign) &&
			config_any_matches(l->local, l->n_local, local))
			return l;
	}
	return NULL;
}

/* --- refuse text --- */

static bool hex_u64(struct str s, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (s.len != FINGERPRINT_DIGITS)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		n = n << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_n = n;
	return true;
}

bool parse_refuse_text(struct parser *p)
{
	bool ok = true;

	do {
		struct str span;
		uint64_t print;
		if (!parser_word(p, "a fingerprint, as in 0123456789abcdef", &span))
			return false;
		if (!hex_u64(span, &print)) {
			report_at(p->report, span,
				"not a fingerprint: 16 hexadecimal digits in lower case, as the "
				"status "
				"and the log show it");
			ok = false;
			continue;
		}
		*OWNED_APPEND(p->arena, p->c->fingerprints, p->c->n_fingerprints) = print;
	} while (!parser_at_end(p));
	return ok;
}

/* --- print --- */

void content_print(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_labels; i++) {
		const struct config_labels *l = &c->labels[i];
		buf_append_c(out, "label policy");
		for (size_t k = 0; k < l->n; k++) {
			buf_append_c(out, " ");
			if (lex_is_word(l->policies[k]))
				buf_append(out, l->policies[k]);
			else
				lex_quote(out, l->policies[k]);
		}
		rules_put_patterns(out, " for", l->foreign, l->n_foreign);
		rules_put_patterns(out, " at", l->local, l->n_local);
		buf_append_c(out, "\n");
	}
	for (size_t i = 0; i < c->n_fingerprints; i++)
		buf_printf(out, "%s%016llx%s", i % 4 ? " " : "refuse text ",
			(unsigned long long)c->fingerprints[i],
			i % 4 == 3 || i + 1 == c->n_fingerprints ? "\n" : "");
}
