/* SPDX-License-Identifier: Apache-2.0 */
/* One inner of several that share a lease table: what it asks, and what it does with the answers. */
#include "link/tx.h"
#include "shared.h"

static void test_nothing_before_the_lease(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 500, ALL);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	win(&lab, 3);
	HAPPENED(&lab, "a: r1\na: r2\n");
	/* From here on the table costs nothing. */
	for (int i = 0; i < 5; i++)
		lab_send(&lab, INNER, lab_one, "r");
	lab_pass(&lab, 5000, ALL);
	HAPPENED(&lab, "a: r\na: r\na: r\na: r\na: r\n");
	lab_done(&lab);
}

/* The loser goes where the winner chose, although it would have chosen b. */
static void test_loser_adopts(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab.prefer = OUTER_B;
	lab_send(&lab, INNER, lab_one, "r1");
	HAPPENED(&lab, "asks 0: b inner/2\n");
	lose(&lab, 4, "a", "", 0, true);
	HAPPENED(&lab, "asks 4: a other/9 inner/2\n");
	win(&lab, 5);
	HAPPENED(&lab, "a: r1\n");
	lab_done(&lab);
}

static void test_removed_entry(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 8, STRL(""), lab.now);
	HAPPENED(&lab, "asks 0: a inner/2\nasks 8: a inner/2\n");
	lab_done(&lab);
}

/* The entry that another inner held is gone: there is no revision of that, and no need for doubts. */
static void test_removed_by_another(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lose(&lab, 4, "b", "", 0, true);
	HAPPENED(&lab, "asks 0: a inner/2\nasks 4: b other/9 inner/2\n");
	link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 0, STRL(""), lab.now);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	win(&lab, 6);
	HAPPENED(&lab, "a: r1\n");
	lab_done(&lab);
}

/* Nobody else removes an entry that names us: an answer that says so is old, until it says so again and again. */
static void test_own_row_is_not_gone(void **state)
{
	struct lab lab;

	hold(&lab, false);
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 1100, ALL);
	HAPPENED(&lab, "inner misses a\nasks 5: b inner/2\n");
	for (int i = 0; i < 3; i++) {
		link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 0, STRL(""), lab.now);
		HAPPENED(&lab, "");
		lab_pass(&lab, 300, ALL);
		HAPPENED(&lab, "asks 5: b inner/2\n");
	}
	link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 0, STRL(""), lab.now);
	HAPPENED(&lab, "asks 0: b inner/2\n");
	lab_done(&lab);
}

/* An entry with the highest number there is: it changes as often as before, and our own numbers do not hear of it. */
static void test_number_at_its_end(void **state)
{
	static struct lease e;
	struct lab lab;
	struct buf b;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	e = (struct lease){ .epoch = LEASE_EPOCH_MAX, .pair = lab_one, .owner = STRL("a") };
	assert_true(lease_join(&e, STRL("other"), OTHER_BOOT));
	buf_init(&b, LEASE_BYTES_MAX);
	lease_write(&e, &b);
	struct link *l = lab.nodes[INNER].l;
	link_answered(l, lab.ticket, LINK_LOST, 4, buf_bytes(&b), lab.now);
	buf_done(&b);
	HAPPENED(&lab, "asks 0: a inner/2\nasks 4: a other/9 inner/2\n");
	win(&lab, 5);
	HAPPENED(&lab, "a: r1\n");
	const struct link_tx *tx = tx_find(l, lab_one);
	assert_true(lease_read(tx->lease->value, &e));
	assert_true(e.epoch == LEASE_EPOCH_MAX);
	assert_true(l->epoch < LEASE_EPOCH_MAX / 2 && tx->epoch <= l->epoch);
	lab_done(&lab);
}

/* The watch is quicker than the answer: the next try need not wait. */
static void test_news_before_the_loss(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	tell(&lab, 4, "a", "", 0, true);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	lose(&lab, 4, "a", "", 0, true);
	HAPPENED(&lab, "asks 4: a other/9 inner/2\n");
	/* Nor if what the answer says is older than the watch's word. */
	tell(&lab, 8, "b", "", 0, true);
	lose(&lab, 6, "a", "b", 0, true);
	HAPPENED(&lab, "asks 8: b other/9 inner/2\n");
	/* Nor if it says that there was none. */
	tell(&lab, 10, "a", "", 0, true);
	link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 0, STRL(""), lab.now);
	HAPPENED(&lab, "asks 10: a other/9 inner/2\n");
	lab_done(&lab);
}

/* An entry that was won and changed since by others is the one of the others. */
static void test_news_before_the_win(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	tell(&lab, 6, "a", "b", 2, true);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	win(&lab, 5);
	HAPPENED(&lab, "asks 6: a (b!) other/9\n");
	lab_done(&lab);
}

/* The entry was removed, and written anew by another before we know the one. */
static void test_news_before_the_removal(void **state)
{
	struct lab lab;

	hold(&lab, false);
	lab_pass(&lab, 1200100, ALL);
	HAPPENED(&lab, "asks 5: remove\n");
	tell(&lab, 7, "b", "", 0, true);
	win(&lab, 0);
	lab_send(&lab, INNER, lab_one, "r1");
	HAPPENED(&lab, "asks 7: b other/9 inner/2\n");
	lab_done(&lab);
}

/* A loss of which nobody hears in time tells what stands there nevertheless. */
static void test_late_loss(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 2100, ALL);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	lose(&lab, 4, "a", "", 0, true);
	lab_pass(&lab, 300, ALL);
	HAPPENED(&lab, "asks 4: a other/9 inner/2\n");
	lab_done(&lab);
}

static void test_dead_owner(void **state)
{
	struct lab lab;

	hold(&lab, false);
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 900, ALL);
	HAPPENED(&lab, "inner misses a\n");
	lab_pass(&lab, 200, ALL);
	HAPPENED(&lab, "asks 5: b inner/2\n");
	win(&lab, 6);
	HAPPENED(&lab, "b: r1\n");
	lab_done(&lab);
}

/* An owner that is dead for one inner may live for another: nobody moves a pair that others hold. */
static void test_dead_owner_of_others(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 1100, ALL);
	HAPPENED(&lab, "inner misses a\nasks 5: a (b!) other/9\n");
	win(&lab, 6);
	lab_pass(&lab, 500, ALL);
	HAPPENED(&lab, "");
	tell(&lab, 7, "a", "b", 0, false);
	HAPPENED(&lab, "asks 7: b inner/2\n");
	win(&lab, 8);
	HAPPENED(&lab, "b: r1\n");
	lab_done(&lab);
}

/* No word comes from the watch: a try finds out. */
static void test_try_without_news(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab_crash(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 1100, ALL);
	win(&lab, 6);
	lab_pass(&lab, 1300, ALL);
	HAPPENED(&lab, "inner misses a\nasks 5: a (b!) other/9\nasks 6: a (b!) other/9\n");
	lose(&lab, 7, "a", "b", 0, false);
	HAPPENED(&lab, "asks 7: b inner/2\n");
	lab_done(&lab);
}

static void test_wish_of_another(void **state)
{
	struct lab lab;

	hold(&lab, true);
	tell(&lab, 6, "a", "b", 2, true);
	HAPPENED(&lab, "asks 6: a (b!) other/9\n");
	lab_send(&lab, INNER, lab_one, "r1");
	win(&lab, 7);
	HAPPENED(&lab, "");
	/* The last one that leaves, or the one that wished, takes it there. */
	tell(&lab, 8, "b", "", 0, true);
	HAPPENED(&lab, "asks 8: b other/9 inner/2\n");
	win(&lab, 9);
	HAPPENED(&lab, "b: r1\n");
	lab_done(&lab);
}

/* It is told while a question is under way that gets no answer. */
static void test_wish_behind_a_question(void **state)
{
	struct lab lab;

	hold(&lab, true);
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("b"), lab.now));
	HAPPENED(&lab, "asks 5: a (b!) other/9 inner/2\n");
	tell(&lab, 6, "a", "b", 2, true);
	assert_null(link_unpin(lab.nodes[INNER].l, lab_one));
	fail_to_answer(&lab);
	lab_pass(&lab, 300, ALL);
	HAPPENED(&lab, "asks 6: a (b!) other/9\n");
	lab_done(&lab);
}

/* What a slow next hop holds is dropped at the old owner before another one has the pair. */
static void test_seal(void **state)
{
	struct lab lab;

	hold(&lab, false);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\n");
	tell(&lab, 6, "a", "b", 2, false);
	lab_pass(&lab, 700, ALL);
	HAPPENED(&lab, "");
	lab_pass(&lab, 200, ALL);
	HAPPENED(&lab, "a loses one.example\nasks 6: b inner/2\n");
	win(&lab, 7);
	HAPPENED(&lab, "b: r1\n");
	lab_done(&lab);
}

static void test_move(void **state)
{
	struct lab lab;

	hold(&lab, true);
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("a"), lab.now));
	HAPPENED(&lab, "");
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("b"), lab.now));
	HAPPENED(&lab, "asks 5: a (b!) other/9 inner/2\n");
	win(&lab, 6);
	HAPPENED(&lab, "asks 6: a (b!) other/9\n");
	lab_done(&lab);
}

/* The last one that leaves goes where it was sent, and a pin holds against a hash. */
static void test_move_alone(void **state)
{
	struct lab lab;

	hold(&lab, false);
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("b"), lab.now));
	win(&lab, 6);
	HAPPENED(&lab, "asks 5: a (b!) inner/2\nasks 6: a (b!)\n");
	win(&lab, 7);
	lab_send(&lab, INNER, lab_one, "r1");
	HAPPENED(&lab, "asks 7: b inner/2\n");
	win(&lab, 8);
	HAPPENED(&lab, "b: r1\n");
	lab_pass(&lab, 40000, ALL);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	HAPPENED(&lab, "b: r2\n");
	/* Without the pin it goes home when it was idle. */
	assert_null(link_unpin(lab.nodes[INNER].l, lab_one));
	lab_pass(&lab, 40000, ALL);
	lab_send(&lab, INNER, lab_one, "r3");
	HAPPENED(&lab, "asks 8: a inner/2\n");
	win(&lab, 9);
	HAPPENED(&lab, "a expects one.example\na: r3\n");
	lab_done(&lab);
}

/* An order is not forgotten that comes while a question is under way, or while the node has just refused the pair. */
static void test_move_at_a_bad_moment(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("b"), lab.now));
	win(&lab, 3);
	HAPPENED(&lab, "asks 0: a inner/2\nasks 3: a (b!) inner/2\na: r1\n");
	lab_done(&lab);

	hold(&lab, false);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	link_unreachable(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, NO, "gone", lab.now);
	lab_talk(&lab);
	win(&lab, 6);
	assert_null(link_move(lab.nodes[INNER].l, lab_one, STRL("a"), lab.now));
	HAPPENED(&lab, "a: r1\nasks 5: b inner/2\nb: r1\n");
	lab_pass(&lab, 1300, ALL);
	HAPPENED(&lab, "asks 6: b (a!) inner/2\n");
	lab_done(&lab);
}

static void test_home_only_without_others(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab.prefer = OUTER_B;
	lab_pass(&lab, 40000, ALL);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\n");
	lab_done(&lab);
}

static void test_set_aside(void **state)
{
	struct lab lab;

	hold(&lab, true);
	assert_null(link_set_aside(lab.nodes[INNER].l, STRL("a"), true, lab.now));
	win(&lab, 6);
	HAPPENED(&lab, "asks 5: a (b!) other/9 inner/2\nasks 6: a (b!) other/9\n");
	lab_done(&lab);
}

/* No broker is there for some time: the owner fences itself, and both go on when they meet again, with no table yet. */
static void come_back(struct lab *lab)
{
	struct link *l = lab->nodes[INNER].l;

	LIST_EACH (&l->peers, it)
		link_cut(l, LIST_OWNER(it, struct link_peer, link), LINK_CUT_DOWN, lab->now);
	lab_cut(lab, OUTER_A);
	lab_cut(lab, OUTER_B);
	lab_send(lab, INNER, lab_one, "r1");
	lab_pass(lab, 3000, ALL);
	LIST_EACH (&l->peers, it)
		link_cut(l, LIST_OWNER(it, struct link_peer, link), LINK_CUT_NOT, lab->now);
	lab_connect(lab, OUTER_B);
	lab_connect(lab, OUTER_A);
	lab_pass(lab, 500, ALL);
}

static void test_held_needs_no_table(void **state)
{
	for (int others = 0; others <= 1; others++) {
		struct lab lab;
		hold(&lab, others);
		lab.no_news = true;
		lab_send(&lab, INNER, lab_one, "r0");
		lab_talk(&lab);
		HAPPENED(&lab, "a: r0\n");
		come_back(&lab);
		HAPPENED(&lab, "a: r1\n");
		lab_done(&lab);
	}
}

/* What it holds it holds no more when it has asked for something else, granted or not; unless nobody was asked. */
static void ask_for_b(struct lab *lab, enum link_answer answer)
{
	hold(lab, false);
	lab->no_news = true;
	lab_crash(lab, OUTER_A);
	lab_send(lab, INNER, lab_one, "r1");
	lab_pass(lab, 1100, ALL);
	HAPPENED(lab, "asks 5: b inner/2\n");
	link_answered(lab->nodes[INNER].l, lab->ticket, answer, 0, STRL(""), lab->now);
	lab_start(lab, OUTER_A);
	lab_connect(lab, OUTER_A);
	lab_pass(lab, 300, ALL);
}

static void test_held_no_more(void **state)
{
	struct lab lab;

	ask_for_b(&lab, LINK_UNAVAILABLE);
	HAPPENED(&lab, "asks 5: a inner/2\n");
	lab_done(&lab);
	ask_for_b(&lab, LINK_UNASKED);
	HAPPENED(&lab, "a: r1\n");
	lab_done(&lab);
}

/* The table counts its revisions anew: the epoch tells what is new, and what is known under another number. */
static void test_counted_anew(void **state)
{
	struct lab lab;

	hold(&lab, true);
	/* An old entry under a high number: the owner is not left for it. */
	tell_nth(&lab, 3, 9, "b", "", 0, true);
	HAPPENED(&lab, "");
	/* A new one under a low number: somebody wishes. */
	tell_nth(&lab, 6, 3, "a", "b", 2, true);
	HAPPENED(&lab, "asks 3: a (b!) other/9\n");
	/* The known one under another number is asked for by that, at once. */
	struct buf b;
	write_entry(&b, 6, "a", "b", 2, true);
	link_answered(lab.nodes[INNER].l, lab.ticket, LINK_LOST, 2, buf_bytes(&b), lab.now);
	buf_done(&b);
	HAPPENED(&lab, "asks 2: a (b!) other/9\n");
	lab_done(&lab);
}

static void test_unavailable(void **state)
{
	struct lab lab;

	hold(&lab, false);
	lab_send(&lab, INNER, lab_two, "r1");
	HAPPENED(&lab, "asks 0: a inner/2\n");
	fail_to_answer(&lab);
	/* What has its lease goes on. */
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 200, ALL);
	HAPPENED(&lab, "a: r2\n");
	lab_pass(&lab, 100, ALL);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	/* No answer at all is the same, and the one that comes late is none. */
	uint64_t late = lab.ticket;
	lab_pass(&lab, 2300, ALL);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	link_answered(lab.nodes[INNER].l, late, LINK_WON, 9, STRL(""), lab.now);
	lab_talk(&lab);
	HAPPENED(&lab, "");
	win(&lab, 10);
	HAPPENED(&lab, "a: r1\n");
	lab_done(&lab);
}

static void test_unavailable_too_long(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 1);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 62000, ALL);
	const char *log = buf_bytes(&lab.log).p;
	buf_append(&lab.log, str_from("", 1));
	assert_non_null(strstr(log, "inner bounces r1: 1 no node to send it to\n"));
	buf_clear(&lab.log, 0);
	lab_done(&lab);
}

static void test_alone(void **state)
{
	struct lab lab;

	lab_init(&lab, 0);
	lab.alone_ms = 600;
	link_free(lab.nodes[INNER].l);
	lab.shared = true;
	lab_start(&lab, INNER);
	lab_connect(&lab, OUTER_A);
	lab_connect(&lab, OUTER_B);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r1");
	for (int i = 0; i < 3; i++) {
		fail_to_answer(&lab);
		lab_pass(&lab, 260, ALL);
	}
	HAPPENED(&lab, "asks 0: a inner/2\nasks 0: a inner/2\nasks 0: a inner/2\na: r1\n");
	/* The table is back, and says that the other inner is at b. */
	lab_pass(&lab, 260, ALL);
	HAPPENED(&lab, "asks 0: a inner/2\n");
	lose(&lab, 4, "b", "", 0, true);
	HAPPENED(&lab, "");
	lab_send(&lab, INNER, lab_one, "r2");
	HAPPENED(&lab, "asks 4: b other/9 inner/2\n");
	win(&lab, 5);
	HAPPENED(&lab, "b: r2\n");
	lab_done(&lab);
}

static void test_idle(void **state)
{
	struct lab lab;

	hold(&lab, true);
	lab_pass(&lab, 1200100, ALL);
	HAPPENED(&lab, "asks 5: a other/9\n");
	assert_false(list_empty(&lab.nodes[INNER].l->txs));
	win(&lab, 6);
	assert_true(list_empty(&lab.nodes[INNER].l->txs));
	lab_done(&lab);
}

static void test_drain_gives_leases_back(void **state)
{
	struct lab lab;

	hold(&lab, false);
	link_drain(lab.nodes[INNER].l, lab.now);
	lab_talk(&lab);
	/* A last record needs no question. */
	assert_true(lab_send(&lab, INNER, lab_one, "last"));
	lab_talk(&lab);
	lab_pass(&lab, 20, ALL);
	HAPPENED(&lab, "a: last\n");
	assert_false(link_drained(lab.nodes[INNER].l));
	link_let_go(lab.nodes[INNER].l, lab.now);
	HAPPENED(&lab, "asks 5: remove\n");
	assert_false(link_drained(lab.nodes[INNER].l));
	win(&lab, 6);
	assert_true(link_drained(lab.nodes[INNER].l));
	lab_done(&lab);
}

/* A row of the process before: its owner may write for it until that process' echoes are too old. */
static void test_row_of_the_dead(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 0);
	lab_connect(&lab, OUTER_B);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r1");
	lose(&lab, 4, "a", "", 1, false);
	lab_pass(&lab, 900, ALL);
	HAPPENED(&lab, "asks 0: b inner/2\n");
	lab_pass(&lab, 400, ALL);
	HAPPENED(&lab, "asks 4: b inner/2\n");
	lab_done(&lab);
}

static void test_expel(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 0);
	lab_connect(&lab, OUTER_B);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r1");
	lose(&lab, 4, "a", "b", 0, true);
	link_expel(lab.nodes[INNER].l, STRL("other"), OTHER_BOOT + 1, lab.now);
	lab_pass(&lab, 500, ALL);
	HAPPENED(&lab, "asks 0: b inner/2\n");
	link_expel(lab.nodes[INNER].l, STRL("other"), OTHER_BOOT, lab.now);
	HAPPENED(&lab, "asks 4: b inner/2\n");
	win(&lab, 5);
	HAPPENED(&lab, "b: r1\n");
	lab_done(&lab);
}

/* Rows of which no channel knows: each is given back, and nothing is left of it. */
static void test_rows_of_nobody(void **state)
{
	struct lab lab;

	lab_init_shared(&lab, 2);
	tell(&lab, 6, "a", "", 2, false);
	HAPPENED(&lab, "asks 6: remove\n");
	win(&lab, 0);
	assert_true(list_empty(&lab.nodes[INNER].l->txs));
	lab_done(&lab);
}

/* However many of them there are, half of the channels are for who has something to send. */
static void test_rows_of_nobody_without_end(void **state)
{
	static struct lease e;
	struct lab lab;
	struct buf b;

	lab_init_shared(&lab, 2);
	struct link *l = lab.nodes[INNER].l;
	size_t told = l->set.channels_max + 9;
	for (size_t i = 0; i < told; i++) {
		char name[40];
		snprintf(name, sizeof(name), "n%zu.example", i);
		e = (struct lease){ .pair = { STRL("local.example"), str_of(name) },
			.owner = STRL("a") };
		assert_true(lease_join(&e, STRL("inner"), 2));
		buf_init(&b, LEASE_BYTES_MAX);
		lease_write(&e, &b);
		link_told(l, i + 1, buf_bytes(&b), lab.now);
		buf_done(&b);
	}
	assert_int_equal(l->n_numbers - l->n_free, l->set.channels_max / 2);
	lab_send(&lab, INNER, lab_one, "r1");
	assert_non_null(tx_find(l, lab_one));
	buf_clear(&lab.log, 0);
	lab_done(&lab);
}

/* Another inner was told that we are dead: we speak no more. */
static void test_expelled(void **state)
{
	struct lab lab;

	hold(&lab, false);
	tell(&lab, 6, "b", "", 0, true);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	HAPPENED(&lab, "asks 6: b other/9 inner/2\n");
	lab_done(&lab);
}

static void test_status(void **state)
{
	struct lab lab;
	struct buf b;
	struct json j;

	hold(&lab, true);
	tell(&lab, 6, "a", "b", 2, true);
	buf_init(&b, 1 << 16);
	json_init(&j, &b);
	json_object(&j, NULL);
	link_status(lab.nodes[INNER].l, lab.now, &(struct excerpt){ 0 }, &j);
	json_end(&j);
	buf_append(&b, str_from("", 1));
	assert_non_null(strstr(buf_bytes(&b).p,
		"\"lease\":{\"revision\":6,\"asking\":true,\"alone\":false,\"owner\":\"a\","
		"\"epoch\":2000000000600,\"wish\":\"b\","
		"\"holders\":[{\"node\":\"inner\",\"boot\":2},{\"node\":\"other\",\"boot\":9}]}"));
	buf_done(&b);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_before_the_lease),
		cmocka_unit_test(test_loser_adopts),
		cmocka_unit_test(test_removed_entry),
		cmocka_unit_test(test_removed_by_another),
		cmocka_unit_test(test_own_row_is_not_gone),
		cmocka_unit_test(test_number_at_its_end),
		cmocka_unit_test(test_news_before_the_loss),
		cmocka_unit_test(test_news_before_the_win),
		cmocka_unit_test(test_news_before_the_removal),
		cmocka_unit_test(test_late_loss),
		cmocka_unit_test(test_dead_owner),
		cmocka_unit_test(test_dead_owner_of_others),
		cmocka_unit_test(test_try_without_news),
		cmocka_unit_test(test_wish_of_another),
		cmocka_unit_test(test_wish_behind_a_question),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_move_alone),
		cmocka_unit_test(test_move_at_a_bad_moment),
		cmocka_unit_test(test_home_only_without_others),
		cmocka_unit_test(test_set_aside),
		cmocka_unit_test(test_held_needs_no_table),
		cmocka_unit_test(test_held_no_more),
		cmocka_unit_test(test_counted_anew),
		cmocka_unit_test(test_unavailable),
		cmocka_unit_test(test_unavailable_too_long),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_drain_gives_leases_back),
		cmocka_unit_test(test_row_of_the_dead),
		cmocka_unit_test(test_expel),
		cmocka_unit_test(test_expelled),
		cmocka_unit_test(test_rows_of_nobody),
		cmocka_unit_test(test_rows_of_nobody_without_end),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
