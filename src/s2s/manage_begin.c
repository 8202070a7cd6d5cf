/* SPDX-License-Identifier: Apache-2.0 */
/* How both ends agree to count stanzas (XEP-0198, section 3): offered, asked for, enabled or failed. */
#include "s2s/flush.h"
#include "s2s/inbox.h"
#include "s2s/manage.h"
#include "s2s/pair_delivery.h"
#include "s2s/silence.h"
#include "xml/names.h"

enum { FAILURES_MAX = 8 };

#define FAILED "<failed xmlns=\"" NS_SM "\"><%s xmlns=\"" NS_STANZA_ERRORS "\"/></failed>"

void manage_put_feature(const struct s2s_stream *s, struct buf *out)
{
	if (s->face->settings.manage_in)
		buf_append(out, STRL("<sm xmlns=\"" NS_SM "\"><optional/></sm>"));
}

void manage_begin(struct s2s_stream *s)
{
	struct manage *m = &s->manage;

	if (!m->offered || !s->face->settings.manage_out)
		return;
	m->state = MANAGE_ASKED;
	m->moved_at = s->face->now;
	silence_begins(s);
	stream_write(s, STRL("<enable xmlns=\"" NS_SM "\"/>"));
	stream_arm(s);
}

static void begin(struct s2s_stream *s)
{
	s->manage.state = MANAGE_ON;
	s->manage.inbox = inbox_new(s->face, s);
	s->manage.inbox->whole = s->stanzas == 0;
}

static void accept(struct s2s_stream *s)
{
	begin(s);
	/* No id: nothing can be resumed. */
	stream_write(s, STRL("<enabled xmlns=\"" NS_SM "\"/>"));
}

static void refuse(struct s2s_stream *s, const char *condition)
{
	buf_printf(&s->face->out, FAILED, condition);
	stream_flush_out(s);
	if (++s->manage.failures >= FAILURES_MAX)
		stream_close(s, CLOSE_UNEXPECTED, STRL("enable"));
}

static bool something_is_under_way(const struct s2s_stream *s)
{
	LIST_EACH (&s->carries, it) {
		if (LIST_OWNER(it, struct s2s_pair, in_via)->queue.written)
			return true;
	}
	return false;
}

void manage_on_enable(struct s2s_stream *s, struct xml_node *e)
{
	struct manage *m = &s->manage;

	if (s->state != ST_READY || m->state != MANAGE_OFF) {
		refuse(s, "unexpected-request");
		return;
	}
	if (!s->face->settings.manage_in) {
		refuse(s, "feature-not-implemented");
		return;
	}
	/* What is on its way is not counted: their first count would be taken for it. */
	if (something_is_under_way(s)) {
		m->enabling = true;
		s->face->ops->pause(s->face->user, s->transport, true);
		return;
	}
	accept(s);
}

void manage_taken(struct s2s_stream *s)
{
	if (!s->manage.enabling || s->state != ST_READY || something_is_under_way(s))
		return;
	s->manage.enabling = false;
	s->last_input = s->face->now;
	accept(s);
	LIST_EACH_SAFE (&s->carries, it) {
		pair_flush(LIST_OWNER(it, struct s2s_pair, in_via), false);
	}
	stream_arm(s);
	stream_read_on(s);
}

void manage_on_resume(struct s2s_stream *s, struct xml_node *e)
{
	refuse(s, s->state == ST_READY ? "item-not-found" : "unexpected-request");
}

void manage_on_enabled(struct s2s_stream *s, struct xml_node *e)
{
	struct manage *m = &s->manage;

	if (m->state != MANAGE_ASKED) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	silence_broken(s);
	begin(s);
	if (buf_len(&m->order))
		manage_schedule(s);
}

void manage_do_without(struct s2s_stream *s, const char *why)
{
	struct s2s_event event = stream_event(s, "acknowledgements-refused");

	event.text = str_of(why);
	face_event(s->face, &event);
	s->manage.state = MANAGE_OFF;
	silence_broken(s);
	buf_clear(&s->manage.order, 0);
	LIST_EACH_SAFE (&s->carries, it) {
		pair_taken(LIST_OWNER(it, struct s2s_pair, in_via));
	}
}

void manage_on_failed(struct s2s_stream *s, struct xml_node *e)
{
	if (s->manage.state == MANAGE_ASKED)
		manage_do_without(s, "failed");
	else
		stream_close(s, CLOSE_UNEXPECTED, e->name);
}
