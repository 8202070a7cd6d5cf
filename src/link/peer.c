/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A far node: heartbeats, the lease, death. The greeting is in greeting.c.
 *
 *	DOWN --connected--> CONNECTED --its hello--> GREETED --it has ours--> UP
 *	  ^                     |                       |                      |
 *	  +---------------------+--- fault, silence, replaced, disconnected ---+
 *
 * The lease: our heartbeat carries our time, the far node echoes it. From an echo we know that
 * the far node heard us after that time, so it will not call us dead before that time +
 * dead_ms. Bytes that waited in a socket while we were stopped cannot feign a fresh
 * heartbeat, which the time of arrival would.
 */
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

struct link_peer *peer_find(const struct link *l, struct str id)
{
	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (str_eq(p->id, id))
			return p;
	}
	return NULL;
}

void peer_free(struct link_peer *p)
{
	LIST_EACH_SAFE (&p->rxs, it)
		rx_free(LIST_OWNER(it, struct link_rx, link));
	table_done(&p->rx_by_pair);
	free(p->rx_by_number);
	peer_forget_domains(p);
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
	link_agree_catalogue(p->l);
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

void peer_renew_lease(struct link_peer *p, uint64_t time, uint64_t now)
{
	/* What lapsed has lapsed, even if a fresh echo is here: the pairs may have moved. */
	peer_lease(p, now);
	if (!p->leased || time > p->lease)
		p->lease = time;
	p->leased = true;
	p->fenced = !peer_lease_holds(p, now);
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
	peer_renew_lease(p, f->time, now);
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
			peer_say_about(p);
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
	return p->state == PEER_UP ? p->silent_since + p->l->set.dead_ms
				   : p->connected_at + HELLO_MS;
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
	return excused(p) ? UINT64_MAX : p->silent_since + p->l->set.dead_ms + p->grace_ms;
}

bool peer_is_awaited(const struct link_peer *p, uint64_t now)
{
	return p->state != PEER_UP && excused(p) &&
		now >= p->silent_since + p->l->set.dead_ms + p->grace_ms;
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

static uint64_t lease_end(const struct link_peer *p)
{
	return p->lease + p->l->set.fence_ms + 1;
}

uint64_t link_fence(struct link *l, uint64_t now)
{
	uint64_t at = UINT64_MAX;

	LIST_EACH (&l->peers, it) {
		struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (!list_empty(&p->rxs) && peer_lease(p, now))
			at = least(at, lease_end(p));
	}
	return at;
}

uint64_t peer_deadline(const struct link_peer *p)
{
	uint64_t at = p->carrier ? silence_at(p) : UINT64_MAX;

	if (p->state != PEER_UP && !list_empty(&p->owned))
		at = least(at, dead_at(p));
	if (!list_empty(&p->rxs) && !p->fenced)
		at = least(at, lease_end(p));
	return at;
}
