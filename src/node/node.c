/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a daemon: build face and link, run, end. Each turn of the loop ends in on_turn(), where all that came
 * together in it leaves at once.
 */
#include "node/node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/least.h"
#include "base/log.h"
#include "base/random.h"
#include "node/bounce.h"
#include "node/carrier.h"
#include "node/choose.h"
#include "node/cluster.h"
#include "node/control_server.h"
#include "node/drain.h"
#include "node/gate.h"
#include "node/isolation.h"
#include "node/listen.h"
#include "node/pressure.h"
#include "node/probe.h"
#include "node/relay.h"
#include "node/reload.h"
#include "node/secrets.h"
#include "node/settings.h"
#include "node/transport.h"

enum {
	LINK_PART = 16, /* of the descriptors may be used by incoming links */
	ARENA_KEEP = 64 * 1024, /* most records need no other memory */
	FRAME_BYTES = 2 * 1024 * 1024, /* of every node, whatever its `limit stanza bytes` */
	FRAME_HEADER = 1024, /* more than any header of a data frame */
	PAUSE_MS = 500, /* worth a line in the log */
};

/* --- the loop's turn --- */

static void arm_timer(struct node *n)
{
	uint64_t at = least(link_deadline(n->link), s2s_deadline(n->face));

	at = least(at, pressure_due(n));
	at = least(at, transport_recheck_at(n));
	at = least(at, probe_deadline(n));
	at = least(at, drain_due(n));
	at = least(at, isolation_due(n));
	net_timer_set(n->timer, at);
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

static bool is_full(void *user)
{
	struct node *n = user;

	return link_is_full(n->link);
}

/* What was written for those whose lease has run out since must not leave. */
static void fence(void *user)
{
	struct node *n = user;

	n->now = net_now(n->loop);
	net_guard_at(n->loop, link_fence(n->link, n->now));
}

static void on_pause(void *user, uint64_t ms)
{
	isolation_paused(user, ms);
}

static void on_turn(void *user)
{
	struct node *n = user;

	fence(n);
	bounce_turn(n);
	isolation_turn(n);
	link_flush(n->link, n->now);
	s2s_flush(n->face, n->now);
	probe_turn(n);
	pressure_turn(n);
	log_limits(n, n->gate);
	log_limits(n, n->link_gate);
	drain_step(n);
	arm_timer(n);
}

static void on_timer(void *user)
{
	struct node *n = user;

	n->now = net_look(n->loop);
	link_tick(n->link, n->now);
	s2s_tick(n->face, n->now);
	probe_tick(n);
	transport_recheck(n);
}

/* --- signals --- */

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
	drain_begin(n);
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

static void ask_table(void *user, uint64_t ticket, struct link_pair pair, uint64_t revision,
	struct str old, struct str value)
{
	struct node *n = user;

	n->role->ask(n, ticket, pair, revision, old, value);
}

static bool build(struct node *n, char *err, size_t err_size)
{
	struct s2s_settings settings;
	struct link_settings link;

	n->dict = xml_dict_new();
	record_fill_dict(n->dict);
	settings_face(n, &settings);
	uint64_t descriptors = raise_descriptors();
	n->gate = gate_new(&n->config->limits, descriptors);
	n->link_gate = gate_new(&n->config->limits, descriptors / LINK_PART);
	settings_apply_limits(n);
	transport_fill_ops(&n->face_ops);
	relay_fill_face_ops(&n->face_ops);
	secrets_fill_ops(&n->face_ops);
	n->face = s2s_face_new(&settings, &n->face_ops, n);
	n->link_ops.choose = choose_peer;
	n->link_ops.load = cluster_load;
	n->link_ops.wall_ms = wall_ms;
	n->link_ops.ask = n->config->leases_shared ? ask_table : NULL;
	carrier_fill_ops(&n->link_ops);
	relay_fill_link_ops(&n->link_ops);
	settings_link(n, &link);
	n->link = link_new(&link, &n->link_ops, n);
	settings_announce(n);
	n->carrier = carrier_new(n);
	choose_prepare(n);
	net_loop_busy_poll(n->loop, (unsigned)n->config->limits.busy_ms);
	n->tls = settings_tls(n->config, err, err_size);
	return n->tls && secrets_load(n, err, err_size) && n->role->start(n, err, err_size) &&
		listen_apply(n, err, err_size) && carrier_apply(n->carrier, err, err_size) &&
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
	list_init(&n->half_applied);
	list_init(&n->listeners);
	list_init(&n->watchers);
	list_init(&n->dials);
	pace_init(&n->pace);
	list_init(&n->transports);
	list_init(&n->closing_probes);
	heap_init(&n->rechecks);
	list_init(&n->deferred);
	policy_questions_init(&n->questions);
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
	listen_stop(n);
	carrier_stop(n->carrier);
	n->role->stop(n);
	/* Closes every connection; their callbacks still reach face and link. */
	net_timer_free(n->timer);
	net_loop_free(n->loop);
	probe_free(n);
	s2s_face_free(n->face);
	pace_done(&n->pace);
	gate_free(n->gate);
	gate_free(n->link_gate);
	link_free(n->link);
	carrier_free(n->carrier);
	bounce_done(n);
	heap_done(&n->rechecks);
	policy_loop_done(&n->loops);
	policy_questions_done(&n->questions);
	policy_waves_done(&n->waves);
	net_tls_unref(n->tls);
	secrets_free(n);
	free(n->routes);
	xml_dict_free(n->dict);
	arena_done(&n->arena);
	buf_done(&n->scratch);
	buf_done(&n->scratch2);
	reload_forget(n);
	config_free(n->config);
	free(n);
}

int node_run(const struct node_role *role, const char *path, struct config *c)
{
	struct node *n = node_new(role, path, c);
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
	net_guard(n->loop, fence, n);
	net_on_pause(n->loop, PAUSE_MS, on_pause, n);
	net_loop_hold(n->loop, is_full, n);
	if (role->keep)
		role->keep(n);
	arm_timer(n);
	LOG(LOG_INFO, "started", LF_CSTR("version", SALLYPORT_VERSION), LF_U64("boot", n->boot_id));
	net_loop_run(n->loop);
	int code = n->exit_code;
	node_free(n);
	return code;
}
