/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go: a descriptor that others may share, and that may be a pipe or a socket which nobody reads. A
 * line is taken whole or not at all, and nobody ever waits for it.
 *
 * The descriptor's own flags stay: O_NONBLOCK belongs to the open file, and whoever shares that would find it
 * changed. A pipe is opened a second time instead; where that is not permitted a line is written when there is
 * room for it, and only who fills a shared pipe in that very moment can make us wait.
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <limits.h>

#include "base/str.h"

/* Longer lines are not taken: only so much is written to a pipe in one piece. */
enum { SINK_LINE_MAX = PIPE_BUF };

/* What is behind the descriptor may have changed. Before the first call it is standard error. */
void sink_use(int fd);
bool sink_put(struct str line);

#endif
