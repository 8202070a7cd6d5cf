/* SPDX-License-Identifier: Apache-2.0 */
#include "node/choose.h"

#include <stdlib.h>

#include "base/check.h"

enum { LIVE_MAX = 256 };

void choose_prepare(struct node *n)
{
	const struct config *c = n->config;

	free(n->routes);
	n->routes = calloc(c->n_routes + 1, sizeof(*n->routes));
	check(n->routes);
	for (size_t i = 0; i < c->n_routes; i++) {
		n->routes[i] = (struct route_rule){
			.match = config_match,
			.pattern = c->routes[i].pattern,
			.via = c->routes[i].via,
			.n_via = c->routes[i].n_via,
			.rank = c->routes[i].rank,
			.else_any = c->routes[i].else_any,
		};
	}
}

struct link_peer *choose_peer(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t count)
{
	struct node *n = user;
	struct str ids[LIVE_MAX];

	if (count > LIVE_MAX)
		count = LIVE_MAX;
	for (size_t i = 0; i < count; i++)
		ids[i] = link_peer_id(live[i]);
	int at = route_choose(n->routes, n->config->n_routes, pair.local, pair.foreign, ids, count);
	return at < 0 ? NULL : live[at];
}

unsigned choose_line(const struct node *n, struct link_pair pair)
{
	size_t i = route_find(n->routes, n->config->n_routes, pair.foreign);

	return i < n->config->n_routes ? n->config->routes[i].line : 0;
}
