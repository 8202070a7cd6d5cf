/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a pair comes to a stream, and what is remembered when it does not.
 *
 * No retry runs by itself. After a failure everything queued is given back at once, and
 * until retry_at new stanzas are refused with the same reason; the next one
 * after that tries again.
 */
#include "s2s/pair_reach.h"

#include "base/check.h"
#include "base/random.h"
#include "base/utf8.h"
#include "s2s/component.h"
#include "s2s/pair_delivery.h"
#include "s2s/verify.h"

enum { QUICK_ENDS_MAX = 2 };

/* A pair whose failure keeps p from being tried again now, or NULL. */
static const struct s2s_pair *waits_for(const struct s2s_pair *p, const struct s2s_rule *rule)
{
	uint64_t now = p->face->now;
	const struct s2s_pair *leader =
		rule->component.len ? pair_find(p->face, p->us, rule->component) : NULL;

	if (p->retry_at > now)
		return p;
	return leader && leader->retry_at > now ? leader : NULL;
}

bool pair_may_connect(
	const struct s2s_pair *p, enum s2s_failure *ret_failure, const char **ret_text)
{
	struct s2s_face *f = p->face;
	struct s2s_rule rule = face_rule(f, p->us, p->them);
	const struct s2s_pair *failed = waits_for(p, &rule);
	enum s2s_failure failure = S2S_TIMEOUT;
	const char *text = NULL;

	if (f->stopping) {
		text = close_rows[CLOSE_SHUTDOWN].text;
	} else if (!f->ops->plays(f->user, p->us) || f->ops->plays(f->user, p->them) ||
		!rule.allowed) {
		failure = S2S_REFUSED;
		text = close_rows[CLOSE_REFUSED].text;
	} else if (failed) {
		failure = failed->failure;
		text = failed->failure_text;
	} else if (f->n_streams >= f->settings.streams_max) {
		text = close_rows[CLOSE_LIMIT].text;
	}
	if (text) {
		*ret_failure = failure;
		*ret_text = text;
	}
	return !text;
}

static void connect(struct s2s_pair *p, bool component)
{
	struct s2s_face *f = p->face;
	struct s2s_stream *s = stream_new(f, false);

	check(!p->out);
	s->component = s->bidi = component;
	pair_used(p);
	s->us = str_dup(p->us);
	s->them = str_dup(p->them);
	s->pair = p;
	p->out = s;
	if (!p->via)
		pair_carry(p, s);
	f->ops->connect(f->user, s, s->us, s->them);
}

void pair_connect(struct s2s_pair *p)
{
	struct s2s_pair *leader = component_leader(p);

	if (!leader || leader == p) {
		connect(p, leader);
		return;
	}
	if (!leader->out)
		connect(leader, true);
	pair_used(p);
	if (!p->via) {
		pair_carry(p, leader->out);
		pair_flush(p, false);
	}
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

static void note_failure(struct s2s_pair *p, const struct s2s_why *why, struct str detail)
{
	struct s2s_event e = pair_event(p, "pair-failed");

	p->failure = why->failure;
	p->failure_text = why->text;
	p->failure_step = why->step;
	p->failure_cure = why->cure;
	if (detail.p)
		keep_detail(p, detail);
	p->failed_at = p->face->now;
	e.reason = why->step;
	e.text = str_of(why->text);
	e.cure = why->cure;
	e.warning = true;
	if (p->certified.n_said)
		e.certified = &p->certified;
	face_event(p->face, &e);
}

void pair_fail(struct s2s_pair *p, const struct s2s_why *why, struct str detail)
{
	p->failures++;
	p->redirected = p->loner = false;
	p->retry_at = after(p->face->now, retry_delay(p));
	note_failure(p, why, detail);
	if (queue_count(&p->queue) && pair_pick(p))
		pair_flush(p, false);
	else if (!p->via)
		pair_bounce(p, why->failure, why->text);
	verify_fail_all(p, why->failure);
	if (p->component)
		component_failed(p->component);
	pair_unused(p);
}

/* What nobody waits for, an error of ours, can only go from here: it waits for another stream. */
void pair_vanished(struct s2s_pair *p)
{
	const struct s2s_why why = pair_why(CLOSE_VANISHED, S2S_TIMEOUT);

	note_failure(p, &why, STRL(""));
	pair_bounce_tokens(p, why.failure, why.text);
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

/* Is there something that needs a stream of ours, and none? */
static bool needs_stream(const struct s2s_pair *p)
{
	bool waits = queue_count(&p->queue) && !p->via && !p->guest;

	return !p->out && (waits || verify_any_to_ask(p));
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
		pair_time_queue(p);
		pair_connect(p);
	} else {
		if (!p->via)
			pair_bounce(p, failure, text);
		verify_fail_all(p, failure);
	}
}
