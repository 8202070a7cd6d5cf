/* SPDX-License-Identifier: Apache-2.0 */
/* Live view of the records of one pair, for `sallyport trace`. */
#ifndef NODE_TRACE_H
#define NODE_TRACE_H

#include "node/control.h"
#include "node/node.h"

struct watcher;
struct net_local_client;

/* The client gets what passes, from now on; it is the client's user until it leaves. */
void trace_start(struct node *n, struct net_local_client *client, const struct control_request *r);
void trace_leave(struct watcher *w);
/* Nobody gets any more. */
void trace_end(struct node *n);

/* Cheap: is anybody watching? */
bool trace_wanted(const struct node *n);

/*
 * Gives every watcher of this pair one JSON line. direction is "out" for a record that goes to the
 * link here, "in" for one that came from it.
 */
void trace_record(struct node *n, const char *direction, struct link_pair pair, uint64_t trace,
	const struct record *rec, struct str bytes);

#endif
