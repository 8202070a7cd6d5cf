/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers, and which message belongs to which of their streams. A stream is known by both numbers; only `open` and
 * `accept` come before both are known.
 *
 * A message of a stream that is not there is answered with `end`, so that a node which missed the end learns of it
 * with the next thing that it says; that goes seldom, and an `end` is never answered.
 */
#include "bus/bus.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "bus/bus_int.h"

enum {
	STREAMS_MAX =
		4, /* of one peer: one in use, one not proved yet, and those that are on their way out */
	WINDOW_LEAST = 16 * 1024, /* anything below makes no sense */
};

const struct bus_settings bus_settings_default = {
	.window = 1024 * 1024,
	.repeat_ms = 200,
	.answer_ms = 1500,
	.renew_ms = 50,
	.tell_ms = 100,
	.stall_ms = 3000,
	.strange_ms = 20,
};

struct bus *bus_new(const struct bus_settings *settings, const struct bus_ops *ops, void *user)
{
	struct bus *b = calloc(1, sizeof(*b));

	check(b && settings->window >= WINDOW_LEAST);
	*b = (struct bus){ .set = *settings, .ops = *ops, .user = user };
	list_init(&b->peers);
	return b;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	check(list_empty(&b->peers));
	free(b);
}

const struct bus_counters *bus_counters(const struct bus *b)
{
	return &b->counters;
}

struct bus_peer *bus_peer_new(struct bus *b, void *user)
{
	struct bus_peer *p = calloc(1, sizeof(*p));

	check(p);
	*p = (struct bus_peer){ .bus = b, .user = user };
	list_init(&p->streams);
	list_append(&b->peers, &p->link);
	return p;
}

static void end_all(struct bus_peer *p, const char *reason)
{
	struct list *first;

	while ((first = list_first(&p->streams)))
		bus_stream_end(LIST_OWNER(first, struct bus_stream, link), reason);
}

void bus_peer_free(struct bus_peer *p, const char *reason)
{
	LIST_EACH (&p->streams, it)
		bus_stream_say(LIST_OWNER(it, struct bus_stream, link), BUS_END);
	end_all(p, reason);
	list_remove(&p->link);
	free(p);
}

void bus_lost(struct bus *b, const char *reason)
{
	LIST_EACH (&b->peers, it)
		end_all(LIST_OWNER(it, struct bus_peer, link), reason);
}

struct bus_stream *bus_open(struct bus_peer *p, void *owner, uint64_t now)
{
	struct bus *b = p->bus;
	check(b->set.opens);
	struct bus_stream *s = bus_stream_new(p, owner, now);

	s->state = BUS_OPENING;
	s->repeat_at = now + b->set.repeat_ms;
	bus_stream_say(s, BUS_OPEN);
	return s;
}

void bus_proved(struct bus_stream *s)
{
	s->proved = true;
}

void bus_close(struct bus_stream *s)
{
	bus_stream_say(s, BUS_END);
	bus_stream_free(s);
}

/* --- who may open a stream --- */

static struct bus_stream *find_unproved(struct bus_peer *p)
{
	LIST_EACH (&p->streams, it) {
		struct bus_stream *s = LIST_OWNER(it, struct bus_stream, link);
		if (!s->proved)
			return s;
	}
	return NULL;
}

static bool make_way(struct bus_peer *p, uint64_t now)
{
	struct bus_stream *old = find_unproved(p);

	if (old && now < old->born + p->bus->set.renew_ms)
		return false;
	if (old) {
		bus_stream_say(old, BUS_END);
		p->bus->counters.replaced++;
		bus_stream_end(old, BUS_REPLACED);
	}
	return p->n_streams < STREAMS_MAX;
}

static void on_open(struct bus_peer *p, const struct bus_message *m, uint64_t now)
{
	struct bus *b = p->bus;

	LIST_EACH (&p->streams, it) {
		struct bus_stream *s = LIST_OWNER(it, struct bus_stream, link);
		if (s->theirs == m->from) {
			bus_stream_say(s, BUS_ACCEPT); /* our answer was lost, or late */
			return;
		}
	}
	if (m->window < WINDOW_LEAST || !make_way(p, now)) {
		b->counters.refused++;
		return;
	}
	struct bus_stream *s = bus_stream_new(p, NULL, now);
	s->state = BUS_UP;
	s->theirs = m->from;
	s->window = m->window;
	s->owner = b->ops.accept(b->user, p->user, s);
	bus_stream_say(s, s->owner ? BUS_ACCEPT : BUS_END);
	if (!s->owner)
		bus_stream_free(s);
}

/* --- messages --- */

static struct bus_stream *find_stream(struct bus_peer *p, const struct bus_message *m)
{
	LIST_EACH (&p->streams, it) {
		struct bus_stream *s = LIST_OWNER(it, struct bus_stream, link);
		bool opening = s->state == BUS_OPENING;
		/* What answers our `open` brings the other number; nothing else does. */
		bool first = opening && (m->type == BUS_ACCEPT || m->type == BUS_END);
		if (s->ours == m->to && (first || (!opening && s->theirs == m->from)))
			return s;
	}
	return NULL;
}

static void on_strange(struct bus_peer *p, const struct bus_message *m, uint64_t now)
{
	struct bus *b = p->bus;
	char head[BUS_HEAD_MAX];
	const struct bus_message end = { .type = BUS_END, .to = m->from, .from = m->to };

	b->counters.strange++;
	if (m->type == BUS_END || now < p->strange_at)
		return;
	p->strange_at = now + b->set.strange_ms;
	b->ops.send(b->user, p->user, bus_message_head(&end, head), STRL(""));
}

void bus_input(struct bus_peer *p, struct str message, uint64_t now)
{
	struct bus *b = p->bus;
	struct bus_message m;

	if (!bus_message_read(message, &m) || (m.type == BUS_OPEN && b->set.opens) ||
		(m.type == BUS_ACCEPT && (!b->set.opens || m.window < WINDOW_LEAST))) {
		b->counters.malformed++;
		return;
	}
	if (m.type == BUS_OPEN) {
		on_open(p, &m, now);
		return;
	}
	struct bus_stream *s = find_stream(p, &m);
	if (s)
		bus_stream_input(s, &m, now);
	else
		on_strange(p, &m, now);
}

/* --- time --- */

void bus_flush(struct bus *b)
{
	LIST_EACH (&b->peers, it) {
		struct bus_peer *p = LIST_OWNER(it, struct bus_peer, link);
		LIST_EACH (&p->streams, at)
			bus_stream_wake(LIST_OWNER(at, struct bus_stream, link));
	}
}

void bus_tick(struct bus *b, uint64_t now)
{
	LIST_EACH (&b->peers, it) {
		struct bus_peer *p = LIST_OWNER(it, struct bus_peer, link);
		LIST_EACH_SAFE (&p->streams, at)
			bus_stream_tick(LIST_OWNER(at, struct bus_stream, link), now);
	}
}

uint64_t bus_deadline(const struct bus *b)
{
	uint64_t at = UINT64_MAX;

	LIST_EACH (&b->peers, it) {
		const struct bus_peer *p = LIST_OWNER(it, struct bus_peer, link);
		LIST_EACH (&p->streams, in)
			at = least(
				at, bus_stream_deadline(LIST_OWNER(in, struct bus_stream, link)));
	}
	return at;
}
