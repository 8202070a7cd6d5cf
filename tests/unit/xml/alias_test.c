/* SPDX-License-Identifier: Apache-2.0 */
/* A namespace that is read as another one: the content of a component's stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rows.h"
#include "xml/names.h"
#include "xml/reader.h"
#include "xml/writer.h"

#define ROOT                                                                                       \
	"<s:stream xmlns='jabber:component:accept' xmlns:c='jabber:component:accept' "             \
	"xmlns:s='" NS_STREAM "'>"

static const struct {
	const char *name;
	const char *stanza;
	const char *read; /* written with jabber:server as default */
} rows[] = {
	{ "default", "<message><body>x</body></message>", "<message><body>x</body></message>" },
	{ "prefix", "<c:iq><c:a/><b/></c:iq>", "<iq><a/><b/></iq>" },
	{ "declared again", "<iq xmlns='jabber:component:accept'/>", "<iq/>" },
	{ "deep inside something else",
		"<iq><q xmlns='u'><r xmlns='jabber:component:accept'/></q></iq>",
		"<iq><q xmlns=\"u\"><r xmlns=\"jabber:server\"/></q></iq>" },
	{ "jabber:client of the stanza", "<iq xmlns='jabber:client'><a/></iq>", "<iq><a/></iq>" },
	{ "jabber:client further inside stays",
		"<message><forwarded xmlns='f'><message xmlns='jabber:client'/></forwarded>"
		"<body xmlns='jabber:client'/></message>",
		"<message><forwarded xmlns=\"f\"><message xmlns=\"jabber:client\"/></forwarded>"
		"<body xmlns=\"jabber:client\"/></message>" },
	{ "jabber:client by a prefix stays", "<x:iq xmlns:x='jabber:client'/>",
		"<iq xmlns=\"jabber:client\"/>" },
	{ "jabber:server means itself", "<iq xmlns='jabber:server'/>", "<iq/>" },
	{ "another namespace stays", "<iq xmlns='u'/>", "<iq xmlns=\"u\"/>" },
	{ "no namespace stays", "<iq xmlns=''/>", "<iq xmlns=\"\"/>" },
};

static struct xml_reader *open_stream(const struct xml_dict *dict)
{
	struct xml_reader *r = xml_reader_new(dict, &xml_limits_default);
	struct str in = STRL(ROOT);

	assert_int_equal(xml_reader_next(r, &in), XML_OPEN);
	return r;
}

static void expect(struct xml_reader *r, struct str in, const char *text)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(xml_reader_next(r, &in), XML_STANZA);
	assert_true(xml_write(&out, xml_reader_node(r), STRL(NS_SERVER)));
	assert_true(str_is(buf_bytes(&out), text));
	buf_done(&out);
}

static void run(const struct xml_dict *dict)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct xml_reader *r = open_stream(dict);
		name_row(rows[i].name);
		xml_reader_alias(r, STRL(NS_COMPONENT), STRL(NS_CLIENT), STRL(NS_SERVER));
		assert_true(str_is(xml_reader_root_ns(r, STRL("")), NS_COMPONENT));
		expect(r, str_of(rows[i].stanza), rows[i].read);
		xml_reader_free(r);
	}
}

static void test_rows(void **state)
{
	run(NULL);
}

/* The number of an element is that of the name that it is read as. */
static void test_numbers(void **state)
{
	struct xml_dict *dict = xml_dict_new();

	xml_dict_add_elem(dict, STRL(NS_SERVER), STRL("message"), 7);
	xml_dict_add_elem(dict, STRL(NS_COMPONENT), STRL("message"), 8);
	run(dict);
	struct xml_reader *r = open_stream(dict);
	xml_reader_alias(r, STRL(NS_COMPONENT), STRL(NS_CLIENT), STRL(NS_SERVER));
	expect(r, STRL("<message/>"), "<message/>");
	assert_int_equal(xml_reader_node(r)->id, 7);
	xml_reader_free(r);
	xml_dict_free(dict);
}

/* A restart forgets it. */
static void test_restart(void **state)
{
	struct xml_reader *r = open_stream(NULL);
	struct str in = STRL(ROOT);

	xml_reader_alias(r, STRL(NS_COMPONENT), STRL(NS_CLIENT), STRL(NS_SERVER));
	xml_reader_restart(r, NULL);
	assert_int_equal(xml_reader_next(r, &in), XML_OPEN);
	expect(r, STRL("<iq xmlns='jabber:client'/>"), "<iq xmlns=\"jabber:client\"/>");
	expect(r, STRL("<iq/>"), "<iq xmlns=\"jabber:component:accept\"/>");
	xml_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
