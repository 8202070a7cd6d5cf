/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outer and inner have in common: one loop, one face, one link engine, and the relay
 * between them. What differs is a struct node_role, given by each program; the two programs never include
 * each other.
 *
 *	net_conn ──► transport ──► s2s face ──► relay ──► record ──► link ──► carrier ──► net_conn
 *	         ◄──           ◄──          ◄──       ◄──        ◄──      ◄──
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "base/arena.h"
#include "base/list.h"
#include "config/config.h"
#include "link/link.h"
#include "base/heap.h"
#include "base/json.h"
#include "net/conn.h"
#include "node/pace.h"
#include "policy/loop.h"
#include "policy/questions.h"
#include "policy/wave.h"
#include "policy/proof.h"
#include "record/record.h"
#include "route/route.h"
#include "s2s/face.h"

struct node;
struct transport;
struct dial;
struct probe;

struct node_target {
	struct net_addr addr;
	bool direct_tls;
	uint16_t port;
	char host[256]; /* whose address it is, as an A-label name; empty: not from DNS */
};

struct node_role {
	enum config_role config;
	enum link_role link;
	const char *program; /* "sallyport-outer" */
	/* Starts and stops what only this role has; start returns false with a message in err. */
	bool (*start)(struct node *n, char *err, size_t err_size);
	void (*stop)(struct node *n);
	/* Takes over a new configuration (node->config is the new one); false: cannot, message in err,
	 * the old state must be untouched then. */
	bool (*reload)(struct node *n, char *err, size_t err_size);
	/* The link's question to the lease table (struct link_ops), with `leases shared`. */
	void (*ask)(struct node *n, uint64_t ticket, struct link_pair pair, uint64_t revision,
		struct str old, struct str value);
	/* Does this node play the domain on its face? */
	bool (*plays)(struct node *n, struct str us);
	/* Is this the address of a peer that the configuration names? Limits by address do not count for it. NULL:
	 * there are none. */
	bool (*trusts)(struct node *n, const struct net_addr *addr);
	struct s2s_rule (*rule)(struct node *n, struct str us, struct str them);
	/* What them has to prove to us: a statement that refuses when they may not take part. */
	struct config_peer (*proofs)(struct node *n, struct str us, struct str them);
	/*
	 * What others than the certificate's issuer say about it: fills the rows of DANE and POSH that
	 * wanted (bits of enum config_proof) asks for. Where it leaves PROOF_PENDING, transport_proved()
	 * follows, unless evidence_cancel() came first. NULL: there is no such evidence.
	 */
	void (*evidence)(struct node *n, struct transport *t, struct str us, struct str them,
		unsigned wanted, struct proof_table *table);
	void (*evidence_cancel)(struct node *n, struct transport *t);
	/* For `sallyport test-peer`: members of an open object about what evidence() knows of them. NULL: nothing. */
	void (*describe)(struct node *n, struct str them, struct json *j);
	/* A stream has named the pair: what evidence() will need may be looked up already. NULL: never. */
	void (*expect)(struct node *n, struct str us, struct str them);
	/* Credentials for a domain that we play, a new reference; NULL: none. */
	struct net_creds *(*creds)(struct node *n, struct str us);
	/* What proves that we are the component us of the server of them (s2s/face.h). NULL: there are none. */
	bool (*handshake)(
		struct node *n, struct str us, struct str them, struct str id, char ret_hex[41]);
	/* The configuration is in force: opens the streams that are to be open always. NULL: there are none. */
	void (*keep)(struct node *n);
	/* Looks the server of them up and calls node_dial_targets() or node_dial_failed(), now or later. */
	void (*lookup)(struct node *n, struct dial *d);
	void (*lookup_cancel)(struct node *n, struct dial *d);
};

enum dial_failure {
#define X(id, step, failure, text, cure) id,
#include "node/dial_failure.def"
#undef X
};

/* One outgoing connection attempt for a stream of the face: look-up, then each target in turn. */
struct dial {
	struct list link; /* in node->dials */
	struct node *node;
	struct s2s_stream *stream; /* NULL: cancelled */
	struct str us;
	struct str them;
	struct str host; /* where a redirect leads instead of the domain's own servers, or empty */
	struct node_target *targets;
	size_t n_targets;
	size_t next;
	struct net_conn *conn;
	struct pace_turn turn;
	bool observed; /* by node->probe */
	enum dial_failure failure; /* the latest */
	struct net_timer *timer;
	void *lookup; /* the role's */
};

struct node_counters {
#define NODE_COUNTERS(X)                                                                           \
	X(stanzas_in, "stanzas read from the face and sent on the link")                           \
	X(records_in, "records from the link written to the face")                                 \
	X(stripped, "payload elements and attributes that the record had no place for")            \
	X(refused, "stanzas refused with an error")                                                \
	X(bounced, "error stanzas made for undelivered records")                                   \
	X(bounces_lost, "error stanzas that could not be delivered themselves")                    \
	X(unanswerable, "refused or undelivered stanzas that may not be answered")                 \
	X(rejected, "records rejected by our policy")                                              \
	X(bad_records, "records that the far node never may send")                                 \
	X(alarms, "violations of the link protocol")
#define X(name, help) uint64_t name;
	NODE_COUNTERS(X)
#undef X
};

struct carrier;
struct control;

struct node {
	const struct node_role *role;
	void *role_state;
	const char *config_path;
	struct config *config;
	struct net_loop *loop;
	struct net_timer *timer;
	uint64_t now;
	uint64_t started;
	uint64_t boot_id;
	uint64_t next_trace;

	struct xml_dict *dict;
	struct s2s_ops face_ops;
	struct link_ops link_ops;
	struct s2s_face *face;
	struct link *link;
	struct carrier *carrier;
	struct control *control;
	struct gate *gate; /* of the face */
	struct gate *link_gate;
	bool memory_short;
	bool tight; /* windows of the link are */
	uint64_t relieve_at; /* when streams may be ended for it again */

	struct net_tls *tls; /* for the face */
	struct list half_applied; /* of reload.c */
	struct list listeners; /* of the face */
	struct list watchers; /* trace.c */
	struct list dials;
	struct pace pace;
	struct list transports;
	struct probe *probe; /* `sallyport test-peer`, while it runs */
	struct list closing_probes; /* have said all, and close their streams */
	bool observing; /* the dial that begins now is the probe's */
	struct heap rechecks; /* of transports, by the time when their proofs are judged again */
	/* Addresses that transport_another() found, for the dial_start() that follows at once. */
	struct node_target *spare;
	size_t n_spare;
	struct str redirect; /* likewise: a host */

	struct str secrets[4]; /* dialback; the first makes keys, all are accepted */
	unsigned n_secrets;

	struct route_rule *routes; /* the configuration's, for choose_peer() */
	size_t frame_bytes; /* largest frame on the link */
	struct arena arena; /* one record at a time */
	struct buf scratch; /* encoded record or XML of one stanza */
	struct buf scratch2;
	struct list deferred; /* link_unreachable() that may not run inside a link callback */
	uint64_t expect_tokens; /* token bucket for early opening */
	uint64_t expect_at;

	uint64_t load; /* thousandths of one processor, lately */
	uint64_t load_at, load_cpu; /* when it was measured, and the processor time until then */

	struct node_counters counters;
	uint64_t rule_hits[CONFIG_RULES + 1]; /* the last one: statements about addresses */
	struct policy_loop loops;
	struct policy_questions questions;
	struct policy_waves waves;
	bool draining; /* a signal asked for the end */
	bool unreachable; /* draining, and the listeners could not be opened again */
	bool resting; /* `sallyport drain` of this node: it does not listen, far nodes take their pairs elsewhere */
	bool isolated; /* no far node is heard, and another node can serve: it does not listen (isolation.h) */
	uint64_t isolated_since;
	uint64_t listen_at; /* when it tries to listen again, if that failed */
	bool closing; /* the link is flushed: the streams of the face end */
	bool stopped; /* drained, the loop ends */
	uint64_t drain_since;
	int exit_code;
};

/* The pair of a face's us and them, and back. */
static inline struct link_pair node_pair(const struct node *n, struct str us, struct str them)
{
	if (n->role->link == LINK_OUTER)
		return (struct link_pair){ .local = us, .foreign = them };
	return (struct link_pair){ .local = them, .foreign = us };
}

static inline struct str node_us(const struct node *n, struct link_pair p)
{
	return n->role->link == LINK_OUTER ? p.local : p.foreign;
}

static inline struct str node_them(const struct node *n, struct link_pair p)
{
	return n->role->link == LINK_OUTER ? p.foreign : p.local;
}

/* The whole life of a daemon: arguments, configuration, node_run(). Returns the exit code. */
int node_main(int argc, char **argv, const struct node_role *role);
/* Runs until a signal ends it; takes c, which was read from path. Returns the exit code. */
int node_run(const struct node_role *role, const char *path, struct config *c);

/* For roles: the answer to lookup(). targets are copied; n at least 1. */
void node_dial_targets(struct dial *d, const struct node_target *targets, size_t n);
void node_dial_failed(struct dial *d, enum dial_failure failure);

#endif
