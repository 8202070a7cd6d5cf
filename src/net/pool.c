/* SPDX-License-Identifier: Apache-2.0 */
/* libuv's queue is never longer than its threads: what waits, waits here. */
#include "net/pool.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"

enum {
	THREADS = 4, /* libuv's own default */
	THREADS_MAX = 1024,
	KNOWN_FACTOR = 8,
	NICE = 5, /* the loop's thread goes first */
};

/* What libuv will make of its environment variable. */
static unsigned thread_count(void)
{
	const char *words = getenv("UV_THREADPOOL_SIZE");
	long n = words ? strtol(words, NULL, 10) : THREADS;

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

void net_pool_init(struct net_pool *p, uv_loop_t *uv)
{
	*p = (struct net_pool){ .uv = uv, .threads = thread_count(), .waiting_max = 512 };
	for (int i = 0; i < NET_CLASSES; i++)
		list_init(&p->waiting[i]);
}

/* How many threads may work for this class and those below it. */
static unsigned share(const struct net_pool *p, enum net_class class)
{
	static const unsigned kept_free[NET_CLASSES] = { [NET_KNOWN] = 1 };
	unsigned n = class == NET_STRANGER ? p->threads / 2 : p->threads - kept_free[class];

	return n ? n : 1;
}

static bool may_run(const struct net_pool *p, enum net_class class)
{
	unsigned running = 0;

	for (int i = 0; i < NET_CLASSES; i++) {
		running += p->running[i];
		if (i >= (int)class && running >= share(p, (enum net_class)i))
			return false;
	}
	return true;
}

static void run(uv_work_t *work)
{
	static _Thread_local bool polite;

	if (!polite) {
		polite = true;
		setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	}
	struct net_job *job = (struct net_job *)(void *)work;
	job->run(job);
}

static void go_on(struct net_pool *p);

static void on_done(uv_work_t *work, int status)
{
	struct net_job *job = (struct net_job *)(void *)work;
	struct net_pool *p = job->pool;

	job->given = false;
	p->running[job->class]--;
	job->done(job);
	go_on(p);
}

static void give(struct net_pool *p, struct net_job *job)
{
	list_remove(&job->waiting);
	job->given = true;
	p->running[job->class]++;
	p->n_waiting[job->class]--;
	check(uv_queue_work(p->uv, &job->work, run, on_done) == 0);
}

static void go_on(struct net_pool *p)
{
	for (int i = NET_CLASSES - 1; i >= 0; i--) {
		struct list *first;
		while (may_run(p, (enum net_class)i) && (first = list_first(&p->waiting[i])))
			give(p, LIST_OWNER(first, struct net_job, waiting));
	}
}

bool net_pool_submit(struct net_pool *p, struct net_job *job)
{
	enum net_class class = job->class;
	unsigned max = class == NET_STRANGER ? p->waiting_max : KNOWN_FACTOR * p->waiting_max;

	if (class != NET_LINK && !job->ours && p->n_waiting[class] >= max) {
		p->refused++;
		return false;
	}
	job->pool = p;
	list_append(&p->waiting[class], &job->waiting);
	p->n_waiting[class]++;
	go_on(p);
	return true;
}

bool net_pool_cancel(struct net_job *job)
{
	if (job->given) {
		uv_cancel((uv_req_t *)&job->work);
		return false;
	}
	list_remove(&job->waiting);
	job->pool->n_waiting[job->class]--;
	return true;
}
