/* SPDX-License-Identifier: Apache-2.0 */
#include "net/awake.h"

enum {
	MS = 1000000,
	WINDOW = 20 * MS, /* of looking, for a judgement */
	LOST_MOST = 4, /* a quarter */
	OFF_LEAST = 1000, /* milliseconds; twice as long each time, up to the other */
	OFF_MOST = 4000,
	SMOOTH = 32, /* inputs in the mean */
	LONG_GAP = 8, /* times most: longer ones count as this */
};

static void note_input(struct awake *a, uint64_t now)
{
	uint64_t longest = LONG_GAP * a->most;
	uint64_t gap = a->input_at ? now - a->input_at : longest;

	if (a->input_at == 0)
		a->gap = longest;
	if (gap > longest)
		gap = longest;
	a->gap = a->gap - a->gap / SMOOTH + gap / SMOOTH;
	a->input_at = now;
}

/* How much of the time since then did the thread not have the processor? */
static void account(struct awake *a, uint64_t now, uint64_t cpu)
{
	uint64_t wall = now - a->since, used = cpu - a->cpu_since;

	a->spent += wall;
	a->lost += wall > used ? wall - used : 0;
	if (a->spent < WINDOW)
		return;
	if (a->lost > a->spent / LOST_MOST) {
		a->off_ms = a->off_ms < OFF_LEAST ? OFF_LEAST : 2 * a->off_ms;
		if (a->off_ms > OFF_MOST)
			a->off_ms = OFF_MOST;
		a->off_until = now + a->off_ms * MS;
	} else {
		a->off_ms /= 2;
	}
	a->spent = a->lost = 0;
}

bool awake_stay(struct awake *a, bool input, uint64_t now, uint64_t (*cpu)(void))
{
	if (input && a->most)
		note_input(a, now);
	else if (a->last)
		a->looked += now - a->last < a->most ? now - a->last : a->most;
	bool stay = a->most && a->input_at && now - a->input_at < a->most && a->gap <= a->most &&
		now >= a->off_until;

	if (a->since && (!stay || now - a->since >= WINDOW)) {
		account(a, now, cpu());
		a->since = 0;
		stay = stay && now >= a->off_until;
	}
	if (stay && a->since == 0) {
		a->since = now;
		a->cpu_since = cpu();
	}
	a->last = stay ? now : 0;
	return stay;
}
