/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The budget of memory over everything that peers can grow (`limit memory`). From the half of it on, the link's windows
 * are narrow, so that whoever sends faster than it is taken waits (link_set_tight). When it is passed:
 *
 *	strangers are not let in              (gate)
 *	stanzas are refused, with an error    (relay)
 *	memory kept for later goes back       (net_loop_relieve, s2s_relieve)
 *	long queues hardly grow               (s2s_set_short)
 *	the fattest streams end               (s2s_relieve)
 *
 * until an eighth of it is free again.
 */
#ifndef NODE_PRESSURE_H
#define NODE_PRESSURE_H

#include "node/node.h"

/* Once a turn. */
void pressure_turn(struct node *n);
/* When it wants another turn; UINT64_MAX: never. */
uint64_t pressure_due(const struct node *n);

#endif
