/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's side. One thread connects, subscribes and publishes: each of these may block, and a publication that
 * meets a broker which hangs holds the connection's lock until the write deadline. The library's own threads call
 * on_message() and the functions about the state. It reconnects by itself for ever; when it gives up all the same
 * (a broker that refuses us twice), the thread makes a new connection.
 *
 * A second is what a node has until it is taken for dead. Hence the short times: a broker that hangs is noticed by
 * the third ping without answer, after three quarters of a second, or by a write that does not go on.
 */
#include "net/nats_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"

enum {
	CONNECT_MS = 500,
	AGAIN_MS = 50, /* and as much again at random, once no broker of the list answered */
	GIVEN_UP_MS = 1000, /* the library closed the connection, or could not begin */
	PING_MS = 250,
	PINGS_OUT = 2,
	WRITE_MS = 200,
	STUCK_MS = WRITE_MS * 3 / 4, /* so long nothing takes that a broker reads */
	LAST_MS = 300, /* for what was published before the end */
	SERVERS_MAX = 16,
	MESSAGES_MAX = 4096, /* in the library, between its threads */
	MESSAGE_MAX = 128 * 1024,
};

/* --- events, in a thread of the library --- */

/*
 * A call that asks about the connection may wait for the library's lock of it, which its reconnecting holds for as long
 * as a broker does not answer. So none is made with our lock held, which the loop takes too, nor where an end is told.
 */

static void set_error(struct net_nats *n, const char *text)
{
	snprintf(n->text, sizeof(n->text), "%s", text);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The library does not say which of its deadlines ended a connection. The thread that publishes has felt it. */
static bool is_stuck(const struct net_nats *n)
{
	uint64_t now = now_ms();

	if (n->publishing_since && now >= n->publishing_since + STUCK_MS)
		return true;
	return n->stuck_at && now < n->stuck_at + WRITE_MS;
}

static void on_disconnected(natsConnection *nc, void *closure)
{
	struct net_nats *n = closure;

	pthread_mutex_lock(&n->lock);
	n->up = false;
	n->downs++;
	n->stalled = is_stuck(n);
	set_error(n,
		n->stalled ? "the broker takes nothing any more"
			   : "the broker closed the connection");
	nats_drop_queues(n);
	pthread_mutex_unlock(&n->lock);
}

static uint64_t count_downs(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	uint64_t downs = n->downs;
	pthread_mutex_unlock(&n->lock);
	return downs;
}

/* It was connected when it had gone down so many times; if it is not any more, on_disconnected() says so. */
static void set_up(struct net_nats *n, natsConnection *nc, uint64_t downs)
{
	char url[256] = "";

	natsConnection_GetConnectedUrl(nc, url, sizeof(url));
	const char *address = strstr(url, "://"); /* "nats://10.0.0.1:4222" */
	pthread_mutex_lock(&n->lock);
	if (n->downs == downs && !n->closed && !n->up) {
		n->up = true;
		n->stuck_at = 0; /* that was with the one before */
		if (n->publishing_since)
			n->publishing_since = now_ms();
		n->connects++;
		snprintf(n->broker, sizeof(n->broker), "%.60s", address ? address + 3 : url);
		nats_wake(n);
	}
	pthread_mutex_unlock(&n->lock);
}

/* The library tells of connections and their ends one by one: a further end comes after this one's return. */
static void on_connected(natsConnection *nc, void *closure)
{
	struct net_nats *n = closure;
	uint64_t downs = count_downs(n);

	if (natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED)
		set_up(n, nc, downs);
}

static void on_closed(natsConnection *nc, void *closure)
{
	struct net_nats *n = closure;

	pthread_mutex_lock(&n->lock);
	n->closed = true;
	if (n->up) {
		n->downs++;
		n->stalled = false;
		set_error(n, "no broker takes us");
	}
	n->up = false;
	nats_drop_queues(n);
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
	nats_unref(n);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus error, void *closure)
{
	struct net_nats *n = closure;

	pthread_mutex_lock(&n->lock);
	snprintf(n->trouble, sizeof(n->trouble), "%s", natsStatus_GetText(error));
	nats_wake(n);
	pthread_mutex_unlock(&n->lock);
}

/* --- messages, in a thread of the library for each subscription --- */

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	struct nats_topic *t = closure;
	struct net_nats *n = t->n;
	size_t held = (size_t)natsMsg_GetDataLength(msg) + NATS_MESSAGE;
	struct nats_in *in = malloc(sizeof(*in));

	check(in);
	*in = (struct nats_in){ .topic = t, .msg = msg };
	memory_take(held);
	pthread_mutex_lock(&n->lock);
	bool keep = n->async && t->user && held <= MESSAGE_MAX && t->in_bytes + held <= NATS_IN_MAX;
	if (keep) {
		list_append(&t->in, &in->link);
		t->in_bytes += held;
		n->received++;
		nats_wake(n);
	} else {
		n->dropped_in++;
	}
	pthread_mutex_unlock(&n->lock);
	if (!keep)
		nats_in_free(in);
}

static void on_complete(void *closure)
{
	nats_unref(closure);
}

/* --- the thread that may block --- */

static void ref(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	n->refs++;
	pthread_mutex_unlock(&n->lock);
}

/* The library does not say of each broker why it did not work. Told once. */
static void note_failure(struct net_nats *n)
{
	static const char why[] = "no broker takes us";

	pthread_mutex_lock(&n->lock);
	if (strcmp(n->text, why) != 0) {
		memcpy(n->text, why, sizeof(why));
		n->downs++;
		n->stalled = false;
		nats_wake(n);
	}
	pthread_mutex_unlock(&n->lock);
}

static natsConnection *connect_broker(struct net_nats *n)
{
	natsConnection *nc = NULL;

	ref(n); /* on_closed() gives it back */
	uint64_t downs = count_downs(n);
	natsStatus status = natsConnection_Connect(&nc, n->options);
	if (status == NATS_OK)
		set_up(n, nc, downs);
	else
		note_failure(n);
	if (status == NATS_OK || status == NATS_NOT_YET_CONNECTED)
		return nc;
	nats_unref(n);
	return NULL;
}

static void subscribe(struct net_nats *n, natsConnection *nc, struct nats_topic *t)
{
	natsSubscription *sub = NULL;

	if (natsConnection_Subscribe(&sub, nc, t->subject, on_message, t) != NATS_OK)
		return;
	natsSubscription_SetPendingLimits(sub, MESSAGES_MAX, NATS_IN_MAX);
	ref(n);
	if (natsSubscription_SetOnCompleteCB(sub, on_complete, n) != NATS_OK)
		nats_unref(n);
	t->sub = sub;
}

static void unsubscribe(struct nats_topic *t)
{
	natsSubscription_Unsubscribe(t->sub);
	natsSubscription_Destroy(t->sub);
	t->sub = NULL;
}

/*
 * Has the library subscribe what is wanted, or nothing any more. The list only grows: it is walked without the lock
 * from a member that is there.
 */
static void sync_topics(struct net_nats *n, natsConnection *nc, bool ending)
{
	pthread_mutex_lock(&n->lock);
	n->topics_changed = false;
	struct list *it = n->topics.next;
	while (it != &n->topics) {
		struct nats_topic *t = LIST_OWNER(it, struct nats_topic, link);
		bool wanted = t->user && !ending;
		pthread_mutex_unlock(&n->lock);
		if (wanted && !t->sub)
			subscribe(n, nc, t);
		else if (!wanted && t->sub)
			unsubscribe(t);
		pthread_mutex_lock(&n->lock);
		it = it->next;
	}
	pthread_mutex_unlock(&n->lock);
}

/* NULL: nothing is there, or it shall not be sent any more. */
static struct nats_out *next_out(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	struct list *first = list_first(&n->out);
	if (first) {
		list_remove(first);
		n->publishing_since = now_ms();
	}
	pthread_mutex_unlock(&n->lock);
	return first ? LIST_OWNER(first, struct nats_out, link) : NULL;
}

/* With the lock held. */
static void note_time(struct net_nats *n)
{
	uint64_t now = now_ms();

	if (now >= n->publishing_since + STUCK_MS)
		n->stuck_at = now;
	n->publishing_since = 0;
}

static void publish_all(struct net_nats *n, natsConnection *nc)
{
	struct nats_out *out;

	while ((out = next_out(n))) {
		natsStatus status =
			natsConnection_Publish(nc, out->subject, out->bytes, (int)out->len);
		pthread_mutex_lock(&n->lock);
		note_time(n);
		n->out_bytes -= out->held;
		if (status == NATS_OK)
			n->published++;
		else
			n->dropped_out++;
		if (n->wants_room && n->out_bytes < NATS_OUT_MAX / 2)
			nats_wake(n);
		pthread_mutex_unlock(&n->lock);
		memory_give(out->held);
		free(out);
	}
}

/* False: the connection is over. */
static bool wait_for_work(struct net_nats *n)
{
	pthread_mutex_lock(&n->lock);
	while (!n->stop && !n->closed && !n->topics_changed && list_empty(&n->out))
		pthread_cond_wait(&n->work, &n->lock);
	bool go_on = !n->stop && !n->closed;
	pthread_mutex_unlock(&n->lock);
	return go_on;
}

static void work(struct net_nats *n, natsConnection *nc)
{
	do {
		sync_topics(n, nc, false);
		publish_all(n, nc);
	} while (wait_for_work(n));
	publish_all(n, nc);
	if (natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED)
		natsConnection_FlushTimeout(nc, LAST_MS);
	sync_topics(n, nc, true);
	natsConnection_Destroy(nc);
}

/* False: it is to stop. */
static bool rest(struct net_nats *n)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GIVEN_UP_MS / 1000;
	pthread_mutex_lock(&n->lock);
	while (!n->stop && pthread_cond_clockwait(&n->work, &n->lock, CLOCK_MONOTONIC, &until) == 0)
		;
	bool go_on = !n->stop;
	n->closed = false;
	pthread_mutex_unlock(&n->lock);
	return go_on;
}

void *nats_thread(void *arg)
{
	struct net_nats *n = arg;

	do {
		natsConnection *nc = connect_broker(n);
		if (nc)
			work(n, nc);
	} while (rest(n));
	nats_ReleaseThreadMemory();
	nats_unref(n);
	return NULL;
}

/* --- options --- */

static natsStatus set_servers(natsOptions *o, const struct net_nats_settings *s)
{
	char urls[SERVERS_MAX][80];
	const char *list[SERVERS_MAX];
	int count = 0;

	for (size_t i = 0; i < s->n_servers && count < SERVERS_MAX; i++) {
		snprintf(urls[count], sizeof(urls[0]), "nats://%.*s", STR_FMT(s->servers[i]));
		list[count] = urls[count];
		count++;
	}
	return natsOptions_SetServers(o, list, count);
}

static natsStatus set_behaviour(natsOptions *o, const char *name)
{
	natsStatus s = natsOptions_SetName(o, name);

	s = s ? s : natsOptions_SetTimeout(o, CONNECT_MS);
	s = s ? s : natsOptions_SetMaxReconnect(o, -1);
	s = s ? s : natsOptions_SetReconnectWait(o, AGAIN_MS);
	s = s ? s : natsOptions_SetReconnectJitter(o, AGAIN_MS, AGAIN_MS);
	s = s ? s : natsOptions_SetReconnectBufSize(o, 1); /* nothing is kept for the next broker */
	s = s ? s : natsOptions_SetIgnoreDiscoveredServers(o, true); /* ours is the list */
	s = s ? s : natsOptions_SetPingInterval(o, PING_MS);
	s = s ? s : natsOptions_SetMaxPingsOut(o, PINGS_OUT);
	s = s ? s : natsOptions_SetWriteDeadline(o, WRITE_MS);
	s = s ? s : natsOptions_SetSendAsap(o, true);
	return s ? s : natsOptions_SetNoEcho(o, true);
}

static bool usable(natsStatus status, const char *what, char *err, size_t err_size)
{
	const char *text = nats_GetLastError(NULL);

	if (status == NATS_OK)
		return true;
	snprintf(
		err, err_size, "%s: %s", what, text && text[0] ? text : natsStatus_GetText(status));
	return false;
}

bool nats_options(const struct net_nats_settings *s, natsOptions **ret, char *err, size_t err_size)
{
	natsOptions *o = NULL;
	bool ok = usable(natsOptions_Create(&o), "libnats", err, err_size) &&
		usable(natsOptions_SetSecure(o, true), "libnats", err, err_size) &&
		usable(natsOptions_LoadCATrustedCertificates(o, s->trust), s->trust, err,
			err_size) &&
		usable(natsOptions_LoadCertificatesChain(o, s->certificate, s->key), s->certificate,
			err, err_size) &&
		usable(set_servers(o, s), "the brokers", err, err_size) &&
		usable(set_behaviour(o, s->name), "libnats", err, err_size);

	if (ok)
		*ret = o;
	else
		natsOptions_Destroy(o);
	return ok;
}

natsStatus nats_set_events(natsOptions *o, struct net_nats *n)
{
	natsStatus s = natsOptions_SetDisconnectedCB(o, on_disconnected, n);

	s = s ? s : natsOptions_SetReconnectedCB(o, on_connected, n);
	s = s ? s : natsOptions_SetClosedCB(o, on_closed, n);
	s = s ? s : natsOptions_SetErrorHandler(o, on_error, n);
	return s ? s : natsOptions_SetRetryOnFailedConnect(o, true, on_connected, n);
}
