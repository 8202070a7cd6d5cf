/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of which policy is a security label (XEP-0258)? An ESS label (RFC 2634 section 3.2) names it by an object
 * identifier, one of STANAG 4774 by its name and perhaps a URI. A label that says it in no way that is known here is
 * of none that a statement names.
 */
#include <stdio.h>

#include "base/base64.h"
#include "policy/judge.h"

enum {
	DER_OID = 0x06,
	DER_SET = 0x31,
	LABEL_MAX = 4096, /* bytes of an ESS label */
	OID_TEXT = 256,
};

struct der {
	const unsigned char *p;
	size_t len;
};

/* Takes one value of DER off d: its tag and content. False: it is cut, or of a form that labels do not have. */
static bool der_take(struct der *d, unsigned *ret_tag, struct der *ret_content)
{
	size_t head = 2, len;

	if (d->len < 2 || (d->p[0] & 0x1f) == 0x1f)
		return false;
	len = d->p[1];
	if (len & 0x80) {
		size_t n = len & 0x7f;
		if (n == 0 || n > 2 || d->len < 2 + n)
			return false;
		len = n == 1 ? d->p[2] : (size_t)d->p[2] << 8 | d->p[3];
		head += n;
	}
	if (d->len - head < len)
		return false;
	*ret_tag = d->p[0];
	*ret_content = (struct der){ d->p + head, len };
	d->p += head + len;
	d->len -= head + len;
	return true;
}

/* In dotted form; empty when it is none. */
static struct str oid_text(struct der oid, char text[OID_TEXT])
{
	size_t at = 0;
	uint64_t arc = 0;
	bool first = true;

	for (size_t i = 0; i < oid.len; i++) {
		if (arc >> 50)
			return STRL("");
		arc = arc << 7 | (oid.p[i] & 0x7f);
		if (oid.p[i] & 0x80)
			continue;
		uint64_t top = arc < 80 ? arc / 40 : 2;
		int n = first
			? snprintf(text + at, OID_TEXT - at, "%llu.%llu", (unsigned long long)top,
				  (unsigned long long)(arc - 40 * top))
			: snprintf(text + at, OID_TEXT - at, ".%llu", (unsigned long long)arc);
		at += (size_t)n;
		if (at >= OID_TEXT)
			return STRL("");
		first = false;
		arc = 0;
	}
	return oid.len && !(oid.p[oid.len - 1] & 0x80) ? str_from(text, at) : STRL("");
}

/* ESSSecurityLabel ::= SET { security-policy-identifier OBJECT IDENTIFIER, ... } */
static struct str ess_policy(struct str base64, char text[OID_TEXT])
{
	unsigned char bytes[LABEL_MAX];
	struct der label, inside;
	unsigned tag;

	if (!base64_is(base64) || base64_size(base64) > sizeof(bytes))
		return STRL("");
	base64_decode(base64, bytes);
	label = (struct der){ bytes, base64_size(base64) };
	if (!der_take(&label, &tag, &inside) || tag != DER_SET || label.len)
		return STRL("");
	for (struct der value; der_take(&inside, &tag, &value);) {
		if (tag == DER_OID)
			return oid_text(value, text);
	}
	return STRL("");
}

static bool is_listed(const struct config_labels *l, struct str policy)
{
	for (size_t i = 0; policy.len && i < l->n; i++) {
		if (str_eq(l->policies[i], policy))
			return true;
	}
	return false;
}

/* As it is, or as the identifier in a URN (RFC 3061). */
static bool is_named(const struct config_labels *l, struct str policy)
{
	static const struct str urn = STR("urn:oid:");

	return is_listed(l, policy) ||
		(str_starts(policy, urn) && is_listed(l, str_skip(policy, urn.len)));
}

/* A label, or an equivalent of it: what it or something inside it says of its policy is named. */
static bool is_of_policy(const struct config_labels *l, struct xml_node *label)
{
	char text[OID_TEXT];
	struct walker w;

	walker_init(&w, label);
	for (struct xml_node *n = walker_next(&w); n; n = walker_next(&w)) {
		const struct xml_attr *uri;
		if (n->kind != XML_ELEM)
			continue;
		if (n->id == EL_ESS_ESSSECURITYLABEL && is_named(l, ess_policy(xml_text(n), text)))
			return true;
		if (n->id != EL_NATO_POLICYIDENTIFIER)
			continue;
		uri = judge_attr(n, AT_NATO_URI);
		if (is_named(l, xml_text(n)) || (uri && is_named(l, uri->value)))
			return true;
	}
	return false;
}

bool judge_label(struct judge *j, struct xml_node *e)
{
	const struct config_labels *l;

	j->labels++;
	if (j->r->kind != RECORD_MESSAGE || j->r->type == RECORD_ERROR || !j->c->n_labels)
		return false;
	l = config_labels_for(j->c, j->local, j->foreign);
	if (l && !is_of_policy(l, e) && judge_on(j, CONFIG_RULE_LABEL_POLICY))
		judge_refuse(j, CONFIG_RULE_LABEL_POLICY, COND_NOT_ACCEPTABLE,
			"the security label is of a policy that does not hold here");
	return false;
}
