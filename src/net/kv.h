/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of small values that several nodes share, in a bucket of NATS JetStream: the leases of inners. An entry
 * changes only by compare-and-set: whoever writes names the revision and the value that it knows, and of two that name
 * the same ones one wins. The value counts because brokers may number anew what they keep (kv_bucket.c): no value
 * may ever come again in an entry.
 *
 * Nothing is ever decided by reading. What a read tells may be out of date, because it may come from a broker that does
 * not know yet that it leads no more; so net_kv_get() and told() only spare a try. No entry expires: a lease that
 * is held may stay the same for months. A removed one takes no room.
 *
 * Several threads of our own call the library, each call with a deadline; the loop only hands over questions and gets
 * answers. Callbacks come from the loop only, never inside a call of this interface.
 *
 * Built only where libnats is: kv_none.c otherwise.
 */
#ifndef NET_KV_H
#define NET_KV_H

#include "net/nats.h"

struct net_kv;

enum { NET_KV_KEY = 33 }; /* 32 hexadecimal digits and a zero */

struct net_kv_settings {
	struct net_nats_settings broker; /* name: our node id, under which answers reach us */
	const char *bucket; /* made when there is none */
	unsigned replicas; /* 3: brokers that keep it */
	size_t bytes; /* 64 MiB: of all entries */
	size_t value_bytes; /* 32 KiB: the largest value */
	unsigned call_ms; /* 1000: for each call */
	unsigned wait_ms; /* 1500: what did not get its turn by then is not tried */
	size_t questions; /* 1024: that wait at most; further ones are not asked */
};
/* All but broker. */
extern const struct net_kv_settings net_kv_settings_default;

enum net_kv_answer {
	NET_KV_WON, /* written: the entry's revision is now this one; 0: removed */
	NET_KV_LOST, /* not written: the entry had another revision, perhaps this one; 0: there is none */
	NET_KV_UNAVAILABLE, /* it is not known whether it was or will be written */
	NET_KV_UNASKED, /* it was not written and will not be: the table could not be reached */
};

struct net_kv_ops {
	/* The answer to one question. value is valid during the call. */
	void (*answered)(void *user, uint64_t ticket, enum net_kv_answer answer, uint64_t revision,
		struct str value);
	/* Somebody else (tried to) put this there; may be NULL. Not after each change, and not for removals. */
	void (*told)(void *user, const char key[NET_KV_KEY], uint64_t revision, struct str value);
	/* Can the table be reached? text: the broker's address, or why not; valid during the call. */
	void (*on_state)(void *user, bool ready, const char *text);
};

/* NULL and a message when a file cannot be used. Connecting goes on for ever. */
struct net_kv *net_kv_open(struct net_loop *loop, const struct net_kv_settings *settings,
	const struct net_kv_ops *ops, void *user, char *err, size_t err_size);
/* No callback comes any more. */
void net_kv_close(struct net_kv *kv);
/* Waits for the threads of those that were closed; before net_nats_finish(). */
void net_kv_finish(void);

/*
 * Puts value in the place of the entry if its revision is this one, with the value old; 0: if there is none. An empty
 * value removes the entry. The answer is any of the four.
 */
void net_kv_put(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY], uint64_t revision,
	struct str old, struct str value);
/* What is there? The answer is LOST (as for a put that was), UNAVAILABLE or UNASKED. */
void net_kv_get(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY]);

/* The key of two names: it tells nothing of them. */
void net_kv_key(struct str a, struct str b, char ret_key[NET_KV_KEY]);

#endif
