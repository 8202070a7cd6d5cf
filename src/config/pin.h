/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of keys and certificates in configuration texts. */
#ifndef CONFIG_PIN_H
#define CONFIG_PIN_H

#include "base/str.h"

/*
 * "sha256/" and 44 characters of base64 (RFC 7469 section 2.4) or 64 hexadecimal digits. NULL, or a
 * static text that says what is wrong; then ret is not set.
 */
const char *pin_digest(struct str s, unsigned char ret[32]);

#endif
