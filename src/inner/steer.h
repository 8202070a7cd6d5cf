/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering DNS responder: to the local servers, every foreign name leads to inner. Pure: a question
 * in, an answer out.
 *
 *	question                        answer
 *	A, AAAA of a foreign name       the addresses of the inners, the best first (or no data for the other family)
 *	SRV _xmpp-server._tcp.foreign   with srv: a record for each inner; else NXDOMAIN
 *	SRV _xmpps-server._tcp.foreign  likewise with srv_tls: servers that can begin with TLS then (XEP-0368)
 *	A of sallyport-inner-2.foreign  the address of the second inner alone: where the SRV records lead when
 *	                                there are several; with one they lead to the foreign name itself
 *	a local name, or below it       NXDOMAIN: it must never lead back here
 *	other names with a leading '_'  NXDOMAIN at once: silence costs some servers seconds a stream
 *	other types of a foreign name   no data
 *	ANY, other classes and opcodes  refused or not implemented; AXFR refused
 */
#ifndef INNER_STEER_H
#define INNER_STEER_H

#include "base/buf.h"

enum { STEER_TARGETS_MAX = 8 };

struct steer_target {
	unsigned char addr[16]; /* an inner's, IPv4 in the first 4 bytes */
	bool is_v6;
	uint16_t priority; /* the lower the better, as in SRV records */
	uint16_t weight;
};

struct steer {
	struct steer_target targets[STEER_TARGETS_MAX]; /* by priority */
	unsigned n_targets; /* at least 1 */
	uint16_t port;
	bool srv;
	bool srv_tls;
	uint32_t ttl; /* seconds, at most 30 */
	/* Is this A-label domain, lower case, without trailing dot, local or below a local one? */
	bool (*is_local)(void *user, struct str domain);
	void *user;
};

/*
 * Appends the answer to out. False: stay silent (not a DNS question at all). Nothing of a malformed question is
 * reflected but its id.
 */
bool steer_answer(const struct steer *s, struct str question, struct buf *out);

#endif
