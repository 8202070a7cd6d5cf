/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor.h: each edge of the format, as the tables of RFC 8949 appendix A and as attacks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cbor.h"
#include "rows.h"

static size_t from_hex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (unsigned b; sscanf(hex, " %2x", &b) == 1; n++) {
		bytes[n] = (uint8_t)b;
		hex += strspn(hex, " ") + 2;
	}
	return n;
}

static uint8_t bytes[256];

static struct cbor_reader reader(const char *hex)
{
	struct cbor_reader r;

	cbor_init(&r, str_from(bytes, from_hex(hex, bytes)));
	return r;
}

static const struct {
	uint64_t n;
	const char *hex;
} numbers[] = {
	{ 0, "00" },
	{ 1, "01" },
	{ 23, "17" },
	{ 24, "1818" },
	{ 255, "18ff" },
	{ 256, "190100" },
	{ 65535, "19ffff" },
	{ 65536, "1a00010000" },
	{ 4294967295, "1affffffff" },
	{ 4294967296, "1b0000000100000000" },
	{ UINT64_MAX, "1bffffffffffffffff" },
};

static void integers(void **state)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct cbor_reader r = reader(numbers[i].hex);
		struct buf out;
		assert_int_equal(cbor_peek(&r), CBOR_UINT);
		assert_true(cbor_uint(&r) == numbers[i].n);
		assert_true(cbor_end(&r));
		buf_init(&out, 16);
		assert_true(cbor_put_uint(&out, numbers[i].n));
		assert_true(
			str_eq(buf_bytes(&out), str_from(bytes, from_hex(numbers[i].hex, bytes))));
		buf_done(&out);
	}
}

static void signed_integers(void **state)
{
	static const struct {
		int64_t n;
		const char *hex;
	} rows[] = { { 5, "05" }, { -1, "20" }, { -24, "37" }, { -25, "3818" }, { -1000, "3903e7" },
		{ INT64_MAX, "1b7fffffffffffffff" }, { INT64_MIN, "3b7fffffffffffffff" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cbor_reader r = reader(rows[i].hex);
		struct buf out;
		assert_true(cbor_int(&r) == rows[i].n);
		assert_true(cbor_end(&r));
		buf_init(&out, 16);
		assert_true(cbor_put_int(&out, rows[i].n));
		assert_true(str_eq(buf_bytes(&out), str_from(bytes, from_hex(rows[i].hex, bytes))));
		buf_done(&out);
	}
	struct cbor_reader r = reader("1b8000000000000000");
	cbor_int(&r);
	assert_non_null(r.error);
	r = reader("3b8000000000000000");
	assert_int_equal(cbor_int(&r), 0);
	assert_non_null(r.error);
}

enum get { UINT, INT, TEXT, BYTES, ARRAY, MAP, BOOL, NIL, LIMITED };

static void get(struct cbor_reader *r, enum get what)
{
	switch (what) {
	case UINT:
		assert_int_equal(cbor_uint(r), 0);
		break;
	case INT:
		assert_int_equal(cbor_int(r), 0);
		break;
	case TEXT:
		assert_int_equal(cbor_text(r).len, 0);
		break;
	case BYTES:
		assert_int_equal(cbor_bytes(r).len, 0);
		break;
	case ARRAY:
		assert_int_equal(cbor_array(r), 0);
		break;
	case MAP:
		assert_int_equal(cbor_map(r), 0);
		break;
	case BOOL:
		assert_false(cbor_bool(r));
		break;
	case NIL:
		cbor_null(r);
		break;
	case LIMITED:
		assert_int_equal(cbor_uint_max(r, 9), 0);
		break;
	}
}

static const struct {
	const char *name;
	const char *hex;
	enum get what;
} refused[] = {
	{ "nothing", "", UINT },
	{ "threats L2 byte string of 2^64 - 1", "5bffffffffffffffff", BYTES },
	{ "threats L2 text of 2^63 - 1", "7b7fffffffffffffff61", TEXT },
	{ "threats L2 array of 2^32", "9b0000000100000000", ARRAY },
	{ "threats L2 map of 2^63", "bb8000000000000000", MAP },
	{ "array longer than its bytes", "820", ARRAY },
	{ "map longer than its bytes", "a201", MAP },
	{ "string one byte short", "6261", TEXT },
	{ "head cut", "19ff", UINT },
	{ "threats L3 indefinite bytes", "5f", BYTES },
	{ "threats L3 indefinite text", "7f", TEXT },
	{ "threats L3 indefinite array", "9f", ARRAY },
	{ "threats L3 indefinite map", "bf", MAP },
	{ "threats L3 wrong chunks", "5f6161ff", BYTES },
	{ "threats L3 odd map", "bf6161ff", MAP },
	{ "threats L3 stray break", "ff", UINT },
	{ "threats L5 reserved head 28", "1c", UINT },
	{ "threats L5 reserved head 29", "1d", UINT },
	{ "threats L5 reserved head 30", "1e", UINT },
	{ "threats L5 simple value 0", "f800", BOOL },
	{ "threats L5 simple value 28", "fc", BOOL },
	{ "threats L5 undefined", "f7", NIL },
	{ "threats L5 half float", "f90000", UINT },
	{ "threats L5 NaN", "fb7ff8000000000000", UINT },
	{ "threats L5 tag", "c600", UINT },
	{ "threats L5 bignum", "c249010000000000000000", UINT },
	{ "threats L6 1 in two bytes", "1801", UINT },
	{ "threats L6 23 in two bytes", "1817", UINT },
	{ "threats L6 255 in three bytes", "1900ff", UINT },
	{ "threats L6 65535 in five bytes", "1a0000ffff", UINT },
	{ "threats L6 1 in nine bytes", "1b0000000000000001", UINT },
	{ "threats L6 2^32 - 1 in nine bytes", "1b00000000ffffffff", UINT },
	{ "threats L6 long length of a text", "780161", TEXT },
	{ "threats L6 negative", "3801", INT },
	{ "threats L7 invalid UTF-8", "61ff", TEXT },
	{ "threats L7 surrogate", "63eda080", TEXT },
	{ "threats L7 NUL", "6100", TEXT },
	{ "threats L7 U+0001", "6101", TEXT },
	{ "threats L7 U+FFFE", "63efbfbe", TEXT },
	{ "threats L7 cut sequence", "62c3", TEXT },
	{ "threats L8 integer for text", "01", TEXT },
	{ "threats L8 text for integer", "6161", UINT },
	{ "threats L8 text for bytes", "6161", BYTES },
	{ "threats L8 null for text", "f6", TEXT },
	{ "threats L8 bool for null", "f5", NIL },
	{ "threats L8 null for bool", "f6", BOOL },
	{ "negative for unsigned", "20", UINT },
	{ "over the limit", "0a", LIMITED },
};

static void refuses(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct cbor_reader r = reader(refused[i].hex);
		name_row(refused[i].name);
		get(&r, refused[i].what);
		if (!r.error)
			print_message("%s\n", refused[i].name);
		assert_non_null(r.error);
		/* Sticky: later gets give nothing and the first error stays. */
		const char *first = r.error;
		for (int what = UINT; what <= LIMITED; what++)
			get(&r, (enum get)what);
		assert_int_equal(cbor_peek(&r), CBOR_NONE);
		assert_ptr_equal(r.error, first);
		assert_false(cbor_end(&r));
	}
}

static void left_over(void **state)
{
	struct cbor_reader r = reader("0000");

	assert_int_equal(cbor_uint(&r), 0);
	assert_null(r.error);
	assert_false(cbor_end(&r));
	assert_non_null(r.error);
}

static void keys_grow(void **state)
{
	static const struct {
		const char *hex;
		bool ok;
	} rows[] = { { "a20000 0100", true }, { "a20000 0000", false }, { "a20100 0000", false },
		{ "a2 616100 616200", false }, { "a1 1bffffffffffffffff 00", false } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cbor_reader r = reader(rows[i].hex);
		uint64_t next = 0;
		for (size_t n = cbor_map(&r); n; n--) {
			cbor_key(&r, &next);
			cbor_uint(&r);
		}
		assert_int_equal(cbor_end(&r), rows[i].ok);
	}
}

static void all_types(void **state)
{
	struct buf out;
	struct cbor_reader r;

	buf_init(&out, 1000);
	assert_true(cbor_put_array(&out, 6) && cbor_put_text(&out, STRL("h\xc3\xa9")) &&
		cbor_put_bytes(&out, STRL("\x00\xff")) && cbor_put_map(&out, 1) &&
		cbor_put_uint(&out, 7) && cbor_put_bool(&out, true) && cbor_put_bool(&out, false) &&
		cbor_put_null(&out) && cbor_put_text(&out, STRL("")));
	cbor_init(&r, buf_bytes(&out));
	assert_int_equal(cbor_peek(&r), CBOR_ARRAY);
	assert_int_equal(cbor_array(&r), 6);
	assert_int_equal(cbor_peek(&r), CBOR_TEXT);
	assert_true(str_is(cbor_text(&r), "h\xc3\xa9"));
	assert_int_equal(cbor_peek(&r), CBOR_BYTES);
	assert_true(str_eq(cbor_bytes(&r), STRL("\x00\xff")));
	assert_int_equal(cbor_peek(&r), CBOR_MAP);
	assert_int_equal(cbor_map(&r), 1);
	assert_int_equal(cbor_uint(&r), 7);
	assert_int_equal(cbor_peek(&r), CBOR_BOOL);
	assert_true(cbor_bool(&r));
	assert_false(cbor_bool(&r));
	assert_int_equal(cbor_peek(&r), CBOR_NULL);
	cbor_null(&r);
	assert_true(str_is(cbor_text(&r), ""));
	assert_true(cbor_end(&r));
	buf_done(&out);
}

static void limits_of_the_buffer(void **state)
{
	struct buf out;

	buf_init(&out, 4);
	assert_false(cbor_put_text(&out, STRL("abcd")));
	assert_int_equal(buf_len(&out), 0);
	assert_true(cbor_put_text(&out, STRL("abc")));
	assert_false(cbor_put_uint(&out, 0));
	assert_false(cbor_put_null(&out));
	assert_int_equal(buf_len(&out), 4);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(signed_integers),
		cmocka_unit_test(refuses),
		cmocka_unit_test(left_over),
		cmocka_unit_test(keys_grow),
		cmocka_unit_test(all_types),
		cmocka_unit_test(limits_of_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
