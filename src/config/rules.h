/* SPDX-License-Identifier: Apache-2.0 */
/* The statements about stanzas: `rule`, and `refuse` and `allow from` for addresses. */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config/parser.h"

/* rule = `rule` NAME (`on` | `off`) [`for` PATTERN...] [`at` PATTERN...] */
bool parse_rule(struct parser *p);

/* refuse = `refuse` `text` FINGERPRINT... | `refuse` [`from` ADDRESS...] [`to` ADDRESS...] [`silently`] */
bool parse_refuse(struct parser *p);

/* allow = `allow` [`from` ADDRESS...] [`to` ADDRESS...]; the current token is its first word. */
bool parse_allow_stanzas(struct parser *p);

/* Defaults that only the whole file shows. */
void rules_fill(struct config *c);

/* PATTERN..., up to `for` or `at` */
bool rules_patterns(struct parser *p, struct str **list, size_t *n);
/* Does a list of words go on? Not with `for` and `at`. */
bool rules_list_goes_on(const struct parser *p);

void rules_put_patterns(struct buf *out, const char *word, const struct str *list, size_t n);
void rules_print(const struct config *c, struct buf *out);

#endif
