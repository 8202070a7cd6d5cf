/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue sticks to the stream that carries it, so that order is kept: to that which was opened for the
 * pair, or to one that the peer opened and that is bidirectional (XEP-0288).
 */
#include "s2s/pair_delivery.h"

#include <stdlib.h>

#include "s2s/component.h"
#include "s2s/flush.h"
#include "s2s/inbox.h"
#include "s2s/limits.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/pair_reach.h"
#include "s2s/verify.h"

enum {
	QUICK_MS = 10000,
	DOUBTS_MAX = 2,
	WINDOW = 1024 * 1024, /* written and not taken, at most */
};

void pair_carry(struct s2s_pair *p, struct s2s_stream *s)
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
	struct s2s_stream *s = p->out;

	if (p->via)
		return true;
	if (!s)
		s = find_bidi(p);
	if (!s)
		s = component_stream(p);
	if (s) {
		pair_used(p);
		pair_carry(p, s);
	}
	return s;
}

void pair_carried(struct s2s_pair *p, struct s2s_stream *s)
{
	p->failures = 0;
	p->retry_at = 0;
	if (!p->via)
		pair_carry(p, s);
	pair_flush(p, false);
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

void pair_time_queue(struct s2s_pair *p)
{
	const struct queue *q = &p->queue;

	if (q->written < queue_count(q))
		timer_before(p->face, &p->timer,
			after(queue_entry(q, q->written)->since, p->face->settings.queue_age_ms));
}

void pair_on_age(struct s2s_face *f, struct timer *t)
{
	struct s2s_pair *p = LIST_OWNER(t, struct s2s_pair, timer);

	timer_set(f, t, UINT64_MAX);
	drop_old(p);
	pair_time_queue(p);
	pair_unused(p);
}

static void revoke_waiting(struct s2s_pair *p, uint64_t channel)
{
	size_t n = queue_revoke(&p->queue, channel);

	p->face->pending -= n;
	p->face->counts.revoked += n;
}

/* Not a stream that brings stanzas which their server does not keep: what is on its way would be lost. */
static bool may_be_cut(const struct s2s_stream *s)
{
	return !(s->incoming || s->bidi) || (s->manage.inbox && s->manage.inbox->whole);
}

/*
 * What was written and waits in this process, because the peer does not read, cannot be taken out of the stream: part
 * of it may have left. With acknowledgements the kernel's part goes with it, as the next owner sends that, too.
 */
void pair_revoke(struct s2s_pair *p, uint64_t channel)
{
	struct s2s_stream *s = p->via;

	revoke_waiting(p, channel);
	if (s && may_be_cut(s) && queue_has_beyond(&p->queue, channel, s->taken))
		stream_cut(s);
	pair_unused(p);
}

/* Fencing: who lost the lease may not write any more, nor what else it queued. */
static bool still_ours(struct s2s_pair *p, struct s2s_token token)
{
	struct s2s_face *f = p->face;

	if (!token.channel || f->ops->may_write(f->user, token))
		return true;
	revoke_waiting(p, token.channel);
	return false;
}

/* Of what no stream carries any more. */
static void drop_revoked(struct s2s_pair *p)
{
	for (size_t i = p->queue.written; i < queue_count(&p->queue);) {
		if (still_ours(p, queue_entry(&p->queue, i)->token))
			i++;
	}
}

bool pair_can_write(const struct s2s_pair *p)
{
	const struct s2s_stream *s = p->via;

	return s && s->state == ST_READY && !s->manage.enabling &&
		p->queue.written == queue_count(&p->queue) && s->written - s->taken < WINDOW;
}

void pair_flush(struct s2s_pair *p, bool all)
{
	struct s2s_stream *s = p->via;
	struct queue *q = &p->queue;

	if (!s || s->state != ST_READY || (s->manage.enabling && !all))
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
		flush_note(s, xml);
		p->stanzas_out++;
	}
	pair_time_queue(p);
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

void pair_detach(struct s2s_pair *p, struct s2s_stream *s)
{
	if (p->via == s)
		pair_carry(p, NULL);
	if (p->out == s) {
		p->out = NULL;
		s->pair = NULL;
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
	bool brief = p->face->now - s->opened_at < QUICK_MS;
	bool our_doing = s->vanished || s->fenced;
	bool quick = brief && !s->took_any && !our_doing;
	bool vanished = s->vanished && p->via == s;
	bool kept = p->component && p->out == s && !p->face->draining;

	if (!our_doing)
		note_doubt(p, s);
	if (p->via == s)
		queue_rewind(&p->queue);
	if (p->out == s) {
		p->loner = false;
		p->quick_ends = quick ? p->quick_ends + 1 : 0;
		verify_forget_asked(p);
	}
	pair_detach(p, s);
	if (vanished)
		pair_vanished(p);
	if (s->fenced)
		drop_revoked(p);
	drop_doubtful(p);
	drop_old(p);
	if (queue_count(&p->queue) && pair_pick(p))
		pair_flush(p, false);
	if (kept)
		component_lost(p->component, quick || s->evicted, brief);
	/* Also a component's: what waits is given back or has a stream, which is what ends it in time. */
	pair_reopen(p);
	if (!queue_count(&p->queue))
		queue_trim(&p->queue);
	pair_unused(p);
}
