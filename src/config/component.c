/* SPDX-License-Identifier: Apache-2.0 */
#include "config/component.h"

#include <stdio.h>

#include "base/count.h"
#include "config/address.h"
#include "config/sections.h"

/* `secret` FILE */
static bool rule_secret(struct parser *p, struct section_row *row)
{
	return parser_path(p, &row->secret);
}

static const struct rule rules[] = {
	{ "domain", section_domains, true },
	{ "secret", rule_secret, true },
	{ "allow", section_allow },
};
static const struct section section = { "component", rules, COUNT(rules) };

/* The server needs each name once, whatever port it comes by. */
static bool note_domain(struct parser *p, struct str domain, struct str span)
{
	char key[64];
	size_t n = (size_t)snprintf(key, sizeof(key), "component %zu ", p->c->n_servers);
	char *whole = arena_alloc(p->arena, n + domain.len);

	check(whole);
	memcpy(whole, key, n);
	memcpy(whole + n, domain.p, domain.len);
	if (table_find(&p->seen, str_from(whole, n + domain.len))) {
		report_at(p->report, span, "`%.*s` is a component of this server already",
			domain.len > 100 ? 100 : STR_FMT(domain));
		return false;
	}
	table_set(&p->seen, str_from(whole, n + domain.len), parser_remember(p, span));
	*OWNED_APPEND(p->arena, p->components, p->n_components) = (struct node_ref){ domain, span };
	return true;
}

/* The secret's digest and every stanza can be read and changed on the way, unless there is none, or TLS. */
static bool is_protected(struct parser *p, struct str span, const struct config_component *m)
{
	if (m->tls && m->plaintext) {
		report_at(p->report, span, "`tls` and `allow plaintext` contradict each other");
		return false;
	}
	if (m->tls || m->plaintext || !m->addr.len || address_is_loopback(address_host(m->addr)))
		return true;
	report_at(p->report, span,
		"a component's stream is not protected, and this address is not on this host");
	report_hint(p->report,
		"`tls` behind the address if the server's port has it, `allow plaintext` in the "
		"section if nobody else is on that network");
	return false;
}

bool component_rule(struct parser *p, struct section_row *row)
{
	struct section_row own = { 0 };
	struct config_component m = { .at = parser_place(p, p->now.span) };
	struct str span = p->now.span;
	bool ok = parser_address(p, &m.addr);

	m.tls = parser_accept(p, "tls");
	if (!parser_section(p, &section, &own) || !ok)
		return false;
	for (size_t i = 0; i < own.n_names; i++)
		ok = note_domain(p, own.names[i], own.names_at[i]) && ok;
	m.domains = own.names;
	m.n_domains = own.n_names;
	m.secret = own.secret;
	m.plaintext = own.plaintext;
	*OWNED_APPEND(p->arena, row->components, row->n_components) = m;
	return is_protected(p, span, &m) && ok;
}

bool component_fits(struct parser *p, struct str at, const struct section_row *row)
{
	for (size_t i = 0; i < row->n_components; i++) {
		if (row->components[i].tls && !row->keys.trust) {
			report_at(p->report, at,
				"`tls` of a component needs `trust`, the CA that issued the "
				"certificate of "
				"this server");
			return false;
		}
	}
	return true;
}

static const struct config_peer *peer_of(const struct config *c, struct str domain)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		if (config_match(c->peers[i].pattern, domain))
			return &c->peers[i];
	}
	return NULL;
}

/* parser_once() noted where each domain of a server stands. */
static bool is_local(struct parser *p, struct str domain)
{
	const struct str kind = STRL("domain ");
	char *key;

	arena_reset(&p->scratch);
	key = arena_alloc(&p->scratch, kind.len + domain.len);
	check(key);
	memcpy(key, kind.p, kind.len);
	memcpy(key + kind.len, domain.p, domain.len);
	return table_find(&p->seen, str_from(key, kind.len + domain.len));
}

void component_check(struct parser *p)
{
	const struct config *c = p->c;

	for (size_t i = 0; i < p->n_components; i++) {
		const struct node_ref *name = &p->components[i];
		const struct config_peer *peer = peer_of(c, name->node);
		if (is_local(p, name->node)) {
			report_at(p->report, name->at,
				"this is a domain of a server here: a component is for a foreign "
				"domain");
		} else if (peer && peer->refuse) {
			report_at(p->report, name->at,
				"`peer %.*s` refuses this domain: nothing would come by its "
				"component",
				peer->pattern.len > 100 ? 100 : STR_FMT(peer->pattern));
		}
	}
}

void component_print(const struct config_component *m, struct buf *out)
{
	buf_append_c(out, " component ");
	buf_append(out, m->addr);
	buf_append_c(out, m->tls ? " tls { domain" : " { domain");
	for (size_t i = 0; i < m->n_domains; i++) {
		buf_append_c(out, " ");
		buf_append(out, m->domains[i]);
	}
	buf_append_c(out, " secret ");
	lex_quote(out, str_of(m->secret));
	buf_append_c(out, m->plaintext ? " allow plaintext }" : " }");
}
