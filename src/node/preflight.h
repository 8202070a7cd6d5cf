/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a configuration names, before a daemon starts with them: readable, keys that
 * belong to their certificates, certificates that name what they are used for and have not run out.
 * For `sallyport check` and for the option -n of the daemons.
 */
#ifndef NODE_PREFLIGHT_H
#define NODE_PREFLIGHT_H

#include "base/buf.h"
#include "config/config.h"

enum { PREFLIGHT_SOON_DAYS = 14 }; /* a certificate that ends earlier gets a warning */

/*
 * now_s: wall clock, seconds since 1970. One line per finding is appended to messages, warnings
 * with "warning: " in front. False when there is any error; warnings do not count.
 */
bool preflight(const struct config *c, long long now_s, struct buf *messages);

#endif
