/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections of one loop, over loopback, and what happened to each. */
#ifndef TESTS_NET_PAIRING_H
#define TESTS_NET_PAIRING_H

#include "certs.h"
#include "net/conn.h"

struct pairing;

/* One end. A behaviour is a function that looks at what happened so far and acts. */
struct end {
	struct pairing *p;
	struct net_conn *conn;
	struct buf got;
	uint64_t received;
	uint64_t taken;
	unsigned n_connected;
	unsigned n_tls;
	unsigned n_closed;
	bool direct_tls;
	bool keep; /* collect input in got; else only count */
	char text[160]; /* of on_closed */
	/* Each may be NULL. */
	void (*on_open)(struct end *e); /* connected or accepted */
	void (*on_tls)(struct end *e);
	size_t (*on_input)(struct end *e, struct str bytes); /* instead of collecting */
	void (*on_taken)(struct end *e);
};

struct pairing {
	struct net_loop *loop;
	struct net_listener *listener;
	struct net_timer *alarm; /* a test that hangs fails */
	struct end client;
	struct end server;
	struct net_tls *tls;
	struct net_creds *creds;
	char sni[256]; /* the last one asked for */
	unsigned n_accepted;
	bool timed_out;
	void *more; /* for the test */
};

/* Fills in settings; listens on 127.0.0.1. */
void pairing_init(struct pairing *p, struct net_listen_settings settings);
/* Connects the client end and runs until both ends are closed (or the alarm). */
void pairing_run(struct pairing *p);
void pairing_dial(struct pairing *p);
void pairing_done(struct pairing *p);
/* A plain blocking socket to the listener, for peers that misbehave; run the loop meanwhile. */
int pairing_socket(struct pairing *p);
extern const struct net_conn_ops end_ops;

#endif
