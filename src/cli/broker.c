/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/broker.h"

#include <stdio.h>
#include <string.h>

enum { CLIENTS_PORT = 4222, ROUTES_PORT = 6222 };

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, why);
	return false;
}

bool bus_good_id(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= BUS_ID_MOST && id[0] != '-' && id[len - 1] != '-' &&
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && strcmp(id, "ca") != 0;
}

/* An address with a port, which may be missing in the text. */
static const char *read_address(struct str s, unsigned port, char ret[ADDRESS_TEXT])
{
	char ip[ADDRESS_TEXT], whole[2 * ADDRESS_TEXT];

	if (address_ip(s, ip) != NULL)
		return address_port(s, ret);
	snprintf(whole, sizeof(whole), strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
	return address_port(str_of(whole), ret);
}

static bool read_broker(const char *spec, struct broker *b)
{
	const char *equal = strchr(spec, '=');
	size_t len = equal ? (size_t)(equal - spec) : 0;

	if (len == 0 || len > BUS_ID_MOST)
		return complain(spec, "a broker is written NAME=ADDRESS or NAME=ADDRESS,ADDRESS");
	memcpy(b->name, spec, len);
	b->name[len] = 0;
	struct str clients = { equal + 1, strcspn(equal + 1, ",") };
	const char *comma = strchr(equal, ',');
	const char *why = read_address(clients, CLIENTS_PORT, b->clients);
	struct str routes = comma ? str_of(comma + 1) : address_host(str_of(b->clients));
	why = why ? why : read_address(routes, ROUTES_PORT, b->routes);
	if (!why &&
		(address_is_wildcard(address_host(str_of(b->clients))) ||
			address_is_wildcard(address_host(str_of(b->routes)))))
		why = "others have to find it at this address: 0.0.0.0 and :: are none";
	if (!why && strcmp(b->clients, b->routes) == 0)
		why = "nodes and brokers cannot share a port";
	return why ? complain(spec, why) : true;
}

static const char *name_at(const struct bus *bus, size_t i)
{
	if (i < bus->n_brokers)
		return bus->brokers[i].name;
	i -= bus->n_brokers;
	return i < bus->outers->n ? bus->outers->word[i] : bus->inners->word[i - bus->outers->n];
}

static bool is_route_of(const char *name, const char *broker)
{
	size_t len = strlen(broker);

	return strncmp(name, broker, len) == 0 && strcmp(name + len, "-route") == 0;
}

static bool good_names(const struct bus *bus)
{
	size_t n = bus->n_brokers + bus->outers->n + bus->inners->n;

	for (size_t i = 0; i < n; i++) {
		const char *name = name_at(bus, i);
		if (!bus_good_id(name))
			return complain(name, "not a name: lower-case letters, digits and `-`");
		for (size_t k = 0; k < n; k++) {
			if (k < i && strcmp(name, name_at(bus, k)) == 0)
				return complain(name, "named twice");
			if (k < bus->n_brokers && is_route_of(name, bus->brokers[k].name))
				return complain(name,
					"is what a broker's certificate for routes is called");
		}
	}
	return true;
}

bool bus_read(const struct words *brokers, const struct words *outers, const struct words *inners,
	struct bus *ret_bus)
{
	*ret_bus = (struct bus){ .outers = outers, .inners = inners };
	if (brokers->n > BROKERS_MOST || outers->n > BUS_NODES_MOST || inners->n > BUS_NODES_MOST)
		return complain("too many", "9 brokers, 64 outers and 64 inners are the most");
	for (size_t i = 0; i < brokers->n; i++) {
		if (!read_broker(brokers->word[i], &ret_bus->brokers[i]))
			return false;
		ret_bus->n_brokers++;
	}
	return good_names(ret_bus);
}
