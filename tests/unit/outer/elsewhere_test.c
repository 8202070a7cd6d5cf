/* SPDX-License-Identifier: Apache-2.0 */
/* Where a see-other-host error may lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outer/elsewhere.h"
#include "rows.h"

/* name NULL and address NULL: unreadable. */
static const struct {
	const char *row;
	const char *text;
	const char *address;
	const char *name;
	unsigned port;
} rows[] = {
	{ "s2s A22 address", "192.0.2.7", "192.0.2.7:5269", NULL, 5269 },
	{ "s2s A22 address and port", "192.0.2.7:9222", "192.0.2.7:9222", NULL, 9222 },
	{ "s2s A22 address of version 6", "[2001:db8::7]", "[2001:db8::7]:5269", NULL, 5269 },
	{ "s2s A22 address of version 6 and port", "[2001:db8::7]:9222", "[2001:db8::7]:9222", NULL,
		9222 },
	{ "s2s A22 host", "im.a.example", NULL, "im.a.example", 5269 },
	{ "s2s A22 host and port", "IM.a.example.:443", NULL, "im.a.example", 443 },
	{ "s2s A22 host that is not ASCII",
		"b\xc3\xbc"
		"cher.example",
		NULL, "xn--bcher-kva.example", 5269 },
	{ "s2s A22 nothing", "", NULL, NULL, 0 },
	{ "s2s A22 port alone", ":5269", NULL, NULL, 0 },
	{ "s2s A22 port nought", "a.example:0", NULL, NULL, 0 },
	{ "s2s A22 port too large", "a.example:65536", NULL, NULL, 0 },
	{ "s2s A22 port is a word", "a.example:xmpp", NULL, NULL, 0 },
	{ "s2s A22 version 6 without brackets", "2001:db8::7", NULL, NULL, 0 },
	{ "s2s A22 an address with a local part", "u@a.example", NULL, NULL, 0 },
	{ "s2s A22 white space", " a.example", NULL, NULL, 0 },
	{ "s2s A22 line feed", "a.example\n", NULL, NULL, 0 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct elsewhere e;
		struct net_addr wanted;
		struct arena a;
		arena_init(&a, 8192);
		name_row(rows[i].row);
		bool ok = elsewhere_read(&a, str_of(rows[i].text), &e);
		assert_int_equal(ok, rows[i].address || rows[i].name);
		if (rows[i].address) {
			assert_true(net_addr_parse(str_of(rows[i].address), &wanted));
			assert_int_equal(e.addr.len, wanted.len);
			assert_memory_equal(&e.addr.sa, &wanted.sa, wanted.len);
		} else if (rows[i].name) {
			assert_int_equal(e.addr.len, 0);
			assert_true(str_is(e.name, rows[i].name));
			assert_int_equal(e.port, rows[i].port);
		}
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
