/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "sallyport: %s: %s\n", path, what);
	return -1;
}

bool client_sockets(const struct cli *c, struct words *ret_paths)
{
	static const char *const usual[] = { "/run/sallyport/outer.sock",
		"/run/sallyport/inner.sock" };
	const char *path = c->socket ? c->socket : getenv("SALLYPORT_CONTROL");

	if (path && path[0]) {
		words_add(ret_paths, path);
		return true;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (access(usual[i], F_OK) == 0)
			words_add(ret_paths, usual[i]);
	}
	if (ret_paths->n == 0)
		fprintf(stderr,
			"sallyport: neither %s nor %s is there: name the socket of a "
			"daemon with -s\n",
			usual[0], usual[1]);
	return ret_paths->n > 0;
}

static int open_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
		return complain(path, "the path is too long for a socket");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return complain(path, strerror(errno));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		complain(path, errno == ECONNREFUSED ? "no daemon listens there" : strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int client_ask(const char *path, const char *request)
{
	size_t len = strlen(request);
	int fd = open_socket(path);

	if (fd < 0)
		return -1;
	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) {
		complain(path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static bool read_all(int fd, const char *path, struct buf *out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	for (;;) {
		int ready = poll(&wait, 1, CLIENT_TIMEOUT_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			complain(path, "no answer");
			return false;
		}
		char *p = buf_space(out, 65536);
		if (!p) {
			complain(path, "the answer is too large");
			return false;
		}
		ssize_t n = read(fd, p, 65536);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR) {
			complain(path, strerror(errno));
			return false;
		}
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
}

bool client_answer(const char *path, const char *request, struct buf *ret_answer)
{
	int fd = client_ask(path, request);

	if (fd < 0)
		return false;
	bool ok = read_all(fd, path, ret_answer);
	close(fd);
	return ok;
}
