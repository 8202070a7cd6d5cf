/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving side: an s2s listener that believes every certificate and every
 * dialback key, answers every db:verify with "valid", and checks marks for
 * order, loss and time. Runs in a thread of its own.
 */
#ifndef LOAD_SINK_H
#define LOAD_SINK_H

#include "meter.h"

/* A thread's main function; m is a struct meter. */
void *sink_main(void *m);

#endif
