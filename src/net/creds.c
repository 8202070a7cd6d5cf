/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "net/tls_int.h"

enum { CHAIN_MAX = 10 };

long long net_time_of(const ASN1_TIME *t)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (long long)timegm(&tm);
}

struct net_creds *net_creds_new(X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain)
{
	struct net_creds *c = calloc(1, sizeof(*c));

	check(c);
	c->refs = 1;
	c->cert = cert;
	c->key = key;
	c->chain = chain;
	c->not_after = net_time_of(X509_get0_notAfter(cert));
	return c;
}

bool net_creds_for_servers(const struct net_creds *c)
{
	return net_verify_for_servers(c->cert);
}

struct net_creds *net_creds_ref(struct net_creds *c)
{
	c->refs++;
	return c;
}

void net_creds_unref(struct net_creds *c)
{
	if (!c || --c->refs > 0)
		return;
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	sk_X509_pop_free(c->chain, X509_free);
	free(c);
}

/* Nobody is there to type a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	return -1;
}

static bool read_chain(BIO *file, X509 **ret_cert, STACK_OF(X509) * *ret_chain)
{
	X509 *cert = PEM_read_bio_X509(file, NULL, no_passphrase, NULL);

	if (!cert)
		return false;
	*ret_cert = cert;
	*ret_chain = sk_X509_new_null();
	check(*ret_chain);
	while (sk_X509_num(*ret_chain) < CHAIN_MAX &&
		(cert = PEM_read_bio_X509(file, NULL, no_passphrase, NULL)) != NULL)
		sk_X509_push(*ret_chain, cert);
	ERR_clear_error(); /* the end of the file is one */
	return true;
}

static struct net_creds *load_certificate(const char *path, char *err, size_t err_size)
{
	X509 *cert = NULL;
	STACK_OF(X509) *chain = NULL;

	ERR_clear_error();
	BIO *file = BIO_new_file(path, "r");
	bool ok = file && read_chain(file, &cert, &chain);
	BIO_free(file);
	if (ok)
		return net_creds_new(cert, NULL, chain);
	net_tls_error(err, err_size, path);
	return NULL;
}

static EVP_PKEY *load_key(const char *path, char *err, size_t err_size)
{
	ERR_clear_error();
	BIO *file = BIO_new_file(path, "r");
	EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;

	BIO_free(file);
	if (!key)
		net_tls_error(err, err_size, path);
	return key;
}

/* A handshake that only begins tells whether OpenSSL would accept these credentials. */
static bool usable(const struct net_creds *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	check(ctx);
	SSL_CTX_set_security_level(ctx, 2);
	bool ok = SSL_CTX_use_cert_and_key(ctx, c->cert, c->key, c->chain, 1) == 1;
	SSL_CTX_free(ctx);
	return ok;
}

struct net_creds *net_creds_load(
	const char *certificate, const char *key, char *err, size_t err_size)
{
	struct net_creds *c = load_certificate(certificate, err, err_size);

	if (!c)
		return NULL;
	c->key = load_key(key, err, err_size);
	if (c->key && X509_check_private_key(c->cert, c->key) != 1) {
		snprintf(err, err_size, "%s: is not the key of %s", key, certificate);
		ERR_clear_error();
	} else if (c->key && !usable(c)) {
		net_tls_error(err, err_size, certificate);
	} else if (c->key) {
		return c;
	}
	net_creds_unref(c);
	return NULL;
}

bool net_creds_use(SSL *ssl, const struct net_creds *c)
{
	return SSL_use_cert_and_key(ssl, c->cert, c->key, c->chain, 1) == 1;
}

long long net_creds_not_after(const struct net_creds *c)
{
	return c->not_after;
}

bool net_creds_covers(const struct net_creds *c, struct str ascii_domain)
{
	const char *why;

	return net_identity_names(c->cert, ascii_domain, NET_IDENTITY_DNS, &why);
}
