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

/* One of libunbound's, which cannot change its mind: whom it asks, and what it trusts. */
struct resolver_ctx {
	struct list link; /* in resolver->retired, or alone */
	struct ub_ctx *ub;
	uv_poll_t *poll;
	unsigned open; /* questions that were neither answered nor cancelled */
	struct net_timer *
		end; /* of a retired one that has none: never inside of libunbound's own callback */
};

struct net_resolver {
	struct net_loop *loop;
	struct resolver_ctx *ctx; /* that is asked */
	struct list retired; /* that were, and have questions open */
	struct net_resolver_settings settings;
	struct list lookups;
	struct list questions; /* of net_ask() */
};

/* False: it could not be asked. Otherwise done comes, and is told to resolver_answered() first, or it is cancelled. */
bool resolver_ask(struct resolver_ctx *ctx, const char *name, int type, void *user,
	ub_callback_type done, int *ret_id);
void resolver_answered(struct resolver_ctx *ctx);
void resolver_cancel(struct resolver_ctx *ctx, int id);

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
