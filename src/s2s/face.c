/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of face.h: each notes the time, finds its stream or pair, and hands on. Where
 * to read on: input.c (what peers say), stream.c (the life of a stream), pair.c (domains). Those that
 * send are in send.c.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/least.h"
#include "s2s/component.h"
#include "s2s/guest.h"
#include "s2s/inbox.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/negotiate.h"
#include "s2s/pair_delivery.h"
#include "s2s/pair_reach.h"
#include "s2s/silence.h"

enum { SENDERS_MAX = 16384, OUT_MAX = 1024 * 1024, KEY_MAX = 4096 };

const struct s2s_settings s2s_settings_default = {
	.header_ms = 10000,
	.tls_ms = 10000,
	.auth_ms = 10000,
	.prove_ms = 5000,
	.connect_ms = 30000,
	.stanza_ms = 30000,
	.close_ms = 5000,
	.idle_ms = 300000,
	.write_ms = 60000,
	.ack_ms = 180000,
	.retry_min_ms = 1000,
	.retry_max_ms = 120000,
	.queue_stanzas = 1024,
	.queue_bytes = 4 * 1024 * 1024,
	.queue_age_ms = 60000,
	.pairs_per_stream = 64,
	.verifies_per_stream = 16,
	.verifies_per_pair = 32,
	.verifies_max = 1024,
	.streams_max = 20000,
	.manage_in = true,
	.manage_out = true,
};

static const struct {
	const char *name;
	const char *text;
} excesses[] = {
#define X(id, name, text) { name, text },
	S2S_EXCESSES(X)
#undef X
};

const char *s2s_excess_text(enum s2s_excess e)
{
	return excesses[e].text;
}

const char *face_excess_name(enum s2s_excess e)
{
	return excesses[e].name;
}

const char *s2s_proof_name(enum s2s_proof p)
{
	static const char *const names[] = {
#define X(id, name) name,
		S2S_PROOFS(X)
#undef X
	};
	return names[p];
}

void timer_set(struct s2s_face *f, struct timer *t, uint64_t at)
{
	if (at == UINT64_MAX)
		heap_remove(&f->timers, &t->node);
	else
		heap_set(&f->timers, &t->node, at);
}

/* Limits that were left empty are the readers' defaults. */
static void take_settings(struct s2s_face *f, const struct s2s_settings *settings)
{
	f->settings = *settings;
	f->senders.forget_ms = rate_forget_ms(&settings->destinations);
	if (!f->settings.early.bytes)
		f->settings.early = xml_limits_early;
	if (!f->settings.limits.bytes)
		f->settings.limits = xml_limits_default;
}

struct s2s_face *s2s_face_new(
	const struct s2s_settings *settings, const struct s2s_ops *ops, void *user)
{
	struct s2s_face *f = calloc(1, sizeof(*f));

	check(f);
	f->ops = ops;
	f->user = user;
	ledger_init(&f->senders, SENDERS_MAX, 0);
	take_settings(f, settings);
	heap_init(&f->timers);
	list_init(&f->streams);
	list_init(&f->garbage);
	list_init(&f->idle_pairs);
	list_init(&f->components);
	list_init(&f->flush_due);
	list_init(&f->manage_due);
	list_init(&f->unheard);
	table_init(&f->pairs);
	buf_init(&f->out, OUT_MAX);
	buf_init(&f->key, KEY_MAX);
	spares_init(&f->spares);
	return f;
}

static void empty_garbage(struct s2s_face *f)
{
	LIST_EACH_SAFE (&f->garbage, it) {
		stream_free(LIST_OWNER(it, struct s2s_stream, link));
	}
}

void s2s_face_free(struct s2s_face *f)
{
	size_t n;

	if (!f)
		return;
	check(list_empty(&f->streams));
	empty_garbage(f);
	component_free_all(f);
	struct s2s_pair **pairs = (struct s2s_pair **)table_collect(&f->pairs, &n);
	for (size_t i = 0; i < n; i++)
		pair_free(pairs[i]);
	free(pairs);
	table_done(&f->pairs);
	ledger_done(&f->senders);
	heap_done(&f->timers);
	inbox_free_slots(f);
	buf_done(&f->out);
	buf_done(&f->key);
	spares_done(&f->spares);
	free(f);
}

struct s2s_stream *s2s_accept(struct s2s_face *f, void *transport, bool direct_tls, uint64_t now)
{
	f->now = now;
	if (f->stopping || f->n_streams >= f->settings.streams_max) {
		f->counts.refused_streams++;
		return NULL;
	}
	struct s2s_stream *s = stream_new(f, true);
	s->transport = transport;
	s->tls = s->direct_tls = direct_tls;
	return s;
}

void s2s_connected(struct s2s_stream *s, void *transport, bool direct_tls, uint64_t now)
{
	s->face->now = now;
	s->transport = s->dialled = transport;
	s->tls = s->direct_tls = direct_tls;
	s->opened_at = now;
	struct s2s_event e = stream_event(s, "stream-open");
	face_event(s->face, &e);
	if (s->component)
		component_begin(s);
	else if (direct_tls)
		negotiate_on_tls_out(s);
	else
		negotiate_begin_out(s);
}

static void forget_stream(struct s2s_stream *s)
{
	member_drop_all(s);
	stream_bury(s);
	stream_free(s);
}

void s2s_connect_failed(struct s2s_stream *s, const struct s2s_why *why, uint64_t now)
{
	struct s2s_face *f = s->face;
	struct s2s_pair *p = s->pair;
	struct s2s_event e = stream_event(s, "stream-closed");

	f->now = now;
	f->counts.closes[CLOSE_CONNECT]++;
	e.reason = close_rows[CLOSE_CONNECT].name;
	e.text = str_of(why->text);
	e.cure = why->cure;
	e.warning = true;
	face_event(f, &e);
	stream_go(s, ST_GONE);
	pair_detach(p, s);
	pair_fail(p, why, STRL(""));
	component_let_go(s, why);
	forget_stream(s);
}

bool s2s_join(struct s2s_stream *s, struct s2s_stream *host, uint64_t now)
{
	s->face->now = now;
	if (s->face != host->face || s->state != ST_CONNECTING || !guest_add(host, s->pair))
		return false;
	s->face->counts.shared++;
	stream_go(s, ST_GONE);
	forget_stream(s);
	return true;
}

void s2s_tls_done(struct s2s_stream *s, uint64_t now)
{
	s->face->now = now;
	if (s->state != ST_TLS)
		return;
	s->tls = true;
	if (s->incoming) {
		stream_go(s, ST_HEADER);
		stream_restart(s);
	} else {
		negotiate_on_tls_out(s);
	}
}

void s2s_taken(struct s2s_stream *s, uint64_t total, uint64_t now)
{
	s->face->now = now;
	s->taken = total < s->written ? total : s->written;
	s->progress_at = now;
	LIST_EACH_SAFE (&s->carries, it) {
		pair_taken(LIST_OWNER(it, struct s2s_pair, in_via));
	}
	manage_taken(s);
}

void s2s_closed(struct s2s_stream *s, const char *text, uint64_t now)
{
	enum close_reason reason = s->vanished ? CLOSE_VANISHED
		: s->state == ST_TLS           ? CLOSE_TLS_FAILED
					       : CLOSE_LOST;

	s->face->now = now;
	s->transport = NULL;
	stream_close(s, reason, text ? str_of(text) : STRL(""));
	if (s->state != ST_GONE)
		stream_go(s, ST_GONE);
	guest_drop_all(s);
	if (s->pair)
		pair_lost(s->pair, s);
	LIST_EACH_SAFE (&s->carries, it) {
		pair_lost(LIST_OWNER(it, struct s2s_pair, in_via), s);
	}
	forget_stream(s);
}

bool s2s_setting_up(const struct s2s_stream *s)
{
	return s->state < ST_READY;
}

bool s2s_is_bidi(const struct s2s_stream *s)
{
	return s->bidi;
}

bool s2s_was_ready(const struct s2s_stream *s)
{
	return s->was_ready;
}

void s2s_tick(struct s2s_face *f, uint64_t now)
{
	struct heap_node *top;

	f->now = now;
	empty_garbage(f);
	while ((top = heap_top(&f->timers)) && top->key <= now) {
		struct timer *t = LIST_OWNER(top, struct timer, node);
		t->fire(f, t); /* takes itself out or sets a later time */
	}
	silence_tick(f);
	pair_forget(f);
}

uint64_t s2s_deadline(const struct s2s_face *f)
{
	const struct heap_node *top = heap_top(&f->timers);
	uint64_t timers = top ? top->key : UINT64_MAX;

	timers = least(timers, silence_due(f));
	return list_empty(&f->garbage) ? least(timers, pair_forget_at(f)) : 0;
}

void s2s_set_settings(struct s2s_face *f, const struct s2s_settings *settings)
{
	struct s2s_pair *p;
	size_t at = 0;

	take_settings(f, settings);
	while ((p = table_next(&f->pairs, &at)))
		queue_limit(&p->queue, f->settings.queue_stanzas, f->settings.queue_bytes);
}

size_t s2s_streams(const struct s2s_face *f)
{
	return f->n_streams;
}

size_t s2s_pending(const struct s2s_face *f)
{
	return f->pending;
}
