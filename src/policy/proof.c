/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of proofs by certificate stands in order of strength. One that denies decides alone: where
 * a domain's owner has published which key is theirs (DANE), a CA's word for another one is worth
 * nothing (RFC 7671 section 4.2, RFC 7673 section 4). So DANE is waited for before anything is
 * accepted, and POSH, which costs a connection, is only looked at when nothing else has said yes.
 */
#include "policy/proof.h"

static const struct {
	enum policy_proof proof;
	enum config_proof bit;
} strength[] = {
	{ POLICY_PROOF_PIN, CONFIG_PIN },
	{ POLICY_PROOF_DANE, CONFIG_DANE },
	{ POLICY_PROOF_PKIX, CONFIG_PKIX },
	{ POLICY_PROOF_POSH, CONFIG_POSH },
};

#define EACH_PROOF(i) for (size_t i = 0; i < sizeof(strength) / sizeof(strength[0]); i++)

const char *proof_said_word(enum proof_said said)
{
	static const char *const words[] = {
#define X(id, word) word,
		PROOF_SAID(X)
#undef X
	};
	return words[said];
}

/* The bits whose rows say this. */
static unsigned those(const struct proof_table *t, enum proof_said said)
{
	unsigned bits = 0;

	EACH_PROOF(i)
	{
		if (t->by[strength[i].proof].said == said)
			bits |= strength[i].bit;
	}
	return bits;
}

static bool enough(const struct config_peer *peer, unsigned yes)
{
	return peer->require ? !(peer->require & ~yes) : (peer->accept & yes) != 0;
}

unsigned proof_wanted(const struct config_peer *peer, const struct proof_table *t)
{
	unsigned untried = peer->accept & those(t, PROOF_UNTRIED);
	unsigned cheap = untried & ~(unsigned)CONFIG_POSH;

	if (cheap)
		return cheap;
	if (those(t, PROOF_DENIES) || those(t, PROOF_PENDING) ||
		(!peer->require && enough(peer, those(t, PROOF_YES))))
		return 0;
	return untried;
}

/* The reason of the strongest row with one among these; those that said no come before the silent. */
static const char *reason(const struct proof_table *t, unsigned among)
{
	static const enum proof_said order[] = { PROOF_DENIES, PROOF_NO, PROOF_SILENT };

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		EACH_PROOF(i)
		{
			const struct proof_answer *a = &t->by[strength[i].proof];
			if ((among & strength[i].bit) && a->said == order[k] && a->why)
				return a->why;
		}
	}
	return "the certificate proves nothing that is accepted";
}

static enum policy_proof strongest(unsigned bits)
{
	EACH_PROOF(i)
	{
		if (bits & strength[i].bit)
			return strength[i].proof;
	}
	return POLICY_PROOF_NONE;
}

static struct proof_verdict refused(const struct proof_table *t, unsigned among)
{
	return (struct proof_verdict){ .decision = PROOF_REFUSED, .why = reason(t, among) };
}

struct proof_verdict proof_judge(const struct config_peer *peer, const struct proof_table *t)
{
	unsigned accept = peer->accept & CONFIG_BY_CERTIFICATE;
	unsigned yes = accept & those(t, PROOF_YES);
	unsigned pending = accept & those(t, PROOF_PENDING);
	unsigned denied = accept & those(t, PROOF_DENIES);

	if (denied) {
		struct proof_verdict v = refused(t, denied);
		v.denied = true;
		return v;
	}
	if (peer->require & ~(yes | pending))
		return refused(t, peer->require & ~yes & CONFIG_BY_CERTIFICATE);
	if (enough(peer, yes) && !(pending & CONFIG_DANE))
		return (struct proof_verdict){
			.decision = PROOF_ACCEPTED,
			.proof = strongest(peer->require ? yes & peer->require : yes),
		};
	if (pending)
		return (struct proof_verdict){ .decision = PROOF_WAIT };
	return refused(t, accept);
}
