/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "outer/reach.h"

static struct config_listen own[] = { { .addr = STR("198.51.100.10:5269") } };
static struct config_listen own_link[] = { { .addr = STR("[2001:db8::7]:5280") } };
static struct config_network networks[] = {
	{ .allow = false, .addr = { [10] = 0xff, 0xff, 10, 9, 0, 0 }, .prefix = 112 },
	{ .allow = true, .addr = { [10] = 0xff, 0xff, 10, 0, 0, 0 }, .prefix = 104 },
	{ .allow = false, .addr = { [10] = 0xff, 0xff, 203, 0, 113, 8 }, .prefix = 125 },
	{ .allow = true, .addr = { 0xfd, 0x12 }, .prefix = 16 },
};

static const struct config config = {
	.listen_s2s = own,
	.n_listen_s2s = 1,
	.listen_link = own_link,
	.n_listen_link = 1,
	.networks = networks,
	.n_networks = 4,
};

static const struct {
	const char *address;
	bool permitted;
} cases[] = {
	{ "192.0.2.1:5269", true },
	{ "[2001:db8::1]:5269", true },
	{ "127.0.0.1:5269", false },
	{ "[::1]:5269", false },
	{ "0.0.0.0:5269", false },
	{ "169.254.169.254:80", false },
	{ "[fe80::1]:5269", false },
	{ "224.0.0.1:5269", false },
	{ "192.168.1.1:5269", false },
	{ "172.16.0.1:5269", false },
	{ "172.32.0.1:5269", true },
	{ "100.64.0.1:5269", false },
	{ "[::ffff:127.0.0.1]:5269", false },
	{ "[64:ff9b::7f00:1]:5269", false },
	{ "[fc00::1]:5269", false },
	{ "255.255.255.255:5269", false },
	{ "198.51.100.10:5269", false }, /* our own address, any port */
	{ "198.51.100.10:80", false },
	{ "[::ffff:198.51.100.10]:80", false },
	{ "[2001:db8::7]:5269", false },
	{ "10.0.0.1:5269", true }, /* allowed by the configuration */
	{ "10.9.3.1:5269", false }, /* denied by an earlier statement */
	{ "[::ffff:10.0.0.1]:5269", true },
	{ "203.0.113.9:5269", false },
	{ "203.0.113.16:5269", true },
	{ "[fd12::1]:5269", true },
	{ "[fd13::1]:5269", false },
};

static void addresses(void **state)
{
	const struct reach_own none = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a;
		assert_true(net_addr_parse(str_of(cases[i].address), &a));
		if (reach_permitted(&config, &none, &a) != cases[i].permitted)
			fail_msg("%s", cases[i].address);
	}
}

/* A listener on all addresses of one kind makes the host's own ones of that kind unreachable. */
static void all_interfaces(void **state)
{
	static const char *const here[] = { "192.0.2.44:0", "10.0.0.5:0", "[2001:db8::44]:0" };
	static struct config_listen any[] = { { .addr = STR("0.0.0.0:5269") },
		{ .addr = STR("[::]:5269") } };
	struct net_addr addrs[3];
	const struct reach_own own_addrs = { .addrs = addrs, .n = 3 };
	static const struct {
		const char *address;
		bool with_v4, with_v6, with_both; /* permitted */
	} rows[] = {
		{ "192.0.2.44:5269", false, true, false },
		{ "[::ffff:192.0.2.44]:1", false, true, false },
		{ "10.0.0.5:5269", false, true, false }, /* `allow address` does not help */
		{ "[2001:db8::44]:80", true, false, false },
		{ "192.0.2.45:5269", true, true, true },
		{ "[2001:db8::45]:5269", true, true, true },
	};

	for (size_t i = 0; i < 3; i++)
		assert_true(net_addr_parse(str_of(here[i]), &addrs[i]));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a;
		struct config c = config;
		assert_true(net_addr_parse(str_of(rows[i].address), &a));
		c.listen_s2s = any;
		bool v4 = reach_permitted(&c, &own_addrs, &a);
		c.n_listen_s2s = 2;
		bool both = reach_permitted(&c, &own_addrs, &a);
		c.listen_s2s = any + 1;
		c.n_listen_s2s = 1;
		bool v6 = reach_permitted(&c, &own_addrs, &a);
		if (v4 != rows[i].with_v4 || v6 != rows[i].with_v6 || both != rows[i].with_both)
			fail_msg("%s: %d %d %d", rows[i].address, v4, v6, both);
	}
}

static void system_says(void **state)
{
	struct reach_own host = { 0 };
	struct net_addr loopback;

	assert_true(net_addr_parse(STRL("127.0.0.1:0"), &loopback));
	assert_true(reach_own_load(&host) && reach_own_load(&host));
	bool found = false;
	for (size_t i = 0; i < host.n; i++)
		found = found || net_addr_same_host(&host.addrs[i], &loopback);
	assert_true(found);
	reach_own_done(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "threats I1 addresses", addresses, NULL, NULL, NULL },
		{ "threats I1 threats E10 all interfaces", all_interfaces, NULL, NULL, NULL },
		cmocka_unit_test(system_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
