/* SPDX-License-Identifier: Apache-2.0 */
/* Which far node carries a pair: the configuration's static map and route/ over the live nodes. */
#ifndef NODE_CHOOSE_H
#define NODE_CHOOSE_H

#include "node/node.h"

/* After each change of node->config. */
void choose_prepare(struct node *n);

/* The choose member of struct link_ops; user is the node. */
struct link_peer *choose_peer(
	void *user, struct link_pair pair, struct link_peer *const *live, size_t count);

/* The line of the `route` statement that decides for the pair; 0: none does. */
unsigned choose_line(const struct node *n, struct link_pair pair);

#endif
