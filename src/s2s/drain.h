/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S2S_DRAIN_H
#define S2S_DRAIN_H

#include "s2s/stream.h"

/*
 * We are draining, and who opened this stream has nothing to ask: no key of ours is with them, so that all they could
 * want is to send. Told now, they go elsewhere at once.
 */
bool drain_refuses(const struct s2s_stream *s);

#endif
