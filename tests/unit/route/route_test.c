/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "route/route.h"

static bool match(struct str pattern, struct str domain)
{
	return str_is(pattern, "any") || str_eq(pattern, domain) ||
		(str_starts(pattern, STRL("*")) && str_ends(domain, str_skip(pattern, 1)));
}

static const struct str mn[] = { STR("outer-mn") };
static const struct str two[] = { STR("outer-a"), STR("outer-b") };
static const struct str three[] = { STR("outer-c"), STR("outer-a"), STR("outer-b") };
static const unsigned ranks[] = { 0, 1, 1 };
static const struct route_rule rules[] = {
	{ match, STR("*.mil"), mn, 1 },
	{ match, STR("example.com"), two, 2 },
	{ match, STR("falls.back"), three, 3, ranks },
	{ match, STR("falls.far"), three, 3, ranks, .else_any = true },
	{ match, STR("any"), NULL, 0 },
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

struct case_ {
	const char *name;
	const char *foreign;
	struct str live[4];
	size_t n;
	const char *expect[4]; /* any of these; none: no node */
};

static const struct case_ cases[] = {
	{ "no live node", "example.fi", { { 0 } }, 0, { NULL } },
	{ "only one", "example.fi", { STR("outer-a") }, 1, { "outer-a" } },
	{ "static map", "navy.mil", { STR("outer-a"), STR("outer-mn") }, 2, { "outer-mn" } },
	{ "static map, node is down", "navy.mil", { STR("outer-a") }, 1, { NULL } },
	{ "map of two", "example.com", { STR("outer-mn"), STR("outer-a"), STR("outer-b") }, 3,
		{ "outer-a", "outer-b" } },
	{ "map of two, one down", "example.com", { STR("outer-mn"), STR("outer-b") }, 2,
		{ "outer-b" } },
	{ "the first is live", "falls.back", { STR("outer-a"), STR("outer-b"), STR("outer-c") }, 3,
		{ "outer-c" } },
	{ "falls back", "falls.back", { STR("outer-mn"), STR("outer-a"), STR("outer-b") }, 3,
		{ "outer-a", "outer-b" } },
	{ "falls back to nobody", "falls.back", { STR("outer-mn") }, 1, { NULL } },
	{ "falls back before any", "falls.far", { STR("outer-mn"), STR("outer-b") }, 2,
		{ "outer-b" } },
	{ "falls back to any", "falls.far", { STR("outer-mn") }, 1, { "outer-mn" } },
	{ "no entry", "example.fi", { STR("outer-mn"), STR("outer-a") }, 2,
		{ "outer-mn", "outer-a" } },
};

static void chooses(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct case_ *c = &cases[i];
		int at = route_choose(
			rules, RULES, STRL("example.se"), str_of(c->foreign), c->live, c->n);
		bool good = at < 0 && !c->expect[0];
		for (int k = 0; at >= 0 && k < 4 && c->expect[k]; k++)
			good |= str_is(c->live[at], c->expect[k]);
		if (!good)
			fail_msg("%s: chose %d", c->name, at);
	}
}

/* Pairs spread evenly, and a node that leaves moves only its own pairs. */
static void spreads_and_stays(void **state)
{
	const struct str all[] = { STR("outer-a"), STR("outer-b"), STR("outer-c") };
	int count[3] = { 0 };
	char name[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		int with = route_choose(rules, RULES, STRL("example.se"), str_of(name), all, 3);
		int without = route_choose(rules, RULES, STRL("example.se"), str_of(name), all, 2);
		count[with]++;
		if (with < 2)
			assert_int_equal(with, without);
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(count[i], 850, 1150);
}

/* The order of the list and the process do not matter: a fixed vector. */
static void is_stable(void **state)
{
	const struct str ab[] = { STR("outer-a"), STR("outer-b") };
	const struct str ba[] = { STR("outer-b"), STR("outer-a") };

	for (int i = 0; i < 100; i++) {
		char name[32];
		snprintf(name, sizeof(name), "d%d.example", i);
		int x = route_choose(NULL, 0, STRL("example.se"), str_of(name), ab, 2);
		int y = route_choose(NULL, 0, STRL("example.se"), str_of(name), ba, 2);
		assert_true(str_eq(ab[x], ba[y]));
	}
	assert_true(route_weight(STRL("a"), STRL("bc"), STRL("d")) !=
		route_weight(STRL("ab"), STRL("c"), STRL("d")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses),
		cmocka_unit_test(spreads_and_stays),
		cmocka_unit_test(is_stable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
