/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../rows.h"
#include "policy/loop.h"

static struct record record(const char *id, const char *to)
{
	return (struct record){ .id = str_of(id), .to = { .full = str_of(to) } };
}

/* How many of n repetitions pass, each gap later than the one before. */
static unsigned passed(struct policy_loop *l, const struct record *r, const char *bytes, unsigned n,
	uint64_t gap, uint64_t *now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++, *now += gap)
		count += !policy_loop_passes(l, r, str_of(bytes), *now);
	return count;
}

static void a_loop_ends(void **state)
{
	struct policy_loop l = { 0 };
	struct record r = record("m1", "a@example.se");
	uint64_t now = 1000;

	name_row("threats G11 a stanza that goes round");
	name_row("s2s C18 a stanza that goes round");
	assert_int_equal(passed(&l, &r, "<groupchat>", 100, 50, &now), POLICY_LOOP_TIMES);
	/* Still, as long as it goes on. */
	assert_int_equal(passed(&l, &r, "<groupchat>", 10, 50, &now), 0);
	/* Long after, it is a new one. */
	now += POLICY_LOOP_MS + 1;
	assert_int_equal(passed(&l, &r, "<groupchat>", 1, 50, &now), 1);
	policy_loop_done(&l);
}

static void what_is_no_loop(void **state)
{
	struct policy_loop l = { 0 };
	struct record none = record("", "a@example.se"), same = record("1", "a@example.se");
	uint64_t now = 1000;
	char id[16], bytes[32];

	name_row("threats G11 what repeats and is no loop");
	assert_int_equal(passed(&l, &none, "typing", 100, 1, &now), 100); /* no id */
	for (unsigned i = 0; i < 100; i++) { /* an id that a client never changes */
		snprintf(bytes, sizeof(bytes), "text %u", i);
		assert_false(policy_loop_passes(&l, &same, str_of(bytes), now++));
	}
	for (unsigned i = 0; i < 100000; i++) { /* as a client counts */
		snprintf(id, sizeof(id), "%u", i);
		struct record r = record(id, "a@example.se");
		assert_false(policy_loop_passes(&l, &r, STRL("text"), now));
	}
	for (unsigned i = 0; i < 1000; i++) { /* to the members of a room */
		snprintf(bytes, sizeof(bytes), "a%u@example.se", i);
		struct record r = record("x", bytes);
		assert_false(policy_loop_passes(&l, &r, str_of(bytes), now));
	}
	assert_int_equal(passed(&l, &same, "every quarter of a minute", 100, 15000, &now), 100);
	policy_loop_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_ends),
		cmocka_unit_test(what_is_no_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
