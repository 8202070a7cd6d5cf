/* SPDX-License-Identifier: Apache-2.0 */
/* For transport.c and transport_ops.c alone. */
#ifndef NODE_TRANSPORT_INT_H
#define NODE_TRANSPORT_INT_H

#include "node/transport.h"

struct transport {
	struct node *node;
	struct net_conn *conn;
	struct s2s_stream *stream; /* NULL: the face has let go */
	bool setting_up;
	bool paused; /* by the face */
	bool throttled; /* its address sent more than it may: until the timer fires */
	struct net_timer *timer;
	struct list link; /* in node->transports */
	struct heap_node recheck; /* in node->rechecks */
	struct node_target *target; /* outgoing: where it was dialled to */
	struct pace_turn turn; /* outgoing, while it is set up */
	void *evidence; /* the role's */
	struct node_target *spare; /* addresses to try when the stream fails before it is ready */
	size_t n_spare;
	struct str redirect; /* where the peer says that the pair is served */
};

/* It is read when neither the face nor its address's limit has stopped it. */
void transport_set_pause(const struct transport *t);

#endif
