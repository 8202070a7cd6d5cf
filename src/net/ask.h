/* SPDX-License-Identifier: Apache-2.0 */
/* Single DNS questions through the resolver, for what needs more than the addresses of a server. Outer only. */
#ifndef NET_ASK_H
#define NET_ASK_H

#include "net/resolver.h"

enum { NET_TYPE_A = 1, NET_TYPE_AAAA = 28, NET_TYPE_SRV = 33, NET_TYPE_TLSA = 52 };

struct net_question;

struct net_answer {
	bool failed; /* no answer, SERVFAIL, or bogus: nothing can be said */
	bool bogus; /* failed, because validation did */
	bool secure; /* validated, also when it says that there is nothing */
	unsigned ttl_s;
	size_t n; /* records; may be 0 */
	char *const *data; /* each in uncompressed wire format */
	const int *len;
};

/* name: dotted. done is called once, never inside this call; NULL: it could not be asked at all. */
struct net_question *net_ask(struct net_resolver *r, const char *name, int type,
	void (*done)(void *user, const struct net_answer *a), void *user);
/* NULL is fine. */
void net_question_cancel(struct net_question *q);

struct net_loop *net_resolver_loop(const struct net_resolver *r);
/* Addresses of an A or AAAA answer that may be dialled, with this port; at most max. Counts forbidden ones. */
size_t net_answer_addrs(const struct net_resolver *r, const struct net_answer *a, int type,
	uint16_t port, struct net_addr *ret, size_t max, bool *ret_forbidden);

#endif
