/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags, byte by byte: the definition of what is accepted and of which error
 * comes first. Names and decoded values of a start tag are collected in tok, and
 * raw[] says where they are, so that a tag cut into any pieces costs the same.
 *
 *	LT -> TAG_NAME -> TAG_GAP -> ATTR_NAME -> ATTR_EQUAL -> ATTR_QUOTE
 *	                   ^   \-> TAG_SLASH                      |
 *	                   \----- VALUE_END <-- VALUE (REF) <-----/
 *	LT -> END_NAME -> END_GAP
 */
#include "xml/reader_state.h"
#include "xml/scan.h"

bool xml_may_open(struct xml_reader *r)
{
	if (r->depth == 0)
		return true;
	if (r->depth > r->limits.depth)
		return xml_fail(r, XML_ERR_DEPTH);
	if (r->elements >= r->limits.elements)
		return xml_fail(r, XML_ERR_ELEMENTS);
	return true;
}

bool xml_markup(struct xml_reader *r)
{
	r->brackets = 0;
	r->carriage = false;
	if (xml_fast_tag(r))
		return r->event == XML_MORE;
	r->p++;
	r->state = XML_ST_LT;
	return true;
}

static void begin_name(struct xml_reader *r)
{
	r->part_at = buf_len(&r->tok);
	r->fresh = true;
}

bool xml_on_lt(struct xml_reader *r)
{
	char c = *r->p;

	if (c == '?') {
		if (!r->pristine)
			return xml_fail(r, XML_ERR_PI);
		r->p++;
		r->state = XML_ST_DECL;
		return true;
	}
	r->pristine = false;
	if (c == '!') {
		r->p++;
		r->state = XML_ST_BANG;
		r->matched = 0;
		r->word = NULL;
		return true;
	}
	if (c == '/') {
		if (r->depth == 0)
			return xml_fail(r, XML_ERR_SYNTAX);
		r->p++;
		r->state = XML_ST_END_NAME;
		r->matched = 0;
		return xml_flush_text(r);
	}
	if (!xml_class_is(c, XML_NAME_START)) {
		uint32_t code_point;
		if ((unsigned char)c < 0x80)
			return xml_unexpected(r, XML_ERR_SYNTAX);
		int n = xml_take_char(r, &code_point);
		if (n <= 0)
			return n == 0;
		if (!xml_is_name_start(code_point))
			return xml_fail(r, XML_ERR_SYNTAX);
	}
	if (!xml_may_open(r) || !xml_flush_text(r))
		return false;
	r->tag = (struct xml_raw_tag){ 0 };
	r->state = XML_ST_TAG_NAME;
	begin_name(r);
	return true;
}

static bool name_part(struct xml_reader *r, size_t n)
{
	const char *from = r->p;

	r->fresh = false;
	if (buf_len(&r->tok) + n - r->part_at > r->limits.name)
		return xml_fail(r, XML_ERR_NAME);
	r->p += n;
	return xml_append(r, from, n);
}

static bool name_wide(struct xml_reader *r)
{
	uint32_t c;
	int n = xml_take_char(r, &c);

	if (n <= 0)
		return n == 0;
	if (r->fresh ? !xml_is_name_start(c) : !xml_is_name_char(c))
		return xml_fail(r, XML_ERR_SYNTAX);
	return name_part(r, (size_t)n);
}

/*
 * Takes name characters into tok up to the first other byte. start is where in
 * tok the whole name begins, *prefix_len is set at its colon.
 */
static bool eat_name(struct xml_reader *r, uint32_t start, uint32_t *prefix_len)
{
	while (r->p < r->stop) {
		if ((unsigned char)*r->p >= 0x80) {
			if (!name_wide(r))
				return false;
			continue;
		}
		if (*r->p == ':' && !r->fresh && *prefix_len == 0) {
			*prefix_len = (uint32_t)buf_len(&r->tok) - start;
			if (!xml_append(r, ":", 1))
				return false;
			r->p++;
			begin_name(r);
			continue;
		}
		size_t n = 0;
		if (!r->fresh || xml_class_is(*r->p, XML_NAME_START)) {
			while (r->p + n < r->stop && xml_class_is(r->p[n], XML_NAME))
				n++;
		}
		if (n == 0)
			return !r->fresh || xml_unexpected(r, XML_ERR_SYNTAX);
		if (!name_part(r, n))
			return false;
	}
	return true;
}

static bool finish_tag(struct xml_reader *r, bool empty)
{
	struct str tag = buf_bytes(&r->tok);

	r->tag.readable = tag.p + tag.len;
	buf_truncate(&r->tok, 0);
	return xml_element_open(r, tag.p, empty);
}

/* After a name or a value inside a start tag, or after the white space behind it. */
static bool tag_end(struct xml_reader *r)
{
	char c = *r->p;

	if (c != '>' && c != '/' && !xml_class_is(c, XML_SPACE))
		return xml_unexpected(r, XML_ERR_SYNTAX);
	r->p++;
	if (c == '>')
		return finish_tag(r, false);
	r->state = c == '/' ? XML_ST_TAG_SLASH : XML_ST_TAG_GAP;
	return true;
}

bool xml_on_tag_name(struct xml_reader *r)
{
	if (!eat_name(r, 0, &r->tag.prefix_len))
		return false;
	if (r->p == r->stop)
		return true;
	r->tag.name_len = (uint32_t)buf_len(&r->tok);
	return tag_end(r);
}

static struct xml_raw_attr *last_attr(struct xml_reader *r)
{
	return &r->raw[r->tag.attrs + r->tag.ns_decls];
}

bool xml_on_tag_gap(struct xml_reader *r)
{
	while (r->p < r->stop && xml_class_is(*r->p, XML_SPACE))
		r->p++;
	if (r->p == r->stop)
		return true;
	if (*r->p == '>' || *r->p == '/')
		return tag_end(r);
	if (!xml_class_is(*r->p, XML_NAME_START) && (unsigned char)*r->p < 0x80)
		return xml_unexpected(r, XML_ERR_SYNTAX);
	/* One more than the limits allow is refused once its name tells what it is. */
	*last_attr(r) = (struct xml_raw_attr){ .name = (uint32_t)buf_len(&r->tok) };
	r->state = XML_ST_ATTR_NAME;
	begin_name(r);
	return true;
}

bool xml_on_tag_slash(struct xml_reader *r)
{
	if (*r->p != '>')
		return xml_unexpected(r, XML_ERR_SYNTAX);
	r->p++;
	return finish_tag(r, true);
}

static bool attr_named(struct xml_reader *r)
{
	struct xml_raw_attr *a = last_attr(r);
	const char *name = buf_bytes(&r->tok).p + a->name;

	a->name_len = (uint32_t)buf_len(&r->tok) - a->name;
	size_t first = a->prefix_len ? a->prefix_len : a->name_len;
	a->declares = str_eq(str_from(name, first), STRL("xmlns"));
	if (a->declares && r->tag.ns_decls == r->limits.ns_decls)
		return xml_fail(r, XML_ERR_NS_DECLS);
	if (!a->declares && r->tag.attrs == r->limits.attrs)
		return xml_fail(r, XML_ERR_ATTRS);
	r->state = XML_ST_ATTR_EQUAL;
	return true;
}

bool xml_on_attr_name(struct xml_reader *r)
{
	struct xml_raw_attr *a = last_attr(r);

	if (!eat_name(r, a->name, &a->prefix_len))
		return false;
	return r->p == r->stop || attr_named(r);
}

bool xml_on_attr_equal(struct xml_reader *r)
{
	if (*r->p == '=')
		r->state = XML_ST_ATTR_QUOTE;
	else if (!xml_class_is(*r->p, XML_SPACE))
		return xml_unexpected(r, XML_ERR_SYNTAX);
	r->p++;
	return true;
}

bool xml_on_attr_quote(struct xml_reader *r)
{
	char c = *r->p;

	if (c == '"' || c == '\'') {
		r->quote = c;
		r->state = XML_ST_VALUE;
		r->part_at = buf_len(&r->tok);
		last_attr(r)->value = (uint32_t)r->part_at;
		r->carriage = false;
	} else if (!xml_class_is(c, XML_SPACE)) {
		return xml_unexpected(r, XML_ERR_SYNTAX);
	}
	r->p++;
	return true;
}

static bool value_part(struct xml_reader *r, const char *p, size_t n)
{
	if (buf_len(&r->tok) - r->part_at + n > r->limits.value)
		return xml_fail(r, XML_ERR_VALUE);
	r->carriage = false;
	return xml_append(r, p, n);
}

static bool value_done(struct xml_reader *r)
{
	struct xml_raw_attr *a = last_attr(r);

	a->value_len = (uint32_t)(buf_len(&r->tok) - r->part_at);
	r->tag.ns_decls += a->declares;
	r->tag.attrs += !a->declares;
	r->state = XML_ST_VALUE_END;
	r->p++;
	return true;
}

static bool value_special(struct xml_reader *r)
{
	char c = *r->p;
	const char *decoded;
	uint32_t code_point;

	if (c == r->quote)
		return value_done(r);
	if (c == '&') {
		r->carriage = false;
		return !xml_reference(r, true, &decoded) || value_part(r, decoded, 1);
	}
	if ((unsigned char)c >= 0x80) {
		const char *from = r->p;
		int n = xml_take_char(r, &code_point);
		if (n <= 0)
			return n == 0;
		r->p += n;
		return value_part(r, from, (size_t)n);
	}
	if (!xml_class_is(c, XML_SPACE))
		return xml_unexpected(r, XML_ERR_SYNTAX);
	r->p++;
	if (c == '\n' && r->carriage) {
		r->carriage = false;
		return true;
	}
	if (!value_part(r, " ", 1))
		return false;
	r->carriage = c == '\r';
	return true;
}

bool xml_on_value(struct xml_reader *r)
{
	while (r->p < r->stop && r->state == XML_ST_VALUE) {
		const char *from = r->p;
		r->p = scan_value(from, r->stop, r->quote);
		if (r->p > from && !value_part(r, from, (size_t)(r->p - from)))
			return false;
		if (r->p < r->stop && !value_special(r))
			return false;
	}
	return true;
}

bool xml_on_value_end(struct xml_reader *r)
{
	return tag_end(r);
}

/* The end of a name in an end tag, or a byte after it. */
static bool end_tag_end(struct xml_reader *r)
{
	char c = *r->p;

	if (c != '>' && !xml_class_is(c, XML_SPACE))
		return xml_unexpected(r, XML_ERR_SYNTAX);
	r->p++;
	r->state = XML_ST_END_GAP;
	return c != '>' || xml_element_close(r);
}

bool xml_on_end_name(struct xml_reader *r)
{
	struct str want = r->open[r->depth - 1].qname;

	while (r->p < r->stop && r->matched < want.len && *r->p == want.p[r->matched]) {
		r->p++;
		r->matched++;
	}
	if (r->p == r->stop)
		return true;
	bool ends = *r->p == '>' || xml_class_is(*r->p, XML_SPACE);
	if (ends && r->matched == want.len)
		return end_tag_end(r);
	unsigned char c = (unsigned char)*r->p;
	if (r->matched == 0 && c < 0x80 && !xml_class_is((char)c, XML_NAME_START))
		return xml_unexpected(r, XML_ERR_SYNTAX);
	/* Another character with the same first byte. */
	if (r->matched && c >= 0x80 && c < 0xc0)
		return xml_fail(r, XML_ERR_MISMATCH);
	bool names = c >= 0x80 || c == ':' || xml_class_is((char)c, XML_NAME);
	return xml_unexpected(r, ends || names ? XML_ERR_MISMATCH : XML_ERR_SYNTAX);
}

bool xml_on_end_gap(struct xml_reader *r)
{
	return end_tag_end(r);
}
