/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key arrives (db:result), is judged by rule and limits, and then either the certificate
 * covers the new domain, or the sender's own server is asked (verify.c). Several
 * pairs may share a stream, with any senders and targets (XEP-0220 section 2.6). Answers that
 * nobody asked for change nothing.
 */
#include "s2s/dialback.h"

#include "s2s/guest.h"
#include "s2s/member.h"
#include "s2s/negotiate.h"
#include "s2s/verify.h"
#include "xml/names.h"
#include "xml/writer.h"

enum { KEY_MAX = 256, ANSWERS_PER_SECOND = 200 };

bool dialback_usable_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if ((unsigned char)id.p[i] <= ' ')
			return false;
	}
	return id.len >= 1 && id.len <= DIALBACK_ID_MAX;
}

void dialback_put_pair(struct buf *out, struct str us, struct str them)
{
	buf_append(out, STRL(" from=\""));
	xml_write_value(out, us);
	buf_append(out, STRL("\" to=\""));
	xml_write_value(out, them);
	buf_append(out, STRL("\""));
}

static void put_condition(struct buf *out, const char *condition)
{
	buf_printf(out, "<error type=\"cancel\"><%s xmlns=\"" NS_STANZA_ERRORS "\"/></error>",
		condition);
}

void dialback_answer_key(struct s2s_stream *s, struct str us, struct str them, const char *type,
	const char *condition)
{
	struct buf *out = &s->face->out;

	buf_append(out, STRL("<db:result"));
	dialback_put_pair(out, us, them);
	buf_printf(out, " type=\"%s\"", type);
	if (condition) {
		buf_append(out, STRL(">"));
		put_condition(out, condition);
		buf_append(out, STRL("</db:result>"));
	} else {
		buf_append(out, STRL("/>"));
	}
	stream_flush_out(s);
}

void dialback_send_key(struct s2s_stream *s, struct str us, struct str them)
{
	struct s2s_face *f = s->face;
	struct buf *out = &f->out;
	char key[65];

	f->ops->dialback_key(f->user, them, us, s->peer_id, key);
	buf_append(out, STRL("<db:result"));
	dialback_put_pair(out, us, them);
	buf_printf(out, ">%s</db:result>", key);
	stream_flush_out(s);
}

/* The prepared addresses of a dialback element: us is its to, them its from. */
struct parties {
	struct str us;
	struct str them;
};

static bool read_parties(struct s2s_stream *s, const struct xml_node *e, struct parties *ret)
{
	struct arena *a = xml_reader_arena(s->reader);
	struct str from = xml_attr_get(e, "from"), to = xml_attr_get(e, "to");

	if (from.p && to.p && jid_parse_domain(a, from, &ret->them) == JID_OK &&
		jid_parse_domain(a, to, &ret->us) == JID_OK)
		return true;
	stream_close(s, CLOSE_ADDRESS, e->name);
	return false;
}

/* An answer to a question that is not open here: CVE-2012-3525 and its kin. */
static void ignore(struct s2s_stream *s, const struct parties *who)
{
	struct s2s_event e = stream_event(s, "dialback-unsolicited");

	s->face->counts.unsolicited++;
	e.us = who->us;
	e.them = who->them;
	e.warning = true;
	face_event(s->face, &e);
}

/* Before TLS where it is required, dialback is not spoken at all. */
static bool tls_missing(struct s2s_stream *s)
{
	if (s->incoming ? s->tls || !stream_rule(s).tls_required : s->answerable)
		return false;
	stream_close(s, CLOSE_TLS_REQUIRED, STRL(""));
	return true;
}

/* The name of the condition in an answer of type error. */
static struct str error_condition(const struct xml_node *e)
{
	const struct xml_node *error = xml_child(e, STRL(NS_SERVER), "error");

	if (!error)
		error = xml_child(e, STRL(NS_DIALBACK), "error");
	for (const struct xml_node *c = error ? error->children : NULL; c; c = c->next) {
		if (c->kind == XML_ELEM && str_is(c->ns, NS_STANZA_ERRORS))
			return c->name;
	}
	return STRL("");
}

static void on_guest_answer(struct guest *g, struct str type, const struct xml_node *e)
{
	struct str condition = error_condition(e);

	if (str_is(type, "valid"))
		guest_accepted(g);
	else
		guest_refused(g, condition.len ? condition : type);
}

void dialback_on_answer(struct s2s_stream *s, struct xml_node *e)
{
	struct str type = xml_attr_get(e, "type");
	struct parties who;

	if (tls_missing(s) || !read_parties(s, e, &who))
		return;
	bool ours = str_eq(who.us, s->us) && str_eq(who.them, s->them);
	struct guest *guest = guest_find(s, who.us, who.them);
	if (!type.p) {
		/* A key belongs on a stream of their own. */
		dialback_answer_key(s, who.us, who.them, "error", "not-allowed");
	} else if (guest && s->state == ST_READY) {
		on_guest_answer(guest, type, e);
	} else if (!ours || s->state != ST_DIALBACK) {
		ignore(s, &who);
	} else if (str_is(type, "valid")) {
		negotiate_ready_out(s);
	} else {
		struct str condition = error_condition(e);
		stream_close(s, CLOSE_AUTH_REFUSED, condition.len ? condition : type);
	}
}

static void refuse_key(
	struct s2s_stream *s, const struct parties *who, const char *reason, const char *condition)
{
	struct s2s_event e = stream_event(s, "dialback-refused");

	s->face->counts.keys_refused++;
	e.us = who->us;
	e.them = who->them;
	e.warning = true;
	e.text = str_of(reason);
	face_event(s->face, &e);
	dialback_answer_key(s, who->us, who->them, "error", condition);
	/* A server that sends no version knows no dialback errors either. */
	if (!s->versioned && !s->n_members)
		stream_close(s, CLOSE_REFUSED, STRL(""));
}

/* Does the configuration let this key be looked at? Refuses it otherwise. */
static bool permitted(struct s2s_stream *s, const struct parties *who, struct s2s_rule *ret_rule)
{
	struct s2s_face *f = s->face;
	const char *reason = NULL, *condition = "policy-violation";

	if (!f->ops->plays(f->user, who->us)) {
		refuse_key(s, who, "domain not served", "item-not-found");
		return false;
	}
	if (f->ops->plays(f->user, who->them)) {
		refuse_key(s, who, "sender is served here", condition);
		return false;
	}
	*ret_rule = face_rule(f, who->us, who->them);
	if (f->draining) {
		reason = "shutting down";
		condition = "remote-server-timeout";
	} else if (!ret_rule->allowed)
		reason = "pair not allowed";
	else if (ret_rule->component.len)
		reason = close_rows[CLOSE_BY_COMPONENT].text;
	else if (ret_rule->tls_required && !s->tls)
		reason = "TLS required";
	else if (!ret_rule->accept_dialback && !ret_rule->accept_certificate)
		reason = "dialback not accepted";
	if (reason)
		refuse_key(s, who, reason, condition);
	return !reason;
}

static bool within_limits(struct s2s_stream *s, const struct parties *who, struct str key)
{
	struct s2s_face *f = s->face;
	const struct s2s_settings *set = &f->settings;
	const char *reason = NULL, *condition = "resource-constraint";
	const struct s2s_pair *p = pair_find(f, who->us, who->them);

	if (s->n_members >= set->pairs_per_stream) {
		reason = "too many pairs";
	} else if (s->n_verifies >= set->verifies_per_stream) {
		reason = "too many open verifications";
	} else if (p && p->n_verifies >= set->verifies_per_pair) {
		reason = "too many open verifications of this domain";
	} else if (f->n_verifies >= set->verifies_max) {
		reason = "too many open verifications in all";
	} else if (!key.len || key.len > KEY_MAX) {
		reason = "unusable key";
		condition = "not-acceptable";
	}
	if (reason)
		refuse_key(s, who, reason, condition);
	return !reason;
}

/* Or does the key's address make us ask too often? */
static bool may_ask(const struct s2s_stream *s)
{
	const struct s2s_ops *ops = s->face->ops;

	return !ops->may_ask || ops->may_ask(s->face->user, s->transport);
}

static void note_asking(const struct s2s_stream *s)
{
	const struct s2s_ops *ops = s->face->ops;

	if (ops->asks)
		ops->asks(s->face->user, s->transport);
}

/* Dialback without dialback (XEP-0344 section 2.4), for exactly this domain; else by asking. */
static void settle_key(struct member *m, const struct s2s_rule *rule, const struct s2s_certified *c)
{
	struct s2s_stream *s = m->stream;

	m->proving = c->cert == S2S_CERT_LATER;
	if (m->proving) {
		verify_wait(m);
	} else if (c->cert == S2S_CERT_VALID) {
		s->face->counts.keys_valid++;
		dialback_answer_key(s, m->pair->us, m->pair->them, "valid", NULL);
		member_certify(m, c);
	} else if (rule->accept_dialback) {
		verify_begin(m);
	} else {
		verify_refuse(m, "policy-violation");
	}
}

/* The first member whose certificate has an answer by now, or NULL. */
static struct member *find_proved(
	struct s2s_stream *s, struct s2s_rule *ret_rule, struct s2s_certified *ret_c)
{
	LIST_EACH (&s->members, it) {
		struct member *m = LIST_OWNER(it, struct member, in_stream);
		if (!m->proving)
			continue;
		*ret_rule = face_rule(s->face, m->pair->us, m->pair->them);
		stream_certify(s, ret_rule, m->pair->us, m->pair->them, ret_c);
		if (ret_c->cert != S2S_CERT_LATER)
			return m;
	}
	return NULL;
}

/* One after the other from the start: an answer may end the stream, and with it all of them. */
void dialback_proved(struct s2s_stream *s)
{
	struct s2s_certified c;
	struct s2s_rule rule;
	struct member *m;

	while ((m = find_proved(s, &rule, &c)))
		settle_key(m, &rule, &c);
}

/* The question about its certificate may itself ask the network: who asks too often does not get there. */
static void take_key(struct s2s_stream *s, const struct parties *who, const struct s2s_rule *rule,
	struct str key)
{
	struct s2s_face *f = s->face;
	struct s2s_certified c;

	if (!may_ask(s)) {
		refuse_key(s, who, "too many keys from this address", "resource-constraint");
		return;
	}
	stream_certify(s, rule, who->us, who->them, &c);
	if (c.cert != S2S_CERT_VALID)
		note_asking(s);
	if (c.cert != S2S_CERT_VALID && c.cert != S2S_CERT_LATER && !rule->accept_dialback) {
		refuse_key(s, who, c.why ? c.why : "dialback not accepted", "policy-violation");
		return;
	}
	settle_key(member_add(s, pair_get(f, who->us, who->them), key), rule, &c);
	if (!s->named || !str_eq(who->us, s->us) || !str_eq(who->them, s->them))
		f->ops->pair_named(f->user, who->us, who->them);
}

void dialback_on_key(struct s2s_stream *s, struct xml_node *e)
{
	struct parties who;
	struct s2s_rule rule;

	if (tls_missing(s) || !read_parties(s, e, &who))
		return;
	if (xml_attr_get(e, "type").p) {
		ignore(s, &who);
		return;
	}
	const struct member *known = member_find(s, who.us, who.them);
	if (known && known->valid)
		dialback_answer_key(s, who.us, who.them, "valid", NULL);
	else if (!known && permitted(s, &who, &rule) && within_limits(s, &who, xml_text(e)))
		take_key(s, &who, &rule, xml_text(e));
}

/* On one stream, or from one address. */
static bool too_many_questions(struct s2s_stream *s)
{
	const struct s2s_ops *ops = s->face->ops;
	uint64_t second = s->face->now / 1000;

	if (s->second != second) {
		s->second = second;
		s->answers_in_second = 0;
	}
	return ++s->answers_in_second > ANSWERS_PER_SECOND ||
		(ops->may_answer && !ops->may_answer(s->face->user, s->transport));
}

/* Somebody shows a key that we are said to have made. */
static void answer_question(
	struct s2s_stream *s, const struct parties *who, struct str id, struct str key)
{
	struct s2s_face *f = s->face;
	const char *type = "error", *condition = NULL;
	bool valid = false;

	if (too_many_questions(s))
		condition = "resource-constraint";
	else if (!f->ops->plays(f->user, who->us))
		condition = "item-not-found";
	else
		valid = dialback_usable_id(id) &&
			f->ops->dialback_check(f->user, who->them, who->us, id, key);
	if (!condition)
		type = valid ? "valid" : "invalid";
	f->counts.verifies_answered++;
	buf_append(&f->out, STRL("<db:verify"));
	dialback_put_pair(&f->out, who->us, who->them);
	buf_append(&f->out, STRL(" id=\""));
	xml_write_value(&f->out, id);
	buf_printf(&f->out, "\" type=\"%s\">", type);
	if (condition)
		put_condition(&f->out, condition);
	buf_append(&f->out, STRL("</db:verify>"));
	stream_flush_out(s);
}

void dialback_on_verify(struct s2s_stream *s, struct xml_node *e)
{
	struct str type = xml_attr_get(e, "type"), id = xml_attr_get(e, "id");
	struct parties who;

	if (tls_missing(s) || !read_parties(s, e, &who))
		return;
	if (!id.p) {
		stream_close(s, CLOSE_ADDRESS, e->name);
		return;
	}
	if (!type.p) {
		answer_question(s, &who, id, xml_text(e));
		return;
	}
	bool ours = !s->incoming && str_eq(who.us, s->us) && str_eq(who.them, s->them);
	if (!ours || !verify_on_answer(s, id, type, error_condition(e)))
		ignore(s, &who);
}
