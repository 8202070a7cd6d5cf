/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the lease table as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../rows.h"
#include "link/lease.h"

#define HEAD "\x01\x05\x61l\x61"
/* clang-format off */
static const struct {
	const char *name;
	struct str value;
	bool ok;
} rows[] = {
	{ "two holders", STR("\x87" HEAD "f" "\x61" "a" "\x60" "\x82\x82\x61i\x07\x82\x61j\x18\x20"), true },
	{ "a wish and no holder", STR("\x87" HEAD "f" "\x61" "a" "\x61" "b" "\x80"), true },
	{ "nothing", STR(""), false },
	{ "another format", STR("\x87\x02\x05\x61l\x61" "f" "\x61" "a" "\x60" "\x80"), false },
	{ "an item too few", STR("\x86" HEAD "f" "\x61" "a" "\x60"), false },
	{ "cut", STR("\x87" HEAD "f" "\x61" "a" "\x60"), false },
	{ "something behind", STR("\x87" HEAD "f" "\x61" "a" "\x60" "\x80\x00"), false },
	{ "no owner", STR("\x87" HEAD "f" "\x60" "\x60" "\x80"), false },
	{ "no foreign domain", STR("\x87\x01\x05\x61l\x60" "\x61" "a" "\x60" "\x80"), false },
	{ "a holder twice", STR("\x87" HEAD "f" "\x61" "a" "\x60" "\x82\x82\x61i\x07\x82\x61i\x08"), false },
	{ "a holder of one item", STR("\x87" HEAD "f" "\x61" "a" "\x60" "\x81\x81\x61i"), false },
	{ "a holder without name", STR("\x87" HEAD "f" "\x61" "a" "\x60" "\x81\x82\x60\x01"), false },
	{ "an epoch that cannot grow",
		STR("\x87\x01\x1b\x40\x00\x00\x00\x00\x00\x00\x01\x61l\x61" "f" "\x61" "a" "\x60\x80"), false },
	{ "a long form of a number", STR("\x87\x01\x18\x05\x61l\x61" "f" "\x61" "a" "\x60" "\x80"), false },
};
/* clang-format on */

static void test_rows(void **state)
{
	static struct lease l;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name_row(rows[i].name);
		assert_int_equal(lease_read(rows[i].value, &l), rows[i].ok);
		if (!rows[i].ok)
			continue;
		struct buf b;
		buf_init(&b, LEASE_BYTES_MAX);
		lease_write(&l, &b);
		assert_int_equal(buf_len(&b), rows[i].value.len);
		assert_memory_equal(buf_bytes(&b).p, rows[i].value.p, rows[i].value.len);
		buf_done(&b);
	}
}

static void test_holders(void **state)
{
	static struct lease l;
	char names[LEASE_HOLDERS_MAX][16];

	for (int i = 0; i < LEASE_HOLDERS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "i%d", i);
		assert_true(lease_join(&l, str_of(names[i]), 1));
	}
	assert_false(lease_join(&l, STRL("one-too-many"), 1));
	assert_true(lease_join(&l, STRL("i3"), 2));
	assert_int_equal(l.n_holders, LEASE_HOLDERS_MAX);
	assert_int_equal(lease_holder(&l, STRL("i3"))->boot, 2);
	lease_leave(&l, STRL("i3"));
	lease_leave(&l, STRL("i3"));
	assert_int_equal(l.n_holders, LEASE_HOLDERS_MAX - 1);
	assert_null(lease_holder(&l, STRL("i3")));
	assert_non_null(lease_holder(&l, STRL("i63")));
}

/* The longest names of everything fit the promised size, and are read again. */
static void test_longest(void **state)
{
	static struct lease l, again;
	static char name[1023], nodes[LEASE_HOLDERS_MAX][LEASE_NODE_MAX];
	struct buf b;

	memset(name, 'x', sizeof(name));
	l.epoch = LEASE_EPOCH_MAX;
	l.pair.local = l.pair.foreign = str_from(name, sizeof(name));
	l.owner = l.wish = str_from(name, LEASE_NODE_MAX);
	for (int i = 0; i < LEASE_HOLDERS_MAX; i++) {
		memset(nodes[i], 'a' + i % 26, LEASE_NODE_MAX);
		nodes[i][0] = (char)('a' + i / 26);
		assert_true(lease_join(&l, str_from(nodes[i], LEASE_NODE_MAX), UINT64_MAX));
	}
	buf_init(&b, LEASE_BYTES_MAX);
	lease_write(&l, &b);
	assert_true(lease_read(buf_bytes(&b), &again));
	assert_int_equal(again.n_holders, LEASE_HOLDERS_MAX);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
