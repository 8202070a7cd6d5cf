/* SPDX-License-Identifier: Apache-2.0 */
/* The audit record of a stream: what it is protected by, and what it was proved by. */
#ifndef NODE_AUDIT_H
#define NODE_AUDIT_H

#include "node/node.h"

/* Writes an event of the face into the log. */
void audit_event(const struct s2s_event *e);

#endif
