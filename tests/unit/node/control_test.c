/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "node/control.h"
#include "rows.h"

struct row {
	const char *name;
	struct str bytes;
	enum control_result result;
	enum control_verb verb;
	const char *words[CONTROL_WORDS_MAX];
	const char *error;
};

static const struct row rows[] = {
	{ "status", STR("status\n"), CONTROL_REQUEST, CONTROL_STATUS },
	{ "carriage return", STR("status\r\n"), CONTROL_REQUEST, CONTROL_STATUS },
	{ "reload", STR("reload\n"), CONTROL_REQUEST, CONTROL_RELOAD },
	{ "ping", STR("ping\n"), CONTROL_REQUEST, CONTROL_PING },
	{ "trace", STR("trace a.example *\n"), CONTROL_REQUEST, CONTROL_TRACE,
		{ "a.example", "*" } },
	{ "test", STR("test * a.example\n"), CONTROL_REQUEST, CONTROL_TEST, { "*", "a.example" } },
	{ "test of nobody", STR("test\n"), CONTROL_BAD, .error = "wrong number of words" },
	{ "more spaces", STR("  trace  a   b \n"), CONTROL_REQUEST, CONTROL_TRACE, { "a", "b" } },
	{ "UTF-8", STR("trace \xc3\xa5.example b\n"), CONTROL_REQUEST, CONTROL_TRACE,
		{ "\xc3\xa5.example", "b" } },
	{ "one line only", STR("ping\nstatus\n"), CONTROL_REQUEST, CONTROL_PING },
	{ "cluster", STR("cluster\n"), CONTROL_REQUEST, CONTROL_CLUSTER },
	{ "cluster of domains", STR("cluster a b\n"), CONTROL_REQUEST, CONTROL_CLUSTER,
		{ "a", "b" } },
	{ "drain", STR("drain outer-a\n"), CONTROL_REQUEST, CONTROL_DRAIN, { "outer-a" } },
	{ "drain of nobody", STR("drain\n"), CONTROL_BAD, .error = "wrong number of words" },
	{ "undrain", STR("undrain outer-a\n"), CONTROL_REQUEST, CONTROL_UNDRAIN, { "outer-a" } },
	{ "move", STR("move a.example b.example outer-a\n"), CONTROL_REQUEST, CONTROL_MOVE,
		{ "a.example", "b.example", "outer-a" } },
	{ "expel", STR("expel inner-b 77\n"), CONTROL_REQUEST, CONTROL_EXPEL, { "inner-b", "77" } },
	{ "expel of no process", STR("expel inner-b\n"), CONTROL_BAD,
		.error = "wrong number of words" },
	{ "move to nobody", STR("move a.example b.example\n"), CONTROL_BAD,
		.error = "wrong number of words" },
	{ "nothing", STR(""), CONTROL_MORE },
	{ "no line end", STR("status"), CONTROL_MORE },
	{ "empty line", STR("\n"), CONTROL_BAD, .error = "empty request" },
	{ "spaces", STR("   \n"), CONTROL_BAD, .error = "empty request" },
	{ "unknown", STR("stop\n"), CONTROL_BAD, .error = "unknown verb" },
	{ "case", STR("STATUS\n"), CONTROL_BAD, .error = "unknown verb" },
	{ "prefix", STR("stat\n"), CONTROL_BAD, .error = "unknown verb" },
	{ "too few words", STR("trace a\n"), CONTROL_BAD, .error = "wrong number of words" },
	{ "status of domains", STR("status a b c d\n"), CONTROL_REQUEST, CONTROL_STATUS,
		{ "a", "b", "c", "d" } },
	{ "status of too many", STR("status a b c d e\n"), CONTROL_BAD, .error = "too many words" },
	{ "word too many", STR("ping all\n"), CONTROL_BAD, .error = "wrong number of words" },
	{ "words too many", STR("trace a b c d e\n"), CONTROL_BAD, .error = "too many words" },
	{ "NUL", STR("pi\0ng\n"), CONTROL_BAD, .error = "not text" },
	{ "TAB", STR("trace\ta b\n"), CONTROL_BAD, .error = "not text" },
	{ "escape", STR("\033[2J\n"), CONTROL_BAD, .error = "not text" },
	{ "C1 control", STR("trace \xc2\x9b b\n"), CONTROL_BAD, .error = "not text" },
	{ "not UTF-8", STR("trace \xff b\n"), CONTROL_BAD, .error = "not text" },
	{ "inner carriage return", STR("pi\rng\n"), CONTROL_BAD, .error = "not text" },
};

static void check_row(const struct row *row)
{
	struct control_request request = { 0 };
	const char *error = NULL;

	name_row(row->name);
	assert_int_equal(control_parse(row->bytes, &request, &error), row->result);
	if (row->error)
		assert_string_equal(error, row->error);
	else
		assert_null(error);
	if (row->result != CONTROL_REQUEST)
		return;
	assert_int_equal(request.verb, row->verb);
	for (unsigned i = 0; i < CONTROL_WORDS_MAX; i++) {
		assert_int_equal(i < request.n_words, row->words[i] != NULL);
		if (row->words[i])
			assert_true(str_is(request.words[i], row->words[i]));
	}
}

static void whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* However few bytes have come: more is wanted until the line end, nothing else. */
static void byte_by_byte(void **state)
{
	(void)state;
	struct control_request request;
	const char *error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *end = memchr(rows[i].bytes.p, '\n', rows[i].bytes.len);
		size_t line = end ? (size_t)(end - rows[i].bytes.p) : rows[i].bytes.len;
		for (size_t n = 0; n <= line; n++)
			assert_int_equal(
				control_parse(str_from(rows[i].bytes.p, n), &request, &error),
				CONTROL_MORE);
	}
}

static void longest(void **state)
{
	(void)state;
	char line[CONTROL_LINE_MAX + 1];
	struct control_request request;
	const char *error;

	memset(line, 'x', sizeof(line));
	memcpy(line, "trace a ", 8);
	line[CONTROL_LINE_MAX - 1] = '\n';
	assert_int_equal(
		control_parse(str_from(line, CONTROL_LINE_MAX), &request, &error), CONTROL_REQUEST);
	line[CONTROL_LINE_MAX - 1] = 'x';
	line[CONTROL_LINE_MAX] = '\n';
	assert_int_equal(control_parse(str_from(line, CONTROL_LINE_MAX - 1), &request, &error),
		CONTROL_MORE);
	assert_int_equal(
		control_parse(str_from(line, CONTROL_LINE_MAX), &request, &error), CONTROL_BAD);
	assert_string_equal(error, "request too long");
	assert_int_equal(
		control_parse(str_from(line, sizeof(line)), &request, &error), CONTROL_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
