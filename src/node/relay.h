/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the face and the link: stanza to record, record to stanza. Nothing passes that was not parsed, checked
 * and written anew.
 */
#ifndef NODE_RELAY_H
#define NODE_RELAY_H

#include "node/node.h"

/* Fill in the upward members of both operation tables; user is the node. */
void relay_fill_face_ops(struct s2s_ops *ops);
void relay_fill_link_ops(struct link_ops *ops);

#endif
