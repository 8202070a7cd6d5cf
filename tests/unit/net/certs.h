/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates for tests, made on the spot in a folder of their own. */
#ifndef TESTS_NET_CERTS_H
#define TESTS_NET_CERTS_H

#include <openssl/x509.h>

#include "net/tls.h"

/* Unusual ones; the first two are public keys alone, which nobody can sign with. */
enum cert_key { CERT_KEY_USUAL, CERT_KEY_DSA, CERT_KEY_RSA_PUBLIC, CERT_KEY_EXPLICIT_CURVE };

struct cert_spec {
	const char *cn;
	/* A GENERAL_NAMES value in the language of OpenSSL's x509v3_config, or NULL. */
	const char *san;
	const char *eku;
	const char *ku;
	const char *constraints; /* nameConstraints */
	bool ca;
	int from_days; /* relative to now; to_days 0: 30 */
	int to_days;
	int rsa_bits; /* 0: P-256 */
	enum cert_key key;
};

struct cert {
	X509 *x509;
	EVP_PKEY *key;
	char *cert_path;
	char *key_path;
};

/* The folder of this process, made at the first call and removed by certs_cleanup(). */
const char *certs_folder(void);
void certs_cleanup(void);

/* issuer NULL: self-signed. Writes NAME.crt (with the chain up to, not including, a self-signed
 * issuer) and NAME.key. */
struct cert cert_make(const char *name, const struct cert_spec *spec, const struct cert *issuer);
void cert_free(struct cert *c);
struct net_creds *cert_creds(const struct cert *c);
/* A context that trusts this CA; NULL: nothing. */
struct net_tls *cert_tls(enum net_tls_use use, const struct cert *ca);
/* The certificate as DER; the caller frees p. */
struct str cert_der(const struct cert *c);

#endif
