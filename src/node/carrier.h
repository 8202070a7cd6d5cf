/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tcp carrier of the link: mutual TLS 1.3, frames with a length of 4 bytes before them. Inner dials, outer
 * listens; the far node's id is the DNS-ID of its certificate and must be one that the configuration names.
 */
#ifndef NODE_CARRIER_H
#define NODE_CARRIER_H

#include "node/node.h"

struct carrier *carrier_new(struct node *n);
void carrier_free(struct carrier *c);

/*
 * Opens the listeners and dials the nodes that the configuration names, and closes what it does not name any more.
 * What stays keeps its connections; new keys count from the next one. False with a message in err.
 */
bool carrier_apply(struct carrier *c, char *err, size_t err_size);
/* The link engine took the far node's hello. */
void carrier_peer_up(struct carrier *c, const struct link_peer *peer);
void carrier_stop(struct carrier *c);

/* The carrier members of struct link_ops (send, can_send, close); user is the node. */
void carrier_fill_ops(struct link_ops *ops);

/* Writes the array "unlinked": the nodes that cannot be reached at present, and why. */
void carrier_status(const struct carrier *c, struct json *j);

/* What a connection to the brokers is made of, as far as a reload may change it: servers and key files. */
void carrier_note_nats(struct buf *out, const struct config_nats *config);

#endif
