/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spaces that push stanzas through a parser which waits for more.
 *
 * An expat with the mend for CVE-2023-52425 does not look again at a tag that a read had cut until
 * twice as many bytes are there. Servers read in pieces, so a stanza with a long tag, or with a short tag behind a
 * long body, or a short one at the end of many, lies there until the next ones come. White space between stanzas means
 * nothing (RFC 6120 section 4.6.1), so as much of it as can be missing is sent at the end of a turn, when nothing
 * else follows.
 */
#ifndef S2S_FLUSH_H
#define S2S_FLUSH_H

#include "s2s/core.h"

enum {
	FLUSH_LEAST = 512, /* less, after silence, arrives in one piece */
	FLUSH_SILENCE_MS = 200, /* by then a server has read what there was */
	FLUSH_MOST = 65536, /* the most spaces at once */
};

/*
 * How many bytes have to follow this stanza (canonical XML: no `<` or `>` but those of tags) so that no cut
 * inside any of its tags can hold it back.
 */
size_t flush_need(struct str xml);

struct s2s_stream;
void flush_init(struct s2s_stream *s);
void flush_done(struct s2s_stream *s);
/* This stanza was just written. */
void flush_note(struct s2s_stream *s, struct str xml);
/* Writes the spaces that are missing behind what was noted: before the stream's end; s2s_flush() does it for all. */
void flush_write(struct s2s_stream *s);
void flush_all(struct s2s_face *f);

#endif
