/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream headers, ours and theirs (RFC 6120 section 4.7). All of our output uses double
 * quotes and the prefixes stream and db, declared in the header.
 */
#include "base/random.h"
#include "s2s/stream.h"
#include "xml/names.h"
#include "xml/writer.h"

void stream_restart(struct s2s_stream *s)
{
	const struct s2s_settings *set = &s->face->settings;

	s->header_sent = s->header_seen = s->versioned = s->strange_from = false;
	s->offers_sasl = s->offers_dialback = s->offers_bidi = s->manage.offered = false;
	/* Only what was said inside TLS holds until the end. */
	if (!s->sasl_done) {
		s->knows_errors = false;
		s->peer_bytes = s->peer_idle_ms = 0;
	}
	s->lang[0] = '\0';
	str_free(&s->peer_id);
	if (s->incoming)
		random_id(s->id);
	if (s->reader)
		xml_reader_restart(s->reader, s->sasl_done ? &set->limits : &set->early);
}

static void put_domain(struct buf *out, const char *name, struct str domain)
{
	if (!domain.len)
		return;
	buf_printf(out, " %s=\"", name);
	xml_write_value(out, domain);
	buf_append(out, STRL("\""));
}

/* XEP-0114 section 3: `to` is the name of the component, and there is no version. */
static void put_component_header(struct s2s_stream *s)
{
	struct buf *out = &s->face->out;

	buf_append(out,
		STRL("<?xml version=\"1.0\"?><stream:stream xmlns=\"" NS_COMPONENT
		     "\" xmlns:stream=\"" NS_STREAM "\""));
	put_domain(out, "to", s->us);
	buf_append(out, STRL(">"));
	s->header_sent = true;
}

void stream_put_header(struct s2s_stream *s)
{
	struct buf *out = &s->face->out;

	if (s->component) {
		put_component_header(s);
		return;
	}
	buf_append(out,
		STRL("<?xml version=\"1.0\"?><stream:stream xmlns=\"" NS_SERVER
		     "\" xmlns:stream=\"" NS_STREAM "\" xmlns:db=\"" NS_DIALBACK "\""));
	put_domain(out, "from", s->us);
	put_domain(out, "to", s->them);
	if (s->incoming)
		buf_printf(out, " id=\"%s\"", s->id);
	/* An answer without version to a header without one: such peers know no features. */
	if (!s->incoming || s->versioned || !s->header_seen)
		buf_append(out, STRL(" version=\"1.0\""));
	buf_append(out, STRL(" xml:lang=\"en\">"));
	s->header_sent = true;
}

/* Reads "major.minor"; false when it is something else. */
static bool read_version(struct str s, uint64_t *ret_major)
{
	uint64_t minor;
	size_t dot = 0;

	while (dot < s.len && s.p[dot] != '.')
		dot++;
	return dot < s.len && str_to_u64(str_from(s.p, dot), ret_major) &&
		str_to_u64(str_skip(s, dot + 1), &minor);
}

static bool check_version(struct s2s_stream *s, struct str version)
{
	uint64_t major = 0;

	s->versioned = true;
	if (version.p && (!read_version(version, &major) || major > 1)) {
		stream_close(s, CLOSE_VERSION, version);
		return false;
	}
	s->versioned = major == 1;
	return true;
}

static bool is_lang(struct str s, size_t room)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return s.len < room;
}

static void take_lang(struct s2s_stream *s, const struct xml_node *root)
{
	for (const struct xml_attr *a = root->attrs; a; a = a->next) {
		if (str_is(a->ns, NS_XML) && str_is(a->name, "lang") &&
			is_lang(a->value, sizeof(s->lang))) {
			memcpy(s->lang, a->value.p, a->value.len);
			s->lang[a->value.len] = '\0';
		}
	}
}

static bool has_good_content(const struct s2s_stream *s)
{
	struct str content = xml_reader_root_ns(s->reader, STRL(""));

	if (s->component)
		return str_is(content, NS_COMPONENT);
	/* Without a default namespace each stanza must name jabber:server itself (section 4.8.2). */
	return !content.len || str_is(content, NS_SERVER);
}

bool stream_check_header(struct s2s_stream *s, const struct xml_node *root)
{

	s->header_seen = true;
	s->versioned = true;
	if (!str_is(root->ns, NS_STREAM)) {
		stream_close(s, CLOSE_STREAM_NS, STRL(""));
		return false;
	}
	if (!str_is(root->name, "stream")) {
		stream_close(s, CLOSE_BAD_ROOT, STRL(""));
		return false;
	}
	if (!has_good_content(s)) {
		stream_close(s, CLOSE_CONTENT_NS, STRL(""));
		return false;
	}
	take_lang(s, root);
	return check_version(s, xml_attr_get(root, "version"));
}
