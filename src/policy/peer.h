/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which foreign domains may take part, and what must prove them. First match wins; what the
 * configuration does not say is written out in config_print().
 */
#ifndef POLICY_PEER_H
#define POLICY_PEER_H

#include "config/config.h"

/* X(enumerator, word in status and logs); the order is part of the wire format (doc/link.md). */
#define POLICY_PROOFS(X)                                                                           \
	X(POLICY_PROOF_NONE, "none")                                                               \
	X(POLICY_PROOF_PKIX, "pkix")                                                               \
	X(POLICY_PROOF_DIALBACK, "dialback")                                                       \
	X(POLICY_PROOF_DANE, "dane")                                                               \
	X(POLICY_PROOF_POSH, "posh")                                                               \
	X(POLICY_PROOF_PIN, "pin")                                                                 \
	X(POLICY_PROOF_SECRET, "secret")

enum policy_proof {
#define X(id, word) id,
	POLICY_PROOFS(X)
#undef X
		POLICY_PROOF_COUNT
};

/* The statement for this prepared foreign domain; NULL: none matches, which refuses. */
const struct config_peer *policy_peer(const struct config *c, struct str foreign);

/*
 * Does the statement for this domain accept a peer that was proved in this way, as the other node
 * claims? A claim names one proof: where several are required, one of them is taken for all.
 */
bool policy_accepts_proof(const struct config *c, struct str foreign, uint8_t proof);

#endif
