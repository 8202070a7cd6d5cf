/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world of inners and outers in one process: engines, carriers that delay, lose, repeat,
 * reorder and break, next hops that are slow, refuse or vanish, nodes that pause, crash and drain,
 * and operators that move pairs.
 * Everything follows from the seed. What must never happen is checked as it happens.
 */
#ifndef TESTS_LINK_SIM_H
#define TESTS_LINK_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_totals {
	uint64_t schedules;
	uint64_t records, written, repeated, bounced, lost_with_sender;
	uint64_t crashes, cuts, pauses, partitions, drains, hand_backs, orders, moves, revokes,
		poisoned;
	uint64_t last_words; /* schedules that were healed for a last record of all */
	uint64_t shared, asked, asked_in_vain, table_faults, expelled;
	uint64_t outages; /* of all carriers */
	uint64_t caught; /* records that were revoked on their way to the next hop */
	uint64_t last_orders; /* given when all was well, and obeyed */
	uint64_t gone; /* nodes that never came back */
	uint64_t isolated, forgotten; /* nodes, and records that their senders sent another way */
	uint64_t strict; /* schedules that had to be exactly once */
};

/* Runs one schedule; NULL, or what went wrong (static text; the time of it in *ret_at). */
const char *sim_run(uint64_t seed, struct sim_totals *totals, uint64_t *ret_at);

#endif
