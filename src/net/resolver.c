/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libunbound works in a thread of its own and caches; its answers arrive through ub_fd(). What is asked is in
 * lookup.c (the servers of a domain) and ask.c (single questions).
 */
#include "net/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/resolver_int.h"

enum { RCODE_NXDOMAIN = 3 };

bool resolver_failed(int error, const struct ub_result *r)
{
	return error != 0 || !r || r->bogus || (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN);
}

bool resolver_read_address(int type, const char *data, int len, struct net_addr *ret)
{
	struct net_addr a = { .len = 0 };

	if (type == NET_TYPE_A && len == 4) {
		struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&a.sa;
		sin->sin_family = AF_INET;
		memcpy(&sin->sin_addr, data, 4);
		a.len = sizeof(*sin);
	} else if (type == NET_TYPE_AAAA && len == 16) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&a.sa;
		sin6->sin6_family = AF_INET6;
		memcpy(&sin6->sin6_addr, data, 16);
		a.len = sizeof(*sin6);
	}
	*ret = a;
	return a.len > 0;
}

bool resolver_is_name(struct str s)
{
	if (s.len == 0 || s.len > 253)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c >= 0x7f || c == '\\')
			return false;
	}
	return true;
}

struct net_loop *net_resolver_loop(const struct net_resolver *r)
{
	return r->loop;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct resolver_ctx *ctx = poll->data;

	ub_process(ctx->ub);
}

/* --- contexts --- */

static void ctx_free(struct resolver_ctx *ctx)
{
	list_remove(&ctx->link);
	if (ctx->poll)
		net_uv_release(ctx->poll);
	net_timer_free(ctx->end);
	ub_ctx_delete(ctx->ub);
	free(ctx);
}

/* A look-up may have asked it again since. */
static void on_end(void *user)
{
	struct resolver_ctx *ctx = user;

	if (ctx->open == 0)
		ctx_free(ctx);
}

/* Its timer fires when it has nothing to do any more. */
static void end_if_idle(struct resolver_ctx *ctx)
{
	if (!list_empty(&ctx->link) && ctx->open == 0)
		net_timer_set(ctx->end, 0);
}

bool resolver_ask(struct resolver_ctx *ctx, const char *name, int type, void *user,
	ub_callback_type done, int *ret_id)
{
	if (ub_resolve_async(ctx->ub, name, type, NET_CLASS_IN, user, done, ret_id) != 0)
		return false;
	ctx->open++;
	return true;
}

void resolver_answered(struct resolver_ctx *ctx)
{
	ctx->open--;
	end_if_idle(ctx);
}

void resolver_cancel(struct resolver_ctx *ctx, int id)
{
	ub_cancel(ctx->ub, id);
	ctx->open--;
	end_if_idle(ctx);
}

/* libunbound's way to write an address with a port. */
static void forward_text(const struct net_addr *a, char ret_text[80])
{
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *sin = (const void *)&a->sa;
	const struct sockaddr_in6 *sin6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
	unsigned port = net_addr_port(a);
	snprintf(ret_text, 80, "%s@%u", host, port ? port : 53);
}

static int set_up(struct ub_ctx *ub, const struct net_resolver_settings *s)
{
	char forward[80];
	/* A resolver on loopback is normal here, and answers for reserved names are the lab's
	 * affair. */
	static const struct {
		const char *option;
		const char *value;
	} options[] = {
		{ "do-not-query-localhost:", "no" },
		/* Lifetimes are the peer's word: within reason. */
		{ "cache-min-ttl:", "5" },
		{ "cache-max-ttl:", "3600" },
		{ "cache-max-negative-ttl:", "300" },
		{ "msg-cache-size:", "8m" },
		{ "rrset-cache-size:", "16m" },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && rc == 0; i++)
		rc = ub_ctx_set_option(ub, options[i].option, options[i].value);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < s->n_anchors && rc == 0; i++)
		rc = ub_ctx_add_ta_file(ub, s->anchors[i]);
	if (rc != 0)
		return rc;
	if (s->forward.len > 0) {
		forward_text(&s->forward, forward);
		rc = ub_ctx_set_fwd(ub, forward);
	} else {
		rc = ub_ctx_resolvconf(ub, NULL);
	}
	if (rc == 0)
		rc = ub_ctx_async(ub, 1);
	if (rc == 0)
		rc = ub_ctx_zone_add(ub, "test.", "transparent");
	return rc;
}

static struct resolver_ctx *ctx_new(
	struct net_loop *loop, const struct net_resolver_settings *s, char *err, size_t err_size)
{
	struct resolver_ctx *ctx = calloc(1, sizeof(*ctx));

	check(ctx);
	list_init(&ctx->link);
	ctx->end = net_timer_new(loop, on_end, ctx);
	ctx->ub = ub_ctx_create();
	check(ctx->ub);
	int rc = set_up(ctx->ub, s);
	if (rc != 0) {
		snprintf(err, err_size, "resolver: %s", ub_strerror(rc));
		ctx_free(ctx);
		return NULL;
	}
	ctx->poll = calloc(1, sizeof(*ctx->poll));
	check(ctx->poll && uv_poll_init(net_uv_loop(loop), ctx->poll, ub_fd(ctx->ub)) == 0);
	ctx->poll->data = ctx;
	check(uv_poll_start(ctx->poll, UV_READABLE, on_readable) == 0);
	return ctx;
}

/* --- the resolver --- */

struct net_resolver *net_resolver_new(struct net_loop *loop,
	const struct net_resolver_settings *settings, char *err, size_t err_size)
{
	struct resolver_ctx *ctx = ctx_new(loop, settings, err, err_size);

	if (!ctx)
		return NULL;
	struct net_resolver *r = calloc(1, sizeof(*r));
	check(r);
	r->loop = loop;
	r->settings = *settings;
	if (r->settings.timeout_ms == 0)
		r->settings.timeout_ms = 10000;
	r->ctx = ctx;
	list_init(&r->retired);
	list_init(&r->lookups);
	list_init(&r->questions);
	return r;
}

bool net_resolver_renew(struct net_resolver *r, const struct net_resolver_settings *settings,
	char *err, size_t err_size)
{
	struct resolver_ctx *ctx = ctx_new(r->loop, settings, err, err_size);

	if (!ctx)
		return false;
	list_append(&r->retired, &r->ctx->link);
	end_if_idle(r->ctx);
	r->ctx = ctx;
	return true;
}

void net_resolver_free(struct net_resolver *r)
{
	struct list *it;

	if (!r)
		return;
	lookup_cancel_all(r);
	ask_cancel_all(r);
	while ((it = list_first(&r->retired)))
		ctx_free(LIST_OWNER(it, struct resolver_ctx, link));
	ctx_free(r->ctx);
	free(r);
}
