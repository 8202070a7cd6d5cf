/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/member.h"

#include <stdlib.h>

#include "base/check.h"
#include "s2s/verify.h"

#define MEMBER_OF(link) LIST_OWNER(link, struct member, in_stream)

struct member *member_find(struct s2s_stream *s, struct str us, struct str them)
{
	LIST_EACH (&s->members, it) {
		struct member *m = MEMBER_OF(it);
		if (str_eq(m->pair->them, them) && str_eq(m->pair->us, us)) {
			if (s->members.next != it) {
				list_remove(it);
				list_append(s->members.next, it);
			}
			return m;
		}
	}
	return NULL;
}

bool member_knows_sender(const struct s2s_stream *s, struct str them)
{
	LIST_EACH (&s->members, it) {
		if (MEMBER_OF(it)->valid && str_eq(MEMBER_OF(it)->pair->them, them))
			return true;
	}
	return false;
}

bool member_any_valid(const struct s2s_stream *s)
{
	return s->n_members > s->n_verifies;
}

struct member *member_add(struct s2s_stream *s, struct s2s_pair *p, struct str key)
{
	struct member *m = calloc(1, sizeof(*m));

	check(m);
	m->stream = s;
	m->pair = p;
	m->key = str_dup(key);
	m->timer.fire = verify_on_timer;
	list_append(&s->members, &m->in_stream);
	list_append(&p->verifies, &m->in_pair);
	s->n_members++;
	s->n_verifies++;
	p->n_verifies++;
	s->face->n_verifies++;
	pair_used(p);
	return m;
}

static void end_verifying(struct member *m)
{
	m->stream->n_verifies--;
	m->pair->n_verifies--;
	m->stream->face->n_verifies--;
	str_free(&m->key);
	timer_set(m->stream->face, &m->timer, UINT64_MAX);
	list_remove(&m->in_pair);
}

static void report(const struct member *m)
{
	struct s2s_event e = stream_event(m->stream, "pair-valid");

	e.us = m->pair->us;
	e.them = m->pair->them;
	e.proof = m->proof;
	if (m->certified.n_said)
		e.certified = &m->certified;
	face_event(m->stream->face, &e);
}

void member_make_valid(struct member *m, enum s2s_proof proof)
{
	struct s2s_stream *s = m->stream;

	end_verifying(m);
	m->valid = true;
	m->proof = proof;
	list_append(&m->pair->members, &m->in_pair);
	if (s->reader)
		xml_reader_set_limits(s->reader, &s->face->settings.limits);
	if (s->state == ST_NEGOTIATE)
		stream_go(s, ST_READY);
	pair_alive(m->pair);
	if (s->incoming)
		report(m);
}

void member_certify(struct member *m, const struct s2s_certified *certified)
{
	m->certified = *certified;
	member_make_valid(m, certified->proof);
}

void member_add_valid(struct s2s_stream *s, struct s2s_pair *p, enum s2s_proof proof,
	const struct s2s_certified *certified)
{
	struct member *m = member_add(s, p, STRL(""));

	m->certified = *certified;
	member_make_valid(m, proof);
}

void member_free(struct member *m)
{
	struct s2s_stream *s = m->stream;

	if (m->valid)
		list_remove(&m->in_pair);
	else
		end_verifying(m);
	if (s->paused_by == m->pair)
		stream_unpause(s);
	list_remove(&m->in_stream);
	s->n_members--;
	pair_unused(m->pair);
	free(m);
}

void member_drop_all(struct s2s_stream *s)
{
	LIST_EACH_SAFE (&s->members, it) {
		member_free(MEMBER_OF(it));
	}
}
