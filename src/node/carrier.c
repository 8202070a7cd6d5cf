/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One struct wire per connection. A dialled one belongs to a struct far, which dials again with a jittered
 * back-off; an accepted one is known only after its certificate was seen.
 *
 *	far ──dial──► wire ──TLS, id──► link_connected ──frames──► closed ──► link_disconnected ──► far dials again
 */
#include "node/carrier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "node/advice.h"
#include "node/gate.h"

enum {
	HIGH_WATER = 1024 * 1024, /* bytes in flight above which records wait for their turn */
	FRAME_HEAD = 4,
	RETRY_MIN_MS = 50,
	RETRY_MAX_MS = 2000,
	SETUP_MS = 5000,
	CONNECT_MS = 3000,
};

struct far;

struct wire {
	struct list link; /* in carrier->wires */
	struct carrier *carrier;
	struct far *far; /* dialled; NULL: accepted */
	struct net_conn *conn;
	struct net_timer *deadline; /* until the far node is known */
	struct link_peer *peer;
	bool waiting; /* can_send() said no */
	const char *reason; /* why we closed it */
};

/* A node that inner dials. */
struct far {
	struct list link; /* in carrier->fars */
	struct carrier *carrier;
	struct str id;
	struct net_addr addr;
	struct net_tls *tls;
	struct net_creds *creds;
	struct net_timer *retry;
	struct wire *wire;
	unsigned delay_ms;
	bool failing; /* logged already */
	char reason[160]; /* of the latest failure */
	bool wanted; /* by the configuration that is being applied */
	bool gone; /* not in the configuration any more */
};

/* An address where outer listens. */
struct port {
	struct list link; /* in carrier->ports */
	struct carrier *carrier;
	struct net_addr addr;
	bool wanted; /* by the configuration that is being applied */
	struct net_listener *listener;
	struct net_tls *tls;
	struct net_creds *creds;
	struct str *accept;
	size_t n_accept;
};

struct carrier {
	struct node *node;
	struct list wires;
	struct list fars;
	struct list ports;
};

static void dial(struct far *far);

/* --- one connection --- */

static void wire_up(struct wire *w, struct str id)
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
	w->peer = link_connected(n->link, id, w, n->now);
	if (!w->peer)
		net_conn_abort(w->conn);
}

static void refuse(struct wire *w, const char *reason)
{
	LOG(LOG_ALARM, "link-refused", LF_CSTR("address", net_conn_peer(w->conn)),
		LF_CSTR("reason", reason), LF_CSTR("cure", advice_link(reason)));
	w->reason = reason;
	net_conn_abort(w->conn);
}

static void on_far_tls(void *user)
{
	struct wire *w = user;

	w->carrier->node->now = net_now(w->carrier->node->loop);
	if (net_conn_is_node(w->conn, w->far->id))
		wire_up(w, w->far->id);
	else
		refuse(w, "certificate is for another node");
}

static void identify(struct wire *w, const struct port *port)
{
	for (size_t i = 0; i < port->n_accept; i++) {
		if (net_conn_is_node(w->conn, port->accept[i])) {
			wire_up(w, port->accept[i]);
			return;
		}
	}
	refuse(w, "certificate is for a node that is not accepted here");
}

static uint32_t frame_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static size_t on_input(void *user, struct str bytes)
{
	struct wire *w = user;
	struct node *n = w->carrier->node;
	size_t used = 0;

	n->now = net_now(n->loop);
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

static void on_taken(void *user, uint64_t total)
{
	struct wire *w = user;
	struct node *n = w->carrier->node;

	if (w->waiting && w->peer && net_conn_backlog(w->conn) < HIGH_WATER / 2) {
		w->waiting = false;
		n->now = net_now(n->loop);
		link_carrier_writable(n->link, w->peer, n->now);
	}
}

static void far_retry(struct far *far)
{
	uint64_t wait = far->delay_ms / 2 + random_below(far->delay_ms);

	far->delay_ms = far->delay_ms * 2 < RETRY_MAX_MS ? far->delay_ms * 2 : RETRY_MAX_MS;
	net_timer_set(far->retry, net_now(far->carrier->node->loop) + wait);
}

static void far_free(struct far *far)
{
	list_remove(&far->link);
	net_timer_free(far->retry);
	net_tls_unref(far->tls);
	net_creds_unref(far->creds);
	str_free(&far->id);
	free(far);
}

static void on_closed(void *user, const char *text)
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
	} else if (!far) {
		LOG(LOG_WARNING, "link-attempt-failed", LF_CSTR("reason", why),
			LF_CSTR("cure", advice_link(why)));
	}
	if (w->deadline)
		net_timer_free(w->deadline);
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

static struct wire *wire_new(struct carrier *c, struct far *far, struct net_conn *conn)
{
	struct wire *w = calloc(1, sizeof(*w));

	check(w);
	*w = (struct wire){ .carrier = c, .far = far, .conn = conn };
	w->deadline = net_timer_new(c->node->loop, on_deadline, w);
	net_timer_set(w->deadline, net_now(c->node->loop) + SETUP_MS);
	list_append(&c->wires, &w->link);
	return w;
}

/* --- outer: accepted connections --- */

static const struct net_conn_ops accepted_ops = {
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

static void on_accept(void *user, struct net_conn *conn, bool direct_tls)
{
	struct port *port = user;
	struct carrier *c = port->carrier;

	c->node->now = net_now(c->node->loop);
	if (!direct_tls || c->node->draining) {
		net_conn_abort(conn);
		return;
	}
	struct wire *w = wire_new(c, NULL, conn);
	net_conn_attach(conn, &accepted_ops, w);
	identify(w, port);
}

static struct net_creds *creds_for(void *user, struct str sni)
{
	struct port *port = user;

	return net_creds_ref(port->creds);
}

static void *enter(void *user, const struct net_addr *from)
{
	struct node *n = ((struct port *)user)->carrier->node;

	return gate_enter(n->link_gate, from, false, net_now(n->loop));
}

static void leave(void *user, void *pass)
{
	gate_leave(pass, net_now(((struct port *)user)->carrier->node->loop));
}

/* Anybody can reach this port who is in its network: a link is from where one was before. */
static enum net_class class_of(void *user, void *pass)
{
	return gate_is_known(pass) ? NET_LINK : NET_KNOWN;
}

static void port_free(struct port *p)
{
	if (p->listener)
		net_listener_close(p->listener);
	list_remove(&p->link);
	net_tls_unref(p->tls);
	net_creds_unref(p->creds);
	for (size_t i = 0; i < p->n_accept; i++)
		str_free(&p->accept[i]);
	free(p->accept);
	free(p);
}

static bool load_keys(const struct config_keys *keys, struct net_tls **tls,
	struct net_creds **creds, char *err, size_t err_size)
{
	*tls = net_tls_new(NET_TLS_LINK, &keys->trust, 1, false, err, err_size);
	*creds = *tls ? net_creds_load(keys->certificate, keys->key, err, err_size) : NULL;
	if (*creds)
		return true;
	net_tls_unref(*tls);
	*tls = NULL;
	return false;
}

static void set_accept(struct port *p, const struct config_listen *l)
{
	for (size_t i = 0; i < p->n_accept; i++)
		str_free(&p->accept[i]);
	free(p->accept);
	p->n_accept = 0;
	p->accept = calloc(l->n_accept, sizeof(*p->accept));
	check(p->accept || l->n_accept == 0);
	for (size_t i = 0; i < l->n_accept; i++)
		p->accept[p->n_accept++] = str_dup(l->accept[i]);
}

static struct port *find_port(struct carrier *c, const struct net_addr *addr)
{
	LIST_EACH (&c->ports, it) {
		struct port *p = LIST_OWNER(it, struct port, link);
		if (memcmp(&p->addr, addr, sizeof(*addr)) == 0)
			return p;
	}
	return NULL;
}

/* NULL and a message when it cannot listen. Takes the keys over only when it can. */
static struct port *open_port(struct carrier *c, const struct net_addr *addr, struct net_tls *tls,
	char *err, size_t err_size)
{
	struct port *p = calloc(1, sizeof(*p));

	check(p);
	*p = (struct port){ .carrier = c, .addr = *addr };
	list_append(&c->ports, &p->link);
	const struct net_listen_settings settings = {
		.addr = *addr,
		.tls = tls,
		.tls_only = true,
		.handshake_ms = SETUP_MS,
		.enter = enter,
		.leave = leave,
		.class_of = class_of,
		.creds_for = creds_for,
		.on_accept = on_accept,
		.user = p,
	};
	p->listener = net_listen(c->node->loop, &settings, err, err_size);
	if (p->listener)
		return p;
	port_free(p);
	return NULL;
}

/* Opens the port, or gives the open one its new keys and list of nodes. */
static bool apply_port(struct carrier *c, const struct config_listen *l, char *err, size_t err_size)
{
	struct net_addr addr = { 0 };
	struct net_tls *tls;
	struct net_creds *creds;

	if (!net_addr_parse(l->addr, &addr)) {
		snprintf(err, err_size, "%.*s is not an address", STR_FMT(l->addr));
		return false;
	}
	if (!load_keys(&l->keys, &tls, &creds, err, err_size))
		return false;
	struct port *p = find_port(c, &addr);
	if (!p)
		p = open_port(c, &addr, tls, err, err_size);
	else
		net_listener_set_tls(p->listener, tls);
	if (!p) {
		net_tls_unref(tls);
		net_creds_unref(creds);
		return false;
	}
	net_tls_unref(p->tls);
	net_creds_unref(p->creds);
	p->tls = tls;
	p->creds = creds;
	p->wanted = true;
	set_accept(p, l);
	return true;
}

/* --- inner: dialled connections --- */

static void on_far_connected(void *user)
{
	struct wire *w = user;

	net_conn_start_tls(w->conn, w->far->tls, w->far->creds, false, w->far->id);
}

static const struct net_conn_ops dialled_ops = {
	.on_connected = on_far_connected,
	.on_tls = on_far_tls,
	.on_input = on_input,
	.on_taken = on_taken,
	.on_closed = on_closed,
};

static void dial(struct far *far)
{
	struct carrier *c = far->carrier;

	if (far->wire || c->node->draining)
		return;
	struct wire *w = wire_new(c, far, NULL);
	far->wire = w;
	w->conn = net_connect(c->node->loop, &far->addr, 1, CONNECT_MS, &dialled_ops, w);
	net_conn_set_class(w->conn, NET_LINK);
}

static void on_retry(void *user)
{
	dial(user);
}

static struct far *find_far(struct carrier *c, struct str id, const struct net_addr *addr)
{
	LIST_EACH (&c->fars, it) {
		struct far *far = LIST_OWNER(it, struct far, link);
		if (!far->gone && str_eq(far->id, id) &&
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
static bool apply_far(struct carrier *c, const struct config_link *l, char *err, size_t err_size)
{
	struct net_addr addr = { 0 };
	struct net_tls *tls;
	struct net_creds *creds;

	if (!net_addr_parse(l->addr, &addr)) {
		snprintf(err, err_size, "%.*s is not an address", STR_FMT(l->addr));
		return false;
	}
	if (!load_keys(&l->keys, &tls, &creds, err, err_size))
		return false;
	struct far *far = find_far(c, l->node, &addr);
	if (!far)
		far = far_new(c, l->node, &addr);
	net_tls_unref(far->tls);
	net_creds_unref(far->creds);
	far->tls = tls;
	far->creds = creds;
	far->wanted = true;
	dial(far);
	return true;
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

static void close_wire(void *user, void *carrier, const char *reason)
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
	ops->close = close_wire;
}

/* Its hello was accepted: only now is it worth dialling again at once. */
void carrier_peer_up(struct carrier *c, const struct link_peer *peer)
{
	LIST_EACH (&c->wires, it) {
		struct wire *w = LIST_OWNER(it, struct wire, link);
		if (w->peer == peer && w->far) {
			w->far->delay_ms = RETRY_MIN_MS;
			w->far->failing = false;
		}
	}
}

/* --- life --- */

struct carrier *carrier_new(struct node *n)
{
	struct carrier *c = calloc(1, sizeof(*c));

	check(c);
	c->node = n;
	list_init(&c->wires);
	list_init(&c->fars);
	list_init(&c->ports);
	return c;
}

static void drop_far(struct far *far, const char *why)
{
	far->gone = true;
	if (far->wire)
		close_wire(NULL, far->wire, why);
	else
		far_free(far);
}

static bool accepted_somewhere(struct carrier *c, struct str id)
{
	LIST_EACH (&c->ports, it) {
		const struct port *p = LIST_OWNER(it, struct port, link);
		for (size_t i = 0; i < p->n_accept; i++) {
			if (str_eq(p->accept[i], id))
				return true;
		}
	}
	return false;
}

/* Closes what the configuration does not name; all tells that it names nothing. */
static void drop_unwanted(struct carrier *c, bool all)
{
	const char *why = all ? "shutting down" : "not in the configuration any more";

	LIST_EACH_SAFE (&c->ports, it) {
		struct port *p = LIST_OWNER(it, struct port, link);
		if (all || !p->wanted)
			port_free(p);
	}
	LIST_EACH_SAFE (&c->fars, it) {
		struct far *far = LIST_OWNER(it, struct far, link);
		if (all || !far->wanted)
			drop_far(far, why);
	}
	LIST_EACH (&c->wires, it) {
		struct wire *w = LIST_OWNER(it, struct wire, link);
		if (!w->far && (all || (w->peer && !accepted_somewhere(c, link_peer_id(w->peer)))))
			close_wire(NULL, w, why);
	}
}

void carrier_stop(struct carrier *c)
{
	drop_unwanted(c, true);
}

bool carrier_apply(struct carrier *c, char *err, size_t err_size)
{
	const struct config *config = c->node->config;

	LIST_EACH (&c->ports, it)
		LIST_OWNER(it, struct port, link)->wanted = false;
	LIST_EACH (&c->fars, it)
		LIST_OWNER(it, struct far, link)->wanted = false;
	for (size_t i = 0; i < config->n_listen_link; i++) {
		if (!apply_port(c, &config->listen_link[i], err, err_size))
			return false;
	}
	for (size_t i = 0; i < config->n_links; i++) {
		if (!apply_far(c, &config->links[i], err, err_size))
			return false;
	}
	drop_unwanted(c, false);
	return true;
}

void carrier_status(const struct carrier *c, struct json *j)
{
	char addr[64];

	json_array(j, "unlinked");
	LIST_EACH (&c->fars, it) {
		const struct far *far = LIST_OWNER(it, struct far, link);
		if (!far->failing)
			continue;
		net_addr_print(&far->addr, addr);
		json_object(j, NULL);
		json_str(j, "peer", far->id);
		json_cstr(j, "address", addr);
		json_cstr(j, "reason", far->reason);
		json_cstr(j, "cure", advice_link(far->reason));
		json_end(j);
	}
	json_end(j);
}

void carrier_free(struct carrier *c)
{
	if (!c)
		return;
	LIST_EACH_SAFE (&c->ports, it)
		port_free(LIST_OWNER(it, struct port, link));
	LIST_EACH_SAFE (&c->fars, it)
		far_free(LIST_OWNER(it, struct far, link));
	free(c);
}
