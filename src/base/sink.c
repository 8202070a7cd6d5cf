/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes and local sockets take up to PIPE_BUF bytes whole or not at all. What else there is (a disk that fills, a
 * connection) may take a part: the rest goes before anything else.
 */
#include "base/sink.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	int fd;
	int own; /* the same pipe or terminal, opened by us not to wait; -1: none */
	bool socket;
	dev_t dev; /* what fd is */
	ino_t ino;
	char rest[SINK_LINE_MAX]; /* of a line that was taken in part */
	size_t n_rest;
} sink = { .fd = STDERR_FILENO, .own = -1 };

void sink_use(int fd)
{
	struct stat st;
	char path[64];

	if (sink.own >= 0)
		close(sink.own);
	sink.own = -1;
	sink.fd = fd;
	sink.socket = false;
	if (fstat(fd, &st) != 0) {
		sink.n_rest = 0;
		return;
	}
	/* The rest of a line belongs to where its beginning is. */
	if (sink.dev != st.st_dev || sink.ino != st.st_ino)
		sink.n_rest = 0;
	sink.dev = st.st_dev;
	sink.ino = st.st_ino;
	sink.socket = S_ISSOCK(st.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd)))
		sink.own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool has_room(void)
{
	struct pollfd fd = { .fd = sink.fd, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT);
}

/* Returns how many bytes were taken. */
static size_t put(const char *p, size_t n)
{
	ssize_t took = -1;

	if (sink.socket)
		took = send(sink.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (sink.own >= 0)
		took = write(sink.own, p, n);
	else if (has_room())
		took = write(sink.fd, p, n);
	return took > 0 ? (size_t)took : 0;
}

static bool put_rest(void)
{
	size_t took = sink.n_rest ? put(sink.rest, sink.n_rest) : 0;

	sink.n_rest -= took;
	memmove(sink.rest, sink.rest + took, sink.n_rest);
	return sink.n_rest == 0;
}

bool sink_put(struct str line)
{
	if (line.len > SINK_LINE_MAX || !put_rest())
		return false;
	size_t took = put(line.p, line.len);
	if (took == 0)
		return false;
	sink.n_rest = line.len - took;
	memcpy(sink.rest, line.p + took, sink.n_rest);
	return true;
}
