/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop's side: what waits for the thread that publishes, what the library's threads left for the loop. They wake
 * the loop only when it does not know yet that something is there.
 */
#include "net/nats_int.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"

enum {
	TAKE_BYTES = 256 * 1024, /* of one topic in one go: others want to be heard too */
	FINISH_S = 2,
	TROUBLE_MS = 10000,
};

/* Those that were closed, and whose threads still run; the loop's. */
static struct list ending = { &ending, &ending };

const char *net_nats_version(void)
{
	return nats_GetVersion();
}

void nats_wake(struct net_nats *n)
{
	if (n->async && !n->woken) {
		n->woken = true;
		uv_async_send(n->async);
	}
}

void nats_in_free(struct nats_in *in)
{
	memory_give((size_t)natsMsg_GetDataLength(in->msg) + NATS_MESSAGE);
	natsMsg_Destroy(in->msg);
	free(in);
}

static void drop_out(struct net_nats *n)
{
	struct list *first;

	while ((first = list_first(&n->out))) {
		struct nats_out *out = LIST_OWNER(first, struct nats_out, link);
		list_remove(first);
		n->out_bytes -= out->held;
		n->dropped_out++;
		memory_give(out->held);
		free(out);
	}
}

static void drop_in(struct nats_topic *t)
{
	struct list *first;

	while ((first = list_first(&t->in))) {
		list_remove(first);
		nats_in_free(LIST_OWNER(first, struct nats_in, link));
	}
	t->in_bytes = 0;
}

void nats_drop_queues(struct net_nats *n)
{
	drop_out(n);
	LIST_EACH (&n->topics, it)
		drop_in(LIST_OWNER(it, struct nats_topic, link));
	nats_wake(n);
}

void nats_unref(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	bool last = --n->refs == 0;
	pthread_mutex_unlock(&n->lock);
	if (!last)
		return;
	nats_drop_queues(n);
	LIST_EACH_SAFE (&n->topics, it) {
		struct nats_topic *t = LIST_OWNER(it, struct nats_topic, link);
		free(t->subject);
		free(t);
	}
	natsOptions_Destroy(n->options);
	pthread_cond_destroy(&n->work);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* --- what came --- */

/* Moves at most TAKE_BYTES of each topic; true: there is more. */
static bool take_messages(struct net_nats *n, struct list *to)
{
	bool more = false;

	LIST_EACH (&n->topics, it) {
		struct nats_topic *t = LIST_OWNER(it, struct nats_topic, link);
		struct list *first;
		size_t taken = 0;
		while (taken < TAKE_BYTES && (first = list_first(&t->in))) {
			struct nats_in *in = LIST_OWNER(first, struct nats_in, link);
			list_remove(first);
			list_append(to, first);
			taken += (size_t)natsMsg_GetDataLength(in->msg) + NATS_MESSAGE;
		}
		t->in_bytes -= taken;
		more = more || !list_empty(&t->in);
	}
	return more;
}

static void tell_messages(struct net_nats *n, struct list *messages)
{
	struct list *first;

	while ((first = list_first(messages))) {
		struct nats_in *in = LIST_OWNER(first, struct nats_in, link);
		list_remove(first);
		struct str bytes =
			str_from(natsMsg_GetData(in->msg), (size_t)natsMsg_GetDataLength(in->msg));
		if (n->ops && in->topic->user)
			n->ops->on_message(n->user, in->topic->user, bytes);
		nats_in_free(in);
	}
}

struct news {
	bool up, stalled;
	uint64_t downs;
	bool room;
	char text[NATS_TEXT];
	char trouble[NATS_TEXT];
	char broker[64];
};

static void take_news(struct net_nats *n, struct news *news)
{
	*news = (struct news){ .up = n->up, .stalled = n->stalled, .downs = n->downs };
	memcpy(news->text, n->text, sizeof(news->text));
	memcpy(news->trouble, n->trouble, sizeof(news->trouble));
	memcpy(news->broker, n->broker, sizeof(news->broker));
	n->trouble[0] = '\0';
	news->room = n->wants_room && n->out_bytes < NATS_OUT_MAX / 2;
	if (news->room)
		n->wants_room = false;
}

/* A broker can make the library complain with each of its messages: the same is told once in a while. */
static void tell_trouble(struct net_nats *n, const char *text, uint64_t now)
{
	bool again = strcmp(n->told_trouble, text) == 0 && now < n->told_at + TROUBLE_MS;

	if (!text[0] || again)
		return;
	snprintf(n->told_trouble, sizeof(n->told_trouble), "%s", text);
	n->told_at = now;
	n->ops->on_trouble(n->user, text);
}

static void tell_news(struct net_nats *n, const struct news *news, uint64_t now)
{
	tell_trouble(n, news->trouble, now);
	if (news->downs != n->seen_downs || (n->seen_up && !news->up))
		n->ops->on_state(
			n->user, news->stalled ? NET_NATS_STALLED : NET_NATS_DOWN, news->text);
	if (news->up && (!n->seen_up || news->downs != n->seen_downs))
		n->ops->on_state(n->user, NET_NATS_UP, news->broker);
	n->seen_downs = news->downs;
	n->seen_up = news->up;
	if (news->room)
		n->ops->on_room(n->user);
}

static void on_async(uv_async_t *async)
{
	struct net_nats *n = async->data;
	struct list messages;
	struct news news;

	list_init(&messages);
	pthread_mutex_lock(&n->lock);
	n->woken = false;
	take_news(n, &news);
	if (take_messages(n, &messages))
		nats_wake(n);
	pthread_mutex_unlock(&n->lock);
	tell_news(n, &news, uv_now(async->loop));
	tell_messages(n, &messages);
}

/* --- life --- */

struct net_nats *net_nats_open(struct net_loop *loop, const struct net_nats_settings *settings,
	const struct net_nats_ops *ops, void *user, char *err, size_t err_size)
{
	natsOptions *options;

	if (!nats_options(settings, &options, err, err_size))
		return NULL;
	struct net_nats *n = calloc(1, sizeof(*n));
	check(n);
	*n = (struct net_nats){ .refs = 2, .options = options, .ops = ops, .user = user };
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->work, NULL);
	list_init(&n->topics);
	list_init(&n->out);
	list_init(&n->ending);
	snprintf(n->text, sizeof(n->text), "no broker was reached yet");
	n->async = malloc(sizeof(*n->async));
	check(n->async && uv_async_init(net_uv_loop(loop), n->async, on_async) == 0);
	n->async->data = n;
	check(nats_set_events(options, n) == NATS_OK);
	check(pthread_create(&n->thread, NULL, nats_thread, n) == 0);
	return n;
}

/* Those whose thread has ended meanwhile. */
static void reap(void)
{
	LIST_EACH_SAFE (&ending, it) {
		struct net_nats *n = LIST_OWNER(it, struct net_nats, ending);
		if (pthread_tryjoin_np(n->thread, NULL) != 0)
			continue;
		list_remove(&n->ending);
		nats_unref(n);
	}
}

void net_nats_close(struct net_nats *n)
{
	if (!n)
		return;
	reap();
	pthread_mutex_lock(&n->lock);
	net_uv_release(n->async);
	n->async = NULL;
	n->stop = true;
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
	n->ops = NULL;
	list_append(&ending, &n->ending);
}

/*
 * libnats 3.4 frees this list of OpenSSL's when the process ends, and so does OpenSSL, when it was there first. Nothing
 * is compressed here: let neither of them find it.
 */
static void forget_compression(void)
{
	sk_SSL_COMP_free(SSL_COMP_set0_compression_methods(NULL));
}

void net_nats_finish(void)
{
	struct timespec until;
	struct list *first;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FINISH_S;
	bool all = true;
	while ((first = list_first(&ending))) {
		struct net_nats *n = LIST_OWNER(first, struct net_nats, ending);
		list_remove(first);
		all = pthread_clockjoin_np(n->thread, NULL, CLOCK_MONOTONIC, &until) == 0 && all;
		nats_unref(n);
	}
	if (all)
		nats_CloseAndWait(FINISH_S * 1000);
	forget_compression();
}

/* --- topics --- */

static struct nats_topic *topic_of(struct net_nats *n, const char *subject)
{
	LIST_EACH (&n->topics, it) {
		struct nats_topic *t = LIST_OWNER(it, struct nats_topic, link);
		if (strcmp(t->subject, subject) == 0)
			return t;
	}
	struct nats_topic *t = calloc(1, sizeof(*t));
	check(t);
	t->n = n;
	t->subject = str_dup_c(str_of(subject));
	list_init(&t->in);
	list_append(&n->topics, &t->link);
	return t;
}

void net_nats_subscribe(struct net_nats *n, const char *subject, void *topic)
{
	pthread_mutex_lock(&n->lock);
	struct nats_topic *t = topic_of(n, subject);
	check(!t->user && topic);
	t->user = topic;
	n->topics_changed = true;
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
}

void net_nats_unsubscribe(struct net_nats *n, void *topic)
{
	pthread_mutex_lock(&n->lock);
	LIST_EACH (&n->topics, it) {
		struct nats_topic *t = LIST_OWNER(it, struct nats_topic, link);
		if (t->user == topic) {
			t->user = NULL;
			drop_in(t);
		}
	}
	n->topics_changed = true;
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
}

/* --- out --- */

static struct nats_out *out_new(const char *subject, struct str head, struct str body)
{
	size_t name = strlen(subject) + 1, len = head.len + body.len;
	struct nats_out *out = malloc(sizeof(*out) + name + len);

	check(out);
	out->held = sizeof(*out) + name + len;
	out->len = len;
	out->bytes = out->subject + name;
	memcpy(out->subject, subject, name);
	memcpy(out->bytes, head.p, head.len);
	if (body.len)
		memcpy(out->bytes + head.len, body.p, body.len);
	memory_take(out->held);
	return out;
}

bool net_nats_publish(struct net_nats *n, const char *subject, struct str head, struct str body)
{
	struct nats_out *out = NULL;
	bool idle = false;

	pthread_mutex_lock(&n->lock);
	if (n->up && !n->stop && n->out_bytes < NATS_OUT_HARD) {
		out = out_new(subject, head, body);
		n->out_bytes += out->held;
		idle = list_empty(&n->out);
		list_append(&n->out, &out->link);
	} else {
		n->dropped_out++;
	}
	pthread_mutex_unlock(&n->lock);
	if (idle) /* without the lock, which it would wait for at once */
		pthread_cond_signal(&n->work);
	return out != NULL;
}

bool net_nats_room(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	bool room = n->out_bytes < NATS_OUT_MAX;
	if (!room)
		n->wants_room = true;
	pthread_mutex_unlock(&n->lock);
	return room;
}

void net_nats_status(struct net_nats *n, struct net_nats_status *ret)
{
	pthread_mutex_lock(&n->lock);
	*ret = (struct net_nats_status){
		.up = n->up,
		.connects = n->connects,
		.queued = n->out_bytes,
		.published = n->published,
		.received = n->received,
		.dropped_out = n->dropped_out,
		.dropped_in = n->dropped_in,
	};
	memcpy(ret->broker, n->broker, sizeof(ret->broker));
	pthread_mutex_unlock(&n->lock);
}
