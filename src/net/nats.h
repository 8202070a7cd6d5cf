/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to one of several NATS brokers, as a bus: messages to and from subjects, at most once, no reply
 * subjects, no headers. The library (libnats) connects, reads and calls back in threads of its own, and one more
 * thread publishes, because that may block; they share with the loop nothing but two bounded queues. Callbacks come
 * from the loop only, never inside a call of this interface.
 *
 * What is published while there is no broker, or when a queue is full, is dropped; so is what was queued when the
 * broker went away. A broker that does not answer for about a second is left for another one.
 *
 * Built only where libnats is: nats_none.c otherwise.
 */
#ifndef NET_NATS_H
#define NET_NATS_H

#include "base/str.h"
#include "net/loop.h"

struct net_nats;

struct net_nats_settings {
	const char *name; /* ours, for the broker's logs */
	const struct str *servers; /* "192.0.2.1:4222" */
	size_t n_servers;
	const char *certificate; /* ours */
	const char *key;
	const char *trust; /* CA of the brokers: their certificates name their addresses */
};

enum net_nats_state {
	NET_NATS_UP,
	NET_NATS_DOWN,
	NET_NATS_STALLED, /* down, because what was written did not go out any more */
};

struct net_nats_ops {
	/* topic: as given to net_nats_subscribe(). */
	void (*on_message)(void *user, void *topic, struct str message);
	/* text: the broker's address, or why there is none (valid during the call). */
	void (*on_state)(void *user, enum net_nats_state state, const char *text);
	/* net_nats_room() was false and is not any more. */
	void (*on_room)(void *user);
	/* Something that the broker did not like, or that was lost; once for each text. */
	void (*on_trouble)(void *user, const char *text);
};

struct net_nats_status {
	bool up;
	char broker[64]; /* address, or the one that there was; may be empty */
	uint64_t connects;
	uint64_t queued; /* bytes that wait to be published */
	uint64_t published;
	uint64_t received;
	uint64_t dropped_out; /* messages */
	uint64_t dropped_in;
};

/* NULL: libnats is not part of this program. */
const char *net_nats_version(void);

/* NULL and a message when a file cannot be used. Connecting goes on for ever. */
struct net_nats *net_nats_open(struct net_loop *loop, const struct net_nats_settings *settings,
	const struct net_nats_ops *ops, void *user, char *err, size_t err_size);
/* No callback comes any more. What was published leaves if it can, in the background. */
void net_nats_close(struct net_nats *n);
/* Waits for what net_nats_close() left in the background, for about two seconds at most: before the program ends. */
void net_nats_finish(void);

/* Once for each subject: its topic must be unsubscribed before it goes away. */
void net_nats_subscribe(struct net_nats *n, const char *subject, void *topic);
/* No on_message comes any more for this topic. */
void net_nats_unsubscribe(struct net_nats *n, void *topic);
/* One message in two parts. False: dropped. */
bool net_nats_publish(struct net_nats *n, const char *subject, struct str head, struct str body);
/* Is there room for more than a few small messages? */
bool net_nats_room(struct net_nats *n);
void net_nats_status(struct net_nats *n, struct net_nats_status *ret);

#endif
