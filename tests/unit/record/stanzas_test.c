/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stanzas as servers and clients send them: under the standard profile each arrives as it was
 * sent. The rows are in stanzas.def.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "bench.h"

static const struct {
	const char *name;
	const char *xml;
} stanzas[] = {
#define STANZA(name, xml) { name, xml },
#include "stanzas.def"
#undef STANZA
};

static void pass(struct bench *b, size_t i, enum record_profile profile)
{
	enum record_condition c = bench_pass(b, stanzas[i].xml, profile);

	if (c != COND_NONE || b->report.stripped)
		print_message("%s: %s, %.*s stripped\n", stanzas[i].name, record_condition_name(c),
			STR_FMT(b->report.what[0].name));
	assert_int_equal(c, COND_NONE);
	assert_int_equal(b->report.stripped, 0);
	struct xml_node *came = bench_read(b, b->reader, buf_bytes(&b->xml));
	struct xml_node *went = bench_read(b, b->another, str_of(stanzas[i].xml));
	if (!bench_same_tree(went, came))
		print_message("%s\n%s\nbecame %.*s\n", stanzas[i].name, stanzas[i].xml,
			STR_FMT(buf_bytes(&b->xml)));
	assert_true(bench_same_tree(went, came));
	bench_check_fixed_point(b, profile);
}

static void all_pass(void **state)
{
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(*stanzas); i++) {
		pass(&b, i, PROFILE_STANDARD);
		pass(&b, i, PROFILE_OPEN);
	}
	bench_done(&b);
}

/* The known rows are the same under both profiles: nothing is generic that has a row. */
static void open_is_no_other_form(void **state)
{
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(*stanzas); i++) {
		assert_int_equal(bench_pass(&b, stanzas[i].xml, PROFILE_OPEN), COND_NONE);
		bench_decode(&b, PROFILE_STANDARD);
		assert_null(b.fault);
	}
	bench_done(&b);
}

static void diagnostics_name_the_numbers(void **state)
{
	struct bench b;
	struct buf text;

	bench_init(&b);
	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(*stanzas); i++) {
		assert_int_equal(bench_pass(&b, stanzas[i].xml, PROFILE_STANDARD), COND_NONE);
		buf_clear(&text, SIZE_MAX);
		assert_true(record_diag(buf_bytes(&b.cbor), &text));
		assert_true(str_starts(buf_bytes(&text), STRL("[")));
	}
	bench_done(&b);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pass),
		cmocka_unit_test(open_is_no_other_form),
		cmocka_unit_test(diagnostics_name_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
