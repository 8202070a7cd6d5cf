/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: what jid_parse() accepts is a fixed point, jid_parse_prepared() accepts exactly
 * the fixed points, and the domain goes to its A-label form and back.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "jid/jid.h"
#include "jid/prepare.h"

#include <stringprep.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool cond)
{
	if (!cond)
		abort();
}

static void check_domain(struct arena *a, struct str domain)
{
	struct str ascii, back;

	expect(jid_domain_to_ascii(a, domain, &ascii) == JID_OK);
	expect(jid_parse_domain(a, ascii, &back) == JID_OK);
	expect(str_eq(back, domain));
}

static bool ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	}
	return true;
}

/* The shortcut for ASCII does what the library does. */
static void compare_ascii(struct str in, const Stringprep_profile *profile, bool local)
{
	char out[PREPARE_ROOM], ref[PREPARE_ROOM];
	size_t len;

	if (in.len == 0 || in.len > JID_PART_MAX || !ascii(in) || !utf8_is_xml(in))
		return;
	memcpy(ref, in.p, in.len);
	ref[in.len] = '\0';
	bool ref_ok = stringprep(ref, sizeof(ref), 0, profile) == STRINGPREP_OK;
	bool ok =
		(local ? prepare_local(in, out, &len) : prepare_resource(in, out, &len)) == JID_OK;
	expect(ok == ref_ok);
	expect(!ok || str_is(str_from(out, len), ref));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct jid jid, again;
	struct str in = str_from(data, size);

	arena_init(&a, 1 << 20);
	bool prepared = jid_parse_prepared(in, &again) == JID_OK;
	if (jid_parse(&a, in, &jid) == JID_OK) {
		expect(prepared == str_eq(jid.full, in));
		expect(utf8_is_xml(jid.full));
		expect(jid_parse_prepared(jid.full, &again) == JID_OK);
		expect(again.local.len == jid.local.len && again.domain.len == jid.domain.len);
		expect(jid_parse(&a, jid.full, &again) == JID_OK);
		expect(again.full.p == jid.full.p);
		check_domain(&a, jid.domain);
	} else {
		expect(!prepared);
	}
	compare_ascii(in, stringprep_xmpp_nodeprep, true);
	compare_ascii(in, stringprep_xmpp_resourceprep, false);
	arena_done(&a);
	return 0;
}
