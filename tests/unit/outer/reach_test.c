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
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a;
		assert_true(net_addr_parse(str_of(cases[i].address), &a));
		if (reach_permitted(&config, &a) != cases[i].permitted)
			fail_msg("%s", cases[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(addresses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
