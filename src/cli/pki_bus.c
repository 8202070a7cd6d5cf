/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the `nats` carrier:
 *
 *	DIR/bus/ca.{crt,key}            a CA of its own
 *	DIR/bus/ID.{crt,key}            each node, towards the brokers
 *	DIR/bus/NAME.{crt,key}          each broker, towards the nodes
 *	DIR/bus/NAME-route.{crt,key}    each broker, towards the other brokers
 *
 * The link's CA is not used here. What it signs is a node: records are sealed for it, and `tcp` links believe it. A
 * broker is less than that, and the brokers' hosts hold this CA's certificate and their own keys only, so that nothing
 * on a captured broker can stand for a node.
 */
#include <stdio.h>

#include "cli/broker.h"
#include "cli/pki.h"

static bool make_nodes(
	struct pki *p, struct net_pki_ca *ca, const struct words *ids, const char *kind)
{
	char host[128];

	for (size_t i = 0; i < ids->n; i++) {
		struct words name = { &ids->word[i], 1 };
		snprintf(host, sizeof(host), "%s node %.63s, for the brokers", kind, ids->word[i]);
		if (!pki_leaf(p, ca, "bus", str_of(ids->word[i]), &name, host))
			return false;
	}
	return true;
}

/* Found by address and called by name, on one side by nodes and on the other by brokers. */
static bool make_broker(struct pki *p, struct net_pki_ca *ca, const struct broker *b)
{
	char host[128], clients[ADDRESS_TEXT], routes[ADDRESS_TEXT], stem[BUS_ID_MOST + 8];
	const char *names[] = { b->name, clients };
	struct words words = { names, 2 };

	snprintf(clients, sizeof(clients), "%.*s", STR_FMT(address_host(str_of(b->clients))));
	snprintf(routes, sizeof(routes), "%.*s", STR_FMT(address_host(str_of(b->routes))));
	snprintf(stem, sizeof(stem), "%s-route", b->name);
	snprintf(host, sizeof(host), "broker %s, for nodes", b->name);
	if (!pki_leaf(p, ca, "bus", str_of(b->name), &words, host))
		return false;
	names[1] = routes;
	snprintf(host, sizeof(host), "broker %s, for the other brokers", b->name);
	return pki_leaf(p, ca, "bus", str_of(stem), &words, host);
}

bool pki_bus(struct pki *p, const struct cli *c)
{
	struct bus bus;

	if (!bus_read(&c->brokers, &c->outers, &c->inners, &bus))
		return false;
	struct net_pki_ca *ca = pki_ca(p, "bus", "sallyport bus CA", NULL, "every node and broker",
		"keep it offline: it makes nodes and brokers");
	bool ok = ca && make_nodes(p, ca, &c->outers, "outer") &&
		make_nodes(p, ca, &c->inners, "inner");
	for (size_t i = 0; ok && i < bus.n_brokers; i++)
		ok = make_broker(p, ca, &bus.brokers[i]);
	net_pki_ca_free(ca);
	return ok;
}
