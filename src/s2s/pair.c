/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair exists while it has a stream, a queue or members, and some minutes longer, so that a
 * failure is remembered. Memory for it is bounded: the longest idle goes first.
 */
#include "s2s/pair.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "s2s/pair_delivery.h"

enum { IDLE_PAIRS_MAX = 20000, IDLE_SPARE_MS = 60000 };

/* us and them cannot contain a space, so that the joined key is unambiguous. */
static struct str join(struct s2s_face *f, struct str us, struct str them)
{
	buf_clear(&f->key, SIZE_MAX);
	buf_append(&f->key, us);
	buf_append(&f->key, STRL(" "));
	buf_append(&f->key, them);
	return buf_bytes(&f->key);
}

struct s2s_pair *pair_find(struct s2s_face *f, struct str us, struct str them)
{
	struct s2s_pair *p = f->last_pair;

	if (p && str_eq(p->them, them) && str_eq(p->us, us))
		return p;
	p = table_find(&f->pairs, join(f, us, them));
	if (p)
		f->last_pair = p;
	return p;
}

static struct s2s_pair *pair_new(struct s2s_face *f, struct str us, struct str them)
{
	const struct s2s_settings *set = &f->settings;
	struct str key = join(f, us, them);
	struct s2s_pair *p = calloc(1, sizeof(*p) + key.len);

	check(p);
	memory_take(sizeof(*p) + key.len);
	char *copy = (char *)(p + 1);
	memcpy(copy, key.p, key.len);
	p->face = f;
	p->key = str_from(copy, key.len);
	p->us = str_from(copy, us.len);
	p->them = str_from(copy + us.len + 1, them.len);
	p->timer.fire = pair_on_age;
	queue_init(&p->queue, &f->spares, set->queue_stanzas, set->queue_bytes);
	list_init(&p->members);
	list_init(&p->verifies);
	list_init(&p->idle);
	list_init(&p->in_via);
	table_set(&f->pairs, p->key, p);
	pair_unused(p);
	return p;
}

struct s2s_pair *pair_get(struct s2s_face *f, struct str us, struct str them)
{
	struct s2s_pair *p = pair_find(f, us, them);

	return p ? p : pair_new(f, us, them);
}

void pair_free(struct s2s_pair *p)
{
	struct s2s_face *f = p->face;

	check(list_empty(&p->members) && list_empty(&p->verifies) && !p->out && !p->via &&
		!p->guest && !p->component);
	if (f->last_pair == p)
		f->last_pair = NULL;
	f->pending -= queue_count(&p->queue);
	pair_used(p);
	table_remove(&f->pairs, p->key);
	timer_set(f, &p->timer, UINT64_MAX);
	queue_done(&p->queue);
	traffic_done(&p->traffic);
	memory_give(sizeof(*p) + p->key.len);
	free(p);
}

void pair_used(struct s2s_pair *p)
{
	if (!list_empty(&p->idle)) {
		list_remove(&p->idle);
		p->face->n_idle_pairs--;
	}
}

void pair_unused(struct s2s_pair *p)
{
	if (p->out || p->via || p->guest || p->component || queue_count(&p->queue) ||
		!list_empty(&p->members) || !list_empty(&p->verifies) || !list_empty(&p->idle))
		return;
	p->idle_since = p->face->now;
	list_append(&p->face->idle_pairs, &p->idle);
	p->face->n_idle_pairs++;
}

void pair_alive(struct s2s_pair *p)
{
	p->retry_at = 0;
}

static const struct s2s_pair *longest_idle(const struct s2s_face *f)
{
	return list_empty(&f->idle_pairs) ? NULL
					  : LIST_OWNER(f->idle_pairs.next, struct s2s_pair, idle);
}

uint64_t pair_forget_at(const struct s2s_face *f)
{
	const struct s2s_pair *p = longest_idle(f);

	if (!p)
		return UINT64_MAX;
	if (f->n_idle_pairs > IDLE_PAIRS_MAX)
		return 0;
	return after(p->idle_since, (uint64_t)f->settings.retry_max_ms + IDLE_SPARE_MS);
}

void pair_forget(struct s2s_face *f)
{
	while (pair_forget_at(f) <= f->now)
		pair_free(LIST_OWNER(f->idle_pairs.next, struct s2s_pair, idle));
}

struct s2s_event pair_event(const struct s2s_pair *p, const char *event)
{
	struct s2s_event e = { 0 };

	if (p->via)
		e = stream_event(p->via, event);
	e.event = event;
	e.us = p->us;
	e.them = p->them;
	return e;
}
