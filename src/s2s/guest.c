/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/guest.h"

#include <stdlib.h>

#include "base/check.h"
#include "s2s/dialback.h"
#include "s2s/member.h"
#include "s2s/pair_delivery.h"
#include "s2s/pair_reach.h"

#define GUEST_OF(link) LIST_OWNER(link, struct guest, in_stream)

static void guest_free(struct guest *g)
{
	g->stream->n_guests--;
	g->pair->guest = NULL;
	timer_set(g->stream->face, &g->timer, UINT64_MAX);
	list_remove(&g->in_stream);
	free(g);
}

static void on_late(struct s2s_face *f, struct timer *t)
{
	guest_refused(LIST_OWNER(t, struct guest, timer), STRL("no answer"));
}

/* Would a stream of the pair's own be accepted with this certificate and this protection? */
static bool judge(struct s2s_stream *s, struct s2s_pair *p, struct s2s_certified *ret,
	enum s2s_proof *ret_proof)
{
	struct s2s_rule rule = face_rule(s->face, p->us, p->them);

	*ret = (struct s2s_certified){ .cert = S2S_CERT_NONE };
	*ret_proof = S2S_PROOF_DIALBACK;
	if (!rule.allowed || !rule.share || rule.component.len || (rule.tls_required && !s->tls))
		return false;
	if (s->tls)
		stream_certify(s, &rule, p->us, p->them, ret);
	if (ret->cert == S2S_CERT_VALID)
		*ret_proof = ret->proof;
	else if (!rule.accept_dialback || ret->cert == S2S_CERT_DENIED ||
		ret->cert == S2S_CERT_LATER)
		return false;
	return true;
}

static bool has_room(const struct s2s_stream *s)
{
	return !s->incoming && s->state == ST_READY && s->knows_errors &&
		s->n_guests < s->face->settings.pairs_per_stream && dialback_usable_id(s->peer_id);
}

bool guest_add(struct s2s_stream *s, struct s2s_pair *p)
{
	struct s2s_certified certified;
	enum s2s_proof proof;

	if (p->guest || p->loner || !list_empty(&p->verifies) || !has_room(s) ||
		!judge(s, p, &certified, &proof))
		return false;
	if (p->out)
		pair_detach(p, p->out);
	struct guest *g = calloc(1, sizeof(*g));
	check(g);
	*g = (struct guest){ .stream = s, .pair = p, .proof = proof, .certified = certified };
	g->timer.fire = on_late;
	list_append(&s->guests, &g->in_stream);
	s->n_guests++;
	p->guest = g;
	pair_used(p);
	timer_set(s->face, &g->timer, after(s->face->now, s->face->settings.auth_ms));
	dialback_send_key(s, p->us, p->them);
	return true;
}

struct guest *guest_find(const struct s2s_stream *s, struct str us, struct str them)
{
	LIST_EACH (&s->guests, it) {
		struct guest *g = GUEST_OF(it);
		if (!g->valid && str_eq(g->pair->us, us) && str_eq(g->pair->them, them))
			return g;
	}
	return NULL;
}

void guest_accepted(struct guest *g)
{
	struct s2s_stream *s = g->stream;
	struct s2s_pair *p = g->pair;

	g->valid = true;
	timer_set(s->face, &g->timer, UINT64_MAX);
	/* They may answer the pair here, too (XEP-0288 section 2.2). */
	if (s->bidi)
		member_add_valid(s, p, g->proof, &g->certified);
	/* Something else carries the pair by now: a guest that is not carried would keep others away later. */
	if (p->via) {
		guest_free(g);
		return;
	}
	struct s2s_event e = stream_event(s, "pair-valid");
	e.us = p->us;
	e.them = p->them;
	e.proof = g->proof;
	face_event(s->face, &e);
	pair_carried(p, s);
}

void guest_refused(struct guest *g, struct str why)
{
	struct s2s_pair *p = g->pair;
	struct s2s_event e = stream_event(g->stream, "pair-not-shared");

	e.us = p->us;
	e.them = p->them;
	e.text = why;
	face_event(p->face, &e);
	guest_free(g);
	p->loner = true;
	pair_reopen(p);
	pair_unused(p);
}

void guest_let_go(struct s2s_stream *s)
{
	LIST_EACH_SAFE (&s->guests, it) {
		if (!GUEST_OF(it)->valid)
			guest_refused(GUEST_OF(it), STRL("the stream ended"));
	}
}

void guest_drop_all(struct s2s_stream *s)
{
	LIST_EACH_SAFE (&s->guests, it)
		guest_free(GUEST_OF(it));
}
