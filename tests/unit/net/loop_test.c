/* SPDX-License-Identifier: Apache-2.0 */
/* When the loop's thread sleeps, and when it looks again instead; whom it does not read for a while. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pairing.h"

enum {
	TICK_MS = 4,
	BUSY_MS = 10,
	IDLE_TURNS = 10, /* so many turns after one input: the thread did not sleep */
	HOLD_TICKS = 10,
	TICKS = 200, /* the busy poll has learnt by then */
	TICKS_MOST = 2500, /* others may want the processor */
};

struct watch {
	struct pairing p;
	struct net_timer *tick;
	unsigned ticks, ticks_most;
	unsigned turns; /* since the last input */
	bool stayed_awake;
};

static void on_tick(void *user)
{
	struct watch *w = user;

	if (w->ticks++ == w->ticks_most || w->stayed_awake) {
		net_conn_close(w->p.client.conn, 1000);
		return;
	}
	w->turns = 0;
	if (w->p.client.conn)
		net_conn_write(w->p.client.conn, STRL("x"));
	net_timer_set(w->tick, net_now(w->p.loop) + TICK_MS);
}

static void on_turn(void *user)
{
	struct watch *w = user;

	if (w->ticks > 0 && ++w->turns == IDLE_TURNS)
		w->stayed_awake = true;
}

static size_t on_input(struct end *e, struct str bytes)
{
	struct watch *w = e->p->more;

	w->turns = 0;
	return bytes.len;
}

static void known(struct end *e)
{
	net_conn_set_class(e->conn, NET_KNOWN);
}

static bool stays_awake(unsigned busy_ms, unsigned ticks_most)
{
	struct watch w = { .ticks_most = ticks_most };

	pairing_init(&w.p, (struct net_listen_settings){ 0 });
	w.p.more = &w;
	w.p.server.on_open = known; /* strangers do not keep it awake */
	w.p.server.on_input = on_input;
	net_loop_busy_poll(w.p.loop, busy_ms);
	w.tick = net_timer_new(w.p.loop, on_tick, &w);
	pairing_dial(&w.p);
	net_timer_set(w.tick, net_now(w.p.loop) + TICK_MS);
	net_on_turn(w.p.loop, on_turn, &w);
	pairing_run(&w.p);
	assert_false(w.p.timed_out);
	net_timer_free(w.tick);
	pairing_done(&w.p);
	return w.stayed_awake;
}

static void test_sleeps(void **state)
{
	assert_false(stays_awake(0, TICKS));
}

static void test_busy_poll(void **state)
{
	assert_true(stays_awake(BUSY_MS, TICKS_MOST));
}

/* --- a pause --- */

enum { STOP_MS = 300, PAUSE_MS = 100, LONG_PAUSE_MS = 20000 };

struct pause {
	struct net_loop *loop;
	struct net_timer *tick;
	unsigned ticks;
	unsigned paused;
};

static void on_paused(void *user, uint64_t ms)
{
	struct pause *p = user;

	assert_true(ms > PAUSE_MS);
	p->paused++;
}

static void on_pause_tick(void *user)
{
	struct pause *p = user;

	if (++p->ticks == TICKS) {
		net_loop_stop(p->loop);
		return;
	}
	if (p->ticks == TICKS / 2)
		usleep(STOP_MS * 1000);
	net_timer_set(p->tick, net_now(p->loop) + TICK_MS);
}

static unsigned pauses(unsigned ms)
{
	struct pause p = { .loop = net_loop_new() };

	p.tick = net_timer_new(p.loop, on_pause_tick, &p);
	net_on_pause(p.loop, ms, on_paused, &p);
	net_timer_set(p.tick, net_now(p.loop) + TICK_MS);
	net_loop_run(p.loop);
	net_timer_free(p.tick);
	net_loop_free(p.loop);
	return p.paused;
}

static void test_pause(void **state)
{
	assert_true(pauses(PAUSE_MS) > 0);
}

/* Nor is the time before the start one. */
static void test_no_pause(void **state)
{
	assert_int_equal(pauses(LONG_PAUSE_MS), 0);
}

/* --- a hold --- */

struct hold {
	struct pairing p;
	struct net_timer *tick;
	unsigned ticks;
	bool held;
};

static bool is_held(void *user)
{
	const struct hold *h = user;

	return h->held;
}

static void on_hold_tick(void *user)
{
	struct hold *h = user;

	if (++h->ticks == HOLD_TICKS)
		h->held = false;
	else
		net_timer_set(h->tick, net_now(h->p.loop) + TICK_MS);
}

static void yield(struct end *e)
{
	struct hold *h = e->p->more;

	net_conn_yield(e->conn);
	h->held = true;
	net_timer_set(h->tick, net_now(h->p.loop) + TICK_MS);
}

static void say_hello(struct end *e)
{
	net_conn_write(e->conn, STRL("hello"));
}

/* Not while held; then all, and what it answers goes to one that does not yield. */
static size_t on_held_input(struct end *e, struct str bytes)
{
	struct hold *h = e->p->more;

	assert_false(h->held);
	assert_int_equal(h->ticks, HOLD_TICKS);
	e->received += bytes.len;
	h->held = true;
	net_conn_write(e->conn, STRL("x"));
	return bytes.len;
}

static size_t on_answer(struct end *e, struct str bytes)
{
	struct hold *h = e->p->more;

	assert_true(h->held);
	e->received += bytes.len;
	net_conn_close(e->conn, 1000);
	h->held = false;
	return bytes.len;
}

static void test_hold(void **state)
{
	struct hold h = { 0 };

	pairing_init(&h.p, (struct net_listen_settings){ 0 });
	h.p.more = &h;
	h.p.server.on_open = yield;
	h.p.server.on_input = on_held_input;
	h.p.client.on_open = say_hello;
	h.p.client.on_input = on_answer;
	h.tick = net_timer_new(h.p.loop, on_hold_tick, &h);
	net_loop_hold(h.p.loop, is_held, &h);
	pairing_dial(&h.p);
	pairing_run(&h.p);
	assert_false(h.p.timed_out);
	assert_int_equal(h.p.server.received, 5);
	assert_int_equal(h.p.client.received, 1);
	net_timer_free(h.tick);
	pairing_done(&h.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_busy_poll),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_no_pause),
		cmocka_unit_test(test_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
