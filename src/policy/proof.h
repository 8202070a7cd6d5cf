/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision about a certificate: which proofs were tried, what each said, and whether that is
 * enough for the domain's `peer` statement. Several proofs give one association (RFC 7712): it is
 * named after the strongest one that holds, and the whole table is kept as its record.
 *
 * Dialback is no proof by certificate: it is what the stream layer falls back to where the statement
 * accepts it, and it stands in no table.
 */
#ifndef POLICY_PROOF_H
#define POLICY_PROOF_H

#include "policy/peer.h"

/* X(enumerator, word in status and logs) */
#define PROOF_SAID(X)                                                                              \
	X(PROOF_UNTRIED, "untried") /* not looked at */                                            \
	X(PROOF_PENDING, "pending") /* an answer is on its way */                                  \
	X(PROOF_SILENT, "silent") /* there is nothing that could say yes or no: no TLSA record */  \
	X(PROOF_NO, "no") /* does not prove the domain; another proof may */                       \
	X(PROOF_DENIES, "denies") /* contradicts the certificate: no other proof may save it */    \
	X(PROOF_YES, "yes")

enum proof_said {
#define X(id, word) id,
	PROOF_SAID(X)
#undef X
};
const char *proof_said_word(enum proof_said said);

struct proof_answer {
	enum proof_said said;
	const char *why; /* static, or NULL */
};

/* By enum policy_proof; the rows of none and dialback stay untried. */
struct proof_table {
	struct proof_answer by[POLICY_PROOF_COUNT];
};

enum proof_decision { PROOF_REFUSED, PROOF_WAIT, PROOF_ACCEPTED };

struct proof_verdict {
	enum proof_decision decision;
	enum policy_proof proof; /* accepted: what the association is named after */
	const char *why; /* refused: static */
	bool denied; /* refused: the certificate is not theirs, whatever else may speak for it */
};

/* Bits of enum config_proof that are worth looking at now; 0: the table is complete. */
unsigned proof_wanted(const struct config_peer *peer, const struct proof_table *t);

/* Enough? PROOF_WAIT only while something is pending that may change the answer. */
struct proof_verdict proof_judge(const struct config_peer *peer, const struct proof_table *t);

#endif
