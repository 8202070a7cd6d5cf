/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An organisation's server as a fault campaign wants it: one stream for each pair of domains, messages with sequence
 * numbers at a steady rate, streams that come back when they broke (at the next address), and, with --acks, stream
 * management (XEP-0198): what was not acknowledged is sent again on the next stream. All that arrives is written down.
 */
#ifndef CROWD_H
#define CROWD_H

#include "conn.h"
#include "scan.h"

enum {
	ADDRESSES = 8,
	RING = 1 << 14, /* messages of a pair that wait for a stream or for their acknowledgement */
	UNACKED_MAX = 1000,
	MESSAGE = 356,
	HANDSHAKES = 2, /* steps of them in one turn of the loop */
};

/* A line of the log, as it lies in the file: all of it is little-endian on the machines that we run on. */
enum row_kind { ROW_ARRIVED = 1, ROW_BOUNCED, ROW_DOWN, ROW_UP, ROW_SETTLED };

struct row {
	uint64_t now,
		sent; /* CLOCK_MONOTONIC, ns; sent is the sender's clock for what arrived and was bounced */
	/* seq of ROW_SETTLED: all below it are acknowledged. */
	uint32_t pair, seq, kind;
	/* Our stream's: number of the address that it is at; what came: last byte of its sender's IPv4 address. */
	uint32_t address;
};

struct pair {
	struct conn c; /* first: the epoll's pointer */
	struct crowd *crowd;
	unsigned index, address;
	char *own, *peer;
	enum { PAIR_DOWN, PAIR_CONNECTING, PAIR_SETUP, PAIR_READY } state;
	bool secure, authenticated, acks;
	uint64_t since; /* of the state, ns */
	uint64_t retry_at;
	unsigned failures;
	uint32_t made, next,
		base; /* made so far; next to be written; not yet acknowledged from here on */
	uint32_t enabled_at; /* the first of this stream */
	uint32_t asked; /* next at the last request for a count */
	uint64_t asked_at, answered_at;
	uint64_t born[RING]; /* when each was made, by its number */
};

/* A stream that the other side opened to us. */
struct guest {
	struct conn c; /* first */
	struct guest *newer, **link;
	struct crowd *crowd;
	bool fresh, secure, authenticated, has_certificate, acks, gone;
	unsigned headers;
	unsigned from; /* last byte of its IPv4 address */
	uint32_t count;
};

struct crowd {
	const char *listen, *own, *peer, *certificate, *key, *log_path;
	const char *connect; /* comma-separated */
	uint64_t pairs, rate, patience, settle, spread, acks;
	struct address to[ADDRESSES];
	unsigned addresses;
	int epoll;
	SSL_CTX *client, *server;
	struct conn listener;
	struct pair *pair;
	struct guest *guests;
	FILE *log;
	uint64_t made, overrun, arrived, bounced;
	unsigned turn;
	unsigned handshakes; /* how many may go on before other input is looked at */
};

uint64_t crowd_now(void);
/* False: this handshake goes on with the next turn, so that many of them delay no message of others. */
bool crowd_may_shake(struct crowd *w);
void crowd_row(struct crowd *w, enum row_kind kind, unsigned pair, uint32_t seq, uint64_t sent,
	unsigned address);

/* The message of a pair with this number, in at least MESSAGE + 600 bytes; returns its length. */
size_t crowd_message(const struct pair *p, uint32_t seq, char *bytes, size_t size);
/* Writes down a message that came, or the error that came for one of ours; from: as in the row. */
void crowd_take(struct crowd *w, const struct element *e, unsigned from);

void pair_event(struct pair *p, uint32_t events);
void pair_make(struct pair *p); /* one more message */
void pair_tick(struct pair *p); /* retries, deadlines, requests */
bool pair_settled(const struct pair *p);

void guest_accept(struct crowd *w);
void guest_event(struct guest *g, uint32_t events);

#endif
