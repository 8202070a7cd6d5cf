/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each of these opens a section: sections.c says what may stand in it, and what it means together.
 */
#include "config/parties.h"

#include "base/count.h"
#include "config/component.h"
#include "config/pattern.h"
#include "config/sections.h"

bool parse_domain(struct parser *p)
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

/* listen-s2s = `listen` `s2s` ADDR [`tls`] */
static bool parse_listen_s2s(struct parser *p)
{
	static const char *const expected[] = { "tls", "the end of the line" };
	struct config_listen *l = OWNED_APPEND(p->arena, p->c->listen_s2s, p->c->n_listen_s2s);
	bool ok = parser_own_address(p, &l->addr);

	if (parser_at_end(p))
		return ok;
	if (!parser_accept(p, "tls"))
		return parser_unexpected(p, expected, COUNT(expected));
	l->tls_only = true;
	return ok;
}

/* An address, or the brokers. */
static bool carrier_address(struct parser *p, struct str *ret_addr, bool *ret_nats)
{
	struct str span = p->now.span;

	*ret_nats = parser_accept(p, "nats");
	if (!*ret_nats)
		return parser_address(p, ret_addr);
	*ret_addr = STRL("nats");
	p->nats_at = owned_grow(p->arena, p->nats_at, p->n_nats_at, sizeof(span));
	p->nats_at[p->n_nats_at++] = span;
	return true;
}

/*
 * listen-link = `listen` `link` ( ADDR | `nats` ) `{` `certificate` FILE `key` FILE `trust` FILE
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
	struct str span = p->now.span;
	bool ok =
		carrier_address(p, &l->addr, &l->nats) && parser_once(p, "address", l->addr, span);
	row.keys.at = parser_place(p, p->statement);
	ok = parser_section(p, &section_listen_link, &row) && ok;
	l->keys = row.keys;
	l->accept = row.names;
	l->n_accept = row.n_names;
	return ok;
}

bool parse_listen(struct parser *p)
{
	static const char *const words[] = { "s2s", "link" };
	struct str word = p->now.span;
	size_t n = p->c->role == CONFIG_OUTER || str_is(word, "link") ? 2 : 1;
	size_t which;

	if (!parser_choice(p, words, n, &which))
		return false;
	return which == 0 ? parse_listen_s2s(p) : parse_listen_link(p, word);
}

bool parse_link(struct parser *p)
{
	struct section_row row = { 0 };
	struct config_link *l = OWNED_APPEND(p->arena, p->c->links, p->c->n_links);
	struct str span;
	bool ok = parser_node(p, &l->node, &span) && parser_once(p, "link", l->node, span);

	ok = carrier_address(p, &l->addr, &l->nats) && ok;
	row.keys.at = parser_place(p, p->statement);
	ok = parser_section(p, &section_link, &row) && ok;
	l->keys = row.keys;
	return ok;
}

static bool add_broker(struct parser *p, struct config_nats *nats)
{
	struct str addr, span = p->now.span;

	if (!parser_address(p, &addr) || !parser_once(p, "broker", addr, span))
		return false;
	if (nats->n_servers == CONFIG_BROKERS_MAX) {
		report_at(p->report, span, "at most %d brokers", CONFIG_BROKERS_MAX);
		return false;
	}
	*OWNED_APPEND(p->arena, nats->servers, nats->n_servers) = addr;
	return true;
}

bool parse_nats(struct parser *p)
{
	struct section_row row = { 0 };
	bool ok = true;

	row.keys.at = parser_place(p, p->statement);
	do {
		ok = add_broker(p, &p->c->nats) && ok;
	} while (parser_in_list(p));
	ok = parser_section(p, &section_nats, &row) && ok;
	p->c->nats.keys = row.keys;
	return ok;
}

bool parse_server(struct parser *p)
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
	s->components = row.components;
	s->n_components = row.n_components;
	ok = component_fits(p, at, &row) && ok;
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
	if (!parser_reachable(p, pattern_shadow(&p->peers, pattern), span))
		return false;
	OWNED_APPEND(p->arena, p->c->peers, p->c->n_peers)->pattern = pattern;
	p->peer_at = owned_grow(p->arena, p->peer_at, p->c->n_peers - 1, sizeof(*p->peer_at));
	p->peer_at[p->c->n_peers - 1] = p->statement;
	table_set(&p->peers, pattern, parser_remember(p, span));
	return true;
}

bool parse_peer(struct parser *p)
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
