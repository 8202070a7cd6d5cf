/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport test-peer`: opens a stream to a domain's server as for a stanza, says what each step came to, sends
 * no stanza and closes. It has a face of its own, so that it neither waits for a pair's retry delay nor changes
 * what the pair knows; below the face everything is what real streams use. One at a time.
 */
#ifndef NODE_PROBE_H
#define NODE_PROBE_H

#include "base/json.h"
#include "node/node.h"

struct probe;

/*
 * line is called with one JSON object after the other, each with "step" and "ok"; ended is called once,
 * after the last, whose step is "result". NULL and a static text when it cannot begin. Neither is called inside.
 */
struct probe *probe_start(struct node *n, struct str us, struct str them,
	void (*line)(void *user, struct str json), void (*ended)(void *user), void *user,
	const char **ret_error);
/* Nobody listens any more: it ends early. */
void probe_leave(struct probe *p);

/* For node.c. */
void probe_turn(struct node *n);
void probe_tick(struct node *n);
uint64_t probe_deadline(const struct node *n);
/* When all connections are closed. */
void probe_free(struct node *n);

/* For dial.c, of a dial whose `observed` is set. */
void probe_targets(struct node *n, const struct node_target *targets, size_t count);
void probe_attempt(struct node *n, const struct node_target *target, const char *trouble);

#endif
