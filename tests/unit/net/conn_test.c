/* SPDX-License-Identifier: Apache-2.0 */
/* Connections without TLS. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "pairing.h"

static void say_and_close(struct end *e)
{
	net_conn_write(e->conn, STRL("hello"));
	net_conn_close(e->conn, 2000);
}

static void test_client_speaks(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	p.client.on_open = say_and_close;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.client.n_connected, 1);
	assert_int_equal(p.client.taken, 5);
	assert_string_equal(p.client.text, "closed");
	assert_string_equal(p.server.text, "closed by peer");
	assert_int_equal(p.server.n_closed, 1);
	assert_true(str_is(buf_bytes(&p.server.got), "hello"));
	pairing_done(&p);
}

static void test_server_speaks_first(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	p.server.on_open = say_and_close;
	pairing_dial(&p);
	pairing_run(&p);
	assert_true(str_is(buf_bytes(&p.client.got), "hello"));
	assert_string_equal(p.client.text, "closed by peer");
	pairing_done(&p);
}

/* --- a large transfer to a slow reader --- */

enum { LARGE = 8 * 1024 * 1024 };

static unsigned char pattern(uint64_t at)
{
	return (unsigned char)(at * 7 + at / 251);
}

static void write_large(struct end *e)
{
	struct buf *out = net_conn_out(e->conn);
	char *p = buf_space(out, LARGE);

	check(p);
	for (uint64_t i = 0; i < LARGE; i++)
		p[i] = (char)pattern(i);
	buf_commit(out, LARGE);
	net_conn_wrote(e->conn);
	net_conn_close(e->conn, 30000);
}

static struct net_timer *resume_timer;
static struct end *resuming;

static void resume(void *user)
{
	if (resuming->conn)
		net_conn_pause(resuming->conn, false);
}

/* Uses odd amounts, and pauses now and then. */
static size_t read_slowly(struct end *e, struct str bytes)
{
	static unsigned calls;
	bool all = bytes.len <= 100 || e->received + bytes.len == LARGE;
	size_t n = all ? bytes.len : bytes.len - bytes.len % 100;

	for (size_t i = 0; i < n; i++)
		assert_int_equal((unsigned char)bytes.p[i], pattern(e->received + i));
	e->received += n;
	if (++calls % 8 == 0) {
		net_conn_pause(e->conn, true);
		resuming = e;
		net_timer_set(resume_timer, net_now(e->p->loop) + 2);
	}
	return n;
}

static void test_large(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	resume_timer = net_timer_new(p.loop, resume, NULL);
	p.client.on_open = write_large;
	p.server.on_input = read_slowly;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.client.taken, LARGE);
	assert_int_equal(p.server.received, LARGE);
	net_timer_free(resume_timer);
	pairing_done(&p);
}

/* --- limits and endings --- */

static void write_too_much(struct end *e)
{
	static char block[1024 * 1024];

	for (int i = 0; i < 40 && e->conn; i++)
		net_conn_write(e->conn, str_from(block, sizeof(block)));
}

static void test_output_limit(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	p.client.on_open = write_too_much;
	pairing_dial(&p);
	pairing_run(&p);
	assert_string_equal(p.client.text, "output limit");
	pairing_done(&p);
}

static void abort_now(struct end *e)
{
	net_conn_write(e->conn, STRL("never sent"));
	net_conn_abort(e->conn);
	net_conn_write(e->conn, STRL("ignored"));
	net_conn_close(e->conn, 100);
	net_conn_abort(e->conn);
	assert_int_equal(e->n_closed, 0);
	assert_null(net_conn_out(e->conn));
}

static void test_abort(void **state)
{
	for (int server = 0; server < 2; server++) {
		struct pairing p;
		pairing_init(&p, (struct net_listen_settings){ 0 });
		*(server ? &p.server.on_open : &p.client.on_open) = abort_now;
		pairing_dial(&p);
		pairing_run(&p);
		struct end *e = server ? &p.server : &p.client;
		assert_int_equal(e->n_closed, 1);
		assert_string_equal(e->text, "closed");
		assert_int_equal(e->taken, 0);
		pairing_done(&p);
	}
}

static void test_abort_while_connecting(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	pairing_dial(&p);
	net_conn_abort(p.client.conn);
	assert_int_equal(p.client.n_closed, 0);
	pairing_run(&p);
	assert_int_equal(p.client.n_connected, 0);
	assert_int_equal(p.client.n_closed, 1);
	pairing_done(&p);
}

static void test_next_address(void **state)
{
	struct pairing p;
	struct net_addr addrs[3];

	pairing_init(&p, (struct net_listen_settings){ 0 });
	/* A port that nobody listens on: one that was just given back. */
	struct net_listen_settings s = { 0 };
	char err[64];
	net_addr_parse(STRL("127.0.0.1:0"), &s.addr);
	struct net_listener *l = net_listen(p.loop, &s, err, sizeof(err));
	addrs[0] = *net_listener_addr(l);
	net_listener_close(l);
	addrs[1] = addrs[0];
	addrs[2] = *net_listener_addr(p.listener);
	p.client.on_open = say_and_close;
	p.client.conn = net_connect(p.loop, addrs, 3, 5000, &end_ops, &p.client);
	pairing_run(&p);
	assert_int_equal(p.client.n_connected, 1);
	assert_true(str_is(buf_bytes(&p.server.got), "hello"));
	pairing_done(&p);

	pairing_init(&p, (struct net_listen_settings){ 0 });
	p.client.conn = net_connect(p.loop, addrs, 2, 5000, &end_ops, &p.client);
	pairing_run(&p);
	assert_string_equal(p.client.text, "connection refused");
	p.client.n_closed = 0;
	p.client.conn = net_connect(p.loop, addrs, 0, 5000, &end_ops, &p.client);
	pairing_run(&p);
	assert_string_equal(p.client.text, "no address");
	pairing_done(&p);
}

static void test_reset(void **state)
{
	struct pairing p;
	struct linger reset = { .l_onoff = 1 };

	pairing_init(&p, (struct net_listen_settings){ 0 });
	int fd = pairing_socket(&p);
	assert_int_equal(write(fd, "last words", 10), 10);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	p.client.n_closed = 1;
	p.n_accepted = 1;
	pairing_run(&p);
	assert_int_equal(p.server.n_closed, 1);
	pairing_done(&p);
}

/* --- descriptors --- */

static void close_it(void *user)
{
	struct pairing *p = user;

	if (p->client.conn)
		net_conn_close(p->client.conn, 1000);
}

static void limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The limit is below every descriptor: also one that is closed meanwhile gives nobody another. */
static void test_no_descriptors(void **state)
{
	struct pairing p;
	struct rlimit old;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	pairing_dial(&p);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit_descriptors(0);
	/* The client is connected by the kernel, but cannot be accepted until descriptors are free. */
	struct net_timer *t = net_timer_new(p.loop, close_it, &p);
	net_timer_set(t, net_now(p.loop) + 100);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	assert_int_equal(p.client.n_closed, 1);
	limit_descriptors(old.rlim_cur);
	p.client.n_closed = 0;
	pairing_dial(&p);
	p.client.on_open = say_and_close;
	p.n_accepted = 1;
	p.server.on_open = NULL;
	pairing_run(&p);
	assert_int_equal(p.server.n_closed, 1);
	net_timer_free(t);
	pairing_done(&p);
}

static void test_max_conns(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ .max_conns = 1 });
	int waiting = pairing_socket(&p);
	p.server.on_open = say_and_close;
	pairing_dial(&p);
	/* The first connection holds the only place until it is closed. */
	p.client.n_closed = 1;
	p.n_accepted = 1;
	shutdown(waiting, SHUT_WR);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 1 + 2);
	assert_int_equal(p.server.n_closed, 1);
	close(waiting);
	pairing_done(&p);
}

/* The door: how many came, were let in and have left. */
struct door {
	unsigned came, inside, left, shakes;
	unsigned room;
};

static void *door_enter(void *user, const struct net_addr *from)
{
	struct pairing *p = user;
	struct door *d = p->more;

	assert_int_equal(from->sa.ss_family, AF_INET);
	d->came++;
	if (d->inside >= d->room)
		return NULL;
	d->inside++;
	return d;
}

static void door_leave(void *user, void *pass)
{
	struct pairing *p = user;
	struct door *d = pass;

	assert_ptr_equal(p->more, d);
	d->inside--;
	d->left++;
}

static bool door_shake(void *user, void *pass)
{
	((struct door *)pass)->shakes++;
	return false;
}

static void stop_it(void *user)
{
	struct pairing *p = user;
	net_loop_stop(p->loop);
}

static void test_door(void **state)
{
	struct pairing p;
	struct door d = { .room = 1 };

	pairing_init(&p, (struct net_listen_settings){ .enter = door_enter, .leave = door_leave });
	p.more = &d;
	int first = pairing_socket(&p), second = pairing_socket(&p);
	pairing_dial(&p);
	struct net_timer *t = net_timer_new(p.loop, stop_it, &p);
	net_timer_set(t, net_now(p.loop) + 100);
	pairing_run(&p);
	/* Those that found no room were closed at once. */
	char byte;
	assert_true(recv(second, &byte, 1, MSG_DONTWAIT) <= 0);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(d.came, 3);
	assert_int_equal(p.n_accepted, 1);
	assert_int_equal(p.client.n_closed, 1);
	close(first);
	close(second);
	net_timer_free(t);
	pairing_done(&p);
	assert_int_equal(d.inside, 0);
	assert_int_equal(d.left, 1);
}

static void test_door_before_direct_tls(void **state)
{
	struct pairing p;
	struct door d = { .room = 10 };

	pairing_init(&p,
		(struct net_listen_settings){ .enter = door_enter,
			.leave = door_leave,
			.may_shake = door_shake,
			.detect = true });
	p.more = &d;
	int hello = pairing_socket(&p);
	assert_int_equal(send(hello, "\x16\x03", 2, 0), 2);
	struct net_timer *t = net_timer_new(p.loop, stop_it, &p);
	net_timer_set(t, net_now(p.loop) + 100);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	assert_int_equal(d.shakes, 1);
	assert_int_equal(d.came, 2);
	close(hello);
	net_timer_free(t);
	pairing_done(&p);
	assert_int_equal(d.inside, 0);
}

/* --- the first byte --- */

static void test_detect_plain(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ .detect = true });
	p.client.on_open = say_and_close;
	pairing_dial(&p);
	pairing_run(&p);
	assert_false(p.server.direct_tls);
	assert_true(str_is(buf_bytes(&p.server.got), "hello"));
	pairing_done(&p);
}

static void test_detect_silence(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ .detect = true, .handshake_ms = 50 });
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	assert_int_equal(p.client.n_closed, 1);
	pairing_done(&p);
}

static void test_tls_only_refuses_plain(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ .tls_only = true });
	p.client.on_open = say_and_close;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	pairing_done(&p);
}

/* --- the loop --- */

static void count(void *user)
{
	(*(unsigned *)user)++;
}

static void stop(void *user)
{
	net_loop_stop(user);
}

static void test_timers_and_hooks(void **state)
{
	struct net_loop *loop = net_loop_new();
	unsigned never = 0, once = 0, turns = 0;
	struct net_timer *a = net_timer_new(loop, count, &never);
	struct net_timer *b = net_timer_new(loop, count, &once);
	struct net_timer *c = net_timer_new(loop, stop, loop);

	net_on_turn(loop, count, &turns);
	net_timer_set(a, net_now(loop) + 5);
	net_timer_set(a, UINT64_MAX);
	net_timer_set(b, net_now(loop) + 100000);
	net_timer_set(b, 0);
	net_timer_set(c, net_now(loop) + 20);
	net_loop_run(loop);
	assert_int_equal(never, 0);
	assert_int_equal(once, 1);
	assert_true(turns >= 2);
	net_timer_free(a);
	net_loop_free(loop); /* also frees the timers left over */
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
	} cases[] = {
		{ "1.2.3.4:5269", "1.2.3.4:5269" },
		{ "[::1]:5269", "[::1]:5269" },
		{ "[2001:DB8::1]:1", "[2001:db8::1]:1" },
		{ "127.0.0.1:0", "127.0.0.1:0" },
		{ "1.2.3.4", NULL },
		{ "1.2.3.4:", NULL },
		{ "1.2.3.4:65536", NULL },
		{ "1.2.3.4:-1", NULL },
		{ "1.2.3:80", NULL },
		{ "::1:5269", NULL },
		{ "[::1]", NULL },
		{ "[::1]5269", NULL },
		{ "[1.2.3.4]:80", NULL },
		{ "example.com:80", NULL },
		{ "", NULL },
		{ ":", NULL },
		{ "[", NULL },
		{ "[]:1", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a;
		char text[64];
		bool ok = net_addr_parse(str_of(cases[i].text), &a);
		if (ok != (cases[i].printed != NULL))
			fail_msg("%s", cases[i].text);
		if (!ok)
			continue;
		net_addr_print(&a, text);
		assert_string_equal(text, cases[i].printed);
		net_addr_set_port(&a, 7);
		assert_int_equal(net_addr_port(&a), 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_speaks),
		cmocka_unit_test(test_server_speaks_first),
		cmocka_unit_test(test_large),
		{ "threats D16, H9 a peer that does not read", test_output_limit, NULL, NULL,
			NULL },
		{ "threats D16 aborted", test_abort, NULL, NULL, NULL },
		cmocka_unit_test(test_abort_while_connecting),
		cmocka_unit_test(test_next_address),
		{ "threats D16 reset with bytes under way", test_reset, NULL, NULL, NULL },
		{ "threats H13 no descriptor left", test_no_descriptors, NULL, NULL, NULL },
		cmocka_unit_test(test_max_conns),
		cmocka_unit_test(test_door),
		cmocka_unit_test(test_door_before_direct_tls),
		cmocka_unit_test(test_detect_plain),
		{ "threats D16, H1 silence before the first byte", test_detect_silence, NULL, NULL,
			NULL },
		cmocka_unit_test(test_tls_only_refuses_plain),
		cmocka_unit_test(test_timers_and_hooks),
		cmocka_unit_test(test_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
