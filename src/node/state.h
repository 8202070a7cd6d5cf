/* SPDX-License-Identifier: Apache-2.0 */
/* The whole state of a node as one JSON object, for `sallyport status`. */
#ifndef NODE_STATE_H
#define NODE_STATE_H

#include "node/node.h"

/* Of each list what e asks for, with a "..._total" behind it. */
void state_write(struct node *n, struct excerpt *e, struct buf *out);

#endif
