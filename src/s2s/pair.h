/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair of domains on this face: its outgoing stream, the queue towards them, what is
 * known of failures, and the incoming streams on which them was authenticated.
 */
#ifndef S2S_PAIR_H
#define S2S_PAIR_H

#include "s2s/queue.h"
#include "s2s/stream.h"
#include "s2s/traffic.h"

struct s2s_pair {
	struct s2s_face *face;
	struct str key; /* us, a space, them: in the allocation of the pair */
	struct str us;
	struct str them;
	struct s2s_stream *out; /* opened by us, or NULL */
	struct s2s_stream
		*via; /* what carries the queue: out, or a bidirectional one of theirs; or NULL */
	struct list in_via; /* in via->carries */
	struct queue queue;
	struct list members; /* struct member that are valid */
	struct list verifies; /* struct member with a key to be verified */
	unsigned n_verifies;
	struct traffic traffic; /* that they bring in */
	struct list idle; /* in face.idle_pairs, or alone */
	uint64_t idle_since;
	struct timer timer; /* for the age of what is queued */
	struct guest *
		guest; /* on the stream of another pair: to be accepted, or what carries the queue; or NULL */
	struct component *component; /* its stream is always open; or NULL */
	bool loner; /* was refused as a guest: until its own stream ends */
	bool redirected; /* see-other-host was followed since a stream was last ready or given up */
	unsigned failures; /* in a row */
	unsigned quick_ends; /* ready streams in a row that ended before anything was taken */
	enum s2s_failure failure;
	const char *failure_text; /* static; NULL: never failed */
	const char *failure_step; /* static: in what it failed */
	const char *failure_cure; /* static: what can be done */
	char failure_detail[160]; /* what the peer or a library said, cut at a character */
	struct s2s_certified certified; /* of the outgoing stream that failed last */
	uint64_t failed_at;
	uint64_t heard_at; /* their latest stanza */
	uint64_t retry_at;
	uint64_t stanzas_in;
	uint64_t stanzas_out;
	uint64_t unsent;
};

struct s2s_pair *pair_find(struct s2s_face *f, struct str us, struct str them);
/* Creates it when it does not exist. */
struct s2s_pair *pair_get(struct s2s_face *f, struct str us, struct str them);
/* To be called when something began to use the pair, and when something stopped. */
void pair_used(struct s2s_pair *p);
void pair_unused(struct s2s_pair *p);
/* They showed that they live: no need to wait any longer after a failure. */
void pair_alive(struct s2s_pair *p);
/* Frees pairs that were idle for long, and when it has to happen next. */
void pair_forget(struct s2s_face *f);
uint64_t pair_forget_at(const struct s2s_face *f);
void pair_free(struct s2s_pair *p);

struct s2s_event pair_event(const struct s2s_pair *p, const char *event);

#endif
