/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair has a ring of digests in the order of asking, so that what is too old stands in front. A settled question
 * leaves a hole (0), which goes when it comes to the front.
 */
#include "policy/questions.h"

#include <stdlib.h>

#include "base/check.h"

struct question {
	uint64_t what; /* digest of who, whom and the id; 0: settled */
	uint64_t at;
};

struct pair {
	struct list link; /* in policy_questions.by_use */
	uint64_t unsure_until;
	struct question *ring;
	unsigned cap; /* of ring, a power of two */
	unsigned first;
	unsigned n;
	unsigned holes; /* of n */
	struct str key; /* behind the pair */
};

enum { RING_LEAST = 8, KEY_MAX = 2 * 1023 + 1 };

void policy_questions_init(struct policy_questions *q)
{
	table_init(&q->pairs);
	list_init(&q->by_use);
	q->unsure_until = 0;
}

static void pair_free(struct policy_questions *q, struct pair *p)
{
	table_remove(&q->pairs, p->key);
	list_remove(&p->link);
	free(p->ring);
	free(p);
}

void policy_questions_done(struct policy_questions *q)
{
	while (!list_empty(&q->by_use))
		pair_free(q, LIST_OWNER(q->by_use.next, struct pair, link));
	table_done(&q->pairs);
	policy_questions_init(q);
}

/* What was asked before this memory began, nobody knows. */
static void begin(struct policy_questions *q, const struct policy_question_limits *l, uint64_t now)
{
	if (q->unsure_until == 0)
		q->unsure_until = now + l->ms;
}

static uint64_t digest(struct str asker, struct str asked, struct str id)
{
	uint64_t d = table_hash(asker) * 3 + table_hash(asked) * 5 + table_hash(id) * 7;

	return d ? d : 1;
}

static struct str key_of(struct str local, struct str foreign, char text[KEY_MAX])
{
	check(local.len + foreign.len + 1 <= KEY_MAX);
	memcpy(text, local.p, local.len);
	text[local.len] = '\0';
	memcpy(text + local.len + 1, foreign.p, foreign.len);
	return str_from(text, local.len + 1 + foreign.len);
}

static struct question *question_at(const struct pair *p, unsigned i)
{
	return &p->ring[(p->first + i) & (p->cap - 1)];
}

/* Takes off the front what is settled or too old. */
static void expire(struct pair *p, const struct policy_question_limits *l, uint64_t now)
{
	while (p->n) {
		const struct question *oldest = question_at(p, 0);
		if (oldest->what && now - oldest->at <= l->ms)
			break;
		p->holes -= !oldest->what;
		p->first++;
		p->n--;
	}
}

static struct pair *pair_new(struct policy_questions *q, const struct policy_question_limits *l,
	struct str key, uint64_t now)
{
	if (q->pairs.count >= POLICY_QUESTION_PAIRS) {
		struct pair *oldest = LIST_OWNER(q->by_use.next, struct pair, link);
		expire(oldest, l, now);
		if (oldest->n || oldest->unsure_until > now)
			q->unsure_until = now + l->ms;
		pair_free(q, oldest);
	}
	struct pair *p = calloc(1, sizeof(*p) + key.len);
	check(p);
	memcpy(p + 1, key.p, key.len);
	p->key = str_from(p + 1, key.len);
	p->cap = RING_LEAST;
	p->ring = calloc(p->cap, sizeof(*p->ring));
	check(p->ring);
	list_init(&p->link);
	table_set(&q->pairs, p->key, p);
	return p;
}

/* Nothing open is forgotten while what is settled takes room. */
static void compact(struct pair *p)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n; i++) {
		if (question_at(p, i)->what)
			*question_at(p, kept++) = *question_at(p, i);
	}
	p->n = kept;
	p->holes = 0;
}

static void grow(struct pair *p)
{
	struct question *ring = calloc((size_t)p->cap * 2, sizeof(*ring));

	check(ring);
	for (unsigned i = 0; i < p->n; i++)
		ring[i] = *question_at(p, i);
	free(p->ring);
	p->ring = ring;
	p->first = 0;
	p->cap *= 2;
}

void policy_question(struct policy_questions *q, const struct policy_question_limits *l,
	const struct record *r, uint64_t now)
{
	char text[KEY_MAX];
	struct str key = key_of(r->from.domain, r->to.domain, text);
	struct pair *p = table_find(&q->pairs, key);

	begin(q, l, now);
	if (!p)
		p = pair_new(q, l, key, now);
	list_remove(&p->link);
	list_append(&q->by_use, &p->link);
	expire(p, l, now);
	if (p->n >= l->most && p->holes)
		compact(p);
	if (p->n >= l->most) {
		p->unsure_until = now + l->ms;
		p->first++;
		p->n--;
	}
	if (p->n == p->cap)
		grow(p);
	p->n++;
	*question_at(p, p->n - 1) = (struct question){
		.what = digest(r->from.full, r->to.full, r->id),
		.at = now,
	};
}

enum policy_answer policy_answer(struct policy_questions *q, const struct policy_question_limits *l,
	const struct record *r, uint64_t now)
{
	char text[KEY_MAX];
	struct pair *p = table_find(&q->pairs, key_of(r->to.domain, r->from.domain, text));
	uint64_t what = digest(r->to.full, r->from.full, r->id);

	begin(q, l, now);
	if (p)
		expire(p, l, now);
	for (unsigned i = 0; p && i < p->n; i++) {
		struct question *asked = question_at(p, i);
		if (asked->what != what || now - asked->at > l->ms)
			continue;
		asked->what = 0;
		p->holes++;
		return POLICY_ASKED;
	}
	return q->unsure_until > now || (p && p->unsure_until > now) ? POLICY_UNSURE
								     : POLICY_NOT_ASKED;
}
