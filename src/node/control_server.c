/* SPDX-License-Identifier: Apache-2.0 */
#include "node/control_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/local.h"
#include "node/carrier.h"
#include "node/cluster.h"
#include "node/control.h"
#include "node/probe.h"
#include "node/gate.h"
#include "node/isolation.h"
#include "node/reload.h"
#include "node/rules.h"
#include "node/trace.h"

enum { STATUS_MAX = 64 * 1024 * 1024, TRACE_LINE_MAX = 256 * 1024 };

/* A client that traces; "*" matches any domain. */
struct watcher {
	struct list link;
	struct net_local_client *client;
	struct str local;
	struct str foreign;
};

struct control {
	struct node *node;
	struct net_local *socket;
	struct list watchers;
};

/* --- status --- */

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t count_watchers(const struct control *c)
{
	uint64_t count = 0;

	LIST_EACH (&c->watchers, it)
		count++;
	return count;
}

void control_write_status(struct node *n, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_object(&j, "node");
	json_str(&j, "id", n->config->node);
	json_cstr(&j, "role", n->role->link == LINK_OUTER ? "outer" : "inner");
	json_cstr(&j, "version", SALLYPORT_VERSION);
	json_u64(&j, "boot", n->boot_id);
	json_u64(&j, "pid", (uint64_t)getpid());
	json_u64(&j, "uptime_ms", n->now - n->started);
	json_u64(&j, "rss", resident_bytes());
	json_u64(&j, "memory_held", memory_held());
	json_bool(&j, "memory_short", n->memory_short);
	json_u64(&j, "cpu_us", cpu_us());
	json_cstr(&j, "profile", n->config->open_profile ? "open" : "standard");
	uint64_t waiting, refused;
	net_get_handshakes(n->loop, &waiting, &refused);
	json_u64(&j, "handshakes_waiting", waiting);
	json_u64(&j, "handshakes_refused", refused);
	json_bool(&j, "draining", n->draining);
	isolation_write(n, &j);
	json_u64(&j, "watchers", n->control ? count_watchers(n->control) : 0);
	json_end(&j);
	link_status(n->link, n->now, &j);
	carrier_status(n->carrier, &j);
	s2s_status(n->face, n->now, &j);
	gate_status(n->gate, "limits", &j);
	gate_status(n->link_gate, "link_limits", &j);
	json_object(&j, "relay");
#define X(name, help) json_u64(&j, #name, n->counters.name);
	NODE_COUNTERS(X)
#undef X
	json_end(&j);
	json_object(&j, "rules");
	for (unsigned i = 0; i < CONFIG_RULES; i++)
		json_u64(&j, config_rule_rows[i].name, n->rule_hits[i]);
	json_u64(&j, "addresses", n->rule_hits[CONFIG_RULES]);
	json_end(&j);
	rules_write_waves(n, &j);
	json_end(&j);
	buf_append_c(out, "\n");
}

/* --- trace --- */

bool trace_wanted(const struct node *n)
{
	return n->control && !list_empty(&n->control->watchers);
}

static bool watches(const struct watcher *w, struct link_pair pair)
{
	return (str_is(w->local, "*") || str_eq(w->local, pair.local)) &&
		(str_is(w->foreign, "*") || str_eq(w->foreign, pair.foreign));
}

static void write_trace(struct node *n, const char *direction, struct link_pair pair,
	uint64_t trace, const struct record *rec, struct str bytes, struct buf *out)
{
	struct buf text;
	struct json j;
	char id[20];

	buf_init(&text, TRACE_LINE_MAX);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)trace);
	json_init(&j, out);
	json_object(&j, NULL);
	json_u64(&j, "time_ms", net_wall_ms());
	json_cstr(&j, "trace", id);
	json_str(&j, "node", n->config->node);
	json_cstr(&j, "direction", direction);
	json_str(&j, "local", pair.local);
	json_str(&j, "foreign", pair.foreign);
	json_cstr(&j, "kind", record_kind_word(rec->kind));
	json_str(&j, "from", rec->from.full);
	json_str(&j, "to", rec->to.full);
	json_u64(&j, "bytes", bytes.len);
	if (record_diag(bytes, &text))
		json_str(&j, "diag", buf_bytes(&text));
	buf_clear(&text, 0);
	if (record_write(rec, &text))
		json_str(&j, "xml", buf_bytes(&text));
	json_end(&j);
	buf_append_c(out, "\n");
	buf_done(&text);
}

void trace_record(struct node *n, const char *direction, struct link_pair pair, uint64_t trace,
	const struct record *rec, struct str bytes)
{
	struct buf line;
	bool written = false;

	buf_init(&line, 8 * TRACE_LINE_MAX);
	LIST_EACH_SAFE (&n->control->watchers, it) {
		struct watcher *w = LIST_OWNER(it, struct watcher, link);
		if (!watches(w, pair))
			continue;
		if (!written)
			write_trace(n, direction, pair, trace, rec, bytes, &line);
		written = true;
		net_local_send(w->client, buf_bytes(&line));
	}
	buf_done(&line);
}

static void watcher_free(struct watcher *w)
{
	list_remove(&w->link);
	str_free(&w->local);
	str_free(&w->foreign);
	free(w);
}

static void start_trace(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	struct watcher *w = calloc(1, sizeof(*w));

	check(w);
	*w = (struct watcher){
		.client = client,
		.local = str_dup(r->n_words > 0 ? r->words[0] : STRL("*")),
		.foreign = str_dup(r->n_words > 1 ? r->words[1] : STRL("*")),
	};
	list_append(&c->watchers, &w->link);
	net_local_set_user(client, w);
}

/* --- requests --- */

static void answer_error(struct net_local_client *client, const char *error)
{
	struct buf out;
	struct json j;

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

static void answer_status(struct control *c, struct net_local_client *client)
{
	struct buf out;

	buf_init(&out, STATUS_MAX);
	control_write_status(c->node, &out);
	if (!net_local_send(client, buf_bytes(&out)))
		answer_error(client, "the status is larger than an answer may be");
	buf_done(&out);
}

static void answer_cluster(
	struct control *c, struct net_local_client *client, const struct control_request *r)
{
	struct buf out;

	buf_init(&out, STATUS_MAX);
	if (r->verb == CONTROL_CLUSTER)
		cluster_write(c->node, &out);
	else
		cluster_order(c->node, r, &out);
	if (!net_local_send(client, buf_bytes(&out)))
		answer_error(client, "the state is larger than an answer may be");
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
		answer_status(c, client);
		break;
	case CONTROL_RELOAD:
		answer_reload(c, client);
		break;
	case CONTROL_CLUSTER:
	case CONTROL_DRAIN:
	case CONTROL_UNDRAIN:
	case CONTROL_MOVE:
		answer_cluster(c, client, r);
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
			start_trace(c, client, &request);
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
		watcher_free(w);
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
	list_init(&c->watchers);
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
	LIST_EACH_SAFE (&c->watchers, it)
		watcher_free(LIST_OWNER(it, struct watcher, link));
	net_local_close(c->socket);
	free(c);
}
