/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending side: opens s2s streams as the server of the --from domains and
 * sends marked messages on them. Runs in a thread of its own until the sink
 * (role run) or the sockets (role source) have taken everything.
 */
#ifndef LOAD_SOURCE_H
#define LOAD_SOURCE_H

#include "meter.h"

/* A thread's main function; m is a struct meter. */
void *source_main(void *m);

#endif
