/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair exists while it has a stream, a queue or members, and some minutes longer, so that a
 * failure is remembered. Memory for it is bounded: the longest idle goes first.
 *
 * The queue sticks to the stream that carries it, so that order is kept: to that which was opened for the
 * pair, or to one that the peer opened and that is bidirectional (XEP-0288).
 *
 * No retry runs by itself. After a failure everything queued is given back at once, and
 * until retry_at new stanzas are refused with the same reason; the next one
 * after that tries again.
 */
#include "s2s/pair.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"
#include "s2s/flush.h"
#include "s2s/limits.h"
#include "s2s/member.h"
#include "s2s/manage.h"
#include "s2s/verify.h"

enum {
	IDLE_PAIRS_MAX = 20000,
	IDLE_SPARE_MS = 60000,
	QUICK_ENDS_MAX = 2,
	QUICK_MS = 10000,
	DOUBTS_MAX = 2,
	WINDOW = 1024 * 1024, /* written and not taken, at most */
};

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

/* Age is only looked at here when the queue does not move; see pair_flush(). */
static void on_age(struct s2s_face *f, struct timer *t);

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
	p->timer.fire = on_age;
	queue_init(&p->queue, set->queue_stanzas, set->queue_bytes);
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
		!p->guest);
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
	if (p->out || p->via || p->guest || queue_count(&p->queue) || !list_empty(&p->members) ||
		!list_empty(&p->verifies) || !list_empty(&p->idle))
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

bool pair_may_connect(
	const struct s2s_pair *p, enum s2s_failure *ret_failure, const char **ret_text)
{
	struct s2s_face *f = p->face;
	enum s2s_failure failure = S2S_TIMEOUT;
	const char *text = NULL;

	if (f->stopping) {
		text = close_rows[CLOSE_SHUTDOWN].text;
	} else if (!f->ops->plays(f->user, p->us) || f->ops->plays(f->user, p->them) ||
		!face_rule(f, p->us, p->them).allowed) {
		failure = S2S_REFUSED;
		text = close_rows[CLOSE_REFUSED].text;
	} else if (p->retry_at > f->now) {
		failure = p->failure;
		text = p->failure_text;
	} else if (f->n_streams >= f->settings.streams_max) {
		text = close_rows[CLOSE_LIMIT].text;
	}
	if (text) {
		*ret_failure = failure;
		*ret_text = text;
	}
	return !text;
}

static void carry(struct s2s_pair *p, struct s2s_stream *s)
{
	list_remove(&p->in_via);
	p->via = s;
	if (s)
		list_append(&s->carries, &p->in_via);
}

/* A stream of theirs on which the pair was authenticated and they read stanzas, or NULL. */
static struct s2s_stream *find_bidi(const struct s2s_pair *p)
{
	LIST_EACH (&p->members, it) {
		struct s2s_stream *s = LIST_OWNER(it, struct member, in_pair)->stream;
		if (s->incoming && s->bidi && s->state == ST_READY)
			return s;
	}
	return NULL;
}

bool pair_pick(struct s2s_pair *p)
{
	struct s2s_stream *s = p->out ? p->out : find_bidi(p);

	if (!p->via && s) {
		pair_used(p);
		carry(p, s);
	}
	return p->via;
}

void pair_carried(struct s2s_pair *p, struct s2s_stream *s)
{
	p->failures = 0;
	p->retry_at = 0;
	if (!p->via)
		carry(p, s);
	pair_flush(p, false);
}

void pair_connect(struct s2s_pair *p)
{
	struct s2s_face *f = p->face;
	struct s2s_stream *s = stream_new(f, false);

	check(!p->out);
	pair_used(p);
	s->us = str_dup(p->us);
	s->them = str_dup(p->them);
	s->pair = p;
	p->out = s;
	if (!p->via)
		carry(p, s);
	f->ops->connect(f->user, s, s->us, s->them);
}

bool pair_connect_for_key(struct s2s_pair *p)
{
	uint64_t soon = after(p->failed_at, p->face->settings.retry_min_ms);
	const char *text;

	if (p->retry_at > soon)
		p->retry_at = soon;
	if (p->face->draining || !pair_may_connect(p, &p->failure, &text))
		return false;
	pair_connect(p);
	return true;
}

/* Doubles with each failure in a row; the second half of it is random. */
static uint64_t retry_delay(const struct s2s_pair *p)
{
	const struct s2s_settings *set = &p->face->settings;
	uint64_t ms = set->retry_min_ms;

	for (unsigned i = 1; i < p->failures && ms < set->retry_max_ms; i++)
		ms *= 2;
	if (ms > set->retry_max_ms)
		ms = set->retry_max_ms;
	return ms - ms / 2 + random_below(ms / 2 + 1);
}

struct s2s_why pair_why(enum close_reason reason, enum s2s_failure failure)
{
	const struct close_row *row = &close_rows[reason];

	return (struct s2s_why){ failure, row->name, row->text, row->cure };
}

static void keep_detail(struct s2s_pair *p, struct str detail)
{
	size_t n =
		detail.len < sizeof(p->failure_detail) ? detail.len : sizeof(p->failure_detail) - 1;

	n = utf8_xml_prefix(str_from(detail.p, n));
	memcpy(p->failure_detail, detail.p, n);
	p->failure_detail[n] = '\0';
}

void pair_fail(struct s2s_pair *p, const struct s2s_why *why, struct str detail)
{
	struct s2s_face *f = p->face;
	struct s2s_event e = pair_event(p, "pair-failed");

	p->failures++;
	p->redirected = p->loner = false;
	p->failure = why->failure;
	p->failure_text = why->text;
	p->failure_step = why->step;
	p->failure_cure = why->cure;
	if (detail.p)
		keep_detail(p, detail);
	p->failed_at = f->now;
	p->retry_at = after(f->now, retry_delay(p));
	e.reason = why->step;
	e.text = str_of(why->text);
	e.cure = why->cure;
	e.warning = true;
	if (p->certified.n_said)
		e.certified = &p->certified;
	face_event(f, &e);
	if (queue_count(&p->queue) && pair_pick(p))
		pair_flush(p, false);
	else if (!p->via)
		pair_bounce(p, why->failure, why->text);
	verify_fail_all(p, why->failure);
	pair_unused(p);
}

/* Gives back n entries from the first-th on. */
static void give_back(
	struct s2s_pair *p, size_t first, size_t n, enum s2s_failure failure, const char *text)
{
	struct s2s_face *f = p->face;
	struct s2s_token *tokens = queue_take(&p->queue, first, n);

	f->pending -= n;
	p->unsent += n;
	f->counts.unsent += n;
	for (size_t i = 0; i < n; i++)
		f->ops->unsent(f->user, p->us, p->them, tokens[i], failure, text);
	free(tokens);
}

void pair_bounce(struct s2s_pair *p, enum s2s_failure failure, const char *text)
{
	if (!p->via)
		queue_rewind(&p->queue);
	if (p->queue.written)
		return;
	give_back(p, p->queue.written, queue_count(&p->queue) - p->queue.written, failure, text);
	if (!p->via)
		queue_trim(&p->queue);
	pair_unused(p);
}

void pair_bounce_tokens(struct s2s_pair *p, enum s2s_failure failure, const char *text)
{
	const struct queue *q = &p->queue;
	size_t at = q->written;

	while (at < queue_count(q)) {
		size_t n = 0;
		while (at + n < queue_count(q) && queue_entry(q, at + n)->token.channel)
			n++;
		give_back(p, at, n, failure, text);
		at++; /* the one that nobody waits for */
	}
}

static bool too_old(const struct s2s_pair *p, size_t i)
{
	uint64_t age = p->face->settings.queue_age_ms;

	return after(queue_entry(&p->queue, i)->since, age) <= p->face->now;
}

static void drop_old(struct s2s_pair *p)
{
	size_t first = p->queue.written, n = 0;

	while (first + n < queue_count(&p->queue) && too_old(p, first + n))
		n++;
	/* A slow stream goes on with the others; without a stream the pair as a whole is out of reach. */
	bool slow = p->via && p->via->was_ready;
	if (n)
		give_back(p, first, n, slow ? S2S_AGED : S2S_TIMEOUT, "waited too long to be sent");
}

static void time_queue(struct s2s_pair *p)
{
	const struct queue *q = &p->queue;

	if (q->written < queue_count(q))
		timer_before(p->face, &p->timer,
			after(queue_entry(q, q->written)->since, p->face->settings.queue_age_ms));
}

static void on_age(struct s2s_face *f, struct timer *t)
{
	struct s2s_pair *p = LIST_OWNER(t, struct s2s_pair, timer);

	timer_set(f, t, UINT64_MAX);
	drop_old(p);
	time_queue(p);
	pair_unused(p);
}

void pair_ready(struct s2s_pair *p)
{
	struct s2s_event e = stream_event(p->out, "pair-valid");

	p->failures = 0;
	p->redirected = false;
	p->retry_at = 0;
	if (p->out->certified.n_said)
		e.certified = &p->out->certified;
	face_event(p->face, &e);
	pair_flush(p, false);
	verify_ask_all(p);
}

/* Fencing: who lost the lease may not write any more, nor what else it queued. */
static bool still_ours(struct s2s_pair *p, struct s2s_token token)
{
	struct s2s_face *f = p->face;

	if (!token.channel || f->ops->may_write(f->user, token))
		return true;
	size_t n = queue_revoke(&p->queue, token.channel);
	f->pending -= n;
	f->counts.revoked += n;
	return false;
}

bool pair_can_write(const struct s2s_pair *p)
{
	const struct s2s_stream *s = p->via;

	return s && s->state == ST_READY && p->queue.written == queue_count(&p->queue) &&
		s->written - s->taken < WINDOW;
}

void pair_flush(struct s2s_pair *p, bool all)
{
	struct s2s_stream *s = p->via;
	struct queue *q = &p->queue;

	if (!s || s->state != ST_READY)
		return;
	drop_old(p);
	while (q->written < queue_count(q) && (all || s->written - s->taken < WINDOW)) {
		if (!still_ours(p, queue_entry(q, q->written)->token))
			continue;
		struct str xml = queue_next(q);
		if (!limits_permit(s, xml.len)) {
			give_back(p, q->written, 1, S2S_TOO_BIG, LIMITS_TEXT);
			continue;
		}
		stream_write(s, xml);
		queue_wrote(q, s->written);
		manage_wrote(s, p);
		flush_behind(s, xml);
		p->stanzas_out++;
	}
	time_queue(p);
}

void pair_pop_sent(struct s2s_pair *p)
{
	struct s2s_stream *s = p->via;
	struct s2s_face *f = p->face;
	struct s2s_token token = queue_pop(&p->queue);

	f->pending--;
	s->took_any = true;
	s->stanza_at = f->now;
	s->stanzas++;
	f->ops->sent(f->user, p->us, p->them, token);
}

void pair_taken(struct s2s_pair *p)
{
	struct s2s_stream *s = p->via;
	struct queue *q = &p->queue;

	while (!manage_covers(s) && q->written && queue_entry(q, 0)->end <= s->taken)
		pair_pop_sent(p);
	if (q->written < queue_count(q))
		pair_flush(p, false);
}

bool pair_try_another(struct s2s_pair *p, void *dialled)
{
	struct s2s_face *f = p->face;
	enum s2s_failure failure;
	const char *text;

	if (!dialled || !f->ops->another || (f->draining && !queue_count(&p->queue)) ||
		!pair_may_connect(p, &failure, &text) || !f->ops->another(f->user, dialled))
		return false;
	verify_forget_asked(p);
	pair_connect(p);
	return true;
}

void pair_detach(struct s2s_pair *p, struct s2s_stream *s)
{
	if (p->via == s)
		carry(p, NULL);
	if (p->out == s) {
		p->out = NULL;
		s->pair = NULL;
	}
}

/* Is there something that needs a stream of ours, and none? */
static bool needs_stream(const struct s2s_pair *p)
{
	bool waits = queue_count(&p->queue) && !p->via && !p->guest;

	return !p->out && (waits || !list_empty(&p->verifies));
}

void pair_reopen(struct s2s_pair *p)
{
	const char *text = close_rows[CLOSE_LOST].text;
	enum s2s_failure failure;

	if (p->face->draining && (!p->via || !p->via->was_ready))
		pair_bounce_tokens(p, S2S_TIMEOUT, close_rows[CLOSE_SHUTDOWN].text);
	if (!needs_stream(p))
		return;
	if (p->quick_ends > QUICK_ENDS_MAX) {
		p->quick_ends = 0;
		const struct s2s_why why = pair_why(CLOSE_LOST, S2S_TIMEOUT);
		pair_fail(p, &why, STRL(""));
	} else if (pair_may_connect(p, &failure, &text)) {
		time_queue(p);
		pair_connect(p);
	} else {
		if (!p->via)
			pair_bounce(p, failure, text);
		verify_fail_all(p, failure);
	}
}

/*
 * The oldest stanza that they have and did not acknowledge may be what ended the stream. When it does so again, it
 * is given back alone, so that it cannot hold up the others for ever.
 */
static void note_doubt(struct s2s_pair *p, const struct s2s_stream *s)
{
	if (p->via == s && manage_suspect(s) == p && queue_entry(&p->queue, 0)->end <= s->taken)
		queue_entry(&p->queue, 0)->doubts++;
}

static void drop_doubtful(struct s2s_pair *p)
{
	if (!queue_count(&p->queue) || queue_entry(&p->queue, 0)->doubts < DOUBTS_MAX)
		return;
	p->quick_ends = 0;
	give_back(p, 0, 1, S2S_DOUBTFUL,
		"the other server ended two streams without acknowledging it");
}

/*
 * What the kernel did not take was not seen by them in whole, what they did not acknowledge perhaps: it goes on
 * the next stream. A peer that drops stream after stream without taking anything is treated as failing.
 */
void pair_lost(struct s2s_pair *p, struct s2s_stream *s)
{
	bool quick = !s->took_any && p->face->now - s->opened_at < QUICK_MS;

	note_doubt(p, s);
	if (p->via == s)
		queue_rewind(&p->queue);
	if (p->out == s) {
		p->loner = false;
		p->quick_ends = quick ? p->quick_ends + 1 : 0;
		verify_forget_asked(p);
	}
	pair_detach(p, s);
	drop_doubtful(p);
	drop_old(p);
	if (queue_count(&p->queue) && pair_pick(p))
		pair_flush(p, false);
	pair_reopen(p);
	if (!queue_count(&p->queue))
		queue_trim(&p->queue);
	pair_unused(p);
}
