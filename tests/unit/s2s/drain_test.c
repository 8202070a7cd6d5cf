/* SPDX-License-Identifier: Apache-2.0 */
/* The orderly end in two halves, and what becomes of stanzas whose stream ends under them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "one.h"

static bool give(struct one *t, const char *them, const char *body, uint64_t channel, uint64_t seq)
{
	return node_send(&t->n, "b.example", them, body, channel, seq);
}

static struct wire *incoming(struct one *t)
{
	struct wire *in = script_connect(&t->n, true);

	script_send(in, AB AUTH("="));
	script_send(in, AB);
	script_look(in);
	return in;
}

/* What has a token needs a ready stream; an error for a sender may still open one. */
static void test_drain_carries_errors(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "a.example", "one", 1, 1);
	one_ready(&t);
	s2s_drain(t.n.face, t.w.now);
	assert_true(s2s_drained(t.n.face));
	assert_true(give(&t, "a.example", "two", 1, 2));
	assert_has(script_look(t.peer), "two");
	assert_int_equal(t.n.sent, 2);
	assert_false(give(&t, "c.example", "three", 2, 1));
	assert_string_equal(t.n.last_text, "shutting down");
	assert_int_equal(t.n.connects, 1);
	t.n.trusted = "a.example c.example";
	assert_true(give(&t, "c.example", "an error", 0, 0));
	assert_int_equal(t.n.connects, 2);
	assert_false(s2s_drained(t.n.face));
	assert_false(give(&t, "c.example", "four", 2, 2));
	struct wire *c = script_accept(&t.n);
	script_send(c,
		STREAM("from='c.example' to='b.example' id='i' version='1.0'")
			FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_send(c, STREAM("from='c.example' to='b.example' id='j' version='1.0'") FEATURES(""));
	assert_has(script_look(c), "an error");
	assert_true(s2s_drained(t.n.face));
	s2s_shutdown(t.n.face, t.w.now);
	assert_has(script_look(c), ERR("system-shutdown"));
	assert_false(give(&t, "d.example", "late", 0, 0));
	one_end(&t);
}

/* Waiting for a stream: records go back to be sent by another node, an error waits on. */
static void test_drain_gives_back(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "a.example", "one", 1, 1);
	give(&t, "a.example", "two", 1, 2);
	give(&t, "a.example", "an error", 0, 0);
	give(&t, "a.example", "three", 1, 3);
	s2s_drain(t.n.face, t.w.now);
	assert_int_equal(t.n.unsent, 3);
	assert_int_equal(t.n.last_unsent.seq, 3);
	assert_int_equal(t.n.last_failure, S2S_TIMEOUT);
	assert_int_equal(s2s_pending(t.n.face), 1);
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_has(got, "an error");
	assert_lacks(got, "one");
	assert_lacks(got, "three");
	assert_int_equal(t.n.unsent, 3);
	one_end(&t);
}

/* The peer's stanzas count until its end tag; nobody new becomes valid, but questions are answered. */
static void test_drain_incoming(void **state)
{
	struct one t;

	one_begin(&t);
	struct wire *in = incoming(&t);
	s2s_drain(t.n.face, t.w.now);
	assert_has(script_look(in), END);
	assert_false(s2s_drained(t.n.face));
	script_send(in, MSG_AB("still counts"));
	assert_has(node_stanzas(&t.n), "still counts");
	script_send(in, END);
	assert_true(s2s_drained(t.n.face));
	in = script_connect(&t.n, true);
	script_send(in, AB);
	const char *got = script_look(in);
	assert_has(got, ERR("system-shutdown"));
	assert_lacks(got, "features");
	assert_false(s2s_awaits_questions(t.n.face));
	s2s_shutdown(t.n.face, t.w.now);
	assert_null(s2s_accept(t.n.face, NULL, true, t.w.now));
	one_end(&t);
}

/* An error for a sender needs dialback: its server may come and ask, and nobody else. */
static void test_drain_questions(void **state)
{
	struct one t;

	one_begin(&t);
	s2s_drain(t.n.face, t.w.now);
	assert_true(give(&t, "a.example", "an error", 0, 0));
	t.peer = script_accept(&t.n);
	assert_false(s2s_awaits_questions(t.n.face));
	script_send(t.peer, ANSWER("i") FEATURES(OFFER_DB));
	assert_has(script_look(t.peer), "<db:result");
	assert_true(s2s_awaits_questions(t.n.face));
	struct wire *in = script_connect(&t.n, true);
	script_send(in, HEAD("c.example", "b.example"));
	assert_has(script_look(in), ERR("system-shutdown"));
	in = script_connect(&t.n, true);
	script_send(in, AB);
	const char *got = script_look(in);
	assert_has(got, "dialback");
	assert_lacks(got, "EXTERNAL");
	script_send(in, AUTH("="));
	assert_has(script_look(in), "temporary-auth-failure");
	script_send(in, KEY("a.example", "b.example"));
	assert_has(script_look(in), "remote-server-timeout");
	script_send(in, "<db:verify from='a.example' to='b.example' id='x'>00</db:verify>");
	assert_has(script_look(in), "type=\"invalid\"");
	t.n.no_dialback = true;
	in = script_connect(&t.n, true);
	script_send(in, AB);
	assert_has(script_look(in), ERR("system-shutdown"));
	script_send(t.peer, "<db:result from='a.example' to='b.example' type='valid'/>");
	assert_has(script_look(t.peer), "an error");
	assert_false(s2s_awaits_questions(t.n.face));
	assert_true(s2s_drained(t.n.face));
	one_end(&t);
}

/* A stream that carries both ways ends for both; an error that comes later opens one of ours. */
static void test_drain_bidi(void **state)
{
	struct one t;

	one_begin(&t);
	t.n.bidi = true;
	struct wire *in = script_connect(&t.n, true);
	script_send(in, AB BIDI AUTH("="));
	script_send(in, AB);
	give(&t, "a.example", "one", 1, 1);
	assert_has(script_look(in), "one");
	s2s_drain(t.n.face, t.w.now);
	assert_has(script_look(in), END);
	assert_true(give(&t, "a.example", "two", 1, 2));
	assert_true(give(&t, "a.example", "an error", 0, 0));
	script_send(in, MSG_AB("still counts"));
	assert_has(node_stanzas(&t.n), "still counts");
	assert_int_equal(t.n.connects, 0);
	script_send(in, END);
	assert_int_equal(t.n.unsent, 1);
	assert_int_equal(t.n.last_unsent.seq, 2);
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_lacks(got, "<bidi");
	assert_has(got, "an error");
	assert_true(s2s_drained(t.n.face));
	one_end(&t);
}

/*
 * A pair is refused while bytes are written and the kernel has not taken them: nothing is given back before
 * it is known which it took; then those were sent, and the others go back, once.
 */
static void refuse_with_bytes_under_way(bool shut_down)
{
	struct one t;

	one_begin(&t);
	give(&t, "a.example", "one", 1, 1);
	one_ready(&t);
	t.peer->other->stuck = true;
	give(&t, "a.example", "two", 1, 2);
	uint64_t two_ends = t.peer->other->written;
	give(&t, "a.example", "three", 1, 3);
	t.n.bad_pairs = "b.example>a.example";
	if (shut_down)
		s2s_shutdown(t.n.face, t.w.now);
	else
		s2s_rejudge(t.n.face, t.w.now);
	assert_int_equal(t.n.unsent, 0);
	/* What comes now waits for the same end. */
	assert_true(give(&t, "a.example", "four", 1, 4));
	assert_int_equal(t.n.unsent, 0);
	/* A part of the third is with the kernel too: the peer can do nothing with a part. */
	s2s_taken(t.peer->other->stream, two_ends + 5, t.w.now);
	assert_int_equal(t.n.sent, 2);
	assert_int_equal(t.n.unsent, 0);
	t.peer->other->dead = true;
	s2s_closed(t.peer->other->stream, "connection lost", t.w.now);
	assert_int_equal(t.n.sent, 2);
	assert_int_equal(t.n.unsent, 2);
	assert_int_equal(t.n.last_unsent.seq, 4);
	assert_int_equal(t.n.last_failure, shut_down ? S2S_TIMEOUT : S2S_REFUSED);
	assert_int_equal(s2s_pending(t.n.face), 0);
	assert_false(give(&t, "a.example", "five", 1, 5));
	one_end(&t);
}

static void test_refused_with_bytes_under_way(void **state)
{
	refuse_with_bytes_under_way(false);
}

static void test_shutdown_with_bytes_under_way(void **state)
{
	refuse_with_bytes_under_way(true);
}

/* A pair whose key on another pair's stream is refused gets no stream of its own any more. */
static void test_drain_with_a_guest(void **state)
{
	struct one t;

	one_begin(&t);
	t.n.share = true;
	give(&t, "a.example", "one", 1, 1);
	t.peer = script_accept(&t.n);
	script_send(t.peer, ANSWER("i") FEATURES(OFFER_SASL OFFER_DB) "<success" SASL "/>");
	script_send(t.peer, ANSWER("j") FEATURES(""));
	give(&t, "a2.example", "two", 2, 1);
	assert_true(script_share(&t.n, t.peer));
	s2s_drain(t.n.face, t.w.now);
	assert_int_equal(t.n.unsent, 0);
	script_send(t.peer, "<db:result from='a2.example' to='b.example' type='error'/>");
	assert_int_equal(t.n.unsent, 1);
	assert_int_equal(t.n.connects, 2);
	one_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s A23 errors for senders leave while draining", test_drain_carries_errors },
		{ "s2s A23 records without a stream go back", test_drain_gives_back },
		{ "s2s A23 incoming streams while draining", test_drain_incoming },
		{ "s2s A23 questions about our keys while draining", test_drain_questions, NULL,
			NULL, NULL },
		{ "s2s A23 s2s H1 streams of both directions while draining", test_drain_bidi },
		{ "s2s C17 refused with bytes under way", test_refused_with_bytes_under_way },
		{ "s2s C17 shut down with bytes under way", test_shutdown_with_bytes_under_way },
		{ "s2s A23 s2s G10 drain with a guest", test_drain_with_a_guest, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
