/* SPDX-License-Identifier: Apache-2.0 */
#include "route/route.h"

#include <limits.h>

static uint64_t fnv(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return (h ^ 0xff) * 0x100000001b3; /* a separator no UTF-8 text contains */
}

uint64_t route_weight(struct str local, struct str foreign, struct str id)
{
	uint64_t h = fnv(fnv(fnv(0xcbf29ce484222325, local), foreign), id);

	/* FNV alone is weak in its high bits: finish as MurmurHash3 does. */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccd;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53;
	return h ^ h >> 33;
}

/* The lower the better; NEVER: it may not have the pair. */
#define FIRST 0u
#define ANY_OTHER (UINT_MAX - 1)
#define NEVER UINT_MAX

static unsigned rank_of(const struct route_rule *rule, struct str id)
{
	if (!rule || rule->n_via == 0)
		return FIRST;
	for (size_t i = 0; i < rule->n_via; i++) {
		if (str_eq(rule->via[i], id))
			return rule->rank ? rule->rank[i] : FIRST;
	}
	return rule->else_any ? ANY_OTHER : NEVER;
}

size_t route_find(const struct route_rule *rules, size_t n_rules, struct str foreign)
{
	size_t i = 0;

	while (i < n_rules && !rules[i].match(rules[i].pattern, foreign))
		i++;
	return i;
}

int route_choose(const struct route_rule *rules, size_t n_rules, struct str local,
	struct str foreign, const struct str *ids, size_t n)
{
	size_t found = route_find(rules, n_rules, foreign);
	const struct route_rule *rule = found < n_rules ? &rules[found] : NULL;
	unsigned best_rank = NEVER;
	uint64_t best_weight = 0;
	int best = -1;

	for (size_t i = 0; i < n; i++) {
		unsigned rank = rank_of(rule, ids[i]);
		if (rank == NEVER || rank > best_rank)
			continue;
		uint64_t weight = route_weight(local, foreign, ids[i]);
		if (rank < best_rank || weight > best_weight ||
			(weight == best_weight && str_cmp(ids[i], ids[best]) < 0)) {
			best = (int)i;
			best_rank = rank;
			best_weight = weight;
		}
	}
	return best;
}
