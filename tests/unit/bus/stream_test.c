/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes and a bus that the test holds in its hand: what each sends is kept, and comes to the other as often and in
 * the order that the test likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "bus/bus.h"
#include "bus/message.h"

enum { INNER, OUTER, MESSAGES = 4096, OWNERS = 64, BYTES_MAX = 8 * 1024 * 1024 };

struct owner {
	struct side *side;
	struct bus_stream *s;
	struct buf got;
	bool opened, closed, writable;
	const char *reason;
};

struct side {
	struct lab *lab;
	struct bus *bus;
	struct bus_peer *peer;
	struct owner owners[OWNERS];
	unsigned n_owners;
	struct str out[MESSAGES]; /* all that was ever sent */
	unsigned n_out;
	unsigned seen; /* of the other's */
	bool congested;
	bool refuses;
	bool keeps; /* nothing is taken */
};

struct lab {
	struct side sides[2];
	uint64_t now;
};

static void op_send(void *user, void *peer, struct str head, struct str body)
{
	struct side *side = user;
	char *p = malloc(head.len + body.len);

	assert_non_null(p);
	assert_true(side->n_out < MESSAGES);
	memcpy(p, head.p, head.len);
	if (body.len)
		memcpy(p + head.len, body.p, body.len);
	side->out[side->n_out++] = str_from(p, head.len + body.len);
}

static bool op_can_send(void *user)
{
	return !((struct side *)user)->congested;
}

static struct owner *owner_new(struct side *side)
{
	assert_true(side->n_owners < OWNERS);
	struct owner *o = &side->owners[side->n_owners++];
	*o = (struct owner){ .side = side };
	buf_init(&o->got, BYTES_MAX);
	return o;
}

static void *op_accept(void *user, void *peer, struct bus_stream *s)
{
	struct side *side = user;

	if (side->refuses)
		return NULL;
	struct owner *o = owner_new(side);
	o->s = s;
	o->opened = true;
	return o;
}

static void op_opened(void *owner)
{
	((struct owner *)owner)->opened = true;
}

static void op_input(void *owner, struct str bytes)
{
	struct owner *o = owner;

	assert_false(o->closed);
	assert_true(buf_append(&o->got, bytes));
	if (!o->side->keeps)
		bus_taken(o->s, buf_len(&o->got));
}

static void op_writable(void *owner)
{
	((struct owner *)owner)->writable = true;
}

static void op_closed(void *owner, const char *reason)
{
	struct owner *o = owner;

	assert_false(o->closed);
	o->closed = true;
	o->reason = reason;
	o->s = NULL;
}

static const struct bus_ops ops = {
	.send = op_send,
	.can_send = op_can_send,
	.accept = op_accept,
	.opened = op_opened,
	.input = op_input,
	.writable = op_writable,
	.closed = op_closed,
};

static struct lab *lab_new(void)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct bus_settings set = bus_settings_default;

	assert_non_null(lab);
	lab->now = 1000;
	set.window = 128 * 1024;
	for (int i = 0; i < 2; i++) {
		struct side *side = &lab->sides[i];
		side->lab = lab;
		set.opens = i == INNER;
		side->bus = bus_new(&set, &ops, side);
		side->peer = bus_peer_new(side->bus, side);
	}
	return lab;
}

static void lab_free(struct lab *lab)
{
	for (int i = 0; i < 2; i++) {
		struct side *side = &lab->sides[i];
		bus_peer_free(side->peer, "test is over");
		bus_free(side->bus);
		for (unsigned k = 0; k < side->n_out; k++)
			free((void *)(uintptr_t)side->out[k].p);
		for (unsigned k = 0; k < side->n_owners; k++)
			buf_done(&side->owners[k].got);
	}
	free(lab);
}

/* Message n of what the other side ever sent comes to this one. */
static void arrive(struct side *side, const struct side *from, unsigned n)
{
	bus_input(side->peer, from->out[n], side->lab->now);
}

/* All that is new arrives, both ways, until nothing is new. */
static void talk(struct lab *lab)
{
	bool any = true;

	while (any) {
		any = false;
		for (int i = 0; i < 2; i++) {
			struct side *side = &lab->sides[i], *other = &lab->sides[!i];
			while (side->seen < other->n_out) {
				arrive(side, other, side->seen++);
				any = true;
			}
		}
	}
}

/* What was sent and has not arrived never does. */
static void lose(struct lab *lab)
{
	for (int i = 0; i < 2; i++)
		lab->sides[i].seen = lab->sides[!i].n_out;
}

static struct owner *dial(struct lab *lab)
{
	struct side *inner = &lab->sides[INNER];
	struct owner *o = owner_new(inner);

	o->s = bus_open(inner->peer, o, lab->now);
	return o;
}

/* Two owners that are joined. */
static void join(struct lab *lab, struct owner **ret_inner, struct owner **ret_outer)
{
	*ret_inner = dial(lab);
	talk(lab);
	*ret_outer = &lab->sides[OUTER].owners[lab->sides[OUTER].n_owners - 1];
	assert_true((*ret_inner)->opened && (*ret_outer)->opened);
}

static size_t say(struct owner *o, const char *text)
{
	return bus_send(o->s, str_of(text), o->side->lab->now);
}

static void assert_got(const struct owner *o, const char *text)
{
	assert_true(str_eq(buf_bytes(&o->got), str_of(text)));
}

static void both_ways(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	assert_int_equal(say(a, "one "), 4);
	assert_int_equal(say(a, "two"), 3);
	assert_int_equal(say(b, "three"), 5);
	talk(lab);
	assert_got(b, "one two");
	assert_got(a, "three");
	bus_close(a->s);
	talk(lab);
	assert_true(b->closed && !b->reason && !a->closed);
	lab_free(lab);
}

static void nothing_before_the_answer(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a = dial(lab);

	assert_int_equal(bus_room(a->s), 0);
	assert_int_equal(say(a, "early"), 0);
	talk(lab);
	assert_true(a->opened);
	assert_int_equal(say(a, "now"), 3);
	lab_free(lab);
}

/* More than a window: it goes on as fast as the other side takes it. */
static void window(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;
	static char block[300000];

	join(lab, &a, &b);
	memset(block, 'x', sizeof(block));
	lab->sides[OUTER].keeps = true;
	assert_int_equal(bus_send(a->s, str_from(block, sizeof(block)), lab->now), 128 * 1024);
	talk(lab);
	assert_int_equal(buf_len(&b->got), 128 * 1024);
	assert_int_equal(bus_room(a->s), 0);
	assert_false(a->writable);
	bus_taken(b->s, 128 * 1024);
	talk(lab);
	assert_true(a->writable);
	assert_int_equal(bus_room(a->s), 128 * 1024);
	lab_free(lab);
}

static void congestion(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	lab->sides[INNER].congested = true;
	assert_int_equal(say(a, "no"), 0);
	bus_flush(lab->sides[INNER].bus);
	assert_false(a->writable);
	lab->sides[INNER].congested = false;
	bus_flush(lab->sides[INNER].bus);
	assert_true(a->writable);
	assert_int_equal(say(a, "yes"), 3);
	talk(lab);
	assert_got(b, "yes");
	lab_free(lab);
}

static void gap(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	say(a, "one");
	talk(lab);
	say(a, "lost");
	lose(lab);
	say(a, "three");
	talk(lab);
	assert_got(b, "one");
	assert_true(b->closed && b->reason && a->closed && !a->reason);
	assert_int_equal(bus_counters(lab->sides[OUTER].bus)->gaps, 1);
	lab_free(lab);
}

static void repeated_and_late(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	say(a, "one ");
	say(a, "two");
	talk(lab);
	for (unsigned again = 0; again < 3; again++) {
		for (unsigned n = 0; n < lab->sides[INNER].n_out; n++)
			arrive(&lab->sides[OUTER], &lab->sides[INNER], n);
	}
	assert_got(b, "one two");
	assert_true(!b->closed && bus_counters(lab->sides[OUTER].bus)->repeated >= 6);
	lab_free(lab);
}

/* Messages of an earlier connection, in order and backwards, do nothing to the next one. */
static void earlier_connection(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b, *c, *d;

	join(lab, &a, &b);
	say(a, "old");
	say(b, "old");
	talk(lab);
	bus_close(a->s);
	talk(lab);
	unsigned n_inner = lab->sides[INNER].n_out, n_outer = lab->sides[OUTER].n_out;
	lab->now += 1000;
	join(lab, &c, &d);
	bus_proved(c->s);
	bus_proved(d->s);
	say(c, "new");
	for (unsigned n = 0; n < n_inner; n++)
		arrive(&lab->sides[OUTER], &lab->sides[INNER], n);
	for (unsigned n = n_outer; n-- > 0;)
		arrive(&lab->sides[INNER], &lab->sides[OUTER], n);
	talk(lab);
	say(d, "newer");
	talk(lab);
	assert_got(d, "new");
	assert_got(c, "newer");
	assert_true(!c->closed && !d->closed);
	lab_free(lab);
}

/* What a node said comes back to itself. */
static void reflected(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	say(a, "mine");
	say(b, "yours");
	for (int i = 0; i < 2; i++) {
		unsigned n = lab->sides[i].n_out;
		for (unsigned k = 0; k < n; k++)
			arrive(&lab->sides[i], &lab->sides[i], k);
	}
	talk(lab);
	assert_got(a, "yours");
	assert_got(b, "mine");
	assert_true(!a->closed && !b->closed);
	lab_free(lab);
}

/* A node that lost its state answers with an end, and the other begins anew at once. */
static void forgotten(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	bus_lost(lab->sides[OUTER].bus, "the broker is gone");
	assert_true(b->closed && b->reason);
	lose(lab);
	say(a, "is anybody there");
	talk(lab);
	assert_true(a->closed && !a->reason);
	lab_free(lab);
}

/* Answers to strangers are few, and none to an end. */
static void no_storm(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	for (int i = 0; i < 100; i++)
		say(a, "x");
	bus_lost(lab->sides[OUTER].bus, "the broker is gone");
	unsigned before = lab->sides[OUTER].n_out;
	talk(lab);
	assert_int_equal(lab->sides[OUTER].n_out, before + 1);
	assert_int_equal(bus_counters(lab->sides[OUTER].bus)->strange, 100);
	lab_free(lab);
}

/* The answer is lost, or the question: it is asked again; in the end nobody is there. */
static void asked_again(void **state)
{
	struct lab *lab = lab_new();
	struct bus *bus = lab->sides[INNER].bus;
	struct owner *a = dial(lab);

	lose(lab);
	assert_true(bus_deadline(bus) == lab->now + 200);
	lab->now += 200;
	bus_tick(bus, lab->now);
	arrive(&lab->sides[OUTER], &lab->sides[INNER], 1);
	lab->sides[OUTER].seen = 2;
	lab->sides[INNER].seen = 1; /* its answer is lost */
	lab->now += 200;
	bus_tick(bus, lab->now);
	talk(lab);
	assert_true(a->opened);
	assert_int_equal(lab->sides[OUTER].n_owners, 1);
	struct owner *b = dial(lab);
	lose(lab);
	while (!b->closed) {
		lab->now = bus_deadline(bus);
		bus_tick(bus, lab->now);
		lose(lab);
	}
	assert_string_equal(b->reason, "nats: no answer from that node");
	lab_free(lab);
}

static void refusals(void **state)
{
	struct lab *lab = lab_new();

	lab->sides[OUTER].refuses = true;
	struct owner *a = dial(lab);
	talk(lab);
	assert_true(a->closed && a->reason && !a->opened);
	lab_free(lab);
}

/* A flood of questions: one connection without proof at a time, and what is proved stays. */
static void flood(void **state)
{
	struct lab *lab = lab_new();
	struct side *outer = &lab->sides[OUTER];
	struct owner *a, *b;

	join(lab, &a, &b);
	bus_proved(b->s);
	lab->now += 1000;
	for (uint64_t i = 1; i <= 1000; i++) {
		struct bus_message m = { .type = BUS_OPEN, .from = i, .window = 1 << 20 };
		char head[BUS_HEAD_MAX];
		bus_input(outer->peer, bus_message_head(&m, head), lab->now);
		lab->now += 1;
	}
	unsigned open = 0;
	for (unsigned i = 0; i < outer->n_owners; i++)
		open += !outer->owners[i].closed;
	assert_int_equal(open, 2);
	assert_true(outer->n_owners <= 2 + 1000 / 50);
	assert_true(!b->closed);
	say(a, "still here");
	talk(lab);
	assert_got(b, "still here");
	lab_free(lab);
}

static void stalled(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	lab->sides[OUTER].keeps = true;
	say(a, "x");
	talk(lab);
	assert_true(bus_deadline(lab->sides[INNER].bus) == lab->now + 3000);
	lab->now += 3000;
	bus_tick(lab->sides[INNER].bus, lab->now);
	assert_true(a->closed && a->reason);
	lab_free(lab);
}

/* One direction alone: what was taken is told soon, and nothing is thought to be stalled. */
static void one_way(void **state)
{
	struct lab *lab = lab_new();
	struct owner *a, *b;

	join(lab, &a, &b);
	say(a, "x");
	talk(lab);
	assert_true(bus_deadline(lab->sides[OUTER].bus) == lab->now + 100);
	lab->now += 100;
	bus_tick(lab->sides[OUTER].bus, lab->now);
	talk(lab);
	assert_true(bus_deadline(lab->sides[INNER].bus) == UINT64_MAX);
	assert_true(bus_deadline(lab->sides[OUTER].bus) == UINT64_MAX);
	say(a, "y");
	talk(lab);
	say(b, "z"); /* tells it, too */
	assert_true(bus_deadline(lab->sides[OUTER].bus) == lab->now + 3000);
	talk(lab);
	/* A slow owner. */
	lab->sides[OUTER].keeps = true;
	say(a, "zz");
	talk(lab);
	lab->now += 100;
	bus_tick(lab->sides[OUTER].bus, lab->now);
	bus_taken(b->s, 4);
	lab->now += 100;
	bus_tick(lab->sides[OUTER].bus, lab->now);
	talk(lab);
	assert_true(bus_deadline(lab->sides[OUTER].bus) == UINT64_MAX && !a->closed);
	lab_free(lab);
}

static struct str forge(struct bus_message m, char *room)
{
	char head[BUS_HEAD_MAX];
	struct str h = bus_message_head(&m, head);

	memcpy(room, h.p, h.len);
	if (m.bytes.len)
		memcpy(room + h.len, m.bytes.p, m.bytes.len);
	return str_from(room, h.len + m.bytes.len);
}

/* Who knows the numbers can end a connection, but neither overflow it nor credit it. */
static void violations(void **state)
{
	static char room[BUS_CHUNK_MAX + BUS_HEAD_MAX], block[BUS_CHUNK_MAX];
	static const struct bus_message bad[] = {
		{ .type = BUS_DATA, .offset = 0, .taken = 1, .bytes = STR("x") },
		{ .type = BUS_TAKEN, .taken = UINT64_MAX },
		{ .type = BUS_DATA, .offset = UINT64_MAX, .bytes = STR("x") },
		{ .type = BUS_DATA, .offset = 1, .bytes = STR("x") },
	};

	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct lab *lab = lab_new();
		struct owner *a, *b;
		join(lab, &a, &b);
		struct bus_message accept = { 0 },
				   m = { .type = BUS_DATA, .bytes = { block, BUS_CHUNK_MAX } };
		assert_true(bus_message_read(lab->sides[OUTER].out[0], &accept));
		lab->sides[OUTER].keeps = true;
		for (unsigned k = 0; k < 4 && !b->closed; k++) {
			if (i < sizeof(bad) / sizeof(bad[0]))
				m = bad[i];
			else
				m.offset = k * BUS_CHUNK_MAX;
			m.to = accept.from;
			m.from = accept.to;
			bus_input(lab->sides[OUTER].peer, forge(m, room), lab->now);
		}
		assert_true(b->closed && b->reason);
		assert_true(buf_len(&b->got) <= 128 * 1024);
		lab_free(lab);
	}
}

/* xorshift */
static uint64_t seed;

static unsigned chance(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % below);
}

/* Any message may be lost, come twice, or after others: what arrives is always the beginning of what was sent. */
static void any_schedule(void **state)
{
	for (unsigned run = 1; run <= 2000; run++) {
		struct lab *lab = lab_new();
		struct owner *a, *b;
		struct side *inner = &lab->sides[INNER], *outer = &lab->sides[OUTER];
		char sent[2048];
		size_t n_sent = 0;
		seed = run * 0x9e3779b97f4a7c15u;
		unsigned faults = chance(4) == 0 ? 0 : 1 + chance(40);
		join(lab, &a, &b);
		for (unsigned step = 0; step < 200; step++) {
			if (a->s && n_sent + 8 < sizeof(sent)) {
				for (unsigned k = 0; k < 1 + run % 7; k++)
					sent[n_sent + k] = (char)('a' + chance(26));
				n_sent += bus_send(
					a->s, str_from(sent + n_sent, 1 + run % 7), lab->now);
			}
			if (faults && chance(100) < faults)
				arrive(outer, inner, chance(inner->n_out));
			if (faults && chance(100) < faults / 8 && outer->seen < inner->n_out)
				outer->seen++; /* lost */
			if (chance(2) && outer->seen < inner->n_out)
				arrive(outer, inner, outer->seen++);
			if (chance(2) && inner->seen < outer->n_out)
				arrive(inner, outer, inner->seen++);
			assert_true(buf_len(&b->got) <= n_sent);
			assert_memory_equal(buf_bytes(&b->got).p, sent, buf_len(&b->got));
		}
		talk(lab);
		assert_memory_equal(buf_bytes(&b->got).p, sent, buf_len(&b->got));
		if (!faults)
			assert_true(!b->closed && buf_len(&b->got) == n_sent);
		lab_free(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(nothing_before_the_answer),
		{ "threats L18 window", window },
		{ "threats L18 congestion", congestion },
		{ "threats L13 cut out", gap },
		{ "threats L13 repeated and late", repeated_and_late },
		{ "threats L13 from an earlier connection", earlier_connection },
		{ "threats L13 reflected to its sender", reflected },
		{ "threats L19 stale state on one side", forgotten },
		cmocka_unit_test(no_storm),
		cmocka_unit_test(asked_again),
		cmocka_unit_test(refusals),
		cmocka_unit_test(flood),
		{ "threats L18 nothing is taken", stalled },
		{ "threats L16 credit for what was never sent", violations },
		cmocka_unit_test(one_way),
		cmocka_unit_test(any_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
