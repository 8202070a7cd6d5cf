/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport cluster`, `drain`, `undrain` and `move`: what this node knows of the others, and where pairs go. */
#ifndef NODE_CLUSTER_H
#define NODE_CLUSTER_H

#include "node/control.h"
#include "node/node.h"

/* This node, the far nodes, and each pair that this node sends on with the reason for its place; one JSON object. */
void cluster_write(struct node *n, struct excerpt *e, struct buf *out);

/* CONTROL_DRAIN, CONTROL_UNDRAIN and CONTROL_MOVE: {"ok":true} with what was done, or {"error":...}. */
void cluster_order(struct node *n, const struct control_request *r, struct buf *out);

/* The load member of struct link_ops; user is the node. */
uint64_t cluster_load(void *user);

#endif
