/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the simulation: the state of the world, and what its parts use of each other. */
#ifndef TESTS_LINK_SIM_WORLD_H
#define TESTS_LINK_SIM_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/engine.h"
#include "link/lease.h"
#include "sim.h"

enum {
	NODES_MAX = 6,
	PAIRS_MAX = 3,
	RECORDS_MAX = 400,
	HOP_MAX = 64,
	WINDOW = 8,
	PAST_MAX = 5, /* states of an entry that a follower may still tell */
	ENTRY_MAX = 256,
	TABLE_MS = 40,
	COND_TIMEOUT = 1,
	COND_INTERNAL,
	COND_BUSY,
	COND_REJECT,
	COND_REACH
};

struct record {
	uint8_t sender;
	uint8_t pair;
	bool poison;
	bool refuse; /* by every next hop */
	bool sender_lost;
	bool good; /* sent when all was well */
	bool forgotten; /* its sender sends it another way */
	uint32_t boot;
	uint16_t writes;
	uint16_t refused; /* by a next hop */
	uint16_t undelivered;
	uint16_t settled;
	uint64_t epoch; /* of the last write */
};

struct frame_in_flight {
	struct frame_in_flight *next;
	uint64_t at;
	size_t len;
	char bytes[];
};

struct end {
	struct conn *conn;
	struct node *node;
	struct link_peer *peer;
	bool open;
	bool pending; /* the node has not accepted it yet */
	bool congested;
	uint64_t fin_at; /* the far end is closed: noticed then; 0: it is not */
	uint64_t last_at;
	struct frame_in_flight *in; /* sorted by time */
};

struct conn {
	struct conn *next;
	struct end ends[2]; /* inner, outer */
};

/* Handed to a connection; with the next hop. */
enum entry_state { QUEUED, HANDED, WRITTEN };

struct entry {
	enum entry_state state;
	uint64_t seq;
	uint32_t record;
	bool refuse;
	uint64_t at;
};

/* A next hop's stream for one channel. */
struct hop {
	uint64_t channel;
	unsigned pair;
	struct node *from;
	unsigned n;
	struct entry q[HOP_MAX];
	uint64_t vanish_at; /* link_unreachable(); 0: never */
	uint64_t last_seq;
};

enum table_kind { TABLE_QUESTION, TABLE_ANSWER, TABLE_NEWS };

struct table_event {
	struct table_event *next;
	uint64_t at;
	enum table_kind kind;
	struct node *node; /* who asks or is told */
	uint32_t boot;
	uint64_t ticket;
	enum link_answer answer;
	unsigned pair;
	uint64_t revision;
	size_t len, old_len;
	char value[]; /* and the one that it is to replace */
};

struct table_value {
	uint64_t revision;
	size_t len;
	char bytes[ENTRY_MAX];
};

struct table_entry {
	struct table_value past[PAST_MAX]; /* the last one is that of now */
	unsigned n_past;
};

struct node {
	struct world *w;
	unsigned index;
	enum link_role role;
	char id[32];
	struct link *l;
	uint32_t boot;
	uint64_t paused_until;
	uint64_t restart_at; /* not 0: it is down until then */
	uint64_t drain_until;
	uint64_t table_cut_until;
	bool cut; /* its engine knows that no carrier works */
	uint64_t died_at;
	bool gone; /* for ever */
	uint64_t event; /* when it has something to do; see sim_touch() */
	bool touched;
	uint32_t expelled; /* the boot that was */
	uint64_t hand_back_at; /* while it drains: gives back what no node has; 0: never */
	uint64_t dial_at[NODES_MAX];
	uint64_t send_at[PAIRS_MAX];
	bool blocked[PAIRS_MAX];
	struct hop *hops;
	size_t n_hops, cap_hops;
};

struct world {
	uint64_t random;
	uint64_t now;
	uint64_t wall_shift;
	const char *wrong;
	struct sim_totals *totals;
	bool calm; /* no more faults */
	bool disturbed; /* exactly once cannot be expected */
	/* What this schedule may do. */
	bool lossy;
	unsigned loss, repeat, delay;
	bool slow_hops, slow_readers, rejects, vanishing, late_acks, congestion, no_choice, poison,
		short_idle;
	bool shared, alone; /* the inners share a lease table; they may go without it */
	bool loses_inner; /* the first inner that dies does not come back */
	unsigned table_loss, table_stale;
	unsigned n_inner, n_nodes, n_pairs;
	uint64_t apart_until[NODES_MAX][NODES_MAX];
	struct node nodes[NODES_MAX];
	struct node *doomed; /* never comes back from doom_at on; NULL: nobody */
	uint64_t doom_at;
	struct conn *conns;
	struct table_entry table[PAIRS_MAX];
	uint64_t table_revision;
	uint64_t table_down_until;
	uint64_t bus_down_until; /* no carrier works */
	struct table_event *table_events; /* sorted by time */
	struct record records[RECORDS_MAX];
	uint32_t n_records;
	uint32_t max_records;
	/* Highest record of (sender, pair) that was written: first writes keep the order. */
	uint32_t last_written[NODES_MAX][PAIRS_MAX];
};

/* A line of the story, when one seed is replayed. */
#define TELL(w, ...)                                                                               \
	do {                                                                                       \
		if (sim_telling) {                                                                 \
			fprintf(stderr, "%lu ", (w)->now);                                         \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
		}                                                                                  \
	} while (0)
extern bool sim_telling;
extern const struct str sim_foreign[PAIRS_MAX];
extern const struct str sim_local;

static inline uint64_t rnd(struct world *w)
{
	uint64_t z = (w->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline unsigned below(struct world *w, unsigned n)
{
	return (unsigned)(rnd(w) % n);
}

static inline bool chance(struct world *w, unsigned percent)
{
	return below(w, 100) < percent;
}

static inline void fail(struct world *w, const char *what)
{
	if (!w->wrong)
		w->wrong = what;
}

static inline struct link_pair pair_of(unsigned i)
{
	return (struct link_pair){ sim_local, sim_foreign[i] };
}

static inline unsigned pair_index(struct world *w, struct link_pair p)
{
	for (unsigned i = 0; i < w->n_pairs; i++) {
		if (str_eq(p.foreign, sim_foreign[i]) && str_eq(p.local, sim_local))
			return i;
	}
	fail(w, "unknown pair");
	return 0;
}

/* Something happened to this node: when it has to run next must be computed again. */
static inline void sim_touch(struct node *n)
{
	n->touched = true;
}

static inline bool is_up(const struct node *n)
{
	return n->l && n->paused_until <= n->w->now;
}

/* sim_carrier.c: connections. */
void sim_send(void *user, void *carrier, struct str head, struct str body);
void sim_close(void *user, void *carrier, const char *reason);
bool sim_can_send(void *user, void *carrier);
void sim_drop_frames(struct end *e);
/* This end is closed; the far one will notice unless the silence is complete. */
void sim_close_end(struct world *w, struct end *e, bool noticed);
void sim_dial(struct world *w, struct node *inner, struct node *outer);
/* Everything that is due at this end. */
void sim_run_end(struct world *w, struct end *e);
void sim_free_dead_conns(struct world *w);

/* sim_table.c: the shared lease table. */
void sim_ask(void *user, uint64_t ticket, struct link_pair pair, uint64_t revision, struct str old,
	struct str value);
/* Everything that is due. */
void sim_run_table(struct world *w);
void sim_table_fault(struct world *w);
struct str sim_table_value(struct world *w, unsigned pair);
void sim_check_lease(struct node *writer, const struct record *r);
void sim_table_done(struct world *w);

/* sim_program.c: what the programs do with records. */
extern const struct link_ops sim_ops;
/* The node is isolated: it may forget some of its records. */
void sim_forget(struct node *n);
/* A record that nobody refuses. */
void sim_send_good(struct node *n, unsigned pair);
void sim_send_some(struct node *n, unsigned pair);
void sim_run_hop(struct node *n, struct hop *h);
uint64_t sim_hop_event(const struct world *w, const struct hop *h);

#endif
