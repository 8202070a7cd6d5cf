/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream limits (XEP-0478): we tell ours, and what they told is respected. A stanza that is larger
 * than they take goes back to its sender as a policy violation that is not ours.
 */
#ifndef S2S_LIMITS_H
#define S2S_LIMITS_H

#include "s2s/stream.h"

#define LIMITS_TEXT "larger than the other server takes"

/* Appends the element with our limits. */
void limits_put(struct buf *out, const struct s2s_face *f);
/* Takes theirs from a child of their features or of their request for bidi; without one they have none. */
void limits_read(struct s2s_stream *s, const struct xml_node *parent);

static inline bool limits_permit(const struct s2s_stream *s, size_t len)
{
	return s->peer_bytes == 0 || len <= s->peer_bytes;
}

#endif
