/* SPDX-License-Identifier: Apache-2.0 */
/* Two faces back to back: every way to authenticate, and stanzas over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"
#include "rows.h"

struct two {
	struct world w;
	struct node a;
	struct node b;
	struct node *nodes[3];
};

static void begin(struct two *t, bool byte_by_byte)
{
	world_init(&t->w, byte_by_byte);
	node_init(&t->a, &t->w, "a.example a2.example");
	node_init(&t->b, &t->w, "b.example b2.example");
	t->a.routes_to = &t->b;
	t->b.routes_to = &t->a;
	t->nodes[0] = &t->a;
	t->nodes[1] = &t->b;
	t->nodes[2] = NULL;
}

static void end(struct two *t)
{
	node_done(&t->a);
	node_done(&t->b);
	world_done(&t->w);
}

struct way {
	const char *name;
	bool a_proved, b_proved; /* certificates are good in the eyes of the other */
	bool no_tls;
	bool direct;
	bool no_dialback;
	const char *proof; /* how b knows a; NULL: it does not */
};

static const struct way ways[] = {
	{ "external both ways", true, true, false, false, false, "pkix" },
	{ "external, dialback switched off", true, true, false, false, true, "pkix" },
	{ "direct TLS", true, true, false, true, false, "pkix" },
	{ "dialback, both self-signed", false, false, false, false, false, "dialback" },
	{ "dialback inside direct TLS", false, false, false, true, false, "dialback" },
	{ "dialback, target proved", false, true, false, false, false, "dialback" },
	{ "external, target self-signed", true, false, false, false, false, "pkix" },
	{ "sender self-signed, no dialback", false, true, false, false, true, NULL },
	{ "target self-signed, no dialback", true, false, false, false, true, NULL },
	{ "TLS not required", false, false, true, false, false, "dialback" },
};

static void set_up(struct two *t, const struct way *way)
{
	t->b.trusted = way->a_proved ? "a.example a2.example" : "";
	t->a.trusted = way->b_proved ? "b.example b2.example" : "";
	t->a.no_tls = t->b.no_tls = way->no_tls;
	t->a.direct_tls = t->b.direct_tls = way->direct;
	t->a.no_dialback = t->b.no_dialback = way->no_dialback;
}

static void try_way(const struct way *way, bool byte_by_byte, bool bidi)
{
	struct two t;
	char line[200];

	begin(&t, byte_by_byte);
	set_up(&t, way);
	t.a.bidi = t.b.bidi = bidi;
	assert_true(node_send(&t.a, "a.example", "b.example", "one", 7, 1));
	assert_true(node_send(&t.a, "a.example", "b.example", "two", 7, 2));
	world_wait(&t.w, t.nodes, 0);
	if (way->proof) {
		snprintf(line, sizeof(line),
			"u@a.example/r>v@b.example %s one [en]\nu@a.example/r>v@b.example %s two "
			"[en]\n",
			way->proof, way->proof);
		assert_string_equal(node_stanzas(&t.b), line);
		assert_int_equal(t.a.sent, 2);
		assert_int_equal(t.a.last_sent.seq, 2);
		assert_true(t.b.named >= 1);
		assert_true(node_send(&t.b, "b.example", "a.example", "back", 0, 0));
		world_wait(&t.w, t.nodes, 0);
		assert_has(node_stanzas(&t.a), "u@b.example/r>v@a.example");
		/* One stream is enough then, but for asking whose the key is. */
		if (bidi && !way->no_tls && way->a_proved)
			assert_int_equal(t.b.connects, 0);
		else
			assert_int_equal(t.b.connects, 1);
		assert_int_equal(s2s_pending(t.a.face) + s2s_pending(t.b.face), 0);
	} else {
		assert_string_equal(node_stanzas(&t.b), "");
		assert_int_equal(t.a.unsent, 2);
		assert_int_equal(t.a.last_failure, S2S_TIMEOUT);
	}
	end(&t);
}

static void test_ways(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		name_row(ways[i].name);
		try_way(&ways[i], false, false);
		try_way(&ways[i], true, false);
		name_row("s2s H1 both directions on one stream");
		try_way(&ways[i], false, true);
		try_way(&ways[i], true, true);
	}
}

/* Both sides have something to say at the same moment, and must verify each other's keys. */
static void test_at_once(void **state)
{
	struct two t;

	begin(&t, false);
	for (int i = 0; i < 5; i++) {
		assert_true(node_send(&t.a, "a.example", "b.example", "there", 1, (uint64_t)i));
		assert_true(node_send(&t.b, "b.example", "a.example", "here", 1, (uint64_t)i));
	}
	world_wait(&t.w, t.nodes, 0);
	assert_int_equal(t.a.received, 5);
	assert_int_equal(t.b.received, 5);
	/* One stream a direction served for keys, questions and stanzas. */
	assert_int_equal(t.a.connects, 1);
	assert_int_equal(t.b.connects, 1);
	end(&t);
}

/* Every pair has its own stream, its own key, its own verification. */
static void test_four_pairs(void **state)
{
	static const char *const as[] = { "a.example", "a2.example" };
	static const char *const bs[] = { "b.example", "b2.example" };
	struct two t;

	begin(&t, false);
	for (int i = 0; i < 4; i++)
		assert_true(node_send(&t.a, as[i / 2], bs[i % 2], "x", 0, 0));
	world_wait(&t.w, t.nodes, 0);
	assert_int_equal(t.b.received, 4);
	assert_int_equal(t.a.connects, 4);
	end(&t);
}

/* B's server reads slowly: a's stanzas wait in order, none is lost. */
static void test_pausing(void **state)
{
	struct two t;
	char body[20];

	begin(&t, false);
	t.b.room = 1;
	for (int i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "number %d", i);
		assert_true(node_send(&t.a, "a.example", "b.example", body, 1, (uint64_t)i));
	}
	world_wait(&t.w, t.nodes, 0);
	for (unsigned i = 1; i < 200; i++) {
		assert_int_equal(t.b.received, i);
		s2s_resume(t.b.face, STRL("b.example"), STRL("a.example"), t.w.now);
		world_wait(&t.w, t.nodes, 0);
	}
	const char *at = node_stanzas(&t.b);
	for (int i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "number %d ", i);
		at = strstr(at, body);
		assert_non_null(at);
	}
	end(&t);
}

/* The stream in the other direction dies while a question is open on it. */
static void test_question_survives(void **state)
{
	struct two t;

	begin(&t, false);
	assert_true(node_send(&t.b, "b.example", "a.example", "x", 0, 0));
	world_wait(&t.w, t.nodes, 0);
	assert_int_equal(t.a.received, 1);
	/* B's stream to A is ready; A's answers on it get lost with it. */
	LIST_EACH (&t.w.wires, it) {
		struct wire *w = LIST_OWNER(it, struct wire, link);
		if (w->node == &t.b)
			w->dead = true, s2s_closed(w->stream, "reset", t.w.now);
	}
	world_run(&t.w);
	assert_true(node_send(&t.a, "a.example", "b.example", "y", 0, 0));
	world_wait(&t.w, t.nodes, 0);
	assert_int_equal(t.b.received, 1);
	end(&t);
}

/* A6 E6: ids have 128 bits and no two are alike, restarts included. */
static void test_ids(void **state)
{
	enum { N = 500 };
	static char ids[2 * N][33];
	struct two t;

	begin(&t, false);
	for (int i = 0; i < N; i++) {
		struct wire *script = script_connect(&t.a, true);
		for (int k = 0; k < 2; k++) {
			script_send(script,
				"<stream:stream xmlns='jabber:server' version='1.0' to='a.example'"
				" xmlns:stream='http://etherx.jabber.org/streams' "
				"from='x.example'>");
			const char *id = strstr(script_look(script), " id=\"");
			assert_non_null(id);
			snprintf(ids[2 * i + k], 33, "%.32s", id + 5);
			assert_int_equal(strspn(ids[2 * i + k], "0123456789abcdef"), 32);
			if (k == 0) {
				t.a.trusted = "x.example";
				script_send(script,
					"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
					" mechanism='EXTERNAL'>=</auth>");
				script_look(script);
			}
		}
		t.a.trusted = "x.example";
		script_hang_up(script);
	}
	qsort(ids, 2 * N, sizeof(ids[0]), (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < 2 * N; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	end(&t);
}

/* Thousands of streams that sit still: every one ends at its deadline, no sooner. */
static void test_many_deadlines(void **state)
{
	enum { N = 3000 };
	struct two t;

	begin(&t, false);
	for (int i = 0; i < N; i++) {
		script_connect(&t.a, false);
		t.w.now += 1;
	}
	uint64_t start = t.w.now - N;
	for (uint64_t at = start; at < start + 10000 + N; at = s2s_deadline(t.a.face)) {
		t.w.now = at > t.w.now ? at : t.w.now;
		size_t due = t.w.now < start + 10000 ? 0 : t.w.now - start - 10000 + 1;
		s2s_tick(t.a.face, t.w.now);
		size_t closed = 0;
		LIST_EACH (&t.w.wires, it) {
			const struct wire *w = LIST_OWNER(it, struct wire, link);
			closed += w->node && w->written > 0;
		}
		assert_int_equal(closed, due);
		if (due > 40)
			break;
	}
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_four_pairs),
		{ "s2s C9 slow reader, order kept", test_pausing, NULL, NULL, NULL },
		{ "s2s G3 a question survives its stream", test_question_survives, NULL, NULL,
			NULL },
		{ "s2s A6 threats E6 ids are random and never alike", test_ids, NULL, NULL, NULL },
		cmocka_unit_test(test_many_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
