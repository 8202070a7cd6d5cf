/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/component.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "s2s/dialback.h"
#include "s2s/member.h"
#include "s2s/negotiate.h"
#include "s2s/pair_delivery.h"
#include "s2s/pair_reach.h"
#include "s2s/stanza.h"
#include "xml/names.h"

enum { TELL_MS = 60000 }; /* between two reports of stanzas that are dropped */

/* --- leaders and followers --- */

static struct str leader_name(const struct s2s_pair *p)
{
	return face_rule(p->face, p->us, p->them).component;
}

struct s2s_pair *component_leader(const struct s2s_pair *p)
{
	struct str them = leader_name(p);

	return them.len ? pair_get(p->face, p->us, them) : NULL;
}

struct s2s_stream *component_stream(const struct s2s_pair *p)
{
	struct str them = leader_name(p);
	const struct s2s_pair *leader = them.len ? pair_find(p->face, p->us, them) : NULL;

	return leader && leader->out && leader->out->component ? leader->out : NULL;
}

void component_let_go(struct s2s_stream *s, const struct s2s_why *why)
{
	while (!list_empty(&s->carries)) {
		struct s2s_pair *p = LIST_OWNER(s->carries.next, struct s2s_pair, in_via);
		pair_detach(p, s);
		pair_bounce(p, why->failure, why->text);
		pair_unused(p);
	}
}

/* --- the stream --- */

void component_begin(struct s2s_stream *s)
{
	struct s2s_rule rule = stream_rule(s);

	if (s->tls)
		stream_certify(s, &rule, s->us, s->them, &s->certified);
	if (rule.tls_required && !s->tls) {
		stream_close(s, CLOSE_TLS_REQUIRED, STRL(""));
	} else if (s->tls && s->certified.cert != S2S_CERT_VALID) {
		const char *why = s->certified.why;
		stream_close(s, CLOSE_CERTIFICATE, why ? str_of(why) : STRL(""));
	} else {
		negotiate_begin_out(s);
	}
}

/* The name that the server answers with is the component's, or its own. */
static bool is_their_name(struct s2s_stream *s, struct str from)
{
	struct str domain;

	if (!from.len)
		return true;
	if (jid_parse_domain(xml_reader_arena(s->reader), from, &domain) != JID_OK)
		return false;
	return str_eq(domain, s->us) ||
		str_eq(face_rule(s->face, s->us, domain).component, s->them);
}

/* XEP-0114 section 3: the secret is shown as a digest of it and the stream's id. */
void component_on_header(struct s2s_stream *s, struct xml_node *root)
{
	const struct s2s_ops *ops = s->face->ops;
	struct str id = xml_attr_get(root, "id"), from = xml_attr_get(root, "from");
	char hex[41];

	xml_reader_alias(s->reader, STRL(NS_COMPONENT), STRL(NS_CLIENT), STRL(NS_SERVER));
	stream_go(s, ST_HANDSHAKE);
	if (!is_their_name(s, from)) {
		stream_close(s, CLOSE_INVALID_FROM, from);
	} else if (!dialback_usable_id(id)) {
		stream_close(s, CLOSE_STREAM_ID, STRL(""));
	} else if (!ops->handshake || !ops->handshake(s->face->user, s->us, s->them, id, hex)) {
		stream_close(s, CLOSE_HANDSHAKE, STRL("there is no secret"));
	} else {
		buf_printf(&s->face->out, "<handshake>%s</handshake>", hex);
		stream_flush_out(s);
	}
}

static void on_accepted(struct s2s_stream *s)
{
	static const struct s2s_certified nothing;

	if (s->state != ST_HANDSHAKE) {
		stream_close(s, CLOSE_UNEXPECTED, STRL("handshake"));
		return;
	}
	s->proof = S2S_PROOF_SECRET;
	stream_go(s, ST_READY);
	member_add_valid(s, s->pair, s->proof, s->tls ? &s->certified : &nothing);
	pair_ready(s->pair);
	LIST_EACH_SAFE (&s->carries, it)
		pair_flush(LIST_OWNER(it, struct s2s_pair, in_via), false);
	if (s->face->draining)
		stream_leave(s);
}

/* jabberd2's router tells all its components which others come and go, also its own parts, such as `c2s`. */
static bool is_announcement(struct s2s_stream *s, const struct xml_node *e)
{
	struct str from = xml_attr_get(e, "from"), to = xml_attr_get(e, "to");
	struct jid jid;

	return str_is(e->name, "presence") &&
		(!to.p || (from.p && jid_parse(xml_reader_arena(s->reader), from, &jid) != JID_OK));
}

void component_on_element(struct s2s_stream *s, struct xml_node *e)
{
	if (str_is(e->ns, NS_STREAM) && str_is(e->name, "error"))
		negotiate_on_error(s, e);
	else if (stanza_is(e) && s->state == ST_READY && is_announcement(s, e))
		s->face->counts.strangers++;
	else if (stanza_is(e))
		stanza_on_element(s, e);
	else if (str_is(e->ns, NS_SERVER) && str_is(e->name, "handshake"))
		on_accepted(s);
	else
		stream_close(s, CLOSE_UNEXPECTED, e->name);
}

enum close_reason component_close_reason(const struct s2s_stream *s, struct str condition)
{
	if (str_is(condition, "conflict"))
		return CLOSE_CONFLICT;
	if (s->was_ready)
		return CLOSE_PEER_ERROR;
	if (str_is(condition, "not-authorized"))
		return CLOSE_HANDSHAKE;
	return str_is(condition, "host-unknown") ? CLOSE_NO_COMPONENT : CLOSE_PEER_ERROR;
}

/* --- stanzas --- */

/*
 * Anybody whom the server lets reach the component may be behind it. That must not end the stream for the others, and
 * an answer could lead to where we do not write.
 */
static void drop_stranger(struct s2s_stream *s, struct str us, struct str them, bool plain)
{
	struct s2s_face *f = s->face;
	struct s2s_event e = stream_event(s, "stanza-refused");

	f->counts.strangers++;
	if (s->stranger_told && f->now - s->stranger_told < TELL_MS)
		return;
	s->stranger_told = f->now;
	e.us = us;
	e.them = them;
	e.warning = true;
	e.text = plain ? STRL("this component's stream must have TLS, and it came on another's")
		       : STRL("the sender is of no domain of this server");
	e.cure = plain ? "require TLS of all components of this server, or of none"
		       : "add the domain to the `server` section if it is one of this server's; "
			 "if not, the server takes stanzas from outside past Sallyport: close "
			 "its port 5269";
	face_event(f, &e);
}

bool component_admit(struct s2s_stream *s, struct str us, struct str them)
{
	struct s2s_face *f = s->face;
	static const struct s2s_certified nothing;
	struct s2s_rule rule = face_rule(f, us, them);
	bool ours = rule.allowed && str_eq(rule.component, s->them);
	bool plain = rule.tls_required && !s->tls;

	if (ours && !plain) {
		member_add_valid(s, pair_get(f, us, them), s->proof, &nothing);
		return true;
	}
	/* Of the same server, and one that does come by a component? Then it is the sender who is strange. */
	if (ours || str_eq(us, s->us) || str_eq(face_rule(f, us, s->them).component, s->them))
		drop_stranger(s, us, them, ours);
	else
		stream_close(s, CLOSE_UNKNOWN_HOST, us);
	return false;
}

/* --- always open --- */

static void try_now(struct component *c)
{
	struct s2s_pair *p = c->pair;
	struct s2s_face *f = p->face;
	enum s2s_failure failure;
	const char *text;

	if (p->out || f->draining || f->stopping)
		return;
	if (pair_may_connect(p, &failure, &text)) {
		pair_connect(p);
		return;
	}
	/* A failure that is not the pair's own, such as too many streams: not at once either. */
	uint64_t soon = after(f->now, f->settings.retry_min_ms);
	timer_set(f, &c->timer, p->retry_at > soon ? p->retry_at : soon);
}

static void on_timer(struct s2s_face *f, struct timer *t)
{
	timer_set(f, t, UINT64_MAX);
	try_now(LIST_OWNER(t, struct component, timer));
}

void component_failed(struct component *c)
{
	struct s2s_pair *p = c->pair;

	if (!p->out)
		timer_set(p->face, &c->timer, p->retry_at);
}

/*
 * A server that accepts the secret and then hangs up, again and again, is one that fails. Two that take the name from
 * each other must not do so as fast as they can, whatever is carried in between.
 */
void component_lost(struct component *c, bool failed, bool brief)
{
	struct s2s_pair *p = c->pair;
	struct s2s_face *f = p->face;

	if (!brief || !failed)
		c->failed = 0;
	if (!failed && !brief) {
		try_now(c);
		return;
	}
	if (!failed) {
		timer_set(f, &c->timer, after(f->now, f->settings.retry_min_ms));
		return;
	}
	const struct s2s_why why = pair_why(CLOSE_LOST, S2S_TIMEOUT);
	p->failures = c->failed++;
	pair_fail(p, &why, STRL(""));
}

void s2s_keep(struct s2s_face *f, struct str us, struct str them, uint64_t now)
{
	struct s2s_rule rule = face_rule(f, us, them);

	f->now = now;
	if (!rule.allowed || !str_eq(rule.component, them))
		return;
	struct s2s_pair *p = pair_get(f, us, them);
	if (p->component)
		return;
	struct component *c = calloc(1, sizeof(*c));
	check(c);
	memory_take(sizeof(*c));
	*c = (struct component){ .pair = p };
	c->timer.fire = on_timer;
	list_append(&f->components, &c->link);
	p->component = c;
	pair_used(p);
	try_now(c);
}

static void component_free(struct component *c)
{
	struct s2s_pair *p = c->pair;

	p->component = NULL;
	list_remove(&c->link);
	timer_set(p->face, &c->timer, UINT64_MAX);
	memory_give(sizeof(*c));
	free(c);
	pair_unused(p);
}

void component_rejudge(struct s2s_face *f)
{
	LIST_EACH_SAFE (&f->components, it) {
		struct component *c = LIST_OWNER(it, struct component, link);
		if (!str_eq(leader_name(c->pair), c->pair->them))
			component_free(c);
	}
}

void component_free_all(struct s2s_face *f)
{
	LIST_EACH_SAFE (&f->components, it)
		component_free(LIST_OWNER(it, struct component, link));
}
