/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648 section 4), canonical only: padded, no other characters, unused bits zero. So each
 * sequence of bytes has one text, and each text one sequence.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

bool base64_is(struct str text);

/* Bytes of a text for which base64_is() is true, and these bytes. */
size_t base64_size(struct str text);
void base64_decode(struct str text, void *ret);

/* In the arena; NULL when its limit would be passed. */
struct str base64_text(struct str bytes, struct arena *a);
/* Appended; false when the buffer's limit would be passed. */
bool base64_append(struct buf *out, struct str bytes);

#endif
