/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DANE for XMPP servers (RFC 6698, RFC 7671, RFC 7673): the TLSA records of a domain's servers, where DNS is
 * signed from the SRV records on, and what they say of a peer's certificate. Linked into outer only.
 */
#ifndef NET_DANE_H
#define NET_DANE_H

#include "net/ask.h"

enum {
	NET_DANE_SERVERS = 16,
	NET_DANE_RECORDS = 32, /* of one server; a larger set is a failure */
	NET_DANE_BYTES = 64 * 1024, /* of all records together */
};

struct net_tlsa {
	uint8_t usage;
	uint8_t selector;
	uint8_t matching;
	struct str data;
};

/* One target of secure SRV records, or the domain itself where these are securely absent. */
struct net_dane_server {
	char host[256];
	uint16_t port;
	bool failed; /* bogus, or no answer */
	size_t n;
	struct net_tlsa records[NET_DANE_RECORDS];
};

struct net_dane {
	bool failed; /* already the SRV records are bogus, or were not to be had */
	unsigned ttl_s;
	size_t n; /* 0: not signed, or no service: DANE says nothing */
	struct net_dane_server *servers;
	size_t bytes; /* of all records */
};

struct net_dane_lookup;

/*
 * done is called once, never inside this call, and after timeout_ms (0: 10000) at the latest: what was not answered
 * then has failed. The result is its receiver's, net_dane_free() ends it.
 */
struct net_dane_lookup *net_dane_resolve(struct net_resolver *r, struct str ascii_domain,
	unsigned timeout_ms, void (*done)(void *user, struct net_dane *d), void *user);
void net_dane_cancel(struct net_dane_lookup *l);
void net_dane_free(struct net_dane *d);

enum net_dane_said {
	NET_DANE_SILENT, /* no usable record */
	NET_DANE_YES,
	NET_DANE_DENIES, /* usable records, and none of them agrees; or DNS failed */
};

/*
 * Does the peer's certificate agree with the records? host and port: of the server that was dialled; host
 * empty: a peer that dialled us may be any of the domain's servers. *ret_why: static.
 */
enum net_dane_said net_conn_dane(const struct net_conn *c, const struct net_tls *tls,
	const struct net_dane *d, struct str ascii_domain, struct str host, uint16_t port,
	const char **ret_why);

#endif
