/* SPDX-License-Identifier: Apache-2.0 */
/* Which characters may stand in names, and the private tests of strings that the writer relies on.
 */
#include "harness.h"
#include "xml/chars.h"

static const struct {
	const char *name;
	uint32_t c;
	bool starts;
	bool follows;
} letters[] = {
	{ "colon", ':', false, false },
	{ "underscore", '_', true, true },
	{ "hyphen", '-', false, true },
	{ "full stop", '.', false, true },
	{ "digit", '7', false, true },
	{ "middle dot", 0xb7, false, true },
	{ "multiplication sign", 0xd7, false, false },
	{ "e acute", 0xe9, true, true },
	{ "combining grave", 0x300, false, true },
	{ "Cyrillic", 0x436, true, true },
	{ "Arabic-Indic digit", 0x661, false, true },
	{ "Hangul", 0xac00, true, true },
	{ "ideograph", 0x4e2d, true, true },
	{ "ideographic zero", 0x3007, true, true },
	{ "fifth edition only: zero width joiner", 0x200d, false, false },
	{ "fifth edition only: letter of Unicode 3", 0x1200, false, false },
	{ "fifth edition only: beyond U+FFFF", 0x10000, false, false },
};

static void test_letters(void **state)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		char bytes[8] = "a";
		size_t n = utf8_encode(letters[i].c, bytes + 1);
		if (xml_is_name_start(letters[i].c) != letters[i].starts ||
			xml_is_name_char(letters[i].c) != letters[i].follows ||
			xml_is_ncname(str_from(bytes + 1, n)) != letters[i].starts ||
			xml_is_ncname(str_from(bytes, n + 1)) != letters[i].follows)
			fail_msg("%s", letters[i].name);
	}
}

/* The reader takes the names that the test takes, as elements and as attributes. */
static void test_reader_agrees(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);

	for (uint32_t c = 0x21; c < 0x10100; c++) {
		static const char *const forms[][2] = { { "<", "/>" }, { "<a", "/>" },
			{ "<b ", "=''/>" }, { "<b a", "=''/>" } };
		char bytes[4], doc[32];
		size_t n = utf8_encode(c, bytes);
		/* These end the name, or make it a prefix. */
		if (!xml_is_char(c) || (c < 0x80 && strchr("/>=:!?", (int)c)))
			continue;
		for (size_t i = 0; i < 4; i++) {
			int len = snprintf(doc, sizeof(doc), "%s%.*s%s", forms[i][0], (int)n, bytes,
				forms[i][1]);
			struct str in = str_from(doc, (size_t)len);
			xml_reader_restart(r, NULL);
			bool taken = xml_reader_next(r, &in) == XML_OPEN;
			bool want = i % 2 ? xml_is_name_char(c) : xml_is_name_start(c);
			if (taken != want)
				fail_msg("U+%04X in %s%s", c, forms[i][0], forms[i][1]);
		}
	}
	xml_reader_free(r);
}

static const struct {
	const char *name;
	struct str s;
	bool ok;
} ncnames[] = {
	{ "empty", STR(""), false },
	{ "plain", STR("body"), true },
	{ "space", STR("a b"), false },
	{ "markup", STR("a<"), false },
	{ "slash", STR("a/"), false },
	{ "prefixed", STR("a:b"), false },
	{ "NUL", STR("a\0b"), false },
	{ "wide", STR("\xc3\xa9t\xc3\xa9"), true },
	{ "bad UTF-8", STR("a\xc3"), false },
	{ "surrogate", STR("a\xed\xa0\x80"), false },
};

static void test_ncnames(void **state)
{
	for (size_t i = 0; i < sizeof(ncnames) / sizeof(ncnames[0]); i++) {
		if (xml_is_ncname(ncnames[i].s) != ncnames[i].ok)
			fail_msg("%s", ncnames[i].name);
	}
}

static const struct {
	const char *name;
	struct str s;
	int want;
} chars[] = {
	{ "ASCII", STR("a"), 1 },
	{ "TAB", STR("\t"), 1 },
	{ "DEL", STR("\x7f"), 1 },
	{ "control", STR("\x0b"), XML_CHAR_FORBIDDEN },
	{ "two", STR("\xc3\xa9x"), 2 },
	{ "three", STR("\xe2\x82\xac"), 3 },
	{ "four", STR("\xf0\x9f\x98\x80"), 4 },
	{ "cut after one", STR("\xc3"), 0 },
	{ "cut after two", STR("\xe2\x82"), 0 },
	{ "cut after three", STR("\xf0\x9f\x98"), 0 },
	{ "overlong at the first byte", STR("\xc1"), XML_CHAR_MALFORMED },
	{ "overlong at the second byte", STR("\xe0\x9f"), XML_CHAR_MALFORMED },
	{ "overlong of four", STR("\xf0\x8f"), XML_CHAR_MALFORMED },
	{ "surrogate at the second byte", STR("\xed\xa0"), XML_CHAR_MALFORMED },
	{ "too high at the second byte", STR("\xf4\x90"), XML_CHAR_MALFORMED },
	{ "too high at the first byte", STR("\xf5"), XML_CHAR_MALFORMED },
	{ "bad third byte", STR("\xe2\x82\x20"), XML_CHAR_MALFORMED },
	{ "bad third of four, cut", STR("\xf0\x9f\xff"), XML_CHAR_MALFORMED },
	{ "U+FFFD", STR("\xef\xbf\xbd"), 3 },
	{ "U+FFFE", STR("\xef\xbf\xbe"), XML_CHAR_FORBIDDEN },
	{ "U+1FFFE", STR("\xf0\x9f\xbf\xbe"), 4 },
};

static void test_chars(void **state)
{
	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++) {
		if (xml_char_len(chars[i].s.p, chars[i].s.len) != chars[i].want)
			fail_msg("%s", chars[i].name);
	}
	for (uint32_t c = 0; c < 0x110000; c++) {
		char bytes[4];
		size_t n = utf8_encode(c, bytes);
		int got = xml_char_len(bytes, n);
		if ((got == (int)n) != xml_is_char(c) || (got < 0) == xml_is_char(c))
			fail_msg("U+%04X: %d", c, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_reader_agrees),
		cmocka_unit_test(test_ncnames),
		cmocka_unit_test(test_chars),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
