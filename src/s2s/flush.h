/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spaces that push a stanza through a parser which waits for more.
 *
 * An expat with the mend for CVE-2023-52425 does not look again at a tag that a read had cut until
 * twice as many bytes are there. Servers read in pieces, so a stanza with a long tag, or with a short tag behind a
 * long body, lies there until the next ones come. White space between stanzas means
 * nothing (RFC 6120 section 4.6.1), so as much of it as can be missing is sent behind the stanza.
 */
#ifndef S2S_FLUSH_H
#define S2S_FLUSH_H

#include "s2s/core.h"

enum {
	FLUSH_LEAST = 512, /* shorter stanzas arrive in one piece */
	FLUSH_MOST = 65536, /* the most spaces behind one stanza */
};

/*
 * How many bytes have to follow this stanza (canonical XML: no `<` or `>` but those of tags) so that no cut
 * inside any of its tags can hold it back; 0 for a stanza shorter than FLUSH_LEAST.
 */
size_t flush_need(struct str xml);

struct s2s_stream;
/* Writes them behind the stanza that was just written, if the settings say so. */
void flush_behind(struct s2s_stream *s, struct str xml);

#endif
