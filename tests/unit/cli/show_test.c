/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/show.h"

static struct buf out;

static void check_text(const char *want)
{
	assert_int_equal(buf_len(&out), strlen(want));
	assert_memory_equal(buf_bytes(&out).p, want, strlen(want));
	buf_clear(&out, 4096);
}

static void safe(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct str in;
		const char *want;
	} rows[] = {
		{ "plain", STR("a b<&>\"~"), "a b<&>\"~" },
		{ "letters", STR("\xc3\xa5\xe4\xb8\xad\xf0\x9f\x90\xa7"),
			"\xc3\xa5\xe4\xb8\xad\xf0\x9f\x90\xa7" },
		{ "escape", STR("\033[31m"), "\\u{1b}[31m" },
		{ "NUL", STR("\0"), "\\u{0}" },
		{ "line end", STR("a\r\nb\tc"), "a\\u{d}\\u{a}b\\u{9}c" },
		{ "delete", STR("\x7f"), "\\u{7f}" },
		{ "C1", STR("\xc2\x9b"), "\\u{9b}" },
		{ "right to left", STR("\xe2\x80\xae"), "\\u{202e}" },
		{ "isolates", STR("\xe2\x81\xa6"), "\\u{2066}" },
		{ "zero width", STR("\xe2\x80\x8b"), "\\u{200b}" },
		{ "byte order mark", STR("\xef\xbb\xbf"), "\\u{feff}" },
		{ "tags", STR("\xf3\xa0\x81\x81"), "\\u{e0041}" },
		{ "backslash", STR("\\u{1b}"), "\\\\u{1b}" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("  %s\n", rows[i].name);
		show_safe(&out, rows[i].in);
		check_text(rows[i].want);
	}
}

static void sizes(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1536, "1.5 KiB" },
		{ 20480, "20 KiB" },
		{ 5 << 20, "5.0 MiB" },
		{ UINT64_MAX, "16777216 TiB" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		show_bytes(&out, rows[i].n);
		check_text(rows[i].want);
	}
}

static void times(void **state)
{
	(void)state;
	static const struct {
		uint64_t ms;
		const char *want;
	} rows[] = {
		{ 0, "0 ms" },
		{ 999, "999 ms" },
		{ 1000, "1 s" },
		{ 119999, "119 s" },
		{ 125000, "2 min 5 s" },
		{ 7384000, "2 h 3 min" },
		{ 200000000, "2 d 7 h" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		show_ms(&out, rows[i].ms);
		check_text(rows[i].want);
	}
}

static void table(void **state)
{
	(void)state;
	static const char *const cells[] = { "NAME", "N", "X", "\xc3\xa5", "1000", "", "longer",
		"7", "x", "", "", "x" };
	struct grid g;

	grid_init(&g, 3);
	grid_right(&g, 1);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		buf_append_c(&g.text, cells[i]);
		grid_cell(&g);
	}
	grid_show(&g, &out);
	check_text("  NAME       N  X\n"
		   "  \xc3\xa5       1000\n"
		   "  longer     7  x\n"
		   "                x\n");
	grid_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(safe),
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(table),
	};

	buf_init(&out, 1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&out);
	return failed;
}
