/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a turn (loop.c): each takes the connections that asked for it. What a callback makes ready, dirty or
 * dead meanwhile waits for the next round, so that no connection keeps the loop for itself.
 */
#include "net/conn_int.h"

enum { WAITING_AT_ONCE = 16 };

void net_conn_run_waiting(struct net_loop *loop)
{
	struct list *it;

	for (int n = 0; n < WAITING_AT_ONCE && !loop->held; n++) {
		if ((it = list_first(&loop->waiting)) == NULL)
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

void net_conn_run_dirty(struct net_loop *loop)
{
	struct list now, *it;

	list_move(&loop->dirty, &now);
	while ((it = list_first(&now)) != NULL) {
		struct net_conn *c = LIST_OWNER(it, struct net_conn, dirty);
		list_remove(it);
		net_flow_flush(c);
		net_conn_rearm(c);
	}
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
