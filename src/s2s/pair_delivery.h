/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is queued for a pair on its way: which stream carries it, what of it is written, with them, or
 * given back because it could not be delivered.
 */
#ifndef S2S_PAIR_DELIVERY_H
#define S2S_PAIR_DELIVERY_H

#include "s2s/pair.h"

/* Nothing carries the queue: takes a stream that can. False: there is none. */
bool pair_pick(struct s2s_pair *p);
/* The queue goes on this stream from now on; NULL: on none. */
void pair_carry(struct s2s_pair *p, struct s2s_stream *s);
/* A stream of another pair may carry the queue. */
void pair_carried(struct s2s_pair *p, struct s2s_stream *s);
/* The stream ends: it is the pair's no longer. */
void pair_detach(struct s2s_pair *p, struct s2s_stream *s);
/* The transport of a stream that was ready is gone. */
void pair_lost(struct s2s_pair *p, struct s2s_stream *s);
/*
 * Gives everything back that is queued; not yet when some of it is written: then pair_lost() does when it is known
 * what the kernel took.
 */
void pair_bounce(struct s2s_pair *p, enum s2s_failure failure, const char *text);
/* Gives back what is not written and waited for by somebody (token). */
void pair_bounce_tokens(struct s2s_pair *p, enum s2s_failure failure, const char *text);
/* The pair's timer fires in time for the age of what waits, and gives it back then; pair_flush() looks at it too. */
void pair_time_queue(struct s2s_pair *p);
void pair_on_age(struct s2s_face *f, struct timer *t);
/* The stream is ready, nothing waits, and the peer takes what it gets. */
bool pair_can_write(const struct s2s_pair *p);
/* Writes what is queued as far as the stream takes it. */
void pair_flush(struct s2s_pair *p, bool all);
/* The kernel took more of what carries the queue. */
void pair_taken(struct s2s_pair *p);
/*
 * Fencing: nothing of this channel may leave any more. The stream ends if some of it is written and not with the
 * kernel.
 */
void pair_revoke(struct s2s_pair *p, uint64_t channel);
/* The oldest stanza that was written is with them. */
void pair_pop_sent(struct s2s_pair *p);

#endif
