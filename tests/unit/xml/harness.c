/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

enum { PLENTY = 64 << 20 };

static void put_ns(struct buf *out, struct str ns, const char *implied)
{
	if (!str_is(ns, implied))
		buf_printf(out, "{%.*s}", STR_FMT(ns));
}

void dump_tree(struct buf *out, const struct xml_node *e)
{
	put_ns(out, e->ns, NS_SERVER);
	buf_append(out, e->name);
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		buf_append_c(out, "@");
		put_ns(out, a->ns, "");
		buf_printf(out, "%.*s='", STR_FMT(a->name));
		buf_append(out, a->value);
		buf_append_c(out, "'");
	}
	if (!e->children)
		return;
	buf_append_c(out, "(");
	for (const struct xml_node *c = e->children; c; c = c->next) {
		if (c != e->children)
			buf_append_c(out, " ");
		if (c->kind == XML_ELEM) {
			dump_tree(out, c);
			continue;
		}
		buf_append_c(out, "\"");
		buf_append(out, c->text);
		buf_append_c(out, "\"");
	}
	buf_append_c(out, ")");
}

static void put_event(struct buf *out, struct xml_reader *r, enum xml_event e)
{
	if (buf_len(out))
		buf_append_c(out, " ");
	switch (e) {
	case XML_OPEN:
		buf_append_c(out, "OPEN ");
		dump_tree(out, xml_reader_node(r));
		break;
	case XML_STANZA:
		dump_tree(out, xml_reader_node(r));
		break;
	case XML_CLOSE:
		buf_append_c(out, "CLOSE");
		break;
	case XML_BAD:
		buf_printf(out, "!%s", xml_error_name(xml_reader_error(r)));
		break;
	case XML_MORE:
		buf_append_c(out, "...");
		break;
	}
}

/* Feeds one piece, from memory of just its size. True to go on. */
static bool feed_piece(struct xml_reader *r, struct str piece, struct buf *out)
{
	char *bytes = test_malloc(piece.len);
	struct str in = str_from(bytes, piece.len);
	enum xml_event e;

	memcpy(bytes, piece.p, piece.len);
	while ((e = xml_reader_next(r, &in)) != XML_MORE && e != XML_BAD)
		put_event(out, r, e);
	if (e == XML_MORE) {
		assert_int_equal(in.len, 0);
	} else {
		put_event(out, r, e);
		assert_int_equal(xml_reader_next(r, &in), XML_BAD);
		assert_null(xml_reader_node(r));
	}
	test_free(bytes);
	return e == XML_MORE;
}

void feed(struct xml_reader *r, struct str doc, size_t first, size_t step, struct buf *out)
{
	size_t n = first;

	while (doc.len) {
		if (n > doc.len)
			n = doc.len;
		if (n && !feed_piece(r, str_from(doc.p, n), out))
			return;
		doc = str_skip(doc, n);
		n = step;
	}
	if (xml_reader_inside(r))
		put_event(out, r, XML_MORE);
}

static void expect_cut(const char *name, struct xml_reader *r, struct str doc, size_t first,
	size_t step, const char *want)
{
	struct buf got;

	buf_init(&got, PLENTY);
	xml_reader_restart(r, NULL);
	feed(r, doc, first, step, &got);
	if (!str_is(buf_bytes(&got), want))
		fail_msg("%s: first cut %zu, then %zu:\n got  %.*s\n want %s", name, first, step,
			STR_FMT(buf_bytes(&got)), want);
	buf_done(&got);
}

void expect_document(
	const char *name, const struct xml_limits *limits, struct str doc, const char *want)
{
	struct xml_reader *r = xml_reader_new(NULL, limits ? limits : &xml_limits_default);

	name_row(name);
	expect_cut(name, r, doc, doc.len, doc.len, want);
	expect_cut(name, r, doc, 1, 1, want);
	for (size_t at = 1; at < doc.len && doc.len < 4096; at++)
		expect_cut(name, r, doc, at, doc.len, want);
	xml_reader_free(r);
}

void expect_inside(
	const char *name, const struct xml_limits *limits, struct str stanzas, const char *want)
{
	struct buf doc, all;

	buf_init(&doc, PLENTY);
	buf_init(&all, PLENTY);
	buf_append_c(&doc, ROOT);
	buf_append(&doc, stanzas);
	buf_append_c(&all, "OPEN {" NS_STREAM "}stream");
	buf_printf(&all, "%s%s%c", *want ? " " : "", want, 0);
	expect_document(name, limits, buf_bytes(&doc), buf_bytes(&all).p);
	buf_done(&doc);
	buf_done(&all);
}

struct xml_node *read_stanza(struct xml_reader *r, struct str stanza)
{
	struct str root = STRL(ROOT);

	xml_reader_restart(r, NULL);
	assert_int_equal(xml_reader_next(r, &root), XML_OPEN);
	if (xml_reader_next(r, &stanza) != XML_STANZA)
		fail_msg(
			"refused (%s): %.*s", xml_error_name(xml_reader_error(r)), STR_FMT(stanza));
	return xml_reader_node(r);
}
