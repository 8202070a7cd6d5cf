/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in certificates: subjectAltName only, never the subject (D10, D11). Presented names are
 * bytes of a peer: anything but plain ASCII letters, digits, '-', '_' and '.' fails to match.
 */
#include "net/identity.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "net/tls_int.h"

enum { NAMES_MAX = 2048 };

static bool is_host_char(char c)
{
	c = str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* The same name; only names of plain characters are. */
static bool same_name(struct str presented, struct str domain)
{
	if (presented.len != domain.len || domain.len == 0)
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		if (!is_host_char(presented.p[i]) ||
			str_lower(presented.p[i]) != str_lower(domain.p[i]))
			return false;
	}
	return true;
}

static struct str after_first_dot(struct str s)
{
	const char *dot = s.len ? memchr(s.p, '.', s.len) : NULL;

	return dot ? str_skip(s, (size_t)(dot - s.p) + 1) : (struct str){ s.p, 0 };
}

/* "*.b.c" for "a.b.c": the whole first label, and at least two more. */
static bool wildcard_covers(struct str presented, struct str domain)
{
	if (!str_starts(presented, STRL("*.")) || domain.len == 0 || domain.p[0] == '.' ||
		domain.p[0] == '*')
		return false;
	struct str parent = after_first_dot(domain);
	return after_first_dot(parent).len > 0 && same_name(str_skip(presented, 2), parent);
}

static bool dns_names(struct str presented, struct str domain)
{
	return same_name(presented, domain) || wildcard_covers(presented, domain);
}

static bool srv_names(struct str presented, struct str domain)
{
	static const struct str service = STR("_xmpp-server.");

	return presented.len > service.len &&
		same_name(str_from(presented.p, service.len), service) &&
		same_name(str_skip(presented, service.len), domain);
}

static struct str asn1_bytes(const ASN1_STRING *s)
{
	return str_from(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool other_names(const OTHERNAME *other, struct str domain)
{
	int nid = OBJ_obj2nid(other->type_id);
	const ASN1_TYPE *value = other->value;

	if (nid == NID_SRVName && value->type == V_ASN1_IA5STRING)
		return srv_names(asn1_bytes(value->value.ia5string), domain);
	if (nid == NID_XmppAddr && value->type == V_ASN1_UTF8STRING)
		return same_name(asn1_bytes(value->value.utf8string), domain);
	return false;
}

static bool general_names(
	const GENERAL_NAME *name, struct str domain, enum net_identity_kinds kinds)
{
	if (name->type == GEN_DNS)
		return dns_names(asn1_bytes(name->d.dNSName), domain);
	return kinds == NET_IDENTITY_ALL && name->type == GEN_OTHERNAME &&
		other_names(name->d.otherName, domain);
}

static GENERAL_NAMES *names_of(X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	ERR_clear_error();
	return names;
}

bool net_identity_names(
	X509 *cert, struct str domain, enum net_identity_kinds kinds, const char **ret_why)
{
	GENERAL_NAMES *names = names_of(cert);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;
	bool found = false;

	*ret_why = n == 0 ? "certificate without names" : "certificate is for another domain";
	if (n > NAMES_MAX) {
		*ret_why = "too many names in the certificate";
		n = 0;
	}
	for (int i = 0; i < n && !found; i++)
		found = general_names(sk_GENERAL_NAME_value(names, i), domain, kinds);
	GENERAL_NAMES_free(names);
	return found;
}

bool net_identity_exact(X509 *cert, struct str wanted)
{
	GENERAL_NAMES *names = names_of(cert);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		found = name->type == GEN_DNS && same_name(asn1_bytes(name->d.dNSName), wanted);
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool net_identity_der_names(struct str der, struct str domain, const char **ret_why)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	ERR_clear_error();
	*ret_why = "malformed certificate";
	bool ok = cert && net_identity_names(cert, domain, NET_IDENTITY_ALL, ret_why);
	X509_free(cert);
	return ok;
}
