/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	dial_start ─► role->lookup ─► node_dial_targets ─► try_next ─► connect ─► connected ─► transport_connected
 *	                  │                                  ▲  │(turn) ▲│            │ (direct TLS: after it)
 *	                  └► node_dial_failed                │  └───────┘│            │
 *	                                                     └───────────┴───closed───┘
 *
 * A dial whose stream went away (cancel) lives on until its connection has closed.
 */
#include "node/dial.h"

#include <stdlib.h>

#include "base/check.h"
#include "node/probe.h"
#include "node/gate.h"
#include "node/transport.h"

enum {
	ATTEMPT_MS = 8000,
	TURN_MS = 60000, /* its turn comes within, or it is given up */
};

static const struct s2s_why whys[] = {
#define X(id, step, failure, text, cure) [id] = { failure, step, text, cure },
#include "node/dial_failure.def"
#undef X
};

static void dial_free(struct dial *d)
{
	list_remove(&d->link);
	pace_leave(&d->node->pace, &d->turn);
	if (d->timer)
		net_timer_free(d->timer);
	str_free(&d->us);
	str_free(&d->them);
	str_free(&d->host);
	free(d->targets);
	free(d);
}

static void fail(struct dial *d)
{
	const struct s2s_why *why = &whys[d->failure];
	struct s2s_stream *s = d->stream;
	struct node *n = d->node;

	dial_free(d);
	if (s)
		s2s_connect_failed(s, why, n->now);
}

static void try_next(struct dial *d);

static void hand_over(struct dial *d)
{
	const struct node_target target = d->targets[d->next - 1];
	struct node *n = d->node;
	struct s2s_stream *s = d->stream;
	struct net_conn *conn = d->conn;
	struct pace_turn turn = { 0 };
	size_t n_spare = d->n_targets - d->next;
	struct node_target *spare = d->targets;

	/* What was not tried yet is kept for the case that the stream fails. */
	if (n_spare)
		memmove(spare, spare + d->next, n_spare * sizeof(*spare));
	else
		free(spare);
	d->targets = NULL;
	pace_pass(&d->turn, &turn);
	dial_free(d);
	transport_connected(n, s, conn, &target, &turn, n_spare ? spare : NULL, n_spare);
}

static void on_connected(void *user)
{
	struct dial *d = user;
	struct node *n = d->node;

	n->now = net_now(n->loop);
	if (!d->stream) {
		net_conn_abort(d->conn);
		return;
	}
	if (!d->targets[d->next - 1].direct_tls) {
		hand_over(d);
		return;
	}
	struct arena a;
	struct str sni;
	arena_init(&a, 8192);
	if (jid_domain_to_ascii(&a, d->them, &sni) != JID_OK)
		sni = (struct str){ NULL, 0 };
	struct net_creds *creds = n->role->creds(n, d->us);
	net_conn_start_tls(d->conn, n->tls, creds, false, sni);
	net_creds_unref(creds);
	arena_done(&a);
}

static void on_tls(void *user)
{
	struct dial *d = user;

	d->node->now = net_now(d->node->loop);
	if (d->stream)
		hand_over(d);
	else
		net_conn_abort(d->conn);
}

static void on_closed(void *user, const char *text)
{
	struct dial *d = user;

	d->node->now = net_now(d->node->loop);
	d->conn = NULL;
	if (!d->stream) {
		dial_free(d);
		return;
	}
	d->failure = d->targets[d->next - 1].direct_tls ? DIAL_DIRECT_TLS : DIAL_CONNECT;
	if (strstr(text, "refused"))
		d->failure = DIAL_REFUSED;
	if (d->observed)
		probe_attempt(d->node, &d->targets[d->next - 1], text);
	pace_leave(&d->node->pace, &d->turn);
	try_next(d);
}

/* Early bytes wait for the owner to come. */
static size_t on_input(void *user, struct str bytes)
{
	return 0;
}

static void on_taken(void *user, uint64_t total)
{
}

static const struct net_conn_ops ops = {
	.on_connected = on_connected,
	.on_tls = on_tls,
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

static bool may_dial(const struct dial *d, const struct net_addr *to)
{
	struct node *n = d->node;

	return (n->role->trusts && n->role->trusts(n, to)) ||
		gate_may_dial(n->gate, to, d->them, n->now);
}

static void connect_now(struct dial *d)
{
	d->conn = net_connect(d->node->loop, &d->targets[d->next - 1].addr, 1, ATTEMPT_MS, &ops, d);
}

static bool end_timer(struct dial *d)
{
	d->node->now = net_now(d->node->loop);
	net_timer_free(d->timer);
	d->timer = NULL;
	return d->stream;
}

static bool shares(const struct dial *d, size_t target)
{
	return d->node->config->multiplex && !d->observed &&
		transport_share(d->node, d->stream, &d->targets[target]);
}

/* Its turn has come, or took too long. */
static void on_turn(void *user)
{
	struct dial *d = user;
	bool late = d->turn.waits;

	if (!end_timer(d)) {
		dial_free(d);
	} else if (late) {
		d->failure = DIAL_BUSY;
		fail(d);
	} else if (shares(d, d->next - 1)) {
		dial_free(d);
	} else {
		s2s_connect_waits(d->stream, false, d->node->now);
		connect_now(d);
	}
}

static void go(struct pace_turn *t)
{
	struct dial *d = LIST_OWNER(t, struct dial, turn);

	net_timer_set(d->timer, net_now(d->node->loop));
}

static void wait_for_turn(struct dial *d)
{
	s2s_connect_waits(d->stream, true, d->node->now);
	d->timer = net_timer_new(d->node->loop, on_turn, d);
	net_timer_set(d->timer, net_now(d->node->loop) + TURN_MS);
}

static void try_next(struct dial *d)
{
	while (d->next < d->n_targets) {
		const struct net_addr *to = &d->targets[d->next++].addr;
		if (!may_dial(d, to)) {
			d->failure = DIAL_LIMITED;
			continue;
		}
		if (pace_enter(&d->node->pace, &d->turn, to))
			connect_now(d);
		else
			wait_for_turn(d);
		return;
	}
	node_dial_failed(d, d->failure);
}

/* Deferred: the role may know its targets at once, inside the face's own call. */
static void on_share(void *user)
{
	struct dial *d = user;

	if (!end_timer(d) || shares(d, 0))
		dial_free(d);
	else
		try_next(d);
}

void node_dial_targets(struct dial *d, const struct node_target *targets, size_t n)
{
	d->lookup = NULL;
	d->node->now = net_now(d->node->loop);
	if (!d->stream) {
		dial_free(d);
		return;
	}
	check(n > 0);
	d->targets = calloc(n, sizeof(*targets));
	check(d->targets);
	memcpy(d->targets, targets, n * sizeof(*targets));
	d->n_targets = n;
	if (d->observed)
		probe_targets(d->node, targets, n);
	if (!d->node->config->multiplex || d->observed) {
		try_next(d);
		return;
	}
	d->timer = net_timer_new(d->node->loop, on_share, d);
	net_timer_set(d->timer, net_now(d->node->loop));
}

static void on_deferred_failure(void *user)
{
	struct dial *d = user;

	d->node->now = net_now(d->node->loop);
	fail(d);
}

/* Deferred: the role may know at once, inside the face's own call. */
void node_dial_failed(struct dial *d, enum dial_failure failure)
{
	d->lookup = NULL;
	d->failure = failure;
	d->timer = net_timer_new(d->node->loop, on_deferred_failure, d);
	net_timer_set(d->timer, net_now(d->node->loop));
}

void dial_start(void *user, struct s2s_stream *s, struct str us, struct str them)
{
	struct node *n = user;
	struct dial *d = calloc(1, sizeof(*d));

	check(d);
	*d = (struct dial){ .node = n,
		.stream = s,
		.us = str_dup(us),
		.them = str_dup(them),
		.observed = n->observing,
		.turn.go = go };
	list_append(&n->dials, &d->link);
	d->host = n->redirect;
	n->redirect = (struct str){ NULL, 0 };
	if (!n->spare) {
		n->role->lookup(n, d);
		return;
	}
	d->targets = n->spare;
	d->n_targets = n->n_spare;
	n->spare = NULL;
	try_next(d);
}

void dial_cancel(void *user, struct s2s_stream *s)
{
	struct node *n = user;

	LIST_EACH_SAFE (&n->dials, it) {
		struct dial *d = LIST_OWNER(it, struct dial, link);
		if (d->stream != s)
			continue;
		d->stream = NULL;
		if (d->lookup) {
			n->role->lookup_cancel(n, d);
			dial_free(d);
		} else if (d->conn) {
			net_conn_abort(d->conn);
		} else if (d->turn.at) {
			dial_free(d);
		}
		return;
	}
}
