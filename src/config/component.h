/* SPDX-License-Identifier: Apache-2.0 */
/* `component` in the section of a server: foreign domains that reach it by XEP-0114. */
#ifndef CONFIG_COMPONENT_H
#define CONFIG_COMPONENT_H

#include "config/parser.h"

/* component = `component` ADDR [`tls`] `{` `domain` DOMAIN... `secret` FILE [`allow` `plaintext`] `}` */
bool component_rule(struct parser *p, struct section_row *row);

/* What the section of the server says beside them; at is the `server` statement. */
bool component_fits(struct parser *p, struct str at, const struct section_row *row);

/* What only the whole file shows: domains that are local, or refused. */
void component_check(struct parser *p);

void component_print(const struct config_component *m, struct buf *out);

#endif
