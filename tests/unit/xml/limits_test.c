/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each limit at its edge and one beyond; one beyond is refused while the token or
 * element is still open, so the inputs of "beyond" rows simply stop.
 */
#include "harness.h"

enum { PLENTY = 64 << 20 };

/* head, then n times unit (where %u is a running number), then tail */
struct row {
	const char *name;
	struct xml_limits limits; /* 0: the default */
	const char *head;
	const char *unit;
	unsigned n;
	const char *tail;
	const char *want; /* "ok": one stanza */
};

static const struct row rows[] = {
	{ "bytes: edge", { .bytes = 20 }, "<a>", "x", 13, "</a>", "ok" },
	{ "bytes: one more", { .bytes = 20 }, "<a>", "x", 14, "</a>", "!stanza-too-big" },
	{ "bytes: open text", { .bytes = 20 }, "<a>", "x", 18, "", "!stanza-too-big" },
	{ "bytes: open text at the edge", { .bytes = 20 }, "<a>", "x", 17, "", "..." },
	{ "bytes: open value", { .bytes = 20 }, "<a b='", "x", 15, "", "!stanza-too-big" },
	{ "bytes: open name", { .bytes = 20 }, "<", "x", 20, "", "!stanza-too-big" },
	{ "bytes: open tag", { .bytes = 20 }, "<a", " ", 19, "", "!stanza-too-big" },
	{ "bytes: open section", { .bytes = 20 }, "<a><![CDATA[", "x", 9, "", "!stanza-too-big" },
	{ "bytes: open reference", { .bytes = 20 }, "<a>&#", "0", 16, "", "!stanza-too-big" },
	{ "bytes: open end tag", { .bytes = 20 }, "<a></a", " ", 15, "", "!stanza-too-big" },
	{ "bytes: cut character at the edge", { .bytes = 5 }, "<a>\xf0\x9f", "\x98", 1, "\x80",
		"!stanza-too-big" },
	{ "bytes: an error at the edge comes first", { .bytes = 5 }, "<a><", "=", 1, "x",
		"!not-well-formed" },
	{ "bytes: an error beyond does not", { .bytes = 4 }, "<a><", "=", 1, "x",
		"!stanza-too-big" },

	{ "s2s B15 threats A7 depth: edge", { .depth = 5 }, "", "<a>", 5, "</a></a></a></a></a>",
		"ok" },
	{ "s2s B15 threats A7 depth: empty element at the edge", { .depth = 5 }, "<a><a><a><a>",
		"<a/>", 3, "</a></a></a></a>", "ok" },
	{ "s2s B15 threats A7 depth: one more", { .depth = 5 }, "", "<a>", 5, "<a", "!too-deep" },
	{ "s2s B15 threats A7 depth: empty element too deep", { .depth = 5 }, "", "<a>", 5, "<a/>",
		"!too-deep" },
	{ "s2s B15 threats A7 depth: 4000 nested", { 0 }, "", "<a>", 4000, "", "!too-deep" },
	{ "s2s B15 threats A7 depth: names without end", { 0 }, "", "<a", 4000, "",
		"!not-well-formed" },

	{ "s2s B15 threats A8 attributes: edge", { .attrs = 4 }, "<a xmlns='u'", " b%u=''", 4, "/>",
		"ok" },
	{ "s2s B15 threats A8 attributes: one more", { .attrs = 4 }, "<a", " b%u=''", 4,
		" b=", "!too-many-attributes" },
	{ "s2s B15 threats A8 attributes: 300", { .attrs = 300 }, "<a", " b%u=''", 300, "/>",
		"ok" },
	{ "s2s B15 threats A8 attributes: 4000", { 0 }, "<a", " b%u=''", 4000, "",
		"!too-many-attributes" },
	{ "s2s B15 threats A8 declarations: edge", { .ns_decls = 4 }, "<a xmlns='u' b='c'",
		" xmlns:b%u='u'", 3, "/>", "ok" },
	{ "s2s B15 threats A8 declarations: one more", { .ns_decls = 4 }, "<a xmlns='u'",
		" xmlns:b%u='u'", 3, " xmlns:p=", "!too-many-namespaces" },
	{ "s2s B15 threats A8 declarations: 2000", { 0 }, "<a", " xmlns:b%u='u'", 2000, "",
		"!too-many-namespaces" },

	{ "s2s B15 threats A12 elements: edge", { .elements = 6 }, "<a>", "<b/>", 5, "</a>", "ok" },
	{ "s2s B15 threats A12 elements: one more", { .elements = 6 }, "<a>", "<b/>", 5, "<b",
		"!too-many-elements" },
	{ "s2s B15 threats A12 elements: 12000 siblings", { 0 }, "<a>", "<b/>", 12000, "",
		"!too-many-elements" },

	{ "s2s B15 threats A9 name: edge", { .name = 9 }, "<", "x", 9, "/>", "ok" },
	{ "s2s B15 threats A9 name: one more", { .name = 9 }, "<", "x", 10, "", "!name-too-long" },
	{ "s2s B15 threats A9 name: local part at the edge", { .name = 9 }, "<db:", "x", 9, "/>",
		"ok" },
	{ "s2s B15 threats A9 name: local part one more", { .name = 9 }, "<db:", "x", 10, "",
		"!name-too-long" },
	{ "s2s B15 threats A9 name: prefix one more", { .name = 9 }, "<", "x", 10, ":a/>",
		"!name-too-long" },
	{ "s2s B15 threats A9 name: attribute at the edge", { .name = 9 }, "<a ", "x", 9, "=''/>",
		"ok" },
	{ "s2s B15 threats A9 name: attribute one more", { .name = 9 }, "<a ", "x", 10, "",
		"!name-too-long" },
	{ "s2s B15 threats A9 name: declared prefix one more", { .name = 9 }, "<a xmlns:", "x", 10,
		"", "!name-too-long" },
	{ "s2s B15 threats A9 name: in characters of two bytes", { .name = 9 }, "<a ", "\xc3\xa9",
		5, "", "!name-too-long" },
	{ "s2s B15 threats A9 name of 40 KB", { 0 }, "<", "x", 40000, "", "!name-too-long" },
	{ "s2s B15 threats A9 value: edge", { .value = 40 }, "<a b='", "x", 40, "'/>", "ok" },
	{ "s2s B15 threats A9 value: one more", { .value = 40 }, "<a b='", "x", 41, "",
		"!value-too-long" },
	{ "s2s B15 threats A9 value: namespace one more", { .value = 40 }, "<a xmlns='", "x", 41,
		"", "!value-too-long" },
	{ "s2s B15 threats A9 value: references count once", { .value = 40 }, "<a b='", "&lt;", 40,
		"'/>", "ok" },
	{ "s2s B15 threats A9 value: references one more", { .value = 40 }, "<a b='", "&lt;", 41,
		"", "!value-too-long" },
	{ "s2s B15 threats A9 value: line ends", { .value = 40 }, "<a b='", "\r\n", 40, "'/>",
		"ok" },
	{ "s2s B15 threats A9 value: wide characters", { .value = 40 }, "<a b='", "\xe2\x82\xac",
		14, "", "!value-too-long" },
	{ "threats A10 value of 256 KB in pieces of 100 bytes and of one",
		{ .bytes = 300000, .value = 300000 }, "<a b='", "0123456789abcdef", 16384, "'/>",
		"ok" },
	{ "threats A10 name of 30 KB in pieces", { .name = 40000 }, "<", "x", 30000, "/>", "ok" },
	{ "s2s B15 threats A9 value of 2 MB", { 0 }, "<a b='", "0123456789abcdef", 131072, "",
		"!value-too-long" },
	{ "s2s B15 threats A9 text of 2 MB", { 0 }, "<a>", "0123456789abcdef", 131072, "",
		"!stanza-too-big" },

	{ "threats A14 space: edge", { .space = 7 }, "", " ", 7, "<a/>", "ok" },
	{ "threats A14 space: one more", { .space = 7 }, "", "\n", 8, "", "!too-much-white-space" },
	{ "threats A14 40 KB, then a stanza", { 0 }, "", " ", 40960, "<a/>", "ok" },
	{ "threats A14 8 MB", { 0 }, "", "                ", 524288, "", "!too-much-white-space" },
};

static void put_units(struct buf *doc, const char *unit, unsigned n)
{
	const char *mark = strstr(unit, "%u");

	for (unsigned i = 0; i < n; i++) {
		if (!mark) {
			buf_append_c(doc, unit);
			continue;
		}
		buf_append(doc, str_from(unit, (size_t)(mark - unit)));
		buf_printf(doc, "%u%s", i, mark + 2);
	}
}

static struct xml_limits with_defaults(struct xml_limits l)
{
	const struct xml_limits *d = &xml_limits_default;

	return (struct xml_limits){
		.bytes = l.bytes ? l.bytes : d->bytes,
		.space = l.space ? l.space : d->space,
		.depth = l.depth ? l.depth : d->depth,
		.attrs = l.attrs ? l.attrs : d->attrs,
		.ns_decls = l.ns_decls ? l.ns_decls : d->ns_decls,
		.elements = l.elements ? l.elements : d->elements,
		.name = l.name ? l.name : d->name,
		.value = l.value ? l.value : d->value,
	};
}

/* The root is read under the default limits, the rest under those of the row. */
static void run_row(const struct row *row, struct str in, size_t first, size_t step)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct xml_limits limits = with_defaults(row->limits);
	struct str root = STRL(ROOT);
	struct buf got;

	buf_init(&got, PLENTY);
	assert_int_equal(xml_reader_next(r, &root), XML_OPEN);
	xml_reader_set_limits(r, &limits);
	feed(r, in, first, step, &got);
	struct str all = buf_bytes(&got);
	bool ok = str_is(all, row->want);
	if (strcmp(row->want, "ok") == 0)
		ok = all.len && all.p[0] != '!' && all.p[0] != '.';
	if (!ok)
		fail_msg("%s: first cut %zu, then %zu: got %.*s", row->name, first, step,
			STR_FMT(all));
	/* One big token costs twice its limit, many small elements what the arena's limit allows.
	 */
	size_t per_byte = strncmp(row->name, "A9", 2) == 0 ? 2 : 9;
	if (xml_reader_footprint(r) > per_byte * limits.bytes + 2 * 65536)
		fail_msg("%s: %zu bytes held", row->name, xml_reader_footprint(r));
	buf_done(&got);
	xml_reader_free(r);
}

static void test_limits(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf doc;
		name_row(rows[i].name);
		buf_init(&doc, PLENTY);
		buf_append_c(&doc, rows[i].head);
		put_units(&doc, rows[i].unit, rows[i].n);
		buf_append_c(&doc, rows[i].tail);
		struct str in = buf_bytes(&doc);
		run_row(&rows[i], in, in.len, in.len);
		run_row(&rows[i], in, 1, 1);
		run_row(&rows[i], in, 100, 100);
		for (size_t at = 1; at < in.len && in.len < 200; at++)
			run_row(&rows[i], in, at, in.len);
		buf_done(&doc);
	}
}

/* The header counts from the document's first byte; a stanza does not inherit its count. */
static void test_header(void **state)
{
	struct xml_limits limits = xml_limits_default;

	limits.bytes = 42;
	expect_document("header at the edge", &limits,
		STRL("<?xml version='1.0'?> \n<abcdef "
		     "x='123456'><b>0123456789012345678901234567890</b>"),
		"OPEN {}abcdef@x='123456' {}b(\"0123456789012345678901234567890\")");
	expect_document("header one beyond", &limits,
		STRL("<?xml version='1.0'?> \n <abcdef x='1234567'>"), "!stanza-too-big");
	expect_document("space before the header", &limits,
		STRL("                                         <a>"), "!stanza-too-big");
	expect_document("open declaration", &limits,
		STRL("<?xml version='1.0'                      ?>"), "!stanza-too-big");
	expect_document("end tag too long", &limits,
		STRL("<a></a                                        >"),
		"OPEN {}a !stanza-too-big");
}

/* New limits wait for the next first-level element. */
static void test_set_limits(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct xml_limits small = xml_limits_default;
	struct buf got;

	small.elements = 1;
	buf_init(&got, 4096);
	feed(r, STRL(ROOT "<a><b/>"), 1000, 1, &got);
	xml_reader_set_limits(r, &small);
	buf_clear(&got, 4096);
	feed(r, STRL("<c/></a><d/><e><f/>"), 1, 1, &got);
	assert_true(str_is(buf_bytes(&got), "a(b c) d !too-many-elements"));
	xml_reader_restart(r, &xml_limits_early);
	buf_clear(&got, 4096);
	feed(r, STRL("<a><b><c/></b></a>"), 1, 1, &got);
	assert_true(str_is(buf_bytes(&got), "OPEN {}a {}b({}c) CLOSE"));
	buf_done(&got);
	xml_reader_free(r);
}

static void test_forgive_space(void **state)
{
	struct xml_limits limits = xml_limits_default;
	struct str spaces = STRL("     "), in = STRL(ROOT);

	limits.space = 9;
	struct xml_reader *r = xml_reader_new(NULL, &limits);
	assert_int_equal(xml_reader_next(r, &in), XML_OPEN);
	for (int i = 0; i < 10; i++) {
		in = spaces;
		assert_int_equal(xml_reader_next(r, &in), XML_MORE);
		xml_reader_forgive_space(r);
	}
	in = spaces;
	assert_int_equal(xml_reader_next(r, &in), XML_MORE);
	in = spaces;
	assert_int_equal(xml_reader_next(r, &in), XML_BAD);
	assert_int_equal(xml_reader_error(r), XML_ERR_SPACE);
	xml_reader_free(r);
}

/* The tree that costs most memory for its bytes stops at a known point, not at malloc. */
static void test_threats_A12_memory(void **state)
{
	struct xml_limits limits = xml_limits_default;
	struct buf doc, got;

	limits.elements = 1 << 20;
	buf_init(&doc, PLENTY);
	buf_init(&got, PLENTY);
	buf_append_c(&doc, ROOT "<a>");
	put_units(&doc, "<b/>x", 52000);
	buf_append_c(&doc, "</a>");
	struct xml_reader *r = xml_reader_new(NULL, &limits);
	feed(r, buf_bytes(&doc), 1000, 1000, &got);
	assert_true(str_ends(buf_bytes(&got), STRL("!stanza-too-big-in-memory")));
	assert_true(xml_reader_footprint(r) < 9 * limits.bytes + 2 * 65536);
	xml_reader_restart(r, &xml_limits_default);
	buf_clear(&got, 0);
	feed(r, STRL("<a><b/>"), 1, 1, &got);
	assert_true(str_is(buf_bytes(&got), "OPEN {}a {}b"));
	assert_true(xml_reader_footprint(r) < 3 * 65536);
	buf_done(&doc);
	buf_done(&got);
	xml_reader_free(r);
}

/* Counters do not wrap: more than 4 GB through one reader, and the limits still count from each stanza. */
static void test_threats_A18_many_feeds(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	struct str root = STRL(ROOT);
	struct buf stanza;

	buf_init(&stanza, PLENTY);
	buf_append_c(&stanza, "<a b='x'>");
	put_units(&stanza, "0123456789abcdef", 15000);
	buf_append_c(&stanza, "</a>");
	assert_int_equal(xml_reader_next(r, &root), XML_OPEN);
	for (uint64_t fed = 0; fed < (1ull << 32) + (1ull << 20); fed += buf_len(&stanza)) {
		struct str in = buf_bytes(&stanza);
		if (xml_reader_next(r, &in) != XML_STANZA || in.len)
			fail_msg("after %lu bytes", fed);
	}
	struct str big = STRL("<a b='");
	assert_int_equal(xml_reader_next(r, &big), XML_MORE);
	buf_clear(&stanza, 0);
	put_units(&stanza, "0123456789abcdef", 20000);
	struct str in = buf_bytes(&stanza);
	assert_int_equal(xml_reader_next(r, &in), XML_BAD);
	assert_int_equal(xml_reader_error(r), XML_ERR_VALUE);
	buf_done(&stanza);
	xml_reader_free(r);
}

/* Nothing stays with a reader after unusual stanzas; little is taken before authentication. */
static void test_footprint(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_early);
	struct buf doc, got;

	buf_init(&doc, PLENTY);
	buf_init(&got, PLENTY);
	feed(r, STRL(ROOT), 1, 1, &got);
	assert_true(xml_reader_footprint(r) < 12288);
	xml_reader_set_limits(r, &xml_limits_default);
	feed(r, STRL("<message><body>Hello</body></message> "), 1, 1, &got);
	assert_true(xml_reader_footprint(r) < 12288);
	for (int i = 0; i < 3; i++) {
		buf_clear(&doc, 0);
		put_units(&doc, "<a xmlns:a%u='u' xmlns:b='u' xmlns:c='u'>", 64);
		put_units(&doc, "0123456789abcdef", 8000);
		put_units(&doc, "</a>", 64);
		buf_append_c(&doc, "<a/>");
		feed(r, buf_bytes(&doc), 999, 999, &got);
	}
	assert_int_not_equal(buf_bytes(&got).p[buf_len(&got) - 1], '.');
	struct str in = STRL(" ");
	assert_int_equal(xml_reader_next(r, &in), XML_MORE);
	assert_true(xml_reader_footprint(r) < 32768);
	buf_done(&doc);
	buf_done(&got);
	xml_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_set_limits),
		cmocka_unit_test(test_forgive_space),
		cmocka_unit_test(test_threats_A12_memory),
		cmocka_unit_test(test_threats_A18_many_feeds),
		cmocka_unit_test(test_footprint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
