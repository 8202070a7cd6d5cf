/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "jid/jid.h"
#include "rows.h"

static struct arena arena;

/* want NULL: the error; otherwise the prepared form, "=" for the input itself. */
struct row {
	const char *name;
	const char *in;
	const char *want;
	enum jid_error error;
};

static void check_row(const struct row *row)
{
	struct jid jid, again;
	struct str in = str_of(row->in);
	enum jid_error e = jid_parse(&arena, in, &jid);

	name_row(row->name);
	if (!row->want) {
		assert_int_equal(e, row->error);
		assert_int_not_equal(jid_parse_prepared(in, &jid), JID_OK);
		return;
	}
	const char *want = row->want[0] == '=' ? row->in : row->want;
	assert_int_equal(e, JID_OK);
	assert_true(str_is(jid.full, want));
	enum jid_error prepared = jid_parse_prepared(in, &again);
	assert_int_equal(prepared, str_is(in, want) ? JID_OK : JID_NOT_PREPARED);
	assert_int_equal(jid_parse_prepared(jid.full, &again), JID_OK);
	assert_true(str_eq(again.local, jid.local));
	assert_true(str_eq(again.domain, jid.domain));
	assert_true(str_eq(again.resource, jid.resource));
	if (str_is(in, want))
		assert_ptr_equal(jid.full.p, in.p);
	arena_reset(&arena);
}

#define FULLWIDTH_B "\xef\xbd\x82"

/* RFC 7622 and RFC 6122, see doc/conformance.md D1 to D8. */
static const struct row splitting[] = {
	{ "s2s D1 bare domain", "example.com", "=" },
	{ "s2s D1 bare address", "alice@example.com", "=" },
	{ "s2s D1 full address", "alice@example.com/phone", "=" },
	{ "s2s D1 domain with resource", "example.com/phone", "=" },
	{ "s2s D1 slash before at", "example.com/alice@other.example", "=" },
	{ "s2s D1 second at in the resource", "alice@example.com/a@b/c", "=" },
	{ "s2s D1 second at in the domain", "alice@bob@example.com", NULL, JID_BAD_DOMAIN },
	{ "s2s D1 empty", "", NULL, JID_EMPTY_PART },
	{ "s2s D1 empty local", "@example.com", NULL, JID_EMPTY_PART },
	{ "s2s D1 empty domain", "alice@", NULL, JID_EMPTY_PART },
	{ "s2s D1 empty domain before resource", "alice@/phone", NULL, JID_EMPTY_PART },
	{ "s2s D1 only a slash", "/", NULL, JID_EMPTY_PART },
	{ "s2s D1 only an at", "@", NULL, JID_EMPTY_PART },
	{ "s2s D1 empty resource", "alice@example.com/", NULL, JID_EMPTY_PART },
	{ "s2s D1 two slashes", "alice@example.com//", "=" },
	{ "s2s D3 trailing dot", "alice@example.com.", "alice@example.com" },
	{ "s2s D3 two trailing dots", "example.com..", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 only a dot", ".", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 leading dot", ".example.com", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 empty label", "example..com", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 upper case", "Example.COM", "example.com" },
	{ "s2s D3 U-label",
		"b\xc3\xbc"
		"cher.example",
		"=" },
	{ "s2s D3 U-label in upper case",
		"B\xc3\x9c"
		"CHER.example",
		"b\xc3\xbc"
		"cher.example" },
	{ "s2s D3 A-label", "xn--bcher-kva.example",
		"b\xc3\xbc"
		"cher.example" },
	{ "s2s D3 A-label in upper case", "XN--BCHER-KVA.Example",
		"b\xc3\xbc"
		"cher.example" },
	{ "s2s D3 decomposed",
		"bu\xcc\x88"
		"cher.example",
		"b\xc3\xbc"
		"cher.example" },
	{ "s2s D3 two hyphens inside", "ab--cd.example", "=" },
	{ "s2s D3 hyphen first", "-a.example", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 hyphen last", "a-.example", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 underscore", "a_b.example", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 fullwidth underscore",
		"a\xef\xbc\xbf"
		"b.example",
		NULL, JID_BAD_DOMAIN },
	{ "s2s D3 space", "a b.example", NULL, JID_BAD_DOMAIN },
	{ "s2s D3 symbol", "\xe2\x98\x83.example", NULL, JID_BAD_DOMAIN },
	{ "s2s D4 upper case local", "Alice@example.com", "alice@example.com" },
	{ "s2s D4 case kept in the resource", "alice@example.com/Phone", "=" },
	{ "s2s D4 umlaut", "J\xc3\x9cRGEN@example.com/\xc3\x9c",
		"j\xc3\xbcrgen@example.com/\xc3\x9c" },
	{ "s2s D4 emoji in the resource", "room@muc.example/nick\xf0\x9f\x99\x82", "=" },
	{ "s2s D6 single label", "localhost", NULL, JID_BAD_DOMAIN },
	{ "s2s D6 single label with local", "a@localhost/r", NULL, JID_BAD_DOMAIN },
	{ "s2s D6 IPv4", "192.0.2.1", NULL, JID_BAD_DOMAIN },
	{ "s2s D6 IPv6", "a@[2001:db8::1]", NULL, JID_BAD_DOMAIN },
	{ "s2s D7 escapes are opaque", "d\\27artagnan\\40x@example.com", "=" },
	{ "s2s D8 overlong slash", "a@example.com\xc0\xaf", NULL, JID_NOT_UTF8 },
	{ "s2s D8 cut sequence", "a@example.com/\xe2\x82", NULL, JID_NOT_UTF8 },
	{ "s2s D8 surrogate", "\xed\xa0\x80@example.com", NULL, JID_NOT_UTF8 },
	{ "s2s D8 U+FFFE", "a@example.com/\xef\xbf\xbe", NULL, JID_NOT_UTF8 },
	{ "s2s D8 control", "a@example.com/\x01", NULL, JID_NOT_UTF8 },
};

/* Addresses that are not what they look like, see doc/threats.md F1 to F11. */
static const struct row spoofing[] = {
	{ "threats F1 case", "MALLORY@OUTSIDE.EXAMPLE", "mallory@outside.example" },
	{ "threats F1 fullwidth local", "mallory" FULLWIDTH_B "@outside.example",
		"malloryb@outside.example" },
	{ "threats F1 fullwidth domain", "mallory@" FULLWIDTH_B ".example", "mallory@b.example" },
	{ "threats F1 ideographic dot",
		"mallory@outside\xe3\x80\x82"
		"example",
		"mallory@outside.example" },
	{ "threats F1 ideographic dot at the end", "mallory@outside.example\xe3\x80\x82",
		"mallory@outside.example" },
	{ "threats F1 halfwidth ideographic dot",
		"mallory@outside\xef\xbd\xa1"
		"example",
		"mallory@outside.example" },
	{ "threats F1 soft hyphen in local", "mal\xc2\xadlory@outside.example",
		"mallory@outside.example" },
	{ "threats F1 soft hyphen in domain", "mallory@out\xc2\xadside.example",
		"mallory@outside.example" },
	{ "threats F1 only a soft hyphen", "\xc2\xad@outside.example", NULL, JID_EMPTY_PART },
	{ "threats F1 joiner in local", "mal\xe2\x80\x8dlory@outside.example",
		"mallory@outside.example" },
	{ "threats F1 joiner in domain", "mallory@out\xe2\x80\x8dside.example", NULL,
		JID_BAD_DOMAIN },
	{ "threats F1 zero width space in domain", "mallory@out\xe2\x80\x8bside.example",
		"mallory@outside.example" },
	{ "threats F1 capital with dot", "\xc4\xb0@outside.example", "i\xcc\x87@outside.example" },
	{ "threats F1 fullwidth at in local",
		"a\xef\xbc\xa0"
		"b@outside.example",
		NULL, JID_FORBIDDEN },
	{ "threats F1 fullwidth solidus in domain", "a@b\xef\xbc\x8f.example", NULL,
		JID_BAD_DOMAIN },
	{ "threats F2 sharp s in local",
		"stra\xc3\x9f"
		"e@outside.example",
		"strasse@outside.example" },
	{ "threats F2 sharp s in domain",
		"a@stra\xc3\x9f"
		"e.example",
		NULL, JID_BAD_DOMAIN },
	{ "threats F2 sharp s as A-label", "a@xn--strae-oqa.example", NULL, JID_BAD_DOMAIN },
	{ "threats F2 final sigma in local", "\xcf\x82@outside.example",
		"\xcf\x83@outside.example" },
	{ "threats F2 final sigma in domain", "a@\xce\xb1\xcf\x82.example", NULL, JID_BAD_DOMAIN },
	{ "threats F2 dotless i", "\xc4\xb1@outside.example", "=" },
	{ "threats F2 Cherokee small letter in local", "\xea\xad\xb0@outside.example", NULL,
		JID_FORBIDDEN },
	{ "threats F3 Cyrillic is another identity", "m\xd0\xb0llory@outside.example", "=" },
	{ "threats F4 unassigned in local", "\xc8\xa1@outside.example", NULL, JID_FORBIDDEN },
	{ "threats F4 bidi violation in local",
		"\xd7\x90"
		"c@outside.example",
		NULL, JID_FORBIDDEN },
	{ "threats F4 bidi violation in resource",
		"a@outside.example/\xd7\x90"
		"c",
		NULL, JID_FORBIDDEN },
	{ "threats F4 bidi violation in domain", "0\xd7\x90.example", NULL, JID_BAD_DOMAIN },
	{ "threats F5 escapes", "a\\40b\\2f\\5c40@outside.example", "=" },
	{ "threats F6 leading space", " mallory@outside.example", NULL, JID_FORBIDDEN },
	{ "threats F6 trailing space in local", "mallory @outside.example", NULL, JID_FORBIDDEN },
	{ "threats F6 trailing space in domain", "mallory@outside.example ", NULL, JID_BAD_DOMAIN },
	{ "threats F6 space in the resource", "mallory@outside.example/ ", "=" },
	{ "threats F6 line feed in the resource", "mallory@outside.example/a\n", NULL,
		JID_FORBIDDEN },
	{ "threats F6 line feed in local", "mallory\n@outside.example", NULL, JID_FORBIDDEN },
	{ "threats F6 no-break space in the resource", "a@outside.example/\xc2\xa0",
		"a@outside.example/ " },
	{ "threats F6 quotes in local", "\"mallory\"@outside.example", NULL, JID_FORBIDDEN },
	{ "threats F8 percent forms", "mallory@outside%2eexample.com", NULL, JID_BAD_DOMAIN },
	{ "threats F8 decimal IP", "3232235521", NULL, JID_BAD_DOMAIN },
	{ "threats F8 short IP", "127.1", NULL, JID_BAD_DOMAIN },
	{ "threats F8 hexadecimal IP", "a.0x7f", NULL, JID_BAD_DOMAIN },
	{ "threats F8 fullwidth IP",
		"\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.\xef\xbc\x90.\xef\xbc\x90.\xef\xbc\x91", NULL,
		JID_BAD_DOMAIN },
	{ "threats F8 IPv6 without brackets", "2001:db8::1", NULL, JID_BAD_DOMAIN },
	{ "threats F8 port", "outside.example:5269", NULL, JID_BAD_DOMAIN },
	{ "threats F11 A-label of ASCII", "xn--abc-.example", NULL, JID_BAD_DOMAIN },
	{ "threats F11 A-label that is not punycode", "xn--a.example", NULL, JID_BAD_DOMAIN },
	{ "threats F11 A-label of an upper-case letter", "xn--cher-fna.example", NULL,
		JID_BAD_DOMAIN },
	{ "threats F11 A-label that does not round-trip", "xn--a-ecp.ru", NULL, JID_BAD_DOMAIN },
	{ "threats F11 empty A-label", "xn--.example", NULL, JID_BAD_DOMAIN },
	{ "threats F11 A-label with the prefix twice", "xn--xn--bcher-kva-.example", NULL,
		JID_BAD_DOMAIN },
};

static void splits(void **state)
{
	for (size_t i = 0; i < sizeof(splitting) / sizeof(*splitting); i++)
		check_row(&splitting[i]);
}

static void spoofs(void **state)
{
	for (size_t i = 0; i < sizeof(spoofing) / sizeof(*spoofing); i++)
		check_row(&spoofing[i]);
}

static void parts_are_found(void **state)
{
	struct jid j;
	const char *const texts[] = { "a@b.example/c@d/e", "A@b.example/c@d/e" };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(jid_parse(&arena, str_of(texts[i]), &j), JID_OK);
		assert_true(str_is(j.local, "a"));
		assert_true(str_is(j.domain, "b.example"));
		assert_true(str_is(j.resource, "c@d/e"));
	}
	assert_int_equal(jid_parse(&arena, STRL("B.example"), &j), JID_OK);
	assert_int_equal(j.local.len, 0);
	assert_int_equal(j.resource.len, 0);
	arena_reset(&arena);
}

/* Lengths at and over the limits; c is repeated. */
static enum jid_error of_length(const char *before, char c, size_t n, const char *after)
{
	static char text[8192];
	struct jid j;
	size_t len = strlen(before);

	memcpy(text, before, len);
	memset(text + len, c, n);
	strcpy(text + len + n, after);
	enum jid_error e = jid_parse(&arena, str_of(text), &j);
	enum jid_error p = jid_parse_prepared(str_of(text), &j);
	assert_true((e == JID_OK && p == JID_NOT_PREPARED) || e == p);
	arena_reset(&arena);
	return e;
}

static void lengths(void **state)
{
	assert_int_equal(of_length("", 'a', 1023, "@example.com"), JID_OK);
	assert_int_equal(of_length("", 'A', 1023, "@example.com"), JID_OK);
	assert_int_equal(of_length("", 'a', 1024, "@example.com"), JID_TOO_LONG);
	assert_int_equal(of_length("\xc3\xbc", 'a', 1021, "@example.com"), JID_OK);
	assert_int_equal(of_length("a@example.com/", 'a', 1023, ""), JID_OK);
	assert_int_equal(of_length("a@example.com/", 'a', 1024, ""), JID_TOO_LONG);
	assert_int_equal(of_length("a@example.com/\xc3\xbc", 'a', 1022, ""), JID_TOO_LONG);
	assert_int_equal(of_length("a@", 'a', 63, ".example"), JID_OK);
	assert_int_equal(of_length("a@", 'a', 64, ".example"), JID_BAD_DOMAIN);
	assert_int_equal(of_length("\xc3\xbc", 'a', 100, ".example"), JID_BAD_DOMAIN);
	assert_int_equal(of_length("a@example.", 'a', 64, ""), JID_BAD_DOMAIN);
	assert_int_equal(of_length("a@", '.', 2000, ""), JID_TOO_LONG);
	/* grows: U+FDFA becomes 33 bytes */
	char text[400] = "a@example.com/";
	for (int i = 0; i < 32; i++)
		strcat(text, "\xef\xb7\xba");
	struct jid j;
	assert_int_equal(jid_parse(&arena, str_of(text), &j), JID_TOO_LONG);
}

static void name_of_253(void **state)
{
	char text[300] = "";
	struct jid j;

	for (int i = 0; i < 25; i++)
		strcat(text, "abcdefghi.");
	strcat(text, "abc");
	assert_int_equal(strlen(text), 253);
	assert_int_equal(jid_parse_prepared(str_of(text), &j), JID_OK);
	strcat(text, "d");
	assert_int_equal(jid_parse_prepared(str_of(text), &j), JID_BAD_DOMAIN);
}

/* threats F10: what a peer may send at most is far over what the libraries get. */
static void huge_inputs(void **state)
{
	size_t n = 2 << 20;
	char *text = malloc(n);
	struct jid j;
	struct str d;

	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, "\xcc\x88", 2);
	assert_int_equal(jid_parse(&arena, str_from(text, n), &j), JID_TOO_LONG);
	assert_int_equal(jid_parse_domain(&arena, str_from(text, n), &d), JID_TOO_LONG);
	assert_int_equal(jid_domain_to_ascii(&arena, str_from(text, n), &d), JID_TOO_LONG);
	assert_int_not_equal(jid_parse(&arena, str_from(text, 1022), &j), JID_OK);
	free(text);
}

static void domains(void **state)
{
	struct str d, ascii;

	assert_int_equal(jid_parse_domain(&arena, STRL("Example.COM."), &d), JID_OK);
	assert_true(str_is(d, "example.com"));
	assert_int_equal(jid_parse_domain(&arena, STRL("example.com"), &d), JID_OK);
	assert_int_equal(jid_domain_to_ascii(&arena, d, &ascii), JID_OK);
	assert_true(str_is(ascii, "example.com"));
	assert_int_equal(jid_parse_domain(&arena, STRL("XN--bcher-kva.example"), &d), JID_OK);
	assert_true(str_is(d,
		"b\xc3\xbc"
		"cher.example"));
	assert_int_equal(jid_domain_to_ascii(&arena, d, &ascii), JID_OK);
	assert_true(str_is(ascii, "xn--bcher-kva.example"));
	assert_int_equal(jid_parse_domain(&arena, STRL("a@example.com"), &d), JID_BAD_DOMAIN);
	assert_int_equal(jid_parse_domain(&arena, STRL("example.com/r"), &d), JID_BAD_DOMAIN);
	assert_int_equal(jid_parse_domain(&arena, STRL(""), &d), JID_EMPTY_PART);
	assert_int_equal(jid_parse_domain(&arena, STRL("\xff.example"), &d), JID_NOT_UTF8);
	arena_reset(&arena);
}

static void memory_limit(void **state)
{
	struct arena small;
	struct jid j;

	arena_init(&small, 8);
	assert_int_equal(jid_parse(&small, STRL("Alice@example.com"), &j), JID_MEMORY);
	assert_int_equal(jid_parse(&small, STRL("alice@example.com"), &j), JID_OK);
	arena_done(&small);
}

static void error_texts(void **state)
{
	for (int e = JID_OK; e <= JID_MEMORY; e++)
		assert_true(strlen(jid_error_text((enum jid_error)e)) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(spoofs),
		cmocka_unit_test(parts_are_found),
		{ "s2s D2 lengths", lengths, NULL, NULL, NULL },
		{ "s2s D2 name of 253 octets", name_of_253, NULL, NULL, NULL },
		{ "threats F10 huge inputs", huge_inputs, NULL, NULL, NULL },
		{ "s2s D3 domains", domains, NULL, NULL, NULL },
		cmocka_unit_test(memory_limit),
		cmocka_unit_test(error_texts),
	};

	arena_init(&arena, 1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
