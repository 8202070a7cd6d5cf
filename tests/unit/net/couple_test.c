/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections that are each other's peer: plain, with TLS on both, back-pressure, and the end of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "pairing.h"

enum { MUCH = 3 * 1024 * 1024 };

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

static void couple_init(struct pairing *p)
{
	struct net_conn *ends[2];

	pairing_init(p, (struct net_listen_settings){ .tls_only = false });
	assert_true(net_couple(p->loop, "nats:inner-a", ends));
	p->client.conn = ends[0];
	p->server.conn = ends[1];
	p->n_accepted = 1; /* the loop ends when both have ended */
	net_conn_attach(ends[0], &end_ops, &p->client);
	net_conn_attach(ends[1], &end_ops, &p->server);
}

static void both_ways(void **state)
{
	struct pairing p;

	couple_init(&p);
	assert_string_equal(net_conn_peer(p.client.conn), "nats:inner-a");
	net_conn_write(p.client.conn, STRL("to the server"));
	net_conn_write(p.server.conn, STRL("to the client"));
	net_conn_close(p.client.conn, 2000);
	pairing_run(&p);
	assert_false(p.timed_out);
	assert_true(str_is(buf_bytes(&p.server.got), "to the server"));
	assert_int_equal(p.client.taken, 13);
	assert_int_equal(p.server.n_closed, 1);
	pairing_done(&p);
}

static void write_much(struct end *e)
{
	static char block[MUCH];

	net_conn_write(e->conn, str_from(block, sizeof(block)));
	net_conn_close(e->conn, 10000);
}

static void sealed(void **state)
{
	struct pairing p;

	couple_init(&p);
	struct net_tls *tls = cert_tls(NET_TLS_LINK, &ca);
	struct net_creds *inner = cert_creds(&inner_cert), *outer = cert_creds(&outer_cert);
	assert_true(tls && inner && outer);
	p.client.on_tls = write_much;
	net_conn_start_tls(p.server.conn, tls, outer, true, STRL(""));
	net_conn_start_tls(p.client.conn, tls, inner, false, STRL("outer-a"));
	pairing_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.client.n_tls, 1);
	assert_int_equal(p.server.n_tls, 1);
	assert_int_equal(p.server.received, MUCH);
	assert_int_equal(p.client.taken, MUCH);
	assert_string_equal(p.server.text, "closed by peer");
	net_creds_unref(inner);
	net_creds_unref(outer);
	net_tls_unref(tls);
	pairing_done(&p);
}

/* What the reader does not want stays with the writer. */
static void look(void *user)
{
	struct pairing *p = user;

	assert_true(net_conn_backlog(p->client.conn) > MUCH / 2);
	assert_int_equal(p->server.received, 0);
	net_conn_pause(p->server.conn, false);
	net_conn_close(p->client.conn, 10000);
}

static void back_pressure(void **state)
{
	struct pairing p;
	static char block[MUCH];

	couple_init(&p);
	struct net_timer *later = net_timer_new(p.loop, look, &p);
	net_conn_pause(p.server.conn, true);
	net_conn_write(p.client.conn, str_from(block, sizeof(block)));
	net_timer_set(later, net_now(p.loop) + 200);
	pairing_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.received, MUCH);
	net_timer_free(later);
	pairing_done(&p);
}

enum { BYTES = 300 };

struct drops {
	struct pairing *p;
	struct net_timer *tick;
	uint64_t begun;
	unsigned written, flushes;
};

/* A byte from each end in each millisecond, so that one may take what the rate allows while the other gathers. */
static void drip(void *user)
{
	struct drops *d = user;

	net_conn_write(d->p->client.conn, STRL("."));
	net_conn_write(d->p->server.conn, STRL("."));
	if (++d->written == BYTES)
		net_conn_close(d->p->client.conn, 10000);
	else
		net_timer_set(d->tick, net_now(d->p->loop) + 1);
}

/*
 * At first there are eight, then at most one for every millisecond that passed: two that go together have gathered for
 * two. And one of those whose time is not over.
 */
static void count_flush(struct end *e)
{
	struct drops *d = e->p->more;

	d->flushes++;
	assert_true(d->flushes <= 8 + 2 + (net_now(e->p->loop) - d->begun + 1));
}

static void gathered(void **state)
{
	struct pairing p;

	couple_init(&p);
	struct drops d = { .p = &p, .begun = net_now(p.loop) };
	p.more = &d;
	d.tick = net_timer_new(p.loop, drip, &d);
	drip(&d);
	p.client.on_taken = p.server.on_taken = count_flush;
	net_conn_gather(p.client.conn);
	net_conn_gather(p.server.conn);
	pairing_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.received, BYTES);
	assert_true(d.flushes > 8);
	net_timer_free(d.tick);
	pairing_done(&p);
}

static void aborted(void **state)
{
	struct pairing p;

	couple_init(&p);
	net_conn_write(p.client.conn, STRL("never sent"));
	net_conn_abort(p.client.conn);
	pairing_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.received, 0);
	assert_int_equal(p.client.n_closed, 1);
	assert_int_equal(p.server.n_closed, 1);
	pairing_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(sealed),
		cmocka_unit_test(back_pressure),
		cmocka_unit_test(gathered),
		cmocka_unit_test(aborted),
	};

	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
