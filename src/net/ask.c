/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ask.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/resolver_int.h"

struct net_question {
	struct list link; /* in resolver->questions */
	struct net_resolver *resolver;
	struct resolver_ctx *ctx; /* that was asked */
	int id;
	void (*done)(void *user, const struct net_answer *a);
	void *user;
};

static size_t count_records(const struct ub_result *r)
{
	size_t n = 0;

	while (r->data && r->data[n])
		n++;
	return n;
}

static void on_single(void *arg, int error, struct ub_result *result)
{
	struct net_question *q = arg;
	struct net_answer a = { .failed = resolver_failed(error, result) };

	resolver_answered(q->ctx);
	if (error == 0 && result)
		a.bogus = result->bogus;
	if (!a.failed) {
		a.secure = result->secure;
		a.ttl_s = result->ttl > 0 ? (unsigned)result->ttl : 0;
		a.n = count_records(result);
		a.data = result->data;
		a.len = result->len;
	}
	list_remove(&q->link);
	q->done(q->user, &a);
	free(q);
	ub_resolve_free(result);
}

struct net_question *net_ask(struct net_resolver *r, const char *name, int type,
	void (*done)(void *user, const struct net_answer *a), void *user)
{
	struct net_question *q = calloc(1, sizeof(*q));

	check(q);
	*q = (struct net_question){ .resolver = r, .ctx = r->ctx, .done = done, .user = user };
	list_append(&r->questions, &q->link);
	if (resolver_is_name(str_of(name)) &&
		resolver_ask(q->ctx, name, type, q, on_single, &q->id))
		return q;
	list_remove(&q->link);
	free(q);
	return NULL;
}

void net_question_cancel(struct net_question *q)
{
	if (!q)
		return;
	resolver_cancel(q->ctx, q->id);
	list_remove(&q->link);
	free(q);
}

size_t net_answer_addrs(const struct net_resolver *r, const struct net_answer *a, int type,
	uint16_t port, struct net_addr *ret, size_t max, bool *ret_forbidden)
{
	size_t n = 0;

	for (size_t i = 0; !a->failed && i < a->n && n < max; i++) {
		struct net_addr addr;
		if (!resolver_read_address(type, a->data[i], a->len[i], &addr))
			continue;
		net_addr_set_port(&addr, port);
		if (r->settings.may_dial && !r->settings.may_dial(r->settings.user, &addr))
			*ret_forbidden = true;
		else
			ret[n++] = addr;
	}
	return n;
}

void ask_cancel_all(struct net_resolver *r)
{
	struct list *it;

	while ((it = list_first(&r->questions)) != NULL)
		net_question_cancel(LIST_OWNER(it, struct net_question, link));
}
