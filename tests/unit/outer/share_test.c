/* SPDX-License-Identifier: Apache-2.0 */
/* Shares of look-ups: whoever uses up his own is refused, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "outer/share.h"
#include "rows.h"

enum { MAX = 200 };

static const struct share_limits limits = {
	.all = 100,
	.strangers = 80,
	.address = 4,
	.network = 10,
	.zone = 30,
	.local = 20,
	.ahead = 10,
};

/* The rows of a table are formats. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* Everything that a row takes; %u counts up. */
struct taker {
	const char *address; /* NULL: nobody dialled us */
	const char *us;
	const char *domain;
	bool known;
	bool proved;
};

static struct share *take(struct shares *s, const struct taker *t, unsigned i, const char **ret_why)
{
	char address[64], domain[128];
	struct net_addr from;
	struct share_user user = {
		.known = t->known, .proved = t->proved, .us = str_of(t->us ? t->us : "")
	};

	snprintf(domain, sizeof(domain), t->domain, i);
	if (t->address) {
		snprintf(address, sizeof(address), t->address, i);
		assert_true(net_addr_parse(str_of(address), &from));
		user.from = &from;
	}
	return share_take(s, &user, str_of(domain), 1000, ret_why);
}

static const struct row {
	const char *name;
	struct taker greedy;
	unsigned gets;
	const char *why;
	struct taker other; /* still gets one */
} rows[] = {
	{ "threats I5 one address", { "192.0.2.1:5269", NULL, "r%u.z%u.example", false, false }, 4,
		"too many look-ups because of this address",
		{ "192.0.2.2:5269", NULL, "new.example", false, false } },
	{ "threats I5 one IPv6 host",
		{ "[2001:db8::%u]:5269", NULL, "d.x%u.example", false, false }, 4,
		"too many look-ups because of this address",
		{ "[2001:db8:0:1::1]:5269", NULL, "new.example", false, false } },
	{ "threats I5 one network", { "192.0.0.%u:5269", NULL, "d.x%u.example", false, false }, 10,
		"too many look-ups because of this network",
		{ "192.0.1.1:5269", NULL, "new.example", false, false } },
	{ "threats I5 a known address", { "192.0.2.1:5269", NULL, "d.x%u.example", true, false },
		16, "too many look-ups because of this address",
		{ "192.0.2.2:5269", NULL, "new.example", false, false } },
	{ "threats I5 a dead zone, asked about from everywhere",
		{ "192.0.%u.1:5269", NULL, "r%u.dead.example", false, false }, 30,
		"too many look-ups in this zone",
		{ "192.0.2.2:5269", NULL, "new.example", false, false } },
	{ "threats I5 a domain proved lately in a zone that is asked about too much",
		{ "192.0.%u.1:5269", NULL, "r%u.busy.example", false, false }, 30,
		"too many look-ups in this zone",
		{ "198.51.100.1:5269", NULL, "good.busy.example", false, true } },
	{ "threats I5 strangers from everywhere leave room for the known",
		{ "10.0.%u.1:5269", NULL, "d.x%u.example", false, false }, 80,
		"too many look-ups at once",
		{ "192.0.2.2:5269", NULL, "new.example", true, false } },
	{ "threats I5 one local domain dials",
		{ NULL, "us.example", "d.x%u.example", false, false }, 20,
		"too many look-ups for this local domain",
		{ NULL, "other.example", "new.example", false, false } },
	{ "threats I5 named and not needed yet", { NULL, NULL, "d.x%u.example", false, false }, 10,
		"too many early look-ups", { NULL, "us.example", "new.example", false, false } },
};

static void test_rows(void **state)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct shares *s = shares_new(&limits);
		struct share *all[MAX];
		unsigned n = 0;
		const char *why = NULL;

		name_row(rows[r].name);
		while (n < MAX && (all[n] = take(s, &rows[r].greedy, n + 1, &why)))
			n++;
		assert_int_equal(n, rows[r].gets);
		assert_string_equal(why, rows[r].why);
		struct share *other = take(s, &rows[r].other, 0, &why);
		assert_non_null(other);
		share_give(other, 2000);
		/* One goes, one comes. */
		share_give(all[--n], 2000);
		all[n] = take(s, &rows[r].greedy, n + 1, &why);
		assert_non_null(all[n++]);
		assert_int_equal(shares_open(s), n);
		while (n)
			share_give(all[--n], 3000);
		assert_int_equal(shares_open(s), 0);
		shares_free(s);
	}
}

static void test_all(void **state)
{
	const struct taker known = { "10.0.%u.1:5269", NULL, "d.x%u.example", true, false };
	struct shares *s = shares_new(&limits);
	struct share *all[MAX];
	const char *why = NULL;
	unsigned n = 0;

	while (n < MAX && (all[n] = take(s, &known, n + 1, &why)))
		n++;
	assert_int_equal(n, limits.all);
	assert_string_equal(why, "too many look-ups at once");
	while (n)
		share_give(all[--n], 3000);
	shares_free(s);
}

static void test_zones(void **state)
{
	static const char *const zones[][2] = {
		{ "example", "example" },
		{ "a.example", "a.example" },
		{ "x.y.dead.example", "dead.example" },
		{ "x.firm.co.uk", "firm.co.uk" },
		{ "firm.co.uk", "firm.co.uk" },
		{ "co.uk", "co.uk" },
		{ "r.dead.example.", "dead.example" },
		{ "", "" },
		{ ".", "" },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		struct str zone = share_zone(str_of(zones[i][0]));
		if (!str_is(zone, zones[i][1]))
			fail_msg("%s: %.*s", zones[i][0], STR_FMT(zone));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		{ "threats I5 never more than all", test_all, NULL, NULL, NULL },
		cmocka_unit_test(test_zones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
