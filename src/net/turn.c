/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a turn (loop.c): each takes the connections that asked for it. What a callback makes ready, dirty or
 * dead meanwhile waits for the next round, so that no connection keeps the loop for itself.
 *
 * Some gather: each of their flushes costs much further on. Above a thousand in a second they go together, once in
 * two milliseconds.
 */
#include "net/conn_int.h"

enum { WAITING_AT_ONCE = 16, GATHER_MS = 2 };

static const struct rate_limit gather_limit = { .amount = 1, .burst = 8, .period_ms = 1 };

void net_conn_run_waiting(struct net_loop *loop, size_t input_before)
{
	struct list *it;

	for (int n = 0; n < WAITING_AT_ONCE && loop->input - input_before < NET_TURN_INPUT; n++) {
		if ((it = list_first(&loop->waiting)) == NULL || net_loop_held(loop))
			return;
		struct net_conn *c = LIST_OWNER(it, struct net_conn, waiting);
		list_remove(it);
		if (!c->paused)
			net_flow_receive(c);
		net_conn_rearm(c);
	}
}

void net_conn_run_ready(struct net_loop *loop)
{
	struct list now, *it;

	list_move(&loop->ready, &now);
	while ((it = list_first(&now)) != NULL) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, ready);
		list_remove(it);
		net_flow_resume(c);
		net_conn_rearm(c);
	}
}

static void flush_gathered(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	struct list *it;

	/* All together count as one, and as much as was not sent meanwhile. */
	rate_charge(&loop->gathered, &gather_limit, GATHER_MS, uv_now(&loop->uv));
	while ((it = list_first(&loop->gathering)) != NULL) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, dirty);
		list_remove(it);
		net_flow_flush(c);
		net_conn_rearm(c);
	}
}

/* Shall its output wait for more? */
static bool gathers(struct net_conn *c)
{
	struct net_loop *loop = c->loop;
	size_t n = buf_len(&c->out);

	if (!c->gathers || c->state != NET_CONN_OPEN || n == 0 || n >= NET_RECORD)
		return false;
	return !list_empty(&loop->gathering) ||
		!rate_take(&loop->gathered, &gather_limit, 1, uv_now(&loop->uv));
}

void net_conn_run_dirty(struct net_loop *loop)
{
	struct list now, *it;

	list_move(&loop->dirty, &now);
	while ((it = list_first(&now)) != NULL) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, dirty);
		list_remove(it);
		if (gathers(c)) {
			list_append(&loop->gathering, it);
			continue;
		}
		net_flow_flush(c);
		net_conn_rearm(c);
	}
	if (!list_empty(&loop->gathering) && !uv_is_active((uv_handle_t *)&loop->gather))
		uv_timer_start(&loop->gather, flush_gathered, GATHER_MS, 0);
}

void net_conn_run_dead(struct net_loop *loop)
{
	struct list now, *it;

	list_move(&loop->dead, &now);
	while ((it = list_first(&now)) != NULL) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, dead);
		list_remove(it);
		const struct net_conn_ops *ops = c->ops;
		c->ops = NULL;
		/* A send may have failed after others of the same turn had not. */
		if (ops && c->plain_taken > c->plain_told)
			ops->on_taken(c->user, c->plain_taken);
		if (ops)
			ops->on_closed(c->user, c->text);
		if (!net_shake_busy(c))
			net_conn_free(c);
	}
}
