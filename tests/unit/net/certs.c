/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

static char folder[64];

const char *certs_folder(void)
{
	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/net-test-XXXXXX");
		check(mkdtemp(folder));
	}
	return folder;
}

void certs_cleanup(void)
{
	char command[128];

	if (!folder[0])
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	check(system(command) == 0);
	folder[0] = '\0';
}

static char *path_of(const char *name, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.%s", certs_folder(), name, suffix);
	return str_dup_c(str_of(path));
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	check(ext);
	check(X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void write_files(const struct cert *c, const struct cert *issuer, bool with_key)
{
	FILE *f = fopen(c->cert_path, "w");

	check(f && PEM_write_X509(f, c->x509) == 1);
	if (issuer && X509_check_issued(issuer->x509, issuer->x509) != X509_V_OK)
		check(PEM_write_X509(f, issuer->x509) == 1);
	fclose(f);
	if (!with_key)
		return;
	f = fopen(c->key_path, "w");
	check(f && PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(f);
}

/* A key of these public parts, which need not be one of a real pair: nobody signs with it. */
static EVP_PKEY *public_key(const char *type, const char *const names[], const unsigned bits[])
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	BIGNUM *numbers[4] = { NULL };
	EVP_PKEY *key = NULL;

	for (int i = 0; names[i]; i++) {
		numbers[i] = BN_new();
		check(BN_set_bit(numbers[i], (int)bits[i] - 1) && BN_set_bit(numbers[i], 0));
		check(OSSL_PARAM_BLD_push_BN(build, names[i], numbers[i]));
	}
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	check(EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	for (int i = 0; names[i]; i++)
		BN_free(numbers[i]);
	return key;
}

static EVP_PKEY *explicit_curve_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	check(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1);
	return key;
}

static EVP_PKEY *make_key(const struct cert_spec *spec)
{
	static const char *const dsa[] = { "p", "q", "g", "pub", NULL };
	static const unsigned dsa_bits[] = { 2048, 256, 2000, 2001 };
	static const char *const rsa[] = { "n", "e", NULL };
	const unsigned rsa_bits[] = { (unsigned)spec->rsa_bits, 17 };

	switch (spec->key) {
	case CERT_KEY_DSA:
		return public_key("DSA", dsa, dsa_bits);
	case CERT_KEY_RSA_PUBLIC:
		return public_key("RSA", rsa, rsa_bits);
	case CERT_KEY_EXPLICIT_CURVE:
		return explicit_curve_key();
	default:
		return spec->rsa_bits ? EVP_RSA_gen((unsigned)spec->rsa_bits) : EVP_EC_gen("P-256");
	}
}

struct cert cert_make(const char *name, const struct cert_spec *spec, const struct cert *issuer)
{
	static long serial = 1;
	struct cert c = { .x509 = X509_new(),
		.key = make_key(spec),
		.cert_path = path_of(name, "crt"),
		.key_path = path_of(name, "key") };
	X509_NAME *subject = X509_NAME_new();

	check(c.x509 && c.key && subject);
	X509_set_version(c.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), (spec->from_days * 24L - 1) * 3600);
	int to_days = spec->to_days ? spec->to_days : 30;
	X509_gmtime_adj(X509_getm_notAfter(c.x509), to_days * 24L * 3600);
	const char *cn = spec->cn ? spec->cn : name;
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(c.x509, subject);
	X509_set_issuer_name(c.x509, issuer ? X509_get_subject_name(issuer->x509) : subject);
	X509_NAME_free(subject);
	X509_set_pubkey(c.x509, c.key);
	X509 *by = issuer ? issuer->x509 : c.x509;
	add_extension(c.x509, by, NID_basic_constraints,
		spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(c.x509, by, NID_key_usage, spec->ku);
	add_extension(c.x509, by, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(c.x509, by, NID_authority_key_identifier, "keyid");
	add_extension(c.x509, by, NID_ext_key_usage, spec->eku);
	add_extension(c.x509, by, NID_subject_alt_name, spec->san);
	add_extension(c.x509, by, NID_name_constraints, spec->constraints);
	check(X509_sign(c.x509, issuer ? issuer->key : c.key, EVP_sha256()) > 0);
	write_files(&c, issuer, spec->key == CERT_KEY_USUAL);
	return c;
}

void cert_free(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	free(c->cert_path);
	free(c->key_path);
}

struct net_creds *cert_creds(const struct cert *c)
{
	char err[256] = "";
	struct net_creds *creds = net_creds_load(c->cert_path, c->key_path, err, sizeof(err));

	if (!creds)
		fprintf(stderr, "%s\n", err);
	check(creds);
	return creds;
}

struct net_tls *cert_tls(enum net_tls_use use, const struct cert *ca)
{
	char err[256] = "";
	const char *files[] = { ca ? ca->cert_path : NULL };
	struct net_tls *tls = net_tls_new(use, files, ca ? 1 : 0, false, err, sizeof(err));

	if (!tls)
		fprintf(stderr, "%s\n", err);
	check(tls);
	return tls;
}

struct str cert_der(const struct cert *c)
{
	unsigned char *der = NULL;
	int len = i2d_X509(c->x509, &der);
	char *copy = malloc((size_t)len);

	check(len > 0 && copy);
	memcpy(copy, der, (size_t)len);
	OPENSSL_free(der);
	return str_from(copy, (size_t)len);
}
