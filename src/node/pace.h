/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections to one address are set up at once. The others wait for their turn, in the order in which
 * they came: a server that is back, or a node that just began, would meet thousands at the same moment, and serve
 * none in time.
 */
#ifndef NODE_PACE_H
#define NODE_PACE_H

#include "base/list.h"
#include "base/table.h"
#include "net/addr.h"

enum { PACE_AT_ONCE = 64 };

struct pace {
	struct table addresses;
};

/* Embedded in who wants to connect; all zero: neither waits nor has a place. */
struct pace_turn {
	struct pace_address *at;
	bool waits;
	struct list link;
	/* It waited and has its place now. Called inside pace_leave() of another one: no time to leave. */
	void (*go)(struct pace_turn *t);
};

void pace_init(struct pace *p);
/* Nobody may be in it any more. */
void pace_done(struct pace *p);

/* True: t has its place; false: it waits, t->go comes later. t has neither before. */
bool pace_enter(struct pace *p, struct pace_turn *t, const struct net_addr *to);

/* t, which has its place, goes on as ret, which has none. */
void pace_pass(struct pace_turn *t, struct pace_turn *ret);

/* t gives up its place or its waiting, where it has one. */
void pace_leave(struct pace *p, struct pace_turn *t);

#endif
