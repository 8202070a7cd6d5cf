/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Silence on a stream that is ready (RFC 6120 section 4.6): first white space, so that a dead connection is
 * found out by the kernel; then a ping (XEP-0199) where stanzas of ours may be written, or a request for an
 * acknowledgement where they are counted (XEP-0198), so that a dead server is; then the end. A stream that
 * nobody uses ends, too.
 *
 * The answer to a ping comes on whatever stream they use for the pair. One-way incoming streams get no
 * ping: nothing but white space may be written there.
 */
#ifndef S2S_IDLE_H
#define S2S_IDLE_H

#include "s2s/pair.h"

/* When idle_act() is to be called next; UINT64_MAX: not as long as nothing happens. */
uint64_t idle_due(const struct s2s_stream *s);
/* Does what is due now, if anything is. */
void idle_act(struct s2s_stream *s);
/* Is this stanza, of the pair's bare domains, the answer to a ping of ours? It goes nowhere then. */
bool idle_is_answer(const struct xml_node *e, const struct jid *from, const struct jid *to);

#endif
