/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as text, for tests: unsigned numbers, t, f, n (null), 'text', <bytes>, [ ... ], separated
 * by spaces. The outermost array is not written: "1 7 0" is the echo of time 0.
 */
#ifndef TESTS_LINK_DIAG_H
#define TESTS_LINK_DIAG_H

#include "base/cbor.h"

void diag_encode(struct buf *out, const char *text);
/* Without the version, and with the name of the frame for its type. */
void diag_decode(struct buf *out, struct str frame);

#endif
