/* SPDX-License-Identifier: Apache-2.0 */
/* Fencing of what is written: what waits in this process, as the peer does not read, is not ours to send any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "one.h"

#define SM " xmlns='urn:xmpp:sm:3'"
#define ENABLED "<enabled" SM "/>"
#define A_H(h) "<a" SM " h='" h "'/>"

static bool give(struct one *t, const char *body, uint64_t channel, uint64_t seq)
{
	return node_send(&t->n, "b.example", "a.example", body, channel, seq);
}

static void revoke(struct one *t, uint64_t channel)
{
	s2s_revoke(t->n.face, STRL("b.example"), STRL("a.example"), channel);
	world_run(&t->w);
}

/* A stream on which one stanza of channel 1 was given; with acknowledgements it was acknowledged. */
static void ready(struct one *t, bool manage)
{
	one_begin(t);
	give(t, "first", 1, 1);
	t->peer = script_accept(&t->n);
	script_send(t->peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_send(t->peer, manage ? ANSWER("j") FEATURES(OFFER_SM) : ANSWER("j") FEATURES(""));
	if (manage)
		script_send(t->peer, ENABLED A_H("1"));
	assert_has(script_look(t->peer), "first");
	assert_int_equal(t->n.sent, 1);
}

/* What others have there goes on the next stream, and what is revoked on none; nobody bounces anything. */
static void cut(bool manage)
{
	struct one t;

	ready(&t, manage);
	struct wire *end = t.peer->other;
	end->stuck = true;
	give(&t, "revoked", 1, 2);
	give(&t, "other", 2, 1);
	give(&t, "nobody", 0, 0);
	t.n.gone = 1;
	revoke(&t, 1);
	assert_true(end->cut && end->dead);
	assert_int_equal(end->cut_all, manage);
	assert_has(node_log(&t.n), "stream-closed out fenced");
	assert_string_equal(script_look(t.peer), "");
	assert_int_equal(t.n.connects, 2);
	assert_int_equal(s2s_pending(t.n.face), 2);
	one_ready(&t);
	const char *got = script_look(t.peer);
	assert_lacks(got, "revoked");
	assert_true(strstr(got, "other") < strstr(got, "nobody"));
	assert_has(got, "nobody");
	assert_int_equal(t.n.sent, 3);
	assert_int_equal(t.n.unsent, 0);
	one_end(&t);
}

static void test_cut(void **state)
{
	cut(false);
}

static void test_cut_with_acknowledgements(void **state)
{
	cut(true);
}

/* Nothing but what is revoked: no stream is opened for nothing. */
static void test_nothing_else(void **state)
{
	struct one t;

	ready(&t, false);
	t.peer->other->stuck = true;
	give(&t, "revoked", 1, 2);
	t.n.gone = 1;
	revoke(&t, 1);
	assert_int_equal(t.n.connects, 1);
	assert_int_equal(s2s_pending(t.n.face), 0);
	assert_true(give(&t, "later", 2, 1));
	assert_int_equal(t.n.connects, 2);
	one_end(&t);
}

/* With the kernel, or of another channel: the stream stays. What is not acknowledged may still be reported. */
static void test_stays(void **state)
{
	struct one t;

	ready(&t, true);
	give(&t, "taken", 1, 2);
	world_run(&t.w);
	t.peer->other->stuck = true;
	give(&t, "other", 2, 1);
	t.n.gone = 1;
	revoke(&t, 1);
	assert_false(t.peer->other->cut);
	t.peer->other->stuck = false;
	script_send(t.peer, A_H("2"));
	assert_int_equal(t.n.sent, 2);
	assert_int_equal(t.n.last_sent.channel, 1);
	assert_int_equal(t.n.connects, 1);
	one_end(&t);
}

/* What they send by it, and keep no more, would be lost: it stays, and what waits in it leaves. */
static void test_both_ways(void **state)
{
	struct one t;

	one_begin(&t);
	t.n.bidi = true;
	give(&t, "first", 1, 1);
	t.peer = script_accept(&t.n);
	script_send(t.peer, ANSWER("i") FEATURES(OFFER_SASL OFFER_BIDI) "<success" SASL "/>");
	script_send(t.peer, ANSWER("j") FEATURES(""));
	assert_has(script_look(t.peer), "<bidi xmlns=\"urn:xmpp:bidi\"");
	t.peer->other->stuck = true;
	give(&t, "revoked", 1, 2);
	t.n.gone = 1;
	revoke(&t, 1);
	assert_false(t.peer->other->cut);
	script_send(
		t.peer, "<message from='x@a.example' to='y@b.example'><body>hi</body></message>");
	assert_has(node_stanzas(&t.n), "hi");
	t.peer->other->stuck = false;
	world_run(&t.w);
	assert_int_equal(t.n.connects, 1);
	one_end(&t);
}

/* A stream that closes has a while to flush what it has. */
static void test_while_closing(void **state)
{
	struct one t;

	ready(&t, false);
	struct wire *end = t.peer->other;
	end->stuck = true;
	give(&t, "revoked", 1, 2);
	s2s_shutdown(t.n.face, t.w.now);
	t.n.gone = 1;
	revoke(&t, 1);
	assert_true(end->cut && end->dead);
	assert_lacks(script_look(t.peer), "revoked");
	assert_int_equal(s2s_pending(t.n.face), 0);
	one_end(&t);
}

/* However often that happens, it is neither the stanza's fault nor the peer's. */
static void test_no_blame(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "nobody", 0, 0);
	for (uint64_t i = 1; i <= 4; i++) {
		t.peer = script_accept(&t.n);
		script_send(t.peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
		script_send(t.peer, ANSWER("j") FEATURES(OFFER_SM));
		script_send(t.peer, ENABLED);
		t.peer->other->stuck = true;
		t.n.gone = 0;
		give(&t, "revoked", i, 1);
		t.n.gone = i;
		revoke(&t, i);
	}
	assert_int_equal(t.n.unsent, 0);
	assert_int_equal(t.n.connects, 5);
	assert_int_equal(s2s_pending(t.n.face), 1);
	one_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "threats L19 what a slow peer did not read is cut", test_cut, NULL, NULL, NULL },
		{ "threats L19 likewise, with all that was not acknowledged",
			test_cut_with_acknowledgements, NULL, NULL, NULL },
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_stays),
		cmocka_unit_test(test_both_ways),
		{ "threats L19 likewise while the stream closes", test_while_closing, NULL, NULL,
			NULL },
		cmocka_unit_test(test_no_blame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
