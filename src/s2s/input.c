/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to elements: the reader's events, and the table of what may be said in
 * which state. What is not in the table ends the stream.
 */
#include "s2s/stream.h"

#include "s2s/component.h"
#include "s2s/dialback.h"
#include "s2s/manage.h"
#include "s2s/negotiate.h"
#include "s2s/stanza.h"
#include "xml/names.h"

enum { FORGIVE_SPACE_MS = 10000 };

struct rule_row {
	const char *ns;
	const char *name;
	unsigned in; /* states of an incoming stream in which it may come */
	unsigned out; /* of an outgoing one */
	void (*on_in)(struct s2s_stream *s, struct xml_node *e);
	void (*on_out)(struct s2s_stream *s, struct xml_node *e);
};

#define ANY_OPEN (TO(ST_CLOSING) - 1)
#define IN_DIALBACK (TO(ST_NEGOTIATE) | TO(ST_READY))
#define OUT_DIALBACK (TO(ST_FEATURES) | TO(ST_SASL) | TO(ST_DIALBACK) | TO(ST_READY))

static const struct rule_row rules[] = {
	{ NS_DIALBACK, "result", IN_DIALBACK, OUT_DIALBACK, dialback_on_key, dialback_on_answer },
	{ NS_DIALBACK, "verify", IN_DIALBACK, OUT_DIALBACK, dialback_on_verify,
		dialback_on_verify },
	{ NS_STREAM, "error", ANY_OPEN, ANY_OPEN, negotiate_on_error, negotiate_on_error },
	{ NS_STREAM, "features", 0, TO(ST_FEATURES), NULL, negotiate_on_features },
	{ NS_TLS, "starttls", TO(ST_NEGOTIATE), 0, negotiate_on_starttls, NULL },
	{ NS_TLS, "proceed", 0, TO(ST_STARTTLS), NULL, negotiate_on_proceed },
	{ NS_TLS, "failure", 0, TO(ST_STARTTLS), NULL, negotiate_on_tls_failure },
	{ NS_BIDI, "bidi", TO(ST_NEGOTIATE), 0, negotiate_on_bidi, NULL },
	{ NS_SASL, "auth", TO(ST_NEGOTIATE), 0, negotiate_on_auth, NULL },
	{ NS_SASL, "response", TO(ST_NEGOTIATE), 0, negotiate_on_response, NULL },
	{ NS_SASL, "abort", TO(ST_NEGOTIATE), 0, negotiate_on_abort, NULL },
	{ NS_SASL, "success", 0, TO(ST_SASL), NULL, negotiate_on_success },
	{ NS_SASL, "challenge", 0, TO(ST_SASL), NULL, negotiate_on_challenge },
	{ NS_SASL, "failure", 0, TO(ST_SASL), NULL, negotiate_on_sasl_failure },
	{ NS_SM, "enable", TO(ST_NEGOTIATE) | TO(ST_READY), 0, manage_on_enable, NULL },
	{ NS_SM, "resume", TO(ST_NEGOTIATE) | TO(ST_READY), 0, manage_on_resume, NULL },
	{ NS_SM, "enabled", 0, TO(ST_READY), NULL, manage_on_enabled },
	{ NS_SM, "failed", 0, TO(ST_READY), NULL, manage_on_failed },
	{ NS_SM, "r", TO(ST_READY), TO(ST_READY), manage_on_request, manage_on_request },
	{ NS_SM, "a", TO(ST_READY), TO(ST_READY), manage_on_ack, manage_on_ack },
};

static const struct rule_row *find_rule(const struct xml_node *e)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (str_is(e->name, rules[i].name) && str_is(e->ns, rules[i].ns))
			return &rules[i];
	}
	return NULL;
}

static void on_element(struct s2s_stream *s, struct xml_node *e)
{
	if (s->component) {
		component_on_element(s, e);
		return;
	}
	if ((s->incoming || s->bidi) && stanza_is(e)) {
		stanza_on_element(s, e);
		return;
	}
	const struct rule_row *row = find_rule(e);
	unsigned states = row ? (s->incoming ? row->in : row->out) : 0;
	if (!(states & TO(s->state)))
		stream_close(s, CLOSE_UNEXPECTED, e->name);
	else if (s->incoming)
		row->on_in(s, e);
	else
		row->on_out(s, e);
}

static void on_header(struct s2s_stream *s)
{
	struct xml_node *root = xml_reader_node(s->reader);

	if (!stream_check_header(s, root))
		return;
	if (s->component)
		component_on_header(s, root);
	else if (s->incoming)
		negotiate_on_header_in(s, root);
	else
		negotiate_on_header_out(s, root);
}

static void on_bad_xml(struct s2s_stream *s)
{
	enum xml_error error = xml_reader_error(s->reader);
	const char *name = xml_error_name(error);

	const struct xml_node *begun = xml_reader_begun(s->reader);
	bool big = xml_error_is_size(error);

	s->deaf = true;
	if (big && begun)
		stanza_refuse_big(s, begun);
	stream_close_xml(s, xml_error_condition(error), big ? STANZA_TOO_BIG : NULL, name);
}

static void on_end(struct s2s_stream *s)
{
	s->ended = true;
	if (s->state == ST_CLOSING)
		stream_drop(s);
	else if (!manage_on_end(s))
		stream_close(s, CLOSE_PEER, STRL(""));
}

/* After our end tag nothing counts but theirs, acknowledgements, and stanzas when we leave in good order. */
static void on_late_element(struct s2s_stream *s, enum xml_event event)
{
	struct xml_node *e = xml_reader_node(s->reader);

	if (event == XML_OPEN)
		return;
	if (s->lingers && stanza_is(e))
		stanza_on_element(s, e);
	else if (s->manage.state == MANAGE_ON && manage_is_ack(e))
		manage_on_ack(s, e);
}

static void on_event(struct s2s_stream *s, enum xml_event event)
{
	if (event == XML_CLOSE)
		on_end(s);
	else if (event == XML_BAD && s->state == ST_CLOSING)
		s->deaf = true;
	else if (event == XML_BAD)
		on_bad_xml(s);
	else if (s->state == ST_CLOSING)
		on_late_element(s, event);
	else if (event == XML_OPEN)
		on_header(s);
	else
		on_element(s, xml_reader_node(s->reader));
}

static bool reads_on(const struct s2s_stream *s)
{
	return s->state != ST_GONE && s->state != ST_TLS && !stream_is_paused(s) && !s->deaf;
}

/* An element that was begun must end in time, however fast it grows. */
static void time_element(struct s2s_stream *s, bool another)
{
	bool inside = s->header_seen && stream_is_open(s) && xml_reader_inside(s->reader);

	if (!inside) {
		s->element_until = UINT64_MAX;
	} else if (another || s->element_until == UINT64_MAX) {
		s->element_until = after(s->face->now, s->face->settings.stanza_ms);
		timer_before(s->face, &s->timer, s->element_until);
	}
}

static void prepare_reader(struct s2s_stream *s)
{
	const struct s2s_face *f = s->face;

	if (!s->reader)
		s->reader = xml_reader_new(f->settings.dict, &f->settings.early);
	if (f->now - s->space_at >= FORGIVE_SPACE_MS) {
		s->space_at = f->now;
		xml_reader_forgive_space(s->reader);
	}
}

static size_t count_used(struct s2s_stream *s, size_t n)
{
	s->used += n;
	s->face->counts.bytes_in += n;
	return n;
}

size_t s2s_input(struct s2s_stream *s, struct str bytes, uint64_t now)
{
	struct str in = bytes;
	bool another = false;

	s->face->now = now;
	s->last_input = now;
	if (s->state == ST_TLS)
		stream_close(s, CLOSE_EARLY_BYTES, STRL(""));
	if (stream_is_paused(s))
		return 0;
	if (!reads_on(s) || !bytes.len)
		return count_used(s, bytes.len);
	prepare_reader(s);
	while (reads_on(s)) {
		enum xml_event event = xml_reader_next(s->reader, &in);
		if (event == XML_MORE)
			break;
		another = true;
		s->rest = in.len;
		s->at = s->used + bytes.len - in.len;
		on_event(s, event);
	}
	if (s->state != ST_GONE && s->state != ST_TLS && !s->deaf)
		time_element(s, another);
	return count_used(s, stream_is_paused(s) ? bytes.len - in.len : bytes.len);
}
