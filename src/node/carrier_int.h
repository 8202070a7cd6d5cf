/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tcp carrier share: connections (wire.c), dialled nodes (far.c), listeners (port.c). */
#ifndef NODE_CARRIER_INT_H
#define NODE_CARRIER_INT_H

#include "bus/bus.h"
#include "net/nats.h"
#include "node/carrier.h"

enum {
	RETRY_MIN_MS = 50, /* before a node is dialled again */
	SETUP_MS = 5000, /* for a TLS handshake */
};

struct brokers;
struct far;
struct tunnel;

struct wire {
	struct list link; /* in carrier->wires */
	struct carrier *carrier;
	struct far *far; /* dialled; NULL: accepted */
	struct net_conn *conn;
	struct tunnel *tunnel; /* over the brokers, while it lasts */
	struct net_timer *deadline; /* until the far node is known */
	struct link_peer *peer;
	bool waiting; /* can_send() said no */
	const char *reason; /* why we closed it */
	bool counted; /* and not logged: somebody may make it happen often */
};

/* A node that inner dials. */
struct far {
	struct list link; /* in carrier->fars */
	struct carrier *carrier;
	struct str id;
	bool nats; /* over the brokers; no addr */
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

/* An address where outer listens, or the brokers. */
struct port {
	struct list link; /* in carrier->ports */
	struct carrier *carrier;
	bool nats; /* over the brokers; no addr and listener */
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
	struct brokers *brokers;
};

/* Loads what a section names into new references; false with a message in err. */
bool carrier_keys(const struct config_keys *keys, struct net_tls **tls, struct net_creds **creds,
	char *err, size_t err_size);

/* conn NULL: to be set by the caller. */
struct wire *wire_new(struct carrier *c, struct far *far, struct net_conn *conn);
/* Before it has a connection. */
void wire_discard(struct wire *w);
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

/* --- brokers.c: the brokers, and the nodes on the other side of them --- */
struct brokers *brokers_new(struct carrier *c);
void brokers_free(struct brokers *b);
/* Connects to those that the configuration names, unless that is done; false with a message in err. */
bool brokers_apply(struct brokers *b, char *err, size_t err_size);
/* Between these two brokers_want() is called for each node that the configuration names. */
void brokers_want_none(struct brokers *b);
void brokers_drop_unwanted(struct brokers *b, const char *why);
/* port: where it may come in; NULL: we dial it. */
void brokers_want(struct brokers *b, struct str id, struct port *port);
bool brokers_up(const struct brokers *b);
void brokers_stop(struct brokers *b);
void brokers_status(const struct brokers *b, struct json *j);

/* --- tunnel.c: one connection over them --- */
/* Makes the connection of the wire; on_tls is called when its TLS is done. False: there are no descriptors left. */
bool tunnel_dial(struct brokers *b, struct far *far, struct wire *w);
/* The wire is gone. */
void tunnel_forget(struct tunnel *t);
void tunnel_fill_ops(struct bus_ops *ops);

bool far_apply(struct carrier *c, const struct config_link *l, char *err, size_t err_size);
void far_drop(struct far *far, const char *why);
void far_dial(struct far *far);
void far_retry(struct far *far);
void far_free(struct far *far);

bool port_apply(struct carrier *c, const struct config_listen *l, char *err, size_t err_size);
void port_free(struct port *p);

#endif
