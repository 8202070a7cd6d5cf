/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One listener for each address of `listen`. A reload keeps those that stay: wanted says what the configuration
 * that is being applied names.
 */
#include "node/listen.h"

#include <stdlib.h>

#include "base/check.h"
#include "node/gate.h"
#include "node/transport.h"

static struct net_creds *creds_for_sni(void *user, struct str sni)
{
	struct node *n = user;
	struct arena a;
	struct str domain;
	struct net_creds *creds = NULL;

	arena_init(&a, 8192);
	if (jid_parse_domain(&a, sni, &domain) == JID_OK && n->role->plays(n, domain))
		creds = n->role->creds(n, domain);
	arena_done(&a);
	return creds;
}

static void *enter(void *user, const struct net_addr *from)
{
	struct node *n = user;
	bool trusted = n->role->trusts && n->role->trusts(n, from);

	return gate_enter(n->gate, from, trusted, net_now(n->loop));
}

static void leave(void *user, void *pass)
{
	struct node *n = user;

	gate_leave(pass, net_now(n->loop));
}

static enum net_class class_of(void *user, void *pass)
{
	return gate_is_known(pass) ? NET_KNOWN : NET_STRANGER;
}

static bool may_shake(void *user, void *pass)
{
	struct node *n = user;

	return gate_may_shake(pass, net_now(n->loop));
}

struct opened {
	struct list link; /* in node->listeners */
	struct str addr;
	bool tls_only;
	bool wanted; /* by the configuration that is being applied */
	struct net_listener *listener;
};

static void opened_free(struct opened *o)
{
	list_remove(&o->link);
	net_listener_close(o->listener);
	str_free(&o->addr);
	free(o);
}

static struct opened *find_opened(struct node *n, const struct config_listen *l)
{
	LIST_EACH (&n->listeners, it) {
		struct opened *o = LIST_OWNER(it, struct opened, link);
		if (str_eq(o->addr, l->addr) && o->tls_only == l->tls_only)
			return o;
	}
	return NULL;
}

static struct net_listener *listen_one(
	struct node *n, const struct config_listen *l, char *err, size_t err_size)
{
	struct net_listen_settings settings = {
		.tls = n->tls,
		.tls_only = l->tls_only,
		.detect = !l->tls_only,
		.handshake_ms = (unsigned)n->config->limits.tls_ms,
		.max_conns = (unsigned)n->config->limits.streams,
		.enter = enter,
		.leave = leave,
		.class_of = class_of,
		.may_shake = may_shake,
		.creds_for = creds_for_sni,
		.on_accept = transport_accepted,
		.user = n,
	};
	if (!net_addr_read(l->addr, &settings.addr, err, err_size))
		return NULL;
	return net_listen(n->loop, &settings, err, err_size);
}

static bool apply_one(struct node *n, const struct config_listen *l, char *err, size_t err_size)
{
	struct opened *o = find_opened(n, l);

	if (!o) {
		struct net_listener *listener = listen_one(n, l, err, err_size);
		if (!listener)
			return false;
		o = calloc(1, sizeof(*o));
		check(o);
		*o = (struct opened){
			.addr = str_dup(l->addr), .tls_only = l->tls_only, .listener = listener
		};
		list_append(&n->listeners, &o->link);
	}
	net_listener_set_tls(o->listener, n->tls);
	o->wanted = true;
	return true;
}

void listen_stop(struct node *n)
{
	LIST_EACH_SAFE (&n->listeners, it)
		opened_free(LIST_OWNER(it, struct opened, link));
}

bool listen_apply(struct node *n, char *err, size_t err_size)
{
	if ((n->resting || n->isolated) && !n->draining)
		return true;
	LIST_EACH (&n->listeners, it)
		LIST_OWNER(it, struct opened, link)->wanted = false;
	for (size_t i = 0; i < n->config->n_listen_s2s; i++) {
		if (!apply_one(n, &n->config->listen_s2s[i], err, err_size))
			return false;
	}
	LIST_EACH_SAFE (&n->listeners, it) {
		struct opened *o = LIST_OWNER(it, struct opened, link);
		if (!o->wanted)
			opened_free(o);
	}
	return true;
}
