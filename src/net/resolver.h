/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the servers of a foreign domain (RFC 6120 section 3.2, RFC 2782, XEP-0368) with libunbound.
 * Linked into outer only.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "net/conn.h"

struct net_resolver;
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

struct net_resolver_settings {
	/* Recursive resolver to ask; len 0: the system's resolv.conf. */
	struct net_addr forward;
	const char *const *anchors; /* files with DNSSEC trust anchors */
	size_t n_anchors; /* 0: answers are not validated here */
	unsigned timeout_ms; /* whole lookup, 10000 */
	/* False: this address must not be dialled (doc/threats.md I1). Checked on
	 * every result. */
	bool (*may_dial)(void *user, const struct net_addr *addr);
	void *user;
};

struct net_resolver *net_resolver_new(struct net_loop *loop,
	const struct net_resolver_settings *settings, char *err, size_t err_size);
void net_resolver_free(struct net_resolver *r);

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

/*
 * The default deny list for addresses found by DNS: loopback, link-local, multicast, unspecified,
 * private (RFC 1918, RFC 4193, RFC 6598), documentation left out, IPv4-mapped and NAT64 forms of
 * these. A static word, or NULL when the address is an ordinary one.
 */
const char *net_addr_special(const struct net_addr *a);

#endif
