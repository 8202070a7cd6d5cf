/* SPDX-License-Identifier: Apache-2.0 */
#include "pairing.h"

#include <stdio.h>
#include <unistd.h>

#include "base/check.h"

enum { ALARM_MS = 60000 };

static void maybe_stop(struct pairing *p)
{
	if (p->client.n_closed && (p->server.n_closed || p->n_accepted == 0))
		net_loop_stop(p->loop);
}

static void on_connected(void *user)
{
	struct end *e = user;

	e->n_connected++;
	if (e->on_open)
		e->on_open(e);
}

static void on_tls(void *user)
{
	struct end *e = user;

	e->n_tls++;
	if (e->on_tls)
		e->on_tls(e);
}

static size_t on_input(void *user, struct str bytes)
{
	struct end *e = user;

	if (e->on_input)
		return e->on_input(e, bytes);
	e->received += bytes.len;
	if (e->keep)
		check(buf_append(&e->got, bytes));
	return bytes.len;
}

static void on_taken(void *user, uint64_t total)
{
	struct end *e = user;

	check(total > e->taken);
	e->taken = total;
	if (e->on_taken)
		e->on_taken(e);
}

static void on_closed(void *user, const char *text)
{
	struct end *e = user;

	e->n_closed++;
	e->conn = NULL;
	snprintf(e->text, sizeof(e->text), "%s", text);
	maybe_stop(e->p);
}

const struct net_conn_ops end_ops = { .on_connected = on_connected,
	.on_tls = on_tls,
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed };

static void on_accept(void *user, struct net_conn *c, bool direct_tls)
{
	struct pairing *p = user;

	p->n_accepted++;
	if (p->server.conn || p->server.n_closed) {
		net_conn_abort(c);
		return;
	}
	p->server.conn = c;
	p->server.direct_tls = direct_tls;
	net_conn_attach(c, &end_ops, &p->server);
	if (p->server.on_open)
		p->server.on_open(&p->server);
}

static struct net_creds *creds_for(void *user, struct str sni)
{
	struct pairing *p = user;

	snprintf(p->sni, sizeof(p->sni), "%.*s", STR_FMT(sni));
	if (str_is(sni, "unknown.example") || !p->creds)
		return NULL;
	return net_creds_ref(p->creds);
}

static void on_alarm(void *user)
{
	struct pairing *p = user;

	p->timed_out = true;
	net_loop_stop(p->loop);
}

static void end_init(struct end *e, struct pairing *p)
{
	*e = (struct end){ .p = p, .keep = true };
	buf_init(&e->got, 64 * 1024 * 1024);
}

void pairing_init(struct pairing *p, struct net_listen_settings settings)
{
	char err[128];

	*p = (struct pairing){ .loop = net_loop_new() };
	end_init(&p->client, p);
	end_init(&p->server, p);
	check(net_addr_parse(STRL("127.0.0.1:0"), &settings.addr));
	settings.creds_for = creds_for;
	settings.on_accept = on_accept;
	settings.user = p;
	if (settings.handshake_ms == 0)
		settings.handshake_ms = 10000;
	p->listener = net_listen(p->loop, &settings, err, sizeof(err));
	check(p->listener);
	p->alarm = net_timer_new(p->loop, on_alarm, p);
}

void pairing_dial(struct pairing *p)
{
	p->client.conn =
		net_connect(p->loop, net_listener_addr(p->listener), 1, 5000, &end_ops, &p->client);
}

void pairing_run(struct pairing *p)
{
	net_timer_set(p->alarm, net_now(p->loop) + ALARM_MS);
	net_loop_run(p->loop);
	check(!p->timed_out);
}

int pairing_socket(struct pairing *p)
{
	const struct net_addr *addr = net_listener_addr(p->listener);
	int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0);
	check(connect(fd, (const struct sockaddr *)(const void *)&addr->sa, addr->len) == 0);
	return fd;
}

void pairing_done(struct pairing *p)
{
	net_loop_free(p->loop);
	buf_done(&p->client.got);
	buf_done(&p->server.got);
	net_tls_unref(p->tls);
	net_creds_unref(p->creds);
}
