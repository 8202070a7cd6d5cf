/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member is a pair whose stanzas may come from a stream: authenticated there, or with a
 * dialback key that is being verified. Stanzas pass for valid members only.
 */
#ifndef S2S_MEMBER_H
#define S2S_MEMBER_H

#include "s2s/pair.h"

struct member {
	struct list in_stream;
	struct list in_pair; /* pair.members when valid, pair.verifies while verifying */
	struct s2s_stream *stream;
	struct s2s_pair *pair;
	bool valid;
	bool asked; /* db:verify was written on pair.out */
	bool proving; /* its certificate may prove it: asked when that is known not to be so */
	enum s2s_proof proof;
	struct s2s_certified certified; /* valid, and not by dialback */
	struct str key; /* while verifying */
	struct timer timer; /* likewise: when the question is given up */
};

/* The stream's member for this pair, or NULL. The latest one found is found fastest. */
struct member *member_find(struct s2s_stream *s, struct str us, struct str them);
/* Is there a valid member with this sender? */
bool member_knows_sender(const struct s2s_stream *s, struct str them);
bool member_any_valid(const struct s2s_stream *s);

/* A new member whose key is to be verified; key is copied. */
struct member *member_add(struct s2s_stream *s, struct s2s_pair *p, struct str key);
/* The pair is authenticated on the stream from now on. */
void member_make_valid(struct member *m, enum s2s_proof proof);
/* Likewise by a certificate. */
void member_certify(struct member *m, const struct s2s_certified *certified);
void member_add_valid(struct s2s_stream *s, struct s2s_pair *p, enum s2s_proof proof,
	const struct s2s_certified *certified);
void member_free(struct member *m);
/* The stream ends. */
void member_drop_all(struct s2s_stream *s);

#endif
