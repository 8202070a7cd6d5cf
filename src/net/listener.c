/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets. A connection goes to the program at once, or (detect, tls_only) when its
 * first byte told what it is and TLS, if any, was done; until then it belongs to the listener.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "net/conn_int.h"

enum { BACKLOG = 1024, ACCEPTS = 64, RETRY_MS = 200, RECORD_HANDSHAKE = 0x16 };

struct net_listener {
	struct net_loop *loop;
	struct list link;
	int fd;
	uv_poll_t *poll;
	uv_timer_t *retry; /* runs: no descriptor was left */
	struct net_listen_settings settings;
	unsigned n_conns;
	bool listening;
	struct net_addr addr;
};

static void accept_some(struct net_listener *l);

static void on_event(uv_poll_t *poll, int status, int events)
{
	accept_some(poll->data);
}

static void set_listening(struct net_listener *l, bool listening)
{
	if (l->listening == listening)
		return;
	l->listening = listening;
	if (listening)
		check(uv_poll_start(l->poll, UV_READABLE, on_event) == 0);
	else
		uv_poll_stop(l->poll);
}

static bool has_room(const struct net_listener *l)
{
	return l->settings.max_conns == 0 || l->n_conns < l->settings.max_conns;
}

static void on_retry(uv_timer_t *timer)
{
	struct net_listener *l = timer->data;

	set_listening(l, has_room(l));
}

/* No descriptor or memory left: a pause, ended by the timer or by a connection that closes. */
static void pause_accepting(struct net_listener *l)
{
	set_listening(l, false);
	uv_timer_start(l->retry, on_retry, RETRY_MS, 0);
}

/* --- one connection --- */

static void hand_over(struct net_conn *c, bool direct_tls)
{
	const struct net_listen_settings *s = &c->listener->settings;

	s->on_accept(s->user, c, direct_tls);
	if (c->state == NET_CONN_ACCEPTED)
		net_conn_die(c, "refused");
}

void net_listener_first_byte(struct net_conn *c)
{
	const struct net_listener *l = c->listener;
	bool tls = buf_bytes(&c->cipher).p[0] == RECORD_HANDSHAKE;

	if (tls && l->settings.may_shake && !l->settings.may_shake(l->settings.user, c->pass)) {
		net_conn_die(c, "refused");
		return;
	}
	if (tls && l->settings.tls) {
		net_shake_prepare(c, l->settings.tls, NULL, true, STRL(""));
		net_shake_begin(c);
		return;
	}
	if (tls || l->settings.tls_only) {
		net_conn_die(c, "not what this port is for");
		return;
	}
	struct buf plain = c->cipher;
	plain.limit = c->in.limit;
	c->cipher = c->in;
	c->cipher.limit = plain.limit;
	c->in = plain;
	hand_over(c, false);
}

void net_listener_tls_done(struct net_conn *c)
{
	if (c->listener)
		hand_over(c, true);
	else
		net_conn_die(c, "closed");
}

struct net_creds *net_listener_creds(struct net_conn *c, struct str sni)
{
	struct net_listener *l = c->listener;

	return l && l->settings.creds_for ? l->settings.creds_for(l->settings.user, sni) : NULL;
}

/* What came with the connection goes back to whom it belongs to. */
static void give_pass_back(struct net_listener *l, struct net_conn *c)
{
	if (c->pass && l->settings.leave)
		l->settings.leave(l->settings.user, c->pass);
	c->pass = NULL;
}

static void take(struct net_listener *l, int fd, const struct net_addr *from)
{
	void *pass = l->settings.enter ? l->settings.enter(l->settings.user, from) : NULL;
	int one = 1;

	if (l->settings.enter && !pass) {
		struct linger reset = { .l_onoff = 1 };
		/* A reset: it costs the kernel nothing afterwards. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	struct net_conn *c = net_conn_new(l->loop, fd, from);
	c->state = NET_CONN_ACCEPTED;
	c->listener = l;
	c->pass = pass;
	if (l->settings.class_of)
		c->class = l->settings.class_of(l->settings.user, pass);
	l->n_conns++;
	if (l->settings.detect || l->settings.tls_only)
		net_conn_timer(c, l->settings.handshake_ms);
	else
		hand_over(c, false);
	net_conn_rearm(c);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(struct net_listener *l)
{
	for (int i = 0; i < ACCEPTS && has_room(l); i++) {
		struct net_addr from = { .len = sizeof(from.sa) };
		int fd = accept4(l->fd, (struct sockaddr *)(void *)&from.sa, &from.len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take(l, fd, &from);
			continue;
		}
		if (is_shortage(errno)) {
			pause_accepting(l);
			return;
		}
		if (errno == EAGAIN)
			return;
		/* ECONNABORTED and network errors concern that connection alone. */
	}
	if (!has_room(l))
		set_listening(l, false);
}

void net_listener_release(struct net_conn *c)
{
	struct net_listener *l = c->listener;

	c->listener = NULL;
	if (l) {
		give_pass_back(l, c);
		l->n_conns--;
		/* Not before the timer when it runs: other descriptors may be short as well. */
		if (!uv_is_active((uv_handle_t *)l->retry) && !c->loop->freeing)
			set_listening(l, has_room(l));
	}
}

/* --- the listener --- */

static int open_socket(const struct net_addr *addr)
{
	int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	const struct sockaddr *sa = (const struct sockaddr *)(const void *)&addr->sa;
	if (bind(fd, sa, addr->len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void *new_handle(size_t size, void *data)
{
	uv_handle_t *handle = calloc(1, size);

	check(handle);
	handle->data = data;
	return handle;
}

struct net_listener *net_listen(struct net_loop *loop, const struct net_listen_settings *settings,
	char *err, size_t err_size)
{
	int fd = open_socket(&settings->addr);

	if (fd < 0) {
		char text[64];
		net_addr_print(&settings->addr, text);
		snprintf(err, err_size, "%s: %s", text, net_errno_text(errno));
		return NULL;
	}
	struct net_listener *l = calloc(1, sizeof(*l));
	check(l);
	l->loop = loop;
	l->fd = fd;
	l->settings = *settings;
	if (settings->tls)
		net_tls_ref(settings->tls);
	l->addr.len = sizeof(l->addr.sa);
	getsockname(fd, (struct sockaddr *)(void *)&l->addr.sa, &l->addr.len);
	l->poll = new_handle(sizeof(*l->poll), l);
	l->retry = new_handle(sizeof(*l->retry), l);
	check(uv_poll_init(&loop->uv, l->poll, fd) == 0);
	uv_timer_init(&loop->uv, l->retry);
	list_append(&loop->listeners, &l->link);
	set_listening(l, true);
	return l;
}

const struct net_addr *net_listener_addr(const struct net_listener *l)
{
	return &l->addr;
}

void net_listener_set_tls(struct net_listener *l, struct net_tls *tls)
{
	struct net_tls *old = l->settings.tls;

	l->settings.tls = tls ? net_tls_ref(tls) : NULL;
	net_tls_unref(old);
}

void net_listener_close(struct net_listener *l)
{
	if (!l)
		return;
	LIST_EACH_SAFE (&l->loop->conns, it) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, in_loop);
		if (c->listener != l)
			continue;
		give_pass_back(l, c);
		c->listener = NULL;
		if (c->state == NET_CONN_ACCEPTED)
			net_conn_die(c, "closed");
	}
	list_remove(&l->link);
	net_uv_release(l->poll);
	net_uv_release(l->retry);
	close(l->fd);
	net_tls_unref(l->settings.tls);
	free(l);
}

void net_listeners_close(struct net_loop *loop)
{
	LIST_EACH_SAFE (&loop->listeners, it)
		net_listener_close(LIST_OWNER(it, struct net_listener, link));
}
