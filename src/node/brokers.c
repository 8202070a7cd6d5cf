/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The brokers, and the nodes on the other side of them.
 *
 *	to an outer   lk.o.OUTER.INNER
 *	to an inner   lk.i.INNER.OUTER
 *
 * The last word is the sender, which the brokers hold a node to; each side subscribes to exactly the subjects of the
 * nodes that its configuration names. Who is there is proved by TLS inside, not by the subject.
 */
#include "node/brokers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/log.h"
#include "node/advice.h"

enum { MADE_OF_MAX = 64 * 1024 };

void brokers_arm(struct brokers *b)
{
	net_timer_set(b->timer, bus_deadline(b->bus));
}

bool brokers_up(const struct brokers *b)
{
	return b->up;
}

/* --- the bus --- */

static void bus_send_message(void *user, void *peer, struct str head, struct str body)
{
	struct brokers *b = user;
	const struct far_node *node = peer;

	if (b->nats)
		net_nats_publish(b->nats, node->to, head, body);
}

static bool bus_has_room(void *user)
{
	struct brokers *b = user;

	return b->nats && net_nats_room(b->nats);
}

static void on_timer(void *user)
{
	struct brokers *b = user;
	struct node *n = b->carrier->node;

	n->now = net_now(n->loop);
	bus_tick(b->bus, n->now);
	brokers_arm(b);
}

/* --- events of the connection --- */

static void on_message(void *user, void *topic, struct str message)
{
	struct brokers *b = user;
	struct far_node *node = topic;
	struct node *n = b->carrier->node;

	n->now = net_now(n->loop);
	bus_input(node->peer, message, n->now);
	brokers_arm(b);
}

static void on_room(void *user)
{
	struct brokers *b = user;

	bus_flush(b->bus);
}

/* Without a broker the silence of the others says nothing about them. */
static void tell_link(struct brokers *b, enum link_cut cut)
{
	struct node *n = b->carrier->node;

	LIST_EACH (&b->nodes, it) {
		const struct far_node *node = LIST_OWNER(it, struct far_node, link);
		if (node->known)
			link_cut(n->link, node->known, cut, n->now);
	}
}

static void dial_all(struct brokers *b)
{
	LIST_EACH (&b->carrier->fars, it) {
		struct far *far = LIST_OWNER(it, struct far, link);
		if (!far->nats || far->gone)
			continue;
		far->delay_ms = RETRY_MIN_MS;
		far_dial(far);
	}
}

static void set_state(struct brokers *b, enum net_nats_state state, const char *text)
{
	struct node *n = b->carrier->node;
	bool up = state == NET_NATS_UP;

	n->now = net_now(n->loop);
	b->up = up;
	snprintf(b->text, sizeof(b->text), "%s", text);
	tell_link(b,
		up                                  ? LINK_CUT_NOT
			: state == NET_NATS_STALLED ? LINK_CUT_STALLED
						    : LINK_CUT_DOWN);
	if (!up)
		bus_lost(b->bus, "nats: no broker");
	else
		dial_all(b);
	brokers_arm(b);
}

static void on_state(void *user, enum net_nats_state state, const char *text)
{
	if (state == NET_NATS_UP)
		LOG(LOG_INFO, "nats-up", LF_CSTR("broker", text));
	else
		LOG(LOG_WARNING, "nats-down", LF_CSTR("reason", text),
			LF_CSTR("cure", advice_link("no broker")));
	set_state(user, state, text);
}

static void on_trouble(void *user, const char *text)
{
	LOG(LOG_WARNING, "nats-trouble", LF_CSTR("reason", text));
}

static const struct net_nats_ops nats_ops = {
	.on_message = on_message,
	.on_state = on_state,
	.on_room = on_room,
	.on_trouble = on_trouble,
};

/* --- nodes --- */

struct far_node *brokers_find(struct brokers *b, struct str id)
{
	LIST_EACH (&b->nodes, it) {
		struct far_node *node = LIST_OWNER(it, struct far_node, link);
		if (str_eq(node->id, id))
			return node;
	}
	return NULL;
}

static struct far_node *far_node_new(struct brokers *b, struct str id)
{
	struct far_node *node = calloc(1, sizeof(*node));
	const struct node *n = b->carrier->node;
	struct str us = n->config->node;
	bool outer = n->role->link == LINK_OUTER;

	check(node);
	node->brokers = b;
	node->id = str_dup(id);
	snprintf(node->to, sizeof(node->to), "lk.%c.%.*s.%.*s", outer ? 'i' : 'o', STR_FMT(id),
		STR_FMT(us));
	snprintf(node->from, sizeof(node->from), "lk.%c.%.*s.%.*s", outer ? 'o' : 'i', STR_FMT(us),
		STR_FMT(id));
	node->peer = bus_peer_new(b->bus, node);
	list_append(&b->nodes, &node->link);
	if (b->nats)
		net_nats_subscribe(b->nats, node->from, node);
	return node;
}

static void far_node_free(struct far_node *node, const char *why)
{
	struct brokers *b = node->brokers;
	struct node *n = b->carrier->node;

	bus_peer_free(node->peer, why);
	if (node->known) /* another carrier's silence is its own */
		link_cut(n->link, node->known, LINK_CUT_NOT, n->now);
	if (b->nats)
		net_nats_unsubscribe(b->nats, node);
	list_remove(&node->link);
	str_free(&node->id);
	free(node);
}

void brokers_want(struct brokers *b, struct str id, struct port *port)
{
	struct far_node *node = brokers_find(b, id);

	if (!node)
		node = far_node_new(b, id);
	node->wanted = true;
	node->port = port;
}

void brokers_want_none(struct brokers *b)
{
	LIST_EACH (&b->nodes, it)
		LIST_OWNER(it, struct far_node, link)->wanted = false;
}

void brokers_drop_unwanted(struct brokers *b, const char *why)
{
	LIST_EACH_SAFE (&b->nodes, it) {
		struct far_node *node = LIST_OWNER(it, struct far_node, link);
		if (!node->wanted)
			far_node_free(node, why);
	}
}

/* --- configuration --- */

static void note_file(struct buf *out, const char *path)
{
	struct stat st = { 0 };

	(void)stat(path, &st);
	buf_printf(out, "%s %llu %llu %llu.%09ld\n", path, (unsigned long long)st.st_ino,
		(unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec);
}

void carrier_note_nats(struct buf *out, const struct config_nats *config)
{
	buf_init(out, MADE_OF_MAX);
	for (size_t i = 0; i < config->n_servers; i++)
		buf_printf(out, "%.*s\n", STR_FMT(config->servers[i]));
	if (config->n_servers == 0)
		return;
	note_file(out, config->keys.certificate);
	note_file(out, config->keys.key);
	note_file(out, config->keys.trust);
}

/* NULL: there is none any more. */
static void replace(struct brokers *b, struct net_nats *nats)
{
	if (b->nats) {
		set_state(b, NET_NATS_DOWN, "reload");
		net_nats_close(b->nats);
	}
	b->nats = nats;
	snprintf(b->text, sizeof(b->text), "connecting");
	LIST_EACH (&b->nodes, it) {
		struct far_node *node = LIST_OWNER(it, struct far_node, link);
		if (nats)
			net_nats_subscribe(nats, node->from, node);
	}
}

static struct net_nats *open_nats(struct brokers *b, char *err, size_t err_size)
{
	const struct node *n = b->carrier->node;
	const struct config_nats *config = &n->config->nats;
	char name[80];
	const struct net_nats_settings settings = {
		.name = name,
		.servers = config->servers,
		.n_servers = config->n_servers,
		.certificate = config->keys.certificate,
		.key = config->keys.key,
		.trust = config->keys.trust,
	};

	snprintf(name, sizeof(name), "%.*s", STR_FMT(n->config->node));
	return net_nats_open(n->loop, &settings, &nats_ops, b, err, err_size);
}

bool brokers_apply(struct brokers *b, char *err, size_t err_size)
{
	const struct config_nats *config = &b->carrier->node->config->nats;
	struct net_nats *nats = NULL;
	struct buf made_of;

	carrier_note_nats(&made_of, config);
	if (str_eq(buf_bytes(&made_of), buf_bytes(&b->made_of))) {
		buf_done(&made_of);
		return true;
	}
	if (config->n_servers && !(nats = open_nats(b, err, err_size))) {
		buf_done(&made_of);
		return false;
	}
	replace(b, nats);
	buf_done(&b->made_of);
	b->made_of = made_of;
	return true;
}

/* --- life --- */

struct brokers *brokers_new(struct carrier *c)
{
	struct brokers *b = calloc(1, sizeof(*b));
	struct bus_settings settings = bus_settings_default;
	struct bus_ops ops = { .send = bus_send_message, .can_send = bus_has_room };

	check(b);
	b->carrier = c;
	settings.opens = c->node->role->link == LINK_INNER;
	tunnel_fill_ops(&ops);
	b->bus = bus_new(&settings, &ops, b);
	b->timer = net_timer_new(c->node->loop, on_timer, b);
	buf_init(&b->made_of, MADE_OF_MAX);
	list_init(&b->nodes);
	list_init(&b->tunnels);
	return b;
}

/* The others are told; the process waits for that in brokers_free(). */
void brokers_stop(struct brokers *b)
{
	brokers_want_none(b);
	brokers_drop_unwanted(b, "shutting down");
	net_nats_close(b->nats);
	b->nats = NULL;
	net_timer_free(b->timer);
}

void brokers_free(struct brokers *b)
{
	net_nats_finish();
	bus_free(b->bus);
	buf_done(&b->made_of);
	free(b);
}

void brokers_status(const struct brokers *b, struct json *j)
{
	struct net_nats_status status;
	const struct bus_counters *bus = bus_counters(b->bus);

	if (!b->nats)
		return;
	net_nats_status(b->nats, &status);
	json_object(j, "nats");
	json_bool(j, "up", b->up);
	json_cstr(j, "broker", status.broker);
	json_cstr(j, "why", b->up ? "" : b->text);
	json_u64(j, "reconnects", status.connects ? status.connects - 1 : 0);
	json_u64(j, "queued_bytes", status.queued);
	json_u64(j, "messages_out", status.published);
	json_u64(j, "messages_in", status.received);
	json_u64(j, "dropped_out", status.dropped_out);
	json_u64(j, "dropped_in", status.dropped_in);
#define X(member, help) json_u64(j, #member, bus->member);
	BUS_COUNTERS(X)
#undef X
	json_end(j);
}
