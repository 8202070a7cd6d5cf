/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/kv.h"

/* As doc/link.md has it: others must find the same key. */
static void test_key(void **state)
{
	char key[NET_KV_KEY], other[NET_KV_KEY];

	/* printf 'example.se\0example.com' | sha256sum */
	net_kv_key(STRL("example.se"), STRL("example.com"), key);
	assert_string_equal(key, "b7d33380631b3593908b4ee3ef603461");
	net_kv_key(STRL("example.s"), STRL("eexample.com"), other);
	assert_string_not_equal(key, other);
	net_kv_key(STRL(""), STRL(""), other);
	assert_string_equal(other, "6e340b9cffb37a989ca544e6bb780a2c");
}

/* A file that cannot be used is said at once; nothing is left running. */
static void test_open_fails(void **state)
{
	char err[300] = "";
	const struct str servers[] = { STR("127.0.0.1:1") };
	struct net_kv_settings s = net_kv_settings_default;
	static const struct net_kv_ops ops = { 0 };

	s.broker = (struct net_nats_settings){ .name = "inner-a",
		.servers = servers,
		.n_servers = 1,
		.certificate = "/nonexistent/c",
		.key = "/nonexistent/k",
		.trust = "/nonexistent/t" };
	assert_null(net_kv_open(NULL, &s, &ops, NULL, err, sizeof(err)));
	assert_string_not_equal(err, "");
	net_kv_close(NULL);
	net_kv_finish();
	net_nats_finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_open_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
