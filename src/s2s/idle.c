/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/idle.h"

#include "base/least.h"
#include "base/random.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "xml/names.h"
#include "xml/writer.h"

enum {
	UNUSED_MS = 60000, /* a ready outgoing stream that carried nothing */
	USED_IDLES = 6, /* times idle_ms: one that carried something */
	KEEPALIVE_LEAST_MS = 10000, /* whatever the peer calls idle */
	ID_DIGITS = 32,
};

#define ID_START "idle-"

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * An outgoing stream that nobody uses is given up: soon when nobody ever did, since anybody can have one opened
 * by naming a pair (ops->pair_named).
 */
static uint64_t use_end(const struct s2s_stream *s)
{
	uint64_t idle = s->face->settings.idle_ms;
	uint64_t ms = s->took_any ? USED_IDLES * idle : least(UNUSED_MS, idle);

	if (s->incoming || s->component || !s->pair || queue_count(&s->pair->queue) ||
		!list_empty(&s->pair->verifies))
		return UINT64_MAX;
	return after(s->stanza_at, ms);
}

/* Well before they would call us idle. */
static uint64_t keepalive_due(const struct s2s_stream *s)
{
	uint64_t ms = s->face->settings.idle_ms;
	uint64_t silent = s->incoming ? most(s->last_output, s->last_input) : s->last_output;

	if (s->peer_idle_ms)
		ms = least(ms, most(s->peer_idle_ms / 4 * 3, KEEPALIVE_LEAST_MS));
	return after(silent, ms);
}

/* Whose domains a ping would bear; NULL: none may be written on this stream. */
static const struct s2s_pair *pinged(const struct s2s_stream *s)
{
	if (!s->incoming)
		return s->pair;
	LIST_EACH (&s->members, it) {
		const struct member *m = LIST_OWNER(it, struct member, in_stream);
		if (s->bidi && m->valid)
			return m->pair;
	}
	return NULL;
}

static uint64_t heard_at(const struct s2s_stream *s)
{
	return s->pair ? most(s->last_input, s->pair->heard_at) : s->last_input;
}

static bool is_probed(const struct s2s_stream *s)
{
	return s->probed_at > heard_at(s);
}

/*
 * A one-way stream of ours is silent by its nature: there a ping costs them a stream, so it comes later. An
 * acknowledgement comes on the stream itself.
 */
static uint64_t ping_due(const struct s2s_stream *s)
{
	uint64_t ms = s->face->settings.idle_ms;

	if (!pinged(s) || is_probed(s))
		return UINT64_MAX;
	return after(heard_at(s), s->bidi || manage_covers(s) ? ms : 2 * ms);
}

static uint64_t silence_end(const struct s2s_stream *s)
{
	uint64_t ms = s->face->settings.idle_ms;

	if (!pinged(s))
		return after(s->last_input, 2 * ms);
	return is_probed(s) ? after(s->probed_at, ms) : UINT64_MAX;
}

uint64_t idle_due(const struct s2s_stream *s)
{
	if (s->state != ST_READY || stream_is_paused(s))
		return UINT64_MAX;
	return least(least(use_end(s), keepalive_due(s)), least(ping_due(s), silence_end(s)));
}

static void ping(struct s2s_stream *s)
{
	const struct s2s_pair *p = pinged(s);
	struct buf *out = &s->face->out;
	char id[ID_DIGITS + 1];

	random_id(id);
	buf_append(out, STRL("<iq from=\""));
	xml_write_value(out, p->us);
	buf_append(out, STRL("\" to=\""));
	xml_write_value(out, p->them);
	buf_printf(out, "\" type=\"get\" id=\"" ID_START "%s\"><ping xmlns=\"" NS_PING "\"/></iq>",
		id);
	s->face->counts.pings++;
	stream_flush_out(s);
}

/* A ping would be a stanza that no queue holds: where stanzas are counted, they are asked for the count. */
static void probe(struct s2s_stream *s)
{
	s->probed_at = s->face->now;
	if (manage_covers(s))
		manage_probe(s);
	else
		ping(s);
}

void idle_act(struct s2s_stream *s)
{
	uint64_t now = s->face->now;

	if (idle_due(s) > now)
		return;
	if (use_end(s) <= now) {
		stream_close(s, CLOSE_UNUSED, STRL(""));
	} else if (silence_end(s) <= now) {
		stream_close(s, CLOSE_IDLE, STRL(""));
	} else if (ping_due(s) <= now) {
		probe(s);
	} else {
		if (s->pair)
			queue_trim(&s->pair->queue);
		stream_write(s, STRL(" "));
	}
}

static bool is_our_id(struct str id)
{
	const struct str start = STRL(ID_START);

	if (!str_starts(id, start) || id.len != start.len + ID_DIGITS)
		return false;
	for (size_t i = start.len; i < id.len; i++) {
		char c = id.p[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

bool idle_is_answer(const struct xml_node *e, const struct jid *from, const struct jid *to)
{
	struct str type = xml_attr_get(e, "type");

	return str_is(e->name, "iq") && (str_is(type, "result") || str_is(type, "error")) &&
		is_our_id(xml_attr_get(e, "id")) && str_eq(from->full, from->domain) &&
		str_eq(to->full, to->domain);
}
