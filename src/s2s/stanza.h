/* SPDX-License-Identifier: Apache-2.0 */
/* The stream rules for stanzas (RFC 6120 section 8.1, doc/conformance.md C1 to C5) on incoming streams. */
#ifndef S2S_STANZA_H
#define S2S_STANZA_H

#include "s2s/stream.h"

/* XEP-0205 section 4.5 */
#define STANZA_TOO_BIG "<stanza-too-big xmlns=\"urn:xmpp:errors\"/>"

/* message, presence or iq in jabber:server? */
bool stanza_is(const struct xml_node *e);
/* Hands it to the program, or ends the stream. */
void stanza_on_element(struct s2s_stream *s, struct xml_node *e);

/*
 * The reader met a limit inside this stanza, of which only name and attributes are known: its sender is told, where the
 * addresses are good and the pair is valid. The stream ends in any case.
 */
void stanza_refuse_big(struct s2s_stream *s, const struct xml_node *e);

#endif
