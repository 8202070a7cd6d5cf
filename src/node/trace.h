/* SPDX-License-Identifier: Apache-2.0 */
/* Live view of the records of one pair, for `sallyport trace`. */
#ifndef NODE_TRACE_H
#define NODE_TRACE_H

#include "node/node.h"

/* Cheap: is anybody watching? */
bool trace_wanted(const struct node *n);

/*
 * Gives every watcher of this pair one JSON line. direction is "out" for a record that goes to the
 * link here, "in" for one that came from it.
 */
void trace_record(struct node *n, const char *direction, struct link_pair pair, uint64_t trace,
	const struct record *rec, struct str bytes);

#endif
