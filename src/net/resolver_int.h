/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver as its questions see it: resolver.c, lookup.c and ask.c. */
#ifndef NET_RESOLVER_INT_H
#define NET_RESOLVER_INT_H

#include <unbound.h>

#include "base/list.h"
#include "net/ask.h"
#include "net/lookup.h"
#include "net/uv_loop.h"

enum { NET_CLASS_IN = 1 };

struct net_resolver {
	struct net_loop *loop;
	struct ub_ctx *ctx;
	uv_poll_t *poll;
	struct net_resolver_settings settings;
	struct list lookups;
	struct list questions; /* of net_ask() */
};

/* Nothing can be said: no answer, SERVFAIL, or bogus. */
bool resolver_failed(int error, const struct ub_result *r);
/* The data of an A or AAAA record. */
bool resolver_read_address(int type, const char *data, int len, struct net_addr *ret);
/* May it be given to libunbound? */
bool resolver_is_name(struct str s);

/* All that is under way: its callbacks do not come any more. */
void lookup_cancel_all(struct net_resolver *r);
void ask_cancel_all(struct net_resolver *r);

#endif
