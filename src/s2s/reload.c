/* SPDX-License-Identifier: Apache-2.0 */
/* Judging what exists again: after a reload, and when a proof is old. */
#include "s2s/component.h"
#include "s2s/dialback.h"
#include "s2s/guest.h"
#include "s2s/member.h"
#include "s2s/negotiate.h"
#include "s2s/pair_delivery.h"

static bool by_certificate(enum s2s_proof proof)
{
	return proof != S2S_PROOF_NONE && proof != S2S_PROOF_DIALBACK && proof != S2S_PROOF_SECRET;
}

/* By a component or not. */
static bool goes_this_way(const struct s2s_stream *s, const struct s2s_rule *rule)
{
	return s->component ? str_eq(rule->component, s->them) : !rule->component.len;
}

static bool rule_holds(
	const struct s2s_stream *s, struct str us, struct str them, enum s2s_proof proof)
{
	struct s2s_face *f = s->face;

	if (!f->ops->plays(f->user, us) || f->ops->plays(f->user, them))
		return false;
	struct s2s_rule rule = face_rule(f, us, them);
	return rule.allowed && goes_this_way(s, &rule) &&
		(s->tls || !rule.tls_required || s2s_setting_up(s)) &&
		(!by_certificate(proof) || rule.accept_certificate) &&
		(proof != S2S_PROOF_DIALBACK || rule.accept_dialback);
}

/* False: the stream carried what may no longer be sent, and is of no use any more. */
static bool judge_members(struct s2s_stream *s)
{
	bool ok = true;

	LIST_EACH_SAFE (&s->members, it) {
		struct member *m = LIST_OWNER(it, struct member, in_stream);
		if (rule_holds(s, m->pair->us, m->pair->them, m->proof))
			continue;
		ok = ok && m->pair->via != s;
		member_free(m);
	}
	return ok;
}

static void judge_incoming(struct s2s_stream *s)
{
	bool named = s->us.len && s->them.len;

	if (!judge_members(s) || (s->state == ST_READY && !member_any_valid(s)) ||
		(!s->n_members && named && !rule_holds(s, s->us, s->them, s->proof)))
		stream_close(s, CLOSE_POLICY, STRL(""));
}

static bool guests_hold(const struct s2s_stream *s)
{
	LIST_EACH (&s->guests, it) {
		const struct guest *g = LIST_OWNER(it, struct guest, in_stream);
		if (!rule_holds(s, g->pair->us, g->pair->them, g->proof))
			return false;
	}
	return true;
}

/* The pairs that a component's stream serves. */
static bool followers_hold(struct s2s_stream *s)
{
	if (!s->component)
		return true;
	LIST_EACH (&s->carries, it) {
		const struct s2s_pair *p = LIST_OWNER(it, struct s2s_pair, in_via);
		if (!rule_holds(s, p->us, p->them, s->proof))
			return false;
	}
	return judge_members(s);
}

static void judge_outgoing(struct s2s_stream *s)
{
	struct s2s_pair *p = s->pair;

	if (!stream_is_open(s) ||
		(rule_holds(s, s->us, s->them, s->proof) && guests_hold(s) && followers_hold(s)))
		return;
	stream_close(s, CLOSE_POLICY, STRL(""));
	if (p && !face_rule(s->face, p->us, p->them).allowed)
		pair_bounce(p, S2S_REFUSED, close_rows[CLOSE_POLICY].text);
}

void s2s_rejudge(struct s2s_face *f, uint64_t now)
{
	f->now = now;
	component_rejudge(f);
	LIST_EACH_SAFE (&f->streams, it) {
		struct s2s_stream *s = LIST_OWNER(it, struct s2s_stream, link);
		if (s->incoming)
			judge_incoming(s);
		else
			judge_outgoing(s);
	}
}

/* Does the certificate still prove them? While the answer is open, it does. */
static bool proof_holds(
	struct s2s_stream *s, struct str us, struct str them, struct s2s_certified *certified)
{
	struct s2s_rule rule = face_rule(s->face, us, them);
	struct s2s_certified c;

	stream_certify(s, &rule, us, them, &c);
	if (c.cert == S2S_CERT_LATER)
		return true;
	*certified = c;
	return c.cert == S2S_CERT_VALID;
}

static struct str why_lost(const struct s2s_certified *c)
{
	return c->why ? str_of(c->why) : STRL("");
}

static void report_lost(struct s2s_stream *s, const struct member *m)
{
	struct s2s_event e = stream_event(s, "pair-proof-lost");

	e.us = m->pair->us;
	e.them = m->pair->them;
	e.proof = m->proof;
	e.text = why_lost(&m->certified);
	e.certified = &m->certified;
	e.warning = true;
	face_event(s->face, &e);
}

static void judge_members_again(struct s2s_stream *s)
{
	struct s2s_certified last = { .cert = S2S_CERT_NONE };
	bool any = false, of_use = true;

	/* Offered, and not used yet. */
	if (s->state == ST_NEGOTIATE && s->certified.cert == S2S_CERT_VALID)
		proof_holds(s, s->us, s->them, &s->certified);
	LIST_EACH_SAFE (&s->members, it) {
		struct member *m = LIST_OWNER(it, struct member, in_stream);
		if (!m->valid || !by_certificate(m->proof))
			continue;
		if (proof_holds(s, m->pair->us, m->pair->them, &m->certified)) {
			m->proof = m->certified.proof;
			continue;
		}
		any = true;
		last = m->certified;
		report_lost(s, m);
		/* It carried what may no longer be sent. */
		of_use = of_use && m->pair->via != s;
		member_free(m);
	}
	if (any && (!of_use || !member_any_valid(s)))
		stream_close(s, CLOSE_PROOF_LOST, why_lost(&last));
}

/*
 * Without a certificate that proves them, they are whom DNS names: still so, unless it is denied now. A component's
 * secret proves us, not them: who they are, the certificate says alone.
 */
static void judge_outgoing_again(struct s2s_stream *s)
{
	bool holds = proof_holds(s, s->us, s->them, &s->certified);
	bool needed = s->component || by_certificate(s->proof);

	if (holds && by_certificate(s->proof))
		s->proof = s->certified.proof;
	if (!holds && (needed || s->certified.cert == S2S_CERT_DENIED))
		stream_close(s, CLOSE_PROOF_LOST, why_lost(&s->certified));
}

/* Like the owner of the stream: what dialback proved stays, unless it is denied now. */
static bool guest_holds(struct s2s_stream *s, struct guest *g)
{
	if (proof_holds(s, g->pair->us, g->pair->them, &g->certified)) {
		if (by_certificate(g->proof) && g->certified.cert == S2S_CERT_VALID)
			g->proof = g->certified.proof;
		return true;
	}
	return !by_certificate(g->proof) && g->certified.cert != S2S_CERT_DENIED;
}

/* What is under way for a guest cannot be taken back from the stream: the stream ends with it. */
static void judge_guests_again(struct s2s_stream *s)
{
	LIST_EACH_SAFE (&s->guests, it) {
		struct guest *g = LIST_OWNER(it, struct guest, in_stream);
		if (guest_holds(s, g))
			continue;
		if (g->valid) {
			stream_close(s, CLOSE_PROOF_LOST, why_lost(&g->certified));
			return;
		}
		guest_refused(g, why_lost(&g->certified));
	}
}

void s2s_judge_again(struct s2s_stream *s, uint64_t now)
{
	s->face->now = now;
	if (!stream_is_open(s) || !s->tls || !s->transport || s->state == ST_TLS ||
		s->state == ST_PROOF)
		return;
	if (s->incoming)
		judge_members_again(s);
	else
		judge_outgoing_again(s);
	if (stream_is_open(s))
		judge_guests_again(s);
}

void s2s_proved(struct s2s_stream *s, uint64_t now)
{
	s->face->now = now;
	if (s->state == ST_PROOF && s->incoming)
		negotiate_proved_in(s);
	else if (s->state == ST_PROOF)
		negotiate_on_tls_out(s);
	else
		s2s_judge_again(s, now);
	if (s->incoming && stream_is_open(s))
		dialback_proved(s);
}
