/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of messages, and how many senders it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../record/bench.h"
#include "../rows.h"
#include "policy/wave.h"

#define TEXT "The quick brown fox sells watches, cheap"
#define LINK "https://Evil.example/Watches"
#define BODY(text) "<body>" text "</body>"

static struct bench bench;

/* A message from this account with this content, and its fingerprints. */
static struct record *message(
	const char *from, const char *content, struct policy_prints *ret_prints)
{
	char xml[4096];

	snprintf(xml, sizeof(xml), "<message from=\"%s\" to=\"a@example.se\">%s</message>", from,
		content);
	assert_int_equal(bench_pass(&bench, xml, PROFILE_STANDARD), COND_NONE);
	policy_prints(&bench.record, ret_prints);
	return &bench.record;
}

struct row {
	const char *name;
	const char *one;
	const char *two;
	bool same; /* the fingerprints of both */
	unsigned n; /* of the first */
};

static const struct row rows[] = {
	{ "threats G14 case, spaces, digits and signs do not count", BODY(TEXT " 17"),
		BODY("THE QUICK  BROWN FOX... sells watches: cheap! 4711"), true, 1 },
	{ "threats G14 another text", BODY(TEXT), BODY(TEXT " today"), false, 1 },
	{ "threats G14 what everybody says has none", BODY("hello, how are you?"), BODY("ok"), true,
		0 },
	{ "threats G14 letters beyond ASCII",
		BODY("\xd0\xb2\xd1\x81\xd0\xb5\xd0\xbc "
		     "\xd0\xb4\xd0\xb5\xd1\x88\xd1\x91\xd0\xb2\xd1\x8b\xd0\xb5 "
		     "\xd1\x87\xd0\xb0\xd1\x81\xd1\x8b"),
		BODY("\xd0\xb2\xd1\x81\xd0\xb5\xd0\xbc "
		     "\xd0\xb4\xd0\xb5\xd1\x88\xd1\x91\xd0\xb2\xd1\x8b\xd0\xb5\xd1\x87\xd0\xb0\xd1"
		     "\x81\xd1\x8b 1"),
		true, 1 },
	{ "threats G14 one link in many texts", BODY("look: " LINK "?id=1"),
		BODY("hm https://evil.EXAMPLE/Watches#2"), true, 1 },
	{ "threats G14 another link", BODY(LINK), BODY(LINK "/more"), false, 1 },
	{ "threats G14 the path has case", BODY(LINK), BODY("https://evil.example/watches"), false,
		1 },
	{ "threats G14 a link of its own",
		BODY("see") "<x xmlns=\"jabber:x:oob\"><url>" LINK "</url></x>",
		BODY("look " LINK ", please"), true, 1 },
	{ "threats G14 the same link twice is one", BODY(LINK " " LINK), BODY(LINK), true, 1 },
	{ "threats G14 text and links", BODY(TEXT " " LINK " https://b.example/"),
		BODY(TEXT " " LINK " https://b.example/"), true, 3 },
	{ "threats G14 more links than are looked at",
		BODY("http://a1.example http://a2.example http://a3.example http://a4.example "
		     "http://a5.example http://a6.example"),
		BODY("http://a1.example http://a2.example http://a3.example http://a4.example "
		     "http://a5.example http://a7.example"),
		true, POLICY_WAVE_PRINTS },
	{ "threats G14 a scheme with nothing behind it", BODY("http://"), BODY("https:// !"), true,
		0 },
};

static void fingerprints(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_prints one, two;
		name_row(rows[i].name);
		message("b@example.com", rows[i].one, &one);
		message("c@example.org/x", rows[i].two, &two);
		bool same = one.n == two.n &&
			memcmp(one.print, two.print, one.n * sizeof(one.print[0])) == 0;
		if (same != rows[i].same || one.n != rows[i].n)
			fail_msg("%s: %d, %u and %u", rows[i].name, same, one.n, two.n);
	}
}

/* They stand in configurations, so they are the same in every node and every version. */
static void fingerprints_stay(void **state)
{
	struct policy_prints p;

	(void)state;
	name_row("threats G14 fingerprints do not depend on the process");
	message("b@example.com", BODY(TEXT " " LINK), &p);
	assert_int_equal(p.n, 2);
	assert_true(p.print[0] == 0xbc800f04c5f17b61 && p.print[1] == 0x969347e9e8062c85);
}

/* How many of `n` messages are one too many; senders have a number between `before` and `after`. */
static unsigned over(struct policy_waves *w, const struct config_limits *l, const char *before,
	const char *after, const char *content, unsigned first, unsigned n, uint64_t now)
{
	unsigned count = 0;

	for (unsigned i = first; i < first + n; i++) {
		struct policy_prints p;
		char sender[64];
		snprintf(sender, sizeof(sender), "%s%u%s", before, i, after);
		const struct record *r = message(sender, content, &p);
		count += policy_wave_count(w, l, r, &p, now) != NULL;
	}
	return count;
}

static void many_senders(void **state)
{
	const struct config_limits l = { .wave_senders = 5, .wave_ms = 1000 };
	struct policy_waves w = { 0 };

	(void)state;
	name_row("threats G14 one text of many senders");
	assert_int_equal(over(&w, &l, "u", "@example.com/x", BODY(TEXT), 0, 10, 100), 6);
	name_row("threats G14 one link of many senders in many domains");
	assert_int_equal(over(&w, &l, "u@d", ".example", BODY("see " LINK), 0, 10, 100), 6);
	name_row("threats G14 one sender may repeat himself");
	assert_int_equal(over(&w, &l, "u@example.com/", "", BODY(TEXT " for me"), 0, 50, 100), 0);
	name_row("threats G14 a room is one sender");
	assert_int_equal(
		over(&w, &l, "room@muc.example.com/n", "", BODY(TEXT " in here"), 0, 50, 100), 0);
	name_row("threats G14 a wave that is over");
	assert_int_equal(over(&w, &l, "u", "@example.com", BODY(TEXT), 0, 5, 1000), 5);
	assert_int_equal(over(&w, &l, "u", "@example.com", BODY(TEXT), 0, 5, 1101), 1);
	name_row("threats G14 what everybody says is no wave");
	assert_int_equal(over(&w, &l, "u", "@example.com", BODY("good morning"), 0, 50, 100), 0);
	policy_waves_done(&w);
}

static void the_most_that_is_counted(void **state)
{
	const struct config_limits l = { .wave_senders = POLICY_WAVE_SENDERS, .wave_ms = 1000 };
	struct policy_waves w = { 0 };

	(void)state;
	name_row("threats G14 as many senders as are counted");
	assert_int_equal(
		over(&w, &l, "u", "@example.com", BODY(TEXT), 0, POLICY_WAVE_SENDERS - 1, 1), 0);
	assert_int_equal(
		over(&w, &l, "u", "@example.com", BODY(TEXT), 0, POLICY_WAVE_SENDERS - 1, 1), 0);
	assert_int_equal(over(&w, &l, "u", "@example.com", BODY(TEXT), 100, 100, 1), 100);
	policy_waves_done(&w);
}

static void listed(void **state)
{
	struct policy_prints p;
	uint64_t which = 0;

	(void)state;
	name_row("threats G14 a fingerprint that is refused for good");
	message("b@example.com", BODY(TEXT " " LINK), &p);
	uint64_t prints[] = { 1, p.print[1] };
	struct config c = { .fingerprints = prints, .n_fingerprints = 1 };
	assert_false(policy_print_listed(&c, &p, &which));
	c.n_fingerprints = 2;
	assert_true(policy_print_listed(&c, &p, &which));
	assert_true(which == p.print[1]);
}

static int setup(void **state)
{
	(void)state;
	bench_init(&bench);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bench_done(&bench);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(fingerprints_stay),
		cmocka_unit_test(many_senders),
		cmocka_unit_test(the_most_that_is_counted),
		cmocka_unit_test(listed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
