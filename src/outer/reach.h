/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses outer may dial (doc/threats.md I1): after resolution, on the address itself. */
#ifndef OUTER_REACH_H
#define OUTER_REACH_H

#include "config/config.h"
#include "net/conn.h"

/*
 * Never an address of our own listeners. Then the configuration's `allow address` and `deny address`
 * in order, first match; then ordinary addresses are permitted and special ones (loopback, private, link-local,
 * multicast, and forms that embed these) are not.
 */
bool reach_permitted(const struct config *c, const struct net_addr *addr);

#endif
