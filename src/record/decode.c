/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From hostile bytes to a record. The reader (base/cbor.h) is sticky, so a fault stops the
 * walk at its next step. The stack holds one frame for each open element; an
 * element in generic form is looked at again when it is complete: it must not
 * be one that has a typed form.
 */
#include "base/check.h"
#include "record/decoder.h"
#include "record/value.h"

const struct record_limits record_limits_default = {
	.bytes = 512 * 1024,
	.depth = 64,
	.attrs = 64,
	.ns_decls = 32,
	.elements = 8192,
	.name = 256,
	.value = 65536,
};

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
	struct xml_node *t = decoder_add(d, XML_TEXT);
	if (!t)
		return;
	t->text = cbor_text(&d->r);
	if (t->text.len == 0)
		cbor_fail(&d->r, "empty text");
	f->after_text = true;
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
			decode_check_generic(d, f->e, &f->around);
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
	decoder_check_value(d, ret->id);
	decoder_check_value(d, ret->lang);
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
