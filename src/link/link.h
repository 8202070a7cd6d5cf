/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link protocol, one engine per node: channels, windows, epochs, fencing,
 * acknowledgements, resend, rejects, reach and drain. Pure: bytes and time come in,
 * frames and decisions go out through struct link_ops. doc/link.md is the
 * reference of the wire format.
 *
 * A pair is (local domain, foreign domain). A node sends on one channel of each pair and
 * receives on the other: inner sends outbound records and receives inbound
 * ones, outer the reverse. A record belongs to the engine from link_send() until the
 * far node acknowledged it, or until the engine hands it back through ops->undelivered.
 *
 * Callbacks run inside link_input(), link_tick(), link_hand_back() and link_drop(), and link_fence() calls ops->revoke.
 * Besides, link_connected(),
 * link_disconnected() and link_undrain() may call ops->send, ops->close and ops->peer_state; link_send(),
 * link_expect(), link_answered(), link_told(), link_expel(), link_move() and link_set_aside() only ops->send,
 * ops->can_send, ops->wall_ms, ops->choose and ops->ask; every other function only ops->send and ops->can_send
 * (link_each_channel() ops->choose). A callback may call any function of a channel or a pair (link_send() to
 * link_may_write()), but not link_input(), link_tick(), link_fence(), link_hand_back(), link_drop(), link_connected(),
 * link_disconnected(), link_carrier_writable(), link_answered(), link_told(), link_expel(), an operator's order or
 * link_free(); and ops->send, ops->can_send, ops->wall_ms, ops->choose and ops->ask may call nothing at all.
 *
 * All times named now are milliseconds of one monotonic clock that never stands still.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/buf.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "base/str.h"

enum link_role { LINK_OUTER, LINK_INNER };

struct link; /* one node's engine */
struct link_peer; /* a far node with a carrier connection (or a past one) */

struct link_settings {
	enum link_role role;
	struct str node; /* our id; it and the domains are copied */
	uint64_t boot_id; /* random per process */
	const struct str *domains; /* inner: local domains served, announced in hello; up to 4096 */
	size_t n_domains;
	uint32_t
		catalogue; /* record_catalogue_version(); that of a far node may be one higher or lower */
	struct str release; /* for the far nodes' `sallyport cluster`; up to 64 bytes, static */
	unsigned window_records; /* 512; lowered to frame_bytes / 160, for reports of rejects */
	size_t window_bytes; /* 4 MiB */
	size_t frame_bytes; /* largest frame accepted, 1 MiB */
	unsigned channels_max; /* receive and send channels each, 65536 */
	unsigned heartbeat_ms; /* 200 */
	unsigned dead_ms; /* 1000 */
	unsigned fence_ms; /* 800 */
	unsigned stall_ms; /* 400 */
	unsigned ack_records; /* 32 */
	unsigned ack_ms; /* 5 */
	unsigned queue_age_ms; /* 60000: a record waits so long for a node that can take it */
	unsigned idle_ms; /* 600000: a channel without traffic is forgotten after it */
	unsigned refusal_ms; /* 1000: a node that cannot reach a pair is not asked again */
	unsigned
		home_ms; /* 30000: so long idle, a pair may go back to the node that it belongs to */
	/* With a shared lease table (ops->ask): */
	unsigned table_ms; /* 2000: no answer by then is one that the table is not available */
	unsigned table_retry_ms; /* 250: so often it is tried again */
	unsigned table_asks; /* 256: so many questions are under way at once */
	unsigned
		follow_ms; /* 2000: who does not follow a wish for so long keeps the pair where it is */
	unsigned
		stay_ms; /* 30000: after that it is wished again; twice as long after each try, up to 32 times */
	/*
	 * 0: a pair waits for the table as long as its records may (queue_age_ms). Otherwise it goes without a lease
	 * after so long, so that two outers may write for it; see doc/link.md, section 7.
	 */
	unsigned alone_ms;
	/* Conditions (enum record_condition) that the engine itself bounces with; never 0. */
	unsigned cond_timeout; /* no node took the record in time: remote-server-timeout */
	unsigned cond_internal; /* the far node calls the record invalid: internal-server-error */
	unsigned cond_busy; /* more than channels_max pairs: resource-constraint */
};
extern const struct link_settings link_settings_default;

/*
 * Why a pair is at the node where it is. X(enumerator, name in the status). The node that a pair belongs to is
 * the one that ops->choose() names of all that could have it.
 */
#define LINK_WHYS(X)                                                                               \
	X(LINK_WHY_CHOSEN, "chosen") /* for its first record */                                    \
	X(LINK_WHY_DEAD, "dead") /* the owner before was not heard any more */                     \
	X(LINK_WHY_RESTARTED, "restarted") /* it is another process now */                         \
	X(LINK_WHY_REFUSED, "refused") /* it could not reach the next hop */                       \
	X(LINK_WHY_REVOKED, "revoked") /* its lease had run out */                                 \
	X(LINK_WHY_DRAINED, "drained") /* it leaves, or an operator set it aside */                \
	X(LINK_WHY_COMMAND, "command") /* an operator moved the pair */                            \
	X(LINK_WHY_SHARED, "shared") /* another inner has the pair there */                        \
	X(LINK_WHY_WISHED, "wished") /* another inner wanted it to leave the owner before */       \
	X(LINK_WHY_HOME, "home") /* it belongs here, and came back while it was idle */

enum link_why {
#define X(id, name) id,
	LINK_WHYS(X)
#undef X
};

struct link_pair {
	struct str local;
	struct str foreign;
};

/*
 * A record that arrived: valid until the callback returns, except pair (until the channel's last
 * record is taken, rejected or revoked: a far node can name pairs without end, so none is kept).
 */
struct link_delivery {
	struct link_pair pair;
	uint64_t channel; /* for link_taken() and link_reject(): never reused */
	uint64_t seq;
	uint64_t trace;
	uint8_t proof; /* enum value of the sender's choice, e.g. how the foreign domain was authenticated */
	struct str record;
	struct link_peer *from;
};

/* A record to be sent. */
struct link_out {
	uint64_t trace;
	uint64_t receipt; /* for ops->settled(); 0: nobody asks */
	uint8_t proof; /* see struct link_delivery */
	struct str record;
};

enum link_verdict {
	LINK_ACCEPT, /* the program took it; link_taken() or link_reject() follows, now or later */
	LINK_BAD_RECORD, /* the far node sent what it never may: the link is closed with an alarm */
};

struct link_ops {
	/* Sends one frame (head and body are its two parts) on the peer's carrier connection. */
	void (*send)(void *user, void *carrier, struct str head, struct str body);
	/*
	 * May records be sent now? False while the carrier's output is above its high-water
	 * mark: then they wait, fairly between pairs, until link_carrier_writable(). Small frames
	 * (acknowledgements, heartbeats) are sent in any case. NULL: always.
	 */
	bool (*can_send)(void *user, void *carrier);
	/* Wall clock in milliseconds, for epochs: they must grow over restarts. */
	uint64_t (*wall_ms)(void *user);
	/* Closes the carrier connection: reason is a static text. The peer object stays. */
	void (*close)(void *user, void *carrier, const char *reason);
	/*
	 * Which far node shall own this pair's records now? One of live[n] (all that are up,
	 * not draining, serve the pair, and did not just say that they cannot reach it), or NULL.
	 */
	struct link_peer *(*choose)(
		void *user, struct link_pair pair, struct link_peer *const *live, size_t n);
	/* A record arrived in order. reason is set with LINK_BAD_RECORD to a static text. */
	enum link_verdict (*deliver)(
		void *user, const struct link_delivery *d, const char **reason);
	/*
	 * A record that we sent will not be delivered: bounce it. Called once, after which the
	 * engine has forgotten it. condition is an enum record_condition as the far node gave it,
	 * text (NULL or static or valid during the call) names the step that failed.
	 */
	void (*undelivered)(void *user, struct link_pair pair, uint64_t trace, struct str record,
		unsigned condition, struct str text);
	/*
	 * A record that was sent with this receipt has left the engine: the next hop has it, or it came back through
	 * undelivered just before. Once for each, in order within a pair as far as records were queued.
	 */
	void (*settled)(void *user, uint64_t receipt);
	/* The channel's window was full and has room again. */
	void (*writable)(void *user, struct link_pair pair);
	/* The far node expects traffic for this pair: open the next hop's stream early. */
	void (*expect)(void *user, struct link_pair pair);
	/* A newer epoch or another owner took the pair over, or the peer is gone: what is queued
	 * towards the next hop for this channel must be dropped silently, as must what was written and has not left
	 * this process. What has left may still be reported with link_taken(): it spares a repetition. */
	void (*revoke)(void *user, struct link_pair pair, uint64_t channel);
	/*
	 * The lease table that several inners share: put this value in the place of the pair's entry, if
	 * the entry is still old, with this revision; 0: if there is none. An empty value removes it. The answer comes
	 * through link_answered(), with the same ticket, never before this call returns; it may come late or
	 * never. NULL (or not an inner): no other inner needs to agree, leases are local and cost nothing.
	 *
	 * The strings are valid during the call. Names of domains appear in no key and no subject: the key is
	 * the first 16 bytes of SHA-256 of (local, NUL, foreign) as 32 lower-case hex digits; the value
	 * names the pair.
	 */
	void (*ask)(void *user, uint64_t ticket, struct link_pair pair, uint64_t revision,
		struct str old, struct str value);
	/* A peer came up (hello done) or went down. */
	void (*peer_state)(void *user, struct link_peer *peer, bool up, const char *why);
	/* How busy this process is, in thousandths of one processor, for the far nodes. NULL: 0. */
	uint64_t (*load)(void *user);
	/* A protocol violation by the far node: one alarm line. */
	void (*alarm)(void *user, struct link_peer *peer, const char *reason);
};

struct link *link_new(const struct link_settings *settings, const struct link_ops *ops, void *user);
void link_free(struct link *l);

/*
 * The carrier authenticated a connection to the node named id. The engine sends its hello.
 * A second connection for the same id replaces the first (which is closed).
 */
struct link_peer *link_connected(struct link *l, struct str id, void *carrier, uint64_t now);
/* The carrier connection is gone. Safe to call after ops->close. */
void link_disconnected(struct link *l, struct link_peer *peer, void *carrier, uint64_t now);

enum link_cut {
	LINK_CUT_NOT,
	LINK_CUT_DOWN,
	LINK_CUT_STALLED, /* down because nothing went out any more: if nothing came in either, nobody ended it */
};

/*
 * What carries frames to this node is itself down (no broker can be reached), or works again. While it is down
 * the silence says nothing about the node: its pairs stay with it, unless another node is up that can take them
 * (their records wait for it no longer than for any node, and link_hand_back() gives them back); and then it has as
 * long to be heard as if it had been heard now, and 2 s more if it was not heard for longer than a node lives: what
 * was down for both need not be back for both at once.
 */
void link_cut(struct link *l, struct link_peer *peer, enum link_cut cut, uint64_t now);

/*
 * When this node counts, or will count, as isolated: no far node is up, the last one was lost because it was not
 * heard any more (its process did not end the link), and it had said that another node of our role could serve in our
 * place. UINT64_MAX: it is not.
 */
uint64_t link_isolated_at(const struct link *l);
/* No heartbeat left this node for so long that the far nodes call it dead: it did not run. */
bool link_overdue(const struct link *l, uint64_t now);
/* Could another node of our role have what this one cannot deliver? As all far nodes say that are up. */
bool link_replaceable(const struct link *l);
/*
 * For a node that is isolated, or was stopped for long: the records for whose receipts (never 0) moot() is true will be
 * sent again by their sender, to another node. They leave the engine without a word: neither ops->undelivered nor
 * ops->settled. Others behind which one of them stands keep it from leaving, and an owner that is up; it is dropped
 * when it would go back.
 */
void link_drop(struct link *l, bool (*moot)(void *user, uint64_t receipt), uint64_t now);

/* ops->can_send is true again for this peer's carrier. */
void link_carrier_writable(struct link *l, struct link_peer *peer, uint64_t now);

/* One whole frame from this peer's carrier. After ops->close the rest is ignored. */
void link_input(struct link *l, struct link_peer *peer, struct str frame, uint64_t now);

/*
 * Call at the time that link_deadline() gives, and at most every few ms more often. Any call may
 * bring the deadline forward (to 0: as soon as possible), so ask at the end of each loop turn.
 */
void link_tick(struct link *l, uint64_t now);
uint64_t link_deadline(const struct link *l);

/* End of a batch of link_input() calls or of a loop turn: sends acknowledgements that are due. */
void link_flush(struct link *l, uint64_t now);

/*
 * Queues a record on our sending channel of the pair; the bytes are copied. True when
 * there is room for another record after it; false: the window is full, stop reading the stream
 * that feeds this pair until ops->writable. The record is taken in either case; what goes beyond
 * the window's double, or belongs to one pair more than channels_max, comes back through
 * ops->undelivered with cond_busy at the next link_tick(). A record may be as long as the frame
 * limit less LINK_OVERHEAD; domains have 1 to 1023 bytes.
 */
enum { LINK_OVERHEAD = 128 };
bool link_send(struct link *l, struct link_pair pair, const struct link_out *out, uint64_t now);
/* Is there room now? */
bool link_writable(struct link *l, struct link_pair pair);
/* Every node that could take records has as many on their way as its carrier holds: more would only wait here. */
bool link_is_full(const struct link *l);
/*
 * Much memory is taken: from now on there is room for another record only while a pair has less than a sixteenth of
 * its window with us. Many streams are paused then, instead of some refused.
 */
void link_set_tight(struct link *l, bool tight);

/* Tells the far node that a stream named this pair, so that it opens the next hop early. */
void link_expect(struct link *l, struct link_pair pair, uint64_t now);

/* The next hop took the record (its bytes are with the kernel, or acknowledged by XEP-0198). */
void link_taken(struct link *l, uint64_t channel, uint64_t seq, uint64_t now);
/* This one record cannot be delivered. text is static or NULL. */
void link_reject(struct link *l, uint64_t channel, uint64_t seq, unsigned condition,
	const char *text, uint64_t now);
/*
 * The next hop of the channel cannot be reached at all: everything delivered and not taken goes back
 * to the far node, which chooses another of us or bounces. Ownership of the channel ends.
 */
void link_unreachable(
	struct link *l, uint64_t channel, unsigned condition, const char *text, uint64_t now);

/*
 * May this receive channel still speak to the next hop (fencing, doc/link.md, section 6)? To be asked before a record
 * is written. What is written may wait for the next hop to read, and the process may be stopped meanwhile:
 * link_fence() revokes the channels of all senders whose lease has run out. It returns the time at which the
 * next one will (UINT64_MAX: none has one), after which nothing may leave before it was called again.
 */
bool link_may_write(const struct link *l, uint64_t channel, uint64_t now);
uint64_t link_fence(struct link *l, uint64_t now);

/* inner: the local domains changed (reload); all peers are told. They are copied. */
void link_set_domains(struct link *l, const struct str *domains, size_t n, uint64_t now);

/*
 * Planned shutdown: no new pairs. When the program has nothing more to send it says so with link_let_go(), and a node
 * that shares a lease table gives back what it holds there as soon as it is not needed: not before, because who has to
 * ask for it again for a last record is overtaken by what the pair's server sends to another inner meanwhile.
 * True from link_drained() on: nothing is unacknowledged, or held.
 */
void link_drain(struct link *l, uint64_t now);
void link_let_go(struct link *l, uint64_t now);
bool link_drained(const struct link *l);
/* Hands back, through ops->undelivered, what waits for a node that could take it, as if its age limit were reached. */
void link_hand_back(struct link *l, uint64_t now);
/* The highest catalogue that all far nodes which are up know: records must not need a higher one. */
uint32_t link_catalogue(const struct link *l);
/* Records of ours that are neither acknowledged nor handed back. */
size_t link_unacknowledged(const struct link *l);

/* What became of a question to the lease table. */
enum link_answer {
	LINK_WON, /* done: the entry's revision is now this one (0 or any: removed) */
	LINK_LOST, /* not done: the entry has another revision, this one, with this value (0 or empty: there is none) */
	LINK_UNAVAILABLE, /* it is not known whether it was or will be done */
	LINK_UNASKED, /* it was not done and will not be */
};

/*
 * The answer to ops->ask. LINK_WON must be true. What LINK_LOST tells of the entry may be out of date (a
 * follower's word), and so may link_told(): they only spare a try, nothing is decided by them.
 * After table_ms an answer is none any more; what LINK_LOST tells then is worth as much as link_told().
 */
void link_answered(struct link *l, uint64_t ticket, enum link_answer answer, uint64_t revision,
	struct str value, uint64_t now);
/* The table's watch saw an entry (of any pair, once or several times, in any order). Removals need not be told. */
void link_told(struct link *l, uint64_t revision, struct str value, uint64_t now);
/*
 * An operator says that this process of another inner is dead for good: its leases no longer count. Until we end; only
 * with a shared table.
 */
void link_expel(struct link *l, struct str inner, uint64_t boot, uint64_t now);

/*
 * Orders of an operator. They return NULL, or a static text that says why not.
 *
 * link_move() pins the pair to a node that is up: it moves at once when nothing that was sent is unacknowledged.
 * Otherwise new records are held back for up to two seconds until that is so, and after that it moves when it comes
 * to be so. It stays there until link_unpin(), or until the node dies, leaves or cannot reach it.
 * With a shared table all inners that use the pair follow, and another inner's wish ends the order as well.
 * link_set_aside() does that with all pairs of a node, which gets no others, until it is undone or the node is another
 * process. What no other node may have (ops->choose) stays.
 */
const char *link_move(struct link *l, struct link_pair pair, struct str node, uint64_t now);
const char *link_unpin(struct link *l, struct link_pair pair);
const char *link_set_aside(struct link *l, struct str node, bool aside, uint64_t now);
/* Takes link_drain() back: all links are closed, for the far nodes to greet a node that does not drain. */
void link_undrain(struct link *l);

/* What the shared lease table has to do with the place of a pair. */
enum link_hold {
	LINK_HOLD_NOT, /* nothing that needs to be told */
	LINK_HOLD_TABLE, /* it has no owner: the table has not answered yet */
	LINK_HOLD_OTHERS, /* it has no owner: other inners are asked to leave the one that it had */
	LINK_HOLD_SILENT, /* they do not leave it: the pair stays there, or has no owner if that one is dead */
};

struct lease;
/* What link_each_channel() tells of a sending channel; the strings are valid during the call. */
struct link_place {
	struct link_pair pair;
	struct str owner; /* empty: none at present */
	struct str home; /* where it would be put now; empty: nowhere */
	struct str pinned; /* empty: not */
	struct str from; /* the owner before, or empty */
	const char *why; /* a name of LINK_WHYS */
	uint64_t placed_ms_ago;
	uint64_t idle_ms;
	uint64_t epoch;
	uint64_t queued, unacknowledged;
	/* With a shared table (link/lease.h): */
	const struct lease *lease; /* the entry as far as it is known, or NULL */
	size_t others; /* inners besides us that it names */
	enum link_hold hold;
	const struct lease *silent; /* LINK_HOLD_SILENT: its holders are those that do not leave */
};
/* Of those that e asks for, as many as it shows. */
void link_each_channel(struct link *l, uint64_t now, struct excerpt *e,
	void (*tell)(void *user, const struct link_place *place), void *user);

#define LINK_NEVER_HEARD UINT64_MAX
/* What link_each_peer() tells of a far node that was connected at least once. */
struct link_peer_info {
	struct str id;
	const char *why_down; /* or NULL */
	uint64_t boot;
	uint64_t heard_ms_ago; /* LINK_NEVER_HEARD: nothing was heard yet */
	uint64_t rtt_ms;
	struct str release; /* as it says; empty: not said */
	uint64_t load; /* likewise, thousandths of one processor */
	uint64_t others; /* likewise, nodes of our role that could serve in our place */
	unsigned version; /* of the link protocol; 0: none agreed yet */
	uint32_t catalogue;
	uint64_t owned; /* pairs of ours that it owns */
	uint64_t serving; /* pairs of its that we own */
	bool up, draining, aside;
};
void link_each_peer(const struct link *l, uint64_t now,
	void (*tell)(void *user, const struct link_peer_info *info), void *user);

struct str link_peer_id(const struct link_peer *peer);
bool link_peer_up(const struct link_peer *peer);
/* Does the far inner serve this local domain (from its hello)? */
bool link_peer_serves(const struct link_peer *peer, struct str local_domain);

/*
 * Writes arrays "links" (peer, up, heartbeat age, frames, bytes, rtt) and "channels" (pair, epoch, owner,
 * queued, unacknowledged, sent, acked, rejected, resent), and "channels_total" (of those that e asks for, of which it
 * shows only some), for `sallyport status`.
 */
void link_status(const struct link *l, uint64_t now, struct excerpt *e, struct json *j);

#endif
