/* SPDX-License-Identifier: Apache-2.0 */
/* Where a see-other-host error leads (RFC 6120 section 4.9.3.19). */
#ifndef OUTER_ELSEWHERE_H
#define OUTER_ELSEWHERE_H

#include "base/arena.h"
#include "net/conn.h"

struct elsewhere {
	struct net_addr addr; /* with its port; len 0: name counts */
	struct str name; /* A-label form, in the arena */
	uint16_t port;
};

/* Reads an IP address (version 6 in brackets) or a host name, with or without port. False: it is neither. */
bool elsewhere_read(struct arena *a, struct str text, struct elsewhere *ret);

#endif
