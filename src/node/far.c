/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes that inner dials, again and again with a growing, jittered delay. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"
#include "node/carrier_int.h"

enum {
	RETRY_MAX_MS = 2000,
	RETRY_NATS_MS = 500, /* over brokers: a question that nobody answers has waited already */
	CONNECT_MS = 3000,
};

void far_retry(struct far *far)
{
	uint64_t wait = far->delay_ms / 2 + random_below(far->delay_ms);

	unsigned most = far->nats ? RETRY_NATS_MS : RETRY_MAX_MS;
	far->delay_ms = far->delay_ms * 2 < most ? far->delay_ms * 2 : most;
	net_timer_set(far->retry, net_now(far->carrier->node->loop) + wait);
}

void far_free(struct far *far)
{
	list_remove(&far->link);
	net_timer_free(far->retry);
	net_tls_unref(far->tls);
	net_creds_unref(far->creds);
	str_free(&far->id);
	free(far);
}

static void on_far_tls(void *user)
{
	struct wire *w = user;

	w->carrier->node->now = net_now(w->carrier->node->loop);
	if (net_conn_is_node(w->conn, w->far->id))
		wire_up(w, w->far->id);
	else
		wire_refuse(w, "certificate is for another node");
}

static void on_far_connected(void *user)
{
	struct wire *w = user;

	net_conn_start_tls(w->conn, w->far->tls, w->far->creds, false, w->far->id);
}

static const struct net_conn_ops dialled_ops = {
	.on_connected = on_far_connected,
	.on_tls = on_far_tls,
	.on_input = wire_input,
	.on_taken = wire_taken,
	.on_closed = wire_closed,
};

/* Without a broker there is nothing to try: far_dial() comes again when there is one. */
static void dial_over_nats(struct far *far)
{
	struct carrier *c = far->carrier;

	if (!brokers_up(c->brokers)) {
		far->failing = true;
		snprintf(far->reason, sizeof(far->reason), "nats: no broker");
		return;
	}
	struct wire *w = wire_new(c, far, NULL);
	if (tunnel_dial(c->brokers, far, w)) {
		far->wire = w;
	} else {
		wire_discard(w);
		far_retry(far);
	}
}

void far_dial(struct far *far)
{
	struct carrier *c = far->carrier;

	if (far->wire || c->node->draining)
		return;
	if (far->nats) {
		dial_over_nats(far);
		return;
	}
	struct wire *w = wire_new(c, far, NULL);
	far->wire = w;
	w->conn = net_connect(c->node->loop, &far->addr, 1, CONNECT_MS, &dialled_ops, w);
	net_conn_set_class(w->conn, NET_LINK);
}

static void on_retry(void *user)
{
	far_dial(user);
}

static struct far *find_far(
	struct carrier *c, struct str id, bool nats, const struct net_addr *addr)
{
	LIST_EACH (&c->fars, it) {
		struct far *far = LIST_OWNER(it, struct far, link);
		if (!far->gone && str_eq(far->id, id) && far->nats == nats &&
			memcmp(&far->addr, addr, sizeof(*addr)) == 0)
			return far;
	}
	return NULL;
}

static struct far *far_new(struct carrier *c, struct str id, const struct net_addr *addr)
{
	struct far *far = calloc(1, sizeof(*far));

	check(far);
	*far = (struct far){
		.carrier = c, .id = str_dup(id), .addr = *addr, .delay_ms = RETRY_MIN_MS
	};
	far->retry = net_timer_new(c->node->loop, on_retry, far);
	list_append(&c->fars, &far->link);
	return far;
}

/* Dials the node, or gives the known one its new keys, which count from the next connection. */
bool far_apply(struct carrier *c, const struct config_link *l, char *err, size_t err_size)
{
	struct net_addr addr = { 0 };
	struct net_tls *tls;
	struct net_creds *creds;

	if ((!l->nats && !net_addr_read(l->addr, &addr, err, err_size)) ||
		!carrier_keys(&l->keys, &tls, &creds, err, err_size))
		return false;
	struct far *far = find_far(c, l->node, l->nats, &addr);
	if (!far)
		far = far_new(c, l->node, &addr);
	far->nats = l->nats;
	if (far->nats)
		brokers_want(c->brokers, far->id, NULL);
	net_tls_unref(far->tls);
	net_creds_unref(far->creds);
	far->tls = tls;
	far->creds = creds;
	far->wanted = true;
	far_dial(far);
	return true;
}

void far_drop(struct far *far, const char *why)
{
	far->gone = true;
	if (far->wire)
		wire_close(NULL, far->wire, why);
	else
		far_free(far);
}
