/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn of the loop:
 *
 *	timers -> [prepare: turn()] -> sleep in epoll, then socket events -> closed handles ->
 *timers ...
 *
 * Socket events and timers only read, parse and append to output buffers. turn() then delivers
 * what was put off, calls the hooks, flushes each connection once, reports closed
 * connections. As those callbacks may produce more, it goes round a few times; what is still
 * left makes the next sleep one of length zero.
 */
#include "net/loop.h"

#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "net/conn_int.h"
#include "net/uv_loop.h"

enum {
	ROUNDS = 8,
	TRIM_MS = 1000,
	TRIM_CONNS = 64, /* so many began or ended: their memory is worth to be given back */
	SLEPT_MS = 20, /* as much between the clocks is a suspension */
};

struct net_timer {
	uv_timer_t uv;
	struct net_loop *loop;
	void (*fn)(void *user);
	void *user;
	uint64_t at;
};

struct signal {
	uv_signal_t uv;
	void (*fn)(void *user, int signum);
	void *user;
};

uv_loop_t *net_uv_loop(struct net_loop *loop)
{
	return &loop->uv;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void net_uv_release(void *handle)
{
	if (handle)
		uv_close(handle, free_handle);
}

static bool more_to_do(const struct net_loop *loop)
{
	if (!list_empty(&loop->waiting) && !net_loop_held(loop))
		return true;
	return !list_empty(&loop->ready) || !list_empty(&loop->dirty) || !list_empty(&loop->dead);
}

static void on_idle(uv_idle_t *idle)
{
}

static uint64_t thread_cpu(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* Shall the thread look again instead of sleeping? Then whoever waits for the core has it first. */
static bool stay_awake(struct net_loop *loop)
{
	bool stay = loop->awake.most != 0 &&
		awake_stay(&loop->awake, loop->had_input, uv_hrtime(), thread_cpu);

	loop->had_input = false;
	if (stay)
		sched_yield();
	return stay;
}

/* When is it to be awake again? */
static void note_due(struct net_loop *loop)
{
	int timeout = uv_backend_timeout(&loop->uv);

	loop->wake_at = timeout < 0 ? UINT64_MAX : net_now(loop) + (uint64_t)timeout;
}

static void turn(struct net_loop *loop)
{
	size_t before = loop->input;

	for (int round = 0; round < ROUNDS && (round == 0 || more_to_do(loop)); round++) {
		net_notice_pause(loop);
		net_conn_run_waiting(loop, before);
		net_conn_run_ready(loop);
		for (unsigned i = 0; i < loop->n_hooks; i++)
			loop->hooks[i].fn(loop->hooks[i].user);
		net_conn_run_dirty(loop);
		net_conn_run_dead(loop);
	}
	if (more_to_do(loop) || stay_awake(loop))
		uv_idle_start(&loop->idle, on_idle);
	else
		uv_idle_stop(&loop->idle);
	net_notice_pause(loop);
	note_due(loop);
}

static void on_prepare(uv_prepare_t *prepare)
{
	turn(prepare->data);
}

/*
 * After many handshakes, or the end of many connections, the heap is full of holes, of which the kernel knows nothing.
 * It is told when that is over.
 */
static void on_trim(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;

	if (loop->heap_seen != loop->heap_changes) {
		loop->heap_seen = loop->heap_changes;
		return;
	}
	uv_timer_stop(timer);
	if (loop->heap_changes - loop->heap_trimmed < TRIM_CONNS)
		return;
	loop->heap_trimmed = loop->heap_changes;
	malloc_trim(0);
}

void net_loop_heap_changed(struct net_loop *loop)
{
	loop->heap_changes++;
	if (!loop->freeing && !uv_is_active((uv_handle_t *)&loop->trim))
		uv_timer_start(&loop->trim, on_trim, TRIM_MS, TRIM_MS);
}

struct net_loop *net_loop_new(void)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));

	check(loop);
	check(uv_loop_init(&loop->uv) == 0);
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_idle_init(&loop->uv, &loop->idle);
	uv_timer_init(&loop->uv, &loop->trim);
	uv_timer_init(&loop->uv, &loop->gather);
	net_pool_init(&loop->pool, &loop->uv);
	net_watches_open(loop);
	loop->prepare.data = loop->trim.data = loop->gather.data = loop;
	loop->guard_at = loop->wake_at = UINT64_MAX;
	net_look(loop);
	list_init(&loop->conns);
	list_init(&loop->ready);
	list_init(&loop->dirty);
	list_init(&loop->gathering);
	list_init(&loop->dead);
	list_init(&loop->waiting);
	spares_init(&loop->spares);
	list_init(&loop->listeners);
	loop->received = malloc(NET_READ_SIZE);
	loop->plain = malloc(NET_READ_SIZE);
	check(loop->received && loop->plain);
	buf_init(&loop->sealed, 1024 * 1024);
	uv_prepare_start(&loop->prepare, on_prepare);
	return loop;
}

void net_loop_run(struct net_loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	turn(loop);
}

void net_loop_stop(struct net_loop *loop)
{
	uv_stop(&loop->uv);
}

static void close_left_over(uv_handle_t *handle, void *loop_pointer)
{
	struct net_loop *loop = loop_pointer;

	if (uv_is_closing(handle))
		return;
	bool ours = handle->type == UV_TIMER || handle->type == UV_SIGNAL;
	bool embedded =
		handle == (uv_handle_t *)&loop->trim || handle == (uv_handle_t *)&loop->gather;
	uv_close(handle, ours && !embedded ? free_handle : NULL);
}

void net_loop_free(struct net_loop *loop)
{
	if (!loop)
		return;
	loop->freeing = true;
	loop->n_hooks = 0;
	net_listeners_close(loop);
	LIST_EACH_SAFE (&loop->conns, it)
		net_conn_abort(LIST_OWNER(it, struct net_conn, in_loop));
	for (int round = 0; round < ROUNDS && more_to_do(loop); round++)
		turn(loop);
	uv_walk(&loop->uv, close_left_over, loop);
	/* Also waits for handshakes in the thread pool. */
	while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
		;
	check(uv_loop_close(&loop->uv) == 0);
	net_watches_close(loop);
	free(loop->received);
	free(loop->plain);
	buf_done(&loop->sealed);
	spares_done(&loop->spares);
	free(loop);
}

/* libuv's clock, CLOCK_MONOTONIC, stands still while the host is suspended: what others believe of us goes on. */
static uint64_t true_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t net_now(const struct net_loop *loop)
{
	return uv_now(&loop->uv) + loop->slept;
}

uint64_t net_look(struct net_loop *loop)
{
	/* In this order: a stop between the two is none of the host. */
	uint64_t now = true_now();
	uv_update_time(&loop->uv);
	uint64_t known = net_now(loop);
	/* Less is how the two clocks are rounded. */
	if (now > known + SLEPT_MS)
		loop->slept += now - known;
	return net_now(loop);
}

void net_guard(struct net_loop *loop, void (*fn)(void *user), void *user)
{
	loop->guard = fn;
	loop->guard_user = user;
}

void net_guard_at(struct net_loop *loop, uint64_t at)
{
	loop->guard_at = at;
}

void net_on_pause(
	struct net_loop *loop, unsigned ms, void (*fn)(void *user, uint64_t ms), void *user)
{
	loop->pause_ms = ms;
	loop->paused = fn;
	loop->paused_user = user;
}

void net_notice_pause(struct net_loop *loop)
{
	uint64_t now = net_look(loop), due = loop->wake_at;

	if (!loop->paused || now <= due || now - due <= loop->pause_ms)
		return;
	loop->wake_at = now;
	loop->paused(loop->paused_user, now - due);
}

void net_ask_guard(struct net_loop *loop)
{
	if (loop->guard_at == UINT64_MAX || true_now() < loop->guard_at)
		return;
	net_look(loop);
	loop->guard(loop->guard_user);
}

uint64_t net_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void net_set_handshakes(struct net_loop *loop, unsigned waiting)
{
	loop->pool.waiting_max = waiting;
}

void net_get_handshakes(const struct net_loop *loop, uint64_t *ret_waiting, uint64_t *ret_refused)
{
	*ret_waiting = 0;
	for (int i = 0; i < NET_CLASSES; i++)
		*ret_waiting += loop->pool.n_waiting[i];
	*ret_refused = loop->pool.refused;
}

void net_on_turn(struct net_loop *loop, void (*fn)(void *user), void *user)
{
	check(loop->n_hooks < sizeof(loop->hooks) / sizeof(loop->hooks[0]));
	loop->hooks[loop->n_hooks].fn = fn;
	loop->hooks[loop->n_hooks++].user = user;
}

void net_loop_hold(struct net_loop *loop, bool (*full)(void *user), void *user)
{
	loop->full = full;
	loop->full_user = user;
}

bool net_loop_held(const struct net_loop *loop)
{
	return loop->full && loop->full(loop->full_user);
}

size_t net_loop_relieve(struct net_loop *loop)
{
	return spares_drop(&loop->spares);
}

void net_loop_busy_poll(struct net_loop *loop, unsigned ms)
{
	loop->awake =
		(struct awake){ .most = (uint64_t)ms * 1000000, .looked = loop->awake.looked };
}

uint64_t net_loop_looked_ms(const struct net_loop *loop)
{
	return loop->awake.looked / 1000000;
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct signal *s = (struct signal *)(void *)handle;

	s->fn(s->user, signum);
}

void net_on_signal(
	struct net_loop *loop, int signum, void (*fn)(void *user, int signum), void *user)
{
	struct signal *s = calloc(1, sizeof(*s));

	check(s);
	s->fn = fn;
	s->user = user;
	check(uv_signal_init(&loop->uv, &s->uv) == 0);
	check(uv_signal_start(&s->uv, on_signal, signum) == 0);
}

struct net_timer *net_timer_new(struct net_loop *loop, void (*fn)(void *user), void *user)
{
	struct net_timer *t = calloc(1, sizeof(*t));

	check(t);
	uv_timer_init(&loop->uv, &t->uv);
	t->loop = loop;
	t->fn = fn;
	t->user = user;
	t->at = UINT64_MAX;
	return t;
}

static void on_timer(uv_timer_t *handle)
{
	struct net_timer *t = (struct net_timer *)(void *)handle;

	/* A signal that ends a stop ends epoll_wait(), too: timers come before events then. */
	t->at = UINT64_MAX;
	net_notice_pause(t->loop);
	if (!uv_is_closing((uv_handle_t *)handle))
		t->fn(t->user);
}

void net_timer_set(struct net_timer *t, uint64_t at)
{
	if (at == t->at)
		return;
	t->at = at;
	if (at == UINT64_MAX) {
		uv_timer_stop(&t->uv);
		return;
	}
	uint64_t now = net_now(t->loop);
	uv_timer_start(&t->uv, on_timer, at > now ? at - now : 0, 0);
}

void net_timer_free(struct net_timer *t)
{
	net_uv_release(t);
}
