/* SPDX-License-Identifier: Apache-2.0 */
/* A connection whose other end hears nothing, as behind a cut line: a filter on that socket drops all that comes. */
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/conn_int.h"
#include "pairing.h"

enum { LOOK_MS = 20, SILENT_MS = 300 };

static void hear_nothing(const struct net_conn *c)
{
	struct sock_filter drop = { .code = BPF_RET | BPF_K };
	const struct sock_fprog program = { .len = 1, .filter = &drop };

	check(setsockopt(c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
}

static void hear_again(const struct net_conn *c)
{
	int none = 0;

	check(setsockopt(c->fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) == 0);
}

struct watch {
	struct pairing p;
	struct net_timer *timer;
	unsigned looks;
	bool was_mute;
};

static void look_later(struct watch *w)
{
	net_timer_set(w->timer, net_now(w->p.loop) + LOOK_MS);
}

static struct watch *watch_of(struct end *e)
{
	return e->p->more;
}

static void say(struct end *e)
{
	net_conn_write(e->conn, STRL("hello"));
}

/* --- nothing comes through --- */

static void on_look(void *user)
{
	struct watch *w = user;

	if (!w->p.client.conn)
		return;
	if (!net_conn_is_mute(w->p.client.conn, SILENT_MS)) {
		w->looks++;
		look_later(w);
		return;
	}
	w->was_mute = true;
	net_conn_reset(w->p.client.conn);
	/* What the kernel had would come now. */
	hear_again(w->p.server.conn);
	net_conn_write(w->p.server.conn, STRL("who is there"));
}

static void on_accepted(struct end *e)
{
	hear_nothing(e->conn);
	say(&e->p->client);
	look_later(watch_of(e));
}

static void test_mute(void **state)
{
	struct watch w = { 0 };

	pairing_init(&w.p, (struct net_listen_settings){ 0 });
	w.p.more = &w;
	w.timer = net_timer_new(w.p.loop, on_look, &w);
	w.p.server.on_open = on_accepted;
	pairing_dial(&w.p);
	pairing_run(&w.p);
	assert_true(w.was_mute && w.looks > 1);
	assert_string_equal(w.p.client.text, "reset");
	assert_int_equal(w.p.server.n_closed, 1);
	assert_int_equal(w.p.server.received, 0);
	net_timer_free(w.timer);
	pairing_done(&w.p);
}

/* --- slow is not mute --- */

enum { LOOKS = 60, LARGE = 8 * 1024 * 1024 };

static void on_slow_look(void *user)
{
	struct watch *w = user;

	w->was_mute |= net_conn_is_mute(w->p.client.conn, SILENT_MS);
	if (++w->looks < LOOKS) {
		look_later(w);
		return;
	}
	net_conn_abort(w->p.client.conn);
	net_conn_abort(w->p.server.conn);
}

/* Reads nothing: the window is full. */
static void on_slow_accepted(struct end *e)
{
	struct end *client = &e->p->client;
	struct buf *out = net_conn_out(client->conn);

	net_conn_pause(e->conn, true);
	memset(buf_space(out, LARGE), 'x', LARGE);
	buf_commit(out, LARGE);
	net_conn_wrote(client->conn);
	look_later(watch_of(e));
}

static void test_slow(void **state)
{
	struct watch w = { 0 };

	pairing_init(&w.p, (struct net_listen_settings){ 0 });
	w.p.more = &w;
	w.timer = net_timer_new(w.p.loop, on_slow_look, &w);
	w.p.server.on_open = on_slow_accepted;
	pairing_dial(&w.p);
	pairing_run(&w.p);
	assert_int_equal(w.looks, LOOKS);
	assert_false(w.was_mute);
	assert_true(w.p.client.taken < LARGE);
	net_timer_free(w.timer);
	pairing_done(&w.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "nothing comes through", test_mute },
		{ "a peer that does not read is there", test_slow },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
