/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only several files show: nodes that do not know each other, domains that one side has and the other has not,
 * peers whom no proof can bring through both. Each node decides by its own file, so most differences are lawful; what
 * can never work is an error, what is likely a slip is a warning.
 */
#ifndef CONFIG_TOGETHER_H
#define CONFIG_TOGETHER_H

#include "config/config.h"

/*
 * The files of some outers and inners that belong together; those that are not given are not missed. One line per
 * finding is appended to messages, warnings with "warning: " in front. False when there is any error.
 */
bool config_together(const struct config *const *configs, size_t n, struct buf *messages);

#endif
