/* SPDX-License-Identifier: Apache-2.0 */
/* Two faces back to back: every way to authenticate, and stanzas over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

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

static void try_way(const struct way *way, bool byte_by_byte)
{
	struct two t;
	char line[200];

	begin(&t, byte_by_byte);
	set_up(&t, way);
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
		print_message("  %s\n", ways[i].name);
		try_way(&ways[i], false);
		try_way(&ways[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
