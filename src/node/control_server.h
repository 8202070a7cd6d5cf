/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the `sallyport` command on the control socket (node/control.h). */
#ifndef NODE_CONTROL_SERVER_H
#define NODE_CONTROL_SERVER_H

#include "node/node.h"

/* NULL and a message on failure; without a `control` statement there is none, which is not an error. */
bool control_start(struct node *n, char *err, size_t err_size);
void control_stop(struct node *n);

#endif
