/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that is cut off from all far nodes, while another node of its role serves, sends servers there: it does not
 * listen, and it ends the streams whose stanzas their server keeps until they are acknowledged; what it had of these it
 * forgets. Streams without acknowledgements stay, with what came by them: it would be delivered later than
 * what their server sends elsewhere. As soon as a far node is up again it listens again.
 *
 * A node that knows of no other, or whose far nodes ended the links themselves, waits and listens on.
 *
 * A node that did not run for so long that it was taken for dead ends these streams, too: their servers go on
 * elsewhere, or will, and would have twice what still lies in its sockets.
 */
#ifndef NODE_ISOLATION_H
#define NODE_ISOLATION_H

#include "node/node.h"

/* Once per loop turn: begins or ends it. */
void isolation_turn(struct node *n);
/* The node woke up so much later than it had to. Nothing that came meanwhile was read yet. */
void isolation_paused(struct node *n, uint64_t ms);
/* When it has to be called next; UINT64_MAX: never. */
uint64_t isolation_due(const struct node *n);
/* Members of an open object for `sallyport status` and `cluster`. */
void isolation_write(const struct node *n, struct json *j);

#endif
