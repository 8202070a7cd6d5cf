/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648 section 10, and what strict means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"

static const struct {
	const char *plain;
	const char *encoded;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfd", "//79" },
};

static void test_vectors(void **state)
{
	char decoded[16];
	struct arena arena;
	struct buf b;

	buf_init(&b, 100);
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_true(base64_append(&b, str_of(vectors[i].plain)));
		assert_true(str_is(buf_bytes(&b), vectors[i].encoded));
		buf_clear(&b, 100);
		struct str text = str_of(vectors[i].encoded);
		assert_true(base64_is(text));
		base64_decode(text, decoded);
		assert_true(str_is(str_from(decoded, base64_size(text)), vectors[i].plain));
		struct str again = base64_text(str_of(vectors[i].plain), &arena);
		assert_true(str_is(again, vectors[i].encoded));
	}
	buf_done(&b);
	arena_done(&arena);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zg===", "====", "Z===", "Zh==", "Zm9=", "Zm9v Zm9v", "Zm9v\n",
		"Zg==Zg==", "Zm-_", "=m9v", "Zm=v", "Zm9v====" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(base64_is(str_of(bad[i])));
	assert_false(base64_is(str_from("Zg\0=", 4)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
