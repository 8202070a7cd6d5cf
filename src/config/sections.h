/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand inside the braces of each statement. */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/parser.h"

extern const struct section section_domain;
extern const struct section section_listen_link;
extern const struct section section_link;
extern const struct section section_nats;
extern const struct section section_server;
extern const struct section section_mint;
extern const struct section section_peer;

/*
 * What `require`, `accept`, `pin`, `allow plaintext` and `refuse` of a row mean together; at is where
 * contradictions are shown, possible the proofs that can be made at all.
 */
bool section_proofs(struct parser *p, struct str at, const struct section_row *row,
	unsigned possible, unsigned *ret_accept, unsigned *ret_require);

/* Rules that more than one section has. */
/* `domain` DOMAIN... */
bool section_domains(struct parser *p, struct section_row *row);
/* `allow` `plaintext` */
bool section_allow(struct parser *p, struct section_row *row);

/* The words of the proofs: word i is bit 1 << i of enum config_proof. */
enum { PROOF_WORDS = 5 };
extern const char *const proof_words[PROOF_WORDS];

#endif
