/* SPDX-License-Identifier: Apache-2.0 */
/* Outgoing connections: one address after the other, each with its own socket and time. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "net/conn_int.h"

enum { ADDRS_MAX = 16 };

struct net_connecting {
	struct net_addr addrs[ADDRS_MAX];
	size_t n;
	size_t at; /* the address tried next */
	unsigned attempt_ms;
	const char *failure; /* of the last attempt; static */
};

void net_connect_forget(struct net_conn *c)
{
	free(c->connecting);
	c->connecting = NULL;
}

/* A socket that is connecting to this address, or -1. */
static int dial(const struct net_addr *addr)
{
	int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	const struct sockaddr *sa = (const struct sockaddr *)(const void *)&addr->sa;
	if (connect(fd, sa, addr->len) == 0 || errno == EINPROGRESS)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Starts an attempt; without any address left it is the end. */
static void try_next(struct net_conn *c)
{
	struct net_connecting *k = c->connecting;

	while (k->at < k->n) {
		const struct net_addr *addr = &k->addrs[k->at++];
		c->addr = *addr;
		net_addr_print(addr, c->addr_text);
		c->fd = dial(addr);
		if (c->fd >= 0) {
			net_conn_timer(c, k->attempt_ms);
			net_conn_rearm(c);
			return;
		}
		k->failure = net_errno_text(errno);
	}
	net_conn_die(c, k->failure);
}

static void give_up_address(struct net_conn *c, const char *failure)
{
	c->connecting->failure = failure;
	close(c->fd);
	net_watch_forget(c);
	c->fd = -1;
	try_next(c);
}

void net_connect_event(struct net_conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		give_up_address(c, net_errno_text(error));
		return;
	}
	net_connect_forget(c);
	uv_timer_stop(c->timer);
	c->state = NET_CONN_OPEN;
	net_conn_make_dirty(c);
	c->ops->on_connected(c->user);
	net_conn_rearm(c);
}

void net_connect_timeout(struct net_conn *c)
{
	give_up_address(c, "connection timed out");
}

struct net_conn *net_connect(struct net_loop *loop, const struct net_addr *addrs, size_t n,
	unsigned attempt_ms, const struct net_conn_ops *ops, void *user)
{
	check(n <= ADDRS_MAX);
	struct net_conn *c = net_conn_new(loop, -1, NULL);
	struct net_connecting *k = calloc(1, sizeof(*k));

	check(k);
	if (n)
		memcpy(k->addrs, addrs, n * sizeof(*addrs));
	k->n = n;
	k->attempt_ms = attempt_ms;
	k->failure = "no address";
	c->connecting = k;
	c->ops = ops;
	c->user = user;
	c->class = NET_KNOWN;
	c->state = NET_CONN_CONNECTING;
	try_next(c);
	return c;
}
