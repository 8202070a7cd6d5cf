/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes of one role learn of each other, when one counts as isolated, and records that it may forget. */
#include "lab.h"

static void see_others(void *user, const struct link_peer_info *p)
{
	struct lab *lab = user;

	buf_printf(&lab->log, "%.*s knows %u others\n", STR_FMT(p->id), (unsigned)p->others);
}

/* What this outer was told by the inner. */
static void look(struct lab *lab, unsigned outer)
{
	link_each_peer(lab->nodes[outer].l, lab->now, see_others, lab);
}

static uint64_t isolated_at(const struct lab *lab, unsigned node)
{
	return link_isolated_at(lab->nodes[node].l);
}

static bool replaceable(const struct lab *lab, unsigned node)
{
	return link_replaceable(lab->nodes[node].l);
}

static void test_told(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.no_news = true;
	lab_pass(&lab, 210, 7);
	look(&lab, OUTER_A);
	HAPPENED(&lab, "inner knows 1 others\n");
	assert_true(replaceable(&lab, OUTER_A) && !replaceable(&lab, INNER));
	assert_null(link_set_aside(lab.nodes[INNER].l, STRL("b"), true, lab.now));
	lab_pass(&lab, 210, 7);
	assert_false(replaceable(&lab, OUTER_A));
	assert_true(replaceable(&lab, OUTER_B));
	assert_null(link_set_aside(lab.nodes[INNER].l, STRL("b"), false, lab.now));
	lab_pass(&lab, 210, 7);
	assert_true(replaceable(&lab, OUTER_A));
	link_drain(lab.nodes[OUTER_B].l, lab.now);
	lab_pass(&lab, 210, 7);
	assert_false(replaceable(&lab, OUTER_A));
	lab_crash(&lab, OUTER_B);
	lab_start(&lab, OUTER_B);
	lab_connect(&lab, OUTER_B);
	lab_pass(&lab, 210, 7);
	assert_true(replaceable(&lab, OUTER_A));
	lab_crash(&lab, OUTER_B);
	lab_pass(&lab, 210, 7);
	look(&lab, OUTER_A);
	assert_non_null(strstr(buf_bytes(&lab.log).p, "inner knows 0 others\n"));
	assert_false(replaceable(&lab, OUTER_A));
	lab_done(&lab);
}

/* The line is whole again. */
static void mend(struct lab *lab, unsigned outer)
{
	lab_cut(lab, outer);
	lab_connect(lab, outer);
	lab_talk(lab);
}

static void hear(struct lab *lab, unsigned outer)
{
	mend(lab, outer);
	lab_pass(lab, 300, 7);
	assert_int_equal(isolated_at(lab, outer), UINT64_MAX);
}

static void test_isolated(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.no_news = true;
	lab_pass(&lab, 300, 7);
	uint64_t heard = lab.conns[OUTER_A][INNER].peer->heard;
	assert_int_equal(isolated_at(&lab, OUTER_A), UINT64_MAX);
	/* It alone hears nothing any more. */
	lab_pass(&lab, 1100, 1u << OUTER_A);
	assert_int_equal(isolated_at(&lab, OUTER_A), heard + 1000);
	assert_false(replaceable(&lab, OUTER_A));
	hear(&lab, OUTER_A);
	/* The inner's process ended the link, or was killed: it comes again. */
	lab_cut(&lab, OUTER_A);
	lab_pass(&lab, 5000, 7);
	assert_int_equal(isolated_at(&lab, OUTER_A), UINT64_MAX);
	hear(&lab, OUTER_A);
	/* Nobody else could serve. */
	lab_cut(&lab, OUTER_B);
	lab_pass(&lab, 300, 7);
	lab_pass(&lab, 1100, 1u << OUTER_A);
	assert_int_equal(isolated_at(&lab, OUTER_A), UINT64_MAX);
	lab_done(&lab);
}

/* An inner is isolated only when no outer is left; and here no outer has another inner. */
static void test_inner_alone(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.no_news = true;
	lab_pass(&lab, 300, 7);
	lab_pass(&lab, 1100, 1u << INNER);
	assert_int_equal(isolated_at(&lab, INNER), UINT64_MAX);
	lab.conns[INNER][OUTER_A].peer->others = lab.conns[INNER][OUTER_B].peer->others = 1;
	assert_true(isolated_at(&lab, INNER) <= lab.now);
	mend(&lab, OUTER_B);
	assert_int_equal(isolated_at(&lab, INNER), UINT64_MAX);
	lab_done(&lab);
}

/* A carrier that is cut tells its end after some silence; one whose brokers are stopped tells it at once. */
static void test_carrier_is_cut(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.no_news = true;
	lab_pass(&lab, 300, 7);
	struct link *a = lab.nodes[OUTER_A].l;
	struct link_peer *inner = lab.conns[OUTER_A][INNER].peer;
	link_cut(a, inner, LINK_CUT_DOWN, lab.now);
	lab_cut(&lab, OUTER_A);
	lab_pass(&lab, 3000, 7);
	assert_int_equal(isolated_at(&lab, OUTER_A), UINT64_MAX);
	link_cut(a, inner, LINK_CUT_NOT, lab.now);
	hear(&lab, OUTER_A);
	uint64_t heard = inner->heard;
	lab_pass(&lab, 600, 1u << OUTER_A);
	link_cut(a, inner, LINK_CUT_DOWN, lab.now);
	lab_cut(&lab, OUTER_A);
	assert_int_equal(isolated_at(&lab, OUTER_A), heard + 1000);
	/* After less when nothing could be written any more, either. */
	link_cut(a, inner, LINK_CUT_NOT, lab.now);
	hear(&lab, OUTER_A);
	while (inner->heard + 20 < lab.now)
		lab_pass(&lab, 10, 7);
	while (lab.now < inner->heard + 130)
		lab_pass(&lab, 10, 1u << OUTER_A);
	link_cut(a, inner, LINK_CUT_STALLED, lab.now);
	lab_cut(&lab, OUTER_A);
	assert_int_equal(isolated_at(&lab, OUTER_A), UINT64_MAX);
	link_cut(a, inner, LINK_CUT_NOT, lab.now);
	hear(&lab, OUTER_A);
	heard = inner->heard;
	while (lab.now < inner->heard + 150)
		lab_pass(&lab, 10, 1u << OUTER_A);
	link_cut(a, inner, LINK_CUT_STALLED, lab.now);
	lab_cut(&lab, OUTER_A);
	assert_int_equal(isolated_at(&lab, OUTER_A), heard + 1000);
	lab_done(&lab);
}

/* An outer may send a pair's records to another inner only if that one has the domain. */
static void test_domains_count(void **state)
{
	struct lab lab;
	struct str mine[] = { STRL("l.example"), STRL("m.example") };
	struct link_peer q = { .state = PEER_UP }, *p;

	lab_init(&lab, 2);
	p = lab.conns[OUTER_A][INNER].peer;
	list_append(&lab.nodes[OUTER_A].l->peers, &q.link);
	assert_int_equal(others_than(p), 0);
	q.domains = mine;
	q.n_domains = 2;
	assert_int_equal(others_than(p), 1);
	assert_int_equal(
		others_than(&(struct link_peer){ .l = p->l, .domains = mine + 1, .n_domains = 1 }),
		1);
	q.domains = mine + 1;
	q.n_domains = 1;
	assert_int_equal(others_than(p), 0);
	list_remove(&q.link);
	lab_done(&lab);
}

/* --- records that their sender sends again --- */

static bool is_even(void *user, uint64_t receipt)
{
	return receipt % 2 == 0;
}

static bool is_small(void *user, uint64_t receipt)
{
	return receipt <= 2;
}

/* Four records of an outer that was taken off the air; r1 to r4 have the receipts 1 to 4. */
static void lose(struct lab *lab)
{
	lab_init(lab, 2);
	lab->no_news = lab->tell_settled = true;
	lab_pass(lab, 300, 7);
	lab_send(lab, OUTER_A, lab_one, "r1");
	lab_drop_frames(&lab->conns[OUTER_A][INNER]);
	lab_send(lab, OUTER_A, lab_one, "r2");
	lab_pass(lab, 1100, 1u << OUTER_A);
	lab_send(lab, OUTER_A, lab_one, "r3");
	lab_send(lab, OUTER_A, lab_one, "r4");
	buf_clear(&lab->log, 0);
}

static void test_forgotten(void **state)
{
	struct lab lab;

	lose(&lab);
	link_drop(lab.nodes[OUTER_A].l, is_small, lab.now);
	assert_int_equal(link_unacknowledged(lab.nodes[OUTER_A].l), 2);
	mend(&lab, OUTER_A);
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "inner: r3\ninner: r4\na settled 3\na settled 4\n");
	lab_done(&lab);
}

/* What stands behind another one goes with it; it is not given back when nobody takes it. */
static void test_forgotten_in_between(void **state)
{
	struct lab lab;

	lose(&lab);
	link_drop(lab.nodes[OUTER_A].l, is_even, lab.now);
	assert_int_equal(link_unacknowledged(lab.nodes[OUTER_A].l), 4);
	lab_pass(&lab, 63000, 1u << OUTER_A);
	HAPPENED(&lab,
		"a bounces r1: 1 no node to send it to\na settled 1\n"
		"a bounces r3: 1 no node to send it to\na settled 3\n");
	lab_done(&lab);
}

static bool is_any(void *user, uint64_t receipt)
{
	return true;
}

/* A stream that waited for room is read again, and the pair waits for nothing. */
static void test_forgotten_room(void **state)
{
	struct lab lab;

	lose(&lab);
	while (lab_send(&lab, OUTER_A, lab_one, "r"))
		;
	buf_clear(&lab.log, 0);
	struct link *a = lab.nodes[OUTER_A].l;
	link_drop(a, is_any, lab.now);
	HAPPENED(&lab, "a may write one.example\n");
	assert_int_equal(link_unacknowledged(a), 0);
	assert_true(lab_send(&lab, OUTER_A, lab_one, "r9"));
	lab.tell_settled = false;
	mend(&lab, OUTER_A);
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "inner: r9\n");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_inner_alone),
		cmocka_unit_test(test_carrier_is_cut),
		cmocka_unit_test(test_domains_count),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_forgotten_in_between),
		cmocka_unit_test(test_forgotten_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
