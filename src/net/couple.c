/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections that are each other's peer, over a pair of Unix sockets. */
#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "net/conn_int.h"

static struct net_conn *end_of(struct net_loop *loop, int fd, const char *name)
{
	struct net_conn *c = net_conn_new(loop, fd, NULL);

	snprintf(c->addr_text, sizeof(c->addr_text), "%s", name);
	c->state = NET_CONN_OPEN;
	c->setup = false;
	return c;
}

bool net_couple(struct net_loop *loop, const char *name, struct net_conn *ret[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		ret[i] = end_of(loop, fds[i], name);
	return true;
}
