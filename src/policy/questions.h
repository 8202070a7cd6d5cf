/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What local users asked foreign entities and is not answered yet: an answer (iq result or error) from outside is to
 * come from whom was asked, to who asked, with the id of the question, and once (RFC 6120 section 8.2.3). Kept by
 * pair of domains; per pair and in all the memory is bounded. When something had to be forgotten, it is not known
 * for a while whether a question was asked, as after the start.
 */
#ifndef POLICY_QUESTIONS_H
#define POLICY_QUESTIONS_H

#include "base/list.h"
#include "base/table.h"
#include "record/record.h"

enum { POLICY_QUESTION_PAIRS = 4096 };

enum policy_answer {
	POLICY_ASKED, /* this was asked; the question is settled now */
	POLICY_NOT_ASKED,
	POLICY_UNSURE, /* not known here, but something was forgotten lately */
};

struct policy_questions {
	struct table pairs;
	struct list by_use; /* longest without a question first */
	uint64_t unsure_until; /* 0: not begun */
};

struct policy_question_limits {
	unsigned most; /* of one pair */
	uint64_t ms; /* how long an answer is waited for */
};

void policy_questions_init(struct policy_questions *q);
void policy_questions_done(struct policy_questions *q);

/* Notes a request (get or set) that goes out. */
void policy_question(struct policy_questions *q, const struct policy_question_limits *l,
	const struct record *r, uint64_t now);
/* Was this answer, which comes in, asked for? */
enum policy_answer policy_answer(struct policy_questions *q, const struct policy_question_limits *l,
	const struct record *r, uint64_t now);

#endif
