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
	const struct config_peer *peer = policy_peer(c, foreign);

	if (!peer || peer->refuse)
		return false;
	switch (proof) {
	case POLICY_PROOF_PKIX:
		return peer->accept & CONFIG_PKIX;
	case POLICY_PROOF_DIALBACK:
		return peer->accept & CONFIG_DIALBACK;
	default:
		return false;
	}
}
