/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stanza passes when its *pair* of domains, not just its sender, was authenticated on
 * this stream. Everything is judged by the prepared addresses, and these are handed on.
 */
#include "s2s/stanza.h"

#include "s2s/component.h"
#include "s2s/idle.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "xml/names.h"
#include "xml/writer.h"

bool stanza_is(const struct xml_node *e)
{
	return str_is(e->ns, NS_SERVER) &&
		(str_is(e->name, "message") || str_is(e->name, "presence") ||
			str_is(e->name, "iq"));
}

enum { ERROR_MAX = 16384 };

/* A stanza that cannot be addressed at all ends the stream. */
static void refuse_address(struct s2s_stream *s, enum jid_error error, struct str value)
{
	stream_close(s, error == JID_MEMORY ? CLOSE_MEMORY : CLOSE_ADDRESS, value);
}

/* The domain of an address whose other parts may be malformed. */
static enum jid_error find_domain(struct s2s_stream *s, struct str value, struct str *ret_domain)
{
	const char *slash = value.len ? memchr(value.p, '/', value.len) : NULL;
	if (slash)
		value.len = (size_t)(slash - value.p);
	const char *at = value.len ? memchr(value.p, '@', value.len) : NULL;
	if (at)
		value = str_skip(value, (size_t)(at - value.p) + 1);
	return jid_parse_domain(xml_reader_arena(s->reader), value, ret_domain);
}

/* The pair is not valid here: says what is wrong with it. */
static void refuse_pair(struct s2s_stream *s, struct str us, struct str them)
{
	const struct s2s_face *f = s->face;

	if (member_knows_sender(s, them) && !f->ops->plays(f->user, us))
		stream_close(s, CLOSE_UNKNOWN_HOST, us);
	else
		stream_close(s, CLOSE_INVALID_FROM, them);
}

static bool is_answerable(const struct xml_node *e)
{
	struct str type = xml_attr_get(e, "type");

	return !str_is(type, "error") && !str_is(type, "result") && !str_is(type, "unavailable") &&
		!str_is(type, "unsubscribe") && !str_is(type, "unsubscribed");
}

static bool put_attr(struct buf *out, const char *name, struct str value)
{
	return buf_printf(out, " %s=\"", name) && xml_write_value(out, value) &&
		buf_append(out, STRL("\""));
}

/* An error that the face makes itself. */
struct answer {
	struct str from;
	const char *type;
	const char *condition;
	const char *more; /* an element of an application namespace, or empty */
};

/* False: something had no room. */
static bool write_answer(struct buf *out, const struct xml_node *e, struct str by,
	const struct jid *to, const struct answer *a)
{
	struct str id = xml_attr_get(e, "id");

	return buf_append(out, STRL("<")) && buf_append(out, e->name) &&
		put_attr(out, "from", a->from) && put_attr(out, "to", to->full) &&
		(!id.p || put_attr(out, "id", id)) &&
		buf_printf(out, " type=\"error\"><error type=\"%s\"", a->type) &&
		put_attr(out, "by", by) &&
		buf_printf(out, "><%s xmlns=\"" NS_STANZA_ERRORS "\"/>%s</error></", a->condition,
			a->more) &&
		buf_append(out, e->name) && buf_append(out, STRL(">"));
}

static void answer(const struct member *m, const struct xml_node *e, const struct jid *to,
	const struct answer *a)
{
	struct s2s_pair *p = m->pair;
	enum s2s_failure failure;
	const char *text;
	struct buf out;

	buf_init(&out, ERROR_MAX);
	if (write_answer(&out, e, p->us, to, a))
		s2s_send(p->face, p->us, p->them, buf_bytes(&out), (struct s2s_token){ 0 },
			p->face->now, &failure, &text);
	buf_done(&out);
}

/* The sender is told, unless his stanza may not be answered. */
static void refuse(const struct member *m, const struct xml_node *e, const struct jid *sender,
	struct str text, const struct answer *a)
{
	struct s2s_event event = stream_event(m->stream, "stanza-refused");

	event.us = m->pair->us;
	event.them = m->pair->them;
	event.warning = true;
	event.text = text;
	face_event(m->stream->face, &event);
	if (is_answerable(e))
		answer(m, e, sender, a);
}

void stanza_refuse_big(struct s2s_stream *s, const struct xml_node *e)
{
	struct str from = xml_attr_get(e, "from"), to = xml_attr_get(e, "to");
	struct arena *arena = xml_reader_arena(s->reader);
	struct jid sender, target;

	if (!stanza_is(e) || !stream_takes_stanzas(s) || manage_ignores(s) || !from.p || !to.p ||
		jid_parse(arena, from, &sender) != JID_OK ||
		jid_parse(arena, to, &target) != JID_OK)
		return;
	const struct member *m = member_find(s, target.domain, sender.domain);
	if (!m || !m->valid)
		return;
	/* It is settled: nobody is to send it again on the next stream. */
	manage_consumed(s);
	refuse(m, e, &sender, str_of(xml_error_name(xml_reader_error(s->reader))),
		&(struct answer){ target.full, "cancel", "not-allowed", STANZA_TOO_BIG });
}

static void hand_over(struct s2s_stream *s, const struct member *m, struct s2s_stanza *stanza)
{
	struct s2s_face *f = s->face;
	struct s2s_pair *p = m->pair;

	s->stanzas++;
	s->took_any = true;
	s->stanza_at = f->now;
	p->stanzas_in++;
	f->counts.stanzas_in++;
	stanza->excess = traffic_judge(&p->traffic, &f->settings.traffic, stanza, f->now);
	f->counts.excesses[stanza->excess]++;
	stanza->receipt = manage_received(s);
	if (f->ops->stanza(f->user, stanza) || !stream_takes_stanzas(s))
		return;
	s->paused_by = p;
	f->ops->pause(f->user, s->transport, true);
}

/* Everything since the stanza before is charged for, also what is between them. */
static void charge(struct s2s_stream *s, struct s2s_pair *p)
{
	struct s2s_face *f = s->face;
	size_t bytes = (size_t)(s->at - s->charged);
	uint64_t ms = traffic_charge(&p->traffic, &f->settings.traffic, bytes, f->now);

	s->charged = s->at;
	if (ms && s->state == ST_READY && s->transport)
		stream_slow_down(s, ms);
}

void stanza_on_element(struct s2s_stream *s, struct xml_node *e)
{
	struct s2s_stanza stanza = { .node = e, .arena = xml_reader_arena(s->reader) };
	struct str from = xml_attr_get(e, "from"), to = xml_attr_get(e, "to"), us;
	enum jid_error from_error, to_error, us_error;

	if (manage_ignores(s))
		return;
	if (!stream_takes_stanzas(s)) {
		stream_close(s, CLOSE_NOT_AUTHENTICATED, e->name);
		return;
	}
	from_error = from.p ? jid_parse(stanza.arena, from, &stanza.from) : JID_EMPTY_PART;
	to_error = to.p ? jid_parse(stanza.arena, to, &stanza.to) : JID_EMPTY_PART;
	us = stanza.to.domain;
	us_error = to_error ? find_domain(s, to, &us) : JID_OK;
	if (from_error || us_error || to_error == JID_MEMORY) {
		refuse_address(s, from_error ? from_error : to_error, from_error ? from : to);
		return;
	}
	const struct member *m = member_find(s, us, stanza.from.domain);
	if (!m && s->component) {
		if (!component_admit(s, us, stanza.from.domain))
			return;
		m = member_find(s, us, stanza.from.domain);
	}
	if (!m || !m->valid) {
		refuse_pair(s, us, stanza.from.domain);
		return;
	}
	struct s2s_pair *p = m->pair;
	p->heard_at = s->face->now;
	charge(s, p);
	if (to_error) {
		manage_consumed(s);
		/* RFC 6120 section 8.3.3.8 */
		refuse(m, e, &stanza.from, to,
			&(struct answer){ m->pair->us, "modify", "jid-malformed", "" });
		return;
	}
	if (idle_is_answer(e, &stanza.from, &stanza.to)) {
		manage_consumed(s);
		s->face->counts.pings_answered++;
		return;
	}
	stanza.us = m->pair->us;
	stanza.them = m->pair->them;
	stanza.proof = m->proof;
	stanza.lang = str_of(s->lang);
	hand_over(s, m, &stanza);
}
