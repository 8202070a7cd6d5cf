/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on the bus before anybody is authenticated: what a captured broker can send. The first byte chooses
 * our role; then steps:
 *
 *	0x00-0x7f      a message of so many bytes, which follow
 *	0x80-0xbf      a message with the numbers of the latest connection; four bytes that follow choose the rest
 *	0xc0-0xff      what the owners or time do
 */
#include <stdlib.h>

#include "base/check.h"
#include "bus/bus.h"
#include "bus/message.h"

enum { WINDOW = 64 * 1024, OWNERS = 64, RAW = 0x80, OWN = 0xc0 };

const char *const fuzz_proves = "threats L20 bus";

struct owner {
	struct bus_stream *s;
	uint64_t got, taken;
};

struct world {
	struct bus *bus;
	struct bus_peer *peer;
	uint64_t now;
	struct owner owners[OWNERS];
	unsigned next;
	uint64_t ours, theirs; /* numbers of the latest connection */
	bool congested;
};

static void op_send(void *user, void *peer, struct str head, struct str body)
{
	struct world *w = user;
	static char whole[BUS_HEAD_MAX + BUS_CHUNK_MAX];
	struct bus_message m;

	/* What we say is a message, too. */
	memcpy(whole, head.p, head.len);
	if (body.len)
		memcpy(whole + head.len, body.p, body.len);
	check(bus_message_read(str_from(whole, head.len + body.len), &m));
	if (m.type == BUS_OPEN || m.type == BUS_ACCEPT) {
		w->ours = m.from;
		w->theirs = m.type == BUS_ACCEPT ? m.to : 1;
	}
}

static bool op_can_send(void *user)
{
	return !((struct world *)user)->congested;
}

static struct owner *free_owner(struct world *w)
{
	for (unsigned i = 0; i < OWNERS; i++) {
		struct owner *o = &w->owners[w->next++ % OWNERS];
		if (!o->s) {
			*o = (struct owner){ 0 };
			return o;
		}
	}
	return NULL;
}

static void *op_accept(void *user, void *peer, struct bus_stream *s)
{
	struct owner *o = free_owner(user);

	check(o); /* so many at once are never accepted */
	o->s = s;
	return o;
}

static void op_opened(void *owner)
{
}

static void op_input(void *owner, struct str bytes)
{
	struct owner *o = owner;

	o->got += bytes.len;
	check(o->s && bytes.len && o->got - o->taken <= WINDOW);
}

static void op_closed(void *owner, const char *reason)
{
	((struct owner *)owner)->s = NULL;
}

static const struct bus_ops ops = {
	.send = op_send,
	.can_send = op_can_send,
	.accept = op_accept,
	.opened = op_opened,
	.input = op_input,
	.writable = op_opened,
	.closed = op_closed,
};

static void own_step(struct world *w, unsigned step, bool opens)
{
	static const char block[3000];
	struct owner *o = &w->owners[step / 8 % 8];
	struct owner *new;

	switch (step % 8) {
	case 0:
		if (opens && (new = free_owner(w)))
			new->s = bus_open(w->peer, new, w->now);
		break;
	case 1:
		if (o->s)
			bus_send(o->s, str_from(block, sizeof(block)), w->now);
		break;
	case 2:
		if (o->s)
			bus_taken(o->s, o->taken = o->got);
		break;
	case 3:
		if (o->s)
			bus_proved(o->s);
		break;
	case 4:
		if (o->s)
			bus_close(o->s);
		o->s = NULL;
		break;
	case 5:
		w->congested = !w->congested;
		if (!w->congested)
			bus_flush(w->bus);
		break;
	case 6:
		w->now += 60 * (step / 8);
		bus_tick(w->bus, w->now);
		break;
	default:
		bus_lost(w->bus, "lost");
		break;
	}
}

/* Four bytes: type, place, taken, length. */
static void made_message(struct world *w, const uint8_t *p)
{
	static const char block[BUS_CHUNK_MAX];
	static char whole[BUS_HEAD_MAX + BUS_CHUNK_MAX];
	struct bus_message m = {
		.type = (enum bus_message_type)(p[0] % 5),
		.to = w->ours,
		.from = p[0] & 0x40 ? p[0] : w->theirs,
		.window = (uint64_t)p[1] << (p[2] % 64),
		.offset = (uint64_t)(p[1] & 0x0f) << (p[1] >> 3),
		.taken = (uint64_t)(p[2] & 0x0f) << (p[2] >> 3),
		.bytes = { block, 1 + ((size_t)p[3] << 8) },
	};

	if (!m.to || !m.from)
		return;
	char head[BUS_HEAD_MAX];
	struct str h = bus_message_head(&m, head);
	memcpy(whole, h.p, h.len);
	size_t n = m.type == BUS_DATA ? m.bytes.len : 0;
	memcpy(whole + h.len, block, n);
	bus_input(w->peer, str_from(whole, h.len + n), w->now);
	if (m.type == BUS_ACCEPT)
		w->theirs = m.from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .now = 1000 };
	struct bus_settings set = bus_settings_default;
	size_t at = 1;

	if (size == 0)
		return 0;
	set.opens = data[0] & 1;
	set.window = WINDOW;
	w.bus = bus_new(&set, &ops, &w);
	w.peer = bus_peer_new(w.bus, &w);
	while (at < size) {
		uint8_t step = data[at++];
		if (step < RAW) {
			size_t n = step < size - at ? step : size - at;
			bus_input(w.peer, str_from(data + at, n), w.now);
			at += n;
		} else if (step >= OWN) {
			own_step(&w, step - OWN, set.opens);
		} else if (size - at >= 4) {
			made_message(&w, data + at);
			at += 4;
		}
	}
	bus_peer_free(w.peer, "over");
	bus_free(w.bus);
	return 0;
}
