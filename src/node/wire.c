/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the link: from TLS, over frames, to its end. Who dials and who listens is in far.c and port.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "node/advice.h"
#include "node/carrier_int.h"
#include "node/gate.h"

enum {
	HIGH_WATER = 1024 * 1024, /* bytes in flight above which records wait for their turn */
	FRAME_HEAD = 4,
};

void wire_up(struct wire *w, struct str id)
{
	struct node *n = w->carrier->node;

	net_timer_free(w->deadline);
	w->deadline = NULL;
	net_conn_setup(w->conn, false);
	gate_prove(net_conn_pass(w->conn), n->now);
	LOG(LOG_INFO, "link-connected", LF_STR("peer", id),
		LF_CSTR("address", net_conn_peer(w->conn)),
		LF_CSTR("tls", net_conn_tls_version(w->conn)),
		LF_CSTR("cipher", net_conn_cipher(w->conn)));
	net_conn_set_class(w->conn, NET_LINK);
	if (w->tunnel) /* brokers are paid by the message */
		net_conn_gather(w->conn);
	w->peer = link_connected(n->link, id, w, n->now);
	if (!w->peer)
		net_conn_abort(w->conn);
}

void wire_refuse(struct wire *w, const char *reason)
{
	LOG(LOG_ALARM, "link-refused", LF_CSTR("address", net_conn_peer(w->conn)),
		LF_CSTR("reason", reason), LF_CSTR("cure", advice_link(reason)));
	w->reason = reason;
	net_conn_abort(w->conn);
}

static uint32_t frame_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

size_t wire_input(void *user, struct str bytes)
{
	struct wire *w = user;
	struct node *n = w->carrier->node;
	size_t used = 0;

	/* After it was read: who sent it was heard then, and believes no more than that. */
	n->now = net_look(n->loop);
	while (bytes.len - used >= FRAME_HEAD && !w->reason && w->peer) {
		uint32_t len = frame_length(bytes.p + used);
		if (len > n->frame_bytes)
			len = 0; /* to the engine it is no frame: it closes with the code for that */
		if (bytes.len - used - FRAME_HEAD < len)
			break;
		link_input(
			n->link, w->peer, (struct str){ bytes.p + used + FRAME_HEAD, len }, n->now);
		used += FRAME_HEAD + len;
	}
	return w->reason ? bytes.len : used;
}

void wire_taken(void *user, uint64_t total)
{
	struct wire *w = user;
	struct node *n = w->carrier->node;

	if (w->waiting && w->peer && net_conn_backlog(w->conn) < HIGH_WATER / 2) {
		w->waiting = false;
		n->now = net_now(n->loop);
		link_carrier_writable(n->link, w->peer, n->now);
	}
}

void wire_closed(void *user, const char *text)
{
	struct wire *w = user;
	struct far *far = w->far;
	struct node *n = w->carrier->node;

	n->now = net_now(n->loop);
	const char *why = w->reason ? w->reason : text;
	if (w->peer) {
		LOG(n->draining ? LOG_INFO : LOG_WARNING, "link-closed",
			LF_STR("peer", link_peer_id(w->peer)), LF_CSTR("reason", why),
			LF_CSTR("cure", advice_link(why)));
		link_disconnected(n->link, w->peer, w, n->now);
	} else if (far && !far->failing) {
		LOG(LOG_WARNING, "link-unreachable", LF_STR("peer", far->id),
			LF_CSTR("reason", why), LF_CSTR("cure", advice_link(why)));
		far->failing = true;
		snprintf(far->reason, sizeof(far->reason), "%s", why);
	} else if (!far && !w->counted) {
		LOG(LOG_WARNING, "link-attempt-failed", LF_CSTR("address", net_conn_peer(w->conn)),
			LF_CSTR("reason", why), LF_CSTR("cure", advice_link(why)));
	}
	if (w->deadline)
		net_timer_free(w->deadline);
	if (w->tunnel)
		tunnel_forget(w->tunnel);
	list_remove(&w->link);
	free(w);
	if (far) {
		far->wire = NULL;
		if (far->gone)
			far_free(far);
		else
			far_retry(far);
	}
}

static void on_deadline(void *user)
{
	struct wire *w = user;

	w->reason = "no TLS handshake in time";
	net_conn_abort(w->conn);
}

struct wire *wire_new(struct carrier *c, struct far *far, struct net_conn *conn)
{
	struct wire *w = calloc(1, sizeof(*w));

	check(w);
	*w = (struct wire){ .carrier = c, .far = far, .conn = conn };
	w->deadline = net_timer_new(c->node->loop, on_deadline, w);
	net_timer_set(w->deadline, net_now(c->node->loop) + SETUP_MS);
	list_append(&c->wires, &w->link);
	return w;
}

void wire_discard(struct wire *w)
{
	net_timer_free(w->deadline);
	list_remove(&w->link);
	free(w);
}

/* --- struct link_ops --- */

static void send_frame(void *user, void *carrier, struct str head, struct str body)
{
	struct wire *w = carrier;
	struct buf *out = net_conn_out(w->conn);
	size_t len = head.len + body.len;
	char *p = out ? buf_space(out, FRAME_HEAD + len) : NULL;

	if (!p) {
		if (out && !w->reason) {
			w->reason = "output limit";
			net_conn_abort(w->conn);
		}
		return;
	}
	p[0] = (char)(len >> 24);
	p[1] = (char)(len >> 16);
	p[2] = (char)(len >> 8);
	p[3] = (char)len;
	memcpy(p + FRAME_HEAD, head.p, head.len);
	if (body.len)
		memcpy(p + FRAME_HEAD + head.len, body.p, body.len);
	buf_commit(out, FRAME_HEAD + len);
	net_conn_wrote(w->conn);
}

static bool can_send(void *user, void *carrier)
{
	struct wire *w = carrier;

	if (net_conn_backlog(w->conn) < HIGH_WATER)
		return true;
	w->waiting = true;
	return false;
}

void wire_close(void *user, void *carrier, const char *reason)
{
	struct wire *w = carrier;

	if (w->reason)
		return;
	w->reason = reason;
	net_conn_close(w->conn, 500);
}

void carrier_fill_ops(struct link_ops *ops)
{
	ops->send = send_frame;
	ops->can_send = can_send;
	ops->close = wire_close;
}
