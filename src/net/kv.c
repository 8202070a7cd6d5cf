/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's side: questions wait for a worker, answers for the loop. */
#include "net/kv.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "net/kv_int.h"

enum { FINISH_S = 3 };

/* Those that were closed, and whose threads may still run; the loop's. */
static struct list ending = { &ending, &ending };

const struct net_kv_settings net_kv_settings_default = {
	.bucket = "leases",
	.replicas = 3,
	.bytes = 64 << 20,
	.value_bytes = 32 << 10,
	.call_ms = 1000,
	.wait_ms = 1500,
	.questions = 1024,
};

void net_kv_key(struct str a, struct str b, char ret_key[NET_KV_KEY])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	check(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	check(EVP_DigestUpdate(ctx, a.p, a.len) == 1 && EVP_DigestUpdate(ctx, "", 1) == 1);
	check(EVP_DigestUpdate(ctx, b.p, b.len) == 1 && EVP_DigestFinal_ex(ctx, hash, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; i < NET_KV_KEY / 2; i++)
		snprintf(ret_key + 2 * i, 3, "%02x", hash[i]);
}

uint64_t kv_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void kv_wake(struct net_kv *kv)
{
	if (kv->async && !kv->woken) {
		kv->woken = true;
		uv_async_send(kv->async);
	}
}

void kv_set_ready(struct net_kv *kv, bool ready, const char *text)
{
	snprintf(kv->text, sizeof(kv->text), "%s", text);
	kv->changes += kv->ready != ready || !ready;
	kv->ready = ready;
	kv_wake(kv);
}

/* --- jobs --- */

void kv_job_free(struct kv_job *job)
{
	free(job->value);
	free(job->old);
	free(job);
}

static void free_jobs(struct list *jobs)
{
	struct list *first;

	while ((first = list_first(jobs))) {
		list_remove(first);
		kv_job_free(LIST_OWNER(first, struct kv_job, link));
	}
}

static void add_job(struct net_kv *kv, struct kv_job *job)
{
	job->until = kv_now() + kv->set.wait_ms;
	pthread_mutex_lock(&kv->lock);
	if (kv->ready && kv->n_jobs < kv->set.questions) {
		list_append(&kv->jobs, &job->link);
		kv->n_jobs++;
		pthread_cond_signal(&kv->work);
	} else {
		job->answer = NET_KV_UNASKED;
		list_append(&kv->done, &job->link);
		kv_wake(kv);
	}
	pthread_mutex_unlock(&kv->lock);
}

static struct kv_job *job_new(enum kv_kind kind, uint64_t ticket, const char *key)
{
	struct kv_job *job = calloc(1, sizeof(*job));

	check(job && strlen(key) == NET_KV_KEY - 1);
	job->kind = kind;
	job->ticket = ticket;
	memcpy(job->key, key, NET_KV_KEY);
	return job;
}

static char *copy(struct str bytes)
{
	char *to = bytes.len ? malloc(bytes.len) : NULL;

	if (!bytes.len)
		return NULL;
	check(to);
	memcpy(to, bytes.p, bytes.len);
	return to;
}

void net_kv_put(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY], uint64_t revision,
	struct str old, struct str value)
{
	struct kv_job *job = job_new(KV_PUT, ticket, key);

	check(value.len <= kv->set.value_bytes);
	job->revision = revision;
	job->len = value.len;
	job->value = copy(value);
	job->old_len = old.len;
	job->old = copy(old);
	add_job(kv, job);
}

void net_kv_get(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY])
{
	add_job(kv, job_new(KV_GET, ticket, key));
}

/* --- answers --- */

static void tell_job(struct net_kv *kv, const struct kv_job *job)
{
	/* Of a question that had no answer there is still what it wanted to write. */
	bool read = job->answer == NET_KV_LOST && job->value;
	struct str value = read ? str_from(job->value, job->len) : STRL("");
	bool answered = job->answer == NET_KV_WON || job->answer == NET_KV_LOST;
	uint64_t revision = answered ? job->revision : 0;

	if (job->kind != KV_HINT)
		kv->ops->answered(kv->user, job->ticket, job->answer, revision, value);
	else if (kv->ops->told && value.len)
		kv->ops->told(kv->user, job->key, revision, value);
}

static void tell_state(struct net_kv *kv, bool ready, uint64_t changes, const char *text)
{
	if (changes == kv->seen_changes)
		return;
	if (kv->seen_ready || !ready)
		kv->ops->on_state(kv->user, false, ready ? "the broker was lost" : text);
	if (ready)
		kv->ops->on_state(kv->user, true, text);
	kv->seen_ready = ready;
	kv->seen_changes = changes;
}

static void on_async(uv_async_t *async)
{
	struct net_kv *kv = async->data;
	char text[NATS_TEXT];
	struct list *first;
	struct list done;

	list_init(&done);
	pthread_mutex_lock(&kv->lock);
	kv->woken = false;
	bool ready = kv->ready;
	uint64_t changes = kv->changes;
	memcpy(text, kv->text, sizeof(text));
	while ((first = list_first(&kv->done))) {
		list_remove(first);
		list_append(&done, first);
	}
	kv->n_told = 0;
	pthread_mutex_unlock(&kv->lock);
	tell_state(kv, ready, changes, text);
	while ((first = list_first(&done))) {
		struct kv_job *job = LIST_OWNER(first, struct kv_job, link);
		list_remove(first);
		if (kv->ops)
			tell_job(kv, job);
		kv_job_free(job);
	}
}

/* --- life --- */

void kv_unref(struct net_kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	bool last = --kv->refs == 0;
	pthread_mutex_unlock(&kv->lock);
	if (!last)
		return;
	free_jobs(&kv->jobs);
	free_jobs(&kv->hints);
	free_jobs(&kv->done);
	natsOptions_Destroy(kv->options);
	pthread_cond_destroy(&kv->work);
	pthread_cond_destroy(&kv->news);
	pthread_mutex_destroy(&kv->lock);
	free(kv);
}

static bool prepare(struct net_kv *kv, const struct net_kv_settings *s, char *err, size_t err_size)
{
	char inbox[KV_NAME + 16];

	check(strlen(s->bucket) < KV_NAME && strlen(s->broker.name) < KV_NAME);
	snprintf(kv->bucket, sizeof(kv->bucket), "%s", s->bucket);
	snprintf(kv->stream, sizeof(kv->stream), "KV_%s", s->bucket);
	snprintf(inbox, sizeof(inbox), "_INBOX.%s", s->broker.name);
	if (!nats_options(&s->broker, &kv->options, err, err_size))
		return false;
	check(natsOptions_SetCustomInboxPrefix(kv->options, inbox) == NATS_OK);
	return true;
}

static void start(struct net_kv *kv, struct net_loop *loop)
{
	pthread_mutex_init(&kv->lock, NULL);
	pthread_cond_init(&kv->work, NULL);
	pthread_cond_init(&kv->news, NULL);
	list_init(&kv->ending);
	list_init(&kv->jobs);
	list_init(&kv->hints);
	list_init(&kv->done);
	snprintf(kv->text, sizeof(kv->text), "no broker was reached yet");
	kv->async = malloc(sizeof(*kv->async));
	check(kv->async && uv_async_init(net_uv_loop(loop), kv->async, on_async) == 0);
	kv->async->data = kv;
	check(pthread_create(&kv->keeper, NULL, kv_keeper, kv) == 0);
}

struct net_kv *net_kv_open(struct net_loop *loop, const struct net_kv_settings *settings,
	const struct net_kv_ops *ops, void *user, char *err, size_t err_size)
{
	struct net_kv *kv = calloc(1, sizeof(*kv));

	check(kv);
	*kv = (struct net_kv){ .set = *settings,
		.ops = ops,
		.user = user,
		.refs = 2,
		.wants_hints = ops->told != NULL };
	if (!prepare(kv, settings, err, err_size)) {
		free(kv);
		return NULL;
	}
	start(kv, loop);
	return kv;
}

/* Those whose keeper has ended meanwhile. */
static void reap(void)
{
	LIST_EACH_SAFE (&ending, it) {
		struct net_kv *kv = LIST_OWNER(it, struct net_kv, ending);
		if (pthread_tryjoin_np(kv->keeper, NULL) != 0)
			continue;
		list_remove(&kv->ending);
		kv_unref(kv);
	}
}

void net_kv_close(struct net_kv *kv)
{
	if (!kv)
		return;
	reap();
	pthread_mutex_lock(&kv->lock);
	net_uv_release(kv->async);
	kv->async = NULL;
	kv->stop = true;
	pthread_cond_broadcast(&kv->work);
	pthread_cond_signal(&kv->news);
	pthread_mutex_unlock(&kv->lock);
	kv->ops = NULL;
	list_append(&ending, &kv->ending);
}

void net_kv_finish(void)
{
	struct timespec until;
	struct list *first;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FINISH_S;
	while ((first = list_first(&ending))) {
		struct net_kv *kv = LIST_OWNER(first, struct net_kv, ending);
		list_remove(first);
		pthread_clockjoin_np(kv->keeper, NULL, CLOCK_MONOTONIC, &until);
		kv_unref(kv);
	}
}
