/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shall the loop's thread sleep until there is input, or look for it again and again? Where it costs much to wake a
 * sleeping processor, looking takes most of a node's delay away. It is worth it while
 *
 *   - input comes so often that the next is likely to be there soon: the mean time between inputs is at most the time
 *     to look for one, and
 *   - nobody else wants the processors: half of their time was idle in the last second (a quarter while it goes on, its
 *     own looks counted as idle), and it lost less than a quarter of its time to others. If it lost more it sleeps for
 *     a second, and for twice as long each time that nothing has changed, up to half a minute.
 *
 * Pure code: it is told the time.
 */
#ifndef NET_AWAKE_H
#define NET_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

/* All times in nanoseconds. Zeroed memory with most set is one that has seen no input. */
struct awake_clocks {
	uint64_t (*cpu)(void); /* time that the thread had a processor */
	uint64_t (*idle)(void); /* time that processors had nothing to do, all together */
	unsigned processors;
};

struct awake {
	uint64_t most; /* look so long after input, then sleep; 0: sleep at once */
	uint64_t input_at; /* the last input; 0: none yet */
	uint64_t gap; /* mean time between inputs */
	uint64_t since,
		cpu_since; /* not slept from then on, and the thread's processor time then; 0: slept */
	uint64_t spent, lost; /* looking, and of that taken by others: since the last judgement */
	uint64_t last; /* the last call, when the answer was to look again; 0: it was not */
	uint64_t looked; /* all time that went into looks which found nothing */
	bool room; /* processors are idle for long enough */
	uint64_t room_at, idle_then,
		looked_then; /* when that was found out last, and the clocks then */
	uint64_t off_ms; /* milliseconds, the last time that others wanted the processor */
	uint64_t off_until; /* others want the processor: not before this time */
};

/*
 * Before each sleep: shall the thread look again instead? input: something was received since the last call. now is of
 * a monotonic clock, never 0. The other clocks are asked now and then while input comes often.
 */
bool awake_stay(struct awake *a, bool input, uint64_t now, const struct awake_clocks *clocks);

#endif
