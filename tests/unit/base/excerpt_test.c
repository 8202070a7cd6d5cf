/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer shows of a long list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/excerpt.h"

struct entry {
	bool notable;
	unsigned written; /* as which; 0: not */
};

static unsigned write_all(struct excerpt *e, struct entry *entries, size_t n)
{
	unsigned written = 0;
	struct entry *later;

	excerpt_begin(e);
	for (size_t i = 0; i < n; i++) {
		entries[i].written = 0;
		if (excerpt_now(e, &entries[i], entries[i].notable))
			entries[i].written = ++written;
	}
	while ((later = excerpt_later(e))) {
		assert_int_equal(later->written, 0);
		later->written = ++written;
	}
	return written;
}

static void test_short_list(void **state)
{
	struct entry entries[5] = { [3] = { .notable = true } };
	struct excerpt e = { 0 };

	assert_int_equal(write_all(&e, entries, 5), 5);
	assert_int_equal(e.total, 5);
	assert_int_equal(entries[3].written, 1);
	assert_int_equal(entries[0].written, 2);
	assert_int_equal(entries[4].written, 5);
	assert_int_equal(write_all(&e, entries, 0), 0);
	assert_int_equal(e.total, 0);
}

static void test_long_list(void **state)
{
	enum { MANY = 4 * EXCERPT_MOST };
	struct entry *entries = calloc(MANY, sizeof(*entries));
	struct excerpt e = { 0 };

	/* The few that are notable are shown, wherever they are. */
	for (unsigned i = 0; i < 10; i++)
		entries[MANY - 1 - 7 * i].notable = true;
	assert_int_equal(write_all(&e, entries, MANY), EXCERPT_MOST);
	assert_int_equal(e.total, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(
			!entries[i].notable || (entries[i].written && entries[i].written <= 10));
	for (unsigned i = 0; i < MANY; i++)
		entries[i].notable = true;
	assert_int_equal(write_all(&e, entries, MANY), EXCERPT_MOST);
	assert_int_equal(e.total, MANY);
	free(entries);
}

static void test_domains(void **state)
{
	struct excerpt e = { .domains = { STR("a.example"), STR("b.example") }, .n_domains = 2 };
	struct excerpt all = { 0 };

	assert_true(excerpt_has(&e, STRL("a.example"), STRL("x.example")));
	assert_true(excerpt_has(&e, STRL("x.example"), STRL("b.example")));
	assert_false(excerpt_has(&e, STRL("x.example"), STRL("y.example")));
	assert_false(excerpt_has(&e, STRL("sub.a.example"), STRL("")));
	assert_true(excerpt_has(&all, STRL("x.example"), STRL("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_list),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests_name("excerpt", tests, NULL, NULL);
}
