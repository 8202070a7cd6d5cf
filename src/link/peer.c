/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A far node: the greeting, heartbeats, the lease, death.
 *
 *	DOWN --connected--> CONNECTED --its hello--> GREETED --it has ours--> UP
 *	  ^                     |                       |                      |
 *	  +---------------------+--- fault, silence, replaced, disconnected ---+
 *
 * A hello is repeated until the far node says that it has it (a carrier may lose frames).
 *
 * The lease: our heartbeat carries our time, the far node echoes it. From an echo we know that
 * the far node heard us after that time, so it will not call us dead before that time +
 * dead_ms. Bytes that waited in a socket while we were stopped cannot feign a fresh
 * heartbeat, which the time of arrival would.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "link/engine.h"

struct link_peer *peer_new(struct link *l, struct str id)
{
	struct link_peer *p = calloc(1, sizeof(*p));

	check(p);
	p->l = l;
	p->id = str_dup(id);
	list_init(&p->owned);
	list_init(&p->ready);
	list_init(&p->rxs);
	table_init(&p->rx_by_pair);
	l->n_peers++;
	l->live = realloc(l->live, l->n_peers * sizeof(struct link_peer *));
	check(l->live);
	list_append(&l->peers, &p->link);
	return p;
}

static void free_domains(struct link_peer *p)
{
	for (size_t i = 0; i < p->n_domains; i++)
		str_free(&p->domains[i]);
	free(p->domains);
	p->domains = NULL;
	p->n_domains = 0;
}

void peer_free(struct link_peer *p)
{
	LIST_EACH_SAFE (&p->rxs, it)
		rx_free(LIST_OWNER(it, struct link_rx, link));
	table_done(&p->rx_by_pair);
	free(p->rx_by_number);
	free_domains(p);
	list_remove(&p->link);
	str_free(&p->id);
	str_free(&p->release);
	free(p);
}

void peer_send(struct link_peer *p, struct str head, struct str body)
{
	p->frames_out++;
	p->bytes_out += head.len + body.len;
	p->l->ops.send(p->l->user, p->carrier, head, body);
}

void peer_send_hello(struct link_peer *p, uint64_t now)
{
	const struct link_settings *set = &p->l->set;
	struct frame_hello h = {
		.version_min = LINK_VERSION_LEAST,
		.version_max = LINK_VERSION,
		.node = set->node,
		.role = set->role,
		.boot = set->boot_id,
		.catalogue = set->catalogue,
		.time = now,
		.echo = p->far_time,
		.seen = p->state >= PEER_GREETED,
		.limits = { set->channels_max, set->window_records, set->window_bytes,
			set->frame_bytes },
		.n_domains = set->n_domains,
	};

	if (!h.seen)
		h.echo = 0;
	p->hello_seen_sent = h.seen;
	p->hello_at = now;
	frame_hello(p, &h, set->domains);
}

void peer_start(struct link_peer *p, void *carrier, uint64_t now)
{
	p->carrier = carrier;
	p->state = PEER_CONNECTED;
	p->connected_at = now;
	p->hello_seen_sent = false;
	p->draining = false;
	p->connections++;
	peer_send_hello(p, now);
}

/* The catalogue that all have who are up: whoever comes back may be of an older release. */
static void agree_catalogue(struct link *l)
{
	l->catalogue = l->set.catalogue;
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state == PEER_UP && p->catalogue < l->catalogue)
			l->catalogue = p->catalogue;
	}
}

void peer_down(struct link_peer *p, const char *why, bool silent)
{
	bool was_up = p->state == PEER_UP;

	p->state = PEER_DOWN;
	p->carrier = NULL;
	p->why = why;
	while (!list_empty(&p->ready))
		list_remove(p->ready.next);
	if (!was_up)
		return;
	p->silent = silent;
	p->l->lost = p;
	agree_catalogue(p->l);
	others_changed(p->l);
	p->l->ops.peer_state(p->l->user, p, false, why);
}

static bool is_violation(enum link_fault fault)
{
	return fault != FAULT_NONE && fault != FAULT_SILENCE && fault != FAULT_REPLACED;
}

void peer_fault(struct link_peer *p, enum link_fault fault)
{
	struct link *l = p->l;
	void *carrier = p->carrier;
	const char *why = l->fault.detail ? l->fault.detail : link_fault_text(fault);

	frame_close(p, fault, l->fault.channel, l->fault.epoch, l->fault.seq);
	memset(&l->fault, 0, sizeof(l->fault));
	l->ops.close(l->user, carrier, why);
	if (is_violation(fault)) {
		p->faults++;
		l->ops.alarm(l->user, p, why);
	}
	peer_down(p, why, fault == FAULT_SILENCE);
}

bool peer_may_send(struct link_peer *p)
{
	struct link *l = p->l;

	return p->state == PEER_UP && (!l->ops.can_send || l->ops.can_send(l->user, p->carrier));
}

void peer_pump(struct link_peer *p, uint64_t now)
{
	while (!list_empty(&p->ready) && peer_may_send(p)) {
		struct link_tx *tx = LIST_OWNER(p->ready.next, struct link_tx, ready);
		list_remove(&tx->ready);
		tx_burst(tx, now);
		if (tx_sendable(tx))
			list_append(&p->ready, &tx->ready);
	}
}

/* Lease. */

bool peer_lease_holds(const struct link_peer *p, uint64_t now)
{
	return p->leased && now <= p->lease + p->l->set.fence_ms;
}

bool peer_lease(struct link_peer *p, uint64_t now)
{
	if (peer_lease_holds(p, now))
		return true;
	if (!p->fenced) {
		p->fenced = true;
		rx_revoke_all(p);
	}
	return false;
}

static void renew_lease(struct link_peer *p, uint64_t time, uint64_t now)
{
	/* What lapsed has lapsed, even if a fresh echo is here: the pairs may have moved. */
	peer_lease(p, now);
	if (!p->leased || time > p->lease)
		p->lease = time;
	p->leased = true;
	p->fenced = !peer_lease_holds(p, now);
}

/* Greeting. */

/* What a node is does not change on one connection. */
static bool same_or_first(const struct link_peer *p, const struct frame_hello *h)
{
	return p->state == PEER_CONNECTED ||
		(p->boot == h->boot && p->catalogue == h->catalogue &&
			p->version == least(h->version_max, LINK_VERSION));
}

static bool limits_fit(const struct link *l, const struct frame_limits *limits)
{
	return limits->channels >= 1 && limits->window_records >= 1 && limits->window_bytes >= 1 &&
		limits->frame_bytes >= l->set.frame_bytes;
}

/* A fault that the log explains with both nodes' versions. */
static enum link_fault mismatch(struct link_peer *p, enum link_fault fault, const char *what,
	uint64_t far_least, uint64_t far_most, uint64_t least, uint64_t most)
{
	snprintf(p->mismatch, sizeof(p->mismatch),
		"%s: that node knows %s %llu to %llu, this one %llu to %llu",
		link_fault_text(fault), what, (unsigned long long)far_least,
		(unsigned long long)far_most, (unsigned long long)least, (unsigned long long)most);
	p->l->fault.detail = p->mismatch;
	return fault;
}

/* Releases are at most one apart, and so are their catalogues. */
static bool catalogues_fit(uint64_t far, uint64_t own)
{
	return far == own || far + 1 == own || far == own + 1;
}

static enum link_fault judge_hello(struct link_peer *p, const struct frame_hello *h, uint64_t now)
{
	const struct link *l = p->l;

	if (h->version_min > LINK_VERSION || h->version_max < LINK_VERSION_LEAST ||
		h->version_min > h->version_max)
		return mismatch(p, FAULT_VERSION, "versions", h->version_min, h->version_max,
			LINK_VERSION_LEAST, LINK_VERSION);
	if (!str_eq(h->node, p->id) || str_eq(h->node, l->set.node))
		return FAULT_IDENTITY;
	if (h->role != (l->set.role == LINK_OUTER ? LINK_INNER : LINK_OUTER))
		return FAULT_ROLE;
	if (!catalogues_fit(h->catalogue, l->set.catalogue))
		return mismatch(
			p, FAULT_CATALOGUE, "catalogues", 1, h->catalogue, 1, l->set.catalogue);
	if (!limits_fit(l, &h->limits))
		return FAULT_LIMITS;
	if (h->n_domains && h->role == LINK_OUTER)
		return FAULT_DOMAINS;
	if (!same_or_first(p, h))
		return FAULT_HELLO;
	if (h->seen && h->echo > now)
		return FAULT_TIME;
	return FAULT_NONE;
}

static int by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void learn_domains(struct link_peer *p, const struct frame_hello *h)
{
	struct cbor_reader r = h->domains;

	free_domains(p);
	if (h->n_domains == 0)
		return;
	p->domains = calloc(h->n_domains, sizeof(*p->domains));
	check(p->domains);
	p->n_domains = h->n_domains;
	for (size_t i = 0; i < p->n_domains; i++)
		p->domains[i] = str_dup(cbor_text(&r));
	qsort(p->domains, p->n_domains, sizeof(*p->domains), by_bytes);
}

static void learn_node(struct link_peer *p, const struct frame_hello *h, uint64_t now)
{
	struct link *l = p->l;

	p->state = PEER_GREETED;
	p->version = (unsigned)least(h->version_max, LINK_VERSION);
	p->catalogue = (uint32_t)h->catalogue;
	str_free(&p->release);
	p->load = p->others = 0;
	p->far_time = 0;
	p->limits = (struct frame_limits){
		.channels = least(h->limits.channels, l->set.channels_max),
		.window_records = least(h->limits.window_records, l->set.window_records),
		.window_bytes = least(h->limits.window_bytes, l->set.window_bytes),
		.frame_bytes = l->set.frame_bytes,
	};
	if (p->known && p->boot != h->boot) {
		/* Another process: whatever the last one knew of our channels is gone. */
		p->leased = false;
		rx_forget_all(p);
		tx_forget_refusals(p);
		p->aside = false;
		tx_release_all(p, LINK_WHY_RESTARTED, now);
		if (p->replaced)
			l->ops.alarm(l->user, p, "another process took the name of a live node");
	}
	p->replaced = false;
	p->known = true;
	p->boot = h->boot;
}

enum { ABOUT_BEATS = 10 };

/* What a person likes to know of a node, and what the far node cannot know of its own like. */
static void say_about(struct link_peer *p)
{
	const struct link *l = p->l;

	p->beats = ABOUT_BEATS;
	if (p->version >= 2)
		frame_about(
			p, l->set.release, l->ops.load ? l->ops.load(l->user) : 0, others_than(p));
}

static void peer_up(struct link_peer *p, uint64_t now)
{
	struct link *l = p->l;

	p->state = PEER_UP;
	p->why = NULL;
	p->grace_ms = 0;
	agree_catalogue(l);
	others_changed(l);
	frame_time(p, FRAME_HEARTBEAT, now);
	say_about(p);
	if (l->draining)
		frame_drain(p);
	l->ops.peer_state(l->user, p, true, NULL);
	tx_resume_all(p, now);
	tx_retry_orphans(l, now);
}

void peer_confirmed(struct link_peer *p, uint64_t now)
{
	if (p->state == PEER_GREETED)
		peer_up(p, now);
}

enum link_fault peer_on_hello(struct link_peer *p, const union frame *f, uint64_t now)
{
	const struct frame_hello *h = &f->hello;
	enum link_fault fault = judge_hello(p, h, now);

	if (fault)
		return fault;
	if (p->state == PEER_CONNECTED)
		learn_node(p, h, now);
	/* Not from an older one that a carrier delivered late. */
	if (h->time >= p->far_time) {
		learn_domains(p, h);
		p->far_time = h->time;
	}
	if (h->seen)
		renew_lease(p, h->echo, now);
	if (!h->seen || !p->hello_seen_sent)
		peer_send_hello(p, now);
	if (h->seen)
		peer_confirmed(p, now);
	return FAULT_NONE;
}

/* Life. */

enum link_fault peer_on_heartbeat(struct link_peer *p, const union frame *f, uint64_t now)
{
	frame_time(p, FRAME_ECHO, f->time);
	return FAULT_NONE;
}

enum link_fault peer_on_echo(struct link_peer *p, const union frame *f, uint64_t now)
{
	if (f->time > now)
		return FAULT_TIME;
	p->rtt = now - f->time;
	renew_lease(p, f->time, now);
	return FAULT_NONE;
}

enum link_fault peer_on_about(struct link_peer *p, const union frame *f, uint64_t now)
{
	str_free(&p->release);
	p->release = str_dup(f->about.release);
	p->load = f->about.load;
	p->others = f->about.others;
	return FAULT_NONE;
}

enum link_fault peer_on_drain(struct link_peer *p, const union frame *f, uint64_t now)
{
	p->draining = true;
	others_changed(p->l);
	tx_drain_all(p, now);
	return FAULT_NONE;
}

enum link_fault peer_on_close(struct link_peer *p, const union frame *f, uint64_t now)
{
	struct link *l = p->l;
	void *carrier = p->carrier;
	const char *why = link_fault_text(f->close.code);

	l->ops.close(l->user, carrier, why);
	if (is_violation((enum link_fault)f->close.code))
		l->ops.alarm(l->user, p, why);
	peer_down(p, why, false);
	return FAULT_NONE;
}

void peer_beat(struct link_peer *p, uint64_t now)
{
	if (p->state == PEER_UP) {
		frame_time(p, FRAME_HEARTBEAT, now);
		if (--p->beats == 0)
			say_about(p);
		if (p->l->draining)
			frame_drain(p);
		if (p->hello_repeats) {
			p->hello_repeats--;
			peer_send_hello(p, now);
		}
	} else if (p->carrier && now >= p->hello_at + p->l->set.heartbeat_ms) {
		peer_send_hello(p, now);
	}
}

static uint64_t silence_at(const struct link_peer *p)
{
	return p->state == PEER_UP ? p->heard + p->l->set.dead_ms : p->connected_at + HELLO_MS;
}

/* Its silence is no fault of its own, and there is nobody to take its pairs anyhow. */
static bool excused(const struct link_peer *p)
{
	if (!p->cut)
		return false;
	LIST_EACH (&p->l->peers, it) {
		if (LIST_OWNER(it, struct link_peer, link)->state == PEER_UP)
			return false;
	}
	return true;
}

/* When a node that is down loses its pairs. */
static uint64_t dead_at(const struct link_peer *p)
{
	return excused(p) ? UINT64_MAX : p->heard + p->l->set.dead_ms + p->grace_ms;
}

static bool is_dead(const struct link_peer *p, uint64_t now)
{
	return p->state != PEER_UP && now >= dead_at(p);
}

void peer_tick(struct link_peer *p, uint64_t now)
{
	if (p->carrier && now >= silence_at(p))
		peer_fault(p, FAULT_SILENCE);
	if (!list_empty(&p->owned) && is_dead(p, now))
		tx_release_some(p, LINK_WHY_DEAD, now);
	if (!list_empty(&p->rxs))
		peer_lease(p, now);
}

uint64_t peer_deadline(const struct link_peer *p)
{
	uint64_t at = p->carrier ? silence_at(p) : UINT64_MAX;

	if (p->state != PEER_UP && !list_empty(&p->owned))
		at = least(at, dead_at(p));
	if (!list_empty(&p->rxs) && !p->fenced)
		at = least(at, p->lease + p->l->set.fence_ms + 1);
	return at;
}
