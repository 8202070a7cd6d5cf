/* SPDX-License-Identifier: Apache-2.0 */
/* A probe as its files share it: probe.c (life), probe_ops.c (what is overheard), probe_say.c (lines). */
#ifndef NODE_PROBE_INT_H
#define NODE_PROBE_INT_H

#include "node/probe.h"

enum { PROBE_LINE_MAX = 65536 };

struct probe {
	struct node *node;
	struct s2s_ops ops;
	struct s2s_face *face;
	struct str us;
	struct str them;
	uint64_t until;
	bool opened;
	bool done; /* the result was said */
	struct list closing; /* in node->closing_probes */
	struct buf out;
	void (*line)(void *user, struct str json);
	void (*ended)(void *user);
	void *user; /* NULL: nobody listens */
};

/* Puts the operations that are to be overheard into p->ops, and what no probe may hear out of them. */
void probe_listen(struct probe *p);
void probe_listen_no_more(struct probe *p);

/* One line each; text, cure: NULL when there is nothing to say. */
void probe_say(struct probe *p, const char *step, bool ok, const char *text);
/* The first statement that matches decides, before anything is looked up. */
void probe_say_policy(struct probe *p);
void probe_say_open(struct probe *p, const struct s2s_event *e);
void probe_say_features(struct probe *p, bool starttls, bool external, bool dialback);
void probe_say_certificate(
	struct probe *p, const struct transport *transport, const struct s2s_certified *c);
void probe_say_event(struct probe *p, const char *step, const struct s2s_event *e);
/* The last one: whatever comes later is not said. e: what led to it, or NULL. */
void probe_say_result(
	struct probe *p, bool ok, const char *text, const char *cure, const struct s2s_event *e);

#endif
