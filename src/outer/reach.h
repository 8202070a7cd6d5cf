/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses outer may dial (doc/threats.md I1): after resolution, on the address itself. */
#ifndef OUTER_REACH_H
#define OUTER_REACH_H

#include "config/config.h"
#include "net/conn.h"

/* The addresses of this host's interfaces, which a listener on 0.0.0.0 or [::] stands for. */
struct reach_own {
	struct net_addr *addrs;
	size_t n;
};

/* Asks the system again. False: it does not say; what was known stays. */
bool reach_own_load(struct reach_own *own);
void reach_own_done(struct reach_own *own);

/*
 * Never an address of our own listeners, whatever the port. Then the configuration's `allow address` and `deny address`
 * in order, first match; then ordinary addresses are permitted and special ones (loopback, private, link-local,
 * multicast, and forms that embed these) are not.
 */
bool reach_permitted(
	const struct config *c, const struct reach_own *own, const struct net_addr *addr);

#endif
