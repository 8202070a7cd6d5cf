/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the face to connections: the transport half of struct s2s_ops.
 */
#ifndef NODE_TRANSPORT_H
#define NODE_TRANSPORT_H

#include "node/node.h"

/* Fills in the transport members of ops. */
void transport_fill_ops(struct s2s_ops *ops);

/* For a listener (user is the node): the face gets the connection, or it is gone. */
void transport_accepted(void *user, struct net_conn *conn, bool direct_tls);

/* Lets the stream use another one that is connected to this very target, if there is one; s is invalid then. */
bool transport_share(struct node *n, struct s2s_stream *s, const struct node_target *target);

/* role->evidence() left something open for this transport, and now knows more. */
void transport_proved(struct transport *t);
/* The connection, for role->evidence(). */
struct net_conn *transport_conn(const struct transport *t);
/* The target that an outgoing transport was dialled to; NULL: it is an incoming one. */
const struct node_target *transport_target(const struct transport *t);
/* The role's, to find what it keeps about the transport. */
void **transport_evidence(struct transport *t);

/*
 * Proofs do not last: they are judged again when a certificate runs out, after `limit proof age`, and after
 * a reload. A few in one call, so that the loop goes on.
 */
uint64_t transport_recheck_at(const struct node *n);
void transport_recheck(struct node *n);
void transport_recheck_all(struct node *n);

#endif
