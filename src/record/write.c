/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical XML, as xml/writer.h has it. Names of catalogue elements are written as
 * prepared pieces of their rows; generic elements are left to xml_write().
 */
#include "base/check.h"
#include "record/catalogue.h"
#include "record/fit.h"
#include "xml/names.h"
#include "xml/writer.h"

struct frame {
	const struct xml_node *e;
	struct str ns; /* default namespace around e */
};

static bool write_attrs(struct buf *out, const struct xml_node *e)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (!buf_append(out, catalogue_attr_open(a->id)) ||
			!xml_write_value(out, a->value) || !buf_append(out, STRL("\"")))
			return false;
	}
	return true;
}

static bool write_start(
	struct buf *out, const struct xml_node *e, const struct catalogue_row *row, struct str ns)
{
	struct str open = row->open;

	/* A row's namespace pointer is also that of its elements, so equal ones mostly are one. */
	if ((e->ns.p == ns.p && e->ns.len == ns.len) || str_eq(e->ns, ns))
		open.len = 1 + row->name.len;
	else if (!str_eq(e->ns, row->ns))
		return buf_append(out, str_from(open.p, 1 + row->name.len)) &&
		       buf_append(out, STRL(" xmlns=\"" NS_CLIENT "\"")) && write_attrs(out, e) &&
		       buf_append(out, e->children ? STRL(">") : STRL("/>"));
	return buf_append(out, open) && write_attrs(out, e) &&
	       buf_append(out, e->children ? STRL(">") : STRL("/>"));
}

static bool write_payload(struct buf *out, const struct xml_node *n)
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
		const struct catalogue_row *row = n->kind == XML_ELEM ? catalogue_row(n->id) : NULL;
		if (n->kind == XML_TEXT) {
			if (!xml_write_text(out, n->text))
				return false;
		} else if (!row) {
			if (!xml_write(out, n, ns))
				return false;
		} else if (!write_start(out, n, row, ns)) {
			return false;
		} else if (n->children) {
			check(depth < RECORD_DEPTH_MAX);
			stack[depth++] = (struct frame){ n, ns };
			ns = n->ns;
			n = n->children;
			continue;
		}
		n = n->next;
	}
}

static bool write_attr(struct buf *out, struct str open, struct str value)
{
	return buf_append(out, open) && xml_write_value(out, value) && buf_append(out, STRL("\""));
}

static bool write_stanza(struct buf *out, const struct record *r)
{
	static const struct str starts[] = { STR("<message from=\""), STR("<presence from=\""),
		STR("<iq from=\"") };
	static const struct str ends[] = { STR("</message>"), STR("</presence>"), STR("</iq>") };
	bool ok = write_attr(out, starts[r->kind], r->from.full) &&
		  write_attr(out, STRL(" to=\""), r->to.full) &&
		  (r->type == RECORD_NONE ||
			  write_attr(out, STRL(" type=\""), str_of(record_type_word(r->type)))) &&
		  (!r->id.p || write_attr(out, STRL(" id=\""), r->id)) &&
		  (r->lang.len == 0 || write_attr(out, STRL(" xml:lang=\""), r->lang));

	if (!r->payload)
		return ok && buf_append(out, STRL("/>"));
	return ok && buf_append(out, STRL(">")) && write_payload(out, r->payload) &&
	       buf_append(out, ends[r->kind]);
}

bool record_write(const struct record *r, struct buf *out)
{
	size_t before = buf_len(out);
	bool ok = write_stanza(out, r);

	if (!ok)
		buf_truncate(out, before);
	return ok;
}
