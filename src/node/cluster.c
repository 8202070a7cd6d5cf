/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine moves pairs (link/tx_place.c); here are the names, the rules of `route`, and the face of a node that
 * drains itself: it does not listen, so that the servers find another node, and what stands goes on.
 */
#include "node/cluster.h"

#include <time.h>

#include "base/log.h"
#include "link/lease.h"
#include "node/carrier.h"
#include "node/choose.h"
#include "node/isolation.h"
#include "node/listen.h"

struct writer {
	struct node *node;
	struct json *j;
};

/* --- load --- */

enum { LOAD_MS = 1000 };

/* What went into work: to look for input instead of sleeping is none. */
static uint64_t cpu_us(const struct node *n)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	uint64_t all = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	uint64_t looked = net_loop_looked_ms(n->loop) * 1000;
	return all > looked ? all - looked : 0;
}

uint64_t cluster_load(void *user)
{
	struct node *n = user;
	uint64_t passed = n->now - n->load_at;

	if (passed >= LOAD_MS) {
		uint64_t cpu = cpu_us(n);
		n->load = cpu > n->load_cpu ? (cpu - n->load_cpu) / passed : 0;
		n->load_cpu = cpu;
		n->load_at = n->now;
	}
	return n->load;
}

/* --- state --- */

static const char *role_word(enum link_role role)
{
	return role == LINK_OUTER ? "outer" : "inner";
}

static void write_self(struct node *n, struct json *j)
{
	json_object(j, "node");
	json_str(j, "node", n->config->node);
	json_cstr(j, "role", role_word(n->role->link));
	json_cstr(j, "version", SALLYPORT_VERSION);
	json_u64(j, "boot", n->boot_id);
	json_u64(j, "uptime_ms", n->now - n->started);
	json_u64(j, "load", cluster_load(n));
	json_bool(j, "drained", n->resting);
	isolation_write(n, j);
	json_bool(j, "stopping", n->draining);
	json_end(j);
}

static void write_peer(void *user, const struct link_peer_info *p)
{
	const struct writer *w = user;
	struct json *j = w->j;

	json_object(j, NULL);
	json_str(j, "node", p->id);
	json_cstr(
		j, "role", role_word(w->node->role->link == LINK_OUTER ? LINK_INNER : LINK_OUTER));
	json_bool(j, "up", p->up);
	if (p->release.len)
		json_str(j, "version", p->release);
	json_u64(j, "load", p->load);
	json_u64(j, "others", p->others);
	json_u64(j, "protocol", p->version);
	json_u64(j, "catalogue", p->catalogue);
	json_u64(j, "boot", p->boot);
	if (p->heard_ms_ago != LINK_NEVER_HEARD)
		json_u64(j, "heard_ms_ago", p->heard_ms_ago);
	json_u64(j, "rtt_ms", p->rtt_ms);
	/* Pairs of ours that it owns; pairs of its that we serve. */
	json_u64(j, "owns", p->owned);
	json_u64(j, "sends", p->serving);
	json_cstr(j, "drained", p->aside ? "here" : p->draining ? "there" : NULL);
	json_cstr(j, "why_down", p->why_down);
	json_end(j);
}

static const char *state_of(const struct link_place *p)
{
	static const char *const of_waiting[] = {
		[LINK_HOLD_NOT] = "waiting",
		[LINK_HOLD_TABLE] = "asking",
		[LINK_HOLD_OTHERS] = "leaving",
		[LINK_HOLD_SILENT] = "blocked",
	};

	if (p->owner.len == 0)
		return p->queued ? of_waiting[p->hold] : "idle";
	if (p->hold == LINK_HOLD_SILENT)
		return "kept";
	if (p->pinned.len)
		return str_eq(p->pinned, p->owner) ? "held" : "moving";
	return p->home.len == 0 || str_eq(p->home, p->owner) ? "home" : "away";
}

/* The entry of the table that inners share, and who keeps the pair where it is. */
static void write_lease(const struct link_place *p, struct json *j)
{
	if (!p->lease)
		return;
	json_object(j, "lease");
	lease_show(p->lease, j);
	json_end(j);
}

static void write_silent(const struct link_place *p, struct json *j)
{
	json_u64(j, "others", p->others);
	if (!p->silent)
		return;
	json_array(j, "silent");
	for (size_t i = 0; i < p->silent->n_holders; i++) {
		json_object(j, NULL);
		json_str(j, "node", p->silent->holders[i].node);
		json_u64(j, "boot", p->silent->holders[i].boot);
		json_end(j);
	}
	json_end(j);
}

static void write_place(void *user, const struct link_place *p)
{
	const struct writer *w = user;
	struct json *j = w->j;
	unsigned line = choose_line(w->node, p->pair);

	json_object(j, NULL);
	json_str(j, "local", p->pair.local);
	json_str(j, "foreign", p->pair.foreign);
	if (p->owner.len)
		json_str(j, "owner", p->owner);
	json_u64(j, "epoch", p->epoch);
	json_u64(j, "idle_ms", p->idle_ms);
	json_u64(j, "queued", p->queued);
	json_u64(j, "unacknowledged", p->unacknowledged);
	write_lease(p, j);
	json_object(j, "place");
	json_cstr(j, "state", state_of(p));
	json_cstr(j, "why", p->why);
	json_u64(j, "since_ms", p->placed_ms_ago);
	if (p->from.len)
		json_str(j, "from", p->from);
	if (p->home.len)
		json_str(j, "home", p->home);
	if (p->pinned.len)
		json_str(j, "pinned", p->pinned);
	if (line)
		json_u64(j, "route_line", line);
	if (p->lease)
		write_silent(p, j);
	json_end(j);
	json_end(j);
}

void cluster_write(struct node *n, struct excerpt *e, struct buf *out)
{
	struct json j;
	struct writer w = { n, &j };

	json_init(&j, out);
	json_object(&j, NULL);
	write_self(n, &j);
	json_array(&j, "nodes");
	link_each_peer(n->link, n->now, write_peer, &w);
	json_end(&j);
	carrier_status(n->carrier, &j);
	json_u64(&j, "goes_home_ms", n->config->limits.home_ms);
	json_array(&j, "pairs");
	link_each_channel(n->link, n->now, e, write_place, &w);
	json_end(&j);
	json_u64(&j, "pairs_total", e->total);
	json_end(&j);
	buf_append_c(out, "\n");
}

/* --- orders --- */

static const char *drain_self(struct node *n)
{
	if (n->resting)
		return "it is drained already";
	n->resting = true;
	link_drain(n->link, n->now);
	link_let_go(n->link, n->now);
	listen_stop(n);
	return NULL;
}

static const char *undrain_self(struct node *n)
{
	char err[256];

	if (!n->resting)
		return "it is not drained";
	if (n->draining)
		return "it is stopping";
	n->resting = false;
	if (!listen_apply(n, err, sizeof(err))) {
		n->resting = true;
		listen_stop(n);
		LOG(LOG_ERROR, "undrain-failed", LF_CSTR("reason", err));
		return "it cannot listen again: see its log";
	}
	link_undrain(n->link);
	return NULL;
}

static const char *drain(struct node *n, struct str node, bool drained)
{
	if (!str_eq(node, n->config->node))
		return link_set_aside(n->link, node, drained, n->now);
	return drained ? drain_self(n) : undrain_self(n);
}

static const char *move(struct node *n, const struct control_request *r)
{
	struct link_pair pair;
	struct arena a;
	const char *error = NULL;

	arena_init(&a, 16384);
	if (jid_parse_domain(&a, r->words[0], &pair.local) != JID_OK ||
		jid_parse_domain(&a, r->words[1], &pair.foreign) != JID_OK)
		error = "not a domain";
	else if (!n->role->rule(n, node_us(n, pair), node_them(n, pair)).allowed)
		error = "these domains are no pair that this node may carry: first the local one, "
			"then the foreign one";
	else if (str_is(r->words[2], "any"))
		error = link_unpin(n->link, pair);
	else
		error = link_move(n->link, pair, r->words[2], n->now);
	arena_done(&a);
	return error;
}

static bool read_boot(struct str word, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9' || n > UINT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(word.p[i] - '0');
	}
	*ret = n;
	return n > 0;
}

static const char *expel(struct node *n, const struct control_request *r)
{
	uint64_t boot;

	if (!n->config->leases_shared)
		return "no leases are shared here: ask an inner whose links go over brokers";
	if (str_eq(r->words[0], n->config->node))
		return "this node lives: ask another inner";
	if (!read_boot(r->words[1], &boot))
		return "the boot id of a process is a number: see the holders of leases in "
		       "`sallyport cluster --json`";
	link_expel(n->link, r->words[0], boot, n->now);
	return NULL;
}

static const struct str no_word;

void cluster_order(struct node *n, const struct control_request *r, struct buf *out)
{
	const char *error, *order;
	struct str second = r->n_words > 1 ? r->words[1] : no_word;
	struct str third = r->n_words > 2 ? r->words[2] : no_word;
	struct json j;

	switch (r->verb) {
	case CONTROL_DRAIN:
		order = "drain";
		error = drain(n, r->words[0], true);
		break;
	case CONTROL_UNDRAIN:
		order = "undrain";
		error = drain(n, r->words[0], false);
		break;
	case CONTROL_EXPEL:
		order = "expel";
		error = expel(n, r);
		break;
	default:
		order = "move";
		error = move(n, r);
		break;
	}
	LOG(error ? LOG_WARNING : LOG_INFO, "order", LF_CSTR("order", order),
		LF_STR("first", r->words[0]), LF_STR("second", second), LF_STR("third", third),
		LF_CSTR("refused", error));
	json_init(&j, out);
	json_object(&j, NULL);
	if (error)
		json_cstr(&j, "error", error);
	else
		json_bool(&j, "ok", true);
	json_end(&j);
	buf_append_c(out, "\n");
}
