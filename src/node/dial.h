/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing connections of the face: look-up, then each target in turn, with direct TLS where the target says so. */
#ifndef NODE_DIAL_H
#define NODE_DIAL_H

#include "node/node.h"

/* The connect and cancel members of struct s2s_ops; user is the node. */
void dial_start(void *user, struct s2s_stream *s, struct str us, struct str them);
void dial_cancel(void *user, struct s2s_stream *s);

/*
 * transport.c: the stream has its connection. turn (its place among those that are set up) and spare (n_spare
 * addresses that were not tried, on the heap or NULL) are taken over.
 */
void transport_connected(struct node *n, struct s2s_stream *stream, struct net_conn *conn,
	const struct node_target *target, struct pace_turn *turn, struct node_target *spare,
	size_t n_spare);

#endif
