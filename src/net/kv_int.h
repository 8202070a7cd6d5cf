/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the files of net_kv: kv.c (the loop's side), kv_thread.c (our threads and the library's), kv_bucket.c (calls to
 * JetStream).
 *
 *	loop    net_kv_put(), net_kv_get() ──► jobs ──► workers ──► JetStream
 *	        answered(), told() ◄── done ◄──────────────┘
 *	        on_state() ◄── ready, text ◄── keeper: connects, makes the bucket
 *	                          hints ◄── library's thread of the subscription
 */
#ifndef NET_KV_INT_H
#define NET_KV_INT_H

#include <pthread.h>

#include "net/kv.h"
#include "net/nats_int.h"

enum {
	KV_WORKERS = 4,
	KV_HINTS =
		1024, /* keys that were written by others and not yet looked at; more are dropped */
	KV_NAME = 64,
};

enum kv_kind { KV_PUT, KV_GET, KV_HINT };

/* A question, and then its answer. */
struct kv_job {
	struct list link;
	enum kv_kind kind;
	enum net_kv_answer answer;
	bool silent; /* nobody answered the call */
	uint64_t ticket;
	uint64_t revision;
	uint64_t
		until; /* a question waits until then, a hint at least so long; of the monotonic clock, in ms */
	char key[NET_KV_KEY];
	char *value;
	size_t len;
	char *old; /* to be replaced */
	size_t old_len;
};

struct net_kv {
	struct net_kv_settings set; /* its pointers are not used */
	char bucket[KV_NAME];
	char stream[KV_NAME + 4];
	natsOptions *options;

	/* the loop's */
	struct list ending; /* closed, and its threads not waited for yet */
	const struct net_kv_ops *ops;
	void *user;
	bool seen_ready;
	uint64_t seen_changes;
	bool wants_hints;

	/* the keeper's, and between its start and the end of the workers theirs to use */
	natsConnection *nc;
	jsCtx *js;

	pthread_t keeper;
	pthread_t workers[KV_WORKERS];

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t work; /* for the workers */
	pthread_cond_t news; /* for the keeper */
	unsigned refs; /* loop, keeper, connection, subscription */
	uv_async_t *async; /* NULL: closed */
	bool woken;
	bool stop;
	bool up; /* there is a broker */
	uint64_t downs; /* times that it was lost */
	bool closed; /* the library gave the connection up */
	bool ready; /* up, and the bucket is there */
	uint64_t changes; /* of ready */
	char text[NATS_TEXT];
	struct list jobs; /* struct kv_job */
	size_t n_jobs;
	struct list hints;
	size_t n_hints;
	struct list done;
	size_t n_told; /* of done */
};

/* With the lock held. */
void kv_wake(struct net_kv *kv);
void kv_set_ready(struct net_kv *kv, bool ready, const char *text);

void kv_job_free(struct kv_job *job);
void kv_unref(struct net_kv *kv);
uint64_t kv_now(void);
void *kv_keeper(void *kv);
void *kv_worker(void *kv);

/* --- kv_bucket.c: calls that may block, until their deadline --- */

/* The bucket is there and as it must be; or NULL becomes a text that says what is wrong. */
bool kv_bucket_ready(struct net_kv *kv, char *text, size_t size);
/* Answers a job of any kind. */
void kv_bucket_put(struct net_kv *kv, struct kv_job *job);
void kv_bucket_get(struct net_kv *kv, struct kv_job *job);

#endif
