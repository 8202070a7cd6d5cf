/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical XML, as xml/writer.h has it. Names of catalogue elements are written as
 * prepared pieces of their rows; generic elements are left to xml_write().
 */
#include "base/check.h"
#include "record/fit.h"
#include "xml/names.h"
#include "xml/scan.h"
#include "xml/writer.h"

struct frame {
	const struct xml_node *e;
	struct str ns; /* default namespace around e */
};

/* Most strings need no escapes: they are copied in one piece, the others left to the writer. */
static bool put_text(struct buf *out, struct str s)
{
	if (scan_output(s.p, s.p + s.len) == s.p + s.len)
		return buf_append(out, s);
	return xml_write_text(out, s);
}

/* ` name="value"` where open is ` name="`. */
static bool put_attr(struct buf *out, struct str open, struct str value)
{
	if (scan_output(value.p, value.p + value.len) != value.p + value.len)
		return buf_append(out, open) && xml_write_value(out, value) &&
			buf_append(out, STRL("\""));
	char *p = buf_space(out, open.len + value.len + 1);
	if (!p)
		return false;
	memcpy(p, open.p, open.len);
	if (value.len)
		memcpy(p + open.len, value.p, value.len);
	p[open.len + value.len] = '"';
	buf_commit(out, open.len + value.len + 1);
	return true;
}

static bool put_start(struct buf *out, const struct xml_node *e, struct str ns)
{
	const struct catalogue_row *row = &catalogue_rows[e->id];
	struct str open = row->open;

	/* Namespaces of typed elements are those of their rows, so equal ones mostly are one. */
	bool inherited = e->ns.p == ns.p || str_eq(e->ns, ns);
	if (inherited || row->core)
		open.len = 1 + row->name.len;
	if (!buf_append(out, open))
		return false;
	if (row->core && !inherited && !put_attr(out, STRL(" xmlns=\""), e->ns))
		return false;
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (!put_attr(out, catalogue_attr_open(a->id), a->value))
			return false;
	}
	return buf_append(out, e->children ? STRL(">") : STRL("/>"));
}

/* A node without what is inside of a typed element. */
static bool put_node(struct buf *out, const struct xml_node *n, struct str ns)
{
	if (n->kind == XML_TEXT)
		return put_text(out, n->text);
	if (n->id == EL_GENERIC)
		return xml_write(out, n, ns);
	return put_start(out, n, ns);
}

static bool put_payload(struct buf *out, const struct xml_node *n)
{
	struct frame stack[RECORD_DEPTH_MAX];
	struct str ns = STRL(NS_SERVER);
	unsigned depth = 0;

	for (;;) {
		while (!n) {
			if (depth == 0)
				return true;
			n = stack[--depth].e;
			ns = stack[depth].ns;
			if (!buf_append(out, catalogue_rows[n->id].close))
				return false;
			n = n->next;
		}
		if (!put_node(out, n, ns))
			return false;
		if (n->kind == XML_ELEM && n->id != EL_GENERIC && n->children) {
			check(depth < RECORD_DEPTH_MAX);
			stack[depth++] = (struct frame){ n, ns };
			ns = n->ns;
			n = n->children;
		} else {
			n = n->next;
		}
	}
}

static bool put_stanza(struct buf *out, const struct record *r)
{
	static const struct str starts[] = { STR("<message from=\""), STR("<presence from=\""),
		STR("<iq from=\"") };
	static const struct str ends[] = { STR("</message>"), STR("</presence>"), STR("</iq>") };
	bool ok = put_attr(out, starts[r->kind], r->from.full) &&
		put_attr(out, STRL(" to=\""), r->to.full) &&
		(r->type == RECORD_NONE ||
			put_attr(out, STRL(" type=\""), str_of(record_type_word(r->type)))) &&
		(!r->id.p || put_attr(out, STRL(" id=\""), r->id)) &&
		(r->lang.len == 0 || put_attr(out, STRL(" xml:lang=\""), r->lang));

	if (!r->payload)
		return ok && buf_append(out, STRL("/>"));
	return ok && buf_append(out, STRL(">")) && put_payload(out, r->payload) &&
		buf_append(out, ends[r->kind]);
}

bool record_write(const struct record *r, struct buf *out)
{
	size_t before = buf_len(out);
	bool ok = put_stanza(out, r);

	if (!ok)
		buf_truncate(out, before);
	return ok;
}
