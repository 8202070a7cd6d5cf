/* SPDX-License-Identifier: Apache-2.0 */
#include "record/decoder.h"
#include "record/value.h"
#include "xml/chars.h"
#include "xml/names.h"

static const char out_of_memory[] = "record too big in memory";

struct xml_node *decoder_add(struct decoder *d, enum xml_kind kind)
{
	struct xml_node *n = arena_alloc(d->arena, sizeof(*n));

	if (!n) {
		cbor_fail(&d->r, out_of_memory);
		return NULL;
	}
	*n = (struct xml_node){ .kind = kind };
	*d->top->tail = n;
	d->top->tail = &n->next;
	return n;
}

static struct xml_attr *add_attr(struct decoder *d, struct xml_attr ***tail)
{
	struct xml_attr *a = arena_alloc(d->arena, sizeof(*a));

	if (!a) {
		cbor_fail(&d->r, out_of_memory);
		return NULL;
	}
	**tail = a;
	*tail = &a->next;
	a->next = NULL;
	a->id = AT_NONE;
	return a;
}

void decoder_check_value(struct decoder *d, struct str value)
{
	if (value.len > d->limits->value)
		cbor_fail(&d->r, "attribute value or namespace too long");
}

static void decode_attrs(struct decoder *d, struct xml_node *e, const struct catalogue_row *row)
{
	size_t n = cbor_map(&d->r);
	struct xml_attr **tail = &e->attrs;
	uint64_t next = 0;
	unsigned i = 0;

	if (n > row->n_attrs)
		cbor_fail(&d->r, "more attributes than the element has");
	for (; n && !d->r.error; n--) {
		uint64_t number = cbor_key(&d->r, &next);
		for (; i < row->n_attrs && row->attrs[i].number < number; i++) {
			if (row->attrs[i].required)
				cbor_fail(&d->r, "required attribute missing");
		}
		if (i == row->n_attrs || row->attrs[i].number != number) {
			cbor_fail(&d->r, "attribute not of this element");
			return;
		}
		struct xml_attr *a = add_attr(d, &tail);
		if (!a)
			return;
		a->id = row->attrs[i].number;
		a->ns = a->id == AT_LANG ? STRL(NS_XML) : STRL("");
		a->name = a->id == AT_LANG ? STRL("lang") : catalogue_attr_name(a->id);
		a->value = value_decode(&d->r, (enum value_type)row->attrs[i].type, d->arena);
		decoder_check_value(d, a->value);
		i++;
	}
	for (; i < row->n_attrs; i++) {
		if (row->attrs[i].required)
			cbor_fail(&d->r, "required attribute missing");
	}
}

/* The one value of an element that has a type of text, when there is one. */
static void decode_text(struct decoder *d, struct xml_node *e, enum value_type type, size_t items)
{
	if (items == 0) {
		if (type != TYPE_TEXT && type != TYPE_BASE64)
			cbor_fail(&d->r, "value missing");
		return;
	}
	struct xml_node *t = arena_alloc(d->arena, sizeof(*t));
	if (items > 1 || !t) {
		cbor_fail(&d->r, t ? "more than one value" : out_of_memory);
		return;
	}
	*t = (struct xml_node){ .kind = XML_TEXT };
	t->text = value_decode(&d->r, type, d->arena);
	if (t->text.len == 0)
		cbor_fail(&d->r, "empty text");
	e->children = t;
}

static void open_frame(struct decoder *d, struct xml_node *e, size_t items, struct place inside)
{
	struct place around = d->top->place;

	d->top++;
	d->top->e = e;
	d->top->tail = &e->children;
	d->top->left = items;
	d->top->place = inside;
	d->top->around = around;
	d->top->after_text = false;
}

void decode_typed(struct decoder *d, uint64_t number, size_t items)
{
	const struct catalogue_row *row = catalogue_row(number);

	if (!row) {
		cbor_fail(&d->r, "unknown element number");
		return;
	}
	if (!place_admits(&d->top->place, (unsigned)number, row)) {
		cbor_fail(&d->r, "element not allowed here");
		return;
	}
	struct xml_node *e = decoder_add(d, XML_ELEM);
	if (!e)
		return;
	e->id = (xml_name)number;
	e->ns = place_ns(&d->top->place, row);
	e->name = row->name;
	decode_attrs(d, e, row);
	if (row->content > TYPE_MIXED)
		decode_text(d, e, (enum value_type)row->content, items);
	else
		open_frame(d, e, items, place_in(row));
}

static bool name_ok(const struct decoder *d, struct str name)
{
	return name.len <= d->limits->name && xml_is_ncname(name);
}

static bool attr_name_ok(
	const struct decoder *d, const struct xml_attr *a, const struct xml_attr *before)
{
	if (!name_ok(d, a->name) || str_eq(a->ns, STRL(NS_XMLNS)) ||
		(a->ns.len == 0 && str_eq(a->name, STRL("xmlns"))))
		return false;
	if (!before)
		return true;
	int c = str_cmp(before->ns, a->ns);
	return c < 0 || (c == 0 && str_cmp(before->name, a->name) < 0);
}

/* Does the writer declare a namespace for this attribute, as its first? */
static bool declares(const struct xml_attr *a, const struct xml_attr *before)
{
	return a->ns.len && !str_eq(a->ns, STRL(NS_XML)) && !(before && str_eq(a->ns, before->ns));
}

static void decode_generic_attrs(struct decoder *d, struct xml_node *e, bool own_ns)
{
	size_t n = cbor_array(&d->r);
	struct xml_attr **tail = &e->attrs;
	struct xml_attr *before = NULL;
	unsigned decls = own_ns; /* that of the element */

	if (n % 3 || n / 3 > d->limits->attrs)
		cbor_fail(&d->r, "wrong number of attributes");
	for (n /= 3; n && !d->r.error; n--) {
		struct xml_attr *a = add_attr(d, &tail);
		if (!a)
			return;
		a->ns = cbor_text(&d->r);
		a->name = cbor_text(&d->r);
		a->value = cbor_text(&d->r);
		decoder_check_value(d, a->ns);
		decoder_check_value(d, a->value);
		if (!attr_name_ok(d, a, before))
			cbor_fail(&d->r, "attribute name");
		decls += declares(a, before);
		if (decls > d->limits->ns_decls)
			cbor_fail(&d->r, "too many namespaces");
		before = a;
	}
}

/* Inside of a generic element null is its namespace, which is not repeated. */
static struct str decode_namespace(struct decoder *d)
{
	const struct frame *f = d->top;

	if (f->place.generic && cbor_peek(&d->r) == CBOR_NULL) {
		cbor_null(&d->r);
		return f->e->ns;
	}
	struct str ns = cbor_text(&d->r);
	if (f->place.generic && str_eq(ns, f->e->ns))
		cbor_fail(&d->r, "namespace repeated");
	return ns;
}

void decode_generic(struct decoder *d, size_t items)
{
	if (d->profile != PROFILE_OPEN) {
		cbor_fail(&d->r, "generic element under the standard profile");
		return;
	}
	const struct place *p = &d->top->place;
	struct xml_node *e = decoder_add(d, XML_ELEM);
	if (!e)
		return;
	bool own_ns = cbor_peek(&d->r) != CBOR_NULL;
	e->ns = decode_namespace(d);
	e->name = cbor_text(&d->r);
	decoder_check_value(d, e->ns);
	if (!name_ok(d, e->name) || str_eq(e->ns, STRL(NS_XMLNS)))
		cbor_fail(&d->r, "element name");
	if (!place_admits_generic(p, e->ns))
		cbor_fail(&d->r, "namespace not allowed in a stanza");
	else if (!d->limits->strays && !place_keeps_generic(p, e->ns))
		cbor_fail(&d->r, "namespace of components' streams in a stanza");
	decode_generic_attrs(d, e, own_ns);
	if (items < 2)
		cbor_fail(&d->r, "generic element cut short");
	else
		open_frame(d, e, items - 2, (struct place){ .generic = true });
}

void decode_check_generic(struct decoder *d, struct xml_node *e, const struct place *around)
{
	struct fitting fitting;
	unsigned number = catalogue_find(e->ns, e->name);
	const struct catalogue_row *row = catalogue_row(number);

	if (!row || !place_admits(around, number, row) || !str_eq(place_ns(around, row), e->ns))
		return;
	for (struct xml_attr *a = e->attrs; a; a = a->next)
		a->id = catalogue_find_attr(a->ns, a->name);
	if (fit_check(e, row, true, d->arena, &fitting))
		cbor_fail(&d->r, "generic form of a known element");
}
