/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of the link over the brokers. The wire and its TLS are those of `tcp`; instead of the network there is
 * the other end of a pair of connections, whose bytes go over the bus:
 *
 *	link ── wire ── net_conn with TLS ══ net_conn ── tunnel ── bus stream ── broker
 *	                          wire->conn ══ tunnel->conn
 *
 * Back-pressure goes the whole way: without room on the bus the tunnel's end is paused, the socket between the two
 * fills, and can_send() says no. When the stream breaks the wire does, and the link begins a new one.
 */
#include "node/brokers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum { LINGER_MS = 500 };

static uint64_t now_of(struct brokers *b)
{
	struct node *n = b->carrier->node;

	return n->now = net_now(n->loop);
}

/* --- the tunnel's end of the pair --- */

static size_t on_input(void *user, struct str bytes)
{
	struct tunnel *t = user;

	if (!t->stream)
		return bytes.len;
	struct brokers *b = t->node->brokers;
	size_t used = bus_send(t->stream, bytes, now_of(b));
	if (used < bytes.len)
		net_conn_pause(t->conn, true); /* on_writable() follows */
	brokers_arm(b);
	return used;
}

static void on_taken(void *user, uint64_t total)
{
	struct tunnel *t = user;

	if (t->stream)
		bus_taken(t->stream, total);
}

static void on_closed(void *user, const char *text)
{
	struct tunnel *t = user;

	if (t->stream)
		bus_close(t->stream);
	if (t->wire)
		t->wire->tunnel = NULL;
	list_remove(&t->link);
	free(t);
}

static const struct net_conn_ops tunnel_ops = {
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

void tunnel_forget(struct tunnel *t)
{
	t->wire = NULL;
}

/* Both ends; that of the wire still needs its owner. NULL: no descriptors left. */
static struct tunnel *tunnel_new(
	struct brokers *b, struct far_node *node, struct net_conn **ret_end)
{
	struct net_conn *ends[2];
	char name[80];

	snprintf(name, sizeof(name), "nats:%.*s", STR_FMT(node->id));
	if (!net_couple(b->carrier->node->loop, name, ends))
		return NULL;
	struct tunnel *t = calloc(1, sizeof(*t));
	check(t);
	*t = (struct tunnel){ .node = node, .conn = ends[1] };
	list_append(&b->tunnels, &t->link);
	net_conn_attach(t->conn, &tunnel_ops, t);
	*ret_end = ends[0];
	return t;
}

static void join(struct tunnel *t, struct wire *w, struct net_conn *end)
{
	t->wire = w;
	w->tunnel = t;
	w->conn = end;
}

/* --- events of the bus --- */

static void on_opened(void *owner)
{
	struct tunnel *t = owner;

	net_conn_pause(t->conn, false);
}

static void on_bytes(void *owner, struct str bytes)
{
	struct tunnel *t = owner;

	net_conn_write(t->conn, bytes);
}

static void on_broken(void *owner, const char *reason)
{
	struct tunnel *t = owner;

	t->stream = NULL;
	t->node = NULL;
	if (!reason) {
		net_conn_close(t->conn, LINGER_MS); /* what came before the end still arrives */
		return;
	}
	if (t->wire && !t->wire->reason) {
		t->wire->reason = reason;
		t->wire->counted = strcmp(reason, BUS_REPLACED) == 0;
	}
	net_conn_abort(t->conn);
}

/* --- answering --- */

static void on_answered_tls(void *user)
{
	struct wire *w = user;
	struct tunnel *t = w->tunnel;

	if (!t || !t->stream) {
		net_conn_abort(w->conn);
		return;
	}
	now_of(t->node->brokers);
	if (!net_conn_is_node(w->conn, t->node->id)) {
		wire_refuse(w, "certificate is for another node than the subject");
		return;
	}
	bus_proved(t->stream);
	wire_up(w, t->node->id);
	t->node->known = w->peer;
}

static const struct net_conn_ops answered_ops = {
	.on_tls = on_answered_tls,
	.on_input = wire_input,
	.on_taken = wire_taken,
	.on_closed = wire_closed,
};

static void *on_accept(void *user, void *peer, struct bus_stream *s)
{
	struct brokers *b = user;
	struct far_node *node = peer;
	struct net_conn *end;

	if (!node->port || b->carrier->node->draining)
		return NULL;
	struct tunnel *t = tunnel_new(b, node, &end);
	if (!t)
		return NULL;
	struct wire *w = wire_new(b->carrier, NULL, end);
	join(t, w, end);
	t->stream = s;
	net_conn_attach(end, &answered_ops, w);
	net_conn_set_class(end, node->known ? NET_LINK : NET_KNOWN);
	net_conn_start_tls(end, node->port->tls, node->port->creds, true, STRL(""));
	return t;
}

/* --- dialling --- */

static void on_dialled_tls(void *user)
{
	struct wire *w = user;
	struct tunnel *t = w->tunnel;

	w->carrier->node->now = net_now(w->carrier->node->loop);
	if (!net_conn_is_node(w->conn, w->far->id)) {
		wire_refuse(w, "certificate is for another node");
		return;
	}
	if (t && t->stream)
		bus_proved(t->stream);
	wire_up(w, w->far->id);
	if (t && t->node)
		t->node->known = w->peer;
}

static const struct net_conn_ops dialled_ops = {
	.on_tls = on_dialled_tls,
	.on_input = wire_input,
	.on_taken = wire_taken,
	.on_closed = wire_closed,
};

bool tunnel_dial(struct brokers *b, struct far *far, struct wire *w)
{
	struct far_node *node = brokers_find(b, far->id);
	struct net_conn *end;

	check(node);
	struct tunnel *t = tunnel_new(b, node, &end);
	if (!t)
		return false;
	join(t, w, end);
	net_conn_pause(t->conn, true); /* until the far node answers */
	t->stream = bus_open(node->peer, t, now_of(b));
	net_conn_attach(end, &dialled_ops, w);
	net_conn_set_class(end, NET_LINK);
	net_conn_start_tls(end, far->tls, far->creds, false, far->id);
	brokers_arm(b);
	return true;
}

void tunnel_fill_ops(struct bus_ops *ops)
{
	ops->accept = on_accept;
	ops->opened = on_opened;
	ops->input = on_bytes;
	ops->writable = on_opened;
	ops->closed = on_broken;
}
