/* SPDX-License-Identifier: Apache-2.0 */
/* Domain patterns (an exact domain, "*.suffix", "any") in a first-match list. */
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include "base/arena.h"
#include "base/table.h"

/*
 * The entry of earlier that already matches everything pattern matches, or NULL. The keys of the
 * table are patterns. Time grows with the labels of the pattern, not with the table.
 */
void *pattern_shadow(const struct table *earlier, struct str pattern);

/*
 * Prepares a pattern as written. NULL, or a static text that says what is wrong with it.
 */
const char *pattern_prepare(struct arena *a, struct str written, struct str *ret_pattern);

#endif
