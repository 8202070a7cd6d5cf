/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical output: read a stanza, write it, and read and write that again. */
#include "harness.h"

enum { PLENTY = 1 << 20 };

static const struct {
	const char *name;
	struct str in;
	const char *want;
} rows[] = {
	{ "empty", STR("<a></a >"), "<a/>" },
	{ "children", STR("<a><b/>t<c>u</c></a>"), "<a><b/>t<c>u</c></a>" },
	{ "s2s B13 quotes", STR("<a b = '1' c=\"2\" />"), "<a b=\"1\" c=\"2\"/>" },
	{ "s2s B13 five characters", STR("<a b='&lt;>&amp;\"&apos;'>&lt;>&amp;\"'</a>"),
		"<a b=\"&lt;&gt;&amp;&quot;&apos;\">&lt;&gt;&amp;&quot;&apos;</a>" },
	{ "s2s B12 white space by reference", STR("<a b='&#13;&#10;&#9; '>&#13;\n\t </a>"),
		"<a b=\"&#13;&#10;&#9; \">&#13;\n\t </a>" },
	{ "s2s B12 literal white space", STR("<a b='\r\n\t'>\r\n\t</a>"), "<a b=\"  \">\n\t</a>" },
	{ "threats C4 end of tag in a value", STR("<a b='\"/>'/>"), "<a b=\"&quot;/&gt;\"/>" },
	{ "s2s B12 threats C13 sections become text", STR("<a>x<![CDATA[<]]]]><![CDATA[>]]></a>"),
		"<a>x&lt;]]&gt;</a>" },
	{ "threats C14 double escape", STR("<a>&amp;lt;</a>"), "<a>&amp;lt;</a>" },
	{ "threats B6 wide characters", STR("<a b='\xc3\xa9'>\xf0\x9f\x98\x80\xef\xbb\xbf</a>"),
		"<a b=\"\xc3\xa9\">\xf0\x9f\x98\x80\xef\xbb\xbf</a>" },
	{ "s2s B10 prefixes go", STR("<db:a><db:b/><c/></db:a>"),
		"<a xmlns=\"jabber:server:dialback\"><b/><c xmlns=\"jabber:server\"/></a>" },
	{ "s2s B10 no namespace stays", STR("<a><b xmlns=''><c/></b><d/></a>"),
		"<a><b xmlns=\"\"><c/></b><d/></a>" },
	{ "s2s B10 namespace only where it changes",
		STR("<a xmlns='u'><b xmlns='u'/><p:c xmlns:p='u' xmlns='v'><d/></p:c></a>"),
		"<a xmlns=\"u\"><b/><c><d xmlns=\"v\"/></c></a>" },
	{ "s2s B10 unused declarations go", STR("<a xmlns:p='u' xmlns:q='v'/>"), "<a/>" },
	{ "threats C2 quotes in a namespace", STR("<a xmlns='\"&lt;&apos;&#10;'/>"),
		"<a xmlns=\"&quot;&lt;&apos;&#10;\"/>" },
	{ "s2s B10 threats C10 attributes in namespaces",
		STR("<a xmlns:p='u' xmlns:q='v' q:b='1' p:b='2' b='3' q:c='4' xml:lang='en'/>"),
		"<a xmlns:n1=\"v\" xmlns:n2=\"u\" n1:b=\"1\" n2:b=\"2\" b=\"3\" n1:c=\"4\" "
		"xml:lang=\"en\"/>" },
	{ "s2s B10 threats C10 attribute in the element's namespace", STR("<db:a db:b='1'/>"),
		"<a xmlns=\"jabber:server:dialback\" xmlns:n1=\"jabber:server:dialback\" "
		"n1:b=\"1\"/>" },
	{ "s2s B10 threats C10 prefixes begin anew on each element",
		STR("<a xmlns:p='u' xmlns:q='v' p:b='1'><c q:b='2'/></a>"),
		"<a xmlns:n1=\"u\" n1:b=\"1\"><c xmlns:n1=\"v\" n1:b=\"2\"/></a>" },
	{ "s2s B3 threats C12 elements of xml:", STR("<a><xml:b xmlns='u'><c/></xml:b><d/></a>"),
		"<a><xml:b><c xmlns=\"u\"/></xml:b><d/></a>" },
	{ "many namespaces on one element",
		STR("<a xmlns:a='1' xmlns:b='2' xmlns:c='3' xmlns:d='4' xmlns:e='5' xmlns:f='6' "
		    "xmlns:g='7' xmlns:h='8' xmlns:i='9' xmlns:j='10' a:x='' b:x='' c:x='' d:x='' "
		    "e:x='' f:x='' g:x='' h:x='' i:x='' j:x=''/>"),
		"<a xmlns:n1=\"1\" xmlns:n2=\"2\" xmlns:n3=\"3\" xmlns:n4=\"4\" xmlns:n5=\"5\" "
		"xmlns:n6=\"6\" xmlns:n7=\"7\" xmlns:n8=\"8\" xmlns:n9=\"9\" xmlns:n10=\"10\" "
		"n1:x=\"\" n2:x=\"\" n3:x=\"\" n4:x=\"\" n5:x=\"\" n6:x=\"\" n7:x=\"\" n8:x=\"\" "
		"n9:x=\"\" n10:x=\"\"/>" },
};

static void test_canonical(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf once, twice;
		name_row(rows[i].name);
		buf_init(&once, PLENTY);
		buf_init(&twice, PLENTY);
		assert_true(xml_write(&once, read_stanza(r, rows[i].in), STRL(NS_SERVER)));
		if (!str_is(buf_bytes(&once), rows[i].want))
			fail_msg("%s: got %.*s", rows[i].name, STR_FMT(buf_bytes(&once)));
		assert_true(xml_write(&twice, read_stanza(r, buf_bytes(&once)), STRL(NS_SERVER)));
		if (!str_eq(buf_bytes(&once), buf_bytes(&twice)))
			fail_msg("%s: not a fixed point: %.*s", rows[i].name,
				STR_FMT(buf_bytes(&twice)));
		buf_done(&once);
		buf_done(&twice);
	}
	xml_reader_free(r);
}

/* Trees that no reader makes: the writer refuses them and leaves the output as it was. */
static const struct {
	const char *name;
	struct str ns, elem, attr_ns, attr, value, text;
	bool ok;
} trees[] = {
	{ "good", STR("u"), STR("a"), STR(""), STR("b"), STR("v"), STR("t"), true },
	{ "empty strings", STR(""), STR("a"), STR(""), STR("b"), STR(""), STR(""), true },
	{ "threats C3 space in a name", STR("u"), STR("a b"), STR(""), STR("b"), STR("v"), STR("t"),
		false },
	{ "threats C3 markup in a name", STR("u"), STR("a><b"), STR(""), STR("b"), STR("v"),
		STR("t"), false },
	{ "threats C3 prefixed name", STR("u"), STR("p:a"), STR(""), STR("b"), STR("v"), STR("t"),
		false },
	{ "threats C3 no name", STR("u"), STR(""), STR(""), STR("b"), STR("v"), STR("t"), false },
	{ "threats C3 attribute name", STR("u"), STR("a"), STR(""), STR("b c"), STR("v"), STR("t"),
		false },
	{ "threats C3 attribute xmlns", STR("u"), STR("a"), STR(""), STR("xmlns"), STR("v"),
		STR("t"), false },
	{ "s2s B3 threats C12 element of xmlns", STR(NS_XMLNS), STR("a"), STR(""), STR("b"),
		STR("v"), STR("t"), false },
	{ "s2s B3 threats C12 attribute of xmlns", STR("u"), STR("a"), STR(NS_XMLNS), STR("b"),
		STR("v"), STR("t"), false },
	{ "attribute xmlns elsewhere", STR("u"), STR("a"), STR("v"), STR("xmlns"), STR("v"),
		STR("t"), true },
	{ "threats C11 attribute twice", STR("u"), STR("a"), STR(""), STR("id"), STR("v"), STR("t"),
		false },
	{ "control in text", STR("u"), STR("a"), STR(""), STR("b"), STR("v"), STR("\x01"), false },
	{ "control in a value", STR("u"), STR("a"), STR(""), STR("b"), STR("\0"), STR("t"), false },
	{ "U+FFFF in text", STR("u"), STR("a"), STR(""), STR("b"), STR("v"), STR("\xef\xbf\xbf"),
		false },
	{ "bad UTF-8 in text", STR("u"), STR("a"), STR(""), STR("b"), STR("v"), STR("x\xc3"),
		false },
	{ "bad UTF-8 in a value", STR("u"), STR("a"), STR(""), STR("b"), STR("\xff"), STR("t"),
		false },
	{ "bad UTF-8 in a namespace", STR("\xff"), STR("a"), STR(""), STR("b"), STR("v"), STR("t"),
		false },
	{ "bad UTF-8 in an attribute's namespace", STR("u"), STR("a"), STR("\xff"), STR("b"),
		STR("v"), STR("t"), false },
};

static void test_refused(void **state)
{
	struct arena arena;
	struct buf out;

	arena_init(&arena, PLENTY);
	buf_init(&out, PLENTY);
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		name_row(trees[i].name);
		struct xml_node *e = xml_node_elem(&arena, trees[i].ns, trees[i].elem);
		xml_node_set(&arena, e, STRL("id"), STRL("1"));
		xml_node_set(&arena, e, trees[i].attr, trees[i].value);
		e->attrs->next->ns = trees[i].attr_ns;
		xml_node_add(e, xml_node_text(&arena, trees[i].text));
		buf_clear(&out, PLENTY);
		buf_append_c(&out, "kept");
		bool ok = xml_write(&out, e, STRL("u"));
		if (ok != trees[i].ok || !str_starts(buf_bytes(&out), STRL("kept")) ||
			(!ok && buf_len(&out) != 4))
			fail_msg("%s", trees[i].name);
		struct xml_node *around = xml_node_elem(&arena, STRL("u"), STRL("around"));
		xml_node_add(around, e);
		assert_int_equal(xml_write(&out, around, STRL("u")), ok);
	}
	arena_done(&arena);
	buf_done(&out);
}

static void test_full(void **state)
{
	struct xml_reader *r = xml_reader_new(NULL, &xml_limits_default);
	const struct xml_node *e = read_stanza(r, STRL("<a b='&lt;'><c xmlns='u'>d&amp;</c></a>"));
	struct buf out;

	buf_init(&out, PLENTY);
	assert_true(xml_write(&out, e, STRL(NS_SERVER)));
	size_t needed = buf_len(&out);
	buf_done(&out);
	for (size_t limit = 0; limit <= needed; limit++) {
		buf_init(&out, limit);
		assert_int_equal(xml_write(&out, e, STRL(NS_SERVER)), limit == needed);
		assert_int_equal(buf_len(&out), limit == needed ? needed : 0);
		buf_done(&out);
	}
	xml_reader_free(r);
}

/* Iterative: a depth that no recursion would survive. */
static void test_deep(void **state)
{
	struct xml_node *root = NULL;
	struct arena arena;
	struct buf out;

	arena_init(&arena, SIZE_MAX);
	buf_init(&out, PLENTY * 16);
	for (int i = 0; i < 500000; i++) {
		struct xml_node *e = xml_node_elem(&arena, STRL("u"), STRL("a"));
		if (root)
			xml_node_add(e, root);
		root = e;
	}
	assert_true(xml_write(&out, root, STRL("u")));
	assert_int_equal(buf_len(&out), 499999 * strlen("<a></a>") + strlen("<a/>"));
	arena_done(&arena);
	buf_done(&out);
}

static void test_by_hand(void **state)
{
	struct buf out;

	buf_init(&out, 64);
	assert_true(xml_write_text(&out, STRL("a\n<\xc3\xa9'\r")));
	assert_true(xml_write_value(&out, STRL("\n\t\"")));
	assert_true(xml_write_value(&out, (struct str){ NULL, 0 }));
	assert_true(str_is(buf_bytes(&out), "a\n&lt;\xc3\xa9&apos;&#13;&#10;&#9;&quot;"));
	size_t before = buf_len(&out);
	assert_false(xml_write_text(&out, STRL("abc\x01")));
	assert_false(xml_write_value(&out, STRL("a much longer string than the buffer takes")));
	assert_int_equal(buf_len(&out), before);
	buf_done(&out);
}

static void test_builders(void **state)
{
	struct arena arena;
	struct buf out;

	arena_init(&arena, PLENTY);
	buf_init(&out, PLENTY);
	struct xml_node *e = xml_node_elem(&arena, STRL("u"), STRL("a"));
	xml_node_set(&arena, e, STRL("b"), STRL("1"));
	xml_node_set(&arena, e, STRL("c"), STRL("2"));
	xml_node_add(e, xml_node_elem(&arena, STRL("v"), STRL("d")));
	xml_node_add(e, xml_node_text(&arena, STRL("t")));
	assert_true(xml_write(&out, e, STRL("")));
	assert_true(
		str_is(buf_bytes(&out), "<a xmlns=\"u\" b=\"1\" c=\"2\"><d xmlns=\"v\"/>t</a>"));
	assert_true(str_is(xml_attr_get(e, "c"), "2"));
	assert_null(xml_attr_get(e, "d").p);
	assert_non_null(xml_child(e, STRL("v"), "d"));
	assert_null(xml_child(e, STRL("u"), "d"));
	arena_done(&arena);
	arena_init(&arena, 8);
	assert_null(xml_node_elem(&arena, STRL("u"), STRL("a")));
	assert_null(xml_node_text(&arena, STRL("u")));
	assert_false(xml_node_set(&arena, e, STRL("b"), STRL("1")));
	arena_done(&arena);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_builders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
