/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have how many look-ups open at once (doc/threats.md I5). Strangers cause look-ups of names that they
 * choose, and a dead zone answers none of them: everybody on whose account they are has a share, so that who uses up
 * his own is refused alone. Accounts are kept only while something is open: there are never more than look-ups.
 *
 * Accounts of one look-up: the address (IPv4 address, IPv6 /64) and the network (IPv4 /24, IPv6 /48) of the peer that
 * dialled us, and the zone that is asked about. Without a peer it is the local domain for which we dial and the
 * zone, or nobody, when something is looked up before it is needed.
 */
#ifndef OUTER_SHARE_H
#define OUTER_SHARE_H

#include "net/conn.h"

struct shares;
struct share; /* of one look-up that is open */

struct share_limits {
	unsigned all;
	unsigned strangers; /* of all */
	unsigned address; /* of a stranger; a known peer has four times as many, and no network */
	unsigned network;
	unsigned zone;
	unsigned local; /* domain of ours */
	unsigned ahead; /* for nobody */
};
extern const struct share_limits share_limits_default;

struct share_user {
	const struct net_addr *from; /* the peer that dialled us; NULL: we dial */
	bool known; /* it authenticated lately */
	bool proved; /* the domain that is asked about was proved lately: its zone does not count */
	struct str us; /* from NULL: for whom we dial; empty: nobody needs it yet */
};

struct shares *shares_new(const struct share_limits *limits);
/* Nothing may be open any more. */
void shares_free(struct shares *s);

/* domain: which is asked about, as an A-label name. NULL: somebody has used up a share; *ret_why is static then. */
struct share *share_take(struct shares *s, const struct share_user *user, struct str domain,
	uint64_t now, const char **ret_why);
/* NULL is fine. */
void share_give(struct share *x, uint64_t now);
unsigned shares_open(const struct shares *s);

/* The part of a domain for which one owner answers, as far as the name tells: its names share an account. */
struct str share_zone(struct str domain);

#endif
