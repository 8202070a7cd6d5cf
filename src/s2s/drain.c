/* SPDX-License-Identifier: Apache-2.0 */
/* The orderly end of everything, in two halves: nothing new is taken, then all streams end. */
#include "s2s/drain.h"

#include "s2s/guest.h"
#include "s2s/inbox.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/pair_delivery.h"

/*
 * RFC 6120 section 4.4: the end tag alone, because a stream error would end it at once for both; what
 * the peer wrote before it read that still counts, until its own end tag.
 */
void stream_leave(struct s2s_stream *s)
{
	LIST_EACH_SAFE (&s->carries, it) {
		pair_flush(LIST_OWNER(it, struct s2s_pair, in_via), true);
	}
	LIST_EACH_SAFE (&s->members, it) {
		struct member *m = LIST_OWNER(it, struct member, in_stream);
		if (!m->valid)
			member_free(m);
	}
	if (manage_leave(s))
		return;
	s->lingers = true;
	stream_close_as(s, CLOSE_SHUTDOWN, "", "", STRL(""));
}

/* A stream on which a pair is being proved would only disappoint; one without may bring a question. */
static void drain_stream(struct s2s_stream *s)
{
	struct s2s_pair *p = s->pair;

	if (s->state == ST_READY && (s->incoming || s->bidi))
		stream_leave(s);
	else if (s->incoming && s->n_members)
		stream_close(s, CLOSE_SHUTDOWN, STRL(""));
	else if (p && p->via == s && !s->was_ready)
		pair_bounce_tokens(p, S2S_TIMEOUT, close_rows[CLOSE_SHUTDOWN].text);
}

void s2s_drain(struct s2s_face *f, uint64_t now)
{
	f->now = now;
	f->draining = true;
	LIST_EACH_SAFE (&f->streams, it) {
		drain_stream(LIST_OWNER(it, struct s2s_stream, link));
	}
}

/* Is nothing of theirs with us but what they keep until we acknowledge it? */
static bool is_kept_by_them(const struct s2s_stream *s)
{
	return s->state == ST_READY && (s->incoming || s->bidi) && s->manage.inbox &&
		s->manage.inbox->whole;
}

size_t s2s_send_away(struct s2s_face *f, uint64_t now)
{
	size_t n = 0;

	f->now = now;
	LIST_EACH_SAFE (&f->streams, it) {
		struct s2s_stream *s = LIST_OWNER(it, struct s2s_stream, link);
		bool ready = is_kept_by_them(s);
		if (!stream_is_open(s) || (!ready && !(s->incoming && !s->was_ready)))
			continue;
		if (ready)
			s->manage.inbox->left = true;
		stream_close(s, CLOSE_ISOLATED, STRL(""));
		n++;
	}
	return n;
}

bool s2s_is_left(const struct s2s_face *f, uint64_t receipt)
{
	const struct inbox *b = inbox_of(f, receipt);

	return b && b->left;
}

/* Does a key of ours wait for an answer on this stream? them empty: of whomever. */
static bool has_key_out(const struct s2s_stream *s, struct str them)
{
	if (s->state == ST_DIALBACK && (!them.len || str_eq(s->them, them)))
		return true;
	LIST_EACH (&s->guests, it) {
		const struct guest *g = LIST_OWNER(it, struct guest, in_stream);
		if (!g->valid && (!them.len || str_eq(g->pair->them, them)))
			return true;
	}
	return false;
}

static bool any_key_out(const struct s2s_face *f, struct str them)
{
	LIST_EACH (&f->streams, it) {
		if (has_key_out(LIST_OWNER(it, struct s2s_stream, link), them))
			return true;
	}
	return false;
}

bool s2s_awaits_questions(const struct s2s_face *f)
{
	return any_key_out(f, STRL(""));
}

bool drain_refuses(const struct s2s_stream *s)
{
	return s->face->draining && !any_key_out(s->face, s->them);
}

bool s2s_takes_stanzas(const struct s2s_face *f)
{
	LIST_EACH (&f->streams, it) {
		const struct s2s_stream *s = LIST_OWNER(it, struct s2s_stream, link);
		if ((s->incoming || s->bidi) && stream_takes_stanzas(s))
			return true;
	}
	return false;
}

bool s2s_drained(const struct s2s_face *f)
{
	return !f->pending && !s2s_takes_stanzas(f);
}

static void shut_down_stream(struct s2s_stream *s)
{
	struct s2s_pair *p = s->pair;

	if (s->state == ST_READY && (s->incoming || s->bidi)) {
		stream_leave(s);
	} else {
		if (p && p->via == s)
			pair_flush(p, true);
		stream_close(s, CLOSE_SHUTDOWN, STRL(""));
	}
	if (p)
		pair_bounce(p, S2S_TIMEOUT, close_rows[CLOSE_SHUTDOWN].text);
}

void s2s_shutdown(struct s2s_face *f, uint64_t now)
{
	f->now = now;
	f->draining = f->stopping = true;
	LIST_EACH_SAFE (&f->streams, it) {
		shut_down_stream(LIST_OWNER(it, struct s2s_stream, link));
	}
}
