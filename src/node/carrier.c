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
#include "base/json.h"
#include "node/advice.h"
#include "node/carrier_int.h"

bool carrier_keys(const struct config_keys *keys, struct net_tls **tls, struct net_creds **creds,
	char *err, size_t err_size)
{
	*tls = net_tls_new(NET_TLS_LINK, &keys->trust, 1, false, err, err_size);
	*creds = *tls ? net_creds_load(keys->certificate, keys->key, err, err_size) : NULL;
	if (*creds)
		return true;
	net_tls_unref(*tls);
	*tls = NULL;
	return false;
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

struct carrier *carrier_new(struct node *n)
{
	struct carrier *c = calloc(1, sizeof(*c));

	check(c);
	c->node = n;
	list_init(&c->wires);
	list_init(&c->fars);
	list_init(&c->ports);
	c->brokers = brokers_new(c);
	return c;
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

	if (!all)
		brokers_drop_unwanted(c->brokers, why);
	LIST_EACH_SAFE (&c->ports, it) {
		struct port *p = LIST_OWNER(it, struct port, link);
		if (all || !p->wanted)
			port_free(p);
	}
	LIST_EACH_SAFE (&c->fars, it) {
		struct far *far = LIST_OWNER(it, struct far, link);
		if (all || !far->wanted)
			far_drop(far, why);
	}
	LIST_EACH (&c->wires, it) {
		struct wire *w = LIST_OWNER(it, struct wire, link);
		if (!w->far && (all || (w->peer && !accepted_somewhere(c, link_peer_id(w->peer)))))
			wire_close(NULL, w, why);
	}
}

void carrier_stop(struct carrier *c)
{
	drop_unwanted(c, true);
	brokers_stop(c->brokers);
}

bool carrier_apply(struct carrier *c, char *err, size_t err_size)
{
	const struct config *config = c->node->config;

	LIST_EACH (&c->ports, it)
		LIST_OWNER(it, struct port, link)->wanted = false;
	LIST_EACH (&c->fars, it)
		LIST_OWNER(it, struct far, link)->wanted = false;
	brokers_want_none(c->brokers);
	if (!brokers_apply(c->brokers, err, err_size))
		return false;
	for (size_t i = 0; i < config->n_listen_link; i++) {
		if (!port_apply(c, &config->listen_link[i], err, err_size))
			return false;
	}
	for (size_t i = 0; i < config->n_links; i++) {
		if (!far_apply(c, &config->links[i], err, err_size))
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
		if (far->nats)
			snprintf(addr, sizeof(addr), "nats");
		else
			net_addr_print(&far->addr, addr);
		json_object(j, NULL);
		json_str(j, "peer", far->id);
		json_cstr(j, "address", addr);
		json_cstr(j, "reason", far->reason);
		json_cstr(j, "cure", advice_link(far->reason));
		json_end(j);
	}
	json_end(j);
	brokers_status(c->brokers, j);
}

void carrier_free(struct carrier *c)
{
	if (!c)
		return;
	LIST_EACH_SAFE (&c->ports, it)
		port_free(LIST_OWNER(it, struct port, link));
	LIST_EACH_SAFE (&c->fars, it)
		far_free(LIST_OWNER(it, struct far, link));
	brokers_free(c->brokers);
	free(c);
}
