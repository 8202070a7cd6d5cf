/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/digest.h"

static void test_vectors(void **state)
{
	static const struct {
		const char *secret, *to, *from, *id, *key;
	} cases[] = {
		/* XEP-0185 section 3 */
		{ "s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F",
			"37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
		{ "s3cr3tf0rd14lb4ck", "example.org", "xmpp.example.com", "D60000229F",
			"07335aa400436780596e1102ba010c85129ea50e13e58ab8830a523a8706b575" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char key[65];
		net_dialback_key(str_of(cases[i].secret), str_of(cases[i].to),
			str_of(cases[i].from), str_of(cases[i].id), key);
		assert_string_equal(key, cases[i].key);
	}
}

static void test_handshake(void **state)
{
	char hex[41];

	/* By another implementation of SHA-1. */
	net_component_handshake(STRL("3BF96D32"), STRL("component secret"), hex);
	assert_string_equal(hex, "5e2a0755d826dfa513e33334f7fa69014819a00f");
}

static void test_equal(void **state)
{
	assert_true(net_equal_secret(STRL("abc"), STRL("abc")));
	assert_false(net_equal_secret(STRL("abc"), STRL("abd")));
	assert_false(net_equal_secret(STRL("abc"), STRL("ab")));
	assert_true(net_equal_secret(STRL(""), (struct str){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s G6 keys of XEP-0185", test_vectors, NULL, NULL, NULL },
		{ "s2s H15 digest of a component's secret", test_handshake, NULL, NULL, NULL },
		{ "s2s G6 comparison of keys", test_equal, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
