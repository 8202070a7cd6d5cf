/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a stream is decided once: what the peer is told, what the log says and what is counted come from one row
 * of the table. Who hangs on the stream learns of it last, since they may open another one.
 */
#include "s2s/component.h"
#include "s2s/flush.h"
#include "s2s/guest.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/pair_delivery.h"
#include "s2s/pair_reach.h"
#include "xml/names.h"

const struct close_row close_rows[CLOSE_REASONS] = {
#define X(id, name, condition, text, failure, cure) { name, condition, text, failure, cure },
#include "s2s/close_reason.def"
#undef X
};

/* Is there somebody who can still read what we write? */
static bool can_write(const struct s2s_stream *s)
{
	return s->transport && !s->fenced && s->state != ST_TLS && s->state != ST_GONE;
}

struct last_words {
	const char *condition; /* empty: no error */
	const char *text;
	const char *element; /* or NULL */
};

/* The last words; our header goes first when it was not written yet. */
static void write_end_of_stream(struct s2s_stream *s, const struct last_words *w)
{
	struct buf *out = &s->face->out;

	if (!s->header_sent)
		stream_put_header(s);
	flush_write(s);
	manage_put_last(s, out);
	if (*w->condition)
		buf_printf(out,
			"<stream:error><%s xmlns=\"" NS_STREAM_ERRORS
			"\"/><text xmlns=\"" NS_STREAM_ERRORS
			"\" xml:lang=\"en\">%s</text>%s</stream:error>",
			w->condition, w->text, w->element ? w->element : "");
	buf_append(out, STRL("</stream:stream>"));
	stream_flush_out(s);
}

/* What hangs on the stream learns of its end. */
static void let_go(
	struct s2s_stream *s, enum close_reason reason, enum s2s_failure failure, struct str detail)
{
	const struct s2s_why why = pair_why(reason, failure);
	struct s2s_pair *p = s->pair;

	s->evicted = reason == CLOSE_CONFLICT;
	if (!s->lingers)
		member_drop_all(s);
	guest_let_go(s);
	if (p && !s->was_ready) {
		p->certified = s->certified;
		pair_detach(p, s);
		if (failure == S2S_REFUSED || !pair_try_another(p, s->dialled))
			pair_fail(p, &why, detail);
	}
	if (!s->was_ready)
		component_let_go(s, &why);
}

static void close_with(struct s2s_stream *s, enum close_reason reason, enum s2s_failure failure,
	const struct last_words *words, struct str text)
{
	struct s2s_face *f = s->face;

	if (!stream_is_open(s))
		return;
	struct s2s_event e = stream_event(s, "stream-closed");
	bool held = s->state == ST_PROOF || s->manage.enabling;
	bool useless = s->ended || reason == CLOSE_WRITE_TIMEOUT || (s->deaf && !s->header_seen);
	s->manage.enabling = false;
	if (can_write(s))
		write_end_of_stream(s, words);
	if (can_write(s) && !useless)
		stream_go(s, ST_CLOSING);
	else
		stream_drop(s);
	if (held)
		stream_read_on(s);
	f->counts.closes[reason]++;
	e.reason = close_rows[reason].name;
	e.text = text;
	if (reason == CLOSE_CERTIFICATE && s->certified.n_said)
		e.certified = &s->certified;
	e.warning = reason != CLOSE_PEER && reason != CLOSE_SHUTDOWN && reason != CLOSE_IDLE &&
		reason != CLOSE_UNUSED && reason != CLOSE_ISOLATED;
	e.cure = e.warning ? close_rows[reason].cure : NULL;
	face_event(f, &e);
	let_go(s, reason, failure, text);
}

void stream_close(struct s2s_stream *s, enum close_reason reason, struct str text)
{
	stream_close_failing(s, reason, close_rows[reason].failure, text);
}

void stream_close_saying(
	struct s2s_stream *s, enum close_reason reason, const char *element, struct str text)
{
	const struct close_row *row = &close_rows[reason];

	close_with(s, reason, row->failure,
		&(struct last_words){ row->condition, row->text, element }, text);
}

void stream_close_as(struct s2s_stream *s, enum close_reason reason, const char *condition,
	const char *detail, struct str text)
{
	close_with(s, reason, close_rows[reason].failure,
		&(struct last_words){ condition, detail, NULL }, text);
}

void stream_close_xml(
	struct s2s_stream *s, const char *condition, const char *element, const char *name)
{
	close_with(s, CLOSE_XML, close_rows[CLOSE_XML].failure,
		&(struct last_words){ condition, name, element }, str_of(name));
}

void stream_close_failing(
	struct s2s_stream *s, enum close_reason reason, enum s2s_failure failure, struct str text)
{
	const struct close_row *row = &close_rows[reason];

	close_with(
		s, reason, failure, &(struct last_words){ row->condition, row->text, NULL }, text);
}

void stream_drop(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;
	bool connecting = s->state == ST_CONNECTING;

	if (s->state == ST_GONE)
		return;
	stream_go(s, ST_GONE);
	if (s->transport) {
		f->ops->close(f->user, s->transport);
	} else if (connecting) {
		f->ops->cancel(f->user, s);
		stream_bury(s);
	}
}

/*
 * Where all that they did not acknowledge comes to them by another way, it may as well not come from the kernel. On a
 * stream of theirs some was written before there were acknowledgements.
 */
void stream_cut(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	if (!s->transport || s->fenced)
		return;
	s->fenced = true;
	f->ops->cut(f->user, s->transport, manage_covers(s) && !s->incoming);
	stream_close(s, CLOSE_FENCED, STRL(""));
	stream_drop(s);
}
