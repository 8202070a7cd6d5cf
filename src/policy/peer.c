/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/peer.h"

const struct config_peer *policy_peer(const struct config *c, struct str foreign)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		if (config_match(c->peers[i].pattern, foreign))
			return &c->peers[i];
	}
	return NULL;
}

bool policy_accepts_proof(const struct config *c, struct str foreign, uint8_t proof)
{
	static const enum config_proof bits[POLICY_PROOF_COUNT] = {
		[POLICY_PROOF_PKIX] = CONFIG_PKIX,
		[POLICY_PROOF_DIALBACK] = CONFIG_DIALBACK,
		[POLICY_PROOF_DANE] = CONFIG_DANE,
		[POLICY_PROOF_POSH] = CONFIG_POSH,
		[POLICY_PROOF_PIN] = CONFIG_PIN,
	};
	const struct config_peer *peer = policy_peer(c, foreign);

	if (!peer || peer->refuse || proof >= POLICY_PROOF_COUNT)
		return false;
	return (peer->accept & bits[proof]) != 0;
}
