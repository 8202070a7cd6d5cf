/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-inner: plays every foreign domain towards the local servers. What only inner has: the minting CA,
 * the steering DNS responder, and the list of local servers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "base/table.h"
#include "inner/leases.h"
#include "inner/components.h"
#include "inner/steering.h"
#include "net/mint.h"
#include "node/node.h"
#include "policy/peer.h"

struct inner {
	struct table servers; /* local domain → const struct config_server * of node->config */
	struct table ascii; /* A-label form of each local domain → its struct ascii */
	struct components components;
	struct net_mint *mint;
	struct steering steering;
	struct leases *leases; /* NULL: they are our own */
};

struct ascii {
	struct str name;
};

/* --- the local servers --- */

static const struct config_server *server_of(const struct node *n, struct str domain)
{
	const struct inner *in = n->role_state;

	return table_find(&in->servers, domain);
}

/* The component that us is of this server, or NULL. */
static const struct config_component *component_of(
	const struct node *n, const struct config_server *s, struct str us)
{
	const struct inner *in = n->role_state;

	return s ? components_find(&in->components, s, us) : NULL;
}

static void ascii_done(struct table *t)
{
	size_t n;
	void **all = table_collect(t, &n);

	for (size_t i = 0; i < n; i++) {
		struct ascii *a = all[i];
		str_free(&a->name);
		free(a);
	}
	free(all);
	table_done(t);
}

static void add_ascii(struct table *t, struct str domain)
{
	struct arena arena;
	struct str name;

	arena_init(&arena, 8192);
	if (jid_domain_to_ascii(&arena, domain, &name) == JID_OK && !table_find(t, name)) {
		struct ascii *a = calloc(1, sizeof(*a));
		check(a);
		a->name = str_dup(name);
		table_set(t, a->name, a);
	}
	arena_done(&arena);
}

static void servers_load(struct inner *in, const struct config *c)
{
	table_done(&in->servers);
	ascii_done(&in->ascii);
	for (size_t i = 0; i < c->n_servers; i++) {
		struct config_server *s = &c->servers[i];
		for (size_t k = 0; k < s->n_domains; k++) {
			table_set(&in->servers, s->domains[k], s);
			add_ascii(&in->ascii, s->domains[k]);
		}
	}
}

/* Every domain that is not local and that the policy lets take part. */
static bool plays(struct node *n, struct str us)
{
	if (server_of(n, us))
		return false;
	const struct config_peer *peer = policy_peer(n->config, us);
	return peer && !peer->refuse;
}

static bool is_host(struct str text, const struct net_addr *addr)
{
	struct net_addr a;

	return net_addr_parse(text, &a) && net_addr_same_host(&a, addr);
}

/* The local servers speak for everybody inside: limits by address are for others. */
static bool trusts(struct node *n, const struct net_addr *addr)
{
	for (size_t i = 0; i < n->config->n_servers; i++) {
		const struct config_server *s = &n->config->servers[i];
		if (is_host(s->addr, addr))
			return true;
		for (size_t k = 0; k < s->n_components; k++) {
			if (is_host(s->components[k].addr, addr))
				return true;
		}
	}
	return false;
}

/* Both ways on the one stream, and by nothing else; the domains of a server share it. */
static struct s2s_rule component_rule(
	const struct config_server *s, const struct config_component *m)
{
	return (struct s2s_rule){
		.allowed = true,
		.bidi = true,
		.tls_required = m->tls,
		.accept_certificate = m->tls,
		.component = s->domains[0],
	};
}

static struct s2s_rule rule(struct node *n, struct str us, struct str them)
{
	const struct config_server *s = server_of(n, them);

	if (!s || !plays(n, us))
		return (struct s2s_rule){ 0 };
	const struct config_component *m = component_of(n, s, us);
	if (m)
		return component_rule(s, m);
	return (struct s2s_rule){
		.allowed = true,
		.bidi = n->config->bidi,
		.share = n->config->multiplex,
		.tls_required = s->tls_required,
		.accept_certificate = (s->accept & CONFIG_PKIX) != 0,
		.accept_dialback = (s->accept & CONFIG_DIALBACK) != 0,
	};
}

static struct config_peer proofs(struct node *n, struct str us, struct str them)
{
	const struct config_server *s = server_of(n, them);

	if (!s)
		return (struct config_peer){ .refuse = true };
	const struct config_component *m = component_of(n, s, us);
	if (m)
		return (struct config_peer){ .tls_required = m->tls, .accept = CONFIG_PKIX };
	return (struct config_peer){ .tls_required = s->tls_required, .accept = s->accept };
}

/* A-label domain: local, or below a local one? */
static bool is_local(void *user, struct str domain)
{
	struct inner *in = user;

	for (size_t i = 0; i < domain.len; i++) {
		if ((i == 0 || domain.p[i - 1] == '.') &&
			table_find(&in->ascii, str_skip(domain, i)))
			return true;
	}
	return false;
}

static struct net_creds *creds(struct node *n, struct str us)
{
	struct inner *in = n->role_state;
	struct net_creds *minted = NULL;
	struct arena a;
	struct str ascii;

	arena_init(&a, 8192);
	if (in->mint && plays(n, us) && jid_domain_to_ascii(&a, us, &ascii) == JID_OK &&
		!is_local(in, ascii))
		minted = net_mint_creds(in->mint, ascii, time(NULL));
	arena_done(&a);
	return minted;
}

static void lookup(struct node *n, struct dial *d)
{
	const struct config_server *s = server_of(n, d->them);
	const struct config_component *m = component_of(n, s, d->us);
	struct node_target target = { .direct_tls = m && m->tls };

	if (s && net_addr_parse(m ? m->addr : s->addr, &target.addr))
		node_dial_targets(d, &target, 1);
	else
		node_dial_failed(d, DIAL_NO_SERVER);
}

static bool handshake(
	struct node *n, struct str us, struct str them, struct str id, char ret_hex[41])
{
	const struct inner *in = n->role_state;
	const struct config_server *s = server_of(n, them);

	return s && components_handshake(&in->components, s, us, id, ret_hex);
}

static void keep(struct node *n)
{
	for (size_t i = 0; i < n->config->n_servers; i++) {
		const struct config_server *s = &n->config->servers[i];
		for (size_t k = 0; k < s->n_components; k++) {
			const struct config_component *m = &s->components[k];
			for (size_t d = 0; d < m->n_domains; d++)
				s2s_keep(n->face, m->domains[d], s->domains[0], n->now);
		}
	}
}

/* The look-up answers at once: there is never one to cancel. */
static void lookup_cancel(struct node *n, struct dial *d)
{
}

/* --- life --- */

static bool mint_load(
	const struct config *c, struct net_mint **ret_mint, char *err, size_t err_size)
{
	*ret_mint = NULL;
	if (!c->mint.certificate)
		return true;
	const struct net_mint_settings settings = { .certificate = c->mint.certificate,
		.key = c->mint.key,
		.rate = (unsigned)c->limits.mint_rate,
		.kept = (unsigned)c->limits.mint_kept };

	*ret_mint = net_mint_new(&settings, err, err_size);
	return *ret_mint;
}

static bool start(struct node *n, char *err, size_t err_size)
{
	struct inner *in = calloc(1, sizeof(*in));

	check(in);
	n->role_state = in;
	table_init(&in->servers);
	table_init(&in->ascii);
	components_init(&in->components);
	in->steering = (struct steering){ .is_local = is_local, .user = in };
	servers_load(in, n->config);
	return components_load(&in->components, n->config, err, err_size) &&
		mint_load(n->config, &in->mint, err, err_size) &&
		steering_start(&in->steering, n->loop, n->config, err, err_size) &&
		leases_open(n, &in->leases, err, err_size);
}

static void stop(struct node *n)
{
	struct inner *in = n->role_state;

	if (!in)
		return;
	steering_done(&in->steering);
	if (in->mint)
		net_mint_free(in->mint);
	leases_close(in->leases);
	leases_finish();
	table_done(&in->servers);
	ascii_done(&in->ascii);
	components_done(&in->components);
	free(in);
	n->role_state = NULL;
}

static bool reload(struct node *n, char *err, size_t err_size)
{
	struct inner *in = n->role_state;
	struct components components;
	struct net_mint *mint = NULL;
	struct leases *leases = NULL;
	bool keep = leases_still_good(in->leases);

	if (n->config->leases_shared != (in->leases != NULL)) {
		snprintf(err, err_size, "`leases` takes a restart");
		return false;
	}
	if (!components_load(&components, n->config, err, err_size))
		return false;
	if (!mint_load(n->config, &mint, err, err_size) ||
		(!keep && !leases_open(n, &leases, err, err_size)) ||
		!steering_start(&in->steering, n->loop, n->config, err, err_size)) {
		leases_close(leases);
		components_done(&components);
		if (mint)
			net_mint_free(mint);
		return false;
	}
	if (!keep) {
		leases_close(in->leases);
		in->leases = leases;
	}
	components_done(&in->components);
	in->components = components;
	if (in->mint)
		net_mint_free(in->mint);
	in->mint = mint;
	servers_load(in, n->config);
	return true;
}

static void ask(struct node *n, uint64_t ticket, struct link_pair pair, uint64_t revision,
	struct str old, struct str value)
{
	struct inner *in = n->role_state;

	leases_ask(in->leases, ticket, pair, revision, old, value);
}

static const struct node_role role = {
	.config = CONFIG_INNER,
	.link = LINK_INNER,
	.program = "sallyport-inner",
	.start = start,
	.stop = stop,
	.reload = reload,
	.ask = ask,
	.plays = plays,
	.trusts = trusts,
	.rule = rule,
	.proofs = proofs,
	.creds = creds,
	.handshake = handshake,
	.keep = keep,
	.lookup = lookup,
	.lookup_cancel = lookup_cancel,
};

int main(int argc, char **argv)
{
	return node_main(argc, argv, &role);
}
