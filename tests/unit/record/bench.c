/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "xml/writer.h"

#define HEAD "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"

static struct xml_reader *open_reader(const struct xml_dict *dict)
{
	struct xml_reader *r = xml_reader_new(dict, &xml_limits_default);
	struct str in = STR(HEAD);

	assert_int_equal(xml_reader_next(r, &in), XML_OPEN);
	return r;
}

void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->dict = xml_dict_new();
	record_fill_dict(b->dict);
	b->reader = open_reader(b->dict);
	b->another = open_reader(b->dict);
	arena_init(&b->arena, 1 << 24);
	buf_init(&b->cbor, 1 << 24);
	buf_init(&b->xml, 1 << 24);
}

void bench_done(struct bench *b)
{
	xml_reader_free(b->reader);
	xml_reader_free(b->another);
	xml_dict_free(b->dict);
	arena_done(&b->arena);
	buf_done(&b->cbor);
	buf_done(&b->xml);
}

struct xml_node *bench_read(struct bench *b, struct xml_reader *r, struct str xml)
{
	enum xml_event event = xml_reader_next(r, &xml);

	if (event != XML_STANZA)
		print_message("%s in %.*s\n", xml_error_name(xml_reader_error(r)), STR_FMT(xml));
	assert_int_equal(event, XML_STANZA);
	assert_int_equal(xml.len, 0);
	return xml_reader_node(r);
}

static struct jid address(
	struct arena *a, const struct xml_node *e, const char *name, struct str other)
{
	struct str text = xml_attr_get(e, name);
	struct jid jid;

	assert_int_equal(jid_parse(a, text.p ? text : other, &jid), JID_OK);
	return jid;
}

static enum record_condition from_tree(struct bench *b, struct xml_reader *r, struct xml_node *e,
	enum record_profile profile, struct record *ret)
{
	struct arena *a = xml_reader_arena(r);
	struct jid from = address(a, e, "from", STRL("juliet@example.com/balcony"));
	struct jid to = address(a, e, "to", STRL("romeo@example.net"));

	return record_from_stanza(e, &from, &to, STRL(""), profile, a, ret, &b->report);
}

void bench_decode(struct bench *b, enum record_profile profile)
{
	arena_reset(&b->arena);
	b->fault = record_decode(
		buf_bytes(&b->cbor), &record_limits_default, profile, &b->arena, &b->again);
}

enum record_condition bench_pass(struct bench *b, const char *xml, enum record_profile profile)
{
	struct xml_node *e = bench_read(b, b->reader, str_of(xml));
	enum record_condition c = from_tree(b, b->reader, e, profile, &b->record);

	if (c != COND_NONE)
		return c;
	buf_clear(&b->cbor, SIZE_MAX);
	buf_clear(&b->xml, SIZE_MAX);
	assert_true(record_encode(&b->record, &b->cbor));
	bench_decode(b, profile);
	if (b->fault)
		print_message("%s: %s\n", b->fault, xml);
	assert_null(b->fault);
	assert_true(record_write(&b->again, &b->xml));
	return c;
}

static size_t count_attrs(const struct xml_node *e)
{
	size_t n = 0;

	for (const struct xml_attr *a = e->attrs; a; a = a->next)
		n++;
	return n;
}

static bool same_attrs(const struct xml_node *a, const struct xml_node *b)
{
	if (count_attrs(a) != count_attrs(b))
		return false;
	for (const struct xml_attr *x = a->attrs; x; x = x->next) {
		const struct xml_attr *y = b->attrs;
		while (y && !(str_eq(x->ns, y->ns) && str_eq(x->name, y->name)))
			y = y->next;
		if (!y || !str_eq(x->value, y->value))
			return false;
	}
	return true;
}

/* Trees of tests are small: recursion does no harm here. */
bool bench_same_tree(const struct xml_node *a, const struct xml_node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == XML_TEXT)
		return str_eq(a->text, b->text);
	if (!str_eq(a->ns, b->ns) || !str_eq(a->name, b->name) || !same_attrs(a, b))
		return false;
	const struct xml_node *x = a->children, *y = b->children;
	for (; x && y; x = x->next, y = y->next) {
		if (!bench_same_tree(x, y))
			return false;
	}
	return !x && !y;
}

void bench_check_fixed_point(struct bench *b, enum record_profile profile)
{
	struct buf cbor, xml;
	struct record r;

	buf_init(&cbor, 1 << 24);
	buf_init(&xml, 1 << 24);
	assert_true(record_encode(&b->again, &cbor));
	assert_true(str_eq(buf_bytes(&cbor), buf_bytes(&b->cbor)));
	struct xml_node *e = bench_read(b, b->another, buf_bytes(&b->xml));
	/* The writer of trees gives the same bytes as the writer of records. */
	assert_true(xml_write(&xml, e, STRL("jabber:server")));
	assert_true(str_eq(buf_bytes(&xml), buf_bytes(&b->xml)));
	assert_int_equal(from_tree(b, b->another, e, profile, &r), COND_NONE);
	assert_int_equal(b->report.stripped, 0);
	buf_clear(&cbor, SIZE_MAX);
	assert_true(record_encode(&r, &cbor));
	assert_true(str_eq(buf_bytes(&cbor), buf_bytes(&b->cbor)));
	buf_done(&cbor);
	buf_done(&xml);
}
