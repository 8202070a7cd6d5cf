/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread pool, shared out. A job belongs to somebody: strangers get half of the threads, the known all but one, a
 * link any that is free; and of those that wait, links come first, then the known. So neither waits behind a flood.
 * How many jobs of others may wait is bounded; ours (a connection that we began) are as many as we began.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <uv.h>

#include "base/list.h"
#include "net/conn.h"

struct net_job {
	uv_work_t work; /* first: libuv gives it back */
	struct net_pool *pool;
	struct list waiting; /* alone while a thread has it */
	enum net_class class;
	bool ours; /* never refused */
	bool given; /* to a thread */
	void (*run)(struct net_job *job); /* in a thread */
	void (*done)(struct net_job *job); /* in the loop */
};

struct net_pool {
	uv_loop_t *uv;
	unsigned threads;
	unsigned running[NET_CLASSES];
	unsigned n_waiting[NET_CLASSES];
	struct list waiting[NET_CLASSES];
	unsigned waiting_max; /* of strangers; of the known eight times as many */
	uint64_t refused;
};

void net_pool_init(struct net_pool *p, uv_loop_t *uv);
/* False: too many wait already. done() follows otherwise, never at once, unless the job is cancelled before. */
bool net_pool_submit(struct net_pool *p, struct net_job *job);
/* True: the job was not begun, and done() will not be called. */
bool net_pool_cancel(struct net_job *job);

#endif
