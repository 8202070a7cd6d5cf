/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains. A plain ASCII name needs no library. Any other goes to its A-label form and
 * back (IDNA2008 with the mapping of UTS 46, non-transitional), and must survive:
 *
 *	in --to ascii--> A --to unicode--> U --to ascii--> A again
 *
 * and U must also be what nameprep makes of it. Names where IDNA2008 and nameprep differ
 * (sharp s, final sigma, joiners) are refused: the servers on both sides would take them
 * for another domain.
 */
#include "jid/prepare.h"

#include <idn2.h>
#include <stringprep.h>

enum { LABEL_MAX = 63, DOMAIN_MAX = 253 };

static bool is_a_label(struct str label)
{
	return str_starts(label, STRL("xn--"));
}

/* The ends of a label; its characters were checked. */
static bool label_ok(struct str label, bool a_labels)
{
	return label.len >= 1 && label.len <= LABEL_MAX && label.p[0] != '-' &&
		label.p[label.len - 1] != '-' && (a_labels || !is_a_label(label));
}

static bool digits(struct str s, const char *set)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!strchr(set, s.p[i]))
			return false;
	}
	return true;
}

/* A last label that resolvers may take for an IPv4 number. */
static bool is_number(struct str label)
{
	if (digits(label, "0123456789"))
		return true;
	return str_starts(label, STRL("0x")) && digits(str_skip(label, 2), "0123456789abcdef");
}

bool prepare_is_plain_domain(struct str s, bool a_labels)
{
	size_t start = 0, labels = 0;

	if (s.len == 0 || s.len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && !(prepare_class[(unsigned char)s.p[i]] & CLASS_DOMAIN))
			return false;
		if (i < s.len && s.p[i] != '.')
			continue;
		struct str label = str_from(s.p + start, i - start);
		if (!label_ok(label, a_labels))
			return false;
		labels++;
		if (i == s.len && is_number(label))
			return false; /* an IPv4 address, or what some take for one */
		start = i + 1;
	}
	return labels >= 2;
}

/* One trailing dot goes, as a full stop or one of those that IDNA takes for it. */
static struct str without_dot(struct str in)
{
	static const struct str dots[] = { STR("."), STR("\xe3\x80\x82"), STR("\xef\xbc\x8e"),
		STR("\xef\xbd\xa1") };

	for (size_t i = 0; i < sizeof(dots) / sizeof(*dots); i++) {
		if (str_ends(in, dots[i]))
			return str_from(in.p, in.len - dots[i].len);
	}
	return in;
}

/* Lower case; false when an ASCII character is none of a domain. */
static bool fold(struct str in, char *out, size_t *ret_len, bool *ret_ascii)
{
	*ret_ascii = true;
	for (size_t i = 0; i < in.len; i++) {
		char c = str_lower(in.p[i]);
		if ((unsigned char)c >= 0x80)
			*ret_ascii = false;
		else if (!(prepare_class[(unsigned char)c] & CLASS_DOMAIN))
			return false;
		out[i] = c;
	}
	out[in.len] = '\0';
	*ret_len = in.len;
	return true;
}

/* The A-label form in out (PREPARE_ROOM bytes, terminated), or false. */
static bool to_ascii(const char *name, char *out)
{
	char *ascii = NULL;

	if (idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	size_t len = strlen(ascii);
	bool ok = prepare_is_plain_domain(str_from(ascii, len), true);
	if (ok)
		memcpy(out, ascii, len + 1);
	idn2_free(ascii);
	return ok;
}

static bool to_unicode(const char *ascii, char *out)
{
	char *text = NULL;

	if (idn2_to_unicode_8z8z(ascii, &text, 0) != IDN2_OK)
		return false;
	size_t len = strlen(text);
	bool ok = len > 0 && len < PREPARE_ROOM;
	if (ok)
		memcpy(out, text, len + 1);
	idn2_free(text);
	return ok;
}

static bool nameprep_agrees(const char *name)
{
	char text[PREPARE_ROOM];

	memcpy(text, name, strlen(name) + 1);
	return stringprep(text, sizeof(text), 0, stringprep_nameprep) == STRINGPREP_OK &&
		strcmp(text, name) == 0;
}

static enum jid_error international(const char *name, char *out, size_t *ret_len)
{
	char ascii[PREPARE_ROOM], again[PREPARE_ROOM];

	if (!to_ascii(name, ascii) || !to_unicode(ascii, out) || !to_ascii(out, again) ||
		strcmp(ascii, again) != 0 || !nameprep_agrees(out))
		return JID_BAD_DOMAIN;
	*ret_len = strlen(out);
	return JID_OK;
}

enum jid_error prepare_domain(struct str in, char *out, size_t *ret_len)
{
	char folded[PREPARE_ROOM];
	size_t len;
	bool ascii;

	if (!fold(without_dot(in), folded, &len, &ascii))
		return JID_BAD_DOMAIN;
	if (!ascii || !prepare_is_plain_domain(str_from(folded, len), false))
		return international(folded, out, ret_len);
	memcpy(out, folded, len);
	*ret_len = len;
	return JID_OK;
}

enum jid_error prepare_ascii(struct str domain, char *out, size_t *ret_len)
{
	char name[PREPARE_ROOM];

	memcpy(name, domain.p, domain.len);
	name[domain.len] = '\0';
	if (!to_ascii(name, out))
		return JID_BAD_DOMAIN;
	*ret_len = strlen(out);
	return JID_OK;
}
