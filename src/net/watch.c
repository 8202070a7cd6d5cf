/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections can be read or written, and how many of them in one turn of the loop. However many peers send as
 * fast as they can, a turn stays short: what it produced is flushed, timers run, and the next connections have their
 * turn (the kernel hands them out in order). Links come first, since what they carry keeps the others moving and
 * their silence would be taken for death.
 *
 * The kernel may know of more than is wanted: it is told when that does come, and mostly it is wanted again by then.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "net/conn_int.h"

enum {
	AT_ONCE = 16,
	TURN_NS = 10 * 1000 *
		1000, /* what is read may be little and mean much: handshakes, new pairs */
};

static struct net_watch *watch_of(const struct net_conn *c)
{
	return &c->loop->watches[c->class == NET_LINK ? NET_WATCH_LINKS : NET_WATCH_OTHERS];
}

static void tell_kernel(struct net_conn *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	int op = !c->armed ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (events != c->armed)
		check(epoll_ctl(watch_of(c)->fd, op, c->fd, &e) == 0);
	c->armed = events;
}

void net_watch(struct net_conn *c, uint32_t events)
{
	c->events = events;
	if (events & ~c->armed)
		tell_kernel(c, events);
}

void net_watch_forget(struct net_conn *c)
{
	c->events = c->armed = 0;
}

void net_watch_move(struct net_conn *c, enum net_class class)
{
	uint32_t events = c->events;

	if (c->armed)
		tell_kernel(c, 0);
	c->class = class;
	if (events)
		tell_kernel(c, events);
}

static void look_at(struct net_conn *c, uint32_t got)
{
	if (c->fd < 0)
		return; /* it died of what came for another one */
	if (got & (EPOLLIN | EPOLLOUT) & ~c->events || !c->events)
		tell_kernel(c, c->events);
	if (!c->events)
		return;
	if ((got & EPOLLHUP) && !(got & (EPOLLIN | EPOLLOUT)))
		got |= c->events;
	got &= c->events | EPOLLERR;
	if (got)
		net_conn_event(c, got);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct net_watch *w = poll->data;
	struct net_loop *loop = w->loop;
	struct epoll_event ready[AT_ONCE];
	size_t before = loop->input, last;
	uint64_t begun = uv_hrtime();
	int n;

	do {
		net_notice_pause(loop);
		last = loop->input;
		n = epoll_wait(w->fd, ready, AT_ONCE, 0);
		for (int i = 0; i < n; i++)
			look_at(ready[i].data.ptr, ready[i].events);
	} while ((n == AT_ONCE || loop->input - last >= NET_READ_SIZE) &&
		loop->input - before < NET_TURN_INPUT && uv_hrtime() - begun < TURN_NS);
}

void net_watches_open(struct net_loop *loop)
{
	for (int i = 0; i < NET_WATCHES; i++) {
		struct net_watch *w = &loop->watches[i];
		w->loop = loop;
		w->fd = epoll_create1(EPOLL_CLOEXEC);
		check(w->fd >= 0);
		check(uv_poll_init(&loop->uv, &w->poll, w->fd) == 0);
		w->poll.data = w;
		check(uv_poll_start(&w->poll, UV_READABLE, on_ready) == 0);
	}
}

void net_watches_close(struct net_loop *loop)
{
	for (int i = 0; i < NET_WATCHES; i++)
		close(loop->watches[i].fd);
}
