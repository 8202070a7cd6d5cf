/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No broker is there, and nobody who could take the pairs of the only outer: it keeps them. Their records wait for it
 * as long as they would wait for any node, and no longer.
 */
#include "lab.h"

static struct link *inner_of(struct lab *lab)
{
	return lab->nodes[INNER].l;
}

static void cut(struct lab *lab, unsigned outer)
{
	link_cut(inner_of(lab), lab->conns[INNER][outer].peer, LINK_CUT_DOWN, lab->now);
	if (lab->nodes[outer].l)
		link_cut(lab->nodes[outer].l, lab->conns[outer][INNER].peer, LINK_CUT_DOWN,
			lab->now);
	lab_cut(lab, outer);
}

static void mend(struct lab *lab, unsigned outer)
{
	link_cut(inner_of(lab), lab->conns[INNER][outer].peer, LINK_CUT_NOT, lab->now);
	link_cut(lab->nodes[outer].l, lab->conns[outer][INNER].peer, LINK_CUT_NOT, lab->now);
	lab_connect(lab, outer);
	lab_pass(lab, 100, 7);
}

/* The pair is a's, and there are no brokers any more. */
static void begin(struct lab *lab)
{
	lab_init(lab, 1);
	lab->no_news = true;
	lab_send(lab, INNER, lab_one, "r1");
	lab_pass(lab, 10, 7);
	cut(lab, OUTER_A);
	HAPPENED(lab, "a: r1\n");
}

static void test_back_in_time(void **state)
{
	struct lab lab;

	begin(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 10000, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	mend(&lab, OUTER_A);
	HAPPENED(&lab, "a: r2\na: r3\n");
	assert_int_equal(link_unacknowledged(inner_of(&lab)), 0);
	lab_done(&lab);
}

static void test_too_late(void **state)
{
	struct lab lab;

	begin(&lab);
	lab.tell_settled = true;
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 20000, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 39900, 7);
	HAPPENED(&lab, "");
	lab_pass(&lab, 1200, 7);
	HAPPENED(&lab, "inner bounces r2: 1 no node to send it to\ninner settled 2\n");
	/* What is younger is delivered, once and in order with what follows. */
	lab_send(&lab, INNER, lab_one, "r4");
	mend(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r5");
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "a: r3\na: r4\ninner settled 3\ninner settled 4\na: r5\ninner settled 5\n");
	assert_int_equal(link_unacknowledged(inner_of(&lab)), 0);
	lab_done(&lab);
}

/* It had been sent, and what became of it is not known: as where a line was cut, it goes back. */
static void test_under_way(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.no_news = true;
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 59500, 7);
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, lab.nodes[OUTER_A].held[0],
		lab.now);
	cut(&lab, OUTER_A);
	HAPPENED(&lab, "a: r1\na: r2\n");
	/* Not before it would be dead. */
	lab_pass(&lab, 900, 7);
	HAPPENED(&lab, "a loses one.example\n");
	lab_pass(&lab, 1200, 7);
	HAPPENED(&lab,
		"inner bounces r1: 1 no node to send it to\ninner bounces r2: 1 no node to send it "
		"to\n");
	lab.nodes[OUTER_A].program = TAKE;
	mend(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "a: r3\n");
	lab_done(&lab);
}

/* The inner ends meanwhile: nothing is lost without a word. */
static void test_drain(void **state)
{
	struct lab lab;

	begin(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_send(&lab, INNER, lab_two, "other");
	link_drain(inner_of(&lab), lab.now);
	link_hand_back(inner_of(&lab), lab.now);
	/* It may be back at once. */
	HAPPENED(&lab, "inner bounces other: 1 no node to send it to\n");
	lab_pass(&lab, 1100, 7);
	HAPPENED(&lab, "");
	link_hand_back(inner_of(&lab), lab.now);
	HAPPENED(&lab, "inner bounces r2: 1 no node to send it to\n");
	assert_true(link_drained(inner_of(&lab)));
	lab_done(&lab);
}

static void see_heard(void *user, const struct link_peer_info *p)
{
	*(uint64_t *)user = p->heard_ms_ago;
}

/* What is granted to a node that could not be heard is not shown as heard. */
static void test_heard(void **state)
{
	struct lab lab;
	uint64_t ms;

	begin(&lab);
	uint64_t last = lab.conns[INNER][OUTER_A].peer->heard;
	lab_pass(&lab, 10000, 7);
	link_cut(inner_of(&lab), lab.conns[INNER][OUTER_A].peer, LINK_CUT_NOT, lab.now);
	lab.now += 5000;
	lab_tick(&lab);
	link_each_peer(inner_of(&lab), lab.now, see_heard, &ms);
	assert_int_equal(ms, lab.now - last);
	lab_done(&lab);
}

static bool none(void *user, uint64_t receipt)
{
	return false;
}

/* An isolated node forgets what others have. What comes for a pair without records afterwards waits like the rest. */
static void test_isolated(void **state)
{
	struct lab lab;

	begin(&lab);
	lab_pass(&lab, 1100, 7);
	link_drop(inner_of(&lab), none, lab.now);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 61100, 7);
	HAPPENED(&lab, "inner bounces r2: 1 no node to send it to\n");
	lab_done(&lab);
}

/* The inner shares its leases: one that ended with its records is asked for again. */
static void test_shared(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 1);
	lab.no_news = true;
	lab_send(&lab, INNER, lab_one, "r1");
	HAPPENED(&lab, "asks 0: a inner/2\n");
	link_answered(inner_of(&lab), lab.ticket, LINK_WON, 1, STRL(""), lab.now);
	lab_pass(&lab, 10, 7);
	cut(&lab, OUTER_A);
	HAPPENED(&lab, "a: r1\n");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 30000, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 31100, 7);
	HAPPENED(&lab, "asks 1: remove\ninner bounces r2: 1 no node to send it to\n");
	mend(&lab, OUTER_A);
	HAPPENED(&lab, "");
	link_answered(inner_of(&lab), lab.ticket, LINK_WON, 0, STRL(""), lab.now);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	link_answered(inner_of(&lab), lab.ticket, LINK_WON, 2, STRL(""), lab.now);
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "a: r3\n");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_in_time),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_under_way),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
