/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CBOR form. doc/record.cddl is the reference:
 *
 *	record  = [kind, type, from, to, id / null, lang, *element]
 *	element = [number, {*number => value}, *element or its one value]
 *	generic = [0, namespace or null, name, [*(namespace, name, value)], *generic or text]
 */
#include "base/check.h"
#include "record/fit.h"
#include "record/value.h"

static size_t count_nodes(const struct xml_node *n)
{
	size_t count = 0;

	for (; n; n = n->next)
		count++;
	return count;
}

static size_t count_attrs(const struct xml_node *e)
{
	size_t count = 0;

	for (const struct xml_attr *a = e->attrs; a; a = a->next)
		count++;
	return count;
}

/* The namespace is null where it is that of the generic parent. */
static bool encode_generic_head(
	struct buf *out, const struct xml_node *e, const struct xml_node *parent)
{
	bool same = parent && parent->id == EL_GENERIC && str_eq(e->ns, parent->ns);
	bool ok = cbor_put_array(out, 4 + count_nodes(e->children)) &&
		cbor_put_uint(out, EL_GENERIC) &&
		(same ? cbor_put_null(out) : cbor_put_text(out, e->ns)) &&
		cbor_put_text(out, e->name) && cbor_put_array(out, 3 * count_attrs(e));

	for (const struct xml_attr *a = e->attrs; ok && a; a = a->next) {
		ok = cbor_put_text(out, a->ns) && cbor_put_text(out, a->name) &&
			cbor_put_text(out, a->value);
	}
	return ok;
}

/* Attributes and rules are both in order of their numbers. */
static bool encode_attrs(struct buf *out, const struct xml_node *e, const struct catalogue_row *row)
{
	unsigned i = 0;

	if (!cbor_put_map(out, count_attrs(e)))
		return false;
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		while (i < row->n_attrs && row->attrs[i].number != a->id)
			i++;
		check(i < row->n_attrs);
		if (!cbor_put_uint(out, a->id) ||
			!value_encode(out, (enum value_type)row->attrs[i].type, a->value))
			return false;
	}
	return true;
}

/* The element without its child elements, or with its text when that is a typed value. */
static bool encode_head(struct buf *out, const struct xml_node *e, const struct xml_node *parent)
{
	const struct catalogue_row *row = catalogue_row(e->id);

	if (!row)
		return encode_generic_head(out, e, parent);
	if (!cbor_put_array(out, 2 + count_nodes(e->children)) || !cbor_put_uint(out, e->id) ||
		!encode_attrs(out, e, row))
		return false;
	if (row->content <= TYPE_MIXED || !e->children)
		return true;
	return value_encode(out, (enum value_type)row->content, e->children->text);
}

static bool has_items(const struct xml_node *e)
{
	const struct catalogue_row *row = catalogue_row(e->id);

	return e->children && (!row || row->content <= TYPE_MIXED);
}

static bool encode_payload(struct buf *out, const struct xml_node *n)
{
	const struct xml_node *stack[RECORD_DEPTH_MAX];
	unsigned depth = 0;

	for (;;) {
		while (!n) {
			if (depth == 0)
				return true;
			n = stack[--depth]->next;
		}
		if (n->kind == XML_TEXT ? !cbor_put_text(out, n->text)
					: !encode_head(out, n, depth ? stack[depth - 1] : NULL))
			return false;
		if (n->kind == XML_ELEM && has_items(n)) {
			check(depth < RECORD_DEPTH_MAX);
			stack[depth++] = n;
			n = n->children;
		} else {
			n = n->next;
		}
	}
}

bool record_encode(const struct record *r, struct buf *out)
{
	size_t before = buf_len(out);
	bool ok = cbor_put_array(out, 6 + count_nodes(r->payload)) && cbor_put_uint(out, r->kind) &&
		cbor_put_uint(out, r->type) && cbor_put_text(out, r->from.full) &&
		cbor_put_text(out, r->to.full) &&
		(r->id.p ? cbor_put_text(out, r->id) : cbor_put_null(out)) &&
		cbor_put_text(out, r->lang) && encode_payload(out, r->payload);

	if (!ok)
		buf_truncate(out, before);
	return ok;
}
