/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life and clock; what link.h offers of peers. */
#include "link/engine.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"

const struct link_settings link_settings_default = {
	.window_records = 512,
	.window_bytes = 4 << 20,
	.frame_bytes = 1 << 20,
	.channels_max = 65536,
	.heartbeat_ms = 200,
	.dead_ms = 1000,
	.fence_ms = 800,
	.stall_ms = 400,
	.ack_records = 32,
	.ack_ms = 5,
	.queue_age_ms = 60000,
	.idle_ms = 600000,
	.refusal_ms = 1000,
	.home_ms = 30000,
	.table_ms = 2000,
	.table_retry_ms = 250,
	.table_asks = 256,
	.follow_ms = 2000,
	.stay_ms = 30000,
};

enum { SCRATCH_BYTES_MAX = DOMAINS_MAX * (DOMAIN_BYTES_MAX + 3) + 4096 };

/* Names of pairs. */

struct str pair_key(struct link_pair pair, char space[PAIR_KEY_MAX])
{
	check(pair.local.len && pair.local.len <= DOMAIN_BYTES_MAX);
	check(pair.foreign.len && pair.foreign.len <= DOMAIN_BYTES_MAX);
	memcpy(space, pair.local.p, pair.local.len);
	space[pair.local.len] = 0;
	memcpy(space + pair.local.len + 1, pair.foreign.p, pair.foreign.len);
	return str_from(space, pair.local.len + 1 + pair.foreign.len);
}

void pair_name_init(struct pair_name *name, struct link_pair pair)
{
	char space[PAIR_KEY_MAX];

	name->key = str_dup(pair_key(pair, space));
	name->pair.local = str_from(name->key.p, pair.local.len);
	name->pair.foreign = str_skip(name->key, pair.local.len + 1);
}

void pair_name_done(struct pair_name *name)
{
	str_free(&name->key);
}

/* Life. */

static void free_domains(struct link *l)
{
	/* The settings' array is ours and was made here. */
	struct str *domains = (struct str *)(uintptr_t)l->set.domains;

	for (size_t i = 0; i < l->set.n_domains; i++)
		str_free(&domains[i]);
	free(domains);
	l->set.domains = NULL;
	l->set.n_domains = 0;
}

static void copy_domains(struct link *l, const struct str *domains, size_t n)
{
	struct str *copy = NULL;

	check(n <= DOMAINS_MAX);
	if (n) {
		copy = calloc(n, sizeof(*copy));
		check(copy);
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = str_dup(domains[i]);
	l->set.domains = copy;
	l->set.n_domains = n;
}

static void check_settings(const struct link_settings *s)
{
	check(s->window_records && s->window_bytes && s->heartbeat_ms && s->stall_ms >= 4);
	check(s->channels_max && s->channels_max <= 1u << RX_SLOT_BITS);
	check(s->frame_bytes >= 2 * REJECT_BYTES_MAX && s->fence_ms < s->dead_ms);
	check(s->cond_timeout && s->cond_internal && s->cond_busy);
	check(s->node.len && (s->role == LINK_INNER || s->n_domains == 0));
}

struct link *link_new(const struct link_settings *settings, const struct link_ops *ops, void *user)
{
	struct link *l = calloc(1, sizeof(*l));

	check(l);
	check_settings(settings);
	l->set = *settings;
	/* All records of a window may be rejected, in one report. */
	if (l->set.window_records > l->set.frame_bytes / REJECT_BYTES_MAX)
		l->set.window_records = (unsigned)(l->set.frame_bytes / REJECT_BYTES_MAX);
	l->set.node = str_dup(settings->node);
	copy_domains(l, settings->domains, settings->n_domains);
	l->ops = *ops;
	l->user = user;
	l->seq_base = l->tight = 1;
	l->catalogue = settings->catalogue;
	list_init(&l->peers);
	list_init(&l->txs);
	list_init(&l->orphans);
	list_init(&l->due);
	list_init(&l->overflow);
	list_init(&l->stall_timers);
	list_init(&l->leave_timers);
	list_init(&l->tx_idle_timers);
	list_init(&l->seal_timers);
	list_init(&l->stay_timers);
	list_init(&l->unasked);
	list_init(&l->ask_timers);
	list_init(&l->retry_timers);
	list_init(&l->ack_timers);
	list_init(&l->rx_idle_timers);
	table_init(&l->tx_by_pair);
	fifo_pool_init(&l->pool);
	buf_init(&l->scratch, SCRATCH_BYTES_MAX);
	return l;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	tx_done(l);
	LIST_EACH_SAFE (&l->peers, it)
		peer_free(LIST_OWNER(it, struct link_peer, link));
	for (size_t i = 0; i < l->n_rx_slots; i++)
		free(l->rx_slots[i]);
	free(l->rx_slots);
	free(l->live);
	free(l->rejects);
	free(l->out_rejects);
	buf_done(&l->scratch);
	free_domains(l);
	str_free(&l->set.node);
	free(l);
}

/* Time. */

/*
 * After a pause of this whole process nobody is called dead before it had the time to be
 * heard. (Leases get no such grace: fencing is about what the others believe.)
 */
void engine_notice_pause(struct link *l, uint64_t now)
{
	const struct link_settings *s = &l->set;
	uint64_t grace = 2 * (uint64_t)s->heartbeat_ms;
	uint64_t since = now + grace > s->dead_ms ? now + grace - s->dead_ms : 0;

	if (now > l->last_now + grace && l->last_now) {
		LIST_EACH (&l->peers, it) {
			struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
			if (p->silent_since < since)
				p->silent_since = since;
		}
	}
	if (!l->last_now)
		l->started = now;
	l->last_now = now;
}

bool link_overdue(const struct link *l, uint64_t now)
{
	return now + l->set.heartbeat_ms >= l->next_beat + l->set.dead_ms;
}

void link_tick(struct link *l, uint64_t now)
{
	engine_notice_pause(l, now);
	if (now >= l->next_beat) {
		l->next_beat = now + l->set.heartbeat_ms;
		LIST_EACH (&l->peers, it)
			peer_beat(LIST_OWNER(it, struct link_peer, link), now);
	}
	LIST_EACH (&l->peers, it)
		peer_tick(LIST_OWNER(it, struct link_peer, link), now);
	tx_tick(l, now);
	rx_tick(l, now);
}

static uint64_t queue_deadline(const struct list *queue)
{
	return list_empty(queue) ? UINT64_MAX
				 : LIST_OWNER(queue->next, struct link_timer, link)->at;
}

uint64_t link_deadline(const struct link *l)
{
	uint64_t at = list_empty(&l->peers) ? UINT64_MAX : l->next_beat;

	if (!list_empty(&l->due) || !list_empty(&l->overflow))
		return 0;
	if (!list_empty(&l->orphans))
		at = least(at, l->orphans_at);
	at = least(at, queue_deadline(&l->stall_timers));
	at = least(at, queue_deadline(&l->leave_timers));
	at = least(at, queue_deadline(&l->tx_idle_timers));
	at = least(at, queue_deadline(&l->seal_timers));
	at = least(at, queue_deadline(&l->stay_timers));
	at = least(at, queue_deadline(&l->ask_timers));
	at = least(at, queue_deadline(&l->retry_timers));
	at = least(at, queue_deadline(&l->rx_idle_timers));
	at = least(at, queue_deadline(&l->ack_timers));
	LIST_EACH (&l->peers, it)
		at = least(at, peer_deadline(LIST_OWNER(it, struct link_peer, link)));
	return at;
}

void link_flush(struct link *l, uint64_t now)
{
	rx_flush(l, now);
}

/* Peers. */

struct link_peer *link_connected(struct link *l, struct str id, void *carrier, uint64_t now)
{
	struct link_peer *p = peer_find(l, id);

	engine_notice_pause(l, now);
	if (!p)
		p = peer_new(l, id);
	if (p->carrier) {
		p->replaced = p->state == PEER_UP;
		peer_fault(p, FAULT_REPLACED);
	}
	peer_start(p, carrier, now);
	return p;
}

void link_disconnected(struct link *l, struct link_peer *p, void *carrier, uint64_t now)
{
	/* A carrier that was cut off often tells its end only when it has been silent for some time. */
	uint64_t beat = l->set.heartbeat_ms;
	uint64_t quiet = p->cut == LINK_CUT_STALLED ? beat * 3 / 4 : 2 * beat;
	bool silent = p->cut && now >= p->silent_since + quiet;

	if (p->carrier && p->carrier == carrier)
		peer_down(p, "connection lost", silent);
}

void link_input(struct link *l, struct link_peer *p, struct str frame, uint64_t now)
{
	engine_notice_pause(l, now);
	if (p->state == PEER_DOWN)
		return;
	p->heard = p->silent_since = now;
	p->frames_in++;
	p->bytes_in += frame.len;
	if (!list_empty(&p->rxs))
		peer_lease(p, now);
	enum link_fault fault = frame_input(p, frame, now);
	if (fault && p->state != PEER_DOWN)
		peer_fault(p, fault);
}

/* What was down for both may be back for it later than for us: brokers start one by one, and find each other. */
enum { GRACE_MS = 2000 };

void link_cut(struct link *l, struct link_peer *p, enum link_cut cut, uint64_t now)
{
	if (p->cut && !cut && p->silent_since < now) {
		p->grace_ms = now < p->silent_since + l->set.dead_ms ? 0 : GRACE_MS;
		p->silent_since = now;
	}
	p->cut = cut;
}

void link_carrier_writable(struct link *l, struct link_peer *p, uint64_t now)
{
	peer_pump(p, now);
}

struct str link_peer_id(const struct link_peer *p)
{
	return p->id;
}

bool link_peer_up(const struct link_peer *p)
{
	return p->state == PEER_UP;
}

bool link_peer_serves(const struct link_peer *p, struct str local_domain)
{
	size_t from = 0, to = p->n_domains;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(p->domains[middle], local_domain);
		if (order == 0)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

void link_set_domains(struct link *l, const struct str *domains, size_t n, uint64_t now)
{
	enum { HELLO_REPEATS = 4 };

	check(l->set.role == LINK_INNER || n == 0);
	free_domains(l);
	copy_domains(l, domains, n);
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (!p->carrier)
			continue;
		peer_send_hello(p, now);
		p->hello_repeats = HELLO_REPEATS;
	}
}
