/* SPDX-License-Identifier: Apache-2.0 */
/* Where outer listens for links: a connection is known only after its certificate was seen. */
#include <stdlib.h>

#include "base/check.h"
#include "node/carrier_int.h"
#include "node/gate.h"

static void identify(struct wire *w, const struct port *port)
{
	for (size_t i = 0; i < port->n_accept; i++) {
		if (net_conn_is_node(w->conn, port->accept[i])) {
			wire_up(w, port->accept[i]);
			return;
		}
	}
	wire_refuse(w, "certificate is for a node that is not accepted here");
}

static const struct net_conn_ops accepted_ops = {
	.on_input = wire_input,
	.on_taken = wire_taken,
	.on_closed = wire_closed,
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

void port_free(struct port *p)
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

static struct port *find_port(struct carrier *c, bool nats, const struct net_addr *addr)
{
	LIST_EACH (&c->ports, it) {
		struct port *p = LIST_OWNER(it, struct port, link);
		if (p->nats == nats && memcmp(&p->addr, addr, sizeof(*addr)) == 0)
			return p;
	}
	return NULL;
}

static struct port *port_new(struct carrier *c, bool nats, const struct net_addr *addr)
{
	struct port *p = calloc(1, sizeof(*p));

	check(p);
	*p = (struct port){ .carrier = c, .nats = nats, .addr = *addr };
	list_append(&c->ports, &p->link);
	return p;
}

/* NULL and a message when it cannot listen. Takes the keys over only when it can. */
static struct port *open_port(struct carrier *c, const struct net_addr *addr, struct net_tls *tls,
	char *err, size_t err_size)
{
	struct port *p = port_new(c, false, addr);
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
bool port_apply(struct carrier *c, const struct config_listen *l, char *err, size_t err_size)
{
	struct net_addr addr = { 0 };
	struct net_tls *tls;
	struct net_creds *creds;

	if ((!l->nats && !net_addr_read(l->addr, &addr, err, err_size)) ||
		!carrier_keys(&l->keys, &tls, &creds, err, err_size))
		return false;
	struct port *p = find_port(c, l->nats, &addr);
	if (!p && l->nats)
		p = port_new(c, true, &addr);
	else if (!p)
		p = open_port(c, &addr, tls, err, err_size);
	else if (p->listener)
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
	for (size_t i = 0; l->nats && i < p->n_accept; i++)
		brokers_want(c->brokers, p->accept[i], p);
	return true;
}
