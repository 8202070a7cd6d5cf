/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A component's stream (XEP-0114): we open it to a local server that cannot be steered, prove ourselves by a secret,
 * and it carries both directions of all pairs of one of our domains and the domains of that server. It is
 * opened before anything is sent, and again whenever it has ended, since without it the server cannot reach us.
 *
 * It is the outgoing stream of one pair, the leader: our domain and the domain of theirs that the rule names. What is
 * queued for the other pairs leaves through it too; they are its followers.
 *
 *	CONNECTING -> HEADER -> HANDSHAKE -> READY
 */
#ifndef S2S_COMPONENT_H
#define S2S_COMPONENT_H

#include "s2s/pair.h"

/* A leader whose stream is kept open. */
struct component {
	struct list link; /* in face.components */
	struct s2s_pair *pair;
	struct timer timer; /* until the next try */
	unsigned
		failed; /* ready streams in a row that ended so soon or so badly that it counts as a failure */
};

/* The pair whose stream carries p, maybe p itself; NULL: p has a stream of its own. Creates it. */
struct s2s_pair *component_leader(const struct s2s_pair *p);
/* The open stream of p's leader, or NULL. */
struct s2s_stream *component_stream(const struct s2s_pair *p);

/* Connected: our header goes out, or, with TLS, the certificate is judged before. */
void component_begin(struct s2s_stream *s);
void component_on_header(struct s2s_stream *s, struct xml_node *root);
void component_on_element(struct s2s_stream *s, struct xml_node *e);
/* What a stream error of theirs means here. */
enum close_reason component_close_reason(const struct s2s_stream *s, struct str condition);

/* A stanza came for a pair that was not used yet: false when it may not come this way, and all is said. */
bool component_admit(struct s2s_stream *s, struct str us, struct str them);

/* The stream was not ready and ended: followers have nothing to wait for. */
void component_let_go(struct s2s_stream *s, const struct s2s_why *why);
/*
 * The leader's stream is gone; failed: it carried nothing, or another connection took the name over; brief: it was
 * not open for long.
 */
void component_lost(struct component *c, bool failed, bool brief);
/* The leader failed: when the next try is due. */
void component_failed(struct component *c);

/* After a reload: those that the rule does not want any more are kept no longer. */
void component_rejudge(struct s2s_face *f);
void component_free_all(struct s2s_face *f);

#endif
