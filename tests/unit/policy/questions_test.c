/* SPDX-License-Identifier: Apache-2.0 */
/* Which answers were asked for, and what happens when the table cannot tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../rows.h"
#include "policy/questions.h"

enum { MS = 1000, START = 50, SURE = START + MS + 1 };

static const struct policy_question_limits limits = { .most = 20, .ms = MS };

static struct jid address(const char *full)
{
	struct str s = str_of(full), rest = s;
	const char *at = strchr(full, '@');

	rest = at ? str_skip(s, (size_t)(at + 1 - full)) : s;
	const char *slash = memchr(rest.p, '/', rest.len);
	return (struct jid){ .full = s,
		.domain = str_from(rest.p, slash ? (size_t)(slash - rest.p) : rest.len) };
}

static struct record iq(const char *from, const char *to, const char *id)
{
	return (struct record){
		.kind = RECORD_IQ, .from = address(from), .to = address(to), .id = str_of(id)
	};
}

static void ask(
	struct policy_questions *q, const char *from, const char *to, const char *id, uint64_t now)
{
	struct record r = iq(from, to, id);

	policy_question(q, &limits, &r, now);
}

static enum policy_answer answer(
	struct policy_questions *q, const char *from, const char *to, const char *id, uint64_t now)
{
	struct record r = iq(from, to, id);

	return policy_answer(q, &limits, &r, now);
}

/* A memory that is old enough to be sure. */
static void begin(struct policy_questions *q)
{
	policy_questions_init(q);
	assert_int_equal(answer(q, "example.com", "a@example.se/x", "0", START), POLICY_UNSURE);
}

#define ME "a@example.se/x"

static void who_was_asked(void **state)
{
	struct policy_questions q;

	(void)state;
	begin(&q);
	ask(&q, ME, "b@example.com", "1", SURE);
	name_row("threats G6 answer of somebody else");
	assert_int_equal(answer(&q, "c@example.com", ME, "1", SURE), POLICY_NOT_ASKED);
	assert_int_equal(answer(&q, "b@example.com/y", ME, "1", SURE), POLICY_NOT_ASKED);
	assert_int_equal(answer(&q, "b@example.org", ME, "1", SURE), POLICY_NOT_ASKED);
	name_row("threats G6 answer to somebody else");
	assert_int_equal(
		answer(&q, "b@example.com", "a@example.se/z", "1", SURE), POLICY_NOT_ASKED);
	name_row("threats G6 answer with another id");
	assert_int_equal(answer(&q, "b@example.com", ME, "2", SURE), POLICY_NOT_ASKED);
	assert_int_equal(answer(&q, "b@example.com", ME, "", SURE), POLICY_NOT_ASKED);
	name_row("threats G6 the answer, once");
	assert_int_equal(answer(&q, "b@example.com", ME, "1", SURE), POLICY_ASKED);
	assert_int_equal(answer(&q, "b@example.com", ME, "1", SURE), POLICY_NOT_ASKED);
	name_row("threats G6 asked twice, answered twice");
	ask(&q, ME, "example.com", "1", SURE);
	ask(&q, ME, "example.com", "1", SURE);
	assert_int_equal(answer(&q, "example.com", ME, "1", SURE), POLICY_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "1", SURE), POLICY_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "1", SURE), POLICY_NOT_ASKED);
	policy_questions_done(&q);
}

static void what_is_not_known(void **state)
{
	struct policy_questions q;

	(void)state;
	name_row("threats G6 after a start nothing is known");
	begin(&q);
	ask(&q, ME, "example.com", "1", START + 10);
	assert_int_equal(answer(&q, "example.com", ME, "1", START + 20), POLICY_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "2", START + MS - 1), POLICY_UNSURE);
	assert_int_equal(answer(&q, "example.com", ME, "2", START + MS), POLICY_NOT_ASKED);
	policy_questions_done(&q);
	name_row("threats G6 begun anew, nothing is known again");
	assert_int_equal(answer(&q, "example.com", ME, "2", 5 * SURE), POLICY_UNSURE);
	policy_questions_done(&q);
	name_row("threats G6 an answer that comes too late");
	begin(&q);
	ask(&q, ME, "example.com", "1", SURE);
	assert_int_equal(answer(&q, "example.com", ME, "1", SURE + MS + 1), POLICY_NOT_ASKED);
	policy_questions_done(&q);
}

static void a_pair_is_full(void **state)
{
	struct policy_questions q;
	char id[16];

	(void)state;
	name_row("threats G6 one pair asks more than is kept");
	begin(&q);
	for (unsigned i = 0; i < 25; i++) {
		snprintf(id, sizeof(id), "%u", i);
		ask(&q, ME, "example.com", id, SURE + i);
	}
	assert_int_equal(answer(&q, "example.com", ME, "4", SURE + 30), POLICY_UNSURE);
	assert_int_equal(answer(&q, "example.com", ME, "5", SURE + 30), POLICY_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "24", SURE + 30), POLICY_ASKED);
	/* Another pair is not concerned. */
	assert_int_equal(answer(&q, "example.org", ME, "4", SURE + 30), POLICY_NOT_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "4", SURE + 24 + MS), POLICY_NOT_ASKED);
	/* In the long run there is always room for what is not answered yet. */
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "r%u", i);
		ask(&q, ME, "example.com", id, 3 * SURE + i);
		assert_int_equal(answer(&q, "example.com", ME, id, 3 * SURE + i), POLICY_ASKED);
	}
	assert_int_equal(answer(&q, "example.com", ME, "r1", 3 * SURE + 1000), POLICY_NOT_ASKED);
	policy_questions_done(&q);
}

/* The oldest is open for long, and many others come and are answered. */
static void settled_ones_take_no_room(void **state)
{
	struct policy_questions q;
	char id[16];

	(void)state;
	name_row("threats G6 an open question outlives many that are settled");
	begin(&q);
	ask(&q, ME, "example.com", "open", SURE);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "%u", i);
		ask(&q, ME, "example.com", id, SURE);
		assert_int_equal(answer(&q, "example.com", ME, id, SURE), POLICY_ASKED);
	}
	assert_int_equal(answer(&q, "example.com", ME, "0", SURE), POLICY_NOT_ASKED);
	assert_int_equal(answer(&q, "example.com", ME, "open", SURE), POLICY_ASKED);
	policy_questions_done(&q);
}

static void too_many_pairs(void **state)
{
	struct policy_questions q;
	char domain[32];

	(void)state;
	name_row("threats G6 more pairs than are kept");
	begin(&q);
	for (unsigned i = 0; i <= POLICY_QUESTION_PAIRS; i++) {
		snprintf(domain, sizeof(domain), "d%u.example", i);
		ask(&q, ME, domain, "1", SURE);
	}
	assert_int_equal(q.pairs.count, POLICY_QUESTION_PAIRS);
	assert_int_equal(answer(&q, "d0.example", ME, "1", SURE), POLICY_UNSURE);
	assert_int_equal(answer(&q, "d1.example", ME, "1", SURE), POLICY_ASKED);
	assert_int_equal(answer(&q, "d0.example", ME, "1", SURE + MS), POLICY_NOT_ASKED);
	/* A pair with nothing open goes without a doubt. */
	ask(&q, ME, "late.example", "1", SURE + 2 * MS);
	assert_int_equal(answer(&q, "d2.example", ME, "1", SURE + 2 * MS), POLICY_NOT_ASKED);
	policy_questions_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_asked),
		cmocka_unit_test(what_is_not_known),
		cmocka_unit_test(a_pair_is_full),
		cmocka_unit_test(settled_ones_take_no_room),
		cmocka_unit_test(too_many_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
