/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream:
 *
 *	bus_open():   OPENING --accept--> UP --end, gap, nothing taken--> gone
 *	accepted:                         UP
 *
 *	sent ........ place of the next byte that we send      received ... of the next one that they send
 *	acked ....... what their owner took                     taken ...... what our owner took
 *	sent - acked <= window                                  received - taken <= our window
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "base/random.h"
#include "bus/bus_int.h"

static uint64_t draw_number(void)
{
	uint64_t n = 0;

	while (n == 0)
		random_bytes(&n, sizeof(n));
	return n;
}

struct bus_stream *bus_stream_new(struct bus_peer *p, void *owner, uint64_t now)
{
	struct bus_stream *s = calloc(1, sizeof(*s));

	check(s);
	*s = (struct bus_stream){
		.peer = p, .owner = owner, .ours = draw_number(), .born = now, .tell_at = UINT64_MAX
	};
	list_append(&p->streams, &s->link);
	p->n_streams++;
	p->bus->counters.streams++;
	return s;
}

void bus_stream_free(struct bus_stream *s)
{
	s->peer->n_streams--;
	list_remove(&s->link);
	free(s);
}

void bus_stream_end(struct bus_stream *s, const char *reason)
{
	struct bus *b = s->peer->bus;
	void *owner = s->owner;

	bus_stream_free(s);
	b->ops.closed(owner, reason);
}

/* --- out --- */

static void send_message(struct bus_stream *s, struct bus_message *m)
{
	struct bus *b = s->peer->bus;
	char head[BUS_HEAD_MAX];

	m->to = s->theirs;
	m->from = s->ours;
	m->window = b->set.window;
	m->taken = s->taken;
	if (m->type == BUS_DATA || m->type == BUS_TAKEN) {
		s->told = s->taken;
		s->tell_at = UINT64_MAX;
	}
	b->ops.send(b->user, s->peer->user, bus_message_head(m, head), m->bytes);
}

void bus_stream_say(struct bus_stream *s, enum bus_message_type type)
{
	if (type == BUS_END && !s->theirs)
		return; /* there is no number yet to say it to */
	send_message(s, &(struct bus_message){ .type = type });
}

size_t bus_room(struct bus_stream *s)
{
	struct bus *b = s->peer->bus;
	uint64_t room = s->window - (s->sent - s->acked);

	if (s->state != BUS_UP || !b->ops.can_send(b->user))
		room = 0;
	s->blocked = room == 0;
	return (size_t)room;
}

size_t bus_send(struct bus_stream *s, struct str bytes, uint64_t now)
{
	size_t used = 0, n;

	while (used < bytes.len && (n = bus_room(s)) > 0) {
		n = least(least(n, bytes.len - used), BUS_CHUNK_MAX);
		struct bus_message m = {
			.type = BUS_DATA, .offset = s->sent, .bytes = { bytes.p + used, n }
		};
		if (s->sent == s->acked)
			s->stall_since = now;
		send_message(s, &m);
		s->sent += n;
		used += n;
	}
	return used;
}

void bus_stream_wake(struct bus_stream *s)
{
	if (s->blocked && bus_room(s) > 0)
		s->peer->bus->ops.writable(s->owner);
}

/* --- in --- */

void bus_taken(struct bus_stream *s, uint64_t total)
{
	s->taken = total;
	if (s->taken - s->told >= s->peer->bus->set.window / 4)
		bus_stream_say(s, BUS_TAKEN);
}

static void broken(struct bus_stream *s, const char *reason)
{
	bus_stream_say(s, BUS_END);
	bus_stream_end(s, reason);
}

static bool learn_taken(struct bus_stream *s, uint64_t taken, uint64_t now)
{
	if (taken > s->sent) {
		broken(s, "nats: the far node took what was never sent");
		return false;
	}
	if (taken > s->acked) {
		s->acked = taken;
		s->stall_since = now;
		bus_stream_wake(s);
	}
	return true;
}

static void on_data(struct bus_stream *s, const struct bus_message *m, uint64_t now)
{
	struct bus *b = s->peer->bus;

	if (!learn_taken(s, m->taken, now))
		return;
	if (m->offset < s->received) {
		b->counters.repeated++;
		return;
	}
	if (m->offset > s->received) {
		b->counters.gaps++;
		broken(s, "nats: messages were lost");
		return;
	}
	if (m->bytes.len > b->set.window - (s->received - s->taken)) {
		broken(s, "nats: the far node sent more than the window allows");
		return;
	}
	s->received += m->bytes.len;
	s->tell_at = least(s->tell_at, now + b->set.tell_ms);
	b->ops.input(s->owner, m->bytes);
}

static void on_accept(struct bus_stream *s, const struct bus_message *m)
{
	if (s->state == BUS_UP)
		return;
	s->state = BUS_UP;
	s->theirs = m->from;
	s->window = m->window;
	s->peer->bus->ops.opened(s->owner);
}

void bus_stream_input(struct bus_stream *s, const struct bus_message *m, uint64_t now)
{
	switch (m->type) {
	case BUS_ACCEPT:
		on_accept(s, m);
		break;
	case BUS_DATA:
		on_data(s, m, now);
		break;
	case BUS_TAKEN:
		learn_taken(s, m->taken, now);
		break;
	case BUS_END:
		bus_stream_end(s, s->state == BUS_UP ? NULL : "nats: refused by the far node");
		break;
	case BUS_OPEN:
		break;
	}
}

/* --- time --- */

/* The far node wants to know that we live, even if nothing goes there. */
static void tell_taken(struct bus_stream *s, uint64_t now)
{
	if (s->state != BUS_UP || now < s->tell_at)
		return;
	s->tell_at = UINT64_MAX;
	if (s->taken > s->told)
		bus_stream_say(s, BUS_TAKEN);
	if (s->received > s->told)
		s->tell_at = now + s->peer->bus->set.tell_ms; /* the owner is slow: look again */
}

void bus_stream_tick(struct bus_stream *s, uint64_t now)
{
	const struct bus_settings *set = &s->peer->bus->set;

	tell_taken(s, now);
	if (s->state == BUS_OPENING && now >= s->born + set->answer_ms) {
		broken(s, "nats: no answer from that node");
	} else if (s->state == BUS_OPENING && now >= s->repeat_at) {
		s->repeat_at = now + set->repeat_ms;
		bus_stream_say(s, BUS_OPEN);
	} else if (s->state == BUS_UP && s->sent > s->acked &&
		now >= s->stall_since + set->stall_ms) {
		broken(s, "nats: the far node takes nothing");
	}
}

uint64_t bus_stream_deadline(const struct bus_stream *s)
{
	const struct bus_settings *set = &s->peer->bus->set;

	if (s->state == BUS_OPENING)
		return least(s->repeat_at, s->born + set->answer_ms);
	return least(s->tell_at, s->sent > s->acked ? s->stall_since + set->stall_ms : UINT64_MAX);
}
