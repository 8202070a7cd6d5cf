/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "policy/peer.h"

static struct config_peer peers[] = {
	{ .pattern = STR("bad.example"), .refuse = true },
	{ .pattern = STR("*.partner.example"), .tls_required = true, .accept = CONFIG_PKIX },
	{ .pattern = STR("old.example"), .accept = CONFIG_DIALBACK },
	{ .pattern = STR("late.example"), .refuse = true },
	{ .pattern = STR("late.example"), .accept = CONFIG_PKIX },
};

static const struct config config = { .peers = peers, .n_peers = 5 };

static const struct {
	const char *domain;
	int row; /* -1: none matches */
	bool pkix;
	bool dialback;
} cases[] = {
	{ "bad.example", 0, false, false },
	{ "sub.bad.example", -1, false, false },
	{ "a.partner.example", 1, true, false },
	{ "a.b.partner.example", 1, true, false },
	{ "partner.example", -1, false, false },
	{ "old.example", 2, false, true },
	{ "late.example", 3, false, false },
	{ "unknown.example", -1, false, false },
};

/* First match wins; without a match, and for a proof that is not named, the answer is no. */
static void judges(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str domain = str_of(cases[i].domain);
		const struct config_peer *peer = policy_peer(&config, domain);
		assert_ptr_equal(peer, cases[i].row < 0 ? NULL : &peers[cases[i].row]);
		if (policy_accepts_proof(&config, domain, POLICY_PROOF_PKIX) != cases[i].pkix ||
			policy_accepts_proof(&config, domain, POLICY_PROOF_DIALBACK) !=
				cases[i].dialback)
			fail_msg("%s", cases[i].domain);
		assert_false(policy_accepts_proof(&config, domain, POLICY_PROOF_NONE));
		assert_false(policy_accepts_proof(&config, domain, 200)); /* L12 */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(judges) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
