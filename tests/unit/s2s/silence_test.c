/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when another node can serve: streams through which nothing comes, and streams that are sent away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "one.h"
#include "s2s/stream.h"

#define SM " xmlns='urn:xmpp:sm:3'"
#define SM_OUT " xmlns=\"urn:xmpp:sm:3\""
#define ENABLE "<enable" SM "/>"
#define ENABLED "<enabled" SM "/>"
#define A_H(h) "<a" SM " h='" h "'/>"
#define GOODBYE(h) "<a" SM_OUT " h=\"" h "\"/><stream:error>" ERR("system-shutdown")

static bool give(struct one *t, const char *body, uint64_t channel, uint64_t seq)
{
	return node_send(&t->n, "b.example", "a.example", body, channel, seq);
}

/* The face wants a connection: it leads to a stream that offers acknowledgements. */
static void open(struct one *t, const char *sm)
{
	t->peer = script_accept(&t->n);
	script_send(t->peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_send(t->peer, ANSWER("j") FEATURES(OFFER_SM));
	if (sm)
		script_send(t->peer, sm);
}

/* On such a stream one was given. */
static void ready(struct one *t, const char *sm)
{
	one_begin(t);
	give(t, "first", 1, 1);
	open(t, sm);
}

static void wait_ms(struct one *t, uint64_t ms)
{
	world_wait(&t->w, t->nodes, ms);
}

/* --- nothing comes through --- */

static void test_vanished(void **state)
{
	struct one t;

	ready(&t, ENABLED A_H("1"));
	assert_int_equal(t.n.sent, 1);
	give(&t, "second", 1, 2);
	give(&t, "third", 1, 3);
	t.n.vanished = true;
	wait_ms(&t, 999);
	assert_int_equal(t.n.unsent, 0);
	wait_ms(&t, 251);
	assert_int_equal(t.n.unsent, 2);
	assert_int_equal(t.n.last_failure, S2S_TIMEOUT);
	assert_has(node_log(&t.n), "stream-closed out vanished");
	assert_int_equal(s2s_pending(t.n.face), 0);
	/* No stream is opened for nothing, and the next stanza waits for no delay. */
	assert_int_equal(t.n.connects, 1);
	assert_true(give(&t, "fourth", 1, 4));
	assert_int_equal(t.n.connects, 2);
	one_end(&t);
}

/* It is only asked about streams that owe us something, and its answer counts. */
static void test_stays(void **state)
{
	static const char *const offers[] = { ENABLED A_H("1"), ENABLED, NULL };

	for (unsigned i = 0; i < 3; i++) {
		struct one t;

		ready(&t, i < 2 ? offers[i] : NULL);
		/* In turn: all is acknowledged; it is not, but comes through; they never answered <enable/>. */
		t.n.vanished = i != 1;
		wait_ms(&t, 3000);
		assert_int_equal(t.n.unsent, i == 2);
		one_end(&t);
	}
}

/* Without acknowledgements nobody knows what came through. */
static void test_no_acknowledgements(void **state)
{
	struct one t;

	ready(&t, "<failed" SM "/>");
	assert_int_equal(t.n.sent, 1);
	give(&t, "second", 1, 2);
	t.n.vanished = true;
	wait_ms(&t, 30000);
	assert_int_equal(t.n.unsent, 0);
	assert_int_equal(t.n.sent, 2);
	assert_lacks(node_log(&t.n), "stream-closed");
	one_end(&t);
}

/* An error of ours, which no other node has, waits for another stream. */
static void test_our_own(void **state)
{
	struct one t;

	ready(&t, ENABLED A_H("1"));
	give(&t, "theirs", 1, 2);
	give(&t, "ours", 0, 0);
	give(&t, "theirs", 1, 3);
	t.n.vanished = true;
	wait_ms(&t, 1250);
	assert_int_equal(t.n.unsent, 2);
	assert_int_equal(t.n.connects, 2);
	t.n.vanished = false;
	one_ready(&t);
	assert_has(script_look(t.peer), "<body>ours</body>");
	assert_int_equal(s2s_pending(t.n.face), 0);
	one_end(&t);
}

/* It is not the stanza's fault, however often that happens. */
static void test_no_doubt(void **state)
{
	struct one t;

	ready(&t, ENABLED A_H("1"));
	give(&t, "ours", 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		t.n.vanished = true;
		wait_ms(&t, 1250);
		t.n.vanished = false;
		open(&t, ENABLED);
		assert_has(script_look(t.peer), "<body>ours</body>");
	}
	assert_int_equal(t.n.unsent, 0);
	one_end(&t);
}

/* --- sent away --- */

/* A stream of theirs with acknowledgements, by which one came that is handled and two that are not. */
static struct wire *come(struct one *t)
{
	t->n.hold_receipts = true;
	struct wire *in = script_connect(&t->n, true);
	script_send(in, AB AUTH("="));
	script_send(in, AB ENABLE);
	script_send(in, MSG_AB("1") MSG_AB("2") MSG_AB("3"));
	s2s_handled(t->n.face, t->n.receipts[0]);
	script_look(in);
	return in;
}

static void test_sent_away(void **state)
{
	struct one t;

	one_begin(&t);
	struct wire *in = come(&t);
	assert_false(s2s_is_left(t.n.face, t.n.receipts[1]));
	assert_int_equal(s2s_send_away(t.n.face, t.w.now), 1);
	assert_false(s2s_is_left(t.n.face, 0) || s2s_is_left(t.n.face, t.n.receipts[0]));
	assert_true(
		s2s_is_left(t.n.face, t.n.receipts[1]) && s2s_is_left(t.n.face, t.n.receipts[2]));
	script_send(in, MSG_AB("4"));
	assert_has(script_look(in), GOODBYE("1"));
	assert_int_equal(t.n.received, 3);
	script_hang_up(in);
	world_run(&t.w);
	assert_false(s2s_is_left(t.n.face, t.n.receipts[1]));
	one_end(&t);
}

/* What is not kept by their server stays with us, in order. */
static void test_not_sent_away(void **state)
{
	static const char *const befores[] = { "", ENABLE, MSG_AB("0") ENABLE };

	for (unsigned i = 0; i < 3; i++) {
		struct one t;

		one_begin(&t);
		t.n.hold_receipts = true;
		struct wire *in = script_connect(&t.n, true);
		script_send(in, AB AUTH("="));
		script_send(in, AB);
		script_send(in, befores[i]);
		script_send(in, MSG_AB("1"));
		assert_int_equal(s2s_send_away(t.n.face, t.w.now), i == 1);
		script_send(in, MSG_AB("2"));
		assert_int_equal(t.n.received, i == 0 ? 2 : i == 1 ? 1 : 3);
		one_end(&t);
	}
}

/* Who is not ready yet goes elsewhere; streams of ours stay. */
static void test_others(void **state)
{
	struct one t;

	ready(&t, ENABLED A_H("1"));
	struct wire *fresh = script_connect(&t.n, true), *half = script_connect(&t.n, true);
	script_send(half, AB);
	assert_int_equal(s2s_send_away(t.n.face, t.w.now), 2);
	world_run(&t.w);
	assert_has(script_look(half), ERR("system-shutdown"));
	assert_has(script_look(fresh), ERR("system-shutdown"));
	assert_true(give(&t, "second", 1, 2));
	assert_has(script_look(t.peer), "<body>second</body>");
	one_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a stream through which nothing comes is given up", test_vanished },
		{ "others stay", test_stays },
		{ "so do those without acknowledgements", test_no_acknowledgements },
		{ "errors of ours wait for another stream", test_our_own },
		{ "nobody doubts the stanzas", test_no_doubt },
		{ "servers are sent away", test_sent_away },
		{ "but with what only we have", test_not_sent_away },
		{ "and who is not ready", test_others },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
