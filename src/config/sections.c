/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sections.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* `certificate` FILE */
static bool rule_certificate(struct parser *p, struct section_row *row)
{
	return parser_path(p, &row->keys.certificate);
}

/* `key` FILE */
static bool rule_key(struct parser *p, struct section_row *row)
{
	return parser_path(p, &row->keys.key);
}

/* `trust` FILE */
static bool rule_trust(struct parser *p, struct section_row *row)
{
	return parser_path(p, &row->keys.trust);
}

typedef bool value_fn(struct parser *p, struct str *ret_value, struct str *ret_span);

static bool name_list(struct parser *p, struct section_row *row, value_fn *value)
{
	bool ok = true;

	do {
		struct str name, span;
		if (!value(p, &name, &span)) {
			ok = false;
			continue;
		}
		row->names = owned_grow(p->arena, row->names, row->n_names, sizeof(name));
		row->names_at = owned_grow(p->arena, row->names_at, row->n_names, sizeof(span));
		row->names[row->n_names] = name;
		row->names_at[row->n_names++] = span;
	} while (parser_in_list(p));
	return ok;
}

/* `accept` NAME... */
static bool rule_accept_nodes(struct parser *p, struct section_row *row)
{
	bool ok = name_list(p, row, parser_node);
	struct table seen;

	table_init(&seen);
	for (size_t i = 0; i < row->n_names; i++) {
		if (table_set(&seen, row->names[i], row)) {
			report_at(p->report, row->names_at[i], "`%.*s` stands twice in this list",
				STR_FMT(row->names[i]));
			ok = false;
		}
	}
	table_done(&seen);
	return ok;
}

/* `domain` DOMAIN... */
static bool rule_domains(struct parser *p, struct section_row *row)
{
	return name_list(p, row, parser_domain);
}

/* The first of the words is index 0, and so on; n bits of *ret_bits. At least one. */
static bool word_set(struct parser *p, const char *const *words, size_t n, unsigned *ret_bits)
{
	do {
		size_t which;
		if (!parser_choice(p, words, n, &which))
			return false;
		*ret_bits |= 1u << which;
	} while (parser_in_list(p));
	return true;
}

/* `accept` PROOF...; PROOF = `pkix` | `dialback` */
static bool rule_accept(struct parser *p, struct section_row *row)
{
	static const char *const words[] = { "pkix", "dialback" };

	_Static_assert(CONFIG_PKIX == 1 << 0 && CONFIG_DIALBACK == 1 << 1, "order of the words");
	return word_set(p, words, COUNT(words), &row->accept);
}

/* `require` REQUIRE...; REQUIRE = `tls` | PROOF */
static bool rule_require(struct parser *p, struct section_row *row)
{
	static const char *const words[] = { "pkix", "dialback", "tls" };
	unsigned bits = 0;

	if (!word_set(p, words, COUNT(words), &bits))
		return false;
	row->require_tls = bits & 4;
	row->require = bits & 3;
	return true;
}

/* `allow` `plaintext` */
static bool rule_allow(struct parser *p, struct section_row *row)
{
	static const char *const words[] = { "plaintext" };
	size_t which;

	if (!parser_choice(p, words, 1, &which))
		return false;
	row->plaintext = true;
	return true;
}

/* `refuse` */
static bool rule_refuse(struct parser *p, struct section_row *row)
{
	row->refuse = true;
	return true;
}

static const struct rule keys_rules[] = {
	{ "certificate", rule_certificate, true },
	{ "key", rule_key, true },
};
static const struct rule listen_link_rules[] = {
	{ "certificate", rule_certificate, true },
	{ "key", rule_key, true },
	{ "trust", rule_trust, true },
	{ "accept", rule_accept_nodes, true },
};
static const struct rule link_rules[] = {
	{ "certificate", rule_certificate, true },
	{ "key", rule_key, true },
	{ "trust", rule_trust, true },
};
static const struct rule server_rules[] = {
	{ "domain", rule_domains, true },
	{ "trust", rule_trust },
	{ "require", rule_require },
	{ "accept", rule_accept },
	{ "allow", rule_allow },
};
static const struct rule peer_rules[] = {
	{ "require", rule_require },
	{ "accept", rule_accept },
	{ "allow", rule_allow },
	{ "refuse", rule_refuse },
};

const struct section section_domain = { "domain", keys_rules, COUNT(keys_rules) };
const struct section section_listen_link = { "listen link", listen_link_rules,
	COUNT(listen_link_rules) };
const struct section section_link = { "link", link_rules, COUNT(link_rules) };
const struct section section_server = { "server", server_rules, COUNT(server_rules) };
const struct section section_mint = { "mint", keys_rules, COUNT(keys_rules) };
const struct section section_peer = { "peer", peer_rules, COUNT(peer_rules) };

static const char *contradiction(const struct section_row *row, unsigned possible)
{
	unsigned both = CONFIG_PKIX | CONFIG_DIALBACK;
	bool more = row->require_tls || row->require || row->accept || row->plaintext;

	if (row->refuse)
		return more ? "`refuse` stands alone: what else would be accepted?" : NULL;
	if (row->require == both)
		return "a stream is proven once: require `pkix` or `dialback`, or accept both";
	if (row->require && row->accept && row->require != row->accept)
		return "`require` and `accept` contradict each other";
	if (row->plaintext && row->require_tls)
		return "`require tls` and `allow plaintext` contradict each other";
	if (((row->require | row->accept) & ~possible) & CONFIG_PKIX)
		return "`pkix` needs `trust`, the CA that issued the certificate of this server";
	if (row->plaintext && (row->require == CONFIG_PKIX || row->accept == CONFIG_PKIX))
		return "`pkix` is proven inside TLS: it cannot be with `allow plaintext` alone";
	return NULL;
}

bool section_proofs(struct parser *p, struct str at, const struct section_row *row,
	unsigned possible, unsigned *ret_accept)
{
	const char *error = contradiction(row, possible);

	if (error) {
		report_at(p->report, at, "%s", error);
		return false;
	}
	*ret_accept = row->require | row->accept;
	if (!row->refuse && !*ret_accept)
		*ret_accept = possible;
	return true;
}

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
			report_hint(p->report, "digits, then `k`, `M` or nothing for bytes");
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
