/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of random schedules. SEED=n replays one; FIRST and COUNT choose a range.
 * The range also comes as arguments: sim_test FIRST COUNT.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

static uint64_t number(const char *name, int argc, char **argv, int arg, uint64_t otherwise)
{
	const char *text = getenv(name);

	if (!text && arg < argc)
		text = argv[arg];
	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void print_totals(const struct sim_totals *t)
{
	printf("%lu schedules (%lu exactly once, %lu to the last word), %lu records: %lu written, "
	       "%lu again, %lu "
	       "bounced, "
	       "%lu lost with their sender\n",
		t->schedules, t->strict, t->last_words, t->records, t->written, t->repeated,
		t->bounced, t->lost_with_sender);
	printf("%lu crashes, %lu cuts, %lu pauses, %lu partitions, %lu drains (%lu handing back), "
	       "%lu orders, %lu outages; %lu "
	       "links down, "
	       "%lu revocations (%lu of what was handed on), %lu poisoned\n",
		t->crashes, t->cuts, t->pauses, t->partitions, t->drains, t->hand_backs, t->orders,
		t->outages, t->moves, t->revokes, t->caught, t->poisoned);
	printf("%lu nodes gone for ever; %lu times isolated, %lu records forgotten\n", t->gone,
		t->isolated, t->forgotten);
	printf("%lu with a shared table: %lu questions, %lu in vain, %lu faults of the table, %lu "
	       "dead expelled, %lu last orders\n",
		t->shared, t->asked, t->asked_in_vain, t->table_faults, t->expelled,
		t->last_orders);
}

int main(int argc, char **argv)
{
	struct sim_totals totals = { 0 };
	uint64_t first = number("FIRST", argc, argv, 1, 1);
	uint64_t count = number("COUNT", argc, argv, 2, 1000);

	if (getenv("SEED")) {
		first = number("SEED", 0, NULL, 0, 1);
		count = 1;
	}
	for (uint64_t seed = first; seed < first + count; seed++) {
		uint64_t at;
		const char *wrong = sim_run(seed, &totals, &at);
		if (wrong) {
			printf("SEED=%lu: at %lu ms: %s\n", seed, at, wrong);
			return 1;
		}
	}
	print_totals(&totals);
	return 0;
}
