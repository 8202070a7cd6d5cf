/* SPDX-License-Identifier: Apache-2.0 */
#include "net/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/list.h"
#include "net/uv_loop.h"

enum { CLIENTS_MAX = 16, QUEUE_MAX = 4 * 1024 * 1024 };

struct net_local {
	uv_pipe_t pipe;
	struct list clients;
	unsigned n_clients;
	char *path;
	size_t input_max;
	const struct net_local_ops *ops;
	void *user;
	bool bound;
	bool closing;
	bool gone; /* the listening handle is closed */
};

struct net_local_client {
	uv_pipe_t pipe;
	struct list link;
	struct net_local *owner; /* NULL: the listener is gone */
	struct buf in;
	size_t queued;
	void *user;
	bool finishing;
	bool closing;
};

struct pending_write {
	uv_write_t req;
	struct net_local_client *client;
	size_t len;
	char bytes[];
};

static void maybe_free(struct net_local *l)
{
	if (l->gone && l->n_clients == 0) {
		free(l->path);
		free(l);
	}
}

static void on_client_gone(uv_handle_t *handle)
{
	struct net_local_client *c = handle->data;
	struct net_local *l = c->owner;

	buf_done(&c->in);
	list_remove(&c->link);
	free(c);
	l->n_clients--;
	maybe_free(l);
}

static void close_client(struct net_local_client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	if (!c->owner->closing)
		c->owner->ops->on_closed(c->owner->user, c);
	uv_close((uv_handle_t *)&c->pipe, on_client_gone);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_local_client *c = handle->data;
	char *p = buf_space(&c->in, 512);

	*buf = uv_buf_init(p, p ? 512 : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct net_local_client *c = stream->data;

	if (n < 0) {
		close_client(c);
		return;
	}
	buf_commit(&c->in, (size_t)n);
	if (n > 0 && !c->finishing)
		c->owner->ops->on_input(c->owner->user, c, buf_bytes(&c->in));
}

static void on_connection(uv_stream_t *server, int status)
{
	struct net_local *l = server->data;

	if (status < 0)
		return;
	struct net_local_client *c = calloc(1, sizeof(*c));
	check(c);
	c->owner = l;
	c->pipe.data = c;
	list_append(&l->clients, &c->link);
	l->n_clients++;
	buf_init(&c->in, l->input_max + 512);
	check(uv_pipe_init(server->loop, &c->pipe, 0) == 0);
	if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || l->n_clients > CLIENTS_MAX ||
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0) {
		c->closing = true; /* unknown to the owner yet */
		uv_close((uv_handle_t *)&c->pipe, on_client_gone);
	}
}

struct net_local *net_local_listen(struct net_loop *loop, const char *path, size_t input_max,
	const struct net_local_ops *ops, void *user, char *err, size_t err_size)
{
	struct net_local *l = calloc(1, sizeof(*l));

	check(l);
	l->input_max = input_max;
	l->ops = ops;
	l->user = user;
	l->path = str_dup_c(str_of(path));
	list_init(&l->clients);
	check(uv_pipe_init(net_uv_loop(loop), &l->pipe, 0) == 0);
	l->pipe.data = l;
	struct stat st;
	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mode_t mask = umask(0177);
	int rc = uv_pipe_bind(&l->pipe, path);
	umask(mask);
	l->bound = rc == 0;
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&l->pipe, CLIENTS_MAX, on_connection);
	if (rc == 0)
		return l;
	snprintf(err, err_size, "control socket %s: %s", path, uv_strerror(rc));
	net_local_close(l);
	return NULL;
}

static void on_listener_gone(uv_handle_t *handle)
{
	struct net_local *l = handle->data;

	l->gone = true;
	maybe_free(l);
}

void net_local_close(struct net_local *l)
{
	if (!l || l->closing)
		return;
	l->closing = true;
	if (l->bound)
		unlink(l->path);
	LIST_EACH_SAFE (&l->clients, it)
		close_client(LIST_OWNER(it, struct net_local_client, link));
	uv_close((uv_handle_t *)&l->pipe, on_listener_gone);
}

static void on_written(uv_write_t *req, int status)
{
	struct pending_write *w = (struct pending_write *)(void *)req;
	struct net_local_client *c = w->client;

	c->queued -= w->len;
	free(w);
	if (status < 0 || (c->finishing && c->queued == 0))
		close_client(c);
}

bool net_local_send(struct net_local_client *c, struct str bytes)
{
	if (c->closing || c->queued + bytes.len > QUEUE_MAX)
		return false;
	struct pending_write *w = malloc(sizeof(*w) + bytes.len);
	check(w);
	w->client = c;
	w->len = bytes.len;
	memcpy(w->bytes, bytes.p, bytes.len);
	uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)bytes.len);
	if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0) {
		free(w);
		return false;
	}
	c->queued += bytes.len;
	return true;
}

void net_local_finish(struct net_local_client *c)
{
	c->finishing = true;
	if (c->queued == 0)
		close_client(c);
}

void net_local_set_user(struct net_local_client *c, void *user)
{
	c->user = user;
}

void *net_local_user(const struct net_local_client *c)
{
	return c->user;
}
