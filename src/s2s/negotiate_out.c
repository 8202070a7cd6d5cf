/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initiating side. TLS whenever it is offered, and asked for even when it is not if the
 * rule requires it; then the certificate decides whether they are who we want; then
 * we prove ourselves by EXTERNAL, and by dialback when that is not offered or fails.
 */
#include "base/base64.h"
#include "s2s/component.h"
#include "s2s/dialback.h"
#include "s2s/limits.h"
#include "s2s/member.h"
#include "s2s/manage.h"
#include "s2s/negotiate.h"
#include "s2s/pair_reach.h"
#include "s2s/verify.h"
#include "xml/names.h"

enum { ERROR_TEXT_MAX = 256 };

void negotiate_begin_out(struct s2s_stream *s)
{
	stream_go(s, ST_HEADER);
	stream_restart(s);
	stream_put_header(s);
	stream_flush_out(s);
}

/* Do we accept the other end of this TLS session? Sets how we know it. */
static bool judge_certificate(struct s2s_stream *s)
{
	struct s2s_rule rule = stream_rule(s);
	enum s2s_cert cert;

	stream_certify(s, &rule, s->us, s->them, &s->certified);
	cert = s->certified.cert;
	s->proof = S2S_PROOF_NONE;
	if (cert == S2S_CERT_VALID)
		s->proof = s->certified.proof;
	else if (rule.accept_dialback && cert != S2S_CERT_DENIED && cert != S2S_CERT_LATER)
		s->proof = S2S_PROOF_DIALBACK;
	return s->proof != S2S_PROOF_NONE;
}

void negotiate_on_tls_out(struct s2s_stream *s)
{
	const char *why;

	if (judge_certificate(s)) {
		negotiate_begin_out(s);
		stream_read_on(s);
		return;
	}
	if (s->certified.cert == S2S_CERT_LATER) {
		if (s->state != ST_PROOF)
			stream_await_proof(s);
		return;
	}
	why = s->certified.why;
	stream_close(s, CLOSE_CERTIFICATE, why ? str_of(why) : STRL(""));
}

static void begin_sasl(struct s2s_stream *s)
{
	struct buf *out = &s->face->out;

	buf_append(out, STRL("<auth xmlns=\"" NS_SASL "\" mechanism=\"EXTERNAL\">"));
	base64_append(out, s->us);
	buf_append(out, STRL("</auth>"));
	stream_go(s, ST_SASL);
	stream_flush_out(s);
}

static void begin_dialback(struct s2s_stream *s)
{
	if (!dialback_usable_id(s->peer_id)) {
		stream_close(s, CLOSE_STREAM_ID, STRL(""));
		return;
	}
	stream_go(s, ST_DIALBACK);
	dialback_send_key(s, s->us, s->them);
}

/* The next way that is offered and not yet tried. */
static void authenticate(struct s2s_stream *s)
{
	struct s2s_rule rule = stream_rule(s);

	if (s->tls && s->offers_sasl && !s->sasl_failed)
		begin_sasl(s);
	else if (rule.accept_dialback && s->offers_dialback)
		begin_dialback(s);
	else
		stream_close(s, s->sasl_failed ? CLOSE_AUTH_REFUSED : CLOSE_NO_AUTH, STRL(""));
}

/* Before authentication, and inside TLS alone; there is no answer (XEP-0288 section 2.2). */
static void ask_for_bidi(struct s2s_stream *s)
{
	struct buf *out = &s->face->out;

	if (!s->tls || !s->offers_bidi || s->bidi || s->face->draining || !stream_rule(s).bidi)
		return;
	s->bidi = true;
	buf_append(out, STRL("<bidi xmlns=\"" NS_BIDI "\">"));
	limits_put(out, s->face);
	buf_append(out, STRL("</bidi>"));
	stream_flush_out(s);
}

/* TLS is as it will be: questions may be asked, and we introduce ourselves. */
static void settle(struct s2s_stream *s)
{
	if (!s->tls) {
		if (!stream_rule(s).accept_dialback) {
			stream_close(s, CLOSE_NO_AUTH, STRL(""));
			return;
		}
		s->proof = S2S_PROOF_DIALBACK;
	}
	ask_for_bidi(s);
	s->answerable = true;
	verify_ask_all(s->pair);
	authenticate(s);
}

void negotiate_on_header_out(struct s2s_stream *s, struct xml_node *root)
{
	struct str from = xml_attr_get(root, "from"), id = xml_attr_get(root, "id"), domain;

	str_free(&s->peer_id);
	s->peer_id = str_dup(id.p && id.len <= DIALBACK_ID_MAX ? id : STRL(""));
	s->offers_dialback = str_is(xml_reader_root_ns(s->reader, STRL("db")), NS_DIALBACK);
	/* Judged later: an error may follow, and says more. */
	s->strange_from = from.p &&
		(jid_parse_domain(xml_reader_arena(s->reader), from, &domain) != JID_OK ||
			!str_eq(domain, s->them));
	if (s->versioned)
		stream_go(s, ST_FEATURES);
	else if (stream_rule(s).tls_required && !s->tls)
		stream_close(s, CLOSE_TLS_REQUIRED, STRL(""));
	else
		settle(s);
}

static bool offers_external(const struct xml_node *features)
{
	const struct xml_node *list = xml_child(features, STRL(NS_SASL), "mechanisms");

	for (const struct xml_node *m = list ? list->children : NULL; m; m = m->next) {
		if (m->kind == XML_ELEM && str_is(m->name, "mechanism") && str_is(m->ns, NS_SASL) &&
			str_is(xml_text(m), "EXTERNAL"))
			return true;
	}
	return false;
}

static void begin_starttls(struct s2s_stream *s)
{
	stream_go(s, ST_STARTTLS);
	stream_write(s, STRL("<starttls xmlns=\"" NS_TLS "\"/>"));
}

void negotiate_on_features(struct s2s_stream *s, struct xml_node *e)
{
	if (s->strange_from) {
		stream_close(s, CLOSE_INVALID_FROM, STRL(""));
		return;
	}
	limits_read(s, e);
	s->manage.offered = xml_child(e, STRL(NS_SM), "sm") != NULL;
	if (s->sasl_done) {
		negotiate_ready_out(s);
		return;
	}
	s->offers_bidi = xml_child(e, STRL(NS_BIDI_FEATURE), "bidi") != NULL;
	s->offers_sasl = offers_external(e);
	const struct xml_node *dialback = xml_child(e, STRL(NS_DIALBACK_FEATURE), "dialback");
	s->offers_dialback |= dialback != NULL;
	s->knows_errors = dialback && xml_child(dialback, STRL(NS_DIALBACK_FEATURE), "errors");
	bool offers_tls = xml_child(e, STRL(NS_TLS), "starttls");
	if (s->face->ops->offered)
		s->face->ops->offered(
			s->face->user, offers_tls, s->offers_sasl, s->offers_dialback);
	if (!s->tls && (offers_tls || stream_rule(s).tls_required))
		begin_starttls(s);
	else
		settle(s);
}

void negotiate_on_proceed(struct s2s_stream *s, struct xml_node *e)
{
	struct s2s_face *f = s->face;

	if (s->rest) {
		stream_close(s, CLOSE_EARLY_BYTES, STRL(""));
		return;
	}
	stream_go(s, ST_TLS);
	f->ops->start_tls(f->user, s->transport, false, s->us, s->them);
}

void negotiate_on_tls_failure(struct s2s_stream *s, struct xml_node *e)
{
	stream_close(s, CLOSE_TLS_REFUSED, STRL(""));
}

void negotiate_on_success(struct s2s_stream *s, struct xml_node *e)
{
	s->sasl_done = true;
	negotiate_begin_out(s);
}

void negotiate_on_challenge(struct s2s_stream *s, struct xml_node *e)
{
	struct buf *out = &s->face->out;

	buf_append(out, STRL("<response xmlns=\"" NS_SASL "\">"));
	base64_append(out, s->us);
	buf_append(out, STRL("</response>"));
	stream_flush_out(s);
}

/* The first child in this namespace that is not a text: the condition. */
static struct str condition_of(const struct xml_node *e, const char *ns)
{
	for (const struct xml_node *c = e->children; c; c = c->next) {
		if (c->kind == XML_ELEM && str_is(c->ns, ns) && !str_is(c->name, "text"))
			return c->name;
	}
	return STRL("");
}

void negotiate_on_sasl_failure(struct s2s_stream *s, struct xml_node *e)
{
	struct s2s_event event = stream_event(s, "sasl-failed");
	const struct xml_node *text = xml_child(e, STRL(NS_SASL), "text");

	event.warning = true;
	event.text = text && xml_text(text).len ? xml_text(text) : condition_of(e, NS_SASL);
	face_event(s->face, &event);
	s->sasl_failed = true;
	authenticate(s);
}

void negotiate_ready_out(struct s2s_stream *s)
{
	stream_go(s, ST_READY);
	/* They are who we wanted: the other direction of the pair may come from here. */
	if (s->bidi)
		member_add_valid(s, s->pair, s->proof, &s->certified);
	manage_begin(s);
	pair_ready(s->pair);
	if (s->bidi && s->face->draining)
		stream_leave(s);
}

static const struct {
	const char *name;
	enum s2s_failure failure;
} conditions[] = {
#define X(name, failure) { name, failure },
#include "s2s/stream_condition.def"
#undef X
};

static enum s2s_failure failure_of(struct str condition)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (str_is(condition, conditions[i].name))
			return conditions[i].failure;
	}
	return S2S_TIMEOUT;
}

/* Appends as much of s as fits. */
static void put_part(struct buf *b, struct str s)
{
	size_t room = b->limit - buf_len(b);

	buf_append(b, str_from(s.p, s.len < room ? s.len : room));
}

/* Once, and where the rule says so. What comes then is a stream like every other: same domains, same proofs. */
static void follow(struct s2s_stream *s, const struct xml_node *e)
{
	const struct s2s_face *f = s->face;
	const struct xml_node *where = xml_child(e, STRL(NS_STREAM_ERRORS), "see-other-host");
	struct s2s_pair *p = s->pair;

	if (!where || !p || s->was_ready || p->redirected || !stream_rule(s).redirect)
		return;
	p->redirected =
		f->ops->redirect && f->ops->redirect(f->user, s->transport, xml_text(where));
}

void negotiate_on_error(struct s2s_stream *s, struct xml_node *e)
{
	struct str condition = condition_of(e, NS_STREAM_ERRORS);
	const struct xml_node *text = xml_child(e, STRL(NS_STREAM_ERRORS), "text");
	struct buf said;

	buf_init(&said, ERROR_TEXT_MAX);
	put_part(&said, condition.len ? condition : STRL("no condition"));
	if (text && xml_text(text).len) {
		put_part(&said, STRL(": "));
		put_part(&said, xml_text(text));
	}
	for (const struct xml_node *c = e->children; c; c = c->next) {
		if (c->kind == XML_ELEM && !str_is(c->ns, NS_STREAM_ERRORS)) {
			put_part(&said, STRL(" +"));
			put_part(&said, c->name);
		}
	}
	follow(s, e);
	stream_close_failing(s,
		s->component ? component_close_reason(s, condition) : CLOSE_PEER_ERROR,
		s->component ? S2S_TIMEOUT : failure_of(condition), buf_bytes(&said));
	buf_done(&said);
}
