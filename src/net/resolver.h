/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the DNS with libunbound: lookup.h for the servers of a domain, ask.h for single ones.
 * Linked into outer only.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include "net/conn.h"

struct net_resolver;

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
/*
 * Asks as the settings say from now on; only their forward and anchors count. What was asked before ends as it would
 * have. False with a message in err: nothing has changed.
 */
bool net_resolver_renew(struct net_resolver *r, const struct net_resolver_settings *settings,
	char *err, size_t err_size);
void net_resolver_free(struct net_resolver *r);

/*
 * The default deny list for addresses found by DNS: loopback, link-local, multicast, unspecified,
 * private (RFC 1918, RFC 4193, RFC 6598), documentation left out, IPv4-mapped and NAT64 forms of
 * these. A static word, or NULL when the address is an ordinary one.
 */
const char *net_addr_special(const struct net_addr *a);

#endif
