/* SPDX-License-Identifier: Apache-2.0 */
/* What the face asks of a transport (struct s2s_ops). */
#include "base/log.h"
#include "node/dial.h"
#include "node/gate.h"
#include "node/prove.h"
#include "node/transport_int.h"

enum {
	REDIRECT_MAX = 1024,
	MUTE_MS = 1000, /* a connection through which nothing comes is given up after it */
};

static void write_bytes(void *user, void *transport, struct str bytes)
{
	net_conn_write(((struct transport *)transport)->conn, bytes);
}

static bool credentials(void *user, struct str us)
{
	struct node *n = user;
	struct net_creds *creds = n->role->creds(n, us);
	bool found = creds;

	net_creds_unref(creds);
	return found;
}

static void start_tls(void *user, void *transport, bool server, struct str us, struct str them)
{
	struct node *n = user;
	struct transport *t = transport;
	struct net_creds *creds = n->role->creds(n, us);
	char space[1024];
	struct arena a;
	struct str sni = { 0 };

	if (server && !gate_may_shake(net_conn_pass(t->conn), n->now)) {
		net_creds_unref(creds);
		net_conn_abort(t->conn);
		return;
	}
	if (server && !creds) {
		LOG(LOG_WARNING, "no-certificate", LF_STR("domain", us));
		net_conn_abort(t->conn);
		return;
	}
	arena_init(&a, sizeof(space) * 4);
	if (!server && jid_domain_to_ascii(&a, them, &sni) != JID_OK)
		sni = (struct str){ NULL, 0 };
	net_conn_start_tls(t->conn, n->tls, creds, server, sni);
	arena_done(&a);
	net_creds_unref(creds);
}

static void certificate(
	void *user, void *transport, struct str us, struct str them, struct s2s_certified *ret)
{
	prove_certificate(user, transport, us, them, ret);
}

static const char *tls_version(void *user, void *transport)
{
	return net_conn_tls_version(((struct transport *)transport)->conn);
}

static bool tls_waits(void *user, void *transport)
{
	return net_conn_tls_waits(((struct transport *)transport)->conn);
}

static void pause_reading(void *user, void *transport, bool paused)
{
	struct transport *t = transport;

	t->paused = paused;
	transport_set_pause(t);
}

static bool may_ask(void *user, void *transport)
{
	struct node *n = user;
	struct transport *t = transport;

	return gate_may_ask(net_conn_pass(t->conn), n->now);
}

static void asks(void *user, void *transport)
{
	struct node *n = user;
	struct transport *t = transport;

	gate_asks(net_conn_pass(t->conn), n->now);
}

static bool may_answer(void *user, void *transport)
{
	struct node *n = user;
	struct transport *t = transport;

	return gate_may_answer(net_conn_pass(t->conn), n->now);
}

/* Another node of our role can deliver it, as far as the far nodes know. */
static bool give_up(void *user, void *transport)
{
	struct node *n = user;
	struct transport *t = transport;

	if (!link_replaceable(n->link) || !net_conn_is_mute(t->conn, MUTE_MS))
		return false;
	net_conn_reset(t->conn);
	return true;
}

static void close_transport(void *user, void *transport)
{
	net_conn_close(((struct transport *)transport)->conn, 2000);
}

static void cut(void *user, void *transport, bool all)
{
	struct net_conn *c = ((struct transport *)transport)->conn;

	if (all)
		net_conn_reset(c);
	else
		net_conn_cut(c);
}

/* The connect() that follows at once takes these instead of a look-up. */
static bool another(void *user, void *transport)
{
	struct node *n = user;
	struct transport *t = transport;

	if (t->redirect.len) {
		n->redirect = t->redirect;
		t->redirect = (struct str){ NULL, 0 };
		return true;
	}
	if (!t->spare)
		return false;
	n->spare = t->spare;
	n->n_spare = t->n_spare;
	t->spare = NULL;
	return true;
}

static bool redirect(void *user, void *transport, struct str host)
{
	struct transport *t = transport;

	if (host.len == 0 || host.len > REDIRECT_MAX)
		return false;
	str_free(&t->redirect);
	t->redirect = str_dup(host);
	return true;
}

void transport_fill_ops(struct s2s_ops *ops)
{
	ops->another = another;
	ops->redirect = redirect;
	ops->connect = dial_start;
	ops->cancel = dial_cancel;
	ops->write = write_bytes;
	ops->credentials = credentials;
	ops->start_tls = start_tls;
	ops->certificate = certificate;
	ops->tls_version = tls_version;
	ops->tls_waits = tls_waits;
	ops->pause = pause_reading;
	ops->may_ask = may_ask;
	ops->asks = asks;
	ops->may_answer = may_answer;
	ops->give_up = give_up;
	ops->close = close_transport;
	ops->cut = cut;
}
