/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the loop's thread looks for input or sleeps, on a clock of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "net/awake.h"

enum { US = 1000, MS = 1000 * US, MOST = 2 * MS, LOOK = 4 * US };

struct world {
	struct awake a;
	uint64_t now;
	uint64_t looks; /* instead of sleeping */
};

static uint64_t cpu_now; /* the thread's */

static uint64_t cpu(void)
{
	return cpu_now;
}

static void world_init(struct world *w)
{
	cpu_now = 7 * MS;
	*w = (struct world){ .a.most = MOST, .now = 10000ull * MS };
}

/* Until the next input, gap later: looks of LOOK, of which others have so much, or sleeps. Was it awake at the end? */
static bool passes(struct world *w, uint64_t gap, uint64_t others)
{
	uint64_t until = w->now + gap;
	bool awake = awake_stay(&w->a, true, w->now, cpu);

	while (w->now < until) {
		if (!awake) {
			w->now = until;
			return false;
		}
		w->looks++;
		w->now += LOOK;
		cpu_now += LOOK - others;
		awake = awake_stay(&w->a, false, w->now, cpu);
	}
	return awake;
}

/* So many inputs: how many of them came while the thread was awake? */
static unsigned met(struct world *w, unsigned n, uint64_t gap, uint64_t others)
{
	unsigned count = 0;

	while (n-- > 0)
		count += passes(w, gap, others);
	return count;
}

static void test_off(void **state)
{
	struct world w;

	world_init(&w);
	w.a.most = 0;
	assert_int_equal(met(&w, 1000, US, 0), 0);
	assert_int_equal(w.looks, 0);
}

static void test_first_input(void **state)
{
	struct world w;

	world_init(&w);
	assert_false(awake_stay(&w.a, false, w.now, cpu));
	assert_int_equal(met(&w, 5, MS, 0), 0);
}

static void test_often(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 2200, MS, 0);
	assert_int_equal(met(&w, 1000, MS, 0), 1000);
}

static void test_seldom(void **state)
{
	struct world w;

	world_init(&w);
	assert_int_equal(met(&w, 2000, 2 * MOST, 0), 0);
	assert_int_equal(w.looks, 0);
}

/* It sleeps after its time, and one pause does not end what has been busy for long. */
static void test_pause(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 2500, MS, 0);
	w.looks = 0;
	uint64_t looked = w.a.looked;
	assert_false(passes(&w, 1000 * MS, 0));
	assert_int_equal(w.looks, MOST / LOOK);
	assert_int_equal(w.a.looked - looked, MOST);
	assert_true(passes(&w, MS, 0));
}

static void test_becomes_seldom(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 2500, MS, 0);
	met(&w, 200, 3 * MS, 0);
	w.looks = 0;
	assert_int_equal(met(&w, 500, 3 * MS, 0), 0);
	assert_int_equal(w.looks, 0);
}

/* Others have half of the processor: it tries less and less, at last for 20 ms of each four seconds. */
static void test_contended(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 100000, MS, LOOK / 2);
	uint64_t from = w.now;
	w.looks = 0;
	met(&w, 100000, MS, LOOK / 2);
	assert_in_range(w.looks * LOOK, 20 * 20 * MS, (w.now - from) / 150);
}

static void test_a_little_contended(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 2200, MS, LOOK / 8);
	assert_int_equal(met(&w, 1000, MS, LOOK / 8), 1000);
}

static void test_free_again(void **state)
{
	struct world w;

	world_init(&w);
	met(&w, 2500, MS, LOOK / 2);
	met(&w, 5000, MS, 0);
	assert_int_equal(met(&w, 1000, MS, 0), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_first_input),
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_seldom),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_becomes_seldom),
		cmocka_unit_test(test_contended),
		cmocka_unit_test(test_a_little_contended),
		cmocka_unit_test(test_free_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
