/* SPDX-License-Identifier: Apache-2.0 */
/* Each type of value: what fits, its canonical form, and that form through CBOR. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/base64.h"
#include "record/value.h"

static const struct {
	enum value_type type;
	const char *in;
	const char *want; /* "=": in itself, NULL: does not fit */
} rows[] = {
	{ TYPE_TEXT, "", "=" },
	{ TYPE_TEXT, " a\n", "=" },
	{ TYPE_TOKEN, "a", "=" },
	{ TYPE_TOKEN, "", NULL },
	{ TYPE_TOKEN, "a b", NULL },
	{ TYPE_TOKEN, "a\t", NULL },
	{ TYPE_BOOL, "true", "=" },
	{ TYPE_BOOL, "false", "=" },
	{ TYPE_BOOL, "1", "=" },
	{ TYPE_BOOL, "0", "=" },
	{ TYPE_BOOL, " true ", "true" },
	{ TYPE_BOOL, "TRUE", NULL },
	{ TYPE_BOOL, "", NULL },
	{ TYPE_BOOL, "2", NULL },
	{ TYPE_UINT, "0", "=" },
	{ TYPE_UINT, "007", "7" },
	{ TYPE_UINT, "+7", "7" },
	{ TYPE_UINT, "-0", "0" },
	{ TYPE_UINT, "-1", NULL },
	{ TYPE_UINT, "\n42 ", "42" },
	{ TYPE_UINT, "4 2", NULL },
	{ TYPE_UINT, "18446744073709551615", "=" },
	{ TYPE_UINT, "18446744073709551616", NULL },
	{ TYPE_UINT, "000000000000000000000000000000000001", "1" },
	{ TYPE_UINT, "", NULL },
	{ TYPE_UINT, "+", NULL },
	{ TYPE_UINT, "0x10", NULL },
	{ TYPE_UINT, "1.5", NULL },
	{ TYPE_INT, "-128", "=" },
	{ TYPE_INT, "-0", "0" },
	{ TYPE_INT, "+5", "5" },
	{ TYPE_INT, "--5", NULL },
	{ TYPE_INT, "9223372036854775807", "=" },
	{ TYPE_INT, "9223372036854775808", NULL },
	{ TYPE_INT, "-9223372036854775808", "=" },
	{ TYPE_INT, "-9223372036854775809", NULL },
	{ TYPE_TIME, "2002-09-10T23:41:07Z", "=" },
	{ TYPE_TIME, "2002-09-10T23:41:07.123456Z", "=" },
	{ TYPE_TIME, "1969-07-20T21:56:15-05:00", "=" },
	{ TYPE_TIME, "1969-07-20T21:56:15+05:00", "=" },
	{ TYPE_TIME, "20020910T23:41:07", "=" },
	{ TYPE_TIME, "2002-09-10T23:41:07", NULL },
	{ TYPE_TIME, "2002-09-10 23:41:07Z", NULL },
	{ TYPE_TIME, "2002-09-10T23:41:07.Z", NULL },
	{ TYPE_TIME, "2002-09-10T23:41:07ZZ", NULL },
	{ TYPE_TIME, "20020910T23:41:07Z", NULL },
	{ TYPE_TIME, "", NULL },
	{ TYPE_JID, "a@example.com/b", "=" },
	{ TYPE_JID, "A@Example.com./B", "a@example.com/B" },
	{ TYPE_JID, "", NULL },
	{ TYPE_JID, " a@example.com", NULL },
	{ TYPE_BASE64, "", "=" },
	{ TYPE_BASE64, "QQ==", "=" },
	{ TYPE_BASE64, "QUI=", "=" },
	{ TYPE_BASE64, "QUJD", "=" },
	{ TYPE_BASE64, "Q\nUJ D\t", "QUJD" },
	{ TYPE_BASE64, " ", "" },
	{ TYPE_BASE64, "QR==", "=" },
	{ TYPE_BASE64, "Q R==", "=" },
	{ TYPE_BASE64, "QUJ", "=" },
	{ TYPE_BASE64, "Q===", "=" },
	{ TYPE_BASE64, "====", "=" },
	{ TYPE_BASE64, "QU=D", "=" },
	{ TYPE_BASE64, "QQ==QQ==", "=" },
	{ TYPE_BASE64, "-_-_", "=" },
	{ TYPE_BASE64, "\xc3\xa9\xc3\xa9", "=" },
	{ TYPE_URI, "https://example.com/a?b=%20#c", "=" },
	{ TYPE_URI, "cid:sha1+8f35@bob.xmpp.org", "=" },
	{ TYPE_URI, "xmpp:romeo@montague.example?join", "=" },
	{ TYPE_URI, "http://\xc3\xa9.example/", "=" },
	{ TYPE_URI, "a1+-.:", "=" },
	{ TYPE_URI, "1a:b", NULL },
	{ TYPE_URI, "//example.com/", NULL },
	{ TYPE_URI, ":x", NULL },
	{ TYPE_URI, "", NULL },
	{ TYPE_URI, "https://example.com/a b", NULL },
	{ TYPE_URI, "https://example.com/<", NULL },
	{ TYPE_URI, "java\nscript:x", NULL },
	{ TYPE_LANG, "", "=" },
	{ TYPE_LANG, "en", "=" },
	{ TYPE_LANG, "de-CH-1996", "=" },
	{ TYPE_LANG, "x-klingon", "=" },
	{ TYPE_LANG, "en-", NULL },
	{ TYPE_LANG, "-en", NULL },
	{ TYPE_LANG, "e--n", NULL },
	{ TYPE_LANG, "en_US", NULL },
	{ TYPE_LANG, "abcdefghi", NULL },
	{ TYPE_SHOW_WORD, "dnd", "=" },
	{ TYPE_SHOW_WORD, "DND", NULL },
	{ TYPE_SHOW_WORD, " dnd", NULL },
	{ TYPE_SHOW_WORD, "", NULL },
	{ TYPE_NOTHING, "", NULL },
	{ TYPE_MIXED, "x", NULL },
};

static void pass(struct arena *a, enum value_type type, struct str value)
{
	struct buf out;
	struct cbor_reader r;
	struct str again;

	buf_init(&out, 1000);
	assert_true(value_encode(&out, type, value));
	cbor_init(&r, buf_bytes(&out));
	assert_true(str_eq(value_decode(&r, type, a), value));
	assert_true(cbor_end(&r));
	/* A canonical form is the canonical form of itself. */
	assert_true(value_fit(type, value, a, &again));
	assert_true(str_eq(again, value));
	buf_done(&out);
}

static void types(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str value;
		bool fits = value_fit(rows[i].type, str_of(rows[i].in), &a, &value);
		const char *want = rows[i].want;
		if (want && want[0] == '=' && want[1] == '\0')
			want = rows[i].in;
		if (fits != (want != NULL) || (fits && !str_is(value, want)))
			print_message("type %d: %s\n", rows[i].type, rows[i].in);
		assert_int_equal(fits, want != NULL);
		if (fits) {
			assert_true(str_is(value, want));
			pass(&a, rows[i].type, value);
		}
		arena_reset(&a);
	}
	arena_done(&a);
}

/* All lengths around the groups of three, all byte values. */
static void base64_round_trip(void **state)
{
	struct arena a;
	char bytes[300], back[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct str text = base64_text(str_from(bytes, n), &a);
		assert_true(base64_is(text));
		assert_int_equal(base64_size(text), n);
		base64_decode(text, back);
		assert_memory_equal(back, bytes, n);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(base64_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
