/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stanza passes when its *pair* of domains, not just its sender, was authenticated on
 * this stream. Everything is judged by the prepared addresses, and these are handed on.
 */
#include "s2s/stanza.h"

#include "s2s/member.h"
#include "xml/names.h"

bool stanza_is(const struct xml_node *e)
{
	return str_is(e->ns, NS_SERVER) &&
	       (str_is(e->name, "message") || str_is(e->name, "presence") || str_is(e->name, "iq"));
}

static bool read_address(
	struct s2s_stream *s, const struct xml_node *e, const char *name, struct jid *ret)
{
	struct str value = xml_attr_get(e, name);
	enum jid_error error = JID_EMPTY_PART;

	if (value.p)
		error = jid_parse(xml_reader_arena(s->reader), value, ret);
	if (error == JID_OK)
		return true;
	if (error == JID_MEMORY)
		stream_close(s, CLOSE_MEMORY, STRL(""));
	else
		stream_close(s, CLOSE_ADDRESS, value.p ? value : str_of(name));
	return false;
}

/* The pair is not valid here: says what is wrong with it. */
static void refuse_pair(struct s2s_stream *s, const struct jid *from, const struct jid *to)
{
	const struct s2s_face *f = s->face;

	if (member_knows_sender(s, from->domain) && !f->ops->plays(f->user, to->domain))
		stream_close(s, CLOSE_UNKNOWN_HOST, to->domain);
	else
		stream_close(s, CLOSE_INVALID_FROM, from->domain);
}

static void hand_over(struct s2s_stream *s, const struct member *m, struct s2s_stanza *stanza)
{
	struct s2s_face *f = s->face;
	struct s2s_pair *p = m->pair;

	s->stanzas++;
	p->stanzas_in++;
	f->counts.stanzas_in++;
	if (f->ops->stanza(f->user, stanza) || !stream_is_open(s))
		return;
	s->paused_by = p;
	f->ops->pause(f->user, s->transport, true);
}

void stanza_on_element(struct s2s_stream *s, struct xml_node *e)
{
	struct s2s_stanza stanza = { .node = e, .arena = xml_reader_arena(s->reader) };

	if (s->state != ST_READY) {
		stream_close(s, CLOSE_NOT_AUTHENTICATED, e->name);
		return;
	}
	if (!read_address(s, e, "from", &stanza.from) || !read_address(s, e, "to", &stanza.to))
		return;
	const struct member *m = member_find(s, stanza.to.domain, stanza.from.domain);
	if (!m || !m->valid) {
		refuse_pair(s, &stanza.from, &stanza.to);
		return;
	}
	stanza.us = m->pair->us;
	stanza.them = m->pair->them;
	stanza.proof = m->proof;
	stanza.lang = str_of(s->lang);
	hand_over(s, m, &stanza);
}
