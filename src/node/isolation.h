/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node that is cut off from all far nodes, while another node of its role serves, sends servers there: it does not
 * listen, and it ends the streams whose stanzas their server keeps until they are acknowledged; what it had of these it
 * forgets. Streams without acknowledgements stay, with what came by them: it would be delivered later than
 * what their server sends elsewhere. As soon as a far node is up again it listens again.
 *
 * A node that knows of no other, or whose far nodes ended the links themselves, waits and listens on.
 */
#ifndef NODE_ISOLATION_H
#define NODE_ISOLATION_H

#include "node/node.h"

/* Once per loop turn: begins or ends it. */
void isolation_turn(struct node *n);
/* When it has to be called next; UINT64_MAX: never. */
uint64_t isolation_due(const struct node *n);
/* Members of an open object for `sallyport status` and `cluster`. */
void isolation_write(const struct node *n, struct json *j);

#endif
