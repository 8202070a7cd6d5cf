/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a daemon: read the configuration, build face and link, run, reload, drain, end.
 */
#include "node/node.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "node/carrier.h"
#include "node/choose.h"
#include "node/control_server.h"
#include "node/gate.h"
#include "node/preflight.h"
#include "node/pressure.h"
#include "node/probe.h"
#include "node/relay.h"
#include "node/secrets.h"
#include "node/transport.h"

enum {
	CONFIG_MAX = 1024 * 1024,
	DRAIN_STEP_MS = 20,
	LINK_PART = 16, /* of the descriptors may be used by incoming links */
	ARENA_KEEP = 64 * 1024, /* most records need no other memory */
	DOMAINS_MAX = 4096, /* announced on the link */
	FRAME_BYTES = 2 * 1024 * 1024, /* of every node, whatever its `limit stanza bytes` */
	FRAME_HEADER = 1024, /* more than any header of a data frame */
};

/* --- configuration --- */

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (!f)
		return false;
	do {
		char *p = buf_space(out, 4096);
		n = p ? fread(p, 1, 4096, f) : 0;
		buf_commit(out, n);
	} while (n > 0);
	bool ok = !ferror(f);
	fclose(f);
	return ok;
}

struct config *node_read_config(enum config_role role, const char *path, struct buf *errors)
{
	struct config *c = NULL;
	struct buf text;

	buf_init(&text, CONFIG_MAX + 4096 + 1); /* a byte more, so that too much is seen as such */
	if (read_file(path, &text))
		c = config_parse(role, path, buf_bytes(&text), errors);
	else
		buf_printf(errors, "%s: %s\n", path, strerror(errno));
	buf_done(&text);
	return c;
}

void node_face_settings(struct node *n, struct s2s_settings *s)
{
	const struct config *c = n->config;
	const struct config_limits *l = &c->limits;

	*s = s2s_settings_default;
	s->dict = n->dict;
	s->early = xml_limits_early;
	s->early.bytes = l->early_bytes;
	s->early.elements = (unsigned)l->early_elements;
	s->limits = xml_limits_default;
	s->limits.bytes = l->stanza_bytes;
	s->limits.depth = (unsigned)l->depth;
	s->limits.attrs = (unsigned)l->attributes;
	s->limits.ns_decls = (unsigned)l->namespaces;
	s->limits.elements = (unsigned)l->elements;
	s->header_ms = (unsigned)l->header_ms;
	s->tls_ms = (unsigned)l->tls_ms;
	s->auth_ms = (unsigned)l->auth_ms;
	s->prove_ms = (unsigned)l->prove_ms;
	s->connect_ms = (unsigned)l->connect_ms;
	s->stanza_ms = (unsigned)l->stanza_ms;
	s->close_ms = (unsigned)l->close_ms;
	s->write_ms = (unsigned)l->write_ms;
	s->idle_ms = (unsigned)l->idle_ms;
	s->retry_min_ms = (unsigned)l->retry_min_ms;
	s->retry_max_ms = (unsigned)l->retry_max_ms;
	s->queue_stanzas = (unsigned)l->queue_stanzas;
	s->queue_bytes = l->queue_bytes;
	s->queue_age_ms = (unsigned)l->queue_ms;
	s->pairs_per_stream = (unsigned)l->pairs_per_stream;
	s->verifies_per_stream = (unsigned)l->verifies_per_stream;
	s->verifies_per_pair = (unsigned)l->verifies_per_pair;
	s->verifies_max = (unsigned)l->verifies;
	s->streams_max = (unsigned)l->streams;
	s->traffic = (struct s2s_traffic_limits){
		.stanzas = rate_per_s(l->pair_stanzas),
		.bytes = rate_per_s(l->pair_bytes),
		.requests = rate_per_min(l->pair_requests),
		.joins = rate_per_min(l->pair_joins),
		.recipients = (unsigned)l->pair_recipients,
	};
	/* Inner reaches the local servers that it knows, and nobody else. */
	if (n->role->link == LINK_OUTER)
		s->destinations = rate_per_s(l->destinations);
	s->ack_ms = (unsigned)l->ack_ms;
	s->manage_in = n->config->manage & CONFIG_MANAGE_IN;
	s->manage_out = n->config->manage & CONFIG_MANAGE_OUT;
	s->flush = c->flush;
}

static bool add_crls(struct net_tls *tls, const struct config *c, char *err, size_t err_size)
{
	for (size_t i = 0; i < c->n_crls; i++) {
		if (!net_tls_add_crls(tls, &c->crls[i].path, 1, err, err_size))
			return false;
	}
	return true;
}

/* The trust of the face: outer what the operator names or the system's, inner the local servers' CAs. */
static struct net_tls *face_tls(const struct config *c, char *err, size_t err_size)
{
	const char *files[64];
	size_t n = 0;

	for (size_t i = 0; i < c->n_trust && n < 64; i++)
		files[n++] = c->trust[i].path;
	for (size_t i = 0; i < c->n_servers && n < 64; i++) {
		if (c->servers[i].trust)
			files[n++] = c->servers[i].trust;
	}
	bool system = c->role == CONFIG_OUTER && n == 0;
	struct net_tls *tls = net_tls_new(NET_TLS_S2S, files, n, system, err, err_size);
	if (tls && !add_crls(tls, c, err, err_size)) {
		net_tls_unref(tls);
		return NULL;
	}
	return tls;
}

/* --- the loop's turn --- */

static void arm_timer(struct node *n)
{
	uint64_t at = link_deadline(n->link), face = s2s_deadline(n->face);

	if (face < at)
		at = face;
	if (pressure_due(n) < at)
		at = pressure_due(n);
	if (transport_recheck_at(n) < at)
		at = transport_recheck_at(n);
	if (probe_deadline(n) < at)
		at = probe_deadline(n);
	if (n->draining && n->now + DRAIN_STEP_MS < at)
		at = n->now + DRAIN_STEP_MS;
	net_timer_set(n->timer, at);
}

/*
 * The end in order (`limit drain time` in all):
 *
 *	draining   nothing new is taken, the link is flushed; what the far nodes reject is still bounced
 *	           at half of the time: what no node took goes back to its sender
 *	closing    everything is acknowledged and every bounce is written (or three quarters are over): the streams end
 */
static void drain_step(struct node *n)
{
	uint64_t gone = n->now - n->drain_since, all = n->config->limits.drain_ms;

	if (!n->closing && gone >= all / 2)
		link_hand_back(n->link, n->now);
	if (!n->closing &&
		((link_drained(n->link) && s2s_drained(n->face)) || gone >= all / 4 * 3)) {
		n->closing = true;
		transport_stop_listening(n);
		s2s_shutdown(n->face, n->now);
	}
	bool flushed = n->closing && link_drained(n->link) && s2s_streams(n->face) == 0;
	if (!flushed && gone < all)
		return;
	LOG(flushed ? LOG_INFO : LOG_WARNING, "stopped", LF_U64("streams", s2s_streams(n->face)),
		LF_U64("pending", s2s_pending(n->face)),
		LF_U64("unacknowledged", link_unacknowledged(n->link)));
	n->stopped = true;
	net_loop_stop(n->loop);
}

/* One line a second for each limit that was reached. */
static void log_limits(struct node *n, struct gate *gate)
{
	enum gate_reason reason;
	char address[64];
	uint64_t refused;

	while ((reason = gate_news(gate, n->now, address, &refused)) != GATE_OK)
		LOG(LOG_WARNING, "limit-reached", LF_CSTR("limit", gate_reason_name(reason)),
			LF_CSTR("reason", gate_reason_text(reason)), LF_CSTR("address", address),
			LF_U64("refused", refused));
}

static void on_turn(void *user)
{
	struct node *n = user;

	n->now = net_now(n->loop);
	relay_turn(n);
	link_flush(n->link, n->now);
	s2s_flush(n->face, n->now);
	probe_turn(n);
	pressure_turn(n);
	log_limits(n, n->gate);
	log_limits(n, n->link_gate);
	if (n->draining && !n->stopped)
		drain_step(n);
	arm_timer(n);
}

static void on_timer(void *user)
{
	struct node *n = user;

	n->now = net_now(n->loop);
	link_tick(n->link, n->now);
	s2s_tick(n->face, n->now);
	probe_tick(n);
	transport_recheck(n);
}

/* --- reload and drain --- */

/* The local domains, which inner announces to the outers. */
static void announce_domains(struct node *n)
{
	struct str domains[DOMAINS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < n->config->n_servers; i++) {
		const struct config_server *s = &n->config->servers[i];
		for (size_t k = 0; k < s->n_domains && count < DOMAINS_MAX; k++)
			domains[count++] = s->domains[k];
	}
	link_set_domains(n->link, domains, count, n->now);
}

/* Makes the node live by this configuration. False: it may be half applied; the old one can be applied again. */
static bool use_config(
	struct node *n, struct config *c, struct net_tls *tls, char *err, size_t err_size)
{
	n->config = c;
	n->tls = tls;
	net_loop_busy_poll(n->loop, (unsigned)c->limits.busy_ms);
	choose_prepare(n);
	return secrets_load(n, err, err_size) && n->role->reload(n, err, err_size) &&
		transport_listen(n, err, err_size) && carrier_apply(n->carrier, err, err_size);
}

/* Limits of what is neither the face's nor the link's. */
static void apply_node_limits(struct node *n)
{
	const struct config_limits *l = &n->config->limits;

	gate_set_limits(n->gate, l);
	gate_set_limits(n->link_gate, l);
	net_set_handshakes(n->loop, (unsigned)l->shakes);
}

static bool replace_config(struct node *n, struct config *c, char *err, size_t err_size)
{
	struct config *old_config = n->config;
	struct net_tls *old_tls = n->tls;
	struct net_tls *tls = face_tls(c, err, err_size);
	struct s2s_settings settings;

	if (!tls)
		return false;
	if (!use_config(n, c, tls, err, err_size)) {
		char again[512];
		/* What the old one names was there a moment ago. */
		if (!use_config(n, old_config, old_tls, again, sizeof(again)))
			LOG(LOG_ALARM, "reload-not-undone", LF_CSTR("reason", again));
		net_tls_unref(tls);
		return false;
	}
	net_tls_unref(old_tls);
	log_init(c->log_level, c->node);
	node_face_settings(n, &settings);
	s2s_set_settings(n->face, &settings);
	apply_node_limits(n);
	announce_domains(n);
	s2s_rejudge(n->face, n->now);
	transport_recheck_all(n);
	config_free(old_config);
	return true;
}

static bool same_anchors(const struct config *a, const struct config *b)
{
	bool same = a->n_anchors == b->n_anchors;

	for (size_t i = 0; same && i < a->n_anchors; i++)
		same = strcmp(a->anchors[i].path, b->anchors[i].path) == 0;
	return same;
}

/* Statements that are looked at only when the node starts. */
static void note_restart(const struct config *old, const struct config *c, struct buf *message)
{
	const char *late = "counts from the next start";

	if (!same_anchors(old, c))
		buf_printf(message, "`anchor` %s\n", late);
	if (!str_eq(old->resolver, c->resolver))
		buf_printf(message, "`resolver` %s\n", late);
	if (strcmp(old->control, c->control) != 0)
		buf_printf(message, "`control` %s\n", late);
	if (old->limits.queue_stanzas != c->limits.queue_stanzas ||
		old->limits.queue_bytes != c->limits.queue_bytes ||
		old->limits.queue_ms != c->limits.queue_ms)
		buf_printf(message, "`limit queue` %s for the link\n", late);
}

bool node_reload(struct node *n, struct buf *message)
{
	char err[512] = "";
	struct config *c = node_read_config(n->role->config, n->config_path, message);
	struct buf notes;

	buf_init(&notes, 4096);
	if (c)
		note_restart(n->config, c, &notes);
	if (c && !preflight(c, (long long)(net_wall_ms() / 1000), message)) {
		/* the message says it all */
	} else if (c && !str_eq(c->node, n->config->node)) {
		buf_append_c(message, "the node id cannot change while the node runs\n");
	} else if (c && replace_config(n, c, err, sizeof(err))) {
		struct str note = buf_bytes(&notes);
		if (note.len == 0)
			note.p = NULL;
		LOG(LOG_INFO, "reloaded", LF_CSTR("file", n->config_path), LF_STR("note", note));
		buf_append(message, buf_bytes(&notes));
		buf_done(&notes);
		return true;
	} else if (c) {
		buf_printf(message, "%s\n", err);
	}
	config_free(c);
	buf_done(&notes);
	LOG(LOG_ERROR, "reload-failed", LF_STR("reason", buf_bytes(message)));
	return false;
}

static void on_reload(void *user, int signum)
{
	struct buf message;

	buf_init(&message, 65536);
	node_reload(user, &message);
	buf_done(&message);
}

static void on_stop(void *user, int signum)
{
	struct node *n = user;

	n->now = net_now(n->loop);
	if (n->draining) {
		net_loop_stop(n->loop);
		return;
	}
	LOG(LOG_INFO, "stopping", LF_U64("signal", (uint64_t)signum));
	n->draining = true;
	n->drain_since = n->now;
	link_drain(n->link, n->now);
	s2s_drain(n->face, n->now);
	arm_timer(n);
}

/* --- building and taking down --- */

static uint64_t wall_ms(void *user)
{
	return net_wall_ms();
}

/* As many descriptors as the system lets this process have; returns how many. */
static uint64_t raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	rlim_t soft = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit.rlim_cur = soft;
	return limit.rlim_cur;
}

static bool build(struct node *n, char *err, size_t err_size)
{
	struct s2s_settings settings;
	struct link_settings link = link_settings_default;

	n->dict = xml_dict_new();
	record_fill_dict(n->dict);
	node_face_settings(n, &settings);
	uint64_t descriptors = raise_descriptors();
	n->gate = gate_new(&n->config->limits, descriptors);
	n->link_gate = gate_new(&n->config->limits, descriptors / LINK_PART);
	apply_node_limits(n);
	transport_fill_ops(&n->face_ops);
	relay_fill_face_ops(&n->face_ops);
	secrets_fill_ops(&n->face_ops);
	n->face = s2s_face_new(&settings, &n->face_ops, n);
	n->link_ops.choose = choose_peer;
	n->link_ops.wall_ms = wall_ms;
	carrier_fill_ops(&n->link_ops);
	relay_fill_link_ops(&n->link_ops);
	link.role = n->role->link;
	link.node = n->config->node;
	link.boot_id = n->boot_id;
	link.catalogue = record_catalogue_version();
	link.frame_bytes = n->frame_bytes;
	/* Half and a quarter of the pair's queue at the next hop: XML is larger than CBOR, and back-pressure
	 * must come before the queue is full. */
	link.window_records = (unsigned)n->config->limits.queue_stanzas / 2;
	link.window_bytes = n->config->limits.queue_bytes / 4;
	link.queue_age_ms = (unsigned)n->config->limits.queue_ms;
	link.cond_timeout = COND_REMOTE_SERVER_TIMEOUT;
	link.cond_internal = COND_INTERNAL_SERVER_ERROR;
	link.cond_busy = COND_RESOURCE_CONSTRAINT;
	n->link = link_new(&link, &n->link_ops, n);
	announce_domains(n);
	n->carrier = carrier_new(n);
	choose_prepare(n);
	net_loop_busy_poll(n->loop, (unsigned)n->config->limits.busy_ms);
	n->tls = face_tls(n->config, err, err_size);
	return n->tls && secrets_load(n, err, err_size) && n->role->start(n, err, err_size) &&
		transport_listen(n, err, err_size) && carrier_apply(n->carrier, err, err_size) &&
		control_start(n, err, err_size);
}

static struct node *node_new(const struct node_role *role, const char *path, struct config *c)
{
	struct node *n = calloc(1, sizeof(*n));

	check(n);
	*n = (struct node){ .role = role, .config_path = path, .config = c };
	n->loop = net_loop_new();
	n->now = n->started = net_now(n->loop);
	n->expect_at = n->now;
	n->timer = net_timer_new(n->loop, on_timer, n);
	random_bytes(&n->boot_id, sizeof(n->boot_id));
	n->boot_id >>= 11; /* exact in JSON readers that use doubles */
	random_bytes(&n->next_trace, sizeof(n->next_trace));
	list_init(&n->listeners);
	list_init(&n->dials);
	list_init(&n->transports);
	list_init(&n->closing_probes);
	heap_init(&n->rechecks);
	list_init(&n->deferred);
	arena_init(&n->arena, 32 * 1024 * 1024);
	arena_reserve(&n->arena, ARENA_KEEP);
	n->frame_bytes = FRAME_BYTES;
	buf_init(&n->scratch, n->frame_bytes - FRAME_HEADER);
	buf_init(&n->scratch2, 4 * 1024 * 1024);
	return n;
}

static void node_free(struct node *n)
{
	control_stop(n);
	transport_stop_listening(n);
	carrier_stop(n->carrier);
	n->role->stop(n);
	/* Closes every connection; their callbacks still reach face and link. */
	net_timer_free(n->timer);
	net_loop_free(n->loop);
	probe_free(n);
	s2s_face_free(n->face);
	gate_free(n->gate);
	gate_free(n->link_gate);
	link_free(n->link);
	carrier_free(n->carrier);
	relay_done(n);
	heap_done(&n->rechecks);
	policy_loop_done(&n->loops);
	net_tls_unref(n->tls);
	secrets_free(n);
	free(n->routes);
	xml_dict_free(n->dict);
	arena_done(&n->arena);
	buf_done(&n->scratch);
	buf_done(&n->scratch2);
	config_free(n->config);
	free(n);
}

static int run(struct node *n)
{
	char err[512] = "unknown";

	signal(SIGPIPE, SIG_IGN);
	log_init(n->config->log_level, n->config->node);
	if (!build(n, err, sizeof(err))) {
		LOG(LOG_ERROR, "start-failed", LF_CSTR("reason", err));
		node_free(n);
		return 1;
	}
	net_on_signal(n->loop, SIGHUP, on_reload, n);
	net_on_signal(n->loop, SIGTERM, on_stop, n);
	net_on_signal(n->loop, SIGINT, on_stop, n);
	net_on_turn(n->loop, on_turn, n);
	arm_timer(n);
	LOG(LOG_INFO, "started", LF_CSTR("version", SALLYPORT_VERSION), LF_U64("boot", n->boot_id));
	net_loop_run(n->loop);
	int code = n->exit_code;
	node_free(n);
	return code;
}

/* -n: the configuration was good; are the files that it names? Takes c over. */
static int check_files(struct config *c)
{
	struct buf messages;

	buf_init(&messages, CONFIG_MAX);
	bool good = preflight(c, (long long)(net_wall_ms() / 1000), &messages);
	fwrite(buf_bytes(&messages).p, 1, buf_len(&messages), stderr);
	buf_done(&messages);
	config_free(c);
	return good ? 0 : 1;
}

static int usage(const struct node_role *role, FILE *to)
{
	fprintf(to,
		"usage: %s [-n] [-c FILE]\n"
		"  -c FILE  configuration (default /etc/sallyport/%s.conf)\n"
		"  -n       only check the configuration\n"
		"  -V       print the version\n",
		role->program, role->link == LINK_OUTER ? "outer" : "inner");
	return to == stdout ? 0 : 2;
}

int node_main(int argc, char **argv, const struct node_role *role)
{
	const char *path = role->link == LINK_OUTER ? "/etc/sallyport/outer.conf"
						    : "/etc/sallyport/inner.conf";
	bool only_check = false;
	int opt;

	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};

	while ((opt = getopt_long(argc, argv, "c:nVh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'n':
			only_check = true;
			break;
		case 'V':
			printf("%s %s\n", role->program, SALLYPORT_VERSION);
			return 0;
		case 'h':
			return usage(role, stdout);
		default:
			return usage(role, stderr);
		}
	}
	struct buf errors;
	buf_init(&errors, CONFIG_MAX * 4);
	struct config *c = node_read_config(role->config, path, &errors);
	fwrite(buf_bytes(&errors).p, 1, buf_len(&errors), stderr);
	buf_done(&errors);
	if (!c)
		return 1;
	if (only_check)
		return check_files(c);
	return run(node_new(role, path, c));
}
