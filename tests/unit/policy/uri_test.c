/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../rows.h"
#include "policy/uri.h"

static const struct {
	const char *uri;
	bool active;
	bool internal;
	bool harmless;
} cases[] = {
	{ "https://example.com/a", false, false, true },
	{ "http://203.0.113.5:8080/", false, false, true },
	{ "https://[2001:db9::1]/", false, false, true },
	{ "xmpp:room@conference.example.com?join", false, false, true },
	{ "mailto:a@example.com", false, false, true },
	{ "aesgcm://files.example.com/x#k", false, false, false },
	{ "geo:48,2", false, false, true },
	{ "javascript:alert(1)", true, false, false },
	{ "JAVASCRIPT:alert(1)", true, false, false },
	{ "vbscript:x", true, false, false },
	{ "data:text/html,x", true, false, false },
	{ "file:///etc/passwd", true, true, false },
	{ "no scheme", true, false, false },
	{ "", true, false, false },
	{ "http://127.0.0.1/", false, true, true },
	{ "http://10.1.2.3", false, true, true },
	{ "http://172.31.0.1/", false, true, true },
	{ "http://172.32.0.1/", false, false, true },
	{ "http://192.168.1.1/", false, true, true },
	{ "http://169.254.169.254/latest", false, true, true },
	{ "http://0.0.0.0/", false, true, true },
	{ "http://[::1]/", false, true, true },
	{ "http://[fe80::1]/", false, true, true },
	{ "http://[fd12::1]/", false, true, true },
	{ "http://[::ffff:10.0.0.1]/", false, true, true },
	{ "http://[64:ff9b::10.0.0.1]/", false, true, true },
	{ "http://[fe80::1%25eth0]/", false, true, true },
	{ "http://[::1", false, true, true },
	{ "http://2130706433/", false, true, true },
	{ "http://0x7f000001/", false, true, true },
	{ "http://0x7f.1/", false, true, true },
	{ "http://0177.0.0.1/", false, true, true },
	{ "http://127.1/", false, true, true },
	{ "http://127.0.0.\xef\xbc\x91/", false, true, true },
	{ "http://printer.\xe2\x93\x9bocal/", false, true, true },
	{ "http://b\xc3\xbc"
	  "cher.example/",
		false, false, true },
	{ "http://localhost/", false, true, true },
	{ "http://LOCALHOST:80/", false, true, true },
	{ "http://localhost./", false, true, true },
	{ "http://a.localhost/", false, true, true },
	{ "http://printer.local/", false, true, true },
	{ "http://db.internal/", false, true, true },
	{ "http://intranet/", false, true, true },
	{ "http://example.com@10.0.0.1/", false, true, true },
	{ "http://10.0.0.1@example.com/", false, false, true },
	{ "http:10.0.0.1/", false, true, true },
	{ "http:\\\\10.0.0.1\\x", false, true, true },
	{ "https:/10.0.0.1/", false, true, true },
	{ "http://%31%30.0.0.1/", false, true, true },
	{ "http://example.com\\@10.0.0.1/", false, false, true },
	{ "http://", false, true, true },
	{ "foo://10.0.0.1/", false, true, false },
	{ "foo:10.0.0.1", false, false, false },
};

static void judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str uri = str_of(cases[i].uri);
		if (policy_uri_active(uri) != cases[i].active ||
			policy_uri_internal(uri) != cases[i].internal ||
			policy_uri_harmless(uri) != cases[i].harmless)
			fail_msg("%s: %d %d %d", cases[i].uri, policy_uri_active(uri),
				policy_uri_internal(uri), policy_uri_harmless(uri));
	}
	name_row("threats G12 notations of internal hosts");
}

/* Any bytes at the end of the text: no read goes past it. */
static void reads_no_further(void **state)
{
	static const char *const ends[] = { "h", "http", "http:", "http:/", "http://", "http://[",
		"http://[]", "http://a@", "http://a:", "http://0", "http://0x", ":", "//", "@" };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);
		char *exact = test_malloc(n);
		memcpy(exact, ends[i], n);
		policy_uri_active(str_from(exact, n));
		policy_uri_internal(str_from(exact, n));
		policy_uri_harmless(str_from(exact, n));
		policy_host_internal(str_from(exact, n));
		test_free(exact);
	}
	assert_true(policy_host_internal(STRL("")));
	assert_true(policy_host_internal(STRL(".")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(reads_no_further),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
