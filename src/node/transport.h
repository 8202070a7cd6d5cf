/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the face to connections: the transport half of struct s2s_ops, and the listeners.
 */
#ifndef NODE_TRANSPORT_H
#define NODE_TRANSPORT_H

#include "node/node.h"

/* Fills in the transport members of ops. */
void transport_fill_ops(struct s2s_ops *ops);

/* Opens the listeners of the configuration, keeps those that are open, closes those that are not in it any more. */
bool transport_listen(struct node *n, char *err, size_t err_size);
void transport_stop_listening(struct node *n);

#endif
