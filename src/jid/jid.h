/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XMPP addresses (RFC 7622, with the stringprep profiles of RFC 6122 that servers
 * still use as the one preparation). Policy, routing and delivery all see
 * the prepared form and nothing else; DESIGN.md says why stringprep.
 */
#ifndef JID_JID_H
#define JID_JID_H

#include "base/arena.h"

enum { JID_PART_MAX = 1023 };

/* A prepared address. The parts point into full; absent parts are empty. */
struct jid {
	struct str full; /* local@domain/resource */
	struct str local;
	struct str domain; /* lower case, U-labels, no trailing dot */
	struct str resource;
};

/*
 * X(enumerator, text for logs)
 */
#define JID_ERRORS(X)                                                                              \
	X(JID_OK, "ok")                                                                            \
	X(JID_EMPTY_PART, "empty part")                                                            \
	X(JID_TOO_LONG, "part over 1023 octets")                                                   \
	X(JID_NOT_UTF8, "not valid UTF-8")                                                         \
	X(JID_FORBIDDEN, "character not allowed")                                                  \
	X(JID_BAD_DOMAIN, "not a domain name")                                                     \
	X(JID_NOT_PREPARED, "not in prepared form")                                                \
	X(JID_MEMORY, "address too long for the stanza limit")

enum jid_error {
#define X(id, text) id,
	JID_ERRORS(X)
#undef X
};

const char *jid_error_text(enum jid_error e);

/*
 * Splits at the first '/', then the first '@' (RFC 7622 section 3.1), prepares
 * each part, and stores the result in the arena (or points into in when that is
 * prepared already, so in must live as long).
 */
enum jid_error jid_parse(struct arena *a, struct str in, struct jid *ret_jid);

/* Accepts only an address that is in prepared form: what a node must see on the link. */
enum jid_error jid_parse_prepared(struct str in, struct jid *ret_jid);

/*
 * Prepares a domain as found in a stream header, a dialback key or a configuration.
 * IP literals and names of one label are refused.
 */
enum jid_error jid_parse_domain(struct arena *a, struct str in, struct str *ret_domain);

/* The A-label form (RFC 5890) of a prepared domain, for DNS, SNI and certificates. */
enum jid_error jid_domain_to_ascii(struct arena *a, struct str domain, struct str *ret_ascii);

#endif
