/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream management (XEP-0198), acknowledgements alone: no resumption. Both roles, and both directions where a
 * stream carries both.
 *
 * Theirs: an acknowledgement covers a stanza when the program said s2s_handled(), in order. Asked for by <r/>, it is
 * given at the end of the turn with what is handled by then, and again each time that more is, until
 * it covers all that had come when they asked.
 *
 * Ours: a stanza stays in the queue of its pair until they acknowledged it. They are asked once a turn, and not again
 * before they answered.
 */
#ifndef S2S_MANAGE_H
#define S2S_MANAGE_H

#include "s2s/pair.h"

void manage_init(struct s2s_stream *s);
/* The stream ends. */
void manage_done(struct s2s_stream *s);
/* There is something to be written at the end of the turn. */
void manage_schedule(struct s2s_stream *s);
/* They do not want to: what the kernel took is all that will ever be known. */
void manage_do_without(struct s2s_stream *s, const char *why);

/*
 * Appends the feature: to those that follow EXTERNAL, and to those that offer dialback, because nothing follows that.
 * It may be used from the first valid pair on.
 */
void manage_put_feature(const struct s2s_stream *s, struct buf *out);
/* An outgoing stream is ready: <enable/> goes before its first stanza. */
void manage_begin(struct s2s_stream *s);

/* Elements; see the table in input.c. */
void manage_on_enable(struct s2s_stream *s, struct xml_node *e);
void manage_on_resume(struct s2s_stream *s, struct xml_node *e);
void manage_on_enabled(struct s2s_stream *s, struct xml_node *e);
void manage_on_failed(struct s2s_stream *s, struct xml_node *e);
void manage_on_request(struct s2s_stream *s, struct xml_node *e);
void manage_on_ack(struct s2s_stream *s, struct xml_node *e);
/* The kernel took something. */
void manage_taken(struct s2s_stream *s);
/* Is it an acknowledgement? Those count as long as the stream is read. */
bool manage_is_ack(const struct xml_node *e);

/* A stanza of theirs was accepted: its receipt for the program; 0: none is needed. */
uint64_t manage_received(struct s2s_stream *s);
/* Likewise, and it went no further. */
void manage_consumed(struct s2s_stream *s);
/* They keep what we do not acknowledge any more: their stanzas are left to them. */
static inline bool manage_ignores(const struct s2s_stream *s)
{
	return s->manage.leaving;
}

/* A stanza of the pair was written: its queue holds it. */
void manage_wrote(struct s2s_stream *s, struct s2s_pair *p);
/* Is a stanza that was written theirs only when they say so? */
static inline bool manage_covers(const struct s2s_stream *s)
{
	return s->manage.state != MANAGE_OFF;
}
/* Asks for an acknowledgement even though none is needed, unless an answer is due anyway. */
void manage_probe(struct s2s_stream *s);
/* Whose stanza is the oldest that they did not acknowledge, or NULL. */
struct s2s_pair *manage_suspect(const struct s2s_stream *s);
size_t manage_unacknowledged(const struct s2s_stream *s);

/*
 * Ends a stream that carries stanzas of theirs, when all that came is handled and acknowledged; a second call: at once.
 * False: it has no acknowledgements.
 */
bool manage_leave(struct s2s_stream *s);

/* They ended the stream. True: it ends when all that came is handled, so that they learn of it. */
bool manage_on_end(struct s2s_stream *s);
/* Appends what goes before our end tag. */
void manage_put_last(struct s2s_stream *s, struct buf *out);

uint64_t manage_due(const struct s2s_stream *s);
void manage_act(struct s2s_stream *s);

#endif
