/* SPDX-License-Identifier: Apache-2.0 */
/* A pair and its way to the other server: the outgoing stream, failures, and when it is tried again. */
#ifndef S2S_PAIR_REACH_H
#define S2S_PAIR_REACH_H

#include "s2s/pair.h"

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
/* Its stream was given up because nothing comes through: others shall deliver what somebody waits for. */
void pair_vanished(struct s2s_pair *p);
/* What a close reason means for a pair. */
struct s2s_why pair_why(enum close_reason reason, enum s2s_failure failure);
/* The stream on this transport failed: opens one to the next address that the look-up found, if there is one. */
bool pair_try_another(struct s2s_pair *p, void *dialled);
/* Opens a stream if something needs one. */
void pair_reopen(struct s2s_pair *p);

#endif
