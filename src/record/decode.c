/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From hostile bytes to a record. The reader (base/cbor.h) is sticky, so a fault stops the
 * walk at its next step. The stack holds one frame for each open element; an
 * element in generic form is looked at again when it is complete: it must not
 * be one that has a typed form.
 */
#include "base/check.h"
#include "record/fit.h"
#include "record/value.h"
#include "xml/chars.h"
#include "xml/names.h"

const struct record_limits record_limits_default = {
	.bytes = 512 * 1024,
	.depth = 64,
	.attrs = 64,
	.ns_decls = 32,
	.elements = 8192,
	.name = 256,
	.value = 65536,
};

struct frame {
	struct xml_node *e; /* NULL: the record itself */
	struct xml_node **tail; /* where the next child goes */
	size_t left; /* items not yet read */
	struct place place; /* of the children */
	struct place around; /* of e itself */
	bool after_text;
};

struct decoder {
	struct cbor_reader r;
	const struct record_limits *limits;
	enum record_profile profile;
	struct arena *arena;
	unsigned elements;
	struct frame *top;
	struct frame stack[RECORD_DEPTH_MAX];
};

static const char out_of_memory[] = "record too big in memory";

static struct xml_node *add_node(struct decoder *d, enum xml_kind kind)
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

static void check_value(struct decoder *d, struct str value)
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
		check_value(d, a->value);
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

static void decode_typed(struct decoder *d, uint64_t number, size_t items)
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
	struct xml_node *e = add_node(d, XML_ELEM);
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

static void decode_generic_attrs(struct decoder *d, struct xml_node *e)
{
	size_t n = cbor_array(&d->r);
	struct xml_attr **tail = &e->attrs;
	struct xml_attr *before = NULL;
	unsigned decls = 1; /* that of the element */

	if (n % 3 || n / 3 > d->limits->attrs)
		cbor_fail(&d->r, "wrong number of attributes");
	for (n /= 3; n && !d->r.error; n--) {
		struct xml_attr *a = add_attr(d, &tail);
		if (!a)
			return;
		a->ns = cbor_text(&d->r);
		a->name = cbor_text(&d->r);
		a->value = cbor_text(&d->r);
		check_value(d, a->ns);
		check_value(d, a->value);
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

static void decode_generic(struct decoder *d, size_t items)
{
	if (d->profile != PROFILE_OPEN) {
		cbor_fail(&d->r, "generic element under the standard profile");
		return;
	}
	const struct place *p = &d->top->place;
	struct xml_node *e = add_node(d, XML_ELEM);
	if (!e)
		return;
	e->ns = decode_namespace(d);
	e->name = cbor_text(&d->r);
	check_value(d, e->ns);
	if (!name_ok(d, e->name) || str_eq(e->ns, STRL(NS_XMLNS)))
		cbor_fail(&d->r, "element name");
	if (!place_admits_generic(p, e->ns))
		cbor_fail(&d->r, "namespace not allowed in a stanza");
	else if (!d->limits->strays && !place_keeps_generic(p, e->ns))
		cbor_fail(&d->r, "namespace of components' streams in a stanza");
	decode_generic_attrs(d, e);
	if (items < 2)
		cbor_fail(&d->r, "generic element cut short");
	else
		open_frame(d, e, items - 2, (struct place){ .generic = true });
}

static void decode_element(struct decoder *d)
{
	size_t items = cbor_array(&d->r);

	if (++d->elements > d->limits->elements)
		cbor_fail(&d->r, "too many elements");
	/* The record itself is a level, as the stanza is; its frame is the first. */
	if (d->top - d->stack + 2 > (ptrdiff_t)d->limits->depth)
		cbor_fail(&d->r, "too deep");
	if (items < 2)
		cbor_fail(&d->r, "element without number and attributes");
	if (d->r.error)
		return;
	d->top->after_text = false;
	uint64_t number = cbor_uint(&d->r);
	if (number != EL_GENERIC)
		decode_typed(d, number, items - 2);
	else
		decode_generic(d, items - 2);
}

static void decode_text_child(struct decoder *d)
{
	struct frame *f = d->top;

	if (f->after_text ||
		!(f->place.generic || (f->place.row && f->place.row->content == TYPE_MIXED))) {
		cbor_fail(&d->r, "text where an element is due");
		return;
	}
	struct xml_node *t = add_node(d, XML_TEXT);
	if (!t)
		return;
	t->text = cbor_text(&d->r);
	if (t->text.len == 0)
		cbor_fail(&d->r, "empty text");
	f->after_text = true;
}

/* Of the elements in generic form, only those may pass that would not fit their row. */
static void check_generic(struct decoder *d, struct xml_node *e, const struct place *around)
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

static void decode_payload(
	struct decoder *d, size_t items, enum record_kind kind, struct xml_node **first)
{
	d->top = d->stack;
	*d->top = (struct frame){ .tail = first, .left = items, .place = place_of_stanza(kind) };
	while (!d->r.error) {
		struct frame *f = d->top;
		if (f->left) {
			f->left--;
			if (cbor_peek(&d->r) == CBOR_TEXT)
				decode_text_child(d);
			else
				decode_element(d);
			continue;
		}
		if (f == d->stack)
			return;
		if (f->place.generic && !f->around.generic)
			check_generic(d, f->e, &f->around);
		d->top--;
	}
}

static struct jid decode_address(struct cbor_reader *r)
{
	struct jid jid = { .full = STR("") };
	struct str text = cbor_text_unchecked(r);

	if (!r->error && jid_parse_prepared(text, &jid) != JID_OK)
		cbor_fail(r, "address not in prepared form");
	return jid;
}

static bool type_of_kind(enum record_kind kind, enum record_type type)
{
	static const char *const kinds[] = {
#define X(id, word, kinds) kinds,
		RECORD_TYPES(X)
#undef X
	};
	return strchr(kinds[type], "mpi"[kind]);
}

static void decode_head(struct decoder *d, struct record *ret)
{
	struct cbor_reader *r = &d->r;

	ret->kind = (enum record_kind)cbor_uint_max(r, RECORD_IQ);
	ret->type = (enum record_type)cbor_uint_max(r, RECORD_RESULT);
	if (!r->error && !type_of_kind(ret->kind, ret->type))
		cbor_fail(r, "type not of this kind");
	ret->from = decode_address(r);
	ret->to = decode_address(r);
	ret->id = (struct str){ NULL, 0 };
	if (cbor_peek(r) == CBOR_NULL)
		cbor_null(r);
	else
		ret->id = cbor_text(r);
	ret->lang = value_decode(r, TYPE_LANG, NULL);
	check_value(d, ret->id);
	check_value(d, ret->lang);
}

static const char *iq_fault(const struct record *r, size_t payloads)
{
	if (r->kind != RECORD_IQ)
		return NULL;
	if (r->id.len == 0)
		return "iq without id";
	if ((r->type == RECORD_GET || r->type == RECORD_SET) && payloads != 1)
		return "iq request without exactly one payload";
	if (r->type == RECORD_RESULT && payloads > 1)
		return "iq result with several payloads";
	return NULL;
}

const char *record_decode(struct str bytes, const struct record_limits *limits,
	enum record_profile profile, struct arena *a, struct record *ret_record)
{
	struct decoder d;
	struct record r;
	const char *fault;

	check(limits->depth <= RECORD_DEPTH_MAX);
	if (bytes.len > limits->bytes)
		return "record too big";
	d.limits = limits;
	d.profile = profile;
	d.arena = a;
	d.elements = 0;
	cbor_init(&d.r, bytes);
	size_t items = cbor_array(&d.r);
	if (items < 6)
		cbor_fail(&d.r, "record without its six fields");
	decode_head(&d, &r);
	if (d.r.error)
		return d.r.error;
	fault = iq_fault(&r, items - 6);
	if (fault)
		return fault;
	r.payload = NULL;
	decode_payload(&d, items - 6, r.kind, &r.payload);
	if (!cbor_end(&d.r))
		return d.r.error;
	*ret_record = r;
	return NULL;
}
