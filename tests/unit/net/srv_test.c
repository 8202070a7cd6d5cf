/* SPDX-License-Identifier: Apache-2.0 */
/* SRV records and the deny list of addresses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "net/resolver.h"
#include "net/srv.h"

static void test_read(void **state)
{
#define HEAD "\0\1\0\2\x14\x95"
	static const struct {
		struct str rdata;
		const char *target; /* NULL: refused */
	} cases[] = {
		{ STR(HEAD "\4xmpp\7Example\0"), "xmpp.example" },
		{ STR(HEAD "\1a\0"), "a" },
		{ STR(HEAD "\0"), "" },
		{ STR(HEAD), NULL },
		{ STR("\0\1\0\2\x14"), NULL },
		{ STR(""), NULL },
		{ STR(HEAD "\4xmpp"), NULL },
		{ STR(HEAD "\4xmp"), NULL },
		{ STR(HEAD "\4xmpp\0x"), NULL },
		{ STR(HEAD "\xc0\x0c"), NULL },
		{ STR(HEAD "\3a.b\0"), NULL },
		{ STR(HEAD "\3a\0b\0"), NULL },
		{ STR(HEAD "\2\xc3\xa9\0"), NULL },
		{ STR(HEAD "\3a b\0"), NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_srv srv;
		bool ok = net_srv_read(cases[i].rdata, &srv);
		if (ok != (cases[i].target != NULL))
			fail_msg("case %zu", i);
		if (!ok)
			continue;
		assert_string_equal(srv.target, cases[i].target);
		assert_int_equal(srv.priority, 1);
		assert_int_equal(srv.weight, 2);
		assert_int_equal(srv.port, 5269);
	}
}

static void test_longest_name(void **state)
{
	char rdata[6 + 300] = { 0 };
	struct net_srv srv;

	for (unsigned labels = 1; labels <= 140; labels++) {
		size_t n = 6;
		for (unsigned i = 0; i < labels; i++) {
			rdata[n++] = 1;
			rdata[n++] = 'a';
		}
		rdata[n++] = 0;
		bool ok = net_srv_read(str_from(rdata, n), &srv);
		assert_int_equal(ok, labels * 2 - 1 <= 253);
	}
}

static uint64_t draw_zero(uint64_t below)
{
	return 0;
}

static uint64_t draw_last(uint64_t below)
{
	return below - 1;
}

static void test_order(void **state)
{
	const struct net_srv records[] = {
		{ .priority = 20, .weight = 0, .target = "d" },
		{ .priority = 10, .weight = 1, .target = "a" },
		{ .priority = 10, .weight = 65535, .target = "b" },
		{ .priority = 5, .weight = 0, .target = "first" },
	};
	struct net_srv srv[4];
	unsigned heavy_first = 0;

	memcpy(srv, records, sizeof(srv));
	net_srv_order(srv, 4, draw_zero);
	assert_string_equal(srv[0].target, "first");
	assert_string_equal(srv[3].target, "d");
	memcpy(srv, records, sizeof(srv));
	net_srv_order(srv, 4, draw_last);
	assert_string_equal(srv[0].target, "first");
	assert_string_equal(srv[3].target, "d");
	for (int i = 0; i < 1000; i++) {
		memcpy(srv, records, sizeof(srv));
		net_srv_order(srv, 4, random_below);
		heavy_first += srv[1].target[0] == 'b';
	}
	assert_true(heavy_first > 950);
	net_srv_order(srv, 0, random_below);
}

static void test_special(void **state)
{
	static const struct {
		const char *addr;
		const char *word;
	} cases[] = {
		{ "127.0.0.1:1", "loopback" },
		{ "127.255.255.255:1", "loopback" },
		{ "126.255.255.255:1", NULL },
		{ "128.0.0.0:1", NULL },
		{ "0.0.0.0:1", "unspecified" },
		{ "0.1.2.3:1", "unspecified" },
		{ "10.0.0.1:1", "private" },
		{ "11.0.0.1:1", NULL },
		{ "172.15.255.255:1", NULL },
		{ "172.16.0.0:1", "private" },
		{ "172.31.255.255:1", "private" },
		{ "172.32.0.0:1", NULL },
		{ "192.168.1.1:1", "private" },
		{ "192.0.0.8:1", "reserved" },
		{ "192.0.2.1:1", NULL },
		{ "100.63.255.255:1", NULL },
		{ "100.64.0.1:1", "private" },
		{ "100.127.255.255:1", "private" },
		{ "100.128.0.0:1", NULL },
		{ "169.254.169.254:1", "link-local" },
		{ "198.18.0.1:1", "private" },
		{ "198.19.255.255:1", "private" },
		{ "198.51.100.1:1", NULL },
		{ "224.0.0.1:1", "multicast" },
		{ "239.255.255.255:1", "multicast" },
		{ "240.0.0.1:1", "reserved" },
		{ "255.255.255.255:1", "reserved" },
		{ "8.8.8.8:1", NULL },
		{ "[::]:1", "unspecified" },
		{ "[::1]:1", "loopback" },
		{ "[::127.0.0.1]:1", "reserved" },
		{ "[::8.8.8.8]:1", "reserved" },
		{ "[::ffff:127.0.0.1]:1", "loopback" },
		{ "[::ffff:10.1.2.3]:1", "private" },
		{ "[::ffff:8.8.8.8]:1", NULL },
		{ "[::ffff:0:10.1.2.3]:1", "private" },
		{ "[64:ff9b::10.0.0.1]:1", "private" },
		{ "[64:ff9b::8.8.8.8]:1", NULL },
		{ "[64:ff9b:1::1]:1", "private" },
		{ "[2002:7f00:1::]:1", "loopback" },
		{ "[2002:0808:0808::1]:1", NULL },
		{ "[2001:0:1:2:3:4:80ff:fffe]:1", "loopback" },
		{ "[2001:0:1:2:3:4:f7f7:f7f7]:1", NULL },
		{ "[2001:db8::1]:1", NULL },
		{ "[2a00:1450::1]:1", NULL },
		{ "[fe80::1]:1", "link-local" },
		{ "[febf::1]:1", "link-local" },
		{ "[fec0::1]:1", "private" },
		{ "[fc00::1]:1", "private" },
		{ "[fdff::1]:1", "private" },
		{ "[ff02::1]:1", "multicast" },
		{ "[100::1]:1", "reserved" },
		{ "[100:0:0:1::1]:1", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a;
		assert_true(net_addr_parse(str_of(cases[i].addr), &a));
		const char *word = net_addr_special(&a);
		if ((word == NULL) != (cases[i].word == NULL) ||
			(word && strcmp(word, cases[i].word) != 0))
			fail_msg("%s: %s", cases[i].addr, word ? word : "ordinary");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "threats I4 records of wrong form", test_read, NULL, NULL, NULL },
		{ "threats I4 longest name", test_longest_name, NULL, NULL, NULL },
		{ "s2s A1 priority and weight", test_order, NULL, NULL, NULL },
		{ "threats I1 addresses that lead inside", test_special, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
