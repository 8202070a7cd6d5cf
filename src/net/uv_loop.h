/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: the libuv loop below a net_loop, and how its handles end. */
#ifndef NET_UV_LOOP_H
#define NET_UV_LOOP_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/rate.h"
#include "base/spares.h"
#include "net/awake.h"
#include "net/loop.h"
#include "net/pool.h"

enum {
	NET_READ_SIZE = 128 * 1024, /* one read from the kernel */
	NET_RECORD = 16 * 1024, /* plaintext of one TLS record */
	NET_BATCH = 8, /* records per write to the kernel */
	NET_TURN_INPUT = 1024 * 1024, /* bytes in one turn, and some reads more */
};

/* Connections whose sockets are looked at together (watch.c). */
enum { NET_WATCH_LINKS, NET_WATCH_OTHERS, NET_WATCHES };
struct net_watch {
	struct net_loop *loop;
	int fd; /* of epoll */
	uv_poll_t poll; /* one of them is ready */
};

struct net_loop {
	uv_loop_t uv;
	uv_prepare_t prepare; /* the turn, just before the loop may sleep */
	uv_idle_t idle; /* active: another turn at once */
	struct net_watch watches[NET_WATCHES];
	uint64_t slept; /* milliseconds in suspension, for which libuv's clock stood still */
	uint64_t guard_at; /* net_guard_at() */
	void (*guard)(void *user);
	void *guard_user;
	uint64_t wake_at; /* net_now() at which the next timer is due */
	uint64_t pause_ms; /* net_on_pause() */
	void (*paused)(void *user, uint64_t ms);
	void *paused_user;
	size_t input; /* bytes received, ever */
	uv_timer_t trim; /* runs while the heap changes */
	unsigned heap_changes; /* handshakes and ends of connections, ever */
	unsigned heap_seen; /* of these, at the last look */
	unsigned heap_trimmed; /* and when the heap was last trimmed */
	struct awake awake;
	bool had_input; /* something was received since the last turn */
	struct {
		void (*fn)(void *user);
		void *user;
	} hooks[4];
	unsigned n_hooks;
	struct net_pool pool; /* for handshakes */
	/* Connections: all; with input to deliver; with output to flush; closed; with input in the kernel,
	 * waiting for the end of a hold.
	 */
	struct list conns;
	struct list ready;
	struct list dirty;
	struct list gathering; /* dirty ones that wait for the timer gather */
	uv_timer_t gather;
	struct rate gathered; /* flushes of those that gather */
	struct list dead;
	struct list waiting;
	bool (*full)(void *user); /* net_loop_hold() */
	void *full_user;
	struct list listeners;
	/* Shared by all connections, valid within one event. */
	char *received; /* NET_READ_SIZE bytes from the kernel */
	char *plain; /* the same, decrypted */
	struct spares spares; /* memory for the buffers of connections */
	struct buf sealed; /* records on their way to the kernel */
	bool freeing;
};

/* Are connections that yield not to be read now? */
bool net_loop_held(const struct net_loop *loop);

uv_loop_t *net_uv_loop(struct net_loop *loop);

/* Before bytes are read or a timer runs: tells who wants to know of a pause. */
void net_notice_pause(struct net_loop *loop);

/* Before bytes leave: calls the guard when its time has come. */
void net_ask_guard(struct net_loop *loop);

/* Closes a handle that is the first member of a block from malloc(), and frees the block later.
 * NULL is fine. */
void net_uv_release(void *handle);

#endif
