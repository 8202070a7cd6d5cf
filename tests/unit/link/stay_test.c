/* SPDX-License-Identifier: Apache-2.0 */
/* A pair that another inner holds, which does not follow a wish: perhaps it is dead for good. */
#include "shared.h"

/* Time passes, and each question is won; the revision of the last one. */
static uint64_t pass_winning(struct lab *lab, uint64_t revision, unsigned ms)
{
	uint64_t won = lab->ticket;

	for (unsigned passed = 0; passed < ms; passed += 50) {
		lab_pass(lab, 50, ALL);
		while (lab->ticket != won) {
			won = lab->ticket;
			win(lab, ++revision);
		}
	}
	return revision;
}

static void cannot_reach(struct lab *lab, unsigned outer)
{
	struct lab_node *n = &lab->nodes[outer];

	link_unreachable(n->l, n->channel, NO, "gone", lab->now);
	lab_talk(lab);
}

/* Both inners have the pair at a, this one wants it at b, and the other does not hear of it: it stays at a. */
static uint64_t give_up(struct lab *lab, unsigned there, const char *before)
{
	char text[200];

	win(lab, there + 1);
	uint64_t revision = pass_winning(lab, there + 1, 1900);
	snprintf(text, sizeof(text), "%sasks %u: a (b!) other/9\nasks %u: a (b!) other/9\n", before,
		there, there + 1);
	HAPPENED(lab, text);
	return pass_winning(lab, revision, 400);
}

/* Its foreign domain cannot be reached at a: after one try to move, records come back at once, and with that reason. */
static void test_stays_where_it_cannot_be_reached(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	cannot_reach(&lab, OUTER_A);
	give_up(&lab, 5, "a: r1\n");
	HAPPENED(&lab, "asks 7: a other/9 inner/2\na: r1\n");
	cannot_reach(&lab, OUTER_A);
	lab_pass(&lab, 10, ALL);
	HAPPENED(&lab, "asks 8: a other/9\ninner bounces r1: 4 gone\n");
	win(&lab, 9);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 10, ALL);
	HAPPENED(&lab, "inner bounces r2: 4 gone\n");
	/* A second later it is tried again, there. */
	lab.nodes[OUTER_A].program = TAKE;
	lab_pass(&lab, 1000, ALL);
	lab_send(&lab, INNER, lab_one, "r3");
	HAPPENED(&lab, "asks 9: a other/9 inner/2\n");
	win(&lab, 10);
	HAPPENED(&lab, "a: r3\n");
	lab_done(&lab);
}

static void test_stays_although_the_outer_drains(void **state)
{
	struct lab lab;

	hold(&lab, true);
	link_drain(lab.nodes[OUTER_A].l, lab.now);
	lab_talk(&lab);
	HAPPENED(&lab, "asks 5: a other/9\n");
	win(&lab, 6);
	lab_send(&lab, INNER, lab_one, "r1");
	uint64_t revision = give_up(&lab, 6, "");
	HAPPENED(&lab, "asks 8: a other/9 inner/2\na: r1\n");
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	/* Before it ends it gives back what it has, which waits for the next process. */
	cannot_reach(&lab, OUTER_A);
	lab_pass(&lab, 500, ALL);
	HAPPENED(&lab, "a: r2\nasks 9: a other/9\n");
	win(&lab, ++revision);
	lab.nodes[OUTER_A].program = TAKE;
	lab.no_news = true;
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	HAPPENED(&lab, "asks 10: a other/9 inner/2\n");
	win(&lab, ++revision);
	HAPPENED(&lab, "a: r2\n");
	lab_done(&lab);
}

/* It was away for longer than it takes to be called dead: who comes back is used at once. */
static void test_stays_with_who_comes_back(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab.no_news = true;
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 1100, ALL);
	win(&lab, 6);
	uint64_t revision = pass_winning(&lab, 6, 10000);
	assert_true(revision > 10);
	buf_clear(&lab.log, 0);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	win(&lab, ++revision);
	assert_non_null(strstr(buf_bytes(&lab.log).p, ": a other/9 inner/2\na: r1\n"));
	buf_clear(&lab.log, 0);
	lab_done(&lab);
}

static void stay_set_aside(struct lab *lab)
{
	hold(lab, true);
	assert_null(link_set_aside(lab->nodes[INNER].l, STRL("a"), true, lab->now));
	HAPPENED(lab, "asks 5: a (b!) other/9 inner/2\n");
	win(lab, 6);
	HAPPENED(lab, "asks 6: a (b!) other/9\n");
	win(lab, 7);
	lab_send(lab, INNER, lab_one, "r1");
	pass_winning(lab, 7, 2400);
	HAPPENED(lab, "asks 7: a (b!) other/9\nasks 8: a other/9 inner/2\na: r1\n");
	/* What others wish does not count either, until the one who does not go is gone. */
	tell(lab, 10, "a", "b", 2, true);
	lab_send(lab, INNER, lab_one, "r2");
	lab_pass(lab, 1000, ALL);
	HAPPENED(lab, "a: r2\n");
}

/* The order stands: it is carried out as soon as the other inner is gone. */
static void test_order_is_obeyed_late(void **state)
{
	struct lab lab;

	stay_set_aside(&lab);
	tell(&lab, 11, "a", "", 2, false);
	win(&lab, 12);
	HAPPENED(&lab, "asks 11: a (b!) inner/2\nasks 12: a (b!)\n");
	win(&lab, 13);
	lab_send(&lab, INNER, lab_one, "r3");
	win(&lab, 14);
	HAPPENED(&lab, "asks 13: b inner/2\nb: r3\n");
	lab_done(&lab);
	/* An operator says that it is. */
	stay_set_aside(&lab);
	link_expel(lab.nodes[INNER].l, STRL("other"), OTHER_BOOT, lab.now);
	HAPPENED(&lab, "asks 10: a (b!)\n");
	win(&lab, 11);
	lab_send(&lab, INNER, lab_one, "r3");
	win(&lab, 12);
	HAPPENED(&lab, "asks 11: b inner/2\nb: r3\n");
	lab_done(&lab);
}

/* And tried again, ever more rarely. */
static void test_order_is_tried_again(void **state)
{
	static const unsigned pauses[] = { 30, 60, 120 };
	struct lab lab;

	stay_set_aside(&lab);
	tell(&lab, 11, "a", "", 2, true);
	uint64_t revision = 11;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		revision = pass_winning(&lab, revision, (pauses[i] - 4) * 1000);
		lab_send(&lab, INNER, lab_one, "r");
		lab_talk(&lab);
		HAPPENED(&lab, "a: r\n");
		lab_send(&lab, INNER, lab_one, "r");
		revision = pass_winning(&lab, revision, 4000);
		lab_send(&lab, INNER, lab_one, "r");
		revision = pass_winning(&lab, revision, 3000);
		assert_non_null(strstr(buf_bytes(&lab.log).p, "(b!)"));
		buf_clear(&lab.log, 0);
	}
	lab_done(&lab);
}

/* What another one gave up is not tried again at once. */
static void test_others_give_up(void **state)
{
	struct lab lab;

	hold(&lab, true);
	tell(&lab, 6, "a", "b", 2, true);
	win(&lab, 7);
	lab_send(&lab, INNER, lab_one, "r1");
	HAPPENED(&lab, "asks 6: a (b!) other/9\n");
	tell(&lab, 8, "a", "", 0, true);
	win(&lab, 9);
	HAPPENED(&lab, "asks 8: a other/9 inner/2\na: r1\n");
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("b"), lab.now));
	link_drain(lab.nodes[OUTER_A].l, lab.now);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 100, ALL);
	HAPPENED(&lab, "a: r2\n");
	lab_done(&lab);
}

/* --- what is told of a pair and the table --- */

static void look(void *user, const struct link_place *p)
{
	static const char *const holds[] = {
		[LINK_HOLD_NOT] = "",
		[LINK_HOLD_TABLE] = ", table",
		[LINK_HOLD_OTHERS] = ", others",
		[LINK_HOLD_SILENT] = ", silent",
	};
	struct lab *lab = user;

	buf_printf(&lab->log, "%.*s%s", STR_FMT(p->owner), holds[p->hold]);
	for (size_t i = 0; p->silent && i < p->silent->n_holders; i++)
		buf_printf(&lab->log, " %.*s/%u", STR_FMT(p->silent->holders[i].node),
			(unsigned)p->silent->holders[i].boot);
	if (p->lease)
		buf_printf(&lab->log, ", entry of %.*s (%.*s) %zu+%zu", STR_FMT(p->lease->owner),
			STR_FMT(p->lease->wish), p->lease->n_holders - p->others, p->others);
	buf_printf(&lab->log, "\n");
}

static void tells(struct lab *lab, const char *text)
{
	buf_clear(&lab->log, 0);
	link_each_channel(lab->nodes[INNER].l, lab->now, &(struct excerpt){ 0 }, look, lab);
	HAPPENED(lab, text);
}

static void test_told_of_the_table(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	tells(&lab, ", table\n");
	fail_to_answer(&lab);
	tells(&lab, ", table\n");
	lab_pass(&lab, 300, ALL);
	win(&lab, 3);
	tells(&lab, "a, entry of a () 1+0\n");
	tell(&lab, 4, "a", "", 2, true);
	tells(&lab, "a, entry of a () 1+1\n");
	lab_done(&lab);
}

static void test_told_of_others(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab.no_news = true;
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 1100, ALL);
	tells(&lab, ", table, entry of a () 1+1\n");
	win(&lab, 6);
	tells(&lab, ", others, entry of a (b) 0+1\n");
	pass_winning(&lab, 6, 2500);
	tells(&lab, ", silent other/9, entry of a (b) 0+1\n");
	link_expel(lab.nodes[INNER].l, STRL("other"), OTHER_BOOT, lab.now);
	win(&lab, 20);
	tells(&lab, "b, entry of b () 1+0\n");
	lab_done(&lab);

	stay_set_aside(&lab);
	tell(&lab, 11, "a", "", 2, true);
	tells(&lab, "a, silent other/9, entry of a () 1+1\n");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays_where_it_cannot_be_reached),
		cmocka_unit_test(test_stays_although_the_outer_drains),
		cmocka_unit_test(test_stays_with_who_comes_back),
		cmocka_unit_test(test_order_is_obeyed_late),
		cmocka_unit_test(test_order_is_tried_again),
		cmocka_unit_test(test_others_give_up),
		cmocka_unit_test(test_told_of_the_table),
		cmocka_unit_test(test_told_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
