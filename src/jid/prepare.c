/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Localparts and resources: nodeprep and resourceprep (RFC 6122 appendices A and B). Pure
 * ASCII is handled here, everything else by libidn, whose result must be a
 * fixed point: what one node prepared is accepted as prepared by the next.
 *
 * Localparts with code points that Unicode 3.2 does not assign are refused: stringprep
 * leaves them as they are while PRECIS folds them, so two servers would
 * disagree about who that is. Resources have no case folding and may hold them.
 */
#include "jid/prepare.h"

#include <stringprep.h>

#define L (CLASS_LOCAL | CLASS_RESOURCE)
#define D (CLASS_LOCAL | CLASS_DOMAIN | CLASS_RESOURCE | CLASS_LABEL)
#define DOT (CLASS_LOCAL | CLASS_DOMAIN | CLASS_RESOURCE)
#define R CLASS_RESOURCE

/* clang-format off */
const uint8_t prepare_class[256] = {
	[' '] = R, ['!'] = L, ['"'] = R, ['#' ... '%'] = L, ['&' ... '\''] = R, ['(' ... ','] = L,
	['-'] = D, ['.'] = DOT, ['/'] = R, ['0' ... '9'] = D, [':'] = R, [';'] = L, ['<'] = R, ['='] = L,
	['>'] = R, ['?'] = L, ['@' ... 'Z'] = R, ['[' ... '`'] = L, ['a' ... 'z'] = D, ['{' ... '~'] = L,
};
/* clang-format on */

static bool is_ascii(struct str s)
{
	unsigned char seen = 0;

	for (size_t i = 0; i < s.len; i++)
		seen |= (unsigned char)s.p[i];
	return seen < 0x80;
}

static enum jid_error ascii_local(struct str in, char *out, size_t *ret_len)
{
	for (size_t i = 0; i < in.len; i++) {
		out[i] = str_lower(in.p[i]);
		if (!(prepare_class[(unsigned char)out[i]] & CLASS_LOCAL))
			return JID_FORBIDDEN;
	}
	*ret_len = in.len;
	return JID_OK;
}

static enum jid_error ascii_resource(struct str in, char *out, size_t *ret_len)
{
	for (size_t i = 0; i < in.len; i++) {
		out[i] = in.p[i];
		if (!(prepare_class[(unsigned char)out[i]] & CLASS_RESOURCE))
			return JID_FORBIDDEN;
	}
	*ret_len = in.len;
	return JID_OK;
}

static enum jid_error run_profile(
	char *text, const Stringprep_profile *profile, Stringprep_profile_flags flags)
{
	switch (stringprep(text, PREPARE_ROOM, flags, profile)) {
	case STRINGPREP_OK:
		return text[0] ? JID_OK : JID_EMPTY_PART;
	case STRINGPREP_TOO_SMALL_BUFFER:
		return JID_TOO_LONG;
	default:
		return JID_FORBIDDEN;
	}
}

static enum jid_error with_profile(struct str in, char *out, size_t *ret_len,
	const Stringprep_profile *profile, Stringprep_profile_flags flags)
{
	char again[PREPARE_ROOM];

	memcpy(out, in.p, in.len);
	out[in.len] = '\0';
	enum jid_error e = run_profile(out, profile, flags);
	if (e != JID_OK)
		return e;
	size_t len = strlen(out);
	memcpy(again, out, len + 1);
	if (run_profile(again, profile, flags) != JID_OK || strcmp(again, out) != 0)
		return JID_FORBIDDEN;
	*ret_len = len;
	return JID_OK;
}

enum jid_error prepare_local(struct str in, char *out, size_t *ret_len)
{
	if (is_ascii(in))
		return ascii_local(in, out, ret_len);
	return with_profile(in, out, ret_len, stringprep_xmpp_nodeprep, STRINGPREP_NO_UNASSIGNED);
}

enum jid_error prepare_resource(struct str in, char *out, size_t *ret_len)
{
	if (is_ascii(in))
		return ascii_resource(in, out, ret_len);
	return with_profile(in, out, ret_len, stringprep_xmpp_resourceprep, 0);
}
