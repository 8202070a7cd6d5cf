/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "xml/dict.h"

static void test_lookup(void **state)
{
	struct xml_dict *d = xml_dict_new();

	xml_dict_add_elem(d, STRL("u"), STRL("a"), 7);
	xml_dict_add_elem(d, STRL("v"), STRL("a"), 7);
	xml_dict_add_elem(d, STRL("u"), STRL("a-name-of-more-than-sixteen-bytes"), 8);
	xml_dict_add_elem(d, STRL(""), STRL("a"), 65535);
	xml_dict_add_attr(d, STRL("a"), 3);
	unsigned u = xml_dict_ns(d, STRL("u")), v = xml_dict_ns(d, STRL("v"));
	unsigned none = xml_dict_ns(d, STRL(""));
	assert_true(u && v && none && u != v && u != none);
	assert_int_equal(xml_dict_ns(d, STRL("w")), 0);
	assert_int_equal(xml_dict_elem(d, u, STRL("a")), 7);
	assert_int_equal(xml_dict_elem(d, v, STRL("a")), 7);
	assert_int_equal(xml_dict_elem(d, none, STRL("a")), 65535);
	assert_int_equal(xml_dict_elem(d, 0, STRL("a")), 0);
	assert_int_equal(xml_dict_elem(d, u, STRL("b")), 0);
	assert_int_equal(xml_dict_elem(d, u, STRL("a-name-of-more-than-sixteen-bytes")), 8);
	assert_int_equal(xml_dict_elem(d, u, STRL("a-name-of-less-than--sixteen-bytes")), 0);
	assert_int_equal(xml_dict_elem(d, u, STRL("a-name-oX-more-than-sixteen-bytes")), 0);
	assert_int_equal(xml_dict_attr(d, STRL("a")), 3);
	assert_int_equal(xml_dict_attr(d, STRL("u")), 0);
	assert_int_equal(xml_dict_attr(d, STRL("")), 0);
	xml_dict_free(d);
	xml_dict_free(NULL);
}

static void test_many(void **state)
{
	static char names[3000][24];
	struct xml_dict *d = xml_dict_new();

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(names[i], sizeof(names[i]), "%*u", (int)(i % 20), i);
		xml_dict_add_elem(d, str_of(names[i % 10]), str_of(names[i]), (xml_name)(i + 1));
		xml_dict_add_attr(d, str_of(names[i]), (xml_name)(i + 2));
	}
	for (unsigned i = 0; i < 3000; i++) {
		unsigned ns = xml_dict_ns(d, str_of(names[i % 10]));
		assert_int_equal(xml_dict_elem(d, ns, str_of(names[i])), i + 1);
		assert_int_equal(xml_dict_attr(d, str_of(names[i])), i + 2);
	}
	xml_dict_free(d);
}

/* The reader gives numbers to what it reads; what it does not know is 0. */
static void test_reader(void **state)
{
	struct xml_dict *d = xml_dict_new();

	xml_dict_add_elem(d, STRL(NS_SERVER), STRL("message"), 1);
	xml_dict_add_elem(d, STRL("urn:x"), STRL("x"), 2);
	xml_dict_add_elem(d, STRL(""), STRL("x"), 3);
	xml_dict_add_elem(d, STRL(NS_XML), STRL("x"), 4);
	xml_dict_add_attr(d, STRL("to"), 5);
	xml_dict_add_attr(d, STRL("xml:lang"), 6);
	xml_dict_add_attr(d, STRL("lang"), 7);
	struct xml_reader *r = xml_reader_new(d, &xml_limits_default);
	const struct xml_node *m = read_stanza(r,
		STRL("<message to='a' xml:lang='b' lang='c' p:to='d' xmlns:p='urn:x' y='e'>"
		     "<p:x/><x xmlns='urn:x'/><x/><x xmlns=''/><xml:x/><p:message/></message>"));
	const xml_name attrs[] = { 5, 6, 7, 0, 0 }, elems[] = { 2, 2, 0, 3, 4, 0 };
	const struct xml_attr *a = m->attrs;
	const struct xml_node *c = m->children;
	assert_int_equal(m->id, 1);
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++, a = a->next)
		assert_int_equal(a->id, attrs[i]);
	for (size_t i = 0; i < sizeof(elems) / sizeof(elems[0]); i++, c = c->next)
		assert_int_equal(c->id, elems[i]);
	assert_null(a);
	assert_null(c);
	xml_reader_free(r);
	xml_dict_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
