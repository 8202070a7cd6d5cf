/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record for human eyes: CBOR diagnostic notation with the names behind the numbers in
 * comments. Takes any CBOR that the reader takes, and comments what it understands. What
 * could disturb a terminal or a log line is escaped.
 */
#include "base/cbor.h"
#include "base/check.h"
#include "base/utf8.h"
#include "record/fit.h"

/* What the array or map is that the items stand in. */
enum role { ROLE_OTHER, ROLE_RECORD, ROLE_ELEMENT, ROLE_ATTRS };

struct frame {
	enum role role;
	bool map;
	size_t left;
	size_t index;
	const struct catalogue_row *row;
	unsigned attr; /* ROLE_ATTRS: number of the last key */
};

struct printer {
	struct cbor_reader r;
	struct buf *out;
	struct frame *top;
	struct frame stack[RECORD_DEPTH_MAX + 1];
};

enum { BYTES_SHOWN = 16 };

static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static bool print_text(struct buf *out, struct str s)
{
	bool ok = buf_append(out, STRL("\""));

	while (ok && s.len) {
		size_t len;
		uint32_t c = utf8_decode(s, &len);
		if (is_unsafe(c))
			ok = buf_printf(out, "\\u%04x", c);
		else
			ok = ((c != '"' && c != '\\') || buf_append(out, STRL("\\"))) &&
				buf_append(out, str_from(s.p, len));
		s = str_skip(s, len);
	}
	return ok && buf_append(out, STRL("\""));
}

static bool print_bytes(struct buf *out, struct str s)
{
	bool ok = buf_append(out, STRL("h'"));

	for (size_t i = 0; ok && i < s.len && i < BYTES_SHOWN; i++)
		ok = buf_printf(out, "%02x", (unsigned char)s.p[i]);
	if (ok && s.len > BYTES_SHOWN)
		return buf_printf(out, "...' /%zu bytes/", s.len);
	return ok && buf_append(out, STRL("'"));
}

static struct str word_of(enum value_type type, uint64_t n)
{
	size_t count;

	if (type < TYPE_FIRST_WORDS || type >= TYPE_END)
		return STRL("");
	const struct str *words = catalogue_words(type, &count);
	return n < count ? words[n] : STRL("");
}

static enum value_type attr_type(const struct frame *f)
{
	for (unsigned i = 0; f->row && i < f->row->n_attrs; i++) {
		if (f->row->attrs[i].number == f->attr)
			return (enum value_type)f->row->attrs[i].type;
	}
	return TYPE_NOTHING;
}

/* What the number n, the next item of f, means; empty when it is only a number. */
static struct str name_number(struct frame *f, uint64_t n)
{
	switch (f->role) {
	case ROLE_RECORD:
		if (f->index == 0 && n <= RECORD_IQ)
			return str_of(record_kind_word((enum record_kind)n));
		if (f->index == 1 && n <= RECORD_RESULT)
			return str_of(record_type_word((enum record_type)n));
		return STRL("");
	case ROLE_ELEMENT:
		if (f->index == 0)
			f->row = catalogue_row(n);
		if (f->index == 0)
			return f->row ? f->row->name : STRL("");
		return f->row ? word_of((enum value_type)f->row->content, n) : STRL("");
	case ROLE_ATTRS:
		if (f->index % 2 == 0) {
			f->attr = n < CATALOGUE_ATTRS_END ? (unsigned)n : AT_NONE;
			return catalogue_attr_name(f->attr);
		}
		return word_of(attr_type(f), n);
	default:
		return STRL("");
	}
}

static bool print_number(struct printer *p)
{
	uint64_t n = cbor_uint(&p->r);
	struct str name = name_number(p->top, n);

	if (!buf_printf(p->out, "%llu", (unsigned long long)n))
		return false;
	return name.len == 0 || buf_printf(p->out, " /%.*s/", STR_FMT(name));
}

static enum role role_inside(const struct frame *f, bool map)
{
	if (f == NULL)
		return map ? ROLE_OTHER : ROLE_RECORD;
	if (map)
		return f->role == ROLE_ELEMENT && f->index == 1 ? ROLE_ATTRS : ROLE_OTHER;
	if (f->role == ROLE_RECORD && f->index >= 6)
		return ROLE_ELEMENT;
	/* The array of a generic element's attributes is none. */
	if (f->role == ROLE_ELEMENT && (f->row ? f->index >= 2 : f->index >= 4))
		return ROLE_ELEMENT;
	return ROLE_OTHER;
}

static bool open_frame(struct printer *p, bool map)
{
	struct frame *around = p->top == p->stack ? NULL : p->top;
	struct frame f = { .role = role_inside(around, map), .map = map };

	if (map && around)
		f.row = around->row;
	f.left = map ? cbor_map(&p->r) * 2 : cbor_array(&p->r);
	if (p->top == p->stack + RECORD_DEPTH_MAX) {
		cbor_fail(&p->r, "too deep");
		return false;
	}
	*++p->top = f;
	return buf_append(p->out, map ? STRL("{") : STRL("["));
}

static bool print_item(struct printer *p)
{
	switch (cbor_peek(&p->r)) {
	case CBOR_UINT:
		return print_number(p);
	case CBOR_NEG:
		return buf_printf(p->out, "%lld", (long long)cbor_int(&p->r));
	case CBOR_BYTES:
		return print_bytes(p->out, cbor_bytes(&p->r));
	case CBOR_TEXT:
		return print_text(p->out, cbor_text(&p->r));
	case CBOR_BOOL:
		return buf_append(p->out, cbor_bool(&p->r) ? STRL("true") : STRL("false"));
	case CBOR_NULL:
		cbor_null(&p->r);
		return buf_append(p->out, STRL("null"));
	default:
		cbor_fail(&p->r, "not an item");
		return false;
	}
}

static bool print_separator(struct printer *p)
{
	const struct frame *f = p->top;

	if (f == p->stack || f->index == 0)
		return true;
	return buf_append(p->out, f->map && f->index % 2 ? STRL(": ") : STRL(", "));
}

/* Closes what is complete and counts it in what it stands in. */
static bool close_frames(struct printer *p)
{
	while (p->top > p->stack && p->top->left == 0) {
		if (!buf_append(p->out, p->top->map ? STRL("}") : STRL("]")))
			return false;
		p->top--;
		p->top->index++;
	}
	return true;
}

static bool print_all(struct printer *p)
{
	do {
		if (!print_separator(p))
			return false;
		if (p->top > p->stack)
			p->top->left--;
		enum cbor_type type = cbor_peek(&p->r);
		if (type == CBOR_ARRAY || type == CBOR_MAP) {
			if (!open_frame(p, type == CBOR_MAP))
				return false;
		} else {
			if (!print_item(p))
				return false;
			p->top->index++;
		}
		if (p->r.error || !close_frames(p))
			return false;
	} while (p->top > p->stack);
	return cbor_end(&p->r);
}

bool record_diag(struct str bytes, struct buf *out)
{
	struct printer p;
	size_t before = buf_len(out);

	cbor_init(&p.r, bytes);
	p.out = out;
	p.top = p.stack;
	*p.top = (struct frame){ .role = ROLE_OTHER };
	bool ok = print_all(&p);
	if (!ok)
		buf_truncate(out, before);
	return ok;
}
