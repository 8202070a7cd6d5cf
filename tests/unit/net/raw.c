/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

static void *run(void *arg)
{
	struct raw *r = arg;

	r->fn(r->fd, r->arg);
	close(r->fd);
	return NULL;
}

void raw_start(struct raw *r, struct pairing *p, void (*fn)(int fd, void *arg), void *arg)
{
	*r = (struct raw){ .fd = pairing_socket(p), .fn = fn, .arg = arg };
	check(pthread_create(&r->thread, NULL, run, r) == 0);
}

void raw_join(struct raw *r)
{
	pthread_join(r->thread, NULL);
}

void raw_write(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		at += k;
		n -= (size_t)k;
	}
}

size_t raw_read(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = read(fd, (char *)p + got, n - got);
		if (k <= 0)
			break;
		got += (size_t)k;
	}
	return got;
}

/* Moves one piece; false at the end. */
static bool move(struct relay *r, int from, int to)
{
	char bytes[4096];
	size_t size = r->piece < sizeof(bytes) ? r->piece : sizeof(bytes);

	if (size > r->cut_after)
		size = r->cut_after;
	ssize_t n = size ? read(from, bytes, size) : 0;
	if (n <= 0)
		return false;
	raw_write(to, bytes, (size_t)n);
	if (r->cut_after != SIZE_MAX)
		r->cut_after -= (size_t)n;
	return true;
}

static void *run_relay(void *arg)
{
	struct relay *r = arg;
	int one = 1;
	int a = accept(r->listening, NULL, NULL);
	int b = socket(AF_INET, SOCK_STREAM, 0);

	check(a >= 0 && b >= 0);
	check(connect(b, (const struct sockaddr *)(const void *)&r->to.sa, r->to.len) == 0);
	setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	struct pollfd fds[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
	int open = 2;
	while (open > 0 && r->cut_after > 0 && poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents && !move(r, i ? b : a, i ? a : b)) {
				shutdown(i ? a : b, SHUT_WR);
				fds[i].fd = -1;
				open--;
			}
		}
	}
	close(a);
	close(b);
	return NULL;
}

void relay_start(struct relay *r, struct pairing *p, size_t piece, size_t cut_after)
{
	*r = (struct relay){ .piece = piece,
		.cut_after = cut_after,
		.to = *net_listener_addr(p->listener),
		.listening = socket(AF_INET, SOCK_STREAM, 0) };
	check(net_addr_parse(STRL("127.0.0.1:0"), &r->addr));
	struct sockaddr *sa = (struct sockaddr *)(void *)&r->addr.sa;
	check(bind(r->listening, sa, r->addr.len) == 0 && listen(r->listening, 4) == 0);
	check(getsockname(r->listening, sa, &r->addr.len) == 0);
	check(pthread_create(&r->thread, NULL, run_relay, r) == 0);
}

void relay_join(struct relay *r)
{
	pthread_join(r->thread, NULL);
	close(r->listening);
}
