/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a stream:
 *
 *	incoming   HEADER -> NEGOTIATE -> [TLS -> HEADER -> NEGOTIATE] -> [HEADER ->] READY
 *	outgoing   CONNECTING -> HEADER -> FEATURES -> [STARTTLS -> TLS -> HEADER -> FEATURES]
 *	               -> [SASL -> HEADER -> FEATURES] or [DIALBACK] -> READY
 *	any        -> CLOSING -> GONE
 *
 * close.c ends it. The object itself lives until the transport is gone.
 */
#include "s2s/stream.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "base/memory.h"
#include "base/random.h"
#include "s2s/flush.h"
#include "s2s/idle.h"
#include "s2s/manage.h"
#include "s2s/negotiate.h"

enum { TELL_MS = 60000 }; /* between two reports that a stream is slowed down */

struct state_row {
	const char *name;
	unsigned next; /* states that may follow; GONE may always */
	size_t ms; /* offset of the deadline in the settings, or NO_DEADLINE */
	enum close_reason late; /* why it is closed then */
};

static const struct state_row states[ST_STATES] = {
#define X(id, name, next, ms, late) { name, next, ms, late },
	STREAM_STATES(X)
#undef X
};

const char *stream_state_name(enum stream_state state)
{
	return states[state].name;
}

static uint64_t phase_end(const struct s2s_stream *s)
{
	const struct s2s_face *f = s->face;
	unsigned ms;

	if (states[s->state].ms == NO_DEADLINE)
		return UINT64_MAX;
	memcpy(&ms, (const char *)&f->settings + states[s->state].ms, sizeof(ms));
	return after(f->now, ms);
}

void stream_go(struct s2s_stream *s, enum stream_state to)
{
	unsigned always = TO(ST_GONE) | (s->state == ST_GONE ? 0 : TO(ST_CLOSING));

	check((states[s->state].next | always) & TO(to));
	s->state = to;
	if (to == ST_READY && !s->was_ready) {
		s->was_ready = true;
		s->stanza_at = s->face->now;
	}
	s->phase_until = phase_end(s);
	s->element_until = UINT64_MAX;
	stream_arm(s);
}

static uint64_t write_end(const struct s2s_stream *s)
{
	if (s->written == s->taken || s->state == ST_GONE)
		return UINT64_MAX;
	return after(s->progress_at, s->face->settings.write_ms);
}

static uint64_t stream_due(const struct s2s_stream *s)
{
	uint64_t slow = s->slow_until ? s->slow_until : UINT64_MAX;

	return least(least(least(s->phase_until, s->element_until), least(slow, manage_due(s))),
		least(idle_due(s), write_end(s)));
}

void stream_arm(struct s2s_stream *s)
{
	uint64_t due = stream_due(s);

	if (s->state == ST_GONE)
		timer_set(s->face, &s->timer, UINT64_MAX);
	else if (due != UINT64_MAX)
		timer_before(s->face, &s->timer, due);
}

void s2s_connect_waits(struct s2s_stream *s, bool waits, uint64_t now)
{
	check(s->state == ST_CONNECTING);
	s->face->now = now;
	s->phase_until = waits ? UINT64_MAX : phase_end(s);
	stream_arm(s);
}

/* The handshake that we are late with is not the peer's fault. */
static bool waits_for_us(const struct s2s_stream *s)
{
	const struct s2s_face *f = s->face;

	return s->state == ST_TLS && !s->incoming && f->ops->tls_waits &&
		f->ops->tls_waits(f->user, s->transport);
}

static void on_late_phase(struct s2s_stream *s)
{
	if (waits_for_us(s))
		s->phase_until = phase_end(s);
	else if (s->state == ST_CLOSING)
		stream_drop(s);
	else if (s->state == ST_PROOF && s->incoming)
		negotiate_without_proof(s);
	else if (s->state == ST_READY)
		manage_leave(s);
	else
		stream_close(s, states[s->state].late, STRL(""));
}

static void read_again(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	s->last_input = f->now;
	if (stream_is_paused(s))
		return;
	stream_arm(s);
	stream_read_on(s);
}

static void on_timer(struct s2s_face *f, struct timer *t)
{
	struct s2s_stream *s = LIST_OWNER(t, struct s2s_stream, timer);
	uint64_t now = f->now;

	if (s->slow_until && s->slow_until <= now) {
		s->slow_until = 0;
		read_again(s);
	}
	if (s->phase_until <= now)
		on_late_phase(s);
	else if (s->element_until <= now)
		stream_close(s, CLOSE_STANZA_TIMEOUT, STRL(""));
	else if (write_end(s) <= now && s->state == ST_CLOSING)
		stream_drop(s);
	else if (write_end(s) <= now)
		stream_close(s, CLOSE_WRITE_TIMEOUT, STRL(""));
	else if (manage_due(s) <= now)
		manage_act(s);
	else
		idle_act(s);
	if (s->state != ST_GONE) {
		uint64_t due = stream_due(s);
		timer_set(f, &s->timer, due > now ? due : now + 1);
	}
}

struct s2s_stream *stream_new(struct s2s_face *f, bool incoming)
{
	struct s2s_stream *s = calloc(1, sizeof(*s));

	check(s);
	memory_take(sizeof(*s));
	s->face = f;
	s->number = ++f->stream_numbers;
	s->incoming = incoming;
	s->state = incoming ? ST_HEADER : ST_CONNECTING;
	s->last_input = s->last_output = s->progress_at = s->opened_at = s->space_at = f->now;
	s->phase_until = phase_end(s);
	s->element_until = UINT64_MAX;
	s->timer.fire = on_timer;
	list_init(&s->members);
	list_init(&s->carries);
	list_init(&s->guests);
	manage_init(s);
	flush_init(s);
	list_append(&f->streams, &s->link);
	f->n_streams++;
	if (incoming) {
		f->counts.streams_in++;
		random_id(s->id);
	} else {
		f->counts.streams_out++;
	}
	stream_arm(s);
	return s;
}

void stream_bury(struct s2s_stream *s)
{
	list_remove(&s->link);
	list_append(&s->face->garbage, &s->link);
	manage_done(s);
	flush_done(s);
	s->face->n_streams--;
	timer_set(s->face, &s->timer, UINT64_MAX);
}

void stream_free(struct s2s_stream *s)
{
	check(list_empty(&s->members) && list_empty(&s->carries) && list_empty(&s->guests) &&
		!s->pair);
	check(!heap_holds(&s->timer.node));
	list_remove(&s->link);
	xml_reader_free(s->reader);
	str_free(&s->us);
	str_free(&s->them);
	str_free(&s->peer_id);
	memory_give(sizeof(*s));
	free(s);
}

struct s2s_event stream_event(const struct s2s_stream *s, const char *event)
{
	const struct s2s_ops *ops = s->face->ops;

	return (struct s2s_event){
		.event = event,
		.incoming = s->incoming,
		.us = s->us,
		.them = s->them,
		.proof = s->proof,
		.tls = s->tls && s->transport ? ops->tls_version(s->face->user, s->transport)
					      : NULL,
		.transport = s->transport,
		.stream = s->number,
	};
}

struct s2s_rule face_rule(struct s2s_face *f, struct str us, struct str them)
{
	return f->ops->rule(f->user, us, them);
}

struct s2s_rule stream_rule(const struct s2s_stream *s)
{
	if (s->us.len && s->them.len)
		return face_rule(s->face, s->us, s->them);
	return (struct s2s_rule){
		.allowed = true, .tls_required = s->versioned, .accept_dialback = true
	};
}

void stream_await_proof(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	stream_go(s, ST_PROOF);
	f->ops->pause(f->user, s->transport, true);
}

void stream_read_on(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	if (s->transport && s->state != ST_GONE && !stream_is_paused(s))
		f->ops->pause(f->user, s->transport, false);
}

void stream_certify(struct s2s_stream *s, const struct s2s_rule *rule, struct str us,
	struct str them, struct s2s_certified *ret)
{
	struct s2s_face *f = s->face;

	*ret = (struct s2s_certified){ .cert = S2S_CERT_NONE };
	if (s->tls && s->transport && us.len && them.len && rule->accept_certificate)
		f->ops->certificate(f->user, s->transport, us, them, ret);
}

void stream_unpause(struct s2s_stream *s)
{
	s->paused_by = NULL;
	read_again(s);
}

static void report_slow(struct s2s_stream *s, uint64_t ms)
{
	struct s2s_face *f = s->face;
	struct s2s_event e = stream_event(s, "stream-slowed");

	f->counts.slowed++;
	if (s->slow_told && f->now - s->slow_told < TELL_MS)
		return;
	s->slow_told = f->now;
	e.warning = true;
	e.text = STRL("sends more than it may");
	face_event(f, &e);
}

void stream_slow_down(struct s2s_stream *s, uint64_t ms)
{
	struct s2s_face *f = s->face;

	report_slow(s, ms);
	s->slow_until = after(f->now, ms);
	timer_before(f, &s->timer, s->slow_until);
	f->ops->pause(f->user, s->transport, true);
}

void stream_write(struct s2s_stream *s, struct str bytes)
{
	struct s2s_face *f = s->face;

	if (!s->transport || s->state == ST_GONE)
		return;
	if (s->written == s->taken)
		s->progress_at = f->now;
	s->written += bytes.len;
	s->last_output = f->now;
	f->ops->write(f->user, s->transport, bytes);
	timer_before(f, &s->timer, after(s->progress_at, f->settings.write_ms));
}

void stream_flush_out(struct s2s_stream *s)
{
	struct buf *out = &s->face->out;

	if (buf_len(out))
		stream_write(s, buf_bytes(out));
	buf_clear(out, 4096);
}
