/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that content rules look things up in: policies of security labels, fingerprints of texts. */
#ifndef CONFIG_CONTENT_H
#define CONFIG_CONTENT_H

#include "config/parser.h"

/* label = `label` `policy` ID... [`for` PATTERN...] [`at` PATTERN...] */
bool parse_label(struct parser *p);

/* Behind `refuse text`: FINGERPRINT... */
bool parse_refuse_text(struct parser *p);

void content_print(const struct config *c, struct buf *out);

#endif
