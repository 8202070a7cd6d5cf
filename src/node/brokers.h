/* SPDX-License-Identifier: Apache-2.0 */
/* For brokers.c and tunnel.c: the link over NATS brokers. */
#ifndef NODE_BROKERS_H
#define NODE_BROKERS_H

#include "node/carrier_int.h"

enum { SUBJECT_MAX = 160 };

struct brokers {
	struct carrier *carrier;
	struct net_nats *nats; /* NULL: the configuration names none */
	struct bus *bus;
	struct net_timer *timer;
	struct list nodes; /* struct far_node */
	struct list tunnels;
	bool up;
	char text[160]; /* the broker's address, or why there is none */
	struct buf made_of; /* what the connection was made of, to see whether that changes */
};

/* A node on the other side of the brokers. */
struct far_node {
	struct list link; /* in brokers->nodes */
	struct brokers *brokers;
	struct str id;
	char to[SUBJECT_MAX]; /* subject of what we say to it */
	char from[SUBJECT_MAX];
	struct bus_peer *peer;
	struct link_peer *known; /* NULL: was never linked */
	struct port *port; /* NULL: we dial it */
	bool wanted; /* by the configuration that is being applied */
};

/* One connection: TLS of the wire comes out of conn, and goes as a stream over the bus. */
struct tunnel {
	struct list link; /* in brokers->tunnels */
	struct far_node *node; /* NULL once the stream is gone */
	struct bus_stream *stream; /* NULL: it ended */
	struct net_conn *conn; /* the other end of wire->conn */
	struct wire *wire; /* NULL: it is gone */
};

struct far_node *brokers_find(struct brokers *b, struct str id);
/* After anything that may change when the bus wants to be called. */
void brokers_arm(struct brokers *b);

#endif
