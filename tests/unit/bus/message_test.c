/* SPDX-License-Identifier: Apache-2.0 */
/* The messages on the bus as bytes: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus/message.h"
#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST 18446744073709551615u

struct good {
	const char *name;
	const char *bytes;
	size_t len;
	struct bus_message m;
};

#define BYTES(lit) lit, sizeof(lit) - 1
static const struct good goods[] = {
	{ "open", BYTES("\x84\x01\x00\x07\x1a\x00\x10\x00\x00"),
		{ .type = BUS_OPEN, .from = 7, .window = 1048576 } },
	{ "accept", BYTES("\x85\x01\x01\x07\x18\x64\x1a\x00\x10\x00\x00"),
		{ .type = BUS_ACCEPT, .to = 7, .from = 100, .window = 1048576 } },
	{ "data",
		BYTES("\x87\x01\x02\x07\x18\x64\x19\x01\x00\x05\x43"
		      "abc"),
		{ .type = BUS_DATA,
			.to = 7,
			.from = 100,
			.offset = 256,
			.taken = 5,
			.bytes = STR("abc") } },
	{ "taken", BYTES("\x85\x01\x03\x07\x18\x64\x05"),
		{ .type = BUS_TAKEN, .to = 7, .from = 100, .taken = 5 } },
	{ "end", BYTES("\x84\x01\x04\x07\x18\x64"), { .type = BUS_END, .to = 7, .from = 100 } },
	{ "large numbers",
		BYTES("\x84\x01\x04\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x1b\xff\xff\xff\xff\xff\xff"
		      "\xff\xff"),
		{ .type = BUS_END, .to = MOST, .from = MOST } },
};

static void there_and_back(void **state)
{
	for (size_t i = 0; i < COUNT(goods); i++) {
		const struct good *g = &goods[i];
		struct bus_message m;
		char head[BUS_HEAD_MAX];
		name_row(g->name);
		assert_true(bus_message_read(str_from(g->bytes, g->len), &m));
		assert_int_equal(m.type, g->m.type);
		assert_true(m.to == g->m.to && m.from == g->m.from && m.window == g->m.window);
		assert_true(m.offset == g->m.offset && m.taken == g->m.taken);
		assert_true(str_eq(m.bytes, g->m.bytes));
		struct str written = bus_message_head(&g->m, head);
		assert_int_equal(written.len + g->m.bytes.len, g->len);
		assert_memory_equal(written.p, g->bytes, written.len);
		/* Every part of it is too short, and nothing may follow. */
		for (size_t n = 0; n < g->len; n++)
			assert_false(bus_message_read(str_from(g->bytes, n), &m));
		char longer[64] = { 0 };
		memcpy(longer, g->bytes, g->len);
		assert_false(bus_message_read(str_from(longer, g->len + 1), &m));
	}
}

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
} bads[] = {
	{ "threats L1 empty", BYTES("") },
	{ "no array", BYTES("\x01") },
	{ "a map", BYTES("\xa2\x01\x00\x07\x05") },
	{ "threats L15 another version", BYTES("\x84\x02\x04\x07\x18\x64") },
	{ "threats L15 version zero", BYTES("\x84\x00\x04\x07\x18\x64") },
	{ "unknown type", BYTES("\x84\x01\x05\x07\x18\x64") },
	{ "huge type", BYTES("\x84\x01\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x07\x18\x64") },
	{ "an item too many", BYTES("\x85\x01\x04\x07\x18\x64\x00") },
	{ "an item missing", BYTES("\x83\x01\x04\x07") },
	{ "items of another type", BYTES("\x85\x01\x00\x07\x08\x05") },
	{ "threats L2 array without end", BYTES("\x9b\x00\x00\x00\x01\x00\x00\x00\x00\x01\x04") },
	{ "threats L3 indefinite array", BYTES("\x9f\x01\x04\x07\x18\x64\xff") },
	{ "threats L2 bytes without end",
		BYTES("\x87\x01\x02\x07\x18\x64\x00\x00\x5b\xff\xff\xff\xff\xff\xff\xff\xff"
		      "a") },
	{ "threats L3 indefinite bytes",
		BYTES("\x87\x01\x02\x07\x18\x64\x00\x00\x5f\x41"
		      "a\xff") },
	{ "threats L6 longer than needed", BYTES("\x84\x01\x04\x18\x07\x18\x64") },
	{ "threats L8 text for bytes",
		BYTES("\x87\x01\x02\x07\x18\x64\x00\x00\x63"
		      "abc") },
	{ "threats L8 negative number", BYTES("\x84\x01\x04\x26\x18\x64") },
	{ "no bytes", BYTES("\x87\x01\x02\x07\x18\x64\x00\x00\x40") },
	{ "to zero", BYTES("\x84\x01\x04\x00\x18\x64") },
	{ "from zero", BYTES("\x84\x01\x04\x07\x00") },
	{ "open from zero", BYTES("\x84\x01\x00\x00\x1a\x00\x10\x00\x00") },
};

static void refused(void **state)
{
	for (size_t i = 0; i < COUNT(bads); i++) {
		struct bus_message m;
		name_row(bads[i].name);
		assert_false(bus_message_read(str_from(bads[i].bytes, bads[i].len), &m));
	}
}

static void largest(void **state)
{
	static char text[BUS_HEAD_MAX + BUS_CHUNK_MAX + 1];
	struct bus_message m = {
		.type = BUS_DATA, .to = MOST, .from = MOST, .offset = MOST, .taken = MOST
	};
	struct bus_message read;

	for (size_t more = 0; more < 2; more++) {
		m.bytes = str_from(text, BUS_CHUNK_MAX + more);
		char head[BUS_HEAD_MAX];
		struct str h = bus_message_head(&m, head);
		static char whole[sizeof(text) + BUS_HEAD_MAX];
		memcpy(whole, h.p, h.len);
		memcpy(whole + h.len, m.bytes.p, m.bytes.len);
		assert_int_equal(
			bus_message_read(str_from(whole, h.len + m.bytes.len), &read), more == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
		cmocka_unit_test(largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
