/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a connection, shared by conn.c (life), watch.c (whose turn it is), turn.c (its part in a turn), flow.c
 * (bytes), shake.c (handshake), session.c (what came out of it) and listener.c. Plaintext goes down on the left and up
 * on the right:
 *
 *	net_conn_write()              on_input()
 *	      out                        in        what on_input left
 *	   SSL_write                  SSL_read     (without TLS: straight through)
 *	     wire                      cipher      what SSL_read could not take yet
 *	      send()                    recv()
 */
#ifndef NET_CONN_INT_H
#define NET_CONN_INT_H

#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/tls_int.h"
#include "net/uv_loop.h"

enum net_conn_state {
	NET_CONN_CONNECTING,
	NET_CONN_ACCEPTED, /* not yet handed to the program: first byte, direct TLS */
	NET_CONN_OPEN,
	NET_CONN_DRAINING, /* output leaves, input is thrown away */
	NET_CONN_DEAD, /* on_closed is due or done */
};

enum net_conn_tls {
	NET_CONN_PLAIN,
	NET_CONN_TLS_WAITS, /* for plaintext that must leave first */
	NET_CONN_TLS_HANDSHAKE,
	NET_CONN_TLS_ON,
	NET_CONN_TLS_BROKEN, /* nothing can be sealed any more */
};

/* What OpenSSL keeps for one connection, about: measured with both sides' chains. */
enum { NET_SSL_BYTES = 24 * 1024 };

enum { NET_MARKS = NET_BATCH + 2, NET_CONN_MAGIC = 0x6e65636f };

struct net_shake;
struct net_connecting;

struct net_conn {
	unsigned magic;
	enum net_conn_state state;
	enum net_conn_tls tls;
	int fd;
	uint32_t events; /* of epoll(7), what is waited for */
	uint32_t armed; /* what the kernel tells: these, perhaps more */
	bool paused;
	bool yields; /* net_conn_yield() */
	bool gathers; /* net_conn_gather() */
	bool setup;
	bool blocked; /* the kernel's send buffer is full */
	int send_error; /* errno of a failed send that is not yet dealt with */
	bool peer_end; /* the peer closed its direction */
	bool notified; /* close_notify is in wire */
	bool shut; /* our direction is closed */
	bool cut; /* net_conn_cut() */
	struct net_loop *loop;
	uv_timer_t *timer; /* connect attempt, first byte and direct TLS, lingering */
	const struct net_conn_ops *ops;
	void *user;
	struct net_listener *listener;
	void *pass; /* the listener's */
	enum net_class class;
	struct net_connecting *connecting;

	struct list in_loop;
	struct list ready;
	struct list dirty; /* in the loop's list of that name, or in gathering */
	struct list dead;
	struct list waiting;

	SSL *ssl;
	bool ssl_counted; /* in memory_held() */
	struct net_shake *shake; /* during the handshake */
	struct net_tls_peer peer; /* what the handshake found out */
	struct str bio_in; /* what OpenSSL may read now */
	struct buf *bio_out; /* where it writes */

	struct buf in;
	struct buf cipher;
	struct buf out;
	struct buf wire;
	uint64_t wire_sent; /* bytes the kernel took */
	uint64_t plain_moved; /* bytes that left out */
	uint64_t plain_taken; /* of these, the kernel has all of the ciphertext */
	uint64_t plain_told; /* last on_taken() */
	/* plain_taken becomes plain when wire_sent reaches wire. */
	struct {
		uint64_t wire;
		uint64_t plain;
	} marks[NET_MARKS];
	unsigned n_marks;

	struct net_addr addr;
	char addr_text[64];
	char *text; /* for on_closed */
	unsigned linger_ms;
};

/* --- conn.c --- */
struct net_conn *net_conn_new(struct net_loop *loop, int fd, const struct net_addr *addr);
/* Sets what is waited for according to the state. */
void net_conn_rearm(struct net_conn *c);
/* These events of epoll(7) came, or EPOLLERR. */
void net_conn_event(struct net_conn *c, uint32_t events);
void net_conn_make_ready(struct net_conn *c);
void net_conn_make_dirty(struct net_conn *c);
/* Lets output leave for at most linger_ms, then the end. text is copied. */
void net_conn_drain(struct net_conn *c, const char *text, unsigned linger_ms);
/* The end now. text is copied. */
void net_conn_die(struct net_conn *c, const char *text);
void net_conn_timer(struct net_conn *c, unsigned ms);
/* Everything was sent while draining. */
void net_conn_drained(struct net_conn *c);
void net_conn_free(struct net_conn *c);
const char *net_errno_text(int error);

/* --- watch.c --- */
void net_watches_open(struct net_loop *loop);
void net_watches_close(struct net_loop *loop);
/* Waits for these events of epoll(7) from now on. */
void net_watch(struct net_conn *c, uint32_t events);
/* Its socket was closed. */
void net_watch_forget(struct net_conn *c);
/* It belongs to another class from now on. */
void net_watch_move(struct net_conn *c, enum net_class class);

/* --- turn.c --- */
/*
 * Those that waited for the hold to end (net_loop_hold()), a few of them, and none when the turn has had its share of
 * input since input_before.
 */
void net_conn_run_waiting(struct net_loop *loop, size_t input_before);
void net_conn_run_ready(struct net_loop *loop);
void net_conn_run_dirty(struct net_loop *loop);
void net_conn_run_dead(struct net_loop *loop);

/* --- connect.c --- */
void net_connect_event(struct net_conn *c);
void net_connect_timeout(struct net_conn *c);
void net_connect_forget(struct net_conn *c);

/* --- bio.c --- */
/* A BIO over bio_in and bio_out. */
BIO *net_bio_new(struct net_conn *c);

/* --- flow.c --- */
/* Reads once from the kernel; false when nothing more can come now. */
bool net_flow_receive(struct net_conn *c);
/* Gives the program what is kept, and what can be decrypted. */
void net_flow_resume(struct net_conn *c);
void net_flow_flush(struct net_conn *c);

/* --- shake.c --- */
void net_shake_prepare(struct net_conn *c, struct net_tls *tls, struct net_creds *creds,
	bool server, struct str sni);
/* What had to leave before has left. */
void net_shake_begin(struct net_conn *c);
/* Bytes arrived in c->cipher, or the peer's end did. */
void net_shake_input(struct net_conn *c);
/* A thread works for this connection: it may not be freed. */
bool net_shake_busy(const struct net_conn *c);
/* The connection is dead: a step that still waits for the pool is not worth its time. */
void net_shake_cancel(struct net_conn *c);
bool net_shake_full(const struct net_conn *c);
void net_shake_free(struct net_conn *c);

/* --- listener.c --- */
/* First byte known, or TLS done, or nothing of both in time. */
void net_listener_first_byte(struct net_conn *c);
void net_listener_tls_done(struct net_conn *c);
struct net_creds *net_listener_creds(struct net_conn *c, struct str sni);
/* The descriptor of an accepted connection is free again. */
void net_listener_release(struct net_conn *c);
void net_listeners_close(struct net_loop *loop);

/* --- loop.c --- */
/* A handshake was done, or a connection freed. */
void net_loop_heap_changed(struct net_loop *loop);

#endif
