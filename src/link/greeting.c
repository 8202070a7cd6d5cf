/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two nodes say of themselves when they meet: which version and catalogue both know, whose limits count, and
 * whether the far one is still the process that it was. A hello is repeated until the far node says that it has it (a
 * carrier may lose frames).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "link/engine.h"

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

void peer_forget_domains(struct link_peer *p)
{
	for (size_t i = 0; i < p->n_domains; i++)
		str_free(&p->domains[i]);
	free(p->domains);
	p->domains = NULL;
	p->n_domains = 0;
}

void link_agree_catalogue(struct link *l)
{
	l->catalogue = l->set.catalogue;
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state == PEER_UP && p->catalogue < l->catalogue)
			l->catalogue = p->catalogue;
	}
}

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

	peer_forget_domains(p);
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

void peer_say_about(struct link_peer *p)
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
	link_agree_catalogue(l);
	others_changed(l);
	frame_time(p, FRAME_HEARTBEAT, now);
	peer_say_about(p);
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
		peer_renew_lease(p, h->echo, now);
	if (!h->seen || !p->hello_seen_sent)
		peer_send_hello(p, now);
	if (h->seen)
		peer_confirmed(p, now);
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
