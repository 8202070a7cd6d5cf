/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a message with an id of its own, which is nearly every one, is short: a digest of the id and the
 * address, and a slot that holds another one and is taken over.
 */
#include "policy/loop.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/table.h"

void policy_loop_done(struct policy_loop *l)
{
	free(l->slots);
	l->slots = NULL;
}

static bool again(struct policy_loop_slot *s, struct str bytes, uint64_t now_ms)
{
	uint64_t all = table_hash(bytes) | 1;

	if (s->all == 0)
		s->all = all; /* what passed first is taken for this one */
	if (s->all != all || now_ms - s->since > POLICY_LOOP_MS) {
		s->all = all;
		s->since = now_ms;
		s->times = 1;
		return false;
	}
	if (s->times <= POLICY_LOOP_TIMES)
		s->times++;
	return s->times > POLICY_LOOP_TIMES;
}

bool policy_loop_passes(
	struct policy_loop *l, const struct record *r, struct str bytes, uint64_t now_ms)
{
	if (r->id.len == 0)
		return false;
	if (!l->slots) {
		l->slots = calloc(POLICY_LOOP_SLOTS, sizeof(*l->slots));
		check(l->slots);
	}
	uint64_t id = table_hash(r->id) * 3 + table_hash(r->to.full);
	struct policy_loop_slot *s = &l->slots[id % POLICY_LOOP_SLOTS];
	if (s->times && s->id == id)
		return again(s, bytes, now_ms);
	*s = (struct policy_loop_slot){ .id = id, .since = now_ms, .times = 1 };
	return false;
}
