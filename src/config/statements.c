/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language: one production, one function, its grammar above it. NAME is a node or server name,
 * ADDR an address with port, FILE a quoted file name. sallyport.conf(5) is the manual.
 */
#include "config/address.h"
#include "config/parser.h"
#include "config/pattern.h"
#include "config/rules.h"
#include "config/sections.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* node = `node` NAME */
static bool parse_node(struct parser *p)
{
	struct str span;

	return parser_node(p, &p->c->node, &span);
}

/* domain = `domain` DOMAIN... `{` `certificate` FILE `key` FILE `}` */
static bool parse_domain(struct parser *p)
{
	struct section_row row = { 0 };
	size_t from = p->c->n_domains;
	struct str at = p->statement;
	bool ok = true;

	do {
		struct str name, span;
		if (!parser_domain(p, &name, &span) || !parser_once(p, "domain", name, span)) {
			ok = false;
			continue;
		}
		OWNED_APPEND(p->arena, p->c->domains, p->c->n_domains)->name = name;
	} while (parser_in_list(p));
	ok = parser_section(p, &section_domain, &row) && ok;
	row.keys.at = parser_place(p, at);
	for (size_t i = from; i < p->c->n_domains; i++)
		p->c->domains[i].keys = row.keys;
	return ok;
}

static bool listen_address(struct parser *p, struct str *ret_addr)
{
	struct str span = p->now.span;

	return parser_address(p, ret_addr) && parser_once(p, "address", *ret_addr, span);
}

/* listen-s2s = `listen` `s2s` ADDR [`tls`] */
static bool parse_listen_s2s(struct parser *p)
{
	static const char *const expected[] = { "tls", "the end of the line" };
	struct config_listen *l = OWNED_APPEND(p->arena, p->c->listen_s2s, p->c->n_listen_s2s);
	bool ok = listen_address(p, &l->addr);

	if (parser_at_end(p))
		return ok;
	if (!parser_accept(p, "tls"))
		return parser_unexpected(p, expected, COUNT(expected));
	l->tls_only = true;
	return ok;
}

/*
 * listen-link = `listen` `link` ADDR `{` `certificate` FILE `key` FILE `trust` FILE
 *               `accept` NAME... `}`
 */
static bool parse_listen_link(struct parser *p, struct str word)
{
	struct section_row row = { 0 };
	struct config_listen *l = OWNED_APPEND(p->arena, p->c->listen_link, p->c->n_listen_link);

	if (p->c->role == CONFIG_INNER) {
		report_at(
			p->report, word, "inner listens for no links: it dials out to the outers");
		report_hint(p->report,
			"write `link NODE ADDRESS { ... }` here, and `listen link` "
			"into outer.conf");
		return false;
	}
	bool ok = listen_address(p, &l->addr);
	row.keys.at = parser_place(p, p->statement);
	ok = parser_section(p, &section_listen_link, &row) && ok;
	l->keys = row.keys;
	l->accept = row.names;
	l->n_accept = row.n_names;
	return ok;
}

/* listen = listen-s2s | listen-link */
static bool parse_listen(struct parser *p)
{
	static const char *const words[] = { "s2s", "link" };
	struct str word = p->now.span;
	size_t n = p->c->role == CONFIG_OUTER || str_is(word, "link") ? 2 : 1;
	size_t which;

	if (!parser_choice(p, words, n, &which))
		return false;
	return which == 0 ? parse_listen_s2s(p) : parse_listen_link(p, word);
}

/* link = `link` NAME ADDR `{` `certificate` FILE `key` FILE `trust` FILE `}` */
static bool parse_link(struct parser *p)
{
	struct section_row row = { 0 };
	struct config_link *l = OWNED_APPEND(p->arena, p->c->links, p->c->n_links);
	struct str span;
	bool ok = parser_node(p, &l->node, &span) && parser_once(p, "link", l->node, span);

	ok = parser_address(p, &l->addr) && ok;
	row.keys.at = parser_place(p, p->statement);
	ok = parser_section(p, &section_link, &row) && ok;
	l->keys = row.keys;
	return ok;
}

/*
 * server = `server` NAME ADDR `{` `domain` DOMAIN... [`trust` FILE] [`require` REQUIRE...]
 *          [`accept` PROOF...] [`allow` `plaintext`] `}`
 */
static bool parse_server(struct parser *p)
{
	struct section_row row = { 0 };
	struct config_server *s = OWNED_APPEND(p->arena, p->c->servers, p->c->n_servers);
	struct str span, at = p->statement;
	bool ok = parser_node(p, &s->name, &span) && parser_once(p, "server", s->name, span);

	p->server_at = owned_grow(p->arena, p->server_at, p->c->n_servers - 1, sizeof(at));
	p->server_at[p->c->n_servers - 1] = at;
	ok = parser_address(p, &s->addr) && ok;
	if (!parser_section(p, &section_server, &row) || !ok)
		return false;
	for (size_t i = 0; i < row.n_names; i++)
		ok = parser_once(p, "domain", row.names[i], row.names_at[i]) && ok;
	s->domains = row.names;
	s->n_domains = row.n_names;
	s->trust = row.keys.trust;
	s->at = parser_place(p, at);
	s->tls_required = !row.plaintext;
	/* Without a CA no certificate of the server can be valid. */
	unsigned possible = s->trust ? CONFIG_PKIX | CONFIG_DIALBACK : CONFIG_DIALBACK;
	unsigned require;
	return section_proofs(p, at, &row, possible, &s->accept, &require) && ok;
}

static bool add_peer(struct parser *p)
{
	struct str span, pattern;

	if (!parser_pattern(p, &pattern, &span))
		return false;
	const struct str *earlier = pattern_shadow(&p->peers, pattern);
	if (earlier) {
		report_at(p->report, span, "this never matches: `%.*s` in line %u already does",
			earlier->len > 100 ? 100 : STR_FMT(*earlier),
			report_line(p->report, *earlier));
		return false;
	}
	OWNED_APPEND(p->arena, p->c->peers, p->c->n_peers)->pattern = pattern;
	p->peer_at = owned_grow(p->arena, p->peer_at, p->c->n_peers - 1, sizeof(*p->peer_at));
	p->peer_at[p->c->n_peers - 1] = p->statement;
	table_set(&p->peers, pattern, parser_remember(p, span));
	return true;
}

/*
 * peer = `peer` PATTERN... `{` ( `refuse` | [`require` REQUIRE...] [`accept` PROOF...]
 *        [`pin` PIN...] [`allow` `plaintext`] ) `}`
 */
static bool parse_peer(struct parser *p)
{
	struct section_row row = { 0 };
	size_t from = p->c->n_peers;
	struct str at = p->statement;
	const unsigned all = CONFIG_BY_CERTIFICATE | CONFIG_DIALBACK;
	unsigned accept, require;
	bool ok = true;

	do {
		ok = add_peer(p) && ok;
	} while (parser_in_list(p));
	if (!parser_section(p, &section_peer, &row))
		return false;
	if (!row.refuse && !row.require_tls && !row.require && !row.accept && !row.plaintext &&
		!row.n_pins) {
		report_at(p->report, at, "this section is empty: what shall hold for these peers?");
		return false;
	}
	if (!section_proofs(p, at, &row, all, &accept, &require))
		return false;
	for (size_t i = from; i < p->c->n_peers; i++) {
		struct config_peer *peer = &p->c->peers[i];
		peer->refuse = row.refuse;
		peer->tls_required = !row.refuse && !row.plaintext;
		peer->accept = accept;
		peer->require = require;
		peer->pins = row.pins;
		peer->n_pins = row.n_pins;
		peer->at = parser_place(p, at);
	}
	return ok;
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

/* Is the network inside one that an earlier statement decides? *ret_key identifies it. */
static const struct str *network_shadow(
	struct parser *p, const struct config_network *n, char key[17])
{
	const struct str *found = NULL;

	memset(key, 0, 17);
	for (unsigned prefix = 0; prefix <= n->prefix; prefix++) {
		if (prefix) {
			unsigned bit = prefix - 1;
			key[bit / 8] |= (char)(n->addr[bit / 8] & (0x80 >> (bit % 8)));
		}
		key[16] = (char)prefix;
		if (!found)
			found = table_find(&p->networks, str_from(key, 17));
	}
	return found;
}

static bool add_network(struct parser *p, bool allow)
{
	struct config_network n = { .allow = allow };
	struct str span;
	char key[17];

	if (!parser_word(p, "a network, as in 192.0.2.0/24", &span))
		return false;
	const char *error = address_network(span, &n);
	if (error) {
		report_at(p->report, span, "not a network: %s", error);
		return false;
	}
	const struct str *earlier = network_shadow(p, &n, key);
	if (earlier) {
		report_at(p->report, span, "this never matches: `%.*s` in line %u already does",
			earlier->len > 100 ? 100 : STR_FMT(*earlier),
			report_line(p->report, *earlier));
		return false;
	}
	*OWNED_APPEND(p->arena, p->c->networks, p->c->n_networks) = n;
	table_set(&p->networks, owned_str(p->arena, str_from(key, 17)), parser_remember(p, span));
	return true;
}

static bool parse_networks(struct parser *p, bool allow)
{
	static const char *const words[] = { "address" };
	size_t which;
	bool ok = true;

	if (!parser_choice(p, words, 1, &which))
		return false;
	do {
		ok = add_network(p, allow) && ok;
	} while (parser_in_list(p));
	return ok;
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

static bool steer_target(struct parser *p)
{
	char text[ADDRESS_TEXT];
	struct str span;

	if (!parser_word(p, "an IP address", &span))
		return false;
	const char *error = address_ip(span, text);
	if (error) {
		report_at(p->report, span, "%s", error);
		return false;
	}
	if (address_is_wildcard(str_of(text))) {
		report_at(p->report, span, "no server can connect to %s", text);
		return false;
	}
	p->c->steer_target = owned_str(p->arena, str_of(text));
	return true;
}

/* steer = `steer` ADDR [`target` IP] [`srv` [`tls`]] */
static bool parse_steer(struct parser *p)
{
	static const char *const before_srv[] = { "target", "srv", "the end of the line" };
	static const char *const behind_srv[] = { "tls", "the end of the line" };
	bool ok = listen_address(p, &p->c->steer);

	if (parser_accept(p, "target"))
		ok = steer_target(p) && ok;
	p->c->steer_srv = parser_accept(p, "srv");
	p->c->steer_tls = p->c->steer_srv && parser_accept(p, "tls");
	if (parser_at_end(p))
		return ok;
	return p->c->steer_srv ? parser_unexpected(p, behind_srv, COUNT(behind_srv))
			       : parser_unexpected(p, before_srv, COUNT(before_srv));
}

/* nodes = `any` | NAME... */
static bool parse_via(struct parser *p, struct config_route *r)
{
	bool ok = true;

	if (parser_accept(p, "any"))
		return true;
	do {
		struct str id, span;
		if (!parser_node(p, &id, &span)) {
			ok = false;
			continue;
		}
		*OWNED_APPEND(p->arena, r->via, r->n_via) = id;
		*OWNED_APPEND(p->arena, p->vias, p->n_vias) = (struct node_ref){ id, span };
	} while (parser_in_list(p));
	return ok;
}

/* route = `route` PATTERN `via` nodes */
static bool parse_route(struct parser *p)
{
	static const char *const words[] = { "via" };
	struct str span, pattern = { 0 };
	size_t which;
	bool ok = parser_pattern(p, &pattern, &span);
	const struct str *earlier = ok ? pattern_shadow(&p->routes, pattern) : NULL;

	if (earlier) {
		report_at(p->report, span, "this never matches: `%.*s` in line %u already does",
			earlier->len > 100 ? 100 : STR_FMT(*earlier),
			report_line(p->report, *earlier));
		ok = false;
	}
	struct config_route *r = OWNED_APPEND(p->arena, p->c->routes, p->c->n_routes);
	r->pattern = pattern;
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
