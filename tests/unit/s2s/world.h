/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world without sockets for faces: nodes, the wires between them, wires whose other end is
 * a script, a fake TLS, and a clock that the test turns. Everything that a face reports is kept.
 */
#ifndef TEST_S2S_WORLD_H
#define TEST_S2S_WORLD_H

#include "base/list.h"
#include "s2s/face.h"

struct world;

/* One end of a connection. */
struct wire {
	struct list link;
	struct node *node; /* NULL: the script's end */
	struct s2s_stream *stream;
	struct wire *other;
	struct buf in; /* on the way to this end */
	struct buf seen; /* script's end: everything that arrived */
	unsigned writes; /* calls of ops->write on this end */
	uint64_t written;
	uint64_t taken;
	bool tls; /* done on this end */
	bool wants_tls; /* start_tls was called */
	bool paused;
	bool closing; /* ops->close was called */
	bool cut; /* ops->cut was called */
	bool cut_all; /* likewise, with what the kernel has */
	bool dead; /* s2s_closed was reported, or the script hung up */
	bool stuck; /* the kernel takes nothing from this end */
	struct str sni;
};

struct node {
	struct world *world;
	struct s2s_face *face;
	const char *name;
	const char *domains; /* space separated: what it plays */
	const char *trusted; /* domains that the other side's certificate proves */
	const char *denied; /* domains that it is known not to belong to */
	bool later; /* what it proves is not known yet */
	enum s2s_proof proof; /* how it proves; none: pkix */
	unsigned asked; /* times that it was judged */
	unsigned asks_most; /* keys of one address that may be asked about; 0: any number */
	unsigned asks;
	unsigned answers_most; /* questions of one address that may be answered; 0: any number */
	unsigned answers;
	const char *bad_pairs; /* us>them pairs that the rule forbids */
	bool no_tls; /* rule: TLS is not required */
	bool no_pkix;
	bool no_dialback;
	bool bidi; /* rule: one stream may carry both directions */
	bool share; /* rule: a pair may use another pair's stream */
	const char *component; /* rule: b.example and these of theirs go by one; the first leads */
	bool component_b2; /* rule: so do b2.example and these, with TLS */
	bool redirect; /* rule: see-other-host is followed */
	bool led_elsewhere; /* the next connect leads to the host that a peer named */
	unsigned tls_waits; /* times that its handshake is said to wait for a thread */
	bool no_creds; /* no certificate for what it plays */
	bool refuse_connect;
	bool hold_connect; /* leave connects unanswered */
	bool direct_tls; /* connects with TLS from the start */
	bool vanished; /* give_up says yes: nothing that it writes comes through */
	bool fenced; /* may_write says no */
	uint64_t gone; /* likewise, of this channel; 0: of none */
	unsigned room; /* stanzas before ops->stanza says there is no more; 0: unlimited */
	struct node *routes_to; /* where its connections lead; NULL: to a script */
	bool hold_receipts; /* stanzas are handled only when the test says so */
	uint64_t receipts[64]; /* of those, oldest first */
	unsigned n_receipts;
	bool bounce; /* answers each stanza with another one, from within the callback */
	/* what happened */
	struct buf log; /* one line an event: "stream-closed bad-xml" */
	struct buf stanzas; /* one line a stanza: "them>us proof body" */
	unsigned received;
	unsigned excess[S2S_EXCESS_COUNT]; /* of these */
	unsigned sent;
	unsigned unsent;
	struct s2s_token last_sent;
	struct s2s_token last_unsent;
	enum s2s_failure last_failure;
	const char *last_text;
	unsigned named;
	struct s2s_stream *connecting[16]; /* oldest first */
	unsigned n_connecting;
	unsigned connects;
	unsigned cancels;
};

struct world {
	uint64_t now;
	struct list wires;
	bool byte_by_byte;
	struct s2s_settings settings;
};

void world_init(struct world *w, bool byte_by_byte);
void world_done(struct world *w);
void node_init(struct node *n, struct world *w, const char *domains);
/* Closes its wires and frees the face. */
void node_done(struct node *n);

/* Moves everything that can move. */
void world_run(struct world *w);
/* Turns the clock forward, ticking whenever a deadline is due. */
void world_wait(struct world *w, struct node **nodes, uint64_t ms);

/* A script connects to the node; the result is the script's end. */
struct wire *script_connect(struct node *n, bool direct_tls);
/* The node's face wanted a connection: the script accepts it (the script's end) or refuses it. */
struct wire *script_accept(struct node *n);
/* The address is that of this connection: asks the face to share it. False: it does not. */
bool script_share(struct node *n, struct wire *script);
/* Sends bytes and lets the world run. */
void script_send(struct wire *script, const char *bytes);
/* The script does its part of the handshake. */
void script_tls(struct wire *script);
void script_hang_up(struct wire *script);
/* Forgets both ends of a connection that is over; without it they stay until world_done(). */
void script_done(struct wire *script);
/* What arrived since the last look; it is consumed. Valid until the next look. */
const char *script_look(struct wire *script);

/* Fails the test unless the text has the part. */
#define assert_has(text, part) world_has((text), (part), true, __FILE__, __LINE__)
#define assert_lacks(text, part) world_has((text), (part), false, __FILE__, __LINE__)
void world_has(const char *text, const char *part, bool wanted, const char *file, int line);
const char *node_log(struct node *n);
const char *node_stanzas(struct node *n);

bool node_send(struct node *n, const char *us, const char *them, const char *body, uint64_t channel,
	uint64_t seq);

#endif
