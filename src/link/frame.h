/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as bytes (doc/link.md has them in CDDL). LINK_FRAMES is the security policy of the
 * boundary: which frame exists, who may send it and when, how many items it has, who handles it.
 */
#ifndef LINK_FRAME_H
#define LINK_FRAME_H

#include "base/cbor.h"

struct link_peer;

/*
 * What this release speaks. Hello and close have the form of version 1 for ever; every other frame has that of
 * the version that both hellos agree on: the highest that both speak.
 */
enum { LINK_VERSION_LEAST = 1, LINK_VERSION = 2, LINK_VERSION_HELLO = 1 };

enum frame_from { FROM_OUTER = 1, FROM_INNER = 2, FROM_BOTH = 3 };
enum frame_when { WHEN_CONNECTED = 1, WHEN_GREETED = 2, WHEN_UP = 4, WHEN_HEARD = 6, WHEN_ANY = 7 };

/*
 * X(enumerator, number, name, first version that has it, who may send it, when, items with version and
 *   type, reader in frame.c, handler)
 * A hello comes once in substance: a repetition must equal the first (but for the domains).
 */
#define LINK_FRAMES(X)                                                                             \
	X(FRAME_HELLO, 0, "hello", 1, FROM_BOTH, WHEN_ANY, 16, read_hello, peer_on_hello)          \
	X(FRAME_OPEN, 1, "open", 1, FROM_BOTH, WHEN_HEARD, 8, read_open, rx_on_open)               \
	X(FRAME_DATA, 2, "data", 1, FROM_BOTH, WHEN_HEARD, 9, read_data, rx_on_data)               \
	X(FRAME_ACK, 3, "ack", 1, FROM_BOTH, WHEN_HEARD, 7, read_ack, tx_on_ack)                   \
	X(FRAME_NAK, 4, "nak", 1, FROM_BOTH, WHEN_HEARD, 8, read_nak, tx_on_nak)                   \
	X(FRAME_REACH, 5, "reach", 1, FROM_BOTH, WHEN_HEARD, 9, read_reach, tx_on_reach)           \
	X(FRAME_HEARTBEAT, 6, "heartbeat", 1, FROM_BOTH, WHEN_HEARD, 3, read_time,                 \
		peer_on_heartbeat)                                                                 \
	X(FRAME_ECHO, 7, "echo", 1, FROM_BOTH, WHEN_HEARD, 3, read_time, peer_on_echo)             \
	X(FRAME_DRAIN, 8, "drain", 1, FROM_BOTH, WHEN_HEARD, 2, read_nothing, peer_on_drain)       \
	X(FRAME_CLOSE, 9, "close", 1, FROM_BOTH, WHEN_ANY, 6, read_close, peer_on_close)           \
	X(FRAME_ABOUT, 10, "about", 2, FROM_BOTH, WHEN_HEARD, 3, read_about, peer_on_about)

enum frame_type {
#define X(id, number, ...) id = number,
	LINK_FRAMES(X)
#undef X
};

/* Have all versions the same form of it? */
static inline bool frame_is_versionless(uint64_t type)
{
	return type == FRAME_HELLO || type == FRAME_CLOSE;
}

/* Members of an about frame. */
enum { ABOUT_RELEASE = 1, ABOUT_LOAD = 2, ABOUT_OTHERS = 3 };

/*
 * Why a link was closed. X(enumerator, code in the close frame, text for alarm and log)
 */
#define LINK_FAULTS(X)                                                                             \
	X(FAULT_NONE, 0, "closed")                                                                 \
	X(FAULT_SIZE, 1, "frame is empty or above the limit")                                      \
	X(FAULT_CBOR, 2, "frame is not well formed")                                               \
	X(FAULT_VERSION, 3, "no common protocol version")                                          \
	X(FAULT_TYPE, 4, "unknown type of frame")                                                  \
	X(FAULT_SENDER, 5, "frame that this role may not send")                                    \
	X(FAULT_STATE, 6, "frame not permitted now")                                               \
	X(FAULT_IDENTITY, 7, "hello names another node than the certificate")                      \
	X(FAULT_ROLE, 8, "two nodes of one role")                                                  \
	X(FAULT_CATALOGUE, 9,                                                                      \
		"catalogues differ by more than one release: upgrade the older node")              \
	X(FAULT_LIMITS, 10, "limits out of range or too small")                                    \
	X(FAULT_HELLO, 11, "second hello contradicts the first")                                   \
	X(FAULT_DOMAINS, 12, "invalid list of domains")                                            \
	X(FAULT_TIME, 13, "echo of a time that is yet to come")                                    \
	X(FAULT_CHANNEL, 14, "channel number out of range or in use")                              \
	X(FAULT_PAIR, 15, "pair that is not served")                                               \
	X(FAULT_SEQUENCE, 16, "sequence number out of range")                                      \
	X(FAULT_WINDOW, 17, "more records than the window allows")                                 \
	X(FAULT_ACK, 18, "acknowledgement of what was never sent")                                 \
	X(FAULT_RECORD, 19, "invalid record")                                                      \
	X(FAULT_SILENCE, 20, "no heartbeat")                                                       \
	X(FAULT_REPLACED, 21, "replaced by a newer connection")

enum link_fault {
#define X(id, code, text) id = code,
	LINK_FAULTS(X)
#undef X
};

/* Static text; for an unknown code too. */
const char *link_fault_text(uint64_t code);

/* What a receiver grants, in its hello. */
struct frame_limits {
	uint64_t channels;
	uint64_t window_records;
	uint64_t window_bytes;
	uint64_t frame_bytes;
};

struct frame_reject {
	uint64_t seq;
	unsigned condition;
	struct str text;
};

enum nak_why {
	NAK_GAP, /* go back to have + 1 */
	NAK_UNKNOWN, /* no such channel and epoch here: open it */
	NAK_REVOKED, /* this epoch is over: a new one is needed */
	NAK_FORGOTTEN, /* likewise: it had begun here, and nothing is known of it any more */
};

/* What a receiver says about a channel: in ack, nak and reach. */
struct frame_report {
	uint64_t channel, epoch;
	uint64_t taken; /* all up to here are taken, or listed in rejects */
	uint64_t have; /* last received in order */
	struct frame_reject *rejects; /* sorted, all at most taken */
	size_t n_rejects;
	enum nak_why why;
	unsigned condition; /* reach */
	struct str text;
};

struct frame_hello {
	uint64_t version_min, version_max;
	struct str node;
	uint64_t role; /* enum link_role */
	uint64_t boot;
	uint64_t catalogue;
	uint64_t time;
	uint64_t echo; /* with seen: the time of your last hello */
	bool seen; /* your hello is here */
	struct frame_limits limits;
	struct cbor_reader domains; /* at the items */
	size_t n_domains;
};

union frame {
	struct frame_hello hello;
	struct {
		uint64_t channel, epoch;
		uint64_t base; /* first number of this epoch; 0: it has begun, say where it is */
		bool expect;
		struct str local, foreign;
	} open;
	struct {
		uint64_t channel, epoch, seq, una;
		uint64_t proof;
		uint64_t trace;
		struct str record;
	} data;
	struct frame_report report;
	uint64_t time; /* heartbeat, echo */
	struct {
		struct str release; /* empty: not said */
		uint64_t load; /* thousandths of one processor */
		uint64_t
			others; /* nodes of our role that could serve in our place; 0 unless said */
	} about;
	struct {
		uint64_t code;
		uint64_t channel, epoch, seq; /* of the invalid record; seq 0: none */
	} close;
};

/*
 * Reads one frame from a peer, checks it against the table and runs its handler. Any fault
 * has no effect on the engine but the one that peer_fault() has, which the caller runs.
 */
enum link_fault frame_input(struct link_peer *p, struct str bytes, uint64_t now);

/* Each sends one frame. */
void frame_hello(struct link_peer *p, const struct frame_hello *h, const struct str *domains);
void frame_open(struct link_peer *p, uint64_t channel, uint64_t epoch, uint64_t base, bool expect,
	struct str local, struct str foreign);
void frame_data(struct link_peer *p, uint64_t channel, uint64_t epoch, uint64_t seq, uint64_t una,
	uint8_t proof, uint64_t trace, struct str record);
void frame_report(struct link_peer *p, enum frame_type type, const struct frame_report *r);
void frame_time(struct link_peer *p, enum frame_type type, uint64_t time);
void frame_drain(struct link_peer *p);
void frame_about(struct link_peer *p, struct str release, uint64_t load, uint64_t others);
void frame_close(
	struct link_peer *p, enum link_fault code, uint64_t channel, uint64_t epoch, uint64_t seq);

#endif
