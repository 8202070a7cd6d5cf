/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the link engine: what engine.c (life, time), records.c, peer.c and greeting.c (connections), frame.c
 * and frame_write.c (bytes), tx.c (sending channels) and rx.c (receiving channels) share. Nobody else includes it.
 *
 *	         link_send()                    ops->deliver()
 *	             |                                ^
 *	            tx  one per pair                 rx  one per pair and sender
 *	   owner     |                                |
 *	             v                                |
 *	           peer  ---- frames (frame.c) ---->  peer
 *
 * Timers are queues of entries with one constant delay each, so that a tick looks only at
 * what is due.
 */
#ifndef LINK_ENGINE_H
#define LINK_ENGINE_H

#include "base/list.h"
#include "base/table.h"
#include "link/fifo.h"
#include "link/frame.h"
#include "link/link.h"

enum {
	DOMAIN_BYTES_MAX = 1023,
	PAIR_KEY_MAX = 2 * DOMAIN_BYTES_MAX + 1,
	DOMAINS_MAX = 4096, /* announced by an inner */
	TEXT_BYTES_MAX = 128, /* of a reject or reach */
	REJECT_BYTES_MAX = TEXT_BYTES_MAX + 32, /* of a reject in a report, with all heads */
	REWIND_MS = 20, /* at most one rewind of a channel, or nak for it, in this time */
	RENEW_SLOWEST_MS = 1000, /* between new epochs that the far node asks for in vain */
	HELLO_MS = 10000, /* a connection that is not up by then is closed */
	PROBE_SLOWEST = 16, /* stalled channels are probed at stall_ms times 1, 2, ... this */
};

/* An entry of a queue of equal delays. */
struct link_timer {
	struct list link;
	uint64_t at;
};

static inline bool timer_armed(const struct link_timer *t)
{
	return !list_empty(&t->link);
}

static inline void timer_start(struct list *queue, struct link_timer *t, uint64_t at)
{
	list_remove(&t->link);
	t->at = at;
	list_append(queue, &t->link);
}

/* The first entry of the queue if it is due, removed from it; or NULL. */
static inline struct link_timer *timer_due(struct list *queue, uint64_t now)
{
	if (list_empty(queue))
		return NULL;
	struct link_timer *t = LIST_OWNER(queue->next, struct link_timer, link);
	if (t->at > now)
		return NULL;
	list_remove(&t->link);
	return t;
}

/* A pair with its own copy of the names; the key is also that of the tables. */
struct pair_name {
	struct link_pair pair;
	struct str key; /* local, NUL, foreign */
};

void pair_name_init(struct pair_name *name, struct link_pair pair);
void pair_name_done(struct pair_name *name);
/* Writes the key of a pair into space; the lengths are checked already. */
struct str pair_key(struct link_pair pair, char space[PAIR_KEY_MAX]);

struct link {
	struct link_settings set; /* node and domains are copies */
	struct link_ops ops;
	void *user;
	struct list peers;
	size_t n_peers;
	struct link_peer **live; /* room for n_peers, for ops->choose */
	struct link_peer *lost; /* the last that was up and is not any more, or NULL */
	uint64_t last_now;
	uint64_t next_beat;
	uint64_t epoch; /* highest ever used by us */
	uint64_t seq_base; /* where a new channel starts to count */
	bool draining;
	bool lets_go; /* of leases that nothing needs */
	unsigned tight; /* windows end at this part of them */
	uint32_t catalogue; /* that all nodes which are up have */

	struct list txs;
	struct table tx_by_pair;
	struct link_tx *last_tx; /* used last: spares the hash in a run of one pair */
	struct link_tx **tx_by_number;
	uint32_t *free_numbers;
	size_t n_free;
	size_t n_numbers; /* ever used; tx_by_number has room for cap_numbers */
	size_t cap_numbers;
	size_t tx_records; /* retained in all channels */
	struct list orphans; /* channels with records and without owner */
	uint64_t orphans_at; /* next look at them; 0: now */
	uint64_t awaited_at; /* next look at what waits for nodes that are awaited */
	struct list due; /* channels whose records are to be handed back at the next tick */
	struct list overflow; /* records that found no room, likewise */
	struct fifo_pool pool;
	struct list stall_timers;
	struct list leave_timers;
	struct list tx_idle_timers;

	/* The shared lease table (tx_table.c), if there is one. */
	uint64_t started; /* our first look at the clock */
	uint64_t questions; /* asked so far, for tickets */
	unsigned n_asked; /* that are under way */
	bool table_down; /* the last one was not answered */
	size_t n_leases; /* channels that have or may have a row in the table */
	struct list unasked; /* questions that wait for one under way to end */
	struct list ask_timers;
	struct list retry_timers;
	struct list seal_timers;
	struct list stay_timers;
	struct expelled *expelled;
	size_t n_expelled;

	struct rx_slot **rx_slots; /* by the low bits of a channel id */
	struct rx_slot *rx_free;
	size_t n_rx_slots;
	size_t rx_untaken;
	struct list ack_timers;
	struct list rx_idle_timers;

	struct buf scratch; /* frames that do not fit a small array */
	struct frame_reject *rejects; /* of the report being read */
	size_t cap_rejects;
	struct frame_reject *out_rejects; /* of the report being written */
	size_t cap_out_rejects;
	struct {
		const char *detail; /* what exactly was wrong, or NULL */
		uint64_t channel, epoch, seq;
	} fault;
};

enum peer_state {
	PEER_DOWN, /* no connection */
	PEER_CONNECTED, /* nothing heard yet */
	PEER_GREETED, /* its hello is here; not known whether it has ours */
	PEER_UP,
};

struct link_peer {
	struct link *l;
	struct list link;
	struct str id;
	void *carrier;
	enum peer_state state;
	const char *why; /* it went down, for the status */
	bool silent; /* it was up, and was lost because nothing came any more */

	/* From its hello; kept while it is down. */
	bool known;
	uint64_t boot;
	struct frame_limits limits;
	struct str *domains; /* sorted */
	size_t n_domains;

	uint64_t connected_at;
	enum link_cut cut; /* its carrier is down */
	uint64_t heard; /* when the last frame came */
	uint64_t silent_since; /* its silence counts from then on; dead: dead_ms + grace_ms later */
	unsigned grace_ms;
	uint64_t hello_at; /* when we last sent ours */
	uint64_t far_time; /* the time in its last hello, to be echoed */
	bool hello_seen_sent;
	unsigned hello_repeats; /* still to be sent: the domains changed */
	bool replaced; /* this connection pushed out one that was up */
	bool leased; /* lease is valid: our own time that the far node echoed last */
	uint64_t lease;
	bool fenced; /* all receiving channels are revoked until the lease comes back */
	bool draining;
	unsigned version; /* of the protocol, as both hellos say */
	uint32_t catalogue; /* its own */
	struct str release; /* as it says, or empty */
	uint64_t load;
	uint64_t others; /* nodes of our role that could serve in our place, as it said last */
	unsigned beats; /* until the next about */
	char mismatch[160]; /* versions that do not fit */
	bool aside; /* an operator wants no pairs of ours there (link_set_aside) */
	uint64_t rtt;

	struct list owned; /* sending channels that it owns */
	struct list ready; /* those with something to send now, taking turns */
	struct list rxs;
	struct table rx_by_pair;
	struct link_rx **rx_by_number;
	size_t cap_numbers;

	uint64_t frames_in, frames_out, bytes_in, bytes_out, connections, faults;
};

/* peer.c */
struct link_peer *peer_new(struct link *l, struct str id);
void peer_free(struct link_peer *p);
/* NULL: no such node was ever connected. */
struct link_peer *peer_find(const struct link *l, struct str id);
void peer_start(struct link_peer *p, void *carrier, uint64_t now);
/* silent: not because the far process ended it. */
void peer_down(struct link_peer *p, const char *why, bool silent);
/* Tells the far node why (a close frame), closes the connection, sounds the alarm. */
void peer_fault(struct link_peer *p, enum link_fault fault);
void peer_send(struct link_peer *p, struct str head, struct str body);
bool peer_may_send(struct link_peer *p);
/* Revokes the receiving channels if the lease has run out. True: it holds. */
bool peer_lease(struct link_peer *p, uint64_t now);
bool peer_lease_holds(const struct link_peer *p, uint64_t now);
/* The far node heard us at this time of ours, or later. */
void peer_renew_lease(struct link_peer *p, uint64_t time, uint64_t now);
/* After a stop of our own nobody is called dead before it had the time to be heard. */
void engine_notice_pause(struct link *l, uint64_t now);
/* It would be dead, but keeps its pairs: its carrier is down, and nobody else is there to take them. */
bool peer_is_awaited(const struct link_peer *p, uint64_t now);
void peer_tick(struct link_peer *p, uint64_t now);
void peer_beat(struct link_peer *p, uint64_t now);
uint64_t peer_deadline(const struct link_peer *p);
/* Sends what the ready channels have, while the carrier takes it. */
void peer_pump(struct link_peer *p, uint64_t now);

/* greeting.c */
void peer_send_hello(struct link_peer *p, uint64_t now);
/* It sent what only a node sends that has our hello. */
void peer_confirmed(struct link_peer *p, uint64_t now);
/* What a person likes to know of this node, and what the far node cannot know of its own like. */
void peer_say_about(struct link_peer *p);
void peer_forget_domains(struct link_peer *p);
/* The catalogue that all have who are up: whoever comes back may be of an older release. */
void link_agree_catalogue(struct link *l);

/* others.c */
/* How many other far nodes could have what this one has of us now. */
uint64_t others_than(const struct link_peer *p);
/* They may be told another number with the next heartbeat. */
void others_changed(struct link *l);

/* Handlers of frames (frame.h has the table). */
enum link_fault peer_on_hello(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault peer_on_heartbeat(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault peer_on_echo(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault peer_on_about(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault peer_on_drain(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault peer_on_close(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault rx_on_open(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault rx_on_data(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault tx_on_ack(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault tx_on_nak(struct link_peer *p, const union frame *f, uint64_t now);
enum link_fault tx_on_reach(struct link_peer *p, const union frame *f, uint64_t now);

/* tx.c */
struct tx_refusals;
struct tx_lease;

struct link_tx {
	struct link *l;
	struct list link; /* in l->txs */
	struct pair_name name;
	uint32_t number;
	struct link_peer *owner;
	struct list owned; /* in owner->owned, l->orphans or l->due, or alone */
	struct list ready; /* in owner->ready or alone */
	uint64_t epoch;
	uint64_t una; /* oldest record kept */
	uint64_t send; /* next to send */
	uint64_t high; /* next that never was sent */
	uint64_t next; /* next to be queued */
	uint64_t have; /* last that the owner has received in order */
	size_t sent_bytes; /* of una to send - 1 */
	struct fifo q;
	bool need_open;
	bool confirmed; /* the owner has spoken of this epoch: it must not begin it again */
	bool expect; /* the next open asks for the next hop's stream */
	bool blocked; /* the program waits for ops->writable */
	bool waiting; /* in l->orphans */
	/* Its place (tx_place.c). */
	enum link_why why;
	struct link_peer *from; /* the owner before, or NULL */
	uint64_t placed_at;
	struct link_peer *pinned; /* by an operator, or NULL */
	bool held; /* it shall leave: nothing new goes to the owner for a moment */
	struct link_timer leave; /* the end of that moment */
	uint64_t progress_at;
	uint64_t probed_at;
	unsigned probe_gap;
	uint64_t rewound_at;
	uint64_t renewed_at; /* epoch, on demand of the far node */
	unsigned renew_ms; /* until it may be again; 0: something was taken since */
	uint64_t used_at;
	struct link_timer stall;
	struct link_timer idle;
	struct tx_refusals *refusals;
	struct tx_lease *lease; /* NULL: the table was not asked yet, or there is none */
	uint64_t sent, acked, rejected, resent;
};

struct link_tx *tx_find(const struct link *l, struct link_pair pair);
/* NULL when there are channels_max. */
struct link_tx *tx_get(struct link *l, struct link_pair pair, uint64_t now);
void tx_free(struct link_tx *tx);
bool tx_has_room(const struct link_tx *tx);
/* Something to send to the owner, as far as the window goes. */
bool tx_sendable(const struct link_tx *tx);
/* Sends at most one turn's share. */
void tx_burst(struct link_tx *tx, uint64_t now);
void tx_make_ready(struct link_tx *tx);
void tx_append(struct link_tx *tx, const struct link_out *out, uint64_t now);
/* Chooses an owner for a channel that has none. */
void tx_assign(struct link_tx *tx, uint64_t now);
/* Takes all channels away from a node that is dead or another process now. */
void tx_release_all(struct link_peer *p, enum link_why why, uint64_t now);
/* The same with some of them, so that the pairs of other nodes wait no longer than some milliseconds. */
void tx_release_some(struct link_peer *p, enum link_why why, uint64_t now);
/* It is another process now, which may reach what the last one could not. */
void tx_forget_refusals(struct link_peer *p);
/* The owner is connected again: go on after what it has. */
void tx_resume_all(struct link_peer *p, uint64_t now);
void tx_drain_all(struct link_peer *p, uint64_t now);
void tx_retry_orphans(struct link *l, uint64_t now);
/* A record is about to be queued, or expected: was the channel idle so long that it may go where it belongs? */
void tx_go_home(struct link_tx *tx, uint64_t now);
/* The time to hold records back is over for some that shall leave. */
void tx_stop_holding(struct link *l, uint64_t now);
/* Gives up all records that no node can take now. */
void tx_hand_back(struct link *l, uint64_t now);
void tx_overflow(struct link *l, struct link_pair pair, const struct link_out *out);
void tx_tick(struct link *l, uint64_t now);
void tx_done(struct link *l);
/* Is there a table, and are we one of those that share it? */
bool tx_shared(const struct link *l);
/* Leases of channels that are not needed go back: this node is about to end. */
void tx_drain_own(struct link *l, uint64_t now);
bool tx_drained_own(const struct link *l);

/* rx.c */
enum rx_state {
	RX_OPEN,
	RX_REVOKED, /* fenced: this epoch is over, records not taken were dropped */
	RX_GAVE_UP, /* link_unreachable() */
};

struct rx_entry {
	uint32_t size;
	bool done;
};

/* A receiving channel's place in the table of ids: generation << RX_SLOT_BITS | index. */
enum { RX_SLOT_BITS = 24 };
struct rx_slot {
	struct link_rx *rx; /* NULL: free */
	uint64_t id;
	struct rx_slot *next_free;
};

struct rx_reject {
	uint64_t seq;
	unsigned condition;
	const char *text;
};

struct link_rx {
	struct link_peer *peer;
	struct list link; /* in peer->rxs */
	struct pair_name name;
	struct rx_slot *slot;
	uint32_t number;
	enum rx_state state;
	uint64_t epoch;
	uint64_t taken; /* all up to here are taken or rejected */
	uint64_t next; /* next to deliver */
	uint64_t una; /* the sender has seen our word on all below */
	struct rx_entry *ring; /* taken + 1 to next - 1, by seq & (cap - 1) */
	size_t cap;
	size_t bytes; /* of taken + 1 to next - 1 */
	unsigned outstanding; /* delivered, neither taken nor rejected */
	struct rx_reject *rejects; /* sorted by seq */
	size_t n_rejects, cap_rejects;
	unsigned unacked;
	struct link_timer ack;
	struct link_timer idle;
	uint64_t used_at;
	uint64_t answered_at; /* last nak or reach */
	unsigned reach_condition;
	const char *reach_text;
	uint64_t delivered, rejected, repeated;
};

struct link_rx *rx_find(const struct link *l, uint64_t channel);
void rx_free(struct link_rx *rx);
/* The lease ran out, or the sender is another process now (then they are forgotten). */
void rx_revoke_all(struct link_peer *p);
void rx_forget_all(struct link_peer *p);
void rx_done(struct link_rx *rx, uint64_t seq, uint64_t now);
void rx_reject(struct link_rx *rx, uint64_t seq, unsigned condition, const char *text);
void rx_give_up(struct link_rx *rx, unsigned condition, const char *text, uint64_t now);
void rx_flush(struct link *l, uint64_t now);
void rx_tick(struct link *l, uint64_t now);

#endif
