/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads. The keeper connects, sees to the bucket, and again after each change of broker; while it is content
 * the table is ready, and the workers ask JetStream. Each call ends by its deadline, whatever the broker does. When
 * the keeper ends, it ends the workers first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "net/kv_int.h"

enum {
	AGAIN_MS = 250, /* after a bucket that was not to be had, or no connection at all */
	CLOSE_NAPS = 8,
	HINT_MS = 50, /* we hear of a write before the brokers have agreed on it */
};

/* --- events, in threads of the library --- */

/* As in nats_thread.c: with our lock held nothing is asked of the connection. */

static void set_down(struct net_kv *kv, const char *text)
{
	kv->up = false;
	kv->downs++;
	kv_set_ready(kv, false, text);
	pthread_cond_signal(&kv->news);
}

static void on_disconnected(natsConnection *nc, void *closure)
{
	struct net_kv *kv = closure;

	pthread_mutex_lock(&kv->lock);
	set_down(kv, "the broker closed the connection");
	pthread_mutex_unlock(&kv->lock);
}

static uint64_t count_downs(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	uint64_t downs = kv->downs;
	pthread_mutex_unlock(&kv->lock);
	return downs;
}

/* It was connected when it had gone down so many times; if it is not any more, on_disconnected() says so. */
static void set_up(struct net_kv *kv, uint64_t downs)
{
	pthread_mutex_lock(&kv->lock);
	kv->up = kv->up || (kv->downs == downs && !kv->closed);
	pthread_cond_signal(&kv->news);
	pthread_mutex_unlock(&kv->lock);
}

static void on_connected(natsConnection *nc, void *closure)
{
	struct net_kv *kv = closure;
	uint64_t downs = count_downs(kv);

	if (natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED)
		set_up(kv, downs);
}

static void on_closed(natsConnection *nc, void *closure)
{
	struct net_kv *kv = closure;

	pthread_mutex_lock(&kv->lock);
	set_down(kv, "no broker takes us");
	kv->closed = true;
	pthread_mutex_unlock(&kv->lock);
	kv_unref(kv);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus error, void *closure)
{
	/* Instead of the library's own, which prints. What matters ends in the answer to a job. */
}

static bool known_hint(struct net_kv *kv, const char *key)
{
	LIST_EACH (&kv->hints, it) {
		if (strcmp(LIST_OWNER(it, struct kv_job, link)->key, key) == 0)
			return true;
	}
	return false;
}

/* Somebody else wrote, or tried to. */
static void on_hint(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	struct net_kv *kv = closure;
	const char *dot = strrchr(natsMsg_GetSubject(msg), '.');

	if (dot && strlen(dot + 1) == NET_KV_KEY - 1 && natsMsg_GetDataLength(msg) > 0) {
		pthread_mutex_lock(&kv->lock);
		if (!kv->stop && kv->n_hints < KV_HINTS && !known_hint(kv, dot + 1)) {
			struct kv_job *job = calloc(1, sizeof(*job));
			check(job);
			job->kind = KV_HINT;
			job->until = kv_now() + HINT_MS;
			memcpy(job->key, dot + 1, NET_KV_KEY);
			list_append(&kv->hints, &job->link);
			kv->n_hints++;
			pthread_cond_signal(&kv->work);
		}
		pthread_mutex_unlock(&kv->lock);
	}
	natsMsg_Destroy(msg);
}

static void on_complete(void *closure)
{
	kv_unref(closure);
}

static void ref(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	kv->refs++;
	pthread_mutex_unlock(&kv->lock);
}

/* --- workers --- */

/* With the lock held: waits for so long at most. */
static void wait_ms(struct net_kv *kv, pthread_cond_t *cond, uint64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000L;
	until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_clockwait(cond, &kv->lock, CLOCK_MONOTONIC, &until);
}

/* With the lock held: the first question, or a hint that is old enough; NULL after having waited. */
static struct kv_job *take_job(struct net_kv *kv)
{
	struct list *first = list_first(&kv->jobs);
	size_t *count = first ? &kv->n_jobs : &kv->n_hints;
	uint64_t now = kv_now(), due = now;

	if (!first && (first = list_first(&kv->hints)))
		due = LIST_OWNER(first, struct kv_job, link)->until;
	if (!first) {
		pthread_cond_wait(&kv->work, &kv->lock);
		return NULL;
	}
	if (due > now && count == &kv->n_hints) {
		wait_ms(kv, &kv->work, due - now);
		return NULL;
	}
	(*count)--;
	list_remove(first);
	return LIST_OWNER(first, struct kv_job, link);
}

/* NULL: it is over. */
static struct kv_job *next_job(struct net_kv *kv)
{
	struct kv_job *job = NULL;

	pthread_mutex_lock(&kv->lock);
	while (!job && !kv->stop && !kv->closed)
		job = take_job(kv);
	pthread_mutex_unlock(&kv->lock);
	return job;
}

static bool is_ready(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	bool ready = kv->ready;
	pthread_mutex_unlock(&kv->lock);
	return ready;
}

/* Hands the answer over; what was only a hint may be dropped. */
static void hand_over(struct net_kv *kv, struct kv_job *job)
{
	pthread_mutex_lock(&kv->lock);
	bool drop = job->kind == KV_HINT && kv->n_told >= KV_HINTS;
	if (!drop) {
		kv->n_told += job->kind == KV_HINT;
		list_append(&kv->done, &job->link);
		kv_wake(kv);
	}
	pthread_mutex_unlock(&kv->lock);
	if (drop)
		kv_job_free(job);
}

/* The bucket has no leader, it seems: nobody waits for it until the keeper has seen it again. */
static void suspect(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	if (kv->ready && kv->up) {
		kv_set_ready(kv, false, "the brokers do not agree: too few of them are there");
		pthread_cond_signal(&kv->news);
	}
	pthread_mutex_unlock(&kv->lock);
}

static void do_job(struct net_kv *kv, struct kv_job *job)
{
	job->answer = NET_KV_UNASKED;
	if (!is_ready(kv) || (job->kind != KV_HINT && kv_now() > job->until)) {
		hand_over(kv, job);
		return;
	}
	if (job->kind == KV_PUT)
		kv_bucket_put(kv, job);
	else
		kv_bucket_get(kv, job);
	if (job->silent)
		suspect(kv);
	hand_over(kv, job);
}

void *kv_worker(void *arg)
{
	struct net_kv *kv = arg;
	struct kv_job *job;

	while ((job = next_job(kv)))
		do_job(kv, job);
	nats_ReleaseThreadMemory();
	return NULL;
}

/* --- the keeper --- */

static bool make_ready(struct net_kv *kv)
{
	char text[NATS_TEXT] = "", url[256] = "";

	if (!kv_bucket_ready(kv, text, sizeof(text))) {
		pthread_mutex_lock(&kv->lock);
		if (strcmp(kv->text, text) != 0)
			kv_set_ready(kv, false, text);
		pthread_mutex_unlock(&kv->lock);
		return false;
	}
	natsConnection_GetConnectedUrl(kv->nc, url, sizeof(url));
	const char *address = strstr(url, "://");
	pthread_mutex_lock(&kv->lock);
	if (kv->up)
		kv_set_ready(kv, true, address ? address + 3 : url);
	pthread_mutex_unlock(&kv->lock);
	return true;
}

/* Until the connection or all of it is over. */
static void keep(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	while (!kv->stop && !kv->closed) {
		if (!kv->up || kv->ready) {
			pthread_cond_wait(&kv->news, &kv->lock);
			continue;
		}
		pthread_mutex_unlock(&kv->lock);
		bool good = make_ready(kv);
		pthread_mutex_lock(&kv->lock);
		if (!good && !kv->stop)
			wait_ms(kv, &kv->news, AGAIN_MS);
	}
	kv_set_ready(kv, false, kv->text);
	pthread_cond_broadcast(&kv->work);
	pthread_mutex_unlock(&kv->lock);
}

static natsSubscription *hear(struct net_kv *kv)
{
	char subject[KV_NAME + 8];
	natsSubscription *sub = NULL;

	snprintf(subject, sizeof(subject), "$KV.%s.*", kv->bucket);
	if (!kv->wants_hints ||
		natsConnection_Subscribe(&sub, kv->nc, subject, on_hint, kv) != NATS_OK)
		return NULL;
	ref(kv);
	if (natsSubscription_SetOnCompleteCB(sub, on_complete, kv) != NATS_OK)
		kv_unref(kv);
	return sub;
}

static void serve(struct net_kv *kv)
{
	natsSubscription *hints = hear(kv);

	for (size_t i = 0; i < KV_WORKERS; i++)
		check(pthread_create(&kv->workers[i], NULL, kv_worker, kv) == 0);
	keep(kv);
	for (size_t i = 0; i < KV_WORKERS; i++)
		pthread_join(kv->workers[i], NULL);
	if (hints)
		natsSubscription_Unsubscribe(hints);
	natsSubscription_Destroy(hints);
}

static natsStatus set_events(struct net_kv *kv)
{
	natsOptions *o = kv->options;
	natsStatus s = natsOptions_SetDisconnectedCB(o, on_disconnected, kv);

	s = s ? s : natsOptions_SetReconnectedCB(o, on_connected, kv);
	s = s ? s : natsOptions_SetClosedCB(o, on_closed, kv);
	s = s ? s : natsOptions_SetErrorHandler(o, on_error, kv);
	return s ? s : natsOptions_SetRetryOnFailedConnect(o, true, on_connected, kv);
}

/* The library tells of the end of a connection in a thread of its own: it must not be taken for the next one's. */
static void await_close(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	for (int i = 0; i < CLOSE_NAPS && !kv->closed; i++)
		wait_ms(kv, &kv->news, AGAIN_MS);
	kv->closed = false;
	pthread_mutex_unlock(&kv->lock);
}

static void connect_and_serve(struct net_kv *kv)
{
	ref(kv); /* on_closed() gives it back */
	uint64_t downs = count_downs(kv);
	natsStatus status = natsConnection_Connect(&kv->nc, kv->options);
	if (status != NATS_OK && status != NATS_NOT_YET_CONNECTED) {
		pthread_mutex_lock(&kv->lock);
		kv_set_ready(kv, false, natsStatus_GetText(status));
		pthread_mutex_unlock(&kv->lock);
		kv_unref(kv);
		return;
	}
	if (status == NATS_OK)
		set_up(kv, downs);
	if (natsConnection_JetStream(&kv->js, kv->nc, NULL) == NATS_OK)
		serve(kv);
	jsCtx_Destroy(kv->js);
	natsConnection_Destroy(kv->nc);
	kv->js = NULL;
	kv->nc = NULL;
	await_close(kv);
}

void *kv_keeper(void *arg)
{
	struct net_kv *kv = arg;
	bool stop = false;

	check(set_events(kv) == NATS_OK);
	while (!stop) {
		connect_and_serve(kv);
		pthread_mutex_lock(&kv->lock);
		if (!kv->stop)
			wait_ms(kv, &kv->news, AGAIN_MS);
		stop = kv->stop;
		pthread_mutex_unlock(&kv->lock);
	}
	nats_ReleaseThreadMemory();
	kv_unref(kv);
	return NULL;
}
