/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stanzas that come past again and again: two gateways that lead to each other, rooms or transports that repeat
 * each other. A node remembers what it relayed last (the stanza's id, and a digest of all of it once the id was
 * seen twice). XMPP has no hop count that others would keep (XEP-0219 is retracted), so the memory is
 * the node's own. Fixed size; a stanza without id is never taken for a repetition.
 */
#ifndef POLICY_LOOP_H
#define POLICY_LOOP_H

#include "record/record.h"

enum {
	POLICY_LOOP_SLOTS = 4096,
	POLICY_LOOP_TIMES = 8, /* as often a stanza may pass */
	POLICY_LOOP_MS = 60000, /* within this time */
};

struct policy_loop_slot {
	uint64_t id; /* digest of the id and of whom it is for */
	uint64_t all; /* digest of the record; 0: the id was seen once */
	uint64_t since;
	uint32_t times;
};

/* All zero: nothing has passed yet. */
struct policy_loop {
	struct policy_loop_slot *slots; /* NULL until the first stanza */
};

void policy_loop_done(struct policy_loop *l);

/* Notes that the record passes; true when it did so too often. bytes: all of it, encoded. */
bool policy_loop_passes(
	struct policy_loop *l, const struct record *r, struct str bytes, uint64_t now_ms);

#endif
