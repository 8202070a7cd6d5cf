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

/* May a stream be opened for this pair now? Otherwise says why not. */
bool pair_may_connect(
	const struct s2s_pair *p, enum s2s_failure *ret_failure, const char **ret_text);
/* Opens the outgoing stream; there is none. */
void pair_connect(struct s2s_pair *p);
/* Likewise for a verification: waits less after a failure. False: not now. */
bool pair_connect_for_key(struct s2s_pair *p);
/* The stream is authenticated: everything queued goes. */
void pair_ready(struct s2s_pair *p);
/* The stream ended before it was ready, or a connection could not be had. */
void pair_fail(struct s2s_pair *p, const struct s2s_why *why, struct str detail);
/* What a close reason means for a pair. */
struct s2s_why pair_why(enum close_reason reason, enum s2s_failure failure);
/* The stream on this transport failed: opens one to the next address that the look-up found, if there is one. */
bool pair_try_another(struct s2s_pair *p, void *dialled);
/* The stream ends: it is the pair's no longer. */
void pair_detach(struct s2s_pair *p, struct s2s_stream *s);
/* The transport of a stream that was ready is gone. */
void pair_lost(struct s2s_pair *p, struct s2s_stream *s);
/* A stream of another pair may carry the queue. */
void pair_carried(struct s2s_pair *p, struct s2s_stream *s);
/* Opens a stream if something needs one. */
void pair_reopen(struct s2s_pair *p);
/* Nothing carries the queue: takes a stream that can. False: there is none. */
bool pair_pick(struct s2s_pair *p);
/*
 * Gives everything back that is queued; not yet when some of it is written: then pair_lost() does when it is known
 * what the kernel took.
 */
void pair_bounce(struct s2s_pair *p, enum s2s_failure failure, const char *text);
/* Gives back what is not written and waited for by somebody (token). */
void pair_bounce_tokens(struct s2s_pair *p, enum s2s_failure failure, const char *text);
/* The stream is ready, nothing waits, and the peer takes what it gets. */
bool pair_can_write(const struct s2s_pair *p);
/* Writes what is queued as far as the stream takes it. */
void pair_flush(struct s2s_pair *p, bool all);
/* The kernel took more of what carries the queue. */
void pair_taken(struct s2s_pair *p);
/* The oldest stanza that was written is with them. */
void pair_pop_sent(struct s2s_pair *p);

struct s2s_event pair_event(const struct s2s_pair *p, const char *event);

#endif
