/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration for a node that runs: SIGHUP and `sallyport reload`. */
#ifndef NODE_RELOAD_H
#define NODE_RELOAD_H

#include "node/node.h"

/* False with a message when the old configuration stays; true: the message holds what counts later only. */
bool node_reload(struct node *n, struct buf *message);
/* Frees configurations that were taken over in part only; nothing may live by them any more. */
void reload_forget(struct node *n);

#endif
