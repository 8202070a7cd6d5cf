/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shall the loop's thread sleep until there is input, or look for it again and again? Where it costs much to wake a
 * sleeping processor, looking takes most of a node's delay away. It is worth it while
 *
 *   - input comes so often that the next is likely to be there soon: the mean time between inputs is at most the time
 *     to look for one, and
 *   - nobody else wants the processor: whoever looks lost less than a quarter of the time to others. If it lost more it
 *     sleeps for a second, and for twice as long each time that nothing has changed, up to four.
 *
 * Pure code: it is told the time.
 */
#ifndef NET_AWAKE_H
#define NET_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

/* All times in nanoseconds. Zeroed memory with most set is one that has seen no input. */
struct awake {
	uint64_t most; /* look so long after input, then sleep; 0: sleep at once */
	uint64_t input_at; /* the last input; 0: none yet */
	uint64_t gap; /* mean time between inputs */
	uint64_t since,
		cpu_since; /* not slept from then on, and the thread's processor time then; 0: slept */
	uint64_t spent, lost; /* looking, and of that taken by others: since the last judgement */
	uint64_t last; /* the last call, when the answer was to look again; 0: it was not */
	uint64_t looked; /* all time that went into looks which found nothing */
	uint64_t off_ms; /* milliseconds, the last time that others wanted the processor */
	uint64_t off_until; /* others want the processor: not before this time */
};

/*
 * Before each sleep: shall the thread look again instead? input: something was received since the last call. now is of
 * a monotonic clock, never 0; cpu() tells the processor time of the thread and is asked now and then.
 */
bool awake_stay(struct awake *a, bool input, uint64_t now, uint64_t (*cpu)(void));

#endif
