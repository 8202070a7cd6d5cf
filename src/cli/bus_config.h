/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of nats-server for one broker, as a text. */
#ifndef CLI_BUS_CONFIG_H
#define CLI_BUS_CONFIG_H

#include "base/buf.h"
#include "cli/broker.h"

enum { PIN_TEXT = 65 };

/* SHA-256 of the public keys that may connect, in hexadecimal. */
struct bus_pins {
	char nodes[2 * BUS_NODES_MOST][PIN_TEXT]; /* outers, then inners */
	char routes[BROKERS_MOST][PIN_TEXT];
};

struct bus_site {
	const struct bus *bus;
	const struct bus_pins *pins;
	const char *cluster; /* its name */
	const char *keys; /* folder with ca.crt and the broker's keys on the broker's host */
	const char *store; /* folder of JetStream there; each broker makes one of its own below */
};

/* Broker `at` of the bus. */
void bus_config(const struct bus_site *site, size_t at, struct buf *out);

#endif
