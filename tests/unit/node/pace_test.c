/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections to one address are set up at once, and who comes next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "node/pace.h"

enum { SOME = 200 };

struct field {
	struct pace pace;
	struct pace_turn turns[SOME];
	unsigned gone[SOME]; /* in which order those that waited had their turn; 0: not yet */
	unsigned n_gone;
	struct net_addr here, there;
};

static struct field *field;

static void go(struct pace_turn *t)
{
	field->gone[t - field->turns] = ++field->n_gone;
}

static struct net_addr address(const char *text)
{
	struct net_addr a;

	assert_true(net_addr_parse(str_of(text), &a));
	return a;
}

static int set_up(void **state)
{
	field = calloc(1, sizeof(*field));
	pace_init(&field->pace);
	for (int i = 0; i < SOME; i++)
		field->turns[i].go = go;
	field->here = address("127.0.0.1:5269");
	field->there = address("[::1]:5269");
	return 0;
}

static int tear_down(void **state)
{
	for (int i = SOME - 1; i >= 0; i--)
		pace_leave(&field->pace, &field->turns[i]);
	pace_done(&field->pace);
	free(field);
	return 0;
}

static void enter_all(void)
{
	for (int i = 0; i < SOME; i++)
		assert_int_equal(
			pace_enter(&field->pace, &field->turns[i], &field->here), i < PACE_AT_ONCE);
}

static void test_order(void **state)
{
	enter_all();
	for (unsigned i = 0; i < SOME - PACE_AT_ONCE; i++) {
		pace_leave(&field->pace, &field->turns[i]);
		assert_int_equal(field->n_gone, i + 1);
		assert_int_equal(field->gone[PACE_AT_ONCE + i], i + 1);
	}
}

static void test_waiting_given_up(void **state)
{
	enter_all();
	pace_leave(&field->pace, &field->turns[PACE_AT_ONCE]);
	pace_leave(&field->pace, &field->turns[0]);
	assert_int_equal(field->n_gone, 1);
	assert_int_equal(field->gone[PACE_AT_ONCE], 0);
	assert_int_equal(field->gone[PACE_AT_ONCE + 1], 1);
}

static void test_other_address(void **state)
{
	struct pace_turn other = { .go = go };
	struct net_addr port = address("127.0.0.1:5270");

	enter_all();
	assert_true(pace_enter(&field->pace, &other, &field->there));
	pace_leave(&field->pace, &other);
	assert_true(pace_enter(&field->pace, &other, &port));
	pace_leave(&field->pace, &other);
	assert_int_equal(field->n_gone, 0);
}

static void test_passed_on(void **state)
{
	struct pace_turn heir = { 0 };

	enter_all();
	pace_pass(&field->turns[0], &heir);
	pace_leave(&field->pace, &field->turns[0]);
	assert_int_equal(field->n_gone, 0);
	pace_leave(&field->pace, &heir);
	assert_int_equal(field->n_gone, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waiting_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_passed_on, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
