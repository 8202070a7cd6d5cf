/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "base/table.h"
#include "base/utf8.h"

static void arena_stops_at_its_limit(void **state)
{
	struct arena a;
	size_t got = 0;

	arena_init(&a, 100000);
	while (arena_alloc(&a, 1000))
		got += 1000;
	assert_in_range(got, 90000, 100000);
	assert_true(arena_footprint(&a) <= 100000 + 1024);
	assert_null(arena_alloc(&a, 100001));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 3));
	arena_reset(&a);
	assert_true(arena_footprint(&a) < 5000);
	assert_non_null(arena_alloc(&a, 50000));
	arena_done(&a);
}

static void arena_keeps_what_was_reserved(void **state)
{
	struct arena a;

	arena_init(&a, 100);
	arena_reserve(&a, 1000);
	assert_non_null(arena_alloc(&a, 1000));
	assert_null(arena_alloc(&a, 8));
	arena_reset(&a);
	size_t held = arena_footprint(&a);
	assert_in_range(held, 1000, 1100);
	assert_non_null(arena_alloc(&a, 1000));
	assert_true(arena_footprint(&a) == held);
	arena_done(&a);
}

static void arena_memory_is_apart(void **state)
{
	struct arena a;
	char *block[200];

	arena_init(&a, 1 << 20);
	for (int i = 0; i < 200; i++) {
		block[i] = arena_alloc(&a, (size_t)i + 1);
		assert_int_equal((uintptr_t)block[i] % 8, 0);
		memset(block[i], i, (size_t)i + 1);
	}
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k <= i; k++)
			assert_int_equal((unsigned char)block[i][k], i);
	}
	struct str s = arena_str(&a, STRL("abc"));
	assert_true(str_is(s, "abc"));
	assert_non_null(arena_str(&a, STRL("")).p);
	arena_done(&a);
}

/* Against a plain model: random appends and consumes. */
static void buf_is_a_queue(void **state)
{
	struct buf b;
	unsigned next_in = 0, next_out = 0;

	buf_init(&b, 10000);
	for (int i = 0; i < 20000; i++) {
		size_t n = random_below(300);
		if (random_below(2)) {
			char *p = buf_space(&b, n);
			if (!p) {
				assert_true(buf_len(&b) + n > 10000);
				continue;
			}
			for (size_t k = 0; k < n; k++)
				p[k] = (char)next_in++;
			buf_commit(&b, n);
		} else {
			struct str have = buf_bytes(&b);
			if (n > have.len)
				n = have.len;
			for (size_t k = 0; k < n; k++)
				assert_int_equal(
					(unsigned char)have.p[k], (unsigned char)next_out++);
			buf_consume(&b, n);
		}
		assert_int_equal(buf_len(&b), next_in - next_out);
		assert_true(b.cap <= 10000);
	}
	buf_clear(&b, 0);
	assert_int_equal(b.cap, 0);
	assert_true(buf_printf(&b, "%d-%s", 7, "x"));
	assert_true(str_is(buf_bytes(&b), "7-x"));
	buf_truncate(&b, 1);
	assert_true(str_is(buf_bytes(&b), "7"));
	buf_done(&b);
}

enum { KEYS = 500 };

static void table_agrees_with_a_model(void **state)
{
	static char keys[KEYS][16];
	static int values[KEYS];
	bool in[KEYS] = { false };
	struct table t;
	size_t count = 0;

	table_init(&t);
	for (int i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
	for (int round = 0; round < 50000; round++) {
		int i = (int)random_below(KEYS);
		struct str key = str_of(keys[i]);
		switch (random_below(3)) {
		case 0:
			assert_ptr_equal(table_set(&t, key, &values[i]), in[i] ? &values[i] : NULL);
			count += !in[i];
			in[i] = true;
			break;
		case 1:
			assert_ptr_equal(table_remove(&t, key), in[i] ? &values[i] : NULL);
			count -= in[i];
			in[i] = false;
			break;
		default:
			assert_ptr_equal(table_find(&t, key), in[i] ? &values[i] : NULL);
		}
		assert_int_equal(t.count, count);
	}
	size_t n, at = 0, seen = 0;
	free(table_collect(&t, &n));
	while (table_next(&t, &at))
		seen++;
	assert_int_equal(n, count);
	assert_int_equal(seen, count);
	table_done(&t);
}

static const struct {
	const char *name;
	struct str bytes;
	size_t prefix;
} utf8_cases[] = {
	{ "ascii", STR("hello world, this is long"), 25 },
	{ "tab lf cr", STR("a\tb\nc\rd"), 7 },
	{ "nul", STR("ab\0cd"), 2 },
	{ "c0 after eight", STR("12345678\x01z"), 8 },
	{ "del and c1", STR("\x7f\xc2\x80"), 3 },
	{ "two bytes", STR("\xc3\xa9"), 2 },
	{ "overlong 2", STR("a\xc0\xbc"), 1 },
	{ "overlong 3", STR("\xe0\x80\xbc"), 0 },
	{ "overlong 4", STR("\xf0\x80\x80\xbc"), 0 },
	{ "surrogate", STR("x\xed\xa0\x80"), 1 },
	{ "last before surrogates", STR("\xed\x9f\xbf"), 3 },
	{ "U+FFFD", STR("\xef\xbf\xbd"), 3 },
	{ "U+FFFE", STR("\xef\xbf\xbe"), 0 },
	{ "U+FFFF", STR("\xef\xbf\xbf"), 0 },
	{ "U+1FFFE", STR("\xf0\x9f\xbf\xbe"), 4 },
	{ "U+10FFFF", STR("\xf4\x8f\xbf\xbf"), 4 },
	{ "U+110000", STR("\xf4\x90\x80\x80"), 0 },
	{ "lone continuation", STR("abc\x80"), 3 },
	{ "cut", STR("abc\xe2\x82"), 3 },
	{ "lead then bracket", STR("\xc3<"), 0 },
	{ "five bytes", STR("\xf8\x88\x80\x80\x80"), 0 },
};

static void utf8_prefixes(void **state)
{
	for (size_t i = 0; i < sizeof(utf8_cases) / sizeof(utf8_cases[0]); i++) {
		size_t got = utf8_xml_prefix(utf8_cases[i].bytes);
		if (got != utf8_cases[i].prefix)
			fail_msg("%s: %zu", utf8_cases[i].name, got);
	}
}

/* Every code point: encode, validate, decode. */
static void utf8_round_trip(void **state)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char bytes[4];
		size_t n = utf8_encode(c, bytes), len = 0;
		bool surrogate = c >= 0xd800 && c < 0xe000;
		bool xml = (c >= 0x20 || c == 9 || c == 10 || c == 13) && !surrogate &&
			c != 0xfffe && c != 0xffff;
		assert_int_equal(utf8_is_xml((struct str){ bytes, n }), xml);
		if (!surrogate) {
			assert_int_equal(utf8_decode((struct str){ bytes, n }, &len), c);
			assert_int_equal(len, n);
		}
	}
}

/* K7: what a peer sent stays one line of printable ASCII. */
static void json_escapes_everything(void **state)
{
	struct buf b;

	buf_init(&b, 10000);
	assert_true(
		json_escape(&b, STRL("a\"\\\n\x1b[31m\xe2\x80\xae\xff\xf0\x9f\x98\x80\0z"), 1000));
	assert_true(str_is(
		buf_bytes(&b), "\"a\\\"\\\\\\n\\u001b[31m\\u202e\\ufffd\\ud83d\\ude00\\u0000z\""));
	buf_clear(&b, 0);
	assert_true(json_escape(&b, STRL("abcdef"), 3));
	assert_true(str_is(buf_bytes(&b), "\"abc\\u2026\""));
	buf_done(&b);
}

/* A flood of one event is cut to its budget, says so, and leaves other events alone. */
static void log_has_a_budget(void **state)
{
	int ends[2], saved = dup(STDERR_FILENO);
	char text[65536];
	size_t lines = 0;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	/* Nobody reads: the pipe fills, and nothing waits for it. */
	for (int i = 0; i < 5000; i++)
		LOG(LOG_INFO, "flood", LF_U64("i", (uint64_t)i));
	for (ssize_t got; (got = read(ends[0], text, sizeof(text))) > 0;) {
		for (ssize_t k = 0; k < got; k++)
			lines += text[k] == '\n';
	}
	LOG(LOG_INFO, "other");
	ssize_t got = read(ends[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	close(saved);
	close(ends[0]);
	close(ends[1]);
	assert_in_range(lines, 100, LOG_BURST + 2 * LOG_PER_S);
	assert_true(got > 0);
	text[got] = '\0';
	assert_non_null(strstr(text, "\"event\":\"other\""));
}

/* What a full disk did not take is counted before the first line that it takes. */
static void log_tells_what_was_dropped(void **state)
{
	int ends[2], saved = dup(STDERR_FILENO), full = open("/dev/full", O_WRONLY);
	char text[4096];

	assert_int_equal(pipe(ends), 0);
	assert_true(full >= 0);
	dup2(full, STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	for (int i = 0; i < 3; i++)
		LOG(LOG_INFO, "into-the-void", LF_U64("i", (uint64_t)i));
	dup2(ends[1], STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	LOG(LOG_INFO, "again");
	LOG(LOG_INFO, "and-again");
	ssize_t got = read(ends[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	log_init(LOG_INFO, STRL("n"));
	close(saved);
	close(full);
	close(ends[0]);
	close(ends[1]);
	assert_true(got > 0);
	text[got] = '\0';
	const char *told = strstr(text, "\"event\":\"log-dropped\",\"lines\":3}\n");
	assert_true(told && strstr(told, "\"event\":\"again\""));
	assert_null(strstr(told + 1, "\"event\":\"log-dropped\""));
}

static void json_nests(void **state)
{
	struct buf b;
	struct json j;

	buf_init(&b, 1000);
	json_init(&j, &b);
	json_object(&j, NULL);
	json_u64(&j, "n", 9223372036854775807u);
	json_u64(&j, "s", 9223372036854775808u);
	json_u64(&j, "t", 18446744073709551615u);
	json_array(&j, "a");
	json_bool(&j, NULL, true);
	json_cstr(&j, NULL, NULL);
	json_end(&j);
	json_u64(&j, "i", 1);
	json_end(&j);
	assert_false(j.failed);
	assert_true(str_is(buf_bytes(&b),
		"{\"n\":9223372036854775807,\"s\":\"9223372036854775808\","
		"\"t\":\"18446744073709551615\",\"a\":[true,null],\"i\":1}"));
	buf_done(&b);
	buf_init(&b, 10);
	json_init(&j, &b);
	json_object(&j, NULL);
	json_cstr(&j, "key", "does not fit");
	json_end(&j);
	assert_true(j.failed);
	buf_done(&b);
}

static void numbers_are_checked(void **state)
{
	uint64_t n = 7;

	assert_true(str_to_u64(STRL("18446744073709551615"), &n) && n == UINT64_MAX);
	assert_false(str_to_u64(STRL("18446744073709551616"), &n));
	assert_false(str_to_u64(STRL("99999999999999999999"), &n));
	assert_false(str_to_u64(STRL(""), &n));
	assert_false(str_to_u64(STRL("-1"), &n));
	assert_false(str_to_u64(STRL("1 "), &n));
	assert_true(n == UINT64_MAX);
}

static void lists_link(void **state)
{
	struct list head, a, b;

	list_init(&head);
	list_init(&a);
	assert_null(list_first(&head));
	list_append(&head, &a);
	list_append(&head, &b);
	assert_ptr_equal(list_first(&head), &a);
	list_remove(&a);
	list_remove(&a);
	assert_ptr_equal(list_first(&head), &b);
	list_remove(&b);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_stops_at_its_limit),
		cmocka_unit_test(arena_keeps_what_was_reserved),
		cmocka_unit_test(arena_memory_is_apart),
		cmocka_unit_test(buf_is_a_queue),
		{ "threats A16 the table of salted hashes agrees with a model",
			table_agrees_with_a_model, NULL, NULL, NULL },
		cmocka_unit_test(utf8_prefixes),
		cmocka_unit_test(utf8_round_trip),
		cmocka_unit_test(json_escapes_everything),
		cmocka_unit_test(log_has_a_budget),
		{ "threats H18 what a full disk did not take is told", log_tells_what_was_dropped,
			NULL, NULL, NULL },
		cmocka_unit_test(json_nests),
		cmocka_unit_test(numbers_are_checked),
		cmocka_unit_test(lists_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
