/* SPDX-License-Identifier: Apache-2.0 */
/* When the loop's thread sleeps, and when it looks again instead. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "pairing.h"

enum {
	TICK_MS = 20, /* twice the longest time of busy polling here */
	IDLE_TURNS = 50, /* so many turns after one input: the thread did not sleep */
	TICKS = 10,
};

struct watch {
	struct pairing p;
	struct net_timer *tick;
	unsigned ticks;
	unsigned turns; /* since the last input */
	bool stayed_awake;
};

static void on_tick(void *user)
{
	struct watch *w = user;

	if (w->ticks++ == TICKS || w->stayed_awake) {
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

static bool stays_awake(unsigned busy_ms)
{
	struct watch w = { 0 };

	pairing_init(&w.p, (struct net_listen_settings){ 0 });
	w.p.more = &w;
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
	assert_false(stays_awake(0));
}

static void test_busy_poll(void **state)
{
	assert_true(stays_awake(10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_busy_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
