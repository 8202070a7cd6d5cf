/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the files that name libnats: nats.c (the loop's side), nats_thread.c (the library's threads and the one that
 * publishes).
 *
 *	loop    net_nats_publish() ──► out ──► thread ──► natsConnection_Publish()
 *	        on_message() ◄── topic->in ◄── library's thread of the subscription
 *	        on_state() ◄── up, stalled, downs, text ◄── library's thread for events
 */
#ifndef NET_NATS_INT_H
#define NET_NATS_INT_H

#include <nats/nats.h>
#include <pthread.h>

#include "base/list.h"
#include "net/nats.h"
#include "net/uv_loop.h"

enum {
	NATS_OUT_MAX = 2 * 1024 * 1024, /* bytes to be published, above which there is no room */
	NATS_OUT_HARD = 2 * NATS_OUT_MAX, /* more than that is dropped */
	NATS_IN_MAX = 2 * 1024 * 1024, /* bytes that wait for the loop, of one topic */
	NATS_MESSAGE = 256, /* what a message takes beside its bytes, about */
	NATS_TEXT = 160,
};

struct nats_topic {
	struct list link; /* in net_nats->topics */
	struct net_nats *n;
	char *subject;
	void *user; /* NULL: not subscribed */
	natsSubscription *sub; /* the thread's */
	struct list in; /* struct nats_in */
	size_t in_bytes;
};

struct nats_in {
	struct list link;
	struct nats_topic *topic;
	natsMsg *msg;
};

struct nats_out {
	struct list link;
	size_t held; /* bytes in all */
	size_t len;
	char *bytes;
	char subject[];
};

struct net_nats {
	pthread_mutex_t lock; /* of all that follows, but what is said to be somebody's */
	pthread_cond_t work; /* something for the thread */
	unsigned refs; /* loop, thread, connection, each subscription */
	natsOptions *options;
	struct list topics; /* as long as this lives */

	/* the loop's */
	struct list ending; /* closed, and its thread not waited for yet */
	pthread_t thread;
	const struct net_nats_ops *ops;
	void *user;
	uint64_t seen_downs;
	bool seen_up;
	char told_trouble[NATS_TEXT]; /* the last one, and when it was */
	uint64_t told_at;

	uv_async_t *async; /* NULL: closed */
	bool woken;
	bool stop;
	struct list out; /* struct nats_out */
	size_t out_bytes;
	bool wants_room;
	bool topics_changed;
	bool up;
	bool closed; /* the library gave the connection up */
	bool stalled; /* it went down because nothing went out any more */
	uint64_t publishing_since; /* ms; 0: the thread does not publish */
	uint64_t stuck_at; /* when it had published something for long */
	uint64_t downs;
	char text[NATS_TEXT]; /* why it went down */
	char trouble[NATS_TEXT];
	char broker[64];
	uint64_t connects, published, received, dropped_out, dropped_in;
};

/* Servers, TLS and all the rest. False and a message in err. */
bool nats_options(
	const struct net_nats_settings *settings, natsOptions **ret, char *err, size_t err_size);
/* Whom the library calls. */
natsStatus nats_set_events(natsOptions *options, struct net_nats *n);
/* Lets the loop look; with the lock held. */
void nats_wake(struct net_nats *n);
/* With the lock held. */
void nats_drop_queues(struct net_nats *n);
void nats_in_free(struct nats_in *in);
void nats_unref(struct net_nats *n);
/* Of the thread that connects and publishes. */
void *nats_thread(void *n);

#endif
