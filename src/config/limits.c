/* SPDX-License-Identifier: Apache-2.0 */
/* A limit is named by the words up to its number; the row says its unit, and the unit which suffixes may follow. */
#include "config/limits.h"
#include "base/count.h"

const struct limit_row limit_rows[] = {
#define X(member, def, least, most, words, unit, help)                                             \
	{ words, unit, help, def, least, most, offsetof(struct config_limits, member) },
	CONFIG_LIMITS(X)
#undef X
};
const size_t n_limit_rows = COUNT(limit_rows);

/* X(suffix, unit that it belongs to, factor) */
#define SUFFIXES(X)                                                                                \
	X("k", "bytes", 1024)                                                                      \
	X("M", "bytes", 1024 * 1024)                                                               \
	X("G", "bytes", 1024 * 1024 * 1024)                                                        \
	X("k", "bytes a second", 1024)                                                             \
	X("M", "bytes a second", 1024 * 1024)                                                      \
	X("ms", "milliseconds", 1)                                                                 \
	X("s", "milliseconds", 1000)                                                               \
	X("min", "milliseconds", 60 * 1000)

static const struct {
	const char *suffix;
	const char *unit;
	unsigned factor;
} suffixes[] = {
#define X(suffix, unit, factor) { suffix, unit, factor },
	SUFFIXES(X)
#undef X
};

static bool find_factor(struct str suffix, const char *unit, uint64_t *ret_factor)
{
	*ret_factor = 1;
	if (suffix.len == 0)
		return true;
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (str_is(suffix, suffixes[i].suffix) && strcmp(unit, suffixes[i].unit) == 0) {
			*ret_factor = suffixes[i].factor;
			return true;
		}
	}
	return false;
}

static bool limit_number(
	struct parser *p, const struct limit_row *row, struct str word, struct str at)
{
	size_t digits = 0;
	uint64_t n, factor;

	while (digits < word.len && word.p[digits] >= '0' && word.p[digits] <= '9')
		digits++;
	struct str suffix = str_skip(word, digits);
	if (digits == 0 || !find_factor(suffix, row->unit, &factor)) {
		report_at(p->report, at, "not a number of %s", row->unit);
		if (strncmp(row->unit, "bytes", 5) == 0)
			report_hint(p->report, "digits, then `k`, `M`, `G` or nothing for bytes");
		if (strcmp(row->unit, "milliseconds") == 0)
			report_hint(p->report,
				"digits, then `s`, `min`, `ms` or nothing for milliseconds");
		return false;
	}
	if (!str_to_u64(str_from(word.p, digits), &n) || n > row->most / factor ||
		n * factor < row->least) {
		report_at(p->report, at, "`%s` is between %llu and %llu %s, and %llu unless set",
			row->words, (unsigned long long)row->least, (unsigned long long)row->most,
			row->unit, (unsigned long long)row->def);
		return false;
	}
	*limit_value(&p->c->limits, row) = n * factor;
	return true;
}

static const struct limit_row *find_limit(struct str words)
{
	for (size_t i = 0; i < n_limit_rows; i++) {
		if (str_is(words, limit_rows[i].words))
			return &limit_rows[i];
	}
	return NULL;
}

/* The words of the statement up to the number, with single spaces; empty when they are too long. */
static struct str limit_words(struct parser *p, char *words, size_t size, struct str *ret_span)
{
	size_t len = 0;
	const char *end = p->now.span.p;

	ret_span->p = p->now.span.p;
	while (p->now.kind == TOKEN_WORD && !(p->now.span.p[0] >= '0' && p->now.span.p[0] <= '9')) {
		struct str word = p->now.span;
		if (len + 1 + word.len > size)
			break;
		if (len)
			words[len++] = ' ';
		memcpy(words + len, word.p, word.len);
		len += word.len;
		end = word.p + word.len;
		parser_next(p);
	}
	ret_span->len = (size_t)(end - ret_span->p);
	return str_from(words, len);
}

static bool unknown_limit(struct parser *p, struct str span, struct str words)
{
	const char *all[COUNT(limit_rows)];

	for (size_t i = 0; i < n_limit_rows; i++)
		all[i] = limit_rows[i].words;
	report_at(p->report, span, "there is no such limit");
	report_expected(p->report, all, n_limit_rows, words);
	return false;
}

bool parse_limit(struct parser *p)
{
	char text[64];
	struct str at, number, number_at;
	struct str words = limit_words(p, text, sizeof(text), &at);
	const struct limit_row *row = find_limit(words);

	if (!row)
		return unknown_limit(p, at, words);
	number_at = p->now.span;
	if (!parser_word(p, "a number", &number))
		return false;
	return parser_once(p, "limit", words, at) && limit_number(p, row, number, number_at);
}
