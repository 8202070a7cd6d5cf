/* SPDX-License-Identifier: Apache-2.0 */
/* The statements about who takes part: our domains and nodes, local servers, foreign peers. */
#ifndef CONFIG_PARTIES_H
#define CONFIG_PARTIES_H

#include "config/parser.h"

/* domain = `domain` DOMAIN... `{` `certificate` FILE `key` FILE `}` */
bool parse_domain(struct parser *p);

/*
 * listen = `listen` `s2s` ADDR [`tls`]
 *        | `listen` `link` ( ADDR | `nats` ) `{` `certificate` FILE `key` FILE `trust` FILE `accept` NAME... `}`
 */
bool parse_listen(struct parser *p);

/* link = `link` NAME ( ADDR | `nats` ) `{` `certificate` FILE `key` FILE `trust` FILE `}` */
bool parse_link(struct parser *p);

/* nats = `nats` ADDR... `{` `certificate` FILE `key` FILE `trust` FILE `}` */
bool parse_nats(struct parser *p);

/*
 * server = `server` NAME ADDR `{` `domain` DOMAIN... [`trust` FILE] [`require` REQUIRE...]
 *          [`accept` PROOF...] [`allow` `plaintext`] [component...] `}`
 */
bool parse_server(struct parser *p);

/*
 * peer = `peer` PATTERN... `{` ( `refuse` | [`require` REQUIRE...] [`accept` PROOF...]
 *        [`pin` PIN...] [`allow` `plaintext`] ) `}`
 */
bool parse_peer(struct parser *p);

#endif
