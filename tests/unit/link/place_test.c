/* SPDX-License-Identifier: Apache-2.0 */
/* Where pairs are: moved by an operator, away from a node that is set aside, home again when idle, and why. */
#include "lab.h"

static void look(void *user, const struct link_place *p)
{
	struct lab *lab = user;

	buf_printf(&lab->log, "%.*s at %s%.*s, home %s%.*s, %s%s%.*s%s\n", STR_FMT(p->pair.foreign),
		p->owner.len ? "" : "none", STR_FMT(p->owner), p->home.len ? "" : "none",
		STR_FMT(p->home), p->why, p->from.len ? " from " : "", STR_FMT(p->from),
		p->pinned.len ? ", pinned" : "");
}

/* The line of the log that tells of the pairs of a node. */
static void where(struct lab *lab)
{
	link_each_channel(lab->nodes[INNER].l, lab->now, &(struct excerpt){ 0 }, look, lab);
}

static const char *move(struct lab *lab, struct link_pair pair, const char *node)
{
	return link_move(lab->nodes[INNER].l, pair, str_of(node), lab->now);
}

static void test_move_idle(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	where(&lab);
	assert_null(move(&lab, lab_one, "b"));
	where(&lab);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab,
		"a: r1\none.example at a, home a, chosen\n"
		"one.example at b, home b, command from a, pinned\nb: r2\n");
	/* It stays, however long it is idle. */
	lab_pass(&lab, 700000, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 10, 7);
	assert_null(link_unpin(lab.nodes[INNER].l, lab_one));
	assert_non_null(link_unpin(lab.nodes[INNER].l, lab_one));
	lab_send(&lab, INNER, lab_one, "r4");
	lab_pass(&lab, 30010, 7);
	where(&lab);
	lab_send(&lab, INNER, lab_one, "r5");
	lab_pass(&lab, 10, 7);
	where(&lab);
	HAPPENED(&lab,
		"b: r3\nb: r4\none.example at b, home a, command from a\n"
		"a: r5\none.example at a, home a, home from b\n");
	lab_done(&lab);
}

static void test_move_waits_for_acknowledgement(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	assert_null(move(&lab, lab_one, "b"));
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 1000, 7);
	HAPPENED(&lab, "a: r1\n");
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "b: r2\n");
	lab_done(&lab);
}

/* A slow next hop does not stop the pair for longer than a moment: it moves when all is taken some day. */
static void test_move_does_not_block(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	assert_null(move(&lab, lab_one, "b"));
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 2100, 7);
	HAPPENED(&lab, "a: r1\na: r2\n");
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 2, lab.now);
	lab_pass(&lab, 10, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "b: r3\n");
	lab_done(&lab);
}

static void test_move_refused(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	assert_non_null(move(&lab, lab_one, "nobody"));
	lab_crash(&lab, OUTER_B);
	assert_non_null(move(&lab, lab_one, "b"));
	buf_clear(&lab.log, 0);
	lab_done(&lab);
}

/* A pin ends with the death of its node. */
static void test_pin_ends_with_its_node(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	assert_null(move(&lab, lab_one, "b"));
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	where(&lab);
	HAPPENED(&lab, "b: r1\none.example at b, home b, command, pinned\n");
	lab_crash(&lab, OUTER_B);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 1200, 7);
	buf_clear(&lab.log, 0);
	where(&lab);
	HAPPENED(&lab, "one.example at a, home a, dead from b\n");
	lab_done(&lab);
}

static void test_set_aside(void **state)
{
	struct lab lab;
	struct link *inner;

	lab_init(&lab, 2);
	inner = lab.nodes[INNER].l;
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	assert_null(link_set_aside(inner, STRL("a"), true, lab.now));
	assert_non_null(link_set_aside(inner, STRL("a"), true, lab.now));
	assert_non_null(link_set_aside(inner, STRL("b"), true, lab.now)); /* the last one */
	assert_non_null(move(&lab, lab_one, "a"));
	lab_send(&lab, INNER, lab_one, "r2");
	lab_send(&lab, INNER, lab_two, "other");
	lab_talk(&lab);
	HAPPENED(&lab, "a: r1\nb: other\n");
	link_taken(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, 1, lab.now);
	lab_pass(&lab, 10, 7);
	where(&lab);
	HAPPENED(&lab,
		"b: r2\none.example at b, home b, drained from a\ntwo.example at b, home b, "
		"chosen\n");
	/* Undone: what is idle goes home with its next record. */
	assert_null(link_set_aside(inner, STRL("a"), false, lab.now));
	assert_non_null(link_set_aside(inner, STRL("a"), false, lab.now));
	lab.nodes[OUTER_A].program = TAKE;
	lab_pass(&lab, 30010, 7);
	lab_send(&lab, INNER, lab_one, "r3");
	lab_pass(&lab, 10, 7);
	HAPPENED(&lab, "a: r3\n");
	lab_done(&lab);
}

/* Another process there was not drained. */
static void test_set_aside_ends_with_a_restart(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	assert_null(link_set_aside(lab.nodes[INNER].l, STRL("a"), true, lab.now));
	lab_crash(&lab, OUTER_A);
	lab_start(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	buf_clear(&lab.log, 0);
	where(&lab);
	HAPPENED(&lab, "one.example at a, home a, chosen\n");
	lab_done(&lab);
}

/* A node that could not reach the next hop is not tried again for a while only because the pair was idle. */
static void test_refusal_lasts(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab.nodes[OUTER_A].program = HOLD;
	lab_send(&lab, INNER, lab_one, "r1");
	lab_talk(&lab);
	link_unreachable(lab.nodes[OUTER_A].l, lab.nodes[OUTER_A].channel, NO, "no", lab.now);
	lab_pass(&lab, 10, 7);
	lab_pass(&lab, 31000, 7);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 10, 7);
	where(&lab);
	HAPPENED(&lab, "a: r1\nb: r1\nb: r2\none.example at b, home b, refused from a\n");
	lab_done(&lab);
}

static void look_at_peer(void *user, const struct link_peer_info *p)
{
	struct lab *lab = user;

	buf_printf(&lab->log, "%.*s %s%s%s owned %u serving %u\n", STR_FMT(p->id),
		p->up ? "up" : "down", p->draining ? " draining" : "", p->aside ? " aside" : "",
		(unsigned)p->owned, (unsigned)p->serving);
}

static void test_undrain(void **state)
{
	struct lab lab;

	lab_init(&lab, 2);
	lab_send(&lab, INNER, lab_one, "r1");
	lab_pass(&lab, 10, 7);
	link_drain(lab.nodes[OUTER_A].l, lab.now);
	lab_talk(&lab);
	link_each_peer(lab.nodes[INNER].l, lab.now, look_at_peer, &lab);
	HAPPENED(&lab, "a: r1\na up draining owned 0 serving 0\nb up owned 0 serving 0\n");
	link_undrain(lab.nodes[OUTER_A].l);
	lab_talk(&lab);
	lab_cut(&lab, OUTER_A);
	lab_connect(&lab, OUTER_A);
	lab_talk(&lab);
	buf_clear(&lab.log, 0);
	lab_send(&lab, INNER, lab_one, "r2");
	lab_pass(&lab, 10, 7);
	link_each_peer(lab.nodes[INNER].l, lab.now, look_at_peer, &lab);
	HAPPENED(&lab, "a: r2\na up owned 1 serving 0\nb up owned 0 serving 0\n");
	lab_done(&lab);
}

/* As lab_init(), with room for many channels. */
static void init_large(struct lab *lab)
{
	struct link_settings s = link_settings_default;

	lab_init(lab, 0);
	for (unsigned i = 0; i < NODES; i++) {
		link_free(lab->nodes[i].l);
		s.role = i == INNER ? LINK_INNER : LINK_OUTER;
		s.node = str_of(lab->nodes[i].id);
		s.domains = i == INNER ? &lab_one.local : NULL;
		s.n_domains = i == INNER;
		s.boot_id = 7 + i;
		s.cond_timeout = s.cond_internal = s.cond_busy = 1;
		lab->nodes[i].l = link_new(&s, &lab_ops, &lab->nodes[i]);
	}
	lab_connect(lab, OUTER_A);
	lab_connect(lab, OUTER_B);
	lab_talk(lab);
}

static void sum_owned(void *user, const struct link_peer_info *p)
{
	uint64_t *owned = user;

	owned[str_is(p->id, "b")] = p->owned;
}

/* The death of a node with very many pairs is dealt with in parts, between which other things go on. */
static void test_takeover_in_parts(void **state)
{
	enum { MANY = 6000 };
	struct lab lab;
	uint64_t owned[2], before = MANY;

	init_large(&lab);
	lab.nodes[OUTER_A].program = HOLD;
	lab.nodes[OUTER_A].n_held = 0;
	struct link *inner = lab.nodes[INNER].l;
	for (unsigned i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof(name), "f%u.example", i);
		struct link_pair pair = { lab_one.local, str_of(name) };
		assert_null(link_move(inner, pair, STRL("a"), lab.now));
	}
	lab_talk(&lab);
	lab_crash(&lab, OUTER_A);
	lab.now += 400;
	lab_tick(&lab);
	lab_talk(&lab);
	lab.now += 400;
	lab_tick(&lab);
	lab_talk(&lab);
	lab.now += 201;
	unsigned parts = 0;
	do {
		assert_true(link_deadline(inner) <= lab.now);
		link_tick(inner, lab.now);
		link_each_peer(inner, lab.now, sum_owned, owned);
		assert_true(owned[0] < before && before - owned[0] <= 2048);
		before = owned[0];
		parts++;
	} while (owned[0]);
	assert_int_equal(parts, 3);
	assert_true(link_deadline(inner) > lab.now);
	lab_done(&lab);
}

static void hear(void *user, const struct link_peer_info *p)
{
	struct lab *lab = user;

	if (p->heard_ms_ago == LINK_NEVER_HEARD)
		buf_printf(&lab->log, "%.*s never\n", STR_FMT(p->id));
	else
		buf_printf(
			&lab->log, "%.*s %u ms ago\n", STR_FMT(p->id), (unsigned)p->heard_ms_ago);
}

/* Who has not said a word since it was connected was not heard when this machine was started. */
static void test_never_heard(void **state)
{
	struct lab lab;

	lab_init(&lab, 1);
	lab_connect(&lab, OUTER_B);
	link_each_peer(lab.nodes[INNER].l, lab.now, hear, &lab);
	HAPPENED(&lab, "a 0 ms ago\nb never\n");
	lab_talk(&lab);
	link_each_peer(lab.nodes[INNER].l, lab.now, hear, &lab);
	HAPPENED(&lab, "a 0 ms ago\nb 0 ms ago\n");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_move_idle),
		cmocka_unit_test(test_move_waits_for_acknowledgement),
		cmocka_unit_test(test_move_does_not_block),
		cmocka_unit_test(test_move_refused),
		cmocka_unit_test(test_pin_ends_with_its_node),
		cmocka_unit_test(test_set_aside),
		cmocka_unit_test(test_set_aside_ends_with_a_restart),
		cmocka_unit_test(test_refusal_lasts),
		cmocka_unit_test(test_undrain),
		cmocka_unit_test(test_takeover_in_parts),
		cmocka_unit_test(test_never_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
