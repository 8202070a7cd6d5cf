/* SPDX-License-Identifier: Apache-2.0 */
#include "inner/components.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/digest.h"
#include "node/secrets.h"

struct entry {
	struct entry *other; /* the same domain at another server */
	const struct config_server *server;
	const struct config_component *component;
	struct str secret; /* a copy for each: they are few */
};

void components_init(struct components *c)
{
	table_init(&c->by_domain);
}

void components_done(struct components *c)
{
	size_t n;
	struct entry **all = (struct entry **)table_collect(&c->by_domain, &n);

	for (size_t i = 0; i < n; i++) {
		while (all[i]) {
			struct entry *e = all[i];
			all[i] = e->other;
			str_free(&e->secret);
			free(e);
		}
	}
	free(all);
	table_done(&c->by_domain);
}

static const struct entry *find(
	const struct components *c, const struct config_server *s, struct str foreign)
{
	const struct entry *e = s->n_components ? table_find(&c->by_domain, foreign) : NULL;

	while (e && e->server != s)
		e = e->other;
	return e;
}

const struct config_component *components_find(
	const struct components *c, const struct config_server *s, struct str foreign)
{
	const struct entry *e = find(c, s, foreign);

	return e ? e->component : NULL;
}

bool components_handshake(const struct components *c, const struct config_server *s,
	struct str foreign, struct str id, char ret_hex[41])
{
	const struct entry *e = find(c, s, foreign);

	if (e)
		net_component_handshake(id, e->secret, ret_hex);
	return e;
}

static void add(struct components *c, const struct config_server *s,
	const struct config_component *m, struct str secret)
{
	for (size_t i = 0; i < m->n_domains; i++) {
		struct entry *e = calloc(1, sizeof(*e));
		check(e);
		*e = (struct entry){ table_find(&c->by_domain, m->domains[i]), s, m,
			str_dup(secret) };
		table_set(&c->by_domain, m->domains[i], e);
	}
}

static bool load_server(
	struct components *c, const struct config_server *s, char *err, size_t err_size)
{
	for (size_t i = 0; i < s->n_components; i++) {
		struct str secret;
		unsigned n;
		if (!secrets_read(s->components[i].secret, &secret, 1, &n, err, err_size))
			return false;
		add(c, s, &s->components[i], secret);
		str_free(&secret);
	}
	return true;
}

bool components_load(struct components *c, const struct config *config, char *err, size_t err_size)
{
	components_init(c);
	for (size_t i = 0; i < config->n_servers; i++) {
		if (!load_server(c, &config->servers[i], err, err_size)) {
			components_done(c);
			return false;
		}
	}
	return true;
}
