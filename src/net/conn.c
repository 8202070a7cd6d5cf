/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection:
 *
 *	net_connect() -> CONNECTING --.
 *	                               >-> OPEN -> DRAINING -> DEAD -> freed
 *	listener      -> ACCEPTED   --'      '-----------------^
 *
 * Anybody may ask for the end at any time; on_closed and free() come later, from
 * net_conn_run_dead(), and free() waits for the thread pool when a handshake is there.
 */
#include "net/conn.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/conn_int.h"

enum {
	OUT_MAX = 16 * 1024 * 1024, /* more plaintext waiting than this: the end */
	OUT_HARD = 4 * OUT_MAX, /* what net_conn_out() may reach before net_conn_wrote() */
	IN_MAX = 4 * 1024 * 1024, /* kept plaintext, e.g. part of a frame */
	CIPHER_MAX = 2 * NET_READ_SIZE,
	WIRE_MAX = OUT_HARD,
	LAST_WAIT_MS = 1000, /* for the peer's FIN after ours */
	CUT_WAIT_MS = 10000, /* likewise, of one that reads slowly */
	HANDLES = 512, /* bytes for what libuv keeps of a connection */
};

const char *net_errno_text(int error)
{
	return uv_strerror(uv_translate_sys_error(error));
}

struct net_conn *net_conn_new(struct net_loop *loop, int fd, const struct net_addr *addr)
{
	struct net_conn *c = calloc(1, sizeof(*c));

	check(c);
	memory_take(sizeof(*c) + HANDLES);
	c->magic = NET_CONN_MAGIC;
	c->loop = loop;
	c->fd = fd;
	c->setup = true;
	if (addr) {
		c->addr = *addr;
		net_addr_print(addr, c->addr_text);
	}
	list_append(&loop->conns, &c->in_loop);
	list_init(&c->ready);
	list_init(&c->dirty);
	list_init(&c->dead);
	list_init(&c->waiting);
	buf_init(&c->in, IN_MAX);
	buf_init(&c->cipher, CIPHER_MAX);
	buf_init(&c->out, OUT_HARD);
	buf_init(&c->wire, WIRE_MAX);
	return c;
}

void net_conn_free(struct net_conn *c)
{
	check(c->magic == NET_CONN_MAGIC && c->state == NET_CONN_DEAD);
	c->magic = 0;
	net_loop_heap_changed(c->loop);
	list_remove(&c->in_loop);
	list_remove(&c->ready);
	list_remove(&c->dirty);
	list_remove(&c->dead);
	list_remove(&c->waiting);
	net_shake_free(c);
	SSL_free(c->ssl);
	buf_done(&c->in);
	buf_done(&c->cipher);
	buf_done(&c->out);
	buf_done(&c->wire);
	free(c->text);
	memory_give(sizeof(*c) + HANDLES + (c->ssl_counted ? NET_SSL_BYTES : 0));
	free(c);
}

/* --- what is waited for --- */

/* Others have waited for longer, or nobody is read now. */
static bool must_wait(const struct net_loop *loop)
{
	return !list_empty(&loop->waiting) || net_loop_held(loop);
}

void net_conn_event(struct net_conn *c, uint32_t events)
{
	if (c->state == NET_CONN_CONNECTING) {
		net_connect_event(c);
		return;
	}
	if (events & EPOLLERR) {
		/* Take what arrived before it. */
		while (!c->paused && net_flow_receive(c))
			;
		net_conn_die(c, "connection lost");
		return;
	}
	if (events & EPOLLOUT) {
		c->blocked = false;
		net_conn_make_dirty(c);
	}
	if ((events & EPOLLIN) && c->yields && c->state == NET_CONN_OPEN && must_wait(c->loop))
		list_append(&c->loop->waiting, &c->waiting);
	else if (events & EPOLLIN)
		net_flow_receive(c);
	net_conn_rearm(c);
}

static bool wants_input(const struct net_conn *c)
{
	if (c->peer_end)
		return false;
	switch (c->state) {
	case NET_CONN_ACCEPTED:
	case NET_CONN_OPEN:
		if (c->tls == NET_CONN_TLS_WAITS || c->tls == NET_CONN_TLS_HANDSHAKE)
			return !net_shake_full(c);
		return !c->paused && list_empty(&c->waiting);
	case NET_CONN_DRAINING:
		return true;
	default:
		return false;
	}
}

void net_conn_rearm(struct net_conn *c)
{
	if (c->fd < 0)
		return;
	uint32_t events = wants_input(c) ? EPOLLIN : 0;
	if (c->blocked || c->state == NET_CONN_CONNECTING)
		events |= EPOLLOUT;
	net_watch(c, events);
}

static void on_timer(uv_timer_t *timer)
{
	struct net_conn *c = timer->data;

	if (c->state == NET_CONN_CONNECTING)
		net_connect_timeout(c);
	else if (c->state == NET_CONN_DRAINING)
		net_conn_die(c, c->text);
	else if (c->state == NET_CONN_ACCEPTED)
		net_conn_die(c, "timeout");
}

void net_conn_timer(struct net_conn *c, unsigned ms)
{
	if (!c->timer) {
		c->timer = malloc(sizeof(*c->timer));
		check(c->timer);
		uv_timer_init(&c->loop->uv, c->timer);
		c->timer->data = c;
	}
	uv_timer_start(c->timer, on_timer, ms, 0);
}

void net_conn_make_ready(struct net_conn *c)
{
	if (list_empty(&c->ready) && c->state != NET_CONN_DEAD)
		list_append(&c->loop->ready, &c->ready);
}

void net_conn_gather(struct net_conn *c)
{
	c->gathers = true;
}

void net_conn_make_dirty(struct net_conn *c)
{
	if (list_empty(&c->dirty) && c->state != NET_CONN_DEAD)
		list_append(&c->loop->dirty, &c->dirty);
}

/* --- the end --- */

static void set_text(struct net_conn *c, const char *text)
{
	if (text == c->text)
		return;
	free(c->text);
	c->text = str_dup_c(str_of(text));
}

void net_conn_die(struct net_conn *c, const char *text)
{
	if (c->state == NET_CONN_DEAD)
		return;
	set_text(c, text);
	c->state = NET_CONN_DEAD;
	net_connect_forget(c);
	net_shake_cancel(c);
	net_uv_release(c->timer);
	c->timer = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	net_watch_forget(c);
	net_listener_release(c);
	list_remove(&c->ready);
	list_remove(&c->dirty);
	list_remove(&c->waiting);
	list_append(&c->loop->dead, &c->dead);
}

void net_conn_drain(struct net_conn *c, const char *text, unsigned linger_ms)
{
	if (c->state == NET_CONN_DRAINING || c->state == NET_CONN_DEAD)
		return;
	bool shaking = c->tls == NET_CONN_TLS_WAITS || c->tls == NET_CONN_TLS_HANDSHAKE;
	if (c->state == NET_CONN_CONNECTING || shaking || linger_ms == 0) {
		net_conn_die(c, text);
		return;
	}
	set_text(c, text);
	c->state = NET_CONN_DRAINING;
	c->linger_ms = linger_ms;
	buf_clear(&c->in, 0);
	net_conn_timer(c, linger_ms);
	net_conn_make_dirty(c);
}

void net_conn_drained(struct net_conn *c)
{
	if (c->peer_end) {
		net_conn_die(c, c->text);
		return;
	}
	/* close() now would send a reset if input is unread, and the peer might lose our last
	 * words. */
	if (!c->shut) {
		unsigned wait = c->linger_ms < LAST_WAIT_MS ? c->linger_ms : LAST_WAIT_MS;
		c->shut = true;
		shutdown(c->fd, SHUT_WR);
		net_conn_timer(c, c->cut ? CUT_WAIT_MS : wait);
	}
}

void net_conn_close(struct net_conn *c, unsigned linger_ms)
{
	net_conn_drain(c, "closed", linger_ms);
}

void net_conn_abort(struct net_conn *c)
{
	net_conn_die(c, "closed");
}

void net_conn_cut(struct net_conn *c)
{
	if (c->state == NET_CONN_DEAD)
		return;
	buf_clear(&c->out, 0);
	buf_clear(&c->wire, 0);
	c->n_marks = 0;
	c->blocked = false;
	/* The last record may be half with the kernel: what follows would be taken for its rest. */
	if (c->tls == NET_CONN_TLS_ON)
		c->tls = NET_CONN_TLS_BROKEN;
	c->cut = true;
	net_conn_drain(c, "cut", CUT_WAIT_MS);
	net_conn_make_dirty(c);
}

void net_conn_reset(struct net_conn *c)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (c->fd >= 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	net_conn_die(c, "reset");
}

/* --- what the program does --- */

void net_conn_attach(struct net_conn *c, const struct net_conn_ops *ops, void *user)
{
	check(c->state != NET_CONN_CONNECTING);
	c->ops = ops;
	c->user = user;
	if (c->state == NET_CONN_ACCEPTED) {
		c->state = NET_CONN_OPEN;
		if (c->timer)
			uv_timer_stop(c->timer);
	}
	if (c->state == NET_CONN_OPEN)
		net_conn_make_ready(c);
}

static bool takes_output(const struct net_conn *c)
{
	return c->state == NET_CONN_OPEN || c->state == NET_CONN_CONNECTING;
}

void net_conn_write(struct net_conn *c, struct str bytes)
{
	if (!takes_output(c))
		return;
	spares_take(&c->loop->spares, &c->out);
	if (!buf_append(&c->out, bytes))
		net_conn_die(c, "output limit");
	else
		net_conn_wrote(c);
}

struct buf *net_conn_out(struct net_conn *c)
{
	if (!takes_output(c))
		return NULL;
	spares_take(&c->loop->spares, &c->out);
	return &c->out;
}

void net_conn_wrote(struct net_conn *c)
{
	if (!takes_output(c))
		return;
	if (buf_len(&c->out) > OUT_MAX)
		net_conn_die(c, "output limit");
	else if (!c->blocked)
		net_conn_make_dirty(c);
}

size_t net_conn_backlog(const struct net_conn *c)
{
	return buf_len(&c->out) + (size_t)(c->plain_moved - c->plain_taken);
}

void net_conn_start_tls(struct net_conn *c, struct net_tls *tls, struct net_creds *creds,
	bool server, struct str sni)
{
	if (c->state != NET_CONN_OPEN)
		return;
	check(c->tls == NET_CONN_PLAIN && (creds || !server));
	/* What was written so far leaves in clear; what is written from now on waits in out. */
	struct str clear = buf_bytes(&c->out);
	if (clear.len) {
		check(buf_append(&c->wire, clear) && c->n_marks == 0);
		buf_consume(&c->out, clear.len);
		c->plain_moved += clear.len;
		c->marks[c->n_marks].wire = c->wire_sent + buf_len(&c->wire);
		c->marks[c->n_marks++].plain = c->plain_moved;
	}
	net_shake_prepare(c, tls, creds, server, sni);
	net_conn_make_ready(c);
	net_conn_make_dirty(c);
}

void net_conn_pause(struct net_conn *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (c->state != NET_CONN_OPEN)
		return;
	/* What is waited for is set when this part of the turn ends: often it has changed back by then. */
	if (paused)
		net_conn_make_dirty(c);
	else
		net_conn_make_ready(c);
}

void net_conn_yield(struct net_conn *c)
{
	c->yields = true;
}

void net_conn_setup(struct net_conn *c, bool setting_up)
{
	c->setup = setting_up;
}

const char *net_conn_peer(const struct net_conn *c)
{
	return c->addr_text;
}

const struct net_addr *net_conn_peer_addr(const struct net_conn *c)
{
	return &c->addr;
}

void net_conn_set_class(struct net_conn *c, enum net_class class)
{
	if (class != c->class)
		net_watch_move(c, class);
}

void *net_conn_pass(const struct net_conn *c)
{
	return c->pass;
}
