/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and acknowledging, on a stream whose ends have agreed to do so (manage_begin.c). */
#include "s2s/manage.h"

#include <stdio.h>

#include "base/check.h"
#include "s2s/flush.h"
#include "s2s/inbox.h"
#include "s2s/pair_delivery.h"
#include "s2s/silence.h"
#include "xml/names.h"

enum { H_DIGITS = 10, ORDER_KEEP = 512 };

void manage_init(struct s2s_stream *s)
{
	list_init(&s->manage.due);
	list_init(&s->manage.unheard);
	buf_init(&s->manage.order, SIZE_MAX);
}

void manage_done(struct s2s_stream *s)
{
	struct manage *m = &s->manage;

	m->state = MANAGE_OFF;
	m->enabling = false;
	list_remove(&m->due);
	silence_broken(s);
	inbox_free(s->face, m->inbox);
	m->inbox = NULL;
	buf_done(&m->order);
}

void manage_schedule(struct s2s_stream *s)
{
	if (list_empty(&s->manage.due))
		list_append(&s->face->manage_due, &s->manage.due);
}

/* --- theirs --- */

uint64_t manage_received(struct s2s_stream *s)
{
	return s->manage.inbox ? inbox_add(s->manage.inbox) : 0;
}

void manage_consumed(struct s2s_stream *s)
{
	s2s_handled(s->face, manage_received(s));
}

void s2s_handled(struct s2s_face *f, uint64_t receipt)
{
	struct inbox *b = inbox_settle(f, receipt);

	if (b && (b->stream->manage.told < b->stream->manage.wanted || b->stream->manage.leaving))
		manage_schedule(b->stream);
}

void manage_on_request(struct s2s_stream *s, struct xml_node *e)
{
	struct manage *m = &s->manage;

	if (m->state != MANAGE_ON) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	m->owed = true;
	m->wanted = inbox_received(m->inbox);
	manage_schedule(s);
}

static void put_ack(struct s2s_stream *s, struct buf *out)
{
	struct manage *m = &s->manage;

	m->owed = false;
	m->told = inbox_handled(m->inbox);
	buf_printf(
		out, "<a xmlns=\"" NS_SM "\" h=\"%lu\"/>", (unsigned long)(m->told & UINT32_MAX));
}

/* --- ours --- */

void manage_wrote(struct s2s_stream *s, struct s2s_pair *p)
{
	struct manage *m = &s->manage;

	if (m->state == MANAGE_OFF)
		return;
	/* No more than the queues of the pairs hold. */
	check(buf_append(&m->order, str_from((const char *)&p, sizeof(struct s2s_pair *))));
	if (m->state == MANAGE_ON && !m->asking)
		manage_schedule(s);
}

size_t manage_unacknowledged(const struct s2s_stream *s)
{
	return buf_len(&s->manage.order) / sizeof(struct s2s_pair *);
}

struct s2s_pair *manage_suspect(const struct s2s_stream *s)
{
	struct s2s_pair *p = NULL;

	if (buf_len(&s->manage.order))
		memcpy(&p, buf_bytes(&s->manage.order).p, sizeof(struct s2s_pair *));
	return p;
}

static void ask(struct s2s_stream *s)
{
	struct manage *m = &s->manage;

	m->asking = true;
	m->moved_at = s->face->now;
	silence_begins(s);
	stream_write(s, STRL("<r xmlns=\"" NS_SM "\"/>"));
	timer_before(s->face, &s->timer, manage_due(s));
}

void manage_probe(struct s2s_stream *s)
{
	if (s->manage.state == MANAGE_ON && !s->manage.asking)
		ask(s);
}

bool manage_is_ack(const struct xml_node *e)
{
	return str_is(e->name, "a") && str_is(e->ns, NS_SM);
}

/* A decimal number of 32 bits, and nothing else. */
static bool read_h(struct str value, uint32_t *ret_h)
{
	uint64_t n;

	if (value.len == 0 || value.len > H_DIGITS || !str_to_u64(value, &n) || n > UINT32_MAX)
		return false;
	*ret_h = (uint32_t)n;
	return true;
}

static void refuse_count(struct s2s_stream *s, struct str h)
{
	char element[160];
	uint32_t sent = s->manage.acked + (uint32_t)manage_unacknowledged(s), n;

	if (read_h(h, &n))
		snprintf(element, sizeof(element),
			"<handled-count-too-high xmlns=\"" NS_SM
			"\" h=\"%lu\" send-count=\"%lu\"/>",
			(unsigned long)n, (unsigned long)sent);
	else
		snprintf(element, sizeof(element),
			"<handled-count-too-high xmlns=\"" NS_SM "\" send-count=\"%lu\"/>",
			(unsigned long)sent);
	stream_close_saying(s, CLOSE_HANDLED_COUNT, element, h);
}

void manage_on_ack(struct s2s_stream *s, struct xml_node *e)
{
	struct manage *m = &s->manage;
	struct str value = xml_attr_get(e, "h");
	uint32_t h;

	if (m->state != MANAGE_ON) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	/* Modulo 2^32: one that goes backwards is as much too high. */
	if (!read_h(value, &h) || (uint32_t)(h - m->acked) > manage_unacknowledged(s)) {
		refuse_count(s, value);
		return;
	}
	if (h != m->acked)
		m->moved_at = s->face->now;
	m->asking = false;
	silence_broken(s);
	for (; m->acked != h; m->acked++) {
		struct s2s_pair *p = manage_suspect(s);
		buf_consume(&m->order, sizeof(struct s2s_pair *));
		pair_pop_sent(p);
	}
	if (buf_len(&m->order) == 0)
		buf_clear(&m->order, ORDER_KEEP);
	if (buf_len(&m->order) || m->leaving)
		manage_schedule(s);
}

/* --- the end of a turn, time, the end --- */

/* What it does not cover is theirs to send again. */
void manage_put_last(struct s2s_stream *s, struct buf *out)
{
	if (s->manage.state == MANAGE_ON)
		put_ack(s, out);
}

static void part(struct s2s_stream *s)
{
	stream_close_as(s, s->ended ? CLOSE_PEER : CLOSE_SHUTDOWN, "", "", STRL(""));
}

static bool is_settled(const struct s2s_stream *s)
{
	const struct inbox *b = s->manage.inbox;

	return b->first == b->next && (s->ended || buf_len(&s->manage.order) == 0);
}

bool manage_leave(struct s2s_stream *s)
{
	struct manage *m = &s->manage;

	if (m->state != MANAGE_ON)
		return false;
	if (m->leaving || is_settled(s)) {
		m->leaving = true;
		part(s);
		return true;
	}
	m->leaving = true;
	if (s->paused_by)
		stream_unpause(s);
	return true;
}

bool manage_on_end(struct s2s_stream *s)
{
	if (s->state != ST_READY || s->manage.state != MANAGE_ON || is_settled(s))
		return false;
	s->phase_until = after(s->face->now, s->face->settings.close_ms);
	stream_arm(s);
	if (!s->manage.leaving)
		manage_leave(s);
	return true;
}

static void work_off(struct s2s_stream *s)
{
	struct manage *m = &s->manage;

	if (m->state != MANAGE_ON || s->state != ST_READY)
		return;
	if (m->leaving && is_settled(s)) {
		part(s);
		return;
	}
	if (m->owed || (m->told < m->wanted && m->told < inbox_handled(m->inbox)))
		put_ack(s, &s->face->out);
	stream_flush_out(s);
	if (!m->asking && !s->ended && buf_len(&m->order))
		ask(s);
}

void s2s_flush(struct s2s_face *f, uint64_t now)
{
	struct list *it;

	f->now = now;
	while ((it = list_first(&f->manage_due))) {
		list_remove(it);
		work_off(LIST_OWNER(it, struct s2s_stream, manage.due));
	}
	flush_all(f);
}

uint64_t manage_due(const struct s2s_stream *s)
{
	const struct manage *m = &s->manage;
	const struct s2s_settings *set = &s->face->settings;

	if (s->state != ST_READY)
		return UINT64_MAX;
	if (m->state == MANAGE_ASKED)
		return after(m->moved_at, set->auth_ms);
	return m->asking ? after(m->moved_at, set->ack_ms) : UINT64_MAX;
}

void manage_act(struct s2s_stream *s)
{
	if (manage_due(s) > s->face->now)
		return;
	if (s->manage.state == MANAGE_ASKED)
		manage_do_without(s, "no answer");
	else
		stream_close(s, CLOSE_UNACKNOWLEDGED, STRL(""));
}
