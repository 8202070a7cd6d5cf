/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing leaves after the guard's time without it having been asked, however a process was stopped in the middle of a
 * turn, and however slowly the peer reads; and a connection that is cut sends nothing more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "pairing.h"

enum { MUCH = 8 * 1024 * 1024, LEASE_MS = 60, PAUSE_MS = 100, SLOW_MS = 200 };

static struct cert ca, inner_cert, outer_cert;

static int make_certs(void **state)
{
	const struct cert_spec inner = { .san = "DNS:inner-a", .eku = "serverAuth,clientAuth" };
	const struct cert_spec outer = { .san = "DNS:outer-a", .eku = "serverAuth,clientAuth" };

	ca = cert_make("ca", &(struct cert_spec){ .ca = true }, NULL);
	inner_cert = cert_make("inner", &inner, &ca);
	outer_cert = cert_make("outer", &outer, &ca);
	return 0;
}

static int drop_certs(void **state)
{
	cert_free(&ca);
	cert_free(&inner_cert);
	cert_free(&outer_cert);
	certs_cleanup();
	return 0;
}

struct watch {
	struct pairing p;
	unsigned asked;
	bool stop; /* the process is stopped before this turn's output leaves */
	bool reset;
	bool lets; /* the lease was renewed */
	uint64_t seen; /* the time that the guard was asked at */
};

static void on_guard(void *user)
{
	struct watch *w = user;

	w->asked++;
	w->seen = net_now(w->p.loop);
	net_guard_at(w->p.loop, w->lets ? w->seen + 10000 : UINT64_MAX);
	if (w->lets || !w->p.client.conn)
		return;
	if (w->reset)
		net_conn_reset(w->p.client.conn);
	else
		net_conn_cut(w->p.client.conn);
}

static void on_turn(void *user)
{
	struct watch *w = user;

	if (w->stop)
		usleep(PAUSE_MS * 1000);
	w->stop = false;
}

static void watch_init(struct watch *w)
{
	pairing_init(&w->p, (struct net_listen_settings){ 0 });
	w->p.more = w;
	net_guard(w->p.loop, on_guard, w);
	net_on_turn(w->p.loop, on_turn, w);
}

/* --- stopped in the middle of a turn --- */

static void write_and_stop(struct end *e)
{
	struct watch *w = e->p->more;

	net_conn_write(e->conn, STRL("not ours any more"));
	net_guard_at(e->p->loop, net_now(e->p->loop) + LEASE_MS);
	w->stop = true;
	if (w->lets)
		net_conn_close(e->conn, 2000);
}

static void stopped(struct watch *w)
{
	watch_init(w);
	w->p.client.on_open = write_and_stop;
	uint64_t begun = net_now(w->p.loop);
	pairing_dial(&w->p);
	pairing_run(&w->p);
	assert_int_equal(w->asked, 1);
	assert_true(w->seen >= begun + PAUSE_MS);
}

static void stopped_in_a_turn(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct watch w = { .reset = i };
		stopped(&w);
		assert_int_equal(w.p.client.taken, 0);
		assert_int_equal(w.p.server.received, 0);
		pairing_done(&w.p);
	}
}

/* Still ours: nothing is different. */
static void renewed(void **state)
{
	struct watch w = { .lets = true };

	stopped(&w);
	assert_int_equal(w.p.client.taken, 17);
	assert_int_equal(w.p.server.received, 17);
	assert_string_equal(w.p.client.text, "closed");
	pairing_done(&w.p);
}

/* --- a peer that does not read --- */

static void read_again(void *user)
{
	struct watch *w = user;

	if (w->p.server.conn)
		net_conn_pause(w->p.server.conn, false);
}

static void write_much(struct end *e)
{
	static char block[MUCH];

	net_conn_write(e->conn, str_from(block, sizeof(block)));
	net_guard_at(e->p->loop, net_now(e->p->loop) + LEASE_MS);
}

static void slow(struct watch *w)
{
	struct net_timer *later = net_timer_new(w->p.loop, read_again, w);

	net_timer_set(later, net_now(w->p.loop) + SLOW_MS);
	pairing_run(&w->p);
	assert_int_equal(w->asked, 1);
	net_timer_free(later);
}

static void stop_reading(struct end *e)
{
	net_conn_pause(e->conn, true);
}

/* What the kernel had arrives, and nothing else; the end is one in order. */
static void slow_peer(void **state)
{
	struct watch w = { 0 };

	watch_init(&w);
	w.p.client.on_open = write_much;
	w.p.server.on_open = stop_reading;
	pairing_dial(&w.p);
	slow(&w);
	assert_true(w.p.client.taken > 0 && w.p.client.taken < MUCH);
	assert_int_equal(w.p.server.received, w.p.client.taken);
	assert_string_equal(w.p.client.text, "cut");
	assert_string_equal(w.p.server.text, "closed by peer");
	pairing_done(&w.p);
}

/* A record may be half with the kernel: no close_notify comes in its place. */
static void slow_peer_with_tls(void **state)
{
	struct watch w = { 0 };
	struct net_conn *ends[2];

	watch_init(&w);
	assert_true(net_couple(w.p.loop, "couple", ends));
	w.p.client.conn = ends[0];
	w.p.server.conn = ends[1];
	w.p.n_accepted = 1;
	net_conn_attach(ends[0], &end_ops, &w.p.client);
	net_conn_attach(ends[1], &end_ops, &w.p.server);
	struct net_tls *tls = cert_tls(NET_TLS_LINK, &ca);
	struct net_creds *inner = cert_creds(&inner_cert), *outer = cert_creds(&outer_cert);
	w.p.client.on_tls = write_much;
	w.p.server.on_tls = stop_reading;
	net_conn_start_tls(ends[1], tls, outer, true, STRL(""));
	net_conn_start_tls(ends[0], tls, inner, false, STRL("outer-a"));
	slow(&w);
	assert_true(w.p.client.taken > 0 && w.p.client.taken < MUCH);
	assert_int_equal(w.p.server.received, w.p.client.taken);
	assert_string_equal(w.p.client.text, "cut");
	assert_string_equal(w.p.server.text, "closed by peer without close_notify");
	net_creds_unref(inner);
	net_creds_unref(outer);
	net_tls_unref(tls);
	pairing_done(&w.p);
}

static void close_much(struct end *e)
{
	write_much(e);
	net_conn_close(e->conn, 30000);
}

static void slow_peer_while_closing(void **state)
{
	struct watch w = { 0 };

	watch_init(&w);
	w.p.client.on_open = close_much;
	w.p.server.on_open = stop_reading;
	pairing_dial(&w.p);
	slow(&w);
	assert_true(w.p.client.taken < MUCH);
	assert_int_equal(w.p.server.received, w.p.client.taken);
	pairing_done(&w.p);
}

/* --- the clock --- */

static void clocks(void **state)
{
	struct net_loop *loop = net_loop_new();
	uint64_t before = net_now(loop);

	usleep(PAUSE_MS * 1000);
	assert_int_equal(net_now(loop), before);
	assert_true(net_look(loop) >= before + PAUSE_MS - 1);
	uint64_t now = net_look(loop);
	assert_int_equal(net_now(loop), now);
	net_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "threats L19 stopped in the middle of a turn", stopped_in_a_turn, NULL, NULL,
			NULL },
		cmocka_unit_test(renewed),
		{ "threats L19 a peer that does not read", slow_peer, NULL, NULL, NULL },
		{ "threats L19 likewise with TLS", slow_peer_with_tls, NULL, NULL, NULL },
		{ "threats L19 likewise when it closes", slow_peer_while_closing, NULL, NULL,
			NULL },
		cmocka_unit_test(clocks),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
