/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport is one connection of the face. Incoming ones are attached to a stream at once;
 * outgoing ones come from dial.c when they are connected. What the face asks of one is in transport_ops.c.
 */
#include "node/transport_int.h"

#include <stdlib.h>

#include "base/check.h"
#include "node/dial.h"
#include "node/gate.h"

enum { RECHECKS = 32 }; /* in one turn of the loop */

static void after_event(struct transport *t)
{
	if (t->setting_up && t->stream && !s2s_setting_up(t->stream)) {
		t->setting_up = false;
		net_conn_setup(t->conn, false);
		/* One for both directions brings acknowledgements, too. */
		if (!t->target && !s2s_is_bidi(t->stream))
			net_conn_yield(t->conn);
		if (s2s_was_ready(t->stream))
			gate_prove(net_conn_pass(t->conn), t->node->now);
		free(t->spare);
		t->spare = NULL;
		pace_leave(&t->node->pace, &t->turn);
	}
}

/* --- proofs that last --- */

/* Until the first certificate runs out, and no longer than the age limit. */
static void time_recheck(struct transport *t)
{
	struct node *n = t->node;
	uint64_t in = n->config->limits.proof_age_ms, wall = net_wall_ms();
	long long end = net_conn_cert_end(t->conn);

	if (!end)
		return;
	uint64_t end_ms = (uint64_t)end * 1000 + 1000; /* the second of the end is still valid */
	if (end > 0 && end_ms > wall && end_ms - wall < in)
		in = end_ms - wall;
	heap_set(&n->rechecks, &t->recheck, n->now + in);
}

uint64_t transport_recheck_at(const struct node *n)
{
	const struct heap_node *top = heap_top(&n->rechecks);

	return top ? top->key : UINT64_MAX;
}

void transport_recheck(struct node *n)
{
	struct heap_node *top;

	for (unsigned i = 0; i < RECHECKS && (top = heap_top(&n->rechecks)) && top->key <= n->now;
		i++) {
		struct transport *t = LIST_OWNER(top, struct transport, recheck);
		net_conn_verify_again(t->conn, n->tls);
		heap_remove(&n->rechecks, top);
		time_recheck(t);
		if (t->stream)
			s2s_judge_again(t->stream, n->now);
	}
}

void transport_recheck_all(struct node *n)
{
	LIST_EACH (&n->transports, it) {
		struct transport *t = LIST_OWNER(it, struct transport, link);
		if (heap_holds(&t->recheck))
			heap_set(&n->rechecks, &t->recheck, n->now);
	}
}

void transport_proved(struct transport *t)
{
	struct node *n = t->node;

	n->now = net_now(n->loop);
	if (t->stream)
		s2s_proved(t->stream, n->now);
	after_event(t);
}

struct net_conn *transport_conn(const struct transport *t)
{
	return t->conn;
}

const struct node_target *transport_target(const struct transport *t)
{
	return t->target;
}

void **transport_evidence(struct transport *t)
{
	return &t->evidence;
}

/* --- what the connection reports --- */

static void on_tls(void *user)
{
	struct transport *t = user;

	t->node->now = net_now(t->node->loop);
	time_recheck(t);
	s2s_tls_done(t->stream, t->node->now);
	after_event(t);
}

void transport_set_pause(const struct transport *t)
{
	net_conn_pause(t->conn, t->paused || t->throttled);
}

static void on_timer(void *user)
{
	struct transport *t = user;

	t->throttled = false;
	transport_set_pause(t);
}

static void throttle(struct transport *t, uint64_t ms)
{
	if (!t->timer)
		t->timer = net_timer_new(t->node->loop, on_timer, t);
	t->throttled = true;
	net_timer_set(t->timer, t->node->now + ms);
	transport_set_pause(t);
}

static size_t on_input(void *user, struct str bytes)
{
	struct transport *t = user;

	t->node->now = net_now(t->node->loop);
	size_t used = s2s_input(t->stream, bytes, t->node->now);
	after_event(t);
	uint64_t ms = gate_bytes(net_conn_pass(t->conn), used, t->node->now);
	if (ms)
		throttle(t, ms);
	return used;
}

static void on_taken(void *user, uint64_t total)
{
	struct transport *t = user;

	t->node->now = net_now(t->node->loop);
	s2s_taken(t->stream, total, t->node->now);
}

static void transport_free(struct transport *t)
{
	struct node *n = t->node;

	if (n->role->evidence_cancel)
		n->role->evidence_cancel(n, t);
	list_remove(&t->link);
	heap_remove(&n->rechecks, &t->recheck);
	pace_leave(&n->pace, &t->turn);
	if (t->timer)
		net_timer_free(t->timer);
	free(t->target);
	free(t->spare);
	str_free(&t->redirect);
	free(t);
}

static void on_closed(void *user, const char *text)
{
	struct transport *t = user;
	struct node *n = t->node;

	n->now = net_now(n->loop);
	if (t->stream)
		s2s_closed(t->stream, text, n->now);
	transport_free(t);
}

static const struct net_conn_ops conn_ops = {
	.on_tls = on_tls,
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

static struct transport *transport_new(struct node *n, struct net_conn *conn)
{
	struct transport *t = calloc(1, sizeof(*t));
	check(t);
	*t = (struct transport){ .node = n, .conn = conn, .setting_up = true };
	list_append(&n->transports, &t->link);
	return t;
}

void transport_accepted(void *user, struct net_conn *conn, bool direct_tls)
{
	struct node *n = user;

	n->now = net_now(n->loop);
	struct transport *t = transport_new(n, conn);
	t->stream = s2s_accept(n->face, t, direct_tls, n->now);
	if (!t->stream) {
		transport_free(t);
		net_conn_abort(conn);
		return;
	}
	if (direct_tls)
		time_recheck(t);
	net_conn_attach(conn, &conn_ops, t);
}

void transport_connected(struct node *n, struct s2s_stream *stream, struct net_conn *conn,
	const struct node_target *target, struct pace_turn *turn, struct node_target *spare,
	size_t n_spare)
{
	struct transport *t = transport_new(n, conn);
	bool direct_tls = target->direct_tls;

	t->target = malloc(sizeof(*target));
	check(t->target);
	*t->target = *target;
	pace_pass(turn, &t->turn);
	t->stream = stream;
	if (direct_tls)
		time_recheck(t);
	t->spare = spare;
	t->n_spare = n_spare;
	net_conn_attach(conn, &conn_ops, t);
	s2s_connected(stream, t, direct_tls, n->now);
}

static bool same_address(const struct node_target *a, const struct node_target *b)
{
	return a->addr.len == b->addr.len && a->direct_tls == b->direct_tls &&
		memcmp(&a->addr.sa, &b->addr.sa, a->addr.len) == 0;
}

bool transport_share(struct node *n, struct s2s_stream *s, const struct node_target *target)
{
	LIST_EACH (&n->transports, it) {
		struct transport *t = LIST_OWNER(it, struct transport, link);
		if (t->target && t->stream && same_address(t->target, target) &&
			s2s_join(s, t->stream, n->now))
			return true;
	}
	return false;
}
