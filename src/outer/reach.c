/* SPDX-License-Identifier: Apache-2.0 */
#include "outer/reach.h"

#include <netinet/in.h>

#include "net/resolver.h"

/* IPv4 as ::ffff:a.b.c.d, the form of struct config_network. */
static bool as_ipv6(const struct net_addr *a, unsigned char ret[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->sa.ss_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)&a->sa)->sin6_addr, 16);
		return true;
	}
	if (a->sa.ss_family != AF_INET)
		return false;
	memcpy(ret, mapped, 12);
	memcpy(ret + 12, &((const struct sockaddr_in *)&a->sa)->sin_addr, 4);
	return true;
}

static bool in_network(const struct config_network *n, const unsigned char addr[16])
{
	unsigned whole = n->prefix / 8, bits = n->prefix % 8;

	if (memcmp(n->addr, addr, whole) != 0)
		return false;
	return bits == 0 || ((n->addr[whole] ^ addr[whole]) >> (8 - bits)) == 0;
}

static bool is_own(const struct config_listen *l, size_t n, const struct net_addr *addr)
{
	struct net_addr own;

	for (size_t i = 0; i < n; i++) {
		if (net_addr_parse(l[i].addr, &own) && net_addr_same_host(&own, addr))
			return true;
	}
	return false;
}

bool reach_permitted(const struct config *c, const struct net_addr *addr)
{
	unsigned char bytes[16];

	if (!as_ipv6(addr, bytes) || is_own(c->listen_s2s, c->n_listen_s2s, addr) ||
		is_own(c->listen_link, c->n_listen_link, addr))
		return false;
	for (size_t i = 0; i < c->n_networks; i++) {
		if (in_network(&c->networks[i], bytes))
			return c->networks[i].allow;
	}
	return !net_addr_special(addr);
}
