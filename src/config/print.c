/* SPDX-License-Identifier: Apache-2.0 */
/* The effective configuration in its own language. */
#include "config/address.h"
#include "config/component.h"
#include "config/limits.h"
#include "config/rules.h"
#include "config/sections.h"

static void put_quoted(struct buf *out, const char *s)
{
	lex_quote(out, str_of(s));
}

static void put_path(struct buf *out, const char *word, const char *path)
{
	if (!path)
		return;
	buf_printf(out, " %s ", word);
	put_quoted(out, path);
}

static void put_keys(struct buf *out, const struct config_keys *k)
{
	put_path(out, "certificate", k->certificate);
	put_path(out, "key", k->key);
	put_path(out, "trust", k->trust);
}

static void put_words(struct buf *out, const struct str *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_append_c(out, " ");
		buf_append(out, words[i]);
	}
}

static void put_proof_words(struct buf *out, unsigned proofs)
{
	for (size_t i = 0; i < PROOF_WORDS; i++) {
		if (proofs & (1u << i))
			buf_printf(out, " %s", proof_words[i]);
	}
}

static void put_proofs(struct buf *out, bool tls_required, unsigned accept, unsigned require)
{
	buf_append_c(out, tls_required ? " require tls" : " allow plaintext");
	if (require && !tls_required)
		buf_append_c(out, " require");
	put_proof_words(out, require);
	buf_append_c(out, " accept");
	put_proof_words(out, accept);
}

static void put_pins(struct buf *out, const struct config_peer *p)
{
	if (p->n_pins)
		buf_append_c(out, " pin");
	for (size_t i = 0; i < p->n_pins; i++) {
		buf_append_c(out, p->pins[i].certificate ? " certificate sha256/" : " sha256/");
		for (size_t k = 0; k < sizeof(p->pins[i].sha256); k++)
			buf_printf(out, "%02x", p->pins[i].sha256[k]);
	}
}

static void put_files(struct buf *out, const char *word, const struct config_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s ", word);
		put_quoted(out, files[i].path);
		buf_append_c(out, "\n");
	}
}

static void put_str(struct buf *out, const char *before, struct str s, const char *after)
{
	buf_append_c(out, before);
	buf_append(out, s);
	buf_append_c(out, after);
}

static void print_listen(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_listen_s2s; i++) {
		put_str(out, "listen s2s ", c->listen_s2s[i].addr,
			c->listen_s2s[i].tls_only ? " tls\n" : "\n");
	}
	for (size_t i = 0; i < c->n_listen_link; i++) {
		const struct config_listen *l = &c->listen_link[i];
		put_str(out, "listen link ", l->addr, " {");
		put_keys(out, &l->keys);
		buf_append_c(out, " accept");
		put_words(out, l->accept, l->n_accept);
		buf_append_c(out, " }\n");
	}
}

static void print_networks(const struct config *c, struct buf *out)
{
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < c->n_networks; i++) {
		address_network_text(&c->networks[i], text);
		buf_printf(out, "%s address %s\n", c->networks[i].allow ? "allow" : "deny", text);
	}
}

static void print_outer(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_domains; i++) {
		put_str(out, "domain ", c->domains[i].name, " {");
		put_keys(out, &c->domains[i].keys);
		buf_append_c(out, " }\n");
	}
	if (c->resolver.len)
		put_str(out, "resolver ", c->resolver, "\n");
	put_files(out, "trust", c->trust, c->n_trust);
	put_files(out, "crl", c->crls, c->n_crls);
	put_files(out, "anchor", c->anchors, c->n_anchors);
	print_networks(c, out);
	buf_printf(out, "redirect %s\n", c->redirect ? "on" : "off");
}

static void print_server(const struct config_server *s, struct buf *out)
{
	put_str(out, "server ", s->name, " ");
	put_str(out, "", s->addr, " { domain");
	put_words(out, s->domains, s->n_domains);
	put_path(out, "trust", s->trust);
	put_proofs(out, s->tls_required, s->accept, 0);
	for (size_t i = 0; i < s->n_components; i++)
		component_print(&s->components[i], out);
	buf_append_c(out, " }\n");
}

static void print_route(const struct config_route *r, struct buf *out)
{
	put_str(out, "route ", r->pattern, " via");
	if (r->n_via == 0)
		buf_append_c(out, " any");
	for (size_t i = 0; i < r->n_via; i++) {
		if (i && r->rank[i] != r->rank[i - 1])
			buf_append_c(out, " else");
		put_words(out, &r->via[i], 1);
	}
	buf_append_c(out, r->else_any ? " else any\n" : "\n");
}

static void print_steer(const struct config *c, struct buf *out)
{
	put_str(out, "steer ", c->steer, "");
	for (size_t i = 0; i < c->n_steer_targets; i++) {
		const struct config_target *t = &c->steer_targets[i];
		put_str(out, " target ", t->ip, "");
		buf_printf(out, " priority %llu weight %llu", (unsigned long long)t->priority,
			(unsigned long long)t->weight);
	}
	buf_printf(out, " ttl %llu%s\n", (unsigned long long)c->steer_ttl,
		c->steer_tls           ? " srv tls"
			: c->steer_srv ? " srv"
				       : "");
}

static void print_inner(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_links; i++) {
		put_str(out, "link ", c->links[i].node, " ");
		put_str(out, "", c->links[i].addr, " {");
		put_keys(out, &c->links[i].keys);
		buf_append_c(out, " }\n");
	}
	buf_printf(out, "leases %s\n", c->leases_shared ? "shared" : "own");
	for (size_t i = 0; i < c->n_servers; i++)
		print_server(&c->servers[i], out);
	if (c->mint.certificate) {
		buf_append_c(out, "mint {");
		put_keys(out, &c->mint);
		buf_append_c(out, " }\n");
	}
	if (c->steer.len)
		print_steer(c, out);
	for (size_t i = 0; i < c->n_routes; i++)
		print_route(&c->routes[i], out);
}

static void print_peers(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct config_peer *p = &c->peers[i];
		put_str(out, "peer ", p->pattern, " {");
		if (p->refuse) {
			buf_append_c(out, " refuse");
		} else {
			put_proofs(out, p->tls_required, p->accept, p->require);
			put_pins(out, p);
		}
		buf_append_c(out, " }\n");
	}
}

static void print_limits(const struct config *c, struct buf *out)
{
	struct config_limits limits = c->limits;

	for (size_t i = 0; i < n_limit_rows; i++) {
		const struct limit_row *row = &limit_rows[i];
		bool time = strcmp(row->unit, "milliseconds") == 0;
		buf_printf(out, "limit %s %llu%s  # %s; %llu to %llu %s\n", row->words,
			(unsigned long long)*limit_value(&limits, row), time ? "ms" : "", row->help,
			(unsigned long long)row->least, (unsigned long long)row->most, row->unit);
	}
}

static const char *const management[] = {
	[0] = "off",
	[CONFIG_MANAGE_IN] = "in",
	[CONFIG_MANAGE_OUT] = "out",
	[CONFIG_MANAGE_IN | CONFIG_MANAGE_OUT] = "on",
};

static void print_nats(const struct config *c, struct buf *out)
{
	if (c->nats.n_servers == 0)
		return;
	buf_append_c(out, "nats");
	put_words(out, c->nats.servers, c->nats.n_servers);
	buf_append_c(out, " {");
	put_keys(out, &c->nats.keys);
	buf_append_c(out, " }\n");
}

static void print(const struct config *c, struct buf *out)
{
	put_str(out, "node ", c->node, "\n");
	print_nats(c, out);
	print_listen(c, out);
	if (c->role == CONFIG_OUTER) {
		print_outer(c, out);
	} else {
		print_inner(c, out);
	}
	print_peers(c, out);
	rules_print(c, out);
	buf_printf(out, "profile %s\n", c->open_profile ? "open" : "standard");
	buf_printf(out, "flush %s\n", c->flush ? "on" : "off");
	buf_printf(out, "bidi %s\n", c->bidi ? "on" : "off");
	buf_printf(out, "stream-management %s\n", management[c->manage]);
	buf_printf(out, "multiplex %s\n", c->multiplex ? "on" : "off");
	if (c->dialback_secret) {
		buf_append_c(out, "dialback secret ");
		put_quoted(out, c->dialback_secret);
		buf_append_c(out, "\n");
	}
	buf_append_c(out, "control ");
	put_quoted(out, c->control);
	buf_printf(out, "\nlog %s\n", log_level_name(c->log_level));
	print_limits(c, out);
}

bool config_print(const struct config *c, struct buf *out)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	print(c, &text);
	bool ok = buf_append(out, buf_bytes(&text));
	buf_done(&text);
	return ok;
}
