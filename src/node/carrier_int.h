/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tcp carrier share: connections (wire.c), dialled nodes (far.c), listeners (port.c). */
#ifndef NODE_CARRIER_INT_H
#define NODE_CARRIER_INT_H

#include "node/carrier.h"

enum {
	RETRY_MIN_MS = 50, /* before a node is dialled again */
	SETUP_MS = 5000, /* for a TLS handshake */
};

struct far;

struct wire {
	struct list link; /* in carrier->wires */
	struct carrier *carrier;
	struct far *far; /* dialled; NULL: accepted */
	struct net_conn *conn;
	struct net_timer *deadline; /* until the far node is known */
	struct link_peer *peer;
	bool waiting; /* can_send() said no */
	const char *reason; /* why we closed it */
};

/* A node that inner dials. */
struct far {
	struct list link; /* in carrier->fars */
	struct carrier *carrier;
	struct str id;
	struct net_addr addr;
	struct net_tls *tls;
	struct net_creds *creds;
	struct net_timer *retry;
	struct wire *wire;
	unsigned delay_ms;
	bool failing; /* logged already */
	char reason[160]; /* of the latest failure */
	bool wanted; /* by the configuration that is being applied */
	bool gone; /* not in the configuration any more */
};

/* An address where outer listens. */
struct port {
	struct list link; /* in carrier->ports */
	struct carrier *carrier;
	struct net_addr addr;
	bool wanted; /* by the configuration that is being applied */
	struct net_listener *listener;
	struct net_tls *tls;
	struct net_creds *creds;
	struct str *accept;
	size_t n_accept;
};

struct carrier {
	struct node *node;
	struct list wires;
	struct list fars;
	struct list ports;
};

/* Loads what a section names into new references; false with a message in err. */
bool carrier_keys(const struct config_keys *keys, struct net_tls **tls, struct net_creds **creds,
	char *err, size_t err_size);

/* conn NULL: to be set by the caller. */
struct wire *wire_new(struct carrier *c, struct far *far, struct net_conn *conn);
/* The far node proved to be this one. */
void wire_up(struct wire *w, struct str id);
/* Closes at once, with an alarm. */
void wire_refuse(struct wire *w, const char *reason);
/* As in struct link_ops; user may be NULL. */
void wire_close(void *user, void *carrier, const char *reason);
/* Members of struct net_conn_ops. */
size_t wire_input(void *user, struct str bytes);
void wire_taken(void *user, uint64_t total);
void wire_closed(void *user, const char *text);

bool far_apply(struct carrier *c, const struct config_link *l, char *err, size_t err_size);
void far_drop(struct far *far, const char *why);
void far_dial(struct far *far);
void far_retry(struct far *far);
void far_free(struct far *far);

bool port_apply(struct carrier *c, const struct config_listen *l, char *err, size_t err_size);
void port_free(struct port *p);

#endif
