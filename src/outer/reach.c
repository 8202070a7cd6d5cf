/* SPDX-License-Identifier: Apache-2.0 */
#include "outer/reach.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/check.h"
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

/* 0.0.0.0 and [::] stand for all addresses of the host, each of its own kind. */
static bool is_any(const struct net_addr *a)
{
	static const unsigned char zero[16];
	const struct sockaddr_in *sin = (const void *)&a->sa;
	const struct sockaddr_in6 *sin6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET)
		return sin->sin_addr.s_addr == INADDR_ANY;
	return memcmp(&sin6->sin6_addr, zero, sizeof(zero)) == 0;
}

static bool is_of_host(const struct reach_own *own, const struct net_addr *addr)
{
	for (size_t i = 0; i < own->n; i++) {
		if (net_addr_same_host(&own->addrs[i], addr))
			return true;
	}
	return false;
}

static bool is_listener(const struct config_listen *l, size_t n, const struct reach_own *own,
	const struct net_addr *addr)
{
	struct net_addr here;

	for (size_t i = 0; i < n; i++) {
		if (!net_addr_parse(l[i].addr, &here))
			continue;
		if (net_addr_same_host(&here, addr) ||
			(here.sa.ss_family == addr->sa.ss_family && is_any(&here) &&
				is_of_host(own, addr)))
			return true;
	}
	return false;
}

/* What a foreign domain's records say may not lead to what carries the link. */
static bool is_broker(const struct config_nats *nats, const struct net_addr *addr)
{
	struct net_addr there;

	for (size_t i = 0; i < nats->n_servers; i++) {
		if (net_addr_parse(nats->servers[i], &there) && net_addr_same_host(&there, addr))
			return true;
	}
	return false;
}

static void add(struct reach_own *own, const struct sockaddr *sa)
{
	struct net_addr a = { .len = 0 };

	if (!sa || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return;
	a.len = sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	memcpy(&a.sa, sa, a.len);
	own->addrs = realloc(own->addrs, (own->n + 1) * sizeof(a));
	check(own->addrs);
	own->addrs[own->n++] = a;
}

bool reach_own_load(struct reach_own *own)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return false;
	own->n = 0;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		add(own, i->ifa_addr);
	freeifaddrs(all);
	return true;
}

void reach_own_done(struct reach_own *own)
{
	free(own->addrs);
	*own = (struct reach_own){ 0 };
}

/* IPv4 in its own form, also where it comes mapped into IPv6. */
static struct net_addr plain(const struct net_addr *a, const unsigned char bytes[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct net_addr v4 = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *sin = (void *)&v4.sa;

	if (memcmp(bytes, mapped, sizeof(mapped)) != 0)
		return *a;
	sin->sin_family = AF_INET;
	memcpy(&sin->sin_addr, bytes + 12, 4);
	return v4;
}

bool reach_permitted(
	const struct config *c, const struct reach_own *own, const struct net_addr *addr)
{
	unsigned char bytes[16];

	if (!as_ipv6(addr, bytes))
		return false;
	struct net_addr a = plain(addr, bytes);
	if (is_listener(c->listen_s2s, c->n_listen_s2s, own, &a) ||
		is_listener(c->listen_link, c->n_listen_link, own, &a) || is_broker(&c->nats, &a))
		return false;
	for (size_t i = 0; i < c->n_networks; i++) {
		if (in_network(&c->networks[i], bytes))
			return c->networks[i].allow;
	}
	return !net_addr_special(addr);
}
