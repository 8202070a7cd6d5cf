/* SPDX-License-Identifier: Apache-2.0 */
/* Where the face listens: who may come in, and as whom TLS is served to them. */
#ifndef NODE_LISTEN_H
#define NODE_LISTEN_H

#include "node/node.h"

/*
 * Opens the listeners of the configuration, keeps those that are open, closes those that are not in it any more.
 * False with a message in err: some of them may be open.
 */
bool listen_apply(struct node *n, char *err, size_t err_size);
void listen_stop(struct node *n);

#endif
