/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the servers of a foreign domain (RFC 6120 section 3.2, RFC 2782, XEP-0368). Outer only. */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include "net/resolver.h"

struct net_lookup;

enum { NET_TARGETS_MAX = 16 };

struct net_target {
	struct net_addr addr;
	bool direct_tls; /* from _xmpps-server */
	uint16_t port;
	char host[256]; /* whose address it is: the SRV target, or the domain itself */
};

enum net_lookup_result {
	NET_LOOKUP_FOUND,
	NET_LOOKUP_NOT_FOUND, /* NXDOMAIN, no data, or SRV target "." */
	NET_LOOKUP_FAILED, /* SERVFAIL, bogus, time */
	NET_LOOKUP_FORBIDDEN, /* only addresses that must never be dialled */
};

/*
 * ascii_domain: A-label form. Targets by priority and weight, _xmpps-server and _xmpp-server mixed
 * by priority; without SRV records the domain's own addresses, port 5269. done is called once,
 * never inside this call.
 */
struct net_lookup *net_resolve(struct net_resolver *r, struct str ascii_domain,
	void (*done)(void *user, enum net_lookup_result result, const struct net_target *targets,
		size_t n),
	void *user);
/* Likewise the addresses of one host, with this port and without SRV. */
struct net_lookup *net_resolve_host(struct net_resolver *r, struct str ascii_host, uint16_t port,
	void (*done)(void *user, enum net_lookup_result result, const struct net_target *targets,
		size_t n),
	void *user);
void net_lookup_cancel(struct net_lookup *l);

#endif
