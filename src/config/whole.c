/* SPDX-License-Identifier: Apache-2.0 */
/* What only the whole file shows: what is missing, names that lead nowhere, defaults. */
#include "config/address.h"
#include "config/component.h"
#include "config/parser.h"
#include "config/rules.h"
#include "config/parser.h"

/* Where a statement or a limit stands that parser_once() noted, or the end of the file. */
static struct str place_of(const struct parser *p, const char *kind_and_name)
{
	const struct str *at = table_find(&p->seen, str_of(kind_and_name));

	return at ? *at : str_skip(p->report->text, p->report->text.len);
}

/* Not reported when it may be there, but wrong. */
static void missing(struct parser *p, size_t n, const char *what, const char *shape)
{
	struct str word = str_of(what);

	word.len = strcspn(what, " ");
	if (n || p->unknown || (p->failed & (1u << (statement_find(word) - statements))))
		return;
	report_at(p->report, place_of(p, ""), "the statement `%s` is missing", what);
	report_hint(p->report, shape);
}

static void check_present(struct parser *p)
{
	const struct config *c = p->c;

	missing(p, c->node.len, "node", "node NAME");
	missing(p, c->n_listen_s2s, "listen s2s", "listen s2s ADDRESS");
	if (c->role == CONFIG_OUTER) {
		missing(p, c->n_domains, "domain",
			"domain DOMAIN... { certificate \"FILE\" key \"FILE\" }");
		missing(p, c->n_listen_link, "listen link",
			"listen link ADDRESS { certificate \"FILE\" key \"FILE\" trust \"FILE\" "
			"accept NODE... }");
	} else {
		missing(p, c->n_links, "link",
			"link NODE ADDRESS { certificate \"FILE\" key \"FILE\" trust \"FILE\" }");
		missing(p, c->n_servers, "server", "server NAME ADDRESS { domain DOMAIN... }");
	}
}

static void check_routes(struct parser *p)
{
	struct table links;

	table_init(&links);
	for (size_t i = 0; i < p->c->n_links; i++) {
		if (p->c->links[i].node.len)
			table_set(&links, p->c->links[i].node, &p->c->links[i]);
	}
	for (size_t i = 0; i < p->n_vias; i++) {
		const struct node_ref *via = &p->vias[i];
		if (!table_find(&links, via->node))
			report_at(
				p->report, via->at, "there is no `link %.*s`", STR_FMT(via->node));
	}
	table_done(&links);
}

static void check_nats(struct parser *p)
{
	bool wrong = statement_failed(p, "nats");
	bool links_wrong = statement_failed(p, "link") || statement_failed(p, "listen");

	for (size_t i = 0; !wrong && !p->c->nats.n_servers && i < p->n_nats_at; i++) {
		report_at(p->report, p->nats_at[i], "this link has no brokers: `nats` is missing");
		report_hint(p->report,
			"nats ADDRESS... { certificate \"FILE\" key \"FILE\" trust \"FILE\" }");
	}
	if (!wrong && !links_wrong && p->c->nats.n_servers && p->n_nats_at == 0)
		report_at(p->report, place_of(p, "nats"), "no link goes over these brokers");
	if (!wrong && p->c->leases_shared && !p->c->nats.n_servers)
		report_at(p->report, place_of(p, "leases"),
			"the brokers keep what inners share: `nats` is missing");
}

static void check_self(struct parser *p)
{
	const struct config *c = p->c;

	for (size_t i = 0; i < c->n_links; i++) {
		if (c->node.len && str_eq(c->links[i].node, c->node))
			report_at(p->report, place_of(p, "node"),
				"`%.*s` is also the name of a `link`: "
				"each node has a name of its own",
				STR_FMT(c->node));
	}
	for (size_t i = 0; i < c->n_listen_link; i++) {
		for (size_t j = 0; j < c->listen_link[i].n_accept; j++) {
			if (c->node.len && str_eq(c->listen_link[i].accept[j], c->node))
				report_at(p->report, place_of(p, "node"),
					"`%.*s` is also accepted by `listen link`: each node has a "
					"name of its own",
					STR_FMT(c->node));
		}
	}
}

/* inner is the TLS server when a local server connects: it needs something to show. */
static void check_mint(struct parser *p)
{
	for (size_t i = 0; i < p->c->n_servers; i++) {
		if (!p->c->servers[i].tls_required || p->c->mint.certificate ||
			statement_failed(p, "mint"))
			continue;
		report_at(p->report, p->server_at[i],
			"this server has to use TLS, but without `mint` there is no certificate to "
			"show it");
		report_hint(p->report,
			"add `mint { certificate \"FILE\" key \"FILE\" }`, or "
			"`allow plaintext` in the section");
	}
}

static void fill_steer_target(struct parser *p)
{
	struct config *c = p->c;

	if (!c->steer.len || c->n_steer_targets || !c->n_listen_s2s)
		return;
	struct str host = address_host(c->listen_s2s[0].addr);
	if (host.len == 0)
		return;
	if (address_is_wildcard(host)) {
		report_at(p->report, place_of(p, "steer"),
			"`target IP` is missing: the first `listen s2s` names no address to lead "
			"to");
		return;
	}
	*OWNED_APPEND(p->arena, c->steer_targets, c->n_steer_targets) = (struct config_target){
		.ip = owned_str(p->arena, host), .priority = 10, .weight = 10
	};
}

/* What a peer's rule needs from other statements. */
static void check_proofs(struct parser *p)
{
	const struct config *c = p->c;

	for (size_t i = 0; c->role == CONFIG_OUTER && i < c->n_peers; i++) {
		const struct config_peer *peer = &c->peers[i];
		if (i && p->peer_at[i].p == p->peer_at[i - 1].p)
			continue; /* another name of the same statement */
		if ((peer->accept & CONFIG_DANE) && !c->n_anchors &&
			!statement_failed(p, "anchor")) {
			report_at(p->report, p->peer_at[i],
				"`dane` needs validated DNS, and without `anchor` nothing is");
			report_hint(p->report,
				"add `anchor \"/usr/share/dns/root.key\"` (package dns-root-data)");
		}
		if ((peer->accept & CONFIG_PIN) && !peer->n_pins) {
			report_at(p->report, p->peer_at[i],
				"`pin` is among the proofs, but no digest is given");
			report_hint(p->report, "add `pin sha256/...` to the section");
		}
		if (peer->n_pins && str_is(peer->pattern, "any"))
			report_at(p->report, p->peer_at[i],
				"a pin is the key of one server: it cannot be for `any`");
	}
}

/* Default deny, written out: the last row always matches. */
static void fill_peers(struct parser *p)
{
	struct config *c = p->c;
	bool none = c->n_peers == 0;

	if (table_find(&p->peers, STRL("any")))
		return;
	*OWNED_APPEND(p->arena, c->peers, c->n_peers) = (struct config_peer){
		.pattern = STR("any"),
		.refuse = !none,
		.tls_required = none,
		.accept = none ? CONFIG_PKIX | CONFIG_DIALBACK |
				(c->role == CONFIG_INNER ? CONFIG_BY_CERTIFICATE : 0u)
			       : 0,
	};
}

static void fill_routes(struct parser *p)
{
	if (p->c->role == CONFIG_INNER && !table_find(&p->routes, STRL("any")))
		OWNED_APPEND(p->arena, p->c->routes, p->c->n_routes)->pattern = STRL("any");
}

static void in_order(
	struct parser *p, uint64_t less, uint64_t more, const char *low, const char *high)
{
	if (less <= more)
		return;
	const char *at = table_find(&p->seen, str_of(low)) ? low : high;
	report_at(p->report, place_of(p, at), "`%s` is %llu, more than `%s`, which is %llu", low,
		(unsigned long long)less, high, (unsigned long long)more);
}

static void check_limits(struct parser *p)
{
	const struct config_limits *l = &p->c->limits;

	in_order(p, l->retry_min_ms, l->retry_max_ms, "limit retry least", "limit retry most");
	in_order(p, l->early_bytes, l->stanza_bytes, "limit early bytes", "limit stanza bytes");
	in_order(p, l->stanza_bytes, l->queue_bytes, "limit stanza bytes", "limit queue bytes");
	in_order(
		p, l->early_elements, l->elements, "limit early elements", "limit stanza elements");
}

void whole_check(struct parser *p)
{
	check_present(p);
	check_routes(p);
	check_nats(p);
	check_self(p);
	check_limits(p);
	check_proofs(p);
	if (p->c->role == CONFIG_INNER) {
		check_mint(p);
		fill_steer_target(p);
	}
	fill_peers(p);
	component_check(p);
	fill_routes(p);
	rules_fill(p->c);
}
