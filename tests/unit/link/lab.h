/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real engines on both sides, a carrier that the test holds in its hand: one inner, two
 * outers. What happens is written down line by line and compared.
 */
#ifndef TESTS_LINK_LAB_H
#define TESTS_LINK_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "link/engine.h"
#include "link/lease.h"

enum { INNER, OUTER_A, OUTER_B, NODES };
enum { TIMEOUT = 1, INTERNAL, BUSY, NO, AWAY };

struct lab;

struct lab_frame {
	struct lab_frame *next;
	size_t len;
	char bytes[];
};

struct lab_conn {
	struct lab_node *from, *to;
	struct link_peer *peer; /* the far node, in the engine of from */
	bool open;
	bool full; /* can_send says no */
	bool broken; /* what is sent is lost */
	struct lab_frame *frames, **last;
};

enum program { TAKE, HOLD, REJECT };

struct lab_node {
	struct lab *lab;
	const char *id;
	struct link *l;
	enum program program;
	uint64_t channel, held[64];
	size_t n_held;
	uint64_t boot;
};

struct lab {
	uint64_t now;
	struct lab_node nodes[NODES];
	struct lab_conn conns[NODES][NODES]; /* [from][to] */
	struct buf log;
	unsigned prefer; /* the inner chooses this outer if it is live */
	int lose_at; /* the frame that cuts the link and is lost; -1: none */
	int n_frames;
	bool no_news; /* of links */
	uint64_t n_sent; /* the receipt of the last record */
	bool tell_settled;
	bool shared; /* the inner has a lease table; the test answers for it */
	unsigned alone_ms;
	uint64_t ticket; /* of the last question */
};

extern const struct link_pair lab_one, lab_two;
extern const struct link_ops lab_ops;

/* All nodes start; the inner has connections with the first n outers, and all is quiet. */
void lab_init(struct lab *lab, unsigned outers);
void lab_done(struct lab *lab);
void lab_start(struct lab *lab, unsigned i);
void lab_connect(struct lab *lab, unsigned outer);
/* The connection breaks; both ends notice. */
void lab_cut(struct lab *lab, unsigned outer);
void lab_crash(struct lab *lab, unsigned outer);
void lab_drop_frames(struct lab_conn *c);
/* Frames go to and fro until all is quiet. */
void lab_talk(struct lab *lab);
void lab_tick(struct lab *lab);
/* Time passes in small steps, for the nodes in the mask only: the others are stopped. */
void lab_pass(struct lab *lab, unsigned ms, unsigned awake);
/* The same, but the inner shares its leases through a table. */
void lab_init_shared(struct lab *lab, unsigned outers);
bool lab_send(struct lab *lab, unsigned node, struct link_pair pair, const char *record);

/* All that happened since the last look. */
#define HAPPENED(lab, text)                                                                        \
	do {                                                                                       \
		buf_append(&(lab)->log, str_from("", 1));                                          \
		assert_string_equal(buf_bytes(&(lab)->log).p, (text));                             \
		buf_clear(&(lab)->log, 0);                                                         \
	} while (0)

#endif
