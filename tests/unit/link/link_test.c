/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides do together; the cases of doc/threats.md by name. */
#include "lab.h"

static void test_there_and_back(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	assert_true(lab_send(&lab, INNER, lab_one, "hello"));
	assert_true(lab_send(&lab, OUTER_A, lab_one, "welcome"));
	lab_talk(&lab);
	HAPPENED(&lab, "a: hello\ninner: welcome\n");
	lab_pass(&lab, 10, 7);
	assert_int_equal(lab.nodes[INNER].l->tx_records, 0);
	assert_true(link_writable(lab.nodes[INNER].l, lab_one));
	assert_true(link_peer_serves(lab.conns[OUTER_A][INNER].peer, lab_one.local));
	assert_false(link_peer_serves(lab.conns[OUTER_A][INNER].peer, lab_one.foreign));
	lab_done(&lab);
}

static void test_expect(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	link_expect(lab.nodes[INNER].l, lab_one, lab.now);
	lab_talk(&lab);
	HAPPENED(&lab, "a expects one.example\n");
	lab_send(&lab, INNER, lab_one, "r");
	link_expect(lab.nodes[INNER].l, lab_one, lab.now);
	lab_talk(&lab);
	HAPPENED(&lab, "a: r\na expects one.example\n");
	lab_done(&lab);
}

static void test_reject_once(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = REJECT;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	/* The acknowledgement is lost with the connection; the reject is not. */
	lab_cut(&lab, OUTER_A);
	HAPPENED(&lab, "a: r1\ninner misses a\na misses inner\n");
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	HAPPENED(&lab, "inner bounces r1: 4 not here\n");
	lab.nodes[OUTER_A].program = TAKE;
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r2\n");
	assert_int_equal(lab.nodes[INNER].l->tx_records, 0);
	lab_done(&lab);
}

static unsigned mend(struct lab *lab)
{
	if (!lab->conns[INNER][OUTER_A].broken && !lab->conns[OUTER_A][INNER].broken)
		return 0;
	lab_cut(lab, OUTER_A);
	lab_connect(lab, OUTER_A);
	return 1;
}

/* L17: the link is cut at each frame in turn, which is lost: each record arrives once. */
static void test_threats_L17_cut_in_every_state(void **state)
{
	static const char *const records[] = { "1", "2", "3", "4", "5", "6" };
	unsigned cuts = 0, runs = 0;

	for (bool more = true; more; runs++) {
		struct lab lab;
		lab_init(&lab, 0);
		lab.lose_at = (int)runs;
		lab.no_news = true;
		lab_connect(&lab, OUTER_A);
		for (unsigned i = 0; i < 6; i++) {
			lab_send(&lab, INNER, lab_one, records[i]);
			if (i % 2)
				lab_talk(&lab);
			lab.now += 7;
			lab_tick(&lab);
			cuts += mend(&lab);
		}
		for (unsigned i = 0; i < 200; i++) {
			lab_pass(&lab, 5, 7);
			cuts += mend(&lab);
		}
		assert_int_equal(lab.nodes[INNER].l->tx_records, 0);
		HAPPENED(&lab, "a: 1\na: 2\na: 3\na: 4\na: 5\na: 6\n");
		more = cuts > runs;
		lab_done(&lab);
	}
	/* The last run was not long enough for its cut. */
	assert_true(cuts == runs - 1 && cuts > 30);
}

/* While memory is short a sixteenth of the window (here: nothing) fills it, until that is taken. */
static void test_tight_windows(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	assert_true(lab_send(&lab, INNER, lab_one, "a"));
	link_set_tight(lab.nodes[INNER].l, true);
	assert_false(link_writable(lab.nodes[INNER].l, lab_one));
	assert_false(lab_send(&lab, INNER, lab_one, "b"));
	lab_talk(&lab);
	assert_int_equal(lab.nodes[OUTER_A].n_held, 2);
	buf_clear(&lab.log, 0);
	for (unsigned i = 0; i < 2; i++)
		link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel,
			lab.nodes[OUTER_A].held[i], lab.now);
	lab_pass(&lab, 20, 7);
	HAPPENED(&lab, "inner may write one.example\n");
	/* Empty, it has room, although its window is less than a part of it. */
	assert_true(link_writable(lab.nodes[INNER].l, lab_one));
	assert_false(lab_send(&lab, INNER, lab_one, "c"));
	link_set_tight(lab.nodes[INNER].l, false);
	assert_true(link_writable(lab.nodes[INNER].l, lab_one));
	assert_true(lab_send(&lab, INNER, lab_one, "d"));
	lab_talk(&lab);
	assert_int_equal(lab.nodes[OUTER_A].n_held, 4);
	lab_done(&lab);
}

/* L18: a slow next hop fills its own window, and only that. */
static void test_threats_L18_back_pressure(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	for (unsigned i = 0; i < 7; i++)
		assert_true(lab_send(&lab, INNER, lab_one, "x"));
	assert_false(lab_send(&lab, INNER, lab_one, "x"));
	assert_false(link_writable(lab.nodes[INNER].l, lab_one));
	assert_true(link_writable(lab.nodes[INNER].l, lab_two));
	lab_talk(&lab);
	assert_int_equal(lab.nodes[OUTER_A].n_held, 8);
	/* A program that does not listen gets the excess back. */
	for (unsigned i = 0; i < 8; i++)
		assert_false(lab_send(&lab, INNER, lab_one, "y"));
	assert_false(lab_send(&lab, INNER, lab_one, "z"));
	assert_int_equal(link_deadline(lab.nodes[INNER].l), 0);
	buf_clear(&lab.log, 0);
	lab_tick(&lab);
	lab_talk(&lab);
	HAPPENED(&lab, "inner bounces z: 3 queue full\n");
	/* No more than the window is with the far node. */
	lab_pass(&lab, 2000, 7);
	assert_int_equal(lab.nodes[OUTER_A].n_held, 8);
	HAPPENED(&lab, "");
	for (unsigned i = 0; i < 8; i++)
		link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel,
			lab.nodes[OUTER_A].held[i], lab.now);
	lab_pass(&lab, 10, 7);
	assert_int_equal(lab.nodes[OUTER_A].n_held, 16);
	HAPPENED(&lab, "a: y\na: y\na: y\na: y\na: y\na: y\na: y\na: y\n");
	for (unsigned i = 8; i < 16; i++)
		link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel,
			lab.nodes[OUTER_A].held[i], lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "inner may write one.example\n");
	lab_done(&lab);
}

static void test_more_pairs_than_channels(void **state)
{
	static const char *const names[] = { "1.example", "2.example", "3.example", "4.example",
		"5.example" };
	struct lab lab;

	lab_init(&lab, 1);
	for (unsigned i = 0; i < 5; i++)
		assert_true(lab_send(&lab, INNER,
			(struct link_pair){ lab_one.local, str_of(names[i]) }, names[i]));
	lab_tick(&lab);
	lab_talk(&lab);
	HAPPENED(&lab,
		"inner bounces 5.example: 3 queue full\na: 1.example\na: 2.example\n"
		"a: 3.example\na: 4.example\n");
	lab_done(&lab);
}

/* Ownership 3: a dead owner loses its pairs to another after dead_ms, and writes no more before. */
static void test_takeover(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	assert_true(link_may_write(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, lab.now));
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r1\na: r2\n");
	/* Nobody hears a, and a hears nobody; no connection breaks. */
	lab.conns[INNER][OUTER_A].full = true;
	uint64_t start = lab.now;
	while (lab.now < start + 1300) {
		lab.now += 5;
		lab_tick(&lab);
		lab_drop_frames(&lab.conns[INNER][OUTER_A]);
		lab_drop_frames(&lab.conns[OUTER_A][INNER]);
		bool may =
			link_may_write(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, lab.now);
		if (lab.now > start + 800)
			assert_false(may);
		else if (lab.now < start + 500)
			assert_true(may);
		lab_talk(&lab);
	}
	HAPPENED(&lab,
		"a loses one.example\ninner closes a: no heartbeat\ninner misses a\n"
		"a closes inner: no heartbeat\na misses inner\nb: r2\n");
	/* Back again: the pair stays where it is. */
	lab.conns[INNER][OUTER_A].full = false;
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "b: r3\n");
	lab_done(&lab);
}

/* Both are cut for this long; a is back, b is not. r3 is b's. */
static void come_back_without_b(struct lab *lab, unsigned ms)
{
	struct link *inner = lab->nodes[INNER].l;
	struct link_peer *a = lab->conns[INNER][OUTER_A].peer;
	struct link_peer *b = lab->conns[INNER][OUTER_B].peer;

	link_cut(inner, a, LINK_CUT_DOWN, lab->now);
	link_cut(inner, b, LINK_CUT_DOWN, lab->now);
	lab_cut(lab, OUTER_A);
	lab_cut(lab, OUTER_B);
	lab_send(lab, INNER, lab_one, "r3");
	lab_pass(lab, ms, 7);
	buf_clear(&lab->log, 0);
	link_cut(inner, a, LINK_CUT_NOT, lab->now);
	link_cut(inner, b, LINK_CUT_NOT, lab->now);
	lab_connect(lab, OUTER_A);
}

/* The way to all nodes is gone for long: the first that is back does not get what belongs to the others. */
static void test_cut_off(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	struct link *inner = lab.nodes[INNER].l;
	lab.prefer = OUTER_B;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "b: r1\n");
	struct link_peer *a = lab.conns[INNER][OUTER_A].peer, *b = lab.conns[INNER][OUTER_B].peer;
	link_cut(inner, a, LINK_CUT_DOWN, lab.now);
	link_cut(inner, b, LINK_CUT_DOWN, lab.now);
	lab.no_news = true;
	lab_cut(&lab, OUTER_A);
	lab_cut(&lab, OUTER_B);
	lab_pass(&lab, 5000, 7);
	lab_send(&lab, INNER, lab_one, "r2");
	buf_clear(&lab.log, 0);
	link_cut(inner, a, LINK_CUT_NOT, lab.now);
	link_cut(inner, b, LINK_CUT_NOT, lab.now);
	lab_connect(&lab, OUTER_A);
	lab_pass(&lab, 2500, 7);
	HAPPENED(&lab, "");
	lab_connect(&lab, OUTER_B);
	lab_pass(&lab, 100, 7);
	HAPPENED(&lab, "b: r2\n");
	/* One that does not come back loses it after a second, or after three if others may need longer, too. */
	come_back_without_b(&lab, 300);
	lab_pass(&lab, 1100, 7);
	HAPPENED(&lab, "a: r3\n");
	lab_connect(&lab, OUTER_B);
	lab_pass(&lab, 100, 7);
	assert_null(link_move(inner, lab_one, STRL("b"), lab.now));
	lab_pass(&lab, 100, 7);
	come_back_without_b(&lab, 5000);
	lab_pass(&lab, 2500, 7);
	HAPPENED(&lab, "");
	lab_pass(&lab, 600, 7);
	HAPPENED(&lab, "a: r3\n");
	/* And while only one way is gone, the other node takes over. */
	lab_connect(&lab, OUTER_B);
	lab_pass(&lab, 100, 7);
	link_cut(inner, a, LINK_CUT_DOWN, lab.now);
	lab_cut(&lab, OUTER_A);
	lab_send(&lab, INNER, lab_one, "r4");
	lab_pass(&lab, 1100, 7);
	HAPPENED(&lab, "b: r4\n");
	lab_done(&lab);
}

/* L19: a node was stopped; heartbeats wait in its socket. They do not make it an owner again. */
static void test_threats_L19_stopped_owner(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\n");
	uint64_t channel = lab.nodes[OUTER_A].channel;
	/* a stops; all that the inner sends waits. */
	for (unsigned i = 0; i < 160; i++) {
		lab.now += 5;
		link_tick(lab.nodes[INNER].l, lab.now);
	}
	assert_true(lab.conns[INNER][OUTER_A].frames);
	/* It wakes, and reads before it looks at the clock. */
	lab.now += 5;
	struct lab_conn *c = &lab.conns[OUTER_A][INNER];
	for (struct lab_frame *f = lab.conns[INNER][OUTER_A].frames; f; f = f->next)
		link_input(lab.nodes[OUTER_A].l, c->peer, str_from(f->bytes, f->len), lab.now);
	assert_false(link_may_write(lab.nodes[OUTER_A].l, channel, lab.now));
	HAPPENED(&lab, "a loses one.example\n");
	/* The inner still hears it in time: the pair comes back, in a new epoch. */
	lab.nodes[OUTER_A].program = TAKE;
	lab_pass(&lab, 1000, 7);
	HAPPENED(&lab, "a: r1\n");
	assert_false(link_may_write(lab.nodes[OUTER_A].l, channel, lab.now));
	assert_true(link_may_write(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, lab.now));
	lab_done(&lab);
}

/* L19: it was stopped after it had asked whether it may write: before the bytes leave it asks again. */
static void test_threats_L19_stopped_writer(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	struct lab_node *a = &lab.nodes[OUTER_A];
	a->program = HOLD;
	assert_int_equal(link_fence(a->l, lab.now), UINT64_MAX);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	assert_true(link_may_write(a->l, a->channel, lab.now));
	HAPPENED(&lab, "a: r1\n");
	uint64_t end = link_fence(a->l, lab.now);
	assert_in_range(end, lab.now + 1, lab.now + 801);
	lab.now = end - 1;
	assert_int_equal(link_fence(a->l, lab.now), end);
	HAPPENED(&lab, "");
	lab.now = end;
	assert_int_equal(link_fence(a->l, lab.now), UINT64_MAX);
	HAPPENED(&lab, "a loses one.example\n");
	assert_false(link_may_write(a->l, a->channel, lab.now));
	lab_done(&lab);
}

/* L19: the inner itself was stopped: it gives the others time to be heard before it judges. */
static void test_threats_L19_stopped_sender(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r1\n");
	lab.now += 990; /* all stop */
	link_tick(lab.nodes[INNER].l, lab.now);
	assert_true(link_peer_up(lab.conns[INNER][OUTER_A].peer));
	lab_pass(&lab, 1000, 7);
	HAPPENED(&lab, "");
	lab_done(&lab);
}

/* L19: one node restarts, the other has state of the time before. */
static void test_threats_L19_restart_of_receiver(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r1\na: r2\n");
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab.nodes[OUTER_A].program = TAKE;
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	HAPPENED(&lab, "inner misses a\na: r2\n");
	lab_done(&lab);
}

static void test_threats_L19_restart_of_sender(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[INNER].program = HOLD;
	lab_send(&lab, OUTER_A, lab_one, "r1");
	lab_talk(&lab);
	uint64_t channel = lab.nodes[INNER].channel;
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_send(&lab, OUTER_A, lab_one, "new");
	lab_talk(&lab);
	HAPPENED(&lab, "inner: r1\ninner misses a\ninner loses one.example\ninner: new\n");
	assert_false(link_may_write(lab.nodes[INNER].l, channel, lab.now));
	lab_done(&lab);
}

static void test_reach_tries_the_other(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = lab.nodes[OUTER_B].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	link_unreachable(
		lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, AWAY, "no route", lab.now);
	assert_false(link_may_write(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, lab.now));
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\na: r2\nb: r2\n");
	link_unreachable(
		lab.nodes[OUTER_B].l, lab.nodes[OUTER_B].channel, AWAY, "no host", lab.now);
	lab_talk(&lab);
	lab_tick(&lab);
	HAPPENED(&lab, "inner bounces r2: 5 no host\n");
	/* For a while nobody is asked again. */
	lab_send(&lab, INNER, lab_one, "r3");
	assert_int_equal(link_deadline(lab.nodes[INNER].l), 0);
	lab_tick(&lab);
	lab_talk(&lab);
	HAPPENED(&lab, "inner bounces r3: 5 no host\n");
	lab_pass(&lab, 5000, 7);
	lab.nodes[OUTER_A].program = TAKE;
	lab_send(&lab, INNER, lab_one, "r4");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r4\n");
	lab_done(&lab);
}

/* A new process is asked at once, whatever the last one said of the pair. */
static void test_reach_is_forgotten(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	link_unreachable(
		lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, AWAY, "no host", lab.now);
	lab_talk(&lab);
	lab_tick(&lab);
	HAPPENED(&lab, "a: r1\ninner bounces r1: 5 no host\n");
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_talk(&lab);
	HAPPENED(&lab, "inner misses a\na: r2\n");
	lab_done(&lab);
}

/* What a node that leaves gives back waits for the next one. */
static void test_drain_gives_back(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	link_drain(lab.nodes[OUTER_A].l, lab.now);
	link_unreachable(
		lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, AWAY, "shutting down", lab.now);
	lab_talk(&lab);
	lab_tick(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_tick(&lab);
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\n");
	assert_true(link_drained(lab.nodes[OUTER_A].l));
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	HAPPENED(&lab, "inner misses a\na: r1\na: r2\n");
	lab_done(&lab);
}

static void test_queue_age(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "sent");
	lab_talk(&lab);
	lab_cut(&lab, OUTER_A);
	lab_pass(&lab, 20000, 7);
	lab_send(&lab, INNER, lab_one, "waits");
	HAPPENED(&lab, "a: sent\ninner misses a\na misses inner\na loses one.example\n");
	lab_pass(&lab, 41100, 7);
	HAPPENED(&lab, "inner bounces sent: 1 no node to send it to\n");
	lab_connect(&lab, OUTER_A);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: waits\n");
	lab_done(&lab);
}

static void test_drain(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	link_drain(lab.nodes[OUTER_A].l, lab.now);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_send(&lab, INNER, lab_two, "other");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\nb: other\n");
	assert_false(link_drained(lab.nodes[OUTER_A].l));
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "b: r2\n");
	assert_true(link_drained(lab.nodes[OUTER_A].l));
	/* An inner that drains waits for its own records. */
	lab.nodes[OUTER_B].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r3");
	link_drain(lab.nodes[INNER].l, lab.now);
	lab_talk(&lab);
	assert_false(link_drained(lab.nodes[INNER].l));
	link_taken(lab.nodes[OUTER_B].l, lab.nodes[OUTER_B].channel, 3, lab.now);
	lab_pass(&lab, 10, 7);
	assert_true(link_drained(lab.nodes[INNER].l));
	lab_done(&lab);
}

/* The end is near: what no node can take goes back at once; what one has is its own to settle. */
static void test_hand_back(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "with a");
	lab_talk(&lab);
	link_drain(lab.nodes[INNER].l, lab.now);
	link_hand_back(lab.nodes[INNER].l, lab.now);
	HAPPENED(&lab, "a: with a\n");
	assert_int_equal(link_unacknowledged(lab.nodes[INNER].l), 1);
	lab_crash(&lab, OUTER_A);
	lab_pass(&lab, 1500, 1);
	lab_send(&lab, INNER, lab_two, "waits");
	HAPPENED(&lab, "inner misses a\n");
	link_hand_back(lab.nodes[INNER].l, lab.now);
	HAPPENED(&lab,
		"inner bounces with a: 1 no node to send it to\n"
		"inner bounces waits: 1 no node to send it to\n");
	assert_true(link_drained(lab.nodes[INNER].l));
	lab_done(&lab);
}

/* Who gave a receipt learns when the record is no longer the engine's, in order, whatever became of it. */
static void test_receipts(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab.tell_settled = true;
	lab.nodes[OUTER_A].program = HOLD;
	for (unsigned i = 0; i < 3; i++)
		lab_send(&lab, INNER, lab_one, "r");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r\na: r\na: r\n");
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 3, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "");
	link_reject(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, NO, "not here", lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "inner bounces r: 4 not here\ninner settled 1\n");
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 2, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "inner settled 2\ninner settled 3\n");
	/* More than the window's double: told when it comes back. */
	for (unsigned i = 0; i < 17; i++)
		lab_send(&lab, INNER, lab_one, "r");
	lab_tick(&lab);
	HAPPENED(&lab, "inner bounces r: 3 queue full\ninner settled 20\n");
	lab_done(&lab);
}

/* A full carrier: records wait, and then take turns; small frames pass. */
static void test_fair_turns(void **state)
{
	struct lab lab;
	char big[4000];

	lab_init(&lab, 1);
	lab.conns[INNER][OUTER_A].full = true;
	memset(big, 'x', sizeof(big));
	for (unsigned i = 0; i < 7; i++)
		lab_send(&lab, INNER, lab_one, "1");
	lab_send(&lab, INNER, lab_two, "2");
	lab_send(&lab, OUTER_A, lab_one, "in");
	lab_pass(&lab, 1500, 7);
	HAPPENED(&lab, "inner: in\n");
	assert_int_equal(lab.nodes[OUTER_A].l->tx_records, 0);
	lab.conns[INNER][OUTER_A].full = false;
	link_carrier_writable(lab.nodes[INNER].l, lab.conns[INNER][OUTER_A].peer, lab.now);
	lab_talk(&lab);
	HAPPENED(&lab, "a: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 1\na: 2\n");
	lab_done(&lab);
}

/* The link is full when every node that is up has records waiting for its carrier. */
static void test_full(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	const struct link *l = lab.nodes[INNER].l;
	assert_false(link_is_full(l));
	lab.conns[INNER][OUTER_A].full = true;
	assert_false(link_is_full(l));
	lab_send(&lab, INNER, lab_one, "1"); /* it prefers this outer */
	assert_false(link_is_full(l));
	lab_cut(&lab, OUTER_B);
	assert_true(link_is_full(l));
	lab.conns[INNER][OUTER_A].full = false;
	assert_false(link_is_full(l));
	lab.conns[INNER][OUTER_A].full = true;
	lab_cut(&lab, OUTER_A);
	assert_false(link_is_full(l));
	lab_done(&lab);
}

/* A pair that was quiet is forgotten on both sides; its numbers go on. */
static void test_idle(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	lab_pass(&lab, 1300000, 7);
	assert_null(tx_find(lab.nodes[INNER].l, lab_one));
	assert_true(list_empty(&lab.conns[OUTER_A][INNER].peer->rxs));
	lab_send(&lab, INNER, lab_two, "r2");
	lab_send(&lab, INNER, lab_one, "r3");
	assert_int_equal(tx_find(lab.nodes[INNER].l, lab_one)->una, 2);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r1\na: r2\na: r3\n");
	lab_done(&lab);
}

static void test_domains_change(void **state)
{
	struct lab lab;
	const struct str both[] = { STR("m.example"), STR("k.example") };

	lab_init(&lab, 1);
	link_set_domains(lab.nodes[INNER].l, both, 2, lab.now);
	lab_pass(&lab, 10, 7);
	assert_true(link_peer_serves(lab.conns[OUTER_A][INNER].peer, both[0]));
	assert_true(link_peer_serves(lab.conns[OUTER_A][INNER].peer, both[1]));
	assert_false(link_peer_serves(lab.conns[OUTER_A][INNER].peer, lab_one.local));
	/* No inner serves this pair any more. */
	lab_send(&lab, OUTER_A, lab_one, "r");
	lab_pass(&lab, 61500, 7);
	HAPPENED(&lab, "a bounces r: 1 no node to send it to\n");
	lab_done(&lab);
}

/* Thousands of channels that are quiet cost a tick nothing: no timer of theirs is due. */
static void test_many_channels(void **state)
{
	enum { MANY = 10000 };
	struct lab lab;
	struct link_settings s = link_settings_default;

	lab_init(&lab, 0);
	for (unsigned i = 0; i < 2; i++) {
		link_free(lab.nodes[i].l);
		s.role = i == INNER ? LINK_INNER : LINK_OUTER;
		s.node = str_of(lab.nodes[i].id);
		s.domains = i == INNER ? &lab_one.local : NULL;
		s.n_domains = i == INNER;
		s.boot_id = 7 + i;
		s.cond_timeout = s.cond_internal = s.cond_busy = 1;
		lab.nodes[i].l = link_new(&s, &lab_ops, &lab.nodes[i]);
	}
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof(name), "f%u.example", i);
		lab_send(&lab, INNER, (struct link_pair){ lab_one.local, str_of(name) }, "r");
	}
	lab_pass(&lab, 600, 7);
	struct link *inner = lab.nodes[INNER].l, *outer = lab.nodes[OUTER_A].l;
	assert_int_equal(inner->n_numbers, MANY);
	assert_int_equal(inner->tx_records, 0);
	assert_true(list_empty(&inner->stall_timers));
	assert_true(list_empty(&outer->ack_timers));
	assert_true(link_deadline(inner) > lab.now);
	assert_true(inner->pool.n <= 1024);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_reject_once),
		cmocka_unit_test(test_threats_L17_cut_in_every_state),
		cmocka_unit_test(test_tight_windows),
		cmocka_unit_test(test_threats_L18_back_pressure),
		cmocka_unit_test(test_more_pairs_than_channels),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_threats_L19_stopped_owner),
		cmocka_unit_test(test_threats_L19_stopped_writer),
		cmocka_unit_test(test_threats_L19_stopped_sender),
		cmocka_unit_test(test_threats_L19_restart_of_receiver),
		cmocka_unit_test(test_threats_L19_restart_of_sender),
		cmocka_unit_test(test_reach_tries_the_other),
		cmocka_unit_test(test_queue_age),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_reach_is_forgotten),
		cmocka_unit_test(test_drain_gives_back),
		{ "s2s A23 hand back", test_hand_back },
		{ "s2s H2 receipts", test_receipts },
		cmocka_unit_test(test_fair_turns),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_domains_change),
		cmocka_unit_test(test_many_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
