/* SPDX-License-Identifier: Apache-2.0 */
#include "node/prove.h"

#include "base/check.h"
#include "node/transport.h"

static struct proof_answer by_pkix(const struct net_conn *conn, struct str them)
{
	struct proof_answer a = { PROOF_NO, "domain has no A-label form" };
	struct arena arena;
	struct str ascii;

	arena_init(&arena, 8192);
	if (jid_domain_to_ascii(&arena, them, &ascii) == JID_OK &&
		net_conn_certificate(conn, ascii, &a.why) == NET_CERT_VALID)
		a = (struct proof_answer){ PROOF_YES, NULL };
	arena_done(&arena);
	return a;
}

/* A pinned key is theirs whoever signed it, and whatever names and dates the certificate has. */
static struct proof_answer by_pin(const struct net_conn *conn, const struct config_peer *peer)
{
	unsigned char key[32], cert[32];

	if (!net_conn_cert_digests(conn, key, cert))
		return (struct proof_answer){ PROOF_NO, "no certificate" };
	for (size_t i = 0; i < peer->n_pins; i++) {
		const struct config_pin *pin = &peer->pins[i];
		if (memcmp(pin->sha256, pin->certificate ? cert : key, sizeof(key)) == 0)
			return (struct proof_answer){ PROOF_YES, NULL };
	}
	return (struct proof_answer){ PROOF_NO, "the key is not a pinned one" };
}

/* Looks at what is wanted; afterwards none of these rows is untried. */
static void look(struct node *n, struct transport *t, struct str us, struct str them,
	const struct config_peer *peer, unsigned wanted, struct proof_table *table)
{
	static const struct proof_answer nothing = { PROOF_SILENT, "not looked up by this node" };
	const struct net_conn *conn = transport_conn(t);

	if (wanted & CONFIG_PKIX)
		table->by[POLICY_PROOF_PKIX] = by_pkix(conn, them);
	if (wanted & CONFIG_PIN)
		table->by[POLICY_PROOF_PIN] = by_pin(conn, peer);
	if (wanted & CONFIG_DANE)
		table->by[POLICY_PROOF_DANE] = nothing;
	if (wanted & CONFIG_POSH)
		table->by[POLICY_PROOF_POSH] = nothing;
	if ((wanted & (CONFIG_DANE | CONFIG_POSH)) && n->role->evidence)
		n->role->evidence(n, t, us, them, wanted, table);
}

/* The record of the decision, strongest proof first as in policy/proof.c. */
static void put_record(const struct proof_table *table, struct s2s_certified *ret)
{
	static const enum policy_proof order[] = { POLICY_PROOF_PIN, POLICY_PROOF_DANE,
		POLICY_PROOF_PKIX, POLICY_PROOF_POSH };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct proof_answer *a = &table->by[order[i]];
		if (a->said == PROOF_UNTRIED)
			continue;
		ret->said[ret->n_said++] = (struct s2s_said){ .proof = (enum s2s_proof)order[i],
			.word = proof_said_word(a->said),
			.why = a->why };
	}
}

static enum s2s_cert worth(const struct proof_verdict *v)
{
	if (v->decision == PROOF_WAIT)
		return S2S_CERT_LATER;
	if (v->decision == PROOF_ACCEPTED)
		return S2S_CERT_VALID;
	return v->denied ? S2S_CERT_DENIED : S2S_CERT_BAD;
}

void prove_certificate(struct node *n, struct transport *t, struct str us, struct str them,
	struct s2s_certified *ret)
{
	struct config_peer peer = n->role->proofs(n, us, them);
	struct proof_table table = { 0 };
	unsigned wanted;

	*ret = (struct s2s_certified){ .cert = S2S_CERT_NONE, .why = "no certificate" };
	if (!net_conn_cert_end(transport_conn(t)) || peer.refuse)
		return;
	peer.accept &= CONFIG_BY_CERTIFICATE;
	while ((wanted = proof_wanted(&peer, &table)))
		look(n, t, us, them, &peer, wanted, &table);
	const struct proof_verdict v = proof_judge(&peer, &table);
	ret->cert = worth(&v);
	ret->proof = (enum s2s_proof)v.proof;
	ret->why = v.why;
	put_record(&table, ret);
}
