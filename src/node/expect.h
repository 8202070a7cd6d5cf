/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Early opening: when a stream names a pair, the way to the next hop is opened while the stream is still being
 * proved, so that the first stanza does not wait for it.
 */
#ifndef NODE_EXPECT_H
#define NODE_EXPECT_H

#include "node/node.h"

/* A stream of the face named this pair: tells the far node. For struct s2s_ops. */
void expect_named(void *user, struct str us, struct str them);
/* The far node names a pair, in prepared form: opens a stream for it if our rule lets it. */
void expect_pair(struct node *n, struct link_pair pair);

#endif
