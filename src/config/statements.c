/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language: one production, one function, its grammar above it or in the header. NAME is a node or server name,
 * ADDR an address with port, FILE a quoted file name. sallyport.conf(5) is the manual.
 */
#include "base/count.h"
#include "config/address.h"
#include "config/limits.h"
#include "config/networks.h"
#include "config/parties.h"
#include "config/pattern.h"
#include "config/content.h"
#include "config/rules.h"
#include "config/sections.h"

/* node = `node` NAME */
static bool parse_node(struct parser *p)
{
	struct str span;

	return parser_node(p, &p->c->node, &span);
}

static bool parse_files(struct parser *p, struct config_file **files, size_t *n)
{
	bool ok = true;

	do {
		struct config_file file = { .at = parser_place(p, p->now.span) };
		if (!parser_path(p, &file.path)) {
			ok = false;
			continue;
		}
		*OWNED_APPEND(p->arena, *files, *n) = file;
	} while (!p->confused && p->now.kind == TOKEN_STRING);
	return ok;
}

/* trust = `trust` FILE... */
static bool parse_trust(struct parser *p)
{
	return parse_files(p, &p->c->trust, &p->c->n_trust);
}

/* crl = `crl` FILE... */
static bool parse_crl(struct parser *p)
{
	return parse_files(p, &p->c->crls, &p->c->n_crls);
}

/* anchor = `anchor` FILE... */
static bool parse_anchor(struct parser *p)
{
	return parse_files(p, &p->c->anchors, &p->c->n_anchors);
}

/* resolver = `resolver` ADDR */
static bool parse_resolver(struct parser *p)
{
	return parser_address(p, &p->c->resolver);
}

/* allow = `allow` `address` NETWORK... (outer) | `allow` [`from` ADDRESS...] [`to` ADDRESS...] */
static bool parse_allow(struct parser *p)
{
	bool address = p->now.kind == TOKEN_WORD && str_is(p->now.span, "address");

	return address && p->c->role == CONFIG_OUTER ? parse_networks(p, true)
						     : parse_allow_stanzas(p);
}

/* deny = `deny` `address` NETWORK... */
static bool parse_deny(struct parser *p)
{
	return parse_networks(p, false);
}

/* mint = `mint` `{` `certificate` FILE `key` FILE `}` */
static bool parse_mint(struct parser *p)
{
	struct section_row row = { 0 };
	row.keys.at = parser_place(p, p->statement);
	bool ok = parser_section(p, &section_mint, &row);

	p->c->mint = row.keys;
	return ok;
}

enum { STEER_TARGETS_MAX = 8, STEER_TTL = 30, PRIORITY = 10, WEIGHT = 10 };

static bool target_number(struct parser *p, uint64_t least, uint64_t most, uint64_t *ret)
{
	struct str span;

	if (!parser_word(p, "a number", &span))
		return false;
	if (str_to_u64(span, ret) && *ret >= least && *ret <= most)
		return true;
	report_at(p->report, span, "not a number from %llu to %llu", (unsigned long long)least,
		(unsigned long long)most);
	return false;
}

/* target = `target` IP [`priority` N] [`weight` N] */
static bool parse_target(struct parser *p)
{
	struct config *c = p->c;
	struct config_target t = { .priority = PRIORITY, .weight = WEIGHT };
	char text[ADDRESS_TEXT];
	struct str span;

	if (!parser_word(p, "an IP address", &span))
		return false;
	const char *error = address_ip(span, text);
	bool ok = !error;
	if (error)
		report_at(p->report, span, "%s", error);
	if (ok && address_is_wildcard(str_of(text))) {
		report_at(p->report, span, "no server can connect to %s", text);
		ok = false;
	}
	if (ok && c->n_steer_targets == STEER_TARGETS_MAX) {
		report_at(p->report, span, "more than %d targets", STEER_TARGETS_MAX);
		ok = false;
	}
	if (parser_accept(p, "priority"))
		ok = target_number(p, 0, UINT16_MAX, &t.priority) && ok;
	if (parser_accept(p, "weight"))
		ok = target_number(p, 0, UINT16_MAX, &t.weight) && ok;
	if (!ok)
		return false;
	t.ip = owned_str(p->arena, str_of(text));
	*OWNED_APPEND(p->arena, c->steer_targets, c->n_steer_targets) = t;
	return true;
}

/* steer = `steer` ADDR target* [`ttl` N] [`srv` [`tls`]] */
static bool parse_steer(struct parser *p)
{
	static const char *const before_srv[] = { "target", "ttl", "srv", "the end of the line" };
	static const char *const behind_srv[] = { "tls", "the end of the line" };
	bool ok = parser_own_address(p, &p->c->steer);

	while (parser_accept(p, "target"))
		ok = parse_target(p) && ok;
	p->c->steer_ttl = STEER_TTL;
	if (parser_accept(p, "ttl"))
		ok = target_number(p, 1, STEER_TTL, &p->c->steer_ttl) && ok;
	p->c->steer_srv = parser_accept(p, "srv");
	p->c->steer_tls = p->c->steer_srv && parser_accept(p, "tls");
	if (parser_at_end(p))
		return ok;
	return p->c->steer_srv ? parser_unexpected(p, behind_srv, COUNT(behind_srv))
			       : parser_unexpected(p, before_srv, COUNT(before_srv));
}

static bool parse_via_node(struct parser *p, struct config_route *r, unsigned rank)
{
	struct str id, span;

	if (!parser_node(p, &id, &span))
		return false;
	*OWNED_APPEND(p->arena, r->via, r->n_via) = id;
	*OWNED_APPEND(p->arena, r->rank, r->n_rank) = rank;
	*OWNED_APPEND(p->arena, p->vias, p->n_vias) = (struct node_ref){ id, span };
	return true;
}

/* nodes = `any` | NAME... (`else` NAME...)* [`else` `any`] */
static bool parse_via(struct parser *p, struct config_route *r)
{
	unsigned rank = 0;
	bool ok = true;

	if (parser_accept(p, "any"))
		return true;
	do {
		if (r->n_via && parser_accept(p, "else")) {
			rank++;
			if (parser_accept(p, "any")) {
				r->else_any = true;
				return ok;
			}
		}
		ok = parse_via_node(p, r, rank) && ok;
	} while (parser_in_list(p));
	return ok;
}

/* route = `route` PATTERN `via` nodes */
static bool parse_route(struct parser *p)
{
	static const char *const words[] = { "via" };
	struct str span = { 0 }, pattern = { 0 };
	size_t which;
	bool ok = parser_pattern(p, &pattern, &span) &&
		parser_reachable(p, pattern_shadow(&p->routes, pattern), span);

	struct config_route *r = OWNED_APPEND(p->arena, p->c->routes, p->c->n_routes);
	r->pattern = pattern;
	r->line = report_line(p->report, span);
	if (ok)
		table_set(&p->routes, pattern, parser_remember(p, span));
	return parser_choice(p, words, 1, &which) && parse_via(p, r) && ok;
}

/* profile = `profile` (`standard` | `open`) */
static bool parse_profile(struct parser *p)
{
	static const char *const words[] = { "standard", "open" };
	size_t which;

	if (!parser_choice(p, words, COUNT(words), &which))
		return false;
	p->c->open_profile = which == 1;
	return true;
}

static bool parse_switch(struct parser *p, bool *ret)
{
	static const char *const words[] = { "off", "on" };
	size_t which;

	if (!parser_choice(p, words, COUNT(words), &which))
		return false;
	*ret = which == 1;
	return true;
}

/* flush = `flush` (`on` | `off`) */
static bool parse_flush(struct parser *p)
{
	return parse_switch(p, &p->c->flush);
}

/* redirect = `redirect` (`on` | `off`) */
static bool parse_redirect(struct parser *p)
{
	return parse_switch(p, &p->c->redirect);
}

/* stream-management = `stream-management` (`off` | `on` | `in` | `out`) */
static bool parse_management(struct parser *p)
{
	static const char *const words[] = { "off", "in", "out", "on" };
	size_t which;

	if (!parser_choice(p, words, COUNT(words), &which))
		return false;
	p->c->manage = (unsigned)which;
	return true;
}

/* multiplex = `multiplex` (`on` | `off`) */
static bool parse_multiplex(struct parser *p)
{
	return parse_switch(p, &p->c->multiplex);
}

/* leases = `leases` (`own` | `shared`) */
static bool parse_leases(struct parser *p)
{
	static const char *const words[] = { "own", "shared" };
	size_t which;

	if (!parser_choice(p, words, COUNT(words), &which))
		return false;
	p->c->leases_shared = which == 1;
	return true;
}

/* bidi = `bidi` (`on` | `off`) */
static bool parse_bidi(struct parser *p)
{
	return parse_switch(p, &p->c->bidi);
}

/* control = `control` FILE */
static bool parse_control(struct parser *p)
{
	return parser_path(p, &p->c->control);
}

/* dialback = `dialback` `secret` FILE */
static bool parse_dialback(struct parser *p)
{
	static const char *const words[] = { "secret" };
	size_t which;

	p->c->dialback_at = parser_place(p, p->statement);
	return parser_choice(p, words, 1, &which) && parser_path(p, &p->c->dialback_secret);
}

/* log = `log` (`debug` | `info` | `warning` | `error` | `alarm`) */
static bool parse_log(struct parser *p)
{
	const char *words[LOG_ALARM + 1];
	size_t which;

	for (unsigned i = 0; i < COUNT(words); i++)
		words[i] = log_level_name((enum log_level)i);
	if (!parser_choice(p, words, COUNT(words), &which))
		return false;
	p->c->log_level = (enum log_level)which;
	return true;
}

enum { OUTER = 1 << CONFIG_OUTER, INNER = 1 << CONFIG_INNER, BOTH = OUTER | INNER };

const struct statement statements[] = {
	{ "node", BOTH, true, parse_node },
	{ "domain", OUTER, false, parse_domain,
		"in inner.conf the domains of a server stand in its section: "
		"server NAME ADDRESS { domain ... }" },
	{ "listen", BOTH, false, parse_listen },
	{ "link", INNER, false, parse_link,
		"inner dials out; outer.conf has `listen link ADDRESS { ... }`" },
	{ "nats", BOTH, true, parse_nats },
	{ "leases", INNER, true, parse_leases },
	{ "server", INNER, false, parse_server },
	{ "mint", INNER, true, parse_mint },
	{ "steer", INNER, true, parse_steer },
	{ "route", INNER, false, parse_route },
	{ "resolver", OUTER, true, parse_resolver },
	{ "trust", OUTER, false, parse_trust,
		"in inner.conf `trust` stands inside `link` and `server`" },
	{ "crl", OUTER, false, parse_crl },
	{ "anchor", OUTER, false, parse_anchor,
		"only outer looks names up: DNSSEC is checked there" },
	{ "peer", BOTH, false, parse_peer },
	{ "allow", BOTH, false, parse_allow },
	{ "deny", OUTER, false, parse_deny },
	{ "refuse", BOTH, false, parse_refuse },
	{ "rule", BOTH, false, parse_rule },
	{ "label", BOTH, false, parse_label },
	{ "dialback", BOTH, true, parse_dialback },
	{ "limit", BOTH, false, parse_limit },
	{ "profile", BOTH, true, parse_profile },
	{ "flush", BOTH, true, parse_flush },
	{ "bidi", BOTH, true, parse_bidi },
	{ "multiplex", BOTH, true, parse_multiplex },
	{ "redirect", OUTER, true, parse_redirect },
	{ "stream-management", BOTH, true, parse_management },
	{ "control", BOTH, true, parse_control },
	{ "log", BOTH, true, parse_log },
};
const size_t n_statements = COUNT(statements);

const struct statement *statement_find(struct str word)
{
	for (size_t i = 0; i < n_statements; i++) {
		if (str_is(word, statements[i].word))
			return &statements[i];
	}
	return NULL;
}

bool statement_failed(const struct parser *p, const char *word)
{
	return p->failed & (1u << (statement_find(str_of(word)) - statements));
}
