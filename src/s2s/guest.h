/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest is a pair that uses the outgoing stream of another pair (XEP-0220 section 2.6), because both domains'
 * servers are at the same address: it shows a key there, and is carried once that is accepted. When it is not,
 * the pair opens a stream of its own. Only a server that knows dialback errors gets guests: one without may end
 * the stream over a key that it does not like.
 */
#ifndef S2S_GUEST_H
#define S2S_GUEST_H

#include "s2s/pair.h"

struct guest {
	struct list in_stream; /* in stream->guests */
	struct s2s_stream *stream;
	struct s2s_pair *pair;
	bool valid; /* they accepted the key */
	enum s2s_proof proof; /* how we know them */
	struct s2s_certified certified;
	struct timer timer; /* until valid: when the answer is late */
};

/*
 * Takes the pair from the stream that was to be opened for it, and shows its key on s. False: it cannot be
 * a guest there.
 */
bool guest_add(struct s2s_stream *s, struct s2s_pair *p);
/* The guest whose key was answered, or NULL. */
struct guest *guest_find(const struct s2s_stream *s, struct str us, struct str them);
void guest_accepted(struct guest *g);
/* The pair goes its own way. */
void guest_refused(struct guest *g, struct str why);
/* The stream takes no stanzas any more: those that were not accepted yet go their own way. */
void guest_let_go(struct s2s_stream *s);
/* The stream is gone. */
void guest_drop_all(struct s2s_stream *s);

#endif
