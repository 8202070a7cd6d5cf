/* SPDX-License-Identifier: Apache-2.0 */
/* SRV records (RFC 2782): reading and ordering. Pure. */
#ifndef NET_SRV_H
#define NET_SRV_H

#include "base/str.h"

enum { NET_SRV_MAX = 64, NET_NAME_SIZE = 256 };

struct net_srv {
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	bool direct_tls;
	char target[NET_NAME_SIZE]; /* lower case, no dot at the end; "" is the root: no service */
};

/* False: malformed, or a target that is no host name. rdata: uncompressed wire format. */
bool net_srv_read(struct str rdata, struct net_srv *ret_srv);

/* Sorts by priority; among equals draws an order by weight. random: uniform in [0, below). */
void net_srv_order(struct net_srv *srv, size_t n, uint64_t (*random)(uint64_t below));

#endif
