/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which far node carries a pair: the paper's Algorithm 1 made live, sticky and balanced. The static
 * map is asked first (document order, first match wins; an entry may name others to fall back to); without
 * an entry any live node may; among several the
 * rendezvous hash of the pair decides, so that load spreads and every node comes to the same answer.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/str.h"

struct route_rule {
	bool (*match)(struct str pattern, struct str domain);
	struct str pattern;
	const struct str *via; /* node ids; n_via 0: any live node */
	size_t n_via;
	const unsigned
		*rank; /* of each of via: the lowest that is live counts; NULL: all are equal */
	bool else_any; /* when none of via is live: any other */
};

/* The first rule that matches the domain; n_rules: none does. */
size_t route_find(const struct route_rule *rules, size_t n_rules, struct str foreign);

/*
 * The index in ids[0..n) of the node for this pair, or -1: the map names only nodes that are not
 * live. ids are the live nodes in any order.
 */
int route_choose(const struct route_rule *rules, size_t n_rules, struct str local,
	struct str foreign, const struct str *ids, size_t n);

/* The weight of a node for a pair; the highest wins. Stable across processes and versions. */
uint64_t route_weight(struct str local, struct str foreign, struct str id);

#endif
