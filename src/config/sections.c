/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sections.h"

#include "base/count.h"
#include "config/component.h"
#include "config/pin.h"

const char *const proof_words[PROOF_WORDS] = { "pkix", "dialback", "dane", "posh", "pin" };

_Static_assert(CONFIG_PKIX == 1 << 0 && CONFIG_DIALBACK == 1 << 1 && CONFIG_DANE == 1 << 2 &&
		CONFIG_POSH == 1 << 3 && CONFIG_PIN == 1 << 4,
	"order of the words");

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

bool section_domains(struct parser *p, struct section_row *row)
{
	return name_list(p, row, parser_domain);
}

/* `pin` opens a line of the section when a digest follows, and is a proof in a list otherwise. */
static bool pin_is_listed(const struct parser *p)
{
	struct lex ahead = p->lex;
	struct token next;

	if (p->confused || p->now.kind != TOKEN_WORD || !str_is(p->now.span, "pin"))
		return false;
	ahead.report = NULL;
	do {
		next = lex_next(&ahead);
	} while (next.kind == TOKEN_LINE_END);
	return next.kind != TOKEN_WORD ||
		!(str_is(next.span, "certificate") || str_starts(next.span, STRL("sha256/")));
}

/* The first of the words is index 0, and so on; n bits of *ret_bits. At least one. */
static bool word_set(struct parser *p, const char *const *words, size_t n, unsigned *ret_bits)
{
	do {
		size_t which;
		if (!parser_choice(p, words, n, &which))
			return false;
		*ret_bits |= 1u << which;
	} while (parser_in_list(p) || pin_is_listed(p));
	return true;
}

/* `accept` LOCAL-PROOF...; LOCAL-PROOF = `pkix` | `dialback`: what a local server can prove */
static bool rule_accept_local(struct parser *p, struct section_row *row)
{
	return word_set(p, proof_words, 2, &row->accept);
}

/* `accept` PROOF...; PROOF = `pkix` | `dialback` | `dane` | `posh` | `pin` */
static bool rule_accept(struct parser *p, struct section_row *row)
{
	return word_set(p, proof_words, PROOF_WORDS, &row->accept);
}

static bool require_of(struct parser *p, struct section_row *row, size_t proofs)
{
	const char *words[PROOF_WORDS + 1];
	unsigned bits = 0, tls = 1u << proofs;

	memcpy(words, proof_words, proofs * sizeof(words[0]));
	words[proofs] = "tls";
	if (!word_set(p, words, proofs + 1, &bits))
		return false;
	row->require_tls = bits & tls;
	row->require = bits & ~tls;
	return true;
}

/* `require` ( `tls` | LOCAL-PROOF )... */
static bool rule_require_local(struct parser *p, struct section_row *row)
{
	return require_of(p, row, 2);
}

/* `require` ( `tls` | PROOF )... */
static bool rule_require(struct parser *p, struct section_row *row)
{
	return require_of(p, row, PROOF_WORDS);
}

static bool add_pin(struct parser *p, struct section_row *row, bool certificate)
{
	struct config_pin pin = { .certificate = certificate };
	struct str span;

	if (!parser_word(p, "a digest, as in sha256/...", &span))
		return false;
	const char *error = pin_digest(span, pin.sha256);
	if (error) {
		report_at(p->report, span, "not a pin: %s", error);
		report_hint(p->report,
			"`sha256/` and the digest of the public key, 44 characters of base64 or 64 "
			"hexadecimal digits; `certificate sha256/...` is that of a whole "
			"certificate");
		return false;
	}
	for (size_t i = 0; i < row->n_pins; i++) {
		if (row->pins[i].certificate == certificate &&
			memcmp(row->pins[i].sha256, pin.sha256, sizeof(pin.sha256)) == 0) {
			report_at(p->report, span, "this pin stands twice in the section");
			return false;
		}
	}
	*OWNED_APPEND(p->arena, row->pins, row->n_pins) = pin;
	return true;
}

/* `pin` ( [`certificate`] DIGEST )... */
static bool rule_pin(struct parser *p, struct section_row *row)
{
	bool ok = true;

	if (p->c->role == CONFIG_INNER) {
		report_at(p->report, p->now.span,
			"inner sees no certificates of foreign servers: pins stand in outer.conf");
		report_hint(p->report, "`accept pin` here lets pass what an outer proved by a pin");
		return false;
	}
	do {
		bool certificate = parser_accept(p, "certificate");
		ok = add_pin(p, row, certificate) && ok;
	} while (parser_in_list(p));
	return ok;
}

bool section_allow(struct parser *p, struct section_row *row)
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
	{ "domain", section_domains, true },
	{ "trust", rule_trust },
	{ "require", rule_require_local },
	{ "accept", rule_accept_local },
	{ "allow", section_allow },
	{ "component", component_rule, .many = true },
};
static const struct rule peer_rules[] = {
	{ "require", rule_require },
	{ "accept", rule_accept },
	{ "pin", rule_pin },
	{ "allow", section_allow },
	{ "refuse", rule_refuse },
};

const struct section section_domain = { "domain", keys_rules, COUNT(keys_rules) };
const struct section section_listen_link = { "listen link", listen_link_rules,
	COUNT(listen_link_rules) };
const struct section section_link = { "link", link_rules, COUNT(link_rules) };
const struct section section_nats = { "nats", link_rules, COUNT(link_rules) };
const struct section section_server = { "server", server_rules, COUNT(server_rules) };
const struct section section_mint = { "mint", keys_rules, COUNT(keys_rules) };
const struct section section_peer = { "peer", peer_rules, COUNT(peer_rules) };

/* The first rule of these that holds says what is wrong. */
static const char *contradiction(const struct section_row *row, unsigned possible)
{
	unsigned named = row->require | row->accept;
	bool more = row->require_tls || named || row->plaintext || row->n_pins;

	if (row->refuse)
		return more ? "`refuse` stands alone: what else would be accepted?" : NULL;
	if ((row->require & CONFIG_DIALBACK) && (row->require & CONFIG_BY_CERTIFICATE))
		return "dialback is what is left without a certificate: it cannot be required "
		       "beside one";
	if (row->require && row->accept && (row->require & ~row->accept))
		return "`require` and `accept` contradict each other: what is required has to be "
		       "accepted";
	if (row->require && row->accept && row->require != row->accept)
		return "`require` and `accept` contradict each other: what is not required would "
		       "never count";
	if (row->plaintext && row->require_tls)
		return "`require tls` and `allow plaintext` contradict each other";
	if ((named & ~possible) & CONFIG_PKIX)
		return "`pkix` needs `trust`, the CA that issued the certificate of this server";
	if (row->n_pins && named && !(named & CONFIG_PIN))
		return "a `pin` is given, but `pin` is not among the accepted proofs";
	if (row->plaintext && named && !(named & ~(unsigned)CONFIG_BY_CERTIFICATE))
		return "certificates are shown inside TLS: with `allow plaintext` dialback has to "
		       "be accepted";
	return NULL;
}

/*
 * Unless named: a pin when there is one, else what needs no other statement. inner sees only what an outer says
 * that it has proved: without a word of ours, that is enough.
 */
static unsigned usual_proofs(
	const struct parser *p, const struct section_row *row, unsigned possible)
{
	if (row->n_pins)
		return CONFIG_PIN;
	if (p->c->role == CONFIG_INNER && (possible & CONFIG_DANE))
		return possible;
	return possible & (CONFIG_PKIX | CONFIG_DIALBACK);
}

bool section_proofs(struct parser *p, struct str at, const struct section_row *row,
	unsigned possible, unsigned *ret_accept, unsigned *ret_require)
{
	const char *error = contradiction(row, possible);

	if (error) {
		report_at(p->report, at, "%s", error);
		return false;
	}
	*ret_require = row->require;
	*ret_accept = row->require | row->accept;
	if (!row->refuse && !*ret_accept)
		*ret_accept = usual_proofs(p, row, possible);
	return true;
}
