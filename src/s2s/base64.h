/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4) for the short values of SASL. */
#ifndef S2S_BASE64_H
#define S2S_BASE64_H

#include "base/buf.h"

/* Appends the encoded form; false when the buffer's limit would be passed. */
bool base64_encode(struct buf *out, struct str s);

/* Strict: padded, no other characters, unused bits zero. ret has room for s.len / 4 * 3 bytes. */
bool base64_decode(struct str s, char *ret, size_t *ret_len);

#endif
