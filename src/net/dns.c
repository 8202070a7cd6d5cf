/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages over UDP (one socket) and TCP (a listener; two octets of length before each
 * message). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "net/udp.h"
#include "net/uv_loop.h"

enum {
	UDP_BATCH = 64,
	UDP_MAX = 1232,
	MESSAGE_MAX = 65535,
	TCP_CONNS = 64,
	TCP_IDLE_MS = 10000,
	TCP_BACKLOG = 256 * 1024, /* answers that are not read */
};

struct net_dns_server {
	struct net_loop *loop;
	uv_poll_t *poll;
	int fd;
	struct net_listener *listener;
	struct net_addr addr;
	net_dns_handler *handler;
	void *user;
	struct buf answer;
	struct list clients;
};

struct client {
	struct list link;
	struct net_dns_server *server;
	struct net_conn *conn;
	struct net_timer *idle;
};

/* --- UDP --- */

static bool answer_one(struct net_dns_server *s)
{
	char question[UDP_MAX * 2];
	struct net_addr from = { .len = sizeof(from.sa) };
	struct sockaddr *sa = (struct sockaddr *)(void *)&from.sa;
	ssize_t n = recvfrom(s->fd, question, sizeof(question), MSG_TRUNC, sa, &from.len);

	if (n < 0)
		return errno == EINTR;
	if ((size_t)n > sizeof(question))
		return true;
	buf_clear(&s->answer, UDP_MAX);
	s->answer.limit = UDP_MAX;
	if (s->handler(s->user, str_from(question, (size_t)n), false, &from, &s->answer)) {
		struct str bytes = buf_bytes(&s->answer);
		/* A full socket buffer loses the answer: the asker repeats. */
		ssize_t sent = sendto(s->fd, bytes.p, bytes.len, MSG_NOSIGNAL, sa, from.len);
		(void)sent;
	}
	return true;
}

static void on_datagram(uv_poll_t *poll, int status, int events)
{
	struct net_dns_server *s = poll->data;
	int i = 0;

	/* After an error libuv stops the handle. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_datagram);
	while (i < UDP_BATCH && answer_one(s))
		i++;
}

/* --- TCP --- */

static void answer_framed(struct client *c, struct str question)
{
	struct net_dns_server *s = c->server;

	buf_clear(&s->answer, UDP_MAX);
	s->answer.limit = MESSAGE_MAX;
	if (!s->handler(s->user, question, true, net_conn_peer_addr(c->conn), &s->answer))
		return;
	struct str bytes = buf_bytes(&s->answer);
	const unsigned char head[2] = { (unsigned char)(bytes.len >> 8), (unsigned char)bytes.len };
	net_conn_write(c->conn, str_from(head, 2));
	net_conn_write(c->conn, bytes);
}

static size_t on_input(void *user, struct str bytes)
{
	struct client *c = user;
	size_t used = 0;

	while (bytes.len - used >= 2) {
		const unsigned char *p = (const unsigned char *)bytes.p + used;
		size_t len = (size_t)(p[0] << 8 | p[1]);
		if (bytes.len - used - 2 < len)
			break;
		answer_framed(c, str_from(p + 2, len));
		used += 2 + len;
	}
	/* Each whole question buys more time; single bytes do not. */
	if (used > 0)
		net_timer_set(c->idle, net_now(c->server->loop) + TCP_IDLE_MS);
	if (net_conn_backlog(c->conn) > TCP_BACKLOG)
		net_conn_abort(c->conn);
	return used;
}

static void on_taken(void *user, uint64_t total)
{
}

static void on_closed(void *user, const char *text)
{
	struct client *c = user;

	list_remove(&c->link);
	net_timer_free(c->idle);
	free(c);
}

static const struct net_conn_ops client_ops = {
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

static void on_idle(void *user)
{
	struct client *c = user;

	net_conn_abort(c->conn);
}

static void on_accept(void *user, struct net_conn *conn, bool direct_tls)
{
	struct net_dns_server *s = user;
	struct client *c = calloc(1, sizeof(*c));

	check(c);
	c->server = s;
	c->conn = conn;
	c->idle = net_timer_new(s->loop, on_idle, c);
	list_append(&s->clients, &c->link);
	net_timer_set(c->idle, net_now(s->loop) + TCP_IDLE_MS);
	net_conn_attach(conn, &client_ops, c);
}

/* --- both --- */

static int open_udp(const struct net_addr *addr, struct net_addr *ret_bound)
{
	int fd = socket(addr->sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	ret_bound->len = sizeof(ret_bound->sa);
	if (bind(fd, (const struct sockaddr *)(const void *)&addr->sa, addr->len) == 0 &&
		getsockname(fd, (struct sockaddr *)(void *)&ret_bound->sa, &ret_bound->len) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static struct net_dns_server *serve_udp(
	struct net_loop *loop, const struct net_addr *addr, char *err, size_t err_size)
{
	struct net_addr bound = { .len = 0 };
	int fd = open_udp(addr, &bound);

	if (fd < 0) {
		char text[64];
		net_addr_print(addr, text);
		snprintf(err, err_size, "%s: %s", text, uv_strerror(uv_translate_sys_error(errno)));
		return NULL;
	}
	struct net_dns_server *s = calloc(1, sizeof(*s));
	check(s);
	s->loop = loop;
	s->fd = fd;
	s->addr = bound;
	buf_init(&s->answer, MESSAGE_MAX);
	list_init(&s->clients);
	s->poll = calloc(1, sizeof(*s->poll));
	check(s->poll && uv_poll_init(net_uv_loop(loop), s->poll, fd) == 0);
	s->poll->data = s;
	check(uv_poll_start(s->poll, UV_READABLE, on_datagram) == 0);
	return s;
}

struct net_dns_server *net_dns_serve(struct net_loop *loop, const struct net_addr *addr,
	net_dns_handler *handler, void *user, char *err, size_t err_size)
{
	struct net_dns_server *s = serve_udp(loop, addr, err, err_size);

	if (!s)
		return NULL;
	s->handler = handler;
	s->user = user;
	const struct net_listen_settings tcp = {
		.addr = s->addr, .max_conns = TCP_CONNS, .on_accept = on_accept, .user = s
	};
	s->listener = net_listen(loop, &tcp, err, err_size);
	if (s->listener)
		return s;
	net_dns_close(s);
	return NULL;
}

const struct net_addr *net_dns_addr(const struct net_dns_server *s)
{
	return &s->addr;
}

void net_dns_close(struct net_dns_server *s)
{
	if (!s)
		return;
	LIST_EACH_SAFE (&s->clients, it) {
		struct client *c = LIST_OWNER(it, struct client, link);
		/* on_closed comes later and must not find the server. */
		list_remove(&c->link);
		net_conn_abort(c->conn);
	}
	net_listener_close(s->listener);
	net_uv_release(s->poll);
	close(s->fd);
	buf_done(&s->answer);
	free(s);
}
