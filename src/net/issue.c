/* SPDX-License-Identifier: Apache-2.0 */
#include "net/issue.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/random.h"

enum { NAME_LEN_MAX = 253 };

EVP_PKEY *net_issue_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	check(key);
	return key;
}

static void set_serial(X509 *cert)
{
	unsigned char bytes[16];

	random_bytes(bytes, sizeof(bytes));
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and 16 octets long */
	BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	check(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)));
	BN_free(n);
}

static void set_names(X509 *cert, const struct net_issue_settings *s)
{
	X509_NAME *subject = X509_NAME_new();
	const char *kind = s->subject_cn ? "CN" : "O";
	const char *value = s->subject_cn ? s->subject_cn : "Sallyport";

	check(subject);
	check(X509_NAME_add_entry_by_txt(
		      subject, kind, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1);
	X509_set_subject_name(cert, subject);
	X509_set_issuer_name(cert, s->issuer ? X509_get_subject_name(s->issuer) : subject);
	X509_NAME_free(subject);
}

/* An IP address, or NULL when it is none. */
static GENERAL_NAME *ip_name(struct str name)
{
	char text[NAME_LEN_MAX + 1];

	memcpy(text, name.p, name.len);
	text[name.len] = 0;
	ASN1_OCTET_STRING *bytes = a2i_IPADDRESS(text);
	if (!bytes) {
		ERR_clear_error();
		return NULL;
	}
	GENERAL_NAME *general = GENERAL_NAME_new();
	check(general);
	GENERAL_NAME_set0_value(general, GEN_IPADD, bytes);
	return general;
}

static GENERAL_NAME *dns_name(struct str name)
{
	GENERAL_NAME *general = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	check(general && text && ASN1_STRING_set(text, name.p, (int)name.len) == 1);
	GENERAL_NAME_set0_value(general, GEN_DNS, text);
	return general;
}

static void add(X509 *cert, int nid, void *value, bool critical)
{
	check(X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_APPEND) == 1);
}

static void add_alt_names(X509 *cert, const struct str *names, size_t n, bool addresses)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	check(all);
	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *ip = addresses ? ip_name(names[i]) : NULL;
		check(sk_GENERAL_NAME_push(all, ip ? ip : dns_name(names[i])) > 0);
	}
	add(cert, NID_subject_alt_name, all, false);
	GENERAL_NAMES_free(all);
}

static void add_constraints(X509 *cert, const char *const *excluded, size_t n)
{
	NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();

	check(constraints);
	constraints->excludedSubtrees = sk_GENERAL_SUBTREE_new_null();
	check(constraints->excludedSubtrees);
	for (size_t i = 0; i < n; i++) {
		GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
		check(tree);
		GENERAL_NAME_free(tree->base);
		tree->base = dns_name(str_of(excluded[i]));
		check(sk_GENERAL_SUBTREE_push(constraints->excludedSubtrees, tree) > 0);
	}
	add(cert, NID_name_constraints, constraints, true);
	NAME_CONSTRAINTS_free(constraints);
}

static void add_basic(X509 *cert, bool is_ca)
{
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();

	check(basic);
	basic->ca = is_ca ? 0xff : 0;
	if (is_ca) {
		basic->pathlen = ASN1_INTEGER_new();
		check(basic->pathlen && ASN1_INTEGER_set(basic->pathlen, 0) == 1);
	}
	add(cert, NID_basic_constraints, basic, true);
	BASIC_CONSTRAINTS_free(basic);
}

static void add_text(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	check(ext && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void add_extensions(X509 *cert, const struct net_issue_settings *s)
{
	X509 *issuer = s->issuer ? s->issuer : cert;

	add_basic(cert, s->is_ca);
	add_text(cert, issuer, NID_key_usage,
		s->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	add_text(cert, issuer, NID_subject_key_identifier, "hash");
	if (X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0)
		add_text(cert, issuer, NID_authority_key_identifier, "keyid");
	if (!s->is_ca)
		add_text(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
	if (s->n_names)
		add_alt_names(cert, s->names, s->n_names, s->addresses);
	if (s->n_excluded)
		add_constraints(cert, s->excluded, s->n_excluded);
}

static bool names_fit(const struct net_issue_settings *s)
{
	if (s->subject_cn && strlen(s->subject_cn) > 64)
		return false;
	for (size_t i = 0; i < s->n_names; i++) {
		if (s->names[i].len == 0 || s->names[i].len > NAME_LEN_MAX)
			return false;
		for (size_t k = 0; k < s->names[i].len; k++) {
			unsigned char c = (unsigned char)s->names[i].p[k];
			if (c <= ' ' || c >= 0x7f)
				return false;
		}
	}
	return true;
}

X509 *net_issue(const struct net_issue_settings *s)
{
	if (!names_fit(s))
		return NULL;
	X509 *cert = X509_new();
	check(cert);
	X509_set_version(cert, X509_VERSION_3);
	set_serial(cert);
	check(ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)s->from_s));
	check(ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)s->to_s));
	set_names(cert, s);
	X509_set_pubkey(cert, s->key);
	add_extensions(cert, s);
	if (X509_sign(cert, s->issuer ? s->issuer_key : s->key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	ERR_clear_error();
	return NULL;
}
