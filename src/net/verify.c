/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of a peer's certificate, judged in the thread pool before the peer is authenticated.
 * First cheap limits on what it may cost us, then OpenSSL's path building, then the purpose:
 * server, in both roles of TLS (doc/conformance.md E11). For s2s a bad chain does not end the handshake,
 * as dialback may follow; one beyond the limits does.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "net/tls_int.h"

enum { CERTS_MAX = 10, RSA_BITS_MAX = 8192 };

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

/* EKU absent, anyExtendedKeyUsage or serverAuth. */
static bool for_servers(X509 *cert)
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
		if ((i == 0 || i < n - 1) && !for_servers(cert))
			return i == 0 ? "certificate is not for servers"
				      : "issuer is not for servers";
		if (X509_get_ext_by_NID(cert, NID_name_constraints, -1) >= 0)
			constrained = true;
	}
	*ret_constrained = constrained;
	return NULL;
}

/* verify.c's verdict: NULL, or a static text. */
static const char *judge(X509_STORE_CTX *store, bool *ret_constrained)
{
	const char *problem = bad_leaf(X509_STORE_CTX_get0_cert(store));

	if (problem)
		return problem;
	if (X509_verify_cert(store) != 1)
		return X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	return bad_purpose(X509_STORE_CTX_get0_chain(store), ret_constrained);
}

int net_verify_chain(X509_STORE_CTX *store, void *arg)
{
	const struct net_tls *t = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct net_tls_peer *peer = SSL_get_ex_data(ssl, net_tls_slot_peer());

	peer->seen = true;
	peer->constrained = false;
	peer->problem = beyond_limits(X509_STORE_CTX_get0_untrusted(store));
	bool hopeless = peer->problem != NULL;
	/* Purpose is our own check: OpenSSL's depends on the role, and knows no
	 * anyExtendedKeyUsage. */
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	if (!hopeless)
		peer->problem = judge(store, &peer->constrained);
	ERR_clear_error();
	if (!peer->problem)
		return 1;
	if (X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return !hopeless && t->use == NET_TLS_S2S;
}
