/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do not use our code: a thread with a blocking socket. */
#ifndef TESTS_NET_RAW_H
#define TESTS_NET_RAW_H

#include <pthread.h>

#include "pairing.h"

struct raw {
	pthread_t thread;
	int fd; /* connected to the listener; the thread closes it */
	void (*fn)(int fd, void *arg);
	void *arg;
};

/* Runs fn(fd, arg) in a thread with a socket to the listener of p. */
void raw_start(struct raw *r, struct pairing *p, void (*fn)(int fd, void *arg), void *arg);
void raw_join(struct raw *r);

/* A relay between two connections: in pieces, and only so much. */
struct relay {
	pthread_t thread;
	int listening;
	struct net_addr addr; /* to connect to */
	struct net_addr to;
	size_t piece; /* bytes per send */
	size_t cut_after; /* bytes in both directions, then both ends are closed; SIZE_MAX: never */
};

void relay_start(struct relay *r, struct pairing *p, size_t piece, size_t cut_after);
void relay_join(struct relay *r);

/* All or a failed check. */
void raw_write(int fd, const void *p, size_t n);
/* Reads until n bytes or the end; returns how many. */
size_t raw_read(int fd, void *p, size_t n);

#endif
