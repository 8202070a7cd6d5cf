/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A non-blocking socket, plain or TLS, watched by an epoll of its owner's
 * thread (level-triggered; the event's pointer is the conn).
 */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/buf.h"

enum { CONN_RECORD = 16384, CONN_SETUP_MAX = 262144 };

struct conn {
	int fd; /* -1: closed */
	int epoll;
	SSL *ssl;
	bool handshaking;
	bool want_out; /* the owner asked for writability */
	bool out_armed;
	struct buf in; /* received, not yet a whole element */
	struct buf out; /* not yet taken by the kernel */
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "1.2.3.4:5269" or "[::1]:5269"; port may be 0. */
bool address_parse(const char *text, struct address *ret_address);

void conn_open(struct conn *c, int epoll, int fd);
void conn_close(struct conn *c);

/* Starts TLS; from now on conn_handshake() is due on every event until it says 1. */
void conn_start_tls(struct conn *c, SSL_CTX *ctx, bool server, char *name);

/* 1 done, 0 in progress, -1 failed. */
int conn_handshake(struct conn *c);

/* Bytes read, 0 when there are none now, -1 at the end or on failure. */
int conn_read(struct conn *c, char *p, int n);

/* Sends or keeps the bytes; false when the connection is gone. Callers with much to send wait for
 * conn_idle(). */
bool conn_write(struct conn *c, struct str s);
bool conn_flush(struct conn *c);
static inline bool conn_idle(const struct conn *c)
{
	return buf_len(&c->out) == 0;
}

/* Whether the owner wants to hear about writability also with nothing kept. */
void conn_want_out(struct conn *c, bool want);

/* A context that sends this certificate (may be NULL) and accepts any of the peer. */
SSL_CTX *tls_context(bool server, const char *certificate, const char *key, bool ask_certificate);

#endif
