/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a node: what was taken is delivered or given back, then the streams and the loop end. */
#ifndef NODE_DRAIN_H
#define NODE_DRAIN_H

#include "node/node.h"

void drain_begin(struct node *n);
/* Goes on with it if it has begun and not ended yet. */
void drain_step(struct node *n);
/* When it has to be called next; UINT64_MAX: never. */
uint64_t drain_due(const struct node *n);

#endif
