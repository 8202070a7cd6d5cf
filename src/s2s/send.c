/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stanzas on their way out: may one go to this pair at all, and at once or by its queue? What becomes of the queue is
 * in pair_delivery.c.
 */
#include "s2s/flush.h"
#include "s2s/limits.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/pair_delivery.h"
#include "s2s/pair_reach.h"

enum { QUEUE_SHORT = 16 * 1024, OWED_SHORT = 128 * 1024 };

/* The pair is ready and nothing waits: straight to the transport. */
static bool send_now(struct s2s_pair *p, struct str xml, struct s2s_token token)
{
	struct s2s_stream *s = p->via;
	struct s2s_face *f = p->face;

	if (token.channel && !f->ops->may_write(f->user, token)) {
		f->counts.revoked++;
		return true;
	}
	if (!queue_add(&p->queue, xml, token, f->now))
		return false;
	f->pending++;
	p->stanzas_out++;
	stream_write(s, xml);
	queue_wrote(&p->queue, s->written);
	manage_wrote(s, p);
	flush_note(s, xml);
	return true;
}

static bool send_later(struct s2s_pair *p, struct str xml, struct s2s_token token)
{
	struct s2s_face *f = p->face;

	if (!queue_add(&p->queue, xml, token, f->now))
		return false;
	f->pending++;
	pair_used(p);
	timer_before(f, &p->timer, after(f->now, f->settings.queue_age_ms));
	return true;
}

/* Where a stream ends, what follows waits for what becomes of those before it. */
static bool may_send(struct s2s_pair *p, struct s2s_token token, enum s2s_failure *ret_failure,
	const char **ret_text)
{
	bool last_words = !p->face->draining || !token.channel;

	if (pair_pick(p) ? last_words || p->via->was_ready : p->guest && last_words)
		return true;
	if (last_words)
		return pair_may_connect(p, ret_failure, ret_text);
	*ret_failure = S2S_TIMEOUT;
	*ret_text = close_rows[CLOSE_SHUTDOWN].text;
	return false;
}

/* doc/threats.md G4: a domain that was never heard of costs a look-up and a connection. */
static bool may_reach(struct s2s_pair *p, enum s2s_failure *ret_failure, const char **ret_text)
{
	struct s2s_face *f = p->face;

	if (p->via || p->stanzas_out || p->heard_at || !list_empty(&p->members))
		return true;
	struct account *a = ledger_get(&f->senders, p->us, f->now);
	if (a && rate_take(&a->rates[0], &f->settings.destinations, 1, f->now))
		return true;
	f->counts.destinations_refused++;
	*ret_failure = S2S_FULL;
	*ret_text = "too many new destinations";
	return false;
}

/* When memory is short a queue does not grow beyond this, and by what is owed not as much as otherwise. */
static bool is_long(const struct s2s_pair *p, struct s2s_token token)
{
	if (!p->face->memory_short)
		return false;
	return s2s_is_owed(token) ? p->queue.owed_len > OWED_SHORT
				  : buf_len(&p->queue.bytes) > QUEUE_SHORT;
}

bool s2s_send(struct s2s_face *f, struct str us, struct str them, struct str xml,
	struct s2s_token token, uint64_t now, enum s2s_failure *ret_failure, const char **ret_text)
{
	struct s2s_pair *p = pair_get(f, us, them);
	bool queued;

	f->now = now;
	f->counts.stanzas_out++;
	f->counts.bytes_out += xml.len;
	if (!may_send(p, token, ret_failure, ret_text) || !may_reach(p, ret_failure, ret_text))
		return false;
	if (pair_can_write(p) && !limits_permit(p->via, xml.len)) {
		*ret_failure = S2S_TOO_BIG;
		*ret_text = LIMITS_TEXT;
		return false;
	}
	if (is_long(p, token))
		queued = false;
	else if (pair_can_write(p))
		queued = send_now(p, xml, token);
	else
		queued = send_later(p, xml, token);
	if (!queued) {
		*ret_failure = S2S_FULL;
		*ret_text = "queue full";
	} else if (!p->via && !p->guest) {
		pair_connect(p);
	}
	return queued;
}

void s2s_open(struct s2s_face *f, struct str us, struct str them, uint64_t now)
{
	enum s2s_failure failure;
	const char *text;

	f->now = now;
	struct s2s_pair *p = pair_get(f, us, them);
	if (!pair_pick(p) && !p->guest && !f->draining && pair_may_connect(p, &failure, &text))
		pair_connect(p);
}

void s2s_revoke(struct s2s_face *f, struct str us, struct str them, uint64_t channel)
{
	struct s2s_pair *p = pair_find(f, us, them);

	if (p)
		pair_revoke(p, channel);
}

void s2s_resume(struct s2s_face *f, struct str us, struct str them, uint64_t now)
{
	struct s2s_pair *p = pair_find(f, us, them);

	f->now = now;
	if (!p)
		return;
	LIST_EACH (&p->members, it) {
		struct s2s_stream *s = LIST_OWNER(it, struct member, in_pair)->stream;
		if (s->paused_by == p)
			stream_unpause(s);
	}
}
