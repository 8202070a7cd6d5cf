/* SPDX-License-Identifier: Apache-2.0 */
#include "node/control_server.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "net/local.h"
#include "node/cluster.h"
#include "node/control.h"
#include "node/probe.h"
#include "node/reload.h"
#include "node/state.h"
#include "node/trace.h"

_Static_assert((int)CONTROL_WORDS_MAX == (int)EXCERPT_DOMAINS, "each word may be a domain");

enum { ANSWER_MAX = 64 * 1024 * 1024 };

struct control {
	struct node *node;
	struct net_local *socket;
};

/* --- requests --- */

static void answer_error(struct net_local_client *client, const char *error)
{
	struct buf out;
	struct json j;

	LOG(LOG_WARNING, "control-refused", LF_CSTR("reason", error));
	buf_init(&out, 65536);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_cstr(&j, "error", error);
	json_end(&j);
	buf_append_c(&out, "\n");
	net_local_send(client, buf_bytes(&out));
	buf_done(&out);
}

static void answer_reload(struct control *c, struct net_local_client *client)
{
	struct buf message, out;
	struct json j;

	buf_init(&message, 65536);
	buf_init(&out, 8 * 65536);
	bool ok = node_reload(c->node, &message);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_bool(&j, "ok", ok);
	json_str(&j, "message", buf_bytes(&message));
	json_end(&j);
	buf_append_c(&out, "\n");
	net_local_send(client, buf_bytes(&out));
	buf_done(&out);
	buf_done(&message);
}

/* What the request asks for of each list: the words are domains. */
static bool ask_for(const struct control_request *r, struct arena *a, struct excerpt *ret)
{
	*ret = (struct excerpt){ .n_domains = r->n_words };
	for (unsigned i = 0; i < r->n_words; i++) {
		if (jid_parse_domain(a, r->words[i], &ret->domains[i]) != JID_OK)
			return false;
	}
	return true;
}

static void answer_state(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	struct excerpt e;
	struct arena a;
	struct buf out;

	arena_init(&a, 16384);
	buf_init(&out, ANSWER_MAX);
	if (!ask_for(r, &a, &e)) {
		answer_error(client, "not a domain");
	} else {
		if (r->verb == CONTROL_CLUSTER)
			cluster_write(c->node, &e, &out);
		else
			state_write(c->node, &e, &out);
		if (!net_local_send(client, buf_bytes(&out)))
			answer_error(client, "the state is larger than an answer may be");
	}
	buf_done(&out);
	arena_done(&a);
}

static void answer_order(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	struct buf out;

	buf_init(&out, ANSWER_MAX);
	cluster_order(c->node, r, &out);
	net_local_send(client, buf_bytes(&out));
	buf_done(&out);
}

/* --- test --- */

static void on_probe_line(void *user, struct str json)
{
	net_local_send(user, json);
}

static void on_probe_end(void *user)
{
	net_local_set_user(user, NULL);
	net_local_finish(user);
}

/* The domains of the request, prepared; "*" is the first local domain. */
static const char *test_domains(struct node *n, const struct control_request *r, struct arena *a,
	struct str *ret_us, struct str *ret_them)
{
	const struct config *c = n->config;

	if (n->role->link != LINK_OUTER)
		return "ask an outer: inner opens no streams to foreign servers";
	if (jid_parse_domain(a, r->words[1], ret_them) != JID_OK)
		return "not a domain";
	*ret_us = c->n_domains ? c->domains[0].name : STRL("");
	if (!str_is(r->words[0], "*") && jid_parse_domain(a, r->words[0], ret_us) != JID_OK)
		return "not a domain";
	return NULL;
}

/* False: the answer is complete. */
static bool start_test(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	struct probe *p = NULL;
	struct str us, them;
	struct arena a;

	arena_init(&a, 16384);
	const char *error = test_domains(c->node, r, &a, &us, &them);
	if (!error)
		p = probe_start(c->node, us, them, on_probe_line, on_probe_end, client, &error);
	arena_done(&a);
	if (p)
		net_local_set_user(client, p);
	else
		answer_error(client, error);
	return p != NULL;
}

/* What is answered at once. */
static void answer(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	switch (r->verb) {
	case CONTROL_STATUS:
	case CONTROL_CLUSTER:
		answer_state(c, client, r);
		break;
	case CONTROL_RELOAD:
		answer_reload(c, client);
		break;
	case CONTROL_DRAIN:
	case CONTROL_UNDRAIN:
	case CONTROL_MOVE:
	case CONTROL_EXPEL:
		answer_order(c, client, r);
		break;
	default:
		net_local_send(client, STRL("{\"ok\":true}\n"));
		break;
	}
}

static void on_input(void *user, struct net_local_client *client, struct str bytes)
{
	struct control *c = user;
	struct control_request request;
	const char *error = NULL;

	c->node->now = net_now(c->node->loop);
	if (net_local_user(client))
		return; /* a trace is running: what else it says does not matter */
	switch (control_parse(bytes, &request, &error)) {
	case CONTROL_MORE:
		return;
	case CONTROL_BAD:
		answer_error(client, error);
		break;
	case CONTROL_REQUEST:
		if (request.verb == CONTROL_TRACE) {
			trace_start(c->node, client, &request);
			return;
		}
		if (request.verb == CONTROL_TEST && start_test(c, client, &request))
			return;
		if (request.verb == CONTROL_TEST)
			break;
		answer(c, client, &request);
		break;
	}
	net_local_finish(client);
}

static void on_closed(void *user, struct net_local_client *client)
{
	struct control *c = user;
	void *w = net_local_user(client);

	if (w && w == c->node->probe)
		probe_leave(w);
	else if (w)
		trace_leave(w);
}

static const struct net_local_ops ops = {
	.on_input = on_input,
	.on_closed = on_closed,
};

bool control_start(struct node *n, char *err, size_t err_size)
{
	if (!n->config->control)
		return true;
	struct control *c = calloc(1, sizeof(*c));
	check(c);
	c->node = n;
	c->socket = net_local_listen(
		n->loop, n->config->control, CONTROL_LINE_MAX + 1, &ops, c, err, err_size);
	if (!c->socket) {
		free(c);
		return false;
	}
	n->control = c;
	return true;
}

void control_stop(struct node *n)
{
	struct control *c = n->control;

	if (!c)
		return;
	n->control = NULL;
	trace_end(c->node);
	net_local_close(c->socket);
	free(c);
}
