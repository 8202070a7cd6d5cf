/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may take up how much of this node before any name is proved: connections held, attempts, handshakes, dialback
 * questions and bytes, per address (IPv4 address, IPv6 /64) and per network (IPv4 /24, IPv6 /48); and how often one
 * address is dialled. Where an authentication succeeded lately a peer is *known*: the network's limits do not count
 * for it, and a quarter of all connections is kept free for the known.
 *
 * The tables are bounded. When one is full, strangers that are not in it are refused.
 */
#ifndef NODE_GATE_H
#define NODE_GATE_H

#include "base/json.h"
#include "config/config.h"
#include "net/conn.h"

struct gate;
struct gate_pass; /* one incoming connection */

/* Why somebody was refused. X(enumerator, name of the limit in log and status, text) */
#define GATE_REASONS(X)                                                                            \
	X(GATE_ALL, "connections", "too many connections in all")                                  \
	X(GATE_MEMORY, "memory", "memory is short")                                                \
	X(GATE_TABLE, "table", "connections from too many different addresses")                    \
	X(GATE_ADDRESS_HELD, "address connections", "too many connections from this address")      \
	X(GATE_NETWORK_HELD, "network connections", "too many connections from this network")      \
	X(GATE_ADDRESS_TRIES, "address attempts", "too many attempts from this address")           \
	X(GATE_NETWORK_TRIES, "network attempts", "too many attempts from this network")           \
	X(GATE_SHAKES, "address handshakes", "too many TLS handshakes from this address")          \
	X(GATE_QUESTIONS, "address verifications", "too many dialback keys from this address")     \
	X(GATE_ANSWERS, "address answers", "too many dialback questions from this address")        \
	X(GATE_TARGET, "target attempts", "too many connections to this address")

enum gate_reason {
#define X(id, name, text) id,
	GATE_REASONS(X)
#undef X
		GATE_OK
};
const char *gate_reason_name(enum gate_reason reason);
const char *gate_reason_text(enum gate_reason reason);

/* descriptors: how many this process may have. */
struct gate *gate_new(const struct config_limits *limits, uint64_t descriptors);
void gate_free(struct gate *g);
/* New limits; what is held stays. */
void gate_set_limits(struct gate *g, const struct config_limits *limits);
/* Memory is short: no stranger comes in. */
void gate_set_short(struct gate *g, bool memory_short);

/*
 * A connection came. NULL: refuse it. trusted: of a configured peer, only counted. Every pass is given back by
 * gate_leave(). All functions below permit when p is NULL.
 */
struct gate_pass *gate_enter(
	struct gate *g, const struct net_addr *from, bool trusted, uint64_t now);
void gate_leave(struct gate_pass *p, uint64_t now);
/* Somebody authenticated on this connection. */
void gate_prove(struct gate_pass *p, uint64_t now);
bool gate_is_known(const struct gate_pass *p);
/* May it begin a TLS handshake; may it show a key that somebody has to be asked about? */
bool gate_may_shake(struct gate_pass *p, uint64_t now);
bool gate_may_ask(struct gate_pass *p, uint64_t now);
/* Somebody is asked about its key. */
void gate_asks(struct gate_pass *p, uint64_t now);
/* May it ask whether a key is ours? */
bool gate_may_answer(struct gate_pass *p, uint64_t now);
/* It sent n bytes: for how many milliseconds it should not be read. */
uint64_t gate_bytes(struct gate_pass *p, uint64_t n, uint64_t now);

/* May this address be dialled for a domain? Domains that were proved lately always. */
bool gate_may_dial(struct gate *g, const struct net_addr *to, struct str domain, uint64_t now);
/* Was it proved lately? */
bool gate_knows_domain(const struct gate *g, struct str domain);
void gate_prove_domain(struct gate *g, struct str domain, uint64_t now);

/* A reason that it is time to log (at most one a second for each), with the address that was refused last and how
 * many were refused since the reason was logged before. GATE_OK: nothing to say. */
enum gate_reason gate_news(
	struct gate *g, uint64_t now, char ret_address[64], uint64_t *ret_refused);
/* Writes an object of this name. */
void gate_status(const struct gate *g, const char *name, struct json *j);

#endif
