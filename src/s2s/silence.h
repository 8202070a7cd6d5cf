/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of which an answer is due (XEP-0198) and that are silent: has the other side vanished? Only a stream with
 * acknowledgements can be given up for that: of another one nobody knows what the kernel has delivered.
 *
 * A list in the order of their times, which most streams leave with the answer before anything is looked at.
 */
#ifndef S2S_SILENCE_H
#define S2S_SILENCE_H

#include "s2s/stream.h"

/* They were asked something. */
void silence_begins(struct s2s_stream *s);
/* They answered, or nothing is awaited any more. */
void silence_broken(struct s2s_stream *s);
/* Looks at those whose time has come (ops->give_up), and when that will be next. */
void silence_tick(struct s2s_face *f);
uint64_t silence_due(const struct s2s_face *f);

#endif
