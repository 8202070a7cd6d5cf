/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration of a node says to its parts: face, link, TLS and limits. */
#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include "node/node.h"

/* Reads and parses a file of the configuration language; NULL: the messages in errors say why. */
struct config *settings_read(enum config_role role, const char *path, struct buf *errors);

void settings_face(const struct node *n, struct s2s_settings *ret);
/* Of a link that is to be made: node->boot_id and node->frame_bytes are known. */
void settings_link(const struct node *n, struct link_settings *ret);
/*
 * The trust of the face, a new reference: outer what the operator names or the system's, inner the local servers'
 * CAs. NULL with a message in err.
 */
struct net_tls *settings_tls(const struct config *c, char *err, size_t err_size);

/* The limits of what is neither the face's nor the link's count from now on. */
void settings_apply_limits(struct node *n);
/* Says on the link which domains are local. */
void settings_announce(struct node *n);

#endif
