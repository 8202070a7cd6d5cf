/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets a thread when there are too few: jobs that last until they are let go, one after the other. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/uv_loop.h"

enum { JOBS = 64, THREADS = 4 };

struct test_job {
	struct net_job job;
	struct world *world;
	bool started;
	bool free_to_go;
	bool done;
};

struct world {
	struct net_loop *loop;
	struct net_pool *pool;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct test_job jobs[JOBS];
	unsigned n, started, done;
};

static void run(struct net_job *job)
{
	struct test_job *t = (struct test_job *)(void *)job;
	struct world *w = t->world;

	pthread_mutex_lock(&w->lock);
	t->started = true;
	w->started++;
	pthread_cond_broadcast(&w->changed);
	while (!t->free_to_go)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void done(struct net_job *job)
{
	struct test_job *t = (struct test_job *)(void *)job;

	assert_true(t->started && !t->done);
	t->done = true;
	t->world->done++;
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->loop = net_loop_new();
	w->pool = &w->loop->pool;
	assert_int_equal(w->pool->threads, THREADS);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	*state = w;
	return 0;
}

static struct test_job *submit_as(struct world *w, enum net_class class, bool ours)
{
	struct test_job *t = &w->jobs[w->n];

	t->world = w;
	t->job = (struct net_job){ .class = class, .run = run, .done = done, .ours = ours };
	list_init(&t->job.waiting);
	if (!net_pool_submit(w->pool, &t->job))
		return NULL;
	w->n++;
	return t;
}

static struct test_job *submit(struct world *w, enum net_class class)
{
	return submit_as(w, class, false);
}

/* Until so many have been started; more are not, because there is no thread for them. */
static void expect_started(struct world *w, unsigned n)
{
	pthread_mutex_lock(&w->lock);
	while (w->started < n)
		pthread_cond_wait(&w->changed, &w->lock);
	unsigned started = w->started, running = 0;
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(started, n);
	for (int i = 0; i < NET_CLASSES; i++)
		running += w->pool->running[i];
	assert_int_equal(running, n - w->done);
}

static void let_go(struct world *w, struct test_job *t)
{
	pthread_mutex_lock(&w->lock);
	t->free_to_go = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	while (!t->done)
		uv_run(net_uv_loop(w->loop), UV_RUN_ONCE);
}

static int end(void **state)
{
	struct world *w = *state;

	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		w->jobs[i].free_to_go = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	while (w->done < w->n)
		uv_run(net_uv_loop(w->loop), UV_RUN_ONCE);
	net_loop_free(w->loop);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return 0;
}

static void shares(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++)
		assert_non_null(submit(w, NET_STRANGER));
	expect_started(w, 2);
	struct test_job *known = submit(w, NET_KNOWN), *next = submit(w, NET_KNOWN);
	expect_started(w, 3);
	assert_true(known->started && !next->started);
	struct test_job *link = submit(w, NET_LINK), *last = submit(w, NET_LINK);
	expect_started(w, 4);
	assert_true(link->started && !last->started);
}

/* Links first, then the known, then strangers, each in the order in which they came. */
static void order(void **state)
{
	struct world *w = *state;
	struct test_job *first[THREADS], *waiting[6];

	for (int i = 0; i < THREADS; i++)
		first[i] = submit(w, NET_LINK);
	expect_started(w, 4);
	waiting[4] = submit(w, NET_STRANGER);
	waiting[5] = submit(w, NET_STRANGER);
	waiting[2] = submit(w, NET_KNOWN);
	waiting[3] = submit(w, NET_KNOWN);
	waiting[0] = submit(w, NET_LINK);
	waiting[1] = submit(w, NET_LINK);
	expect_started(w, 4);
	for (int i = 0; i < 2; i++) {
		let_go(w, first[i]);
		expect_started(w, 5 + (unsigned)i);
		assert_true(waiting[i]->started);
	}
	/* The known leave a thread to the links. */
	let_go(w, first[2]);
	expect_started(w, 7);
	assert_true(waiting[2]->started);
	let_go(w, waiting[0]);
	expect_started(w, 8);
	assert_true(waiting[3]->started && !waiting[4]->started);
	let_go(w, first[3]);
	expect_started(w, 9);
	assert_true(waiting[4]->started && !waiting[5]->started);
	let_go(w, waiting[1]);
	expect_started(w, 9);
	let_go(w, waiting[2]);
	expect_started(w, 10);
	assert_true(waiting[5]->started);
}

/* threats H4: a flood of handshakes does not make a queue without end. */
static void bounded(void **state)
{
	struct world *w = *state;

	w->pool->waiting_max = 3;
	for (int i = 0; i < 5; i++)
		assert_non_null(submit(w, NET_STRANGER));
	assert_null(submit(w, NET_STRANGER));
	assert_null(submit(w, NET_STRANGER));
	uint64_t waiting, refused;
	net_get_handshakes(w->loop, &waiting, &refused);
	assert_int_equal(waiting, 3);
	assert_int_equal(refused, 2);
	assert_non_null(submit(w, NET_KNOWN));
	for (int i = 0; i < 8 * 3; i++)
		assert_non_null(submit(w, NET_KNOWN));
	assert_null(submit(w, NET_KNOWN));
	assert_non_null(submit(w, NET_LINK));
	/* Whoever opens many connections at once has them all. */
	for (int i = 0; i < 9; i++)
		assert_non_null(submit_as(w, NET_KNOWN, true));
}

static void cancelled(void **state)
{
	struct world *w = *state;
	struct test_job *running = submit(w, NET_STRANGER);

	submit(w, NET_STRANGER);
	expect_started(w, 2);
	struct test_job *waits = submit(w, NET_STRANGER);
	assert_true(net_pool_cancel(&waits->job));
	assert_int_equal(w->pool->n_waiting[NET_STRANGER], 0);
	assert_false(net_pool_cancel(&running->job));
	w->n--; /* it will not be done */
	let_go(w, running);
	expect_started(w, 2);
	assert_false(waits->started);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "shares of the threads", shares, begin, end, NULL },
		{ "order of those that wait", order, begin, end, NULL },
		{ "threats H4 bounded queue", bounded, begin, end, NULL },
		{ "cancelled jobs", cancelled, begin, end, NULL },
	};

	unsetenv("UV_THREADPOOL_SIZE");
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
