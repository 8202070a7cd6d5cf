/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving side of a negotiation. What is offered follows from the rule of the pair that
 * the header names: STARTTLS first, then EXTERNAL when the certificate proves the header's
 * from, dialback when the rule accepts it. Header and features leave in one write.
 */
#include "base/base64.h"
#include "s2s/drain.h"
#include "s2s/limits.h"
#include "s2s/manage.h"
#include "s2s/member.h"
#include "s2s/negotiate.h"
#include "xml/names.h"
#include "xml/writer.h"

enum { SASL_TRIES = 3, AUTHZID_MAX = 2048 };

/* What a header names; p == NULL: not named. */
struct names {
	struct str us;
	struct str them;
	bool bad_us;
	bool bad_them;
};

static bool prepare(struct s2s_stream *s, struct str value, struct str *ret_domain)
{
	return !value.p ||
		jid_parse_domain(xml_reader_arena(s->reader), value, ret_domain) == JID_OK;
}

static struct names read_names(struct s2s_stream *s, const struct xml_node *root)
{
	struct names n = { 0 };

	n.bad_us = !prepare(s, xml_attr_get(root, "to"), &n.us);
	n.bad_them = !prepare(s, xml_attr_get(root, "from"), &n.them);
	return n;
}

/* A restarted stream may say less than before, never something else (A13). */
static bool same_names(struct s2s_stream *s, const struct names *n)
{
	if (s->them.len && (n->bad_them || (n->them.p && !str_eq(n->them, s->them)))) {
		stream_close(s, CLOSE_RESTART_FROM, n->them.p ? n->them : STRL(""));
		return false;
	}
	if (s->us.len && (n->bad_us || (n->us.p && !str_eq(n->us, s->us)))) {
		stream_close(s, CLOSE_RESTART_TO, n->us.p ? n->us : STRL(""));
		return false;
	}
	return true;
}

static void take_name(struct str *name, struct str value)
{
	if (!name->len && value.p)
		*name = str_dup(value);
}

static bool accept_names(struct s2s_stream *s, const struct names *n)
{
	const struct s2s_face *f = s->face;

	if (!same_names(s, n))
		return false;
	take_name(&s->us, n->us);
	take_name(&s->them, n->them);
	if (n->bad_us || (s->us.len && !f->ops->plays(f->user, s->us)))
		stream_close(s, CLOSE_UNKNOWN_HOST, STRL(""));
	else if (n->bad_them)
		stream_close(s, CLOSE_ADDRESS, STRL(""));
	else if (s->them.len && f->ops->plays(f->user, s->them))
		stream_close(s, CLOSE_OWN_DOMAIN, STRL(""));
	else if (!stream_rule(s).allowed)
		stream_close(s, CLOSE_REFUSED, STRL(""));
	else if (stream_rule(s).component.len)
		stream_close(s, CLOSE_BY_COMPONENT, STRL(""));
	return stream_is_open(s);
}

static void put_dialback_feature(struct buf *out)
{
	buf_append(out, STRL("<dialback xmlns=\"" NS_DIALBACK_FEATURE "\"><errors/></dialback>"));
}

static bool can_serve_tls(const struct s2s_stream *s)
{
	const struct s2s_face *f = s->face;

	return f->ops->credentials(f->user, s->us);
}

static void put_starttls(struct s2s_stream *s, const struct s2s_rule *rule)
{
	struct buf *out = &s->face->out;

	if (!can_serve_tls(s))
		return;
	buf_append(out, STRL("<starttls xmlns=\"" NS_TLS "\">"));
	if (rule->tls_required)
		buf_append(out, STRL("<required/>"));
	buf_append(out, STRL("</starttls>"));
}

/* Composes the features; false when nobody could ever pass. */
static bool put_features(struct s2s_stream *s, const struct s2s_rule *rule)
{
	struct buf *out = &s->face->out;
	bool external = !s->sasl_done && !s->face->draining && s->certified.cert == S2S_CERT_VALID;
	bool dialback = !s->sasl_done && rule->accept_dialback && (s->tls || !rule->tls_required);

	if (s->tls && !external && !s->sasl_done && !dialback)
		return false;
	buf_append(out, STRL("<stream:features>"));
	if (!s->tls)
		put_starttls(s, rule);
	if (external)
		buf_append(out,
			STRL("<mechanisms xmlns=\"" NS_SASL
			     "\"><mechanism>EXTERNAL</mechanism></mechanisms>"));
	if (dialback)
		put_dialback_feature(out);
	if (s->tls && !s->sasl_done && rule->bidi)
		buf_append(out, STRL("<bidi xmlns=\"" NS_BIDI_FEATURE "\"/>"));
	if (s->tls || !rule->tls_required)
		limits_put(out, s->face);
	/* After dialback there are no features any more: what may follow is told with it. */
	if (s->sasl_done || dialback)
		manage_put_feature(s, out);
	buf_append(out, STRL("</stream:features>"));
	return true;
}

static void write_answer(struct s2s_stream *s, const struct s2s_rule *rule)
{
	stream_put_header(s);
	if (s->versioned && !put_features(s, rule)) {
		stream_close(s, CLOSE_CERTIFICATE,
			s->certified.why ? str_of(s->certified.why) : STRL(""));
		return;
	}
	stream_flush_out(s);
	stream_go(s, s->sasl_done ? ST_READY : ST_NEGOTIATE);
}

/* Header and features leave together: both wait for what the certificate proves. */
static void answer_header(struct s2s_stream *s)
{
	struct s2s_rule rule = stream_rule(s);

	if (!s->versioned && rule.tls_required && !s->tls) {
		stream_close(s, CLOSE_TLS_REQUIRED, STRL(""));
		return;
	}
	if (rule.tls_required && !s->tls && s->us.len && !can_serve_tls(s)) {
		stream_close(s, CLOSE_NO_CREDENTIALS, STRL(""));
		return;
	}
	if (s->face->draining && s->tls && !rule.accept_dialback) {
		stream_close(s, CLOSE_SHUTDOWN, STRL(""));
		return;
	}
	if (s->versioned && !s->sasl_done)
		stream_certify(s, &rule, s->us, s->them, &s->certified);
	if (s->certified.cert != S2S_CERT_LATER || s->sasl_done)
		write_answer(s, &rule);
	else if (s->state != ST_PROOF)
		stream_await_proof(s);
}

void negotiate_proved_in(struct s2s_stream *s)
{
	answer_header(s);
	stream_read_on(s);
}

void negotiate_without_proof(struct s2s_stream *s)
{
	struct s2s_rule rule = stream_rule(s);

	s->certified.cert = S2S_CERT_BAD;
	s->certified.why = close_rows[CLOSE_PROOF_TIMEOUT].text;
	write_answer(s, &rule);
	stream_read_on(s);
}

/* Once a stream: it exists, and whom it is about. */
static void announce(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	if (!s->opened) {
		s->opened = true;
		struct s2s_event e = stream_event(s, "stream-open");
		face_event(f, &e);
	}
	if (!s->named && s->us.len && s->them.len) {
		s->named = true;
		f->ops->pair_named(f->user, s->us, s->them);
	}
}

void negotiate_on_header_in(struct s2s_stream *s, struct xml_node *root)
{
	struct names n = read_names(s, root);

	if (!accept_names(s, &n))
		return;
	if (drain_refuses(s)) {
		stream_close(s, CLOSE_SHUTDOWN, STRL(""));
		return;
	}
	answer_header(s);
	if (stream_is_open(s))
		announce(s);
}

void negotiate_on_starttls(struct s2s_stream *s, struct xml_node *e)
{
	struct s2s_face *f = s->face;

	if (s->tls || s->n_members) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	if (s->rest) {
		stream_close(s, CLOSE_EARLY_BYTES, STRL(""));
		return;
	}
	/* Nothing can be said once the handshake has begun: what it needs is asked for before. */
	if (!can_serve_tls(s)) {
		stream_write(s, STRL("<failure xmlns=\"" NS_TLS "\"/>"));
		stream_close(s, CLOSE_NO_CREDENTIALS, STRL(""));
		return;
	}
	stream_write(s, STRL("<proceed xmlns=\"" NS_TLS "\"/>"));
	stream_go(s, ST_TLS);
	f->ops->start_tls(f->user, s->transport, true, s->us, s->them);
}

/* They read stanzas on this stream, too: of the pairs that are authenticated on it (XEP-0288 section 2.2). */
void negotiate_on_bidi(struct s2s_stream *s, struct xml_node *e)
{
	if (!s->tls || s->bidi || s->n_members || !stream_rule(s).bidi) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	s->bidi = true;
	limits_read(s, e);
}

static void fail_sasl(struct s2s_stream *s, const char *condition)
{
	struct s2s_event e = stream_event(s, "sasl-failed");

	e.warning = true;
	e.text = str_of(condition);
	face_event(s->face, &e);
	buf_printf(&s->face->out, "<failure xmlns=\"" NS_SASL "\"><%s/></failure>", condition);
	stream_flush_out(s);
	if (++s->sasl_failures >= SASL_TRIES)
		stream_close(s, CLOSE_SASL_FAILURES, STRL(""));
}

/* The response is the header's from, or says nothing (XEP-0178 section 3). NULL: it is good. */
static const char *judge_authzid(struct s2s_stream *s, struct str text)
{
	char decoded[AUTHZID_MAX];
	struct str domain;

	if (text.len == 0 || str_is(text, "="))
		return NULL;
	if (text.len > AUTHZID_MAX || !base64_is(text))
		return "incorrect-encoding";
	base64_decode(text, decoded);
	if (jid_parse_domain(xml_reader_arena(s->reader), str_from(decoded, base64_size(text)),
		    &domain) != JID_OK ||
		!str_eq(domain, s->them))
		return "invalid-authzid";
	return NULL;
}

static const char *judge_auth(struct s2s_stream *s, const struct xml_node *e)
{
	struct s2s_rule rule = stream_rule(s);
	struct s2s_certified now;

	if (!str_is(xml_attr_get(e, "mechanism"), "EXTERNAL"))
		return "invalid-mechanism";
	if (!s->tls)
		return "encryption-required";
	if (s->face->draining)
		return "temporary-auth-failure";
	/* Once more at the moment of use; what needs the network was judged with the header. */
	stream_certify(s, &rule, s->us, s->them, &now);
	if (now.cert != S2S_CERT_LATER)
		s->certified = now;
	if (s->certified.cert != S2S_CERT_VALID)
		return "not-authorized";
	return judge_authzid(s, xml_text(e));
}

void negotiate_on_auth(struct s2s_stream *s, struct xml_node *e)
{
	const char *condition = judge_auth(s, e);

	if (condition) {
		fail_sasl(s, condition);
		return;
	}
	/* A key under verification belongs to the stream id that ends here. */
	if (s->n_verifies) {
		stream_close(s, CLOSE_UNEXPECTED, e->name);
		return;
	}
	stream_write(s, STRL("<success xmlns=\"" NS_SASL "\"/>"));
	s->sasl_done = true;
	s->proof = s->certified.proof;
	stream_go(s, ST_HEADER);
	stream_restart(s);
	member_add_valid(s, pair_get(s->face, s->us, s->them), s->proof, &s->certified);
}

void negotiate_on_response(struct s2s_stream *s, struct xml_node *e)
{
	fail_sasl(s, "malformed-request");
}

void negotiate_on_abort(struct s2s_stream *s, struct xml_node *e)
{
	fail_sasl(s, "aborted");
}
