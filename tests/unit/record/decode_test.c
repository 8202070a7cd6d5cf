/* SPDX-License-Identifier: Apache-2.0 */
/* doc/threats.md section L: what a captured node may send as a record. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cbor.h"
#include "bench.h"
#include "record/catalogue.h"
#include "record/fit.h"
#include "rows.h"

/*
 * Records are written here in a notation of their own, for the eye: tokens with spaces between,
 * [n array, {n map, a number, -number, 'text', h'hex', T, F, N (null), :ID the number of an
 * element,
 * @name that of an attribute, and x'hex' for raw bytes. HEAD is a chat message from juliet to romeo
 * without its array head.
 */
#define HEAD "0 2 'juliet@example.com/balcony' 'romeo@example.net' 'id' ''"
#define PRESENCE "1 0 'juliet@example.com/balcony' 'romeo@example.net' N ''"
#define IQ "2 13 'juliet@example.com/balcony' 'romeo@example.net' 'id' ''"

static size_t hex_to_bytes(struct str hex, uint8_t *ret)
{
	for (size_t i = 0; i + 1 < hex.len; i += 2) {
		unsigned b = 0;
		assert_int_equal(sscanf(hex.p + i, "%2x", &b), 1);
		ret[i / 2] = (uint8_t)b;
	}
	return hex.len / 2;
}

static unsigned find_id(struct str name)
{
	static const struct {
		struct str id;
		unsigned number;
	} ids[] = {
#define ELEMENT(number, id, ...) { STR(#id), number },
#include "record/catalogue/elements.def"
#undef ELEMENT
	};
	size_t i = 0;

	while (!str_eq(ids[i].id, name))
		assert_true(++i < sizeof(ids) / sizeof(*ids));
	return ids[i].number;
}

static unsigned find_attr(struct str name)
{
	unsigned n = 1;

	while (!str_eq(catalogue_attr_name(n), name))
		assert_true(++n < CATALOGUE_ATTRS_END);
	return n;
}

static void put_token(struct buf *out, struct str t)
{
	uint8_t bytes[512];
	char first = t.p[0];
	char digits[32] = "";

	if (first == '\'') {
		cbor_put_text(out, str_from(t.p + 1, t.len - 2));
	} else if (first == 'h') {
		size_t n = hex_to_bytes(str_from(t.p + 2, t.len - 3), bytes);
		cbor_put_bytes(out, str_from(bytes, n));
	} else if (first == 'x') {
		size_t n = hex_to_bytes(str_from(t.p + 2, t.len - 3), bytes);
		buf_append(out, str_from(bytes, n));
	} else if (first == ':') {
		cbor_put_uint(out, find_id(str_skip(t, 1)));
	} else if (first == '@') {
		cbor_put_uint(out, find_attr(str_skip(t, 1)));
	} else if (first == 'T' || first == 'F') {
		cbor_put_bool(out, first == 'T');
	} else if (first == 'N') {
		cbor_put_null(out);
	} else {
		bool bracket = first == '[' || first == '{';
		memcpy(digits, t.p + bracket, t.len - bracket);
		long long n = atoll(digits);
		if (first == '[')
			cbor_put_array(out, (size_t)n);
		else if (first == '{')
			cbor_put_map(out, (size_t)n);
		else
			cbor_put_int(out, n);
	}
}

static void compile(struct buf *out, const char *text)
{
	buf_clear(out, SIZE_MAX);
	while (*text) {
		size_t n = strcspn(text, " ");
		const char *quote = memchr(text, '\'', n);
		if (quote)
			n = (size_t)(strchr(quote + 1, '\'') - text) + 1;
		if (n)
			put_token(out, str_from(text, n));
		text += n;
		text += *text == ' ';
	}
}

struct row {
	const char *name;
	const char *text;
	const char *fault; /* NULL: accepted */
};

static const struct row standard[] = {
	{ "message without payload", "[6 " HEAD, NULL },
	{ "message with a body", "[7 " HEAD " [3 :BODY {0 'Hi'", NULL },
	{ "body with a language", "[7 " HEAD " [3 :BODY {1 @xml:lang 'en' 'Hi'", NULL },
	{ "empty body", "[7 " HEAD " [2 :BODY {0", NULL },
	{ "presence", "[6 " PRESENCE, NULL },
	{ "iq", "[7 " IQ " [2 :VERSION_NAME {0", "element not allowed here" },
	{ "ping", "[7 " IQ " [2 :PING_PING {0", NULL },
	{ "threats L1 nothing", "", "item is missing" },
	{ "threats L1 a byte too much", "[6 " HEAD " x'00'", "bytes left over" },
	{ "threats L1 shorter than its array", "[7 " HEAD, "item is missing" },
	{ "threats L1 field missing", "[5 0 2 'juliet@example.com' 'romeo@example.net' 'id'",
		"record without its six fields" },
	{ "threats L2 bytes of 2^64 - 1", "[7 " HEAD " x'5bffffffffffffffff'",
		"item of the wrong type" },
	{ "threats L2 text of 2^63 - 1", "[7 " HEAD " [3 :BODY {0 x'7b7fffffffffffffff61'",
		"string is cut short" },
	{ "threats L2 record of 2^32 items", "x'9b0000000100000000'", "more items than bytes" },
	{ "threats L2 map of 2^63", "[7 " HEAD " [2 :BODY x'bb8000000000000000'",
		"more items than bytes" },
	{ "threats L3 indefinite text", "[7 " HEAD " [3 :BODY {0 x'7f6161ff'",
		"indefinite length" },
	{ "threats L3 indefinite array", "[7 " HEAD " x'9f0100ff'", "indefinite length" },
	{ "threats L3 indefinite map", "[7 " HEAD " [2 :BODY x'bf6161ff'", "indefinite length" },
	{ "threats L3 break", "[7 " HEAD " x'ff'", "float, break or unknown simple value" },
	{ "threats L5 tag", "[7 " HEAD " [3 :BODY {0 x'c6' 'Hi'", "tag" },
	{ "threats L5 float", "[7 " PRESENCE " [3 :PRIORITY {0 x'f93c00'",
		"float, break or unknown simple value" },
	{ "threats L5 undefined", "[6 0 2 'a@example.com' 'b@example.net' x'f7' ''",
		"float, break or unknown simple value" },
	{ "threats L6 long array head", "x'9806' " HEAD, "integer not in its shortest form" },
	{ "threats L6 long element number", "[7 " HEAD " [3 x'1801' {0 'Hi'",
		"integer not in its shortest form" },
	{ "threats L6 long text length", "[7 " HEAD " [3 :BODY {0 x'78026869'",
		"integer not in its shortest form" },
	{ "threats L6 long attribute number", "[7 " HEAD " [3 :BODY {1 x'1802' 'en' 'Hi'",
		"integer not in its shortest form" },
	{ "threats L7 invalid UTF-8", "[7 " HEAD " [3 :BODY {0 x'61ff'",
		"text is not XML characters in UTF-8" },
	{ "threats L7 surrogate", "[7 " HEAD " [3 :BODY {0 x'63eda080'",
		"text is not XML characters in UTF-8" },
	{ "threats L7 NUL", "[7 " HEAD " [3 :BODY {0 x'6100'",
		"text is not XML characters in UTF-8" },
	{ "threats L7 U+FFFE in an id", "[6 0 2 'a@example.com' 'b@example.net' x'63efbfbe' ''",
		"text is not XML characters in UTF-8" },
	{ "threats L8 attribute twice",
		"[7 " HEAD " [3 :BODY {2 @xml:lang 'en' @xml:lang 'de' 'Hi'",
		"more attributes than the element has" },
	{ "threats L8 attribute twice where there are two",
		"[7 " HEAD " [2 :REPLY_REPLY {2 @id 'x' @id 'y'",
		"map keys repeated or not in order" },
	{ "threats L8 attributes not in order",
		"[7 " HEAD " [3 :MUC_USER_X {0 [2 :MUC_USER_ITEM {2 @role 0 @jid 'a@example.com'",
		"map keys repeated or not in order" },
	{ "threats L8 attribute of another element", "[7 " HEAD " [3 :BODY {1 @id 'x' 'Hi'",
		"attribute not of this element" },
	{ "threats L8 unknown attribute", "[7 " HEAD " [3 :BODY {1 9999 'x' 'Hi'",
		"attribute not of this element" },
	{ "threats L8 required attribute missing", "[7 " HEAD " [2 :SID_ORIGIN_ID {0",
		"required attribute missing" },
	{ "threats L8 attribute name as text", "[7 " HEAD " [3 :BODY {1 'xml:lang' 'en' 'Hi'",
		"item of the wrong type" },
	{ "threats L8 integer for text", "[7 " HEAD " [3 :BODY {0 5", "item of the wrong type" },
	{ "threats L8 text for integer", "[7 " PRESENCE " [3 :PRIORITY {0 '5'",
		"item of the wrong type" },
	{ "threats L8 unknown element", "[7 " HEAD " [2 60000 {0", "unknown element number" },
	{ "threats L8 element number that overflows", "[7 " HEAD " [2 x'1b0000000100000001' {0",
		"unknown element number" },
	{ "threats L8 negative element number", "[7 " HEAD " [2 -1 {0", "item of the wrong type" },
	{ "threats L8 map for attributes missing", "[7 " HEAD " [2 :BODY 'Hi'",
		"item of the wrong type" },
	{ "threats L8 element of one item", "[7 " HEAD " [1 1",
		"element without number and attributes" },
	{ "threats L8 word out of its list", "[7 " PRESENCE " [3 :SHOW {0 4",
		"integer out of range" },
	{ "threats L8 value missing", "[7 " PRESENCE " [2 :PRIORITY {0", "value missing" },
	{ "threats L8 two values", "[7 " HEAD " [4 :BODY {0 'a' 'b'", "more than one value" },
	{ "threats L8 empty text", "[7 " HEAD " [3 :BODY {0 ''", "empty text" },
	{ "threats L8 base64 as text", "[7 " IQ " [3 :IBB_DATA {2 @sid 's' @seq 0 'AQID'",
		"text where bytes are due" },
	{ "base64 as bytes", "[7 " IQ " [3 :IBB_DATA {2 @sid 's' @seq 0 h'010203'", NULL },
	{ "text that is no base64", "[7 " IQ " [3 :IBB_DATA {2 @sid 's' @seq 0 'AQI'", NULL },
	{ "threats L8 text with space that would go",
		"[7 " IQ " [3 :IBB_DATA {2 @sid 's' @seq 0 'AQ ID'", "text where bytes are due" },
	{ "threats L8 empty bytes", "[7 " IQ " [3 :IBB_DATA {2 @sid 's' @seq 0 h''", "empty text" },
	{ "threats L9 generic element under the standard profile",
		"[7 " HEAD " [4 0 'urn:x' 'x' [0", "generic element under the standard profile" },
	{ "threats L9 text where an element is due", "[7 " HEAD " 'Hi'",
		"text where an element is due" },
	{ "threats L9 text in an element of elements", "[7 " HEAD " [3 :CHATSTATES_PAUSED {0 'Hi'",
		"text where an element is due" },
	{ "threats L9 element in a text", "[7 " HEAD " [3 :BODY {0 [3 :BODY {0 'Hi'",
		"item of the wrong type" },
	{ "threats L11 local part not prepared",
		"[6 0 2 'Juliet@example.com' 'romeo@example.net' 'id' ''",
		"address not in prepared form" },
	{ "threats L11 domain not prepared",
		"[6 0 2 'juliet@Example.com' 'romeo@example.net' 'id' ''",
		"address not in prepared form" },
	{ "threats L11 A-label",
		"[6 0 2 'juliet@xn--bcher-kva.example' 'romeo@example.net' 'id' ''",
		"address not in prepared form" },
	{ "threats L11 no address", "[6 0 2 '' 'romeo@example.net' 'id' ''",
		"address not in prepared form" },
	{ "threats L11 null for an address", "[6 0 2 'juliet@example.com' N 'id' ''",
		"item of the wrong type" },
	{ "address not prepared in an attribute",
		"[7 " HEAD " [2 :SID_STANZA_ID {2 @id 'x' @by 'A@example.com'",
		"address not in prepared form" },
	{ "kind out of range", "[6 3 2 'a@example.com' 'b@example.net' 'id' ''",
		"integer out of range" },
	{ "type out of range", "[6 0 99 'a@example.com' 'b@example.net' 'id' ''",
		"integer out of range" },
	{ "type of another kind", "[6 0 6 'a@example.com' 'b@example.net' 'id' ''",
		"type not of this kind" },
	{ "iq without type", "[6 2 0 'a@example.com' 'b@example.net' 'id' ''",
		"type not of this kind" },
	{ "language that is none", "[6 0 2 'a@example.com' 'b@example.net' 'id' 'e n'",
		"value not of its type" },
	{ "iq without id", "[7 2 12 'a@example.com' 'b@example.net' N '' [2 :PING_PING {0",
		"iq without id" },
	{ "iq with an empty id", "[7 2 12 'a@example.com' 'b@example.net' '' '' [2 :PING_PING {0",
		"iq without id" },
	{ "iq request without payload", "[6 " IQ, "iq request without exactly one payload" },
	{ "iq request with two", "[8 " IQ " [2 :PING_PING {0 [2 :PING_PING {0",
		"iq request without exactly one payload" },
	{ "iq result with two",
		"[8 2 14 'a@example.com' 'b@example.net' 'id' '' [2 :PING_PING {0 [2 :PING_PING {0",
		"iq result with several payloads" },
	{ "iq result without payload", "[6 2 14 'a@example.com' 'b@example.net' 'id' ''", NULL },
	{ "body in a presence", "[7 " PRESENCE " [3 :BODY {0 'Hi'", "element not allowed here" },
	{ "child that belongs elsewhere", "[7 " HEAD " [3 :CHATSTATES_PAUSED {0 [3 :BODY {0 'Hi'",
		"element not allowed here" },
	{ "child outside of its parent", "[7 " HEAD " [2 :MUC_USER_ITEM {0",
		"element not allowed here" },
	{ "stanza in a stanza", "[7 " HEAD " [2 :CLIENT_MESSAGE {0", "element not allowed here" },
};

static const struct row open_profile[] = {
	{ "generic element", "[7 " HEAD " [4 0 'urn:x' 'x' [0", NULL },
	{ "generic element with all",
		"[7 " HEAD
		" [7 0 'urn:x' 'x' [6 '' 'a' '1' 'urn:y' 'a' '2' 'text' [4 0 '' 'y' [0 'more'",
		NULL },
	{ "generic child in the same namespace", "[7 " HEAD " [5 0 'urn:x' 'x' [0 [4 0 N 'y' [0",
		NULL },
	{ "namespace repeated", "[7 " HEAD " [5 0 'urn:x' 'x' [0 [4 0 'urn:x' 'y' [0",
		"namespace repeated" },
	{ "null for the namespace outside of a generic element", "[7 " HEAD " [4 0 N 'x' [0",
		"item of the wrong type" },
	{ "generic child of a typed element",
		"[7 " HEAD " [3 :CHATSTATES_PAUSED {0 [4 0 'urn:x' 'x' [0", NULL },
	{ "known element that does not fit: child in a body",
		"[7 " HEAD " [3 :CHATSTATES_PAUSED {0 [5 0 'jabber:server' 'body' [0 'x'", NULL },
	{ "known element that does not fit: unknown attribute",
		"[7 " HEAD " [4 0 'urn:xmpp:receipts' 'request' [3 '' 'a' '1'", NULL },
	{ "threats L9 name with a space", "[7 " HEAD " [4 0 'urn:x' 'x' [3 '' 'a b' '1'",
		"attribute name" },
	{ "threats L9 element name with a space", "[7 " HEAD " [4 0 'urn:x' 'x y' [0",
		"element name" },
	{ "threats L9 element name with <", "[7 " HEAD " [4 0 'urn:x' 'x<' [0", "element name" },
	{ "threats L9 element name with a colon", "[7 " HEAD " [4 0 'urn:x' 'a:b' [0",
		"element name" },
	{ "threats L9 element name with /", "[7 " HEAD " [4 0 'urn:x' 'a/' [0", "element name" },
	{ "threats L9 element name that begins with a digit", "[7 " HEAD " [4 0 'urn:x' '1a' [0",
		"element name" },
	{ "threats L9 element name empty", "[7 " HEAD " [4 0 'urn:x' '' [0", "element name" },
	{ "threats L9 namespace with quotes is data", "[7 " HEAD " [4 0 'a\"b<c>&' 'x' [0", NULL },
	{ "threats L9 attribute xmlns", "[7 " HEAD " [4 0 'urn:x' 'x' [3 '' 'xmlns' 'urn:y'",
		"attribute name" },
	{ "threats L9 attribute in the namespace of namespaces",
		"[7 " HEAD " [4 0 'urn:x' 'x' [3 'http://www.w3.org/2000/xmlns/' 'a' 'urn:y'",
		"attribute name" },
	{ "threats L9 attribute with a colon", "[7 " HEAD " [4 0 'urn:x' 'x' [3 '' 'a:b' 'urn:y'",
		"attribute name" },
	{ "threats L9 element in the namespace of namespaces",
		"[7 " HEAD " [4 0 'http://www.w3.org/2000/xmlns/' 'x' [0", "element name" },
	{ "threats L9 duplicate attribute", "[7 " HEAD " [4 0 'urn:x' 'x' [6 '' 'a' '1' '' 'a' '2'",
		"attribute name" },
	{ "threats L9 attributes not in order",
		"[7 " HEAD " [4 0 'urn:x' 'x' [6 '' 'b' '1' '' 'a' '2'", "attribute name" },
	{ "threats L9 attributes of two items", "[7 " HEAD " [4 0 'urn:x' 'x' [2 'a' '1'",
		"wrong number of attributes" },
	{ "threats L9 two texts", "[7 " HEAD " [6 0 'urn:x' 'x' [0 'a' 'b'",
		"text where an element is due" },
	{ "threats L9 empty text", "[7 " HEAD " [5 0 'urn:x' 'x' [0 ''", "empty text" },
	{ "threats L9 typed element in a generic one",
		"[7 " HEAD " [5 0 'urn:x' 'x' [0 [3 :BODY {0 'Hi'", "element not allowed here" },
	{ "threats L9 generic form too short", "[7 " HEAD " [3 0 'urn:x' 'x' [0",
		"generic element cut short" },
	{ "threats L9 generic form that ends early", "[7 " HEAD " [3 0 'urn:x' 'x'",
		"item is missing" },
	{ "threats C5 generic body of jabber:client",
		"[7 " HEAD " [5 0 'jabber:client' 'body' [0 'x'",
		"namespace not allowed in a stanza" },
	{ "threats C5 generic body of jabber:server",
		"[7 " HEAD " [6 0 'jabber:server' 'body' [0 'x' 'y'",
		"namespace not allowed in a stanza" },
	{ "threats C5 generic body of jabber:component:accept",
		"[7 " HEAD " [5 0 'jabber:component:accept' 'body' [0 'x'",
		"namespace of components' streams in a stanza" },
	{ "threats C6 generic body without namespace", "[7 " HEAD " [5 0 '' 'body' [0 'x'",
		"namespace not allowed in a stanza" },
	{ "generic form of what fits", "[7 " HEAD " [4 0 'urn:xmpp:receipts' 'request' [0",
		"generic form of a known element" },
	{ "generic form of what fits with a blank",
		"[7 " HEAD " [5 0 'urn:xmpp:receipts' 'request' [0 ' '",
		"generic form of a known element" },
	{ "generic form of what fits but for spelling",
		"[7 " PRESENCE " [4 0 'http://jabber.org/protocol/muc#user' 'x' [0",
		"generic form of a known element" },
};

static void run(const struct row *rows, size_t n, enum record_profile profile)
{
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < n; i++) {
		name_row(rows[i].name);
		compile(&b.cbor, rows[i].text);
		bench_decode(&b, profile);
		if ((b.fault == NULL) != (rows[i].fault == NULL) ||
			(b.fault && strcmp(b.fault, rows[i].fault) != 0))
			print_message("%s: %s\n", rows[i].name, b.fault ? b.fault : "accepted");
		if (!rows[i].fault) {
			assert_null(b.fault);
			buf_clear(&b.xml, SIZE_MAX);
			assert_true(record_write(&b.again, &b.xml));
			bench_check_fixed_point(&b, profile);
			continue;
		}
		assert_non_null(b.fault);
		assert_string_equal(b.fault, rows[i].fault);
	}
	bench_done(&b);
}

static void hostile_records(void **state)
{
	run(standard, sizeof(standard) / sizeof(*standard), PROFILE_STANDARD);
}

static void hostile_open_records(void **state)
{
	run(open_profile, sizeof(open_profile) / sizeof(*open_profile), PROFILE_OPEN);
}

/* Every prefix of a good record is refused, and so is every single byte changed to a break. */
static void cut_and_broken(void **state)
{
	struct bench b;
	struct record r;

	bench_init(&b);
	compile(&b.cbor,
		"[8 " HEAD
		" [3 :BODY {1 @xml:lang 'en' 'Hi there' [2 :SID_ORIGIN_ID {1 @id 'some-id'");
	bench_decode(&b, PROFILE_STANDARD);
	assert_null(b.fault);
	struct str good = buf_bytes(&b.cbor);
	for (size_t i = 0; i < good.len; i++) {
		struct str cut = str_from(good.p, i);
		assert_non_null(
			record_decode(cut, &record_limits_default, PROFILE_STANDARD, &b.arena, &r));
		char *copy = malloc(good.len);
		memcpy(copy, good.p, good.len);
		copy[i] = (char)0xff;
		assert_non_null(record_decode(str_from(copy, good.len), &record_limits_default,
			PROFILE_STANDARD, &b.arena, &r));
		free(copy);
	}
	bench_done(&b);
}

/* L4: arrays, tags and maps in each other, many times over any limit. */
static void test_threats_L4_nesting(void **state)
{
	static const char *const units[] = { "\x81", "\xc6", "\xa1\x61\x61",
		"\x84\x00\x61\x61\x61\x61" };
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < 4; i++) {
		size_t len = i == 3 ? 6 : strlen(units[i]);
		compile(&b.cbor, "[7 " HEAD);
		for (int n = 0; n < 50000; n++)
			buf_append(&b.cbor, str_from(units[i], len));
		bench_decode(&b, PROFILE_OPEN);
		assert_non_null(b.fault);
		buf_clear(&b.xml, SIZE_MAX);
		assert_false(record_diag(buf_bytes(&b.cbor), &b.xml));
		assert_int_equal(buf_len(&b.xml), 0);
	}
	bench_done(&b);
}

/* Elements in each other, so that the innermost stands at this depth; the stanza is 1. */
static void put_nested(struct buf *out, unsigned depth)
{
	compile(out, "[7 " HEAD);
	for (unsigned i = 2; i <= depth; i++) {
		cbor_put_array(out, i < depth ? 5 : 4);
		cbor_put_uint(out, 0);
		if (i == 2)
			cbor_put_text(out, STRL("urn:x"));
		else
			cbor_put_null(out);
		cbor_put_text(out, STRL("x"));
		cbor_put_array(out, 0);
	}
}

static void test_threats_L10_depth(void **state)
{
	struct bench b;

	bench_init(&b);
	put_nested(&b.cbor, record_limits_default.depth);
	bench_decode(&b, PROFILE_OPEN);
	assert_null(b.fault);
	assert_true(record_write(&b.again, &b.xml));
	bench_check_fixed_point(&b, PROFILE_OPEN);
	put_nested(&b.cbor, record_limits_default.depth + 1);
	bench_decode(&b, PROFILE_OPEN);
	assert_string_equal(b.fault, "too deep");
	/* The limit itself has a limit. */
	struct record_limits limits = record_limits_default;
	limits.depth = RECORD_DEPTH_MAX;
	put_nested(&b.cbor, RECORD_DEPTH_MAX);
	arena_reset(&b.arena);
	assert_null(record_decode(buf_bytes(&b.cbor), &limits, PROFILE_OPEN, &b.arena, &b.again));
	buf_clear(&b.xml, SIZE_MAX);
	assert_true(record_encode(&b.again, &b.xml));
	assert_true(str_eq(buf_bytes(&b.xml), buf_bytes(&b.cbor)));
	assert_true(record_write(&b.again, &b.xml));
	bench_done(&b);
}

static const char *decode_with(struct bench *b, const struct record_limits *limits)
{
	arena_reset(&b->arena);
	return record_decode(buf_bytes(&b->cbor), limits, PROFILE_OPEN, &b->arena, &b->again);
}

static void test_threats_L10_limits(void **state)
{
	struct bench b;
	struct record_limits limits = record_limits_default;

	bench_init(&b);
	compile(&b.cbor,
		"[9 " HEAD " [2 :CHATSTATES_COMPOSING {0 [2 :RECEIPTS_REQUEST {0 [4 0 "
		"'urn:x' 'x' [6 '' 'a' '1' '' 'b' '2'");
	limits.elements = 3;
	limits.attrs = 2;
	limits.bytes = buf_len(&b.cbor);
	assert_null(decode_with(&b, &limits));
	limits.elements = 2;
	assert_string_equal(decode_with(&b, &limits), "too many elements");
	limits.elements = 3;
	limits.attrs = 1;
	assert_string_equal(decode_with(&b, &limits), "wrong number of attributes");
	limits.attrs = 2;
	limits.bytes--;
	assert_string_equal(decode_with(&b, &limits), "record too big");
	bench_done(&b);
}

static const char too_long[] = "attribute value or namespace too long";

/* Names, values and namespaces have the limits of the XML reader. */
static void test_threats_L10_lengths(void **state)
{
	enum which { NAME, VALUE, DECLS };
	static const struct {
		const char *record;
		enum which which;
		unsigned least; /* that suffices */
		const char *fault;
	} rows[] = {
		{ "[7 " HEAD " [4 0 'urn:x' 'abcd' [0", NAME, 4, "element name" },
		{ "[7 " HEAD " [4 0 'urn:x' 'a' [3 '' 'abcd' '1'", NAME, 4, "attribute name" },
		{ "[7 " HEAD " [4 0 'urn:four' 'a' [0", VALUE, 8, too_long },
		{ "[7 " HEAD " [4 0 'urn:x' 'a' [3 'urn:four' 'a' '1'", VALUE, 8, too_long },
		{ "[7 " HEAD " [4 0 'urn:x' 'a' [3 '' 'a' '12345678'", VALUE, 8, too_long },
		{ "[7 " HEAD " [2 :CORRECT_REPLACE {1 @id '12345678'", VALUE, 8, too_long },
		{ "[6 0 2 'juliet@example.com/x' 'romeo@example.net' '12345678' ''", VALUE, 8,
			too_long },
		{ "[6 0 2 'juliet@example.com/x' 'romeo@example.net' N 'de-Latn-AT'", VALUE, 10,
			too_long },
		{ "[7 " HEAD " [4 0 'urn:x' 'a' [12 '' 'a' '1' 'urn:a' 'a' '1' 'urn:a' 'b' '2' "
		  "'urn:b' 'a' '1'",
			DECLS, 3, "too many namespaces" },
	};
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		compile(&b.cbor, rows[i].record);
		for (unsigned less = 0; less < 2; less++) {
			struct record_limits limits = record_limits_default;
			if (rows[i].which == NAME)
				limits.name = rows[i].least - less;
			else if (rows[i].which == VALUE)
				limits.value = rows[i].least - less;
			else
				limits.ns_decls = rows[i].least - less;
			const char *fault = decode_with(&b, &limits);
			if (less == 0)
				assert_null(fault);
			else
				assert_string_equal(fault, rows[i].fault);
		}
	}
	bench_done(&b);
}

/* Whatever the limit of the arena is, the decoder says so and nothing else happens. */
static void test_threats_L10_memory(void **state)
{
	struct bench b;
	struct record r;
	bool done = false;

	bench_init(&b);
	compile(&b.cbor,
		"[9 " HEAD
		" [3 :BODY {1 @xml:lang 'en' 'Hi' [3 :IBB_DATA {2 @sid 's' @seq 5 h'010203' "
		"[5 0 'urn:x' 'x' [3 '' 'a' '1' 'text'");
	for (size_t limit = 0; limit < 8192 && !done; limit += 8) {
		struct arena small;
		arena_init(&small, limit);
		const char *fault = record_decode(
			buf_bytes(&b.cbor), &record_limits_default, PROFILE_OPEN, &small, &r);
		done = fault == NULL;
		if (fault)
			assert_string_equal(fault, "record too big in memory");
		arena_done(&small);
	}
	assert_true(done);
	bench_done(&b);
}

static void diag_shows_names_and_hides_dangers(void **state)
{
	struct bench b;

	bench_init(&b);
	compile(&b.cbor,
		"[9 1 0 'juliet@example.com/b' 'romeo@example.net' N '' [3 :SHOW {0 0 "
		"[3 :MUC_USER_X {0 [2 :MUC_USER_ITEM {1 @role 2 [5 0 'urn:x' 'x' [0 "
		"x'6861c28522e280ae63'");
	assert_true(record_diag(buf_bytes(&b.cbor), &b.xml));
	buf_append(&b.xml, str_from("", 1));
	assert_string_equal(buf_bytes(&b.xml).p,
		"[1 /presence/, 0, \"juliet@example.com/b\", \"romeo@example.net\", null, \"\", "
		"[4 /show/, {}, 0 /away/], [184 /x/, {}, [189 /item/, {58 /role/: 2 "
		"/participant/}]], "
		"[0, \"urn:x\", \"x\", [], \"a\\u0085\\\"\\u202ec\"]]");
	compile(&b.cbor, "[6 0 2 'a' 'b'");
	size_t before = buf_len(&b.xml);
	assert_false(record_diag(buf_bytes(&b.cbor), &b.xml));
	assert_int_equal(buf_len(&b.xml), before);
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_records),
		cmocka_unit_test(hostile_open_records),
		cmocka_unit_test(cut_and_broken),
		cmocka_unit_test(test_threats_L4_nesting),
		cmocka_unit_test(test_threats_L10_depth),
		cmocka_unit_test(test_threats_L10_limits),
		cmocka_unit_test(test_threats_L10_lengths),
		cmocka_unit_test(test_threats_L10_memory),
		cmocka_unit_test(diag_shows_names_and_hides_dangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
