/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets, bounded accounts, and counting different names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/distinct.h"
#include "base/ledger.h"
#include "base/memory.h"

static const struct rate_limit ten_a_second = { .amount = 10, .burst = 30, .period_ms = 1000 };

static void rate_gives_burst_then_rate(void **state)
{
	struct rate r = { 0 };
	unsigned taken = 0;

	for (int i = 0; i < 100; i++)
		taken += rate_take(&r, &ten_a_second, 1, 5000);
	assert_int_equal(taken, 30);
	assert_false(rate_take(&r, &ten_a_second, 1, 5099));
	assert_true(rate_take(&r, &ten_a_second, 1, 5100));
	assert_false(rate_take(&r, &ten_a_second, 1, 5101));
	for (uint64_t now = 5200; now < 15200; now++)
		taken += rate_take(&r, &ten_a_second, 1, now);
	assert_in_range(taken, 129, 131);
}

static void rate_in_pieces_is_the_rate(void **state)
{
	/* A bucket that is asked each millisecond loses nothing by rounding. */
	const struct rate_limit per_minute = { .amount = 60, .burst = 60, .period_ms = 60000 };
	struct rate r = { 0 };
	unsigned taken = 0;

	for (uint64_t now = 1; now <= 600000; now++)
		taken += rate_take(&r, &per_minute, 1, now);
	assert_in_range(taken, 659, 660);
}

static void rate_zero_is_no_limit(void **state)
{
	const struct rate_limit none = { .period_ms = 1000 };
	struct rate r = { 0 };

	for (int i = 0; i < 1000; i++) {
		assert_true(rate_take(&r, &none, UINT64_MAX, 0));
		assert_int_equal(rate_charge(&r, &none, UINT64_MAX, 0), 0);
	}
}

static void rate_charge_says_how_long(void **state)
{
	struct rate r = { 0 };

	assert_int_equal(rate_charge(&r, &ten_a_second, 30, 1000), 0);
	assert_int_equal(rate_charge(&r, &ten_a_second, 5, 1000), 500);
	assert_int_equal(rate_charge(&r, &ten_a_second, 0, 1400), 100);
	assert_int_equal(rate_charge(&r, &ten_a_second, 0, 1500), 0);
	/* Nothing overflows, and a clock that goes back gives nothing away. */
	assert_true(rate_charge(&r, &ten_a_second, UINT64_MAX, 1500) > 0);
	assert_true(rate_charge(&r, &ten_a_second, UINT64_MAX, 1500) > 0);
	assert_false(rate_take(&r, &ten_a_second, 1, 10));
	assert_true(rate_take(&r, &ten_a_second, 1, UINT64_MAX));
}

static struct account *get(struct ledger *l, unsigned n, uint64_t now)
{
	char name[32];

	snprintf(name, sizeof(name), "name-%u", n);
	return ledger_get(l, str_of(name), now);
}

static void ledger_fails_closed(void **state)
{
	struct ledger l;

	ledger_init(&l, 100, 1000);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(get(&l, i, 50));
	assert_null(get(&l, 100, 1049));
	assert_int_equal(l.full, 1);
	assert_int_equal(ledger_count(&l), 100);
	/* Who is in it stays in it. */
	assert_non_null(get(&l, 7, 1049));
	/* What was idle for long enough makes room. */
	assert_non_null(get(&l, 100, 1050));
	assert_int_equal(ledger_count(&l), 2);
	assert_non_null(ledger_find(&l, STRL("name-7")));
	assert_null(ledger_find(&l, STRL("name-8")));
	ledger_done(&l);
}

static void ledger_keeps_what_is_held(void **state)
{
	struct ledger l;

	ledger_init(&l, 3, 1000);
	struct account *held = get(&l, 0, 0);
	ledger_hold(&l, held);
	ledger_hold(&l, held);
	get(&l, 1, 0);
	get(&l, 2, 0);
	assert_null(get(&l, 3, 999));
	assert_non_null(get(&l, 3, 100000));
	assert_ptr_equal(get(&l, 0, 100000), held);
	ledger_release(&l, held, 100000);
	assert_int_equal(held->held, 1);
	assert_int_equal(ledger_count(&l), 2);
	ledger_release(&l, held, 200000);
	get(&l, 4, 200500);
	assert_ptr_equal(ledger_find(&l, STRL("name-0")), held);
	get(&l, 5, 201000);
	assert_null(ledger_find(&l, STRL("name-0")));
	ledger_done(&l);
}

static bool add(struct distinct *d, unsigned n, unsigned max, uint64_t now)
{
	char name[32];

	snprintf(name, sizeof(name), "user%u@example.se", n);
	return distinct_add(d, str_of(name), max, now);
}

static void distinct_counts_names_once(void **state)
{
	struct distinct d = { 0 };
	unsigned new = 0;

	for (int round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 1000; i++)
			assert_true(add(&d, i, 1000, 100));
	}
	/* A few are taken for others, never the other way round. */
	assert_in_range(d.count, 850, 1000);
	for (unsigned i = 1000; i < 3000; i++)
		new += add(&d, i, 1000, 200);
	assert_in_range(new, 100, 500);
	assert_int_equal(d.count, 1000);
	/* Those that were there still pass, and the next minute all do. */
	for (unsigned i = 0; i < 1000; i++)
		assert_true(add(&d, i, 1000, 300));
	for (unsigned i = 3000; i < 3800; i++)
		assert_true(add(&d, i, 1000, 100 + DISTINCT_WINDOW_MS));
	distinct_done(&d);
}

static void distinct_few_take_no_memory(void **state)
{
	struct distinct d = { 0 };

	for (unsigned i = 0; i < DISTINCT_FEW; i++)
		assert_true(add(&d, i, 1000, 0));
	assert_null(d.bits);
	assert_true(add(&d, DISTINCT_FEW, 1000, 0));
	assert_non_null(d.bits);
	assert_true(add(&d, 0, 1000, DISTINCT_WINDOW_MS));
	assert_null(d.bits);
	distinct_done(&d);
}

static void distinct_small_and_no_limit(void **state)
{
	struct distinct d = { 0 };
	unsigned taken = 0;

	for (unsigned i = 0; i < 100; i++)
		taken += add(&d, i, 5, 0);
	assert_int_equal(taken, 5);
	for (unsigned i = 0; i < 10000; i++)
		assert_true(add(&d, i, 0, 0));
	distinct_done(&d);
}

/* What is taken is given back to the last byte, whatever the way. */
static void memory_is_counted(void **state)
{
	size_t before = memory_held();
	struct distinct d = { 0 };
	struct arena a;
	struct buf b, c;

	buf_init(&b, 1 << 20);
	buf_init(&c, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_append_c(&b, "some bytes");
	assert_true(memory_held() >= before + 100000);
	assert_true(memory_held() <= before + 300000);
	buf_consume(&b, 90000);
	buf_append_c(&b, "more");
	struct buf swapped = b;
	b = c;
	c = swapped;
	buf_clear(&c, 1 << 20);
	assert_true(memory_held() > before);
	buf_clear(&c, 16);
	assert_int_equal(memory_held(), before);
	buf_append_c(&b, "again");
	buf_done(&b);
	buf_done(&b);
	buf_done(&c);
	assert_int_equal(memory_held(), before);
	arena_init(&a, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++)
			arena_alloc(&a, 100);
		assert_true(memory_held() >= before + 100000);
		arena_reset(&a);
		assert_true(memory_held() < before + 10000);
	}
	arena_reserve(&a, 50000);
	assert_true(memory_held() >= before + 50000);
	arena_done(&a);
	arena_done(&a);
	assert_int_equal(memory_held(), before);
	for (unsigned i = 0; i < 100; i++)
		add(&d, i, 1000, 0);
	assert_true(memory_held() > before);
	distinct_done(&d);
	assert_int_equal(memory_held(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_gives_burst_then_rate),
		cmocka_unit_test(rate_in_pieces_is_the_rate),
		cmocka_unit_test(rate_zero_is_no_limit),
		cmocka_unit_test(rate_charge_says_how_long),
		cmocka_unit_test(ledger_fails_closed),
		cmocka_unit_test(ledger_keeps_what_is_held),
		cmocka_unit_test(distinct_counts_names_once),
		cmocka_unit_test(distinct_few_take_no_memory),
		cmocka_unit_test(distinct_small_and_no_limit),
		{ "threats H14 memory is counted", memory_is_counted, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
