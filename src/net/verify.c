/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of a peer's certificate, judged in the thread pool before the peer is authenticated, and
 * again in the loop while its stream stays up (RFC 6120 section 13.7.2.3).
 * First cheap limits on what it may cost us, then OpenSSL's path building, then the purpose:
 * server, in both roles of TLS (doc/conformance.md E11). For s2s a bad chain does not end the handshake,
 * as dialback may follow; one beyond the limits does.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "net/tls_int.h"

enum { CERTS_MAX = 10, RSA_BITS_MAX = 8192, DEPTH_MAX = 8 };

/* Static text, or NULL. */
static const char *key_beyond_limits(X509 *cert)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int explicit_curve = 0;

	if (!key)
		return "certificate with an unknown key";
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA)
		return "certificate with a DSA key";
	if (EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
		return "certificate with an oversized key";
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
		EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
			&explicit_curve) == 1 &&
		explicit_curve)
		return "certificate with explicit curve parameters";
	return NULL;
}

static const char *beyond_limits(const STACK_OF(X509) * sent)
{
	const char *problem = NULL;

	if (sk_X509_num(sent) > CERTS_MAX)
		return "too many certificates";
	for (int i = 0; i < sk_X509_num(sent) && !problem; i++)
		problem = key_beyond_limits(sk_X509_value(sent, i));
	return problem;
}

bool net_verify_for_servers(X509 *cert)
{
	uint32_t usage = X509_get_extended_key_usage(cert);

	return usage == UINT32_MAX || (usage & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0;
}

static const char *bad_leaf(X509 *cert)
{
	uint32_t flags = X509_get_extension_flags(cert);

	if (flags & EXFLAG_INVALID)
		return "malformed certificate";
	if (flags & EXFLAG_CA)
		return "a CA certificate as server certificate";
	uint32_t usage = X509_get_key_usage(cert);
	if (usage != UINT32_MAX &&
		!(usage & (KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT | KU_KEY_ENCIPHERMENT)))
		return "certificate is not for TLS";
	return NULL;
}

/* Purpose along the verified chain; the anchor at its end was trusted by the operator. */
static const char *bad_purpose(const STACK_OF(X509) * chain, bool *ret_constrained)
{
	int n = sk_X509_num(chain);
	bool constrained = false;

	for (int i = 0; i < n; i++) {
		X509 *cert = sk_X509_value(chain, i);
		if ((i == 0 || i < n - 1) && !net_verify_for_servers(cert))
			return i == 0 ? "certificate is not for servers"
				      : "issuer is not for servers";
		if (X509_get_ext_by_NID(cert, NID_name_constraints, -1) >= 0)
			constrained = true;
	}
	*ret_constrained = constrained;
	return NULL;
}

/* The first certificate to run out ends the proof. */
static void note_end(struct net_tls_peer *peer, const STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		long long end = net_time_of(X509_get0_notAfter(sk_X509_value(chain, i)));
		if (!peer->not_after || end < peer->not_after)
			peer->not_after = end;
	}
}

/* Lists of revoked certificates count where the operator gave them. */
static int on_error(int ok, X509_STORE_CTX *store)
{
	if (ok || X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* NULL, or a static text. */
static const char *judge(X509_STORE_CTX *store, struct net_tls_peer *peer)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	const char *problem = bad_leaf(leaf);

	peer->not_after = net_time_of(X509_get0_notAfter(leaf));
	if (problem)
		return problem;
	/* Purpose is our own check: OpenSSL's depends on the role, and knows no
	 * anyExtendedKeyUsage. */
	X509_VERIFY_PARAM_set_purpose(X509_STORE_CTX_get0_param(store), X509_PURPOSE_ANY);
	X509_STORE_CTX_set_verify_cb(store, on_error);
	if (X509_verify_cert(store) != 1)
		return X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	note_end(peer, X509_STORE_CTX_get0_chain(store));
	return bad_purpose(X509_STORE_CTX_get0_chain(store), &peer->constrained);
}

int net_verify_chain(X509_STORE_CTX *store, void *arg)
{
	const struct net_tls *t = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct net_tls_peer *peer = SSL_get_ex_data(ssl, net_tls_slot_peer());

	*peer = (struct net_tls_peer){ .seen = true };
	peer->problem = beyond_limits(X509_STORE_CTX_get0_untrusted(store));
	bool hopeless = peer->problem != NULL;
	if (!hopeless)
		peer->problem = judge(store, peer);
	ERR_clear_error();
	if (!peer->problem)
		return 1;
	if (X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return !hopeless && t->use == NET_TLS_S2S;
}

/* As the context would set it up for a handshake. */
static X509_STORE_CTX *store_new(const struct net_tls *t, X509 *cert, STACK_OF(X509) * sent)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();

	check(store && X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(t->ctx), cert, sent) == 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SSL_CTX_get_security_level(t->ctx));
	X509_VERIFY_PARAM_set_trust(param, X509_TRUST_SSL_SERVER);
	X509_VERIFY_PARAM_set_flags(param, X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(t->ctx)));
	X509_STORE_CTX_set_verify_cb(store, on_error);
	return store;
}

void net_verify_again(
	const struct net_tls *t, X509 *cert, STACK_OF(X509) * sent, struct net_tls_peer *peer)
{
	X509_STORE_CTX *store = store_new(t, cert, sent);

	*peer = (struct net_tls_peer){ .seen = true };
	peer->problem = judge(store, peer);
	X509_STORE_CTX_free(store);
	ERR_clear_error();
}

bool net_verify_by_dane(const struct net_tls *t, X509 *cert, STACK_OF(X509) * sent, SSL_DANE *dane)
{
	X509_STORE_CTX *store = store_new(t, cert, sent);

	X509_STORE_CTX_set0_dane(store, dane);
	bool ok = X509_verify_cert(store) == 1;
	X509_STORE_CTX_free(store);
	ERR_clear_error();
	return ok;
}
