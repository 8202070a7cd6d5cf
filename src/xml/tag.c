/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearly every tag lies whole in the input, has ASCII names and values without
 * references. Such a tag is read in place, here. Whatever is different (cut,
 * wrong, over a limit, or just rare) is left to markup.c, from the '<' on: this file
 * reports no errors of its own, and accepts nothing that markup.c would not.
 */
#include "xml/reader_state.h"
#include "xml/scan.h"

/* Where one name ends, or NULL when it is not a plain one. Sets its prefix's length. */
static const char *name_end(
	const struct xml_reader *r, const char *p, const char *stop, uint32_t *ret_prefix_len)
{
	const char *start = p;
	const char *part = p;

	*ret_prefix_len = 0;
	for (;;) {
		if (p == stop || !xml_class_is(*p, XML_NAME_START))
			return NULL;
		p = scan_name(p + 1, stop);
		if (p == stop || (size_t)(p - part) > r->limits.name)
			return NULL;
		if (*p != ':')
			return p;
		if (part != start)
			return NULL;
		*ret_prefix_len = (uint32_t)(p - start);
		part = ++p;
	}
}

/* The closing quote, or NULL when the value needs more than a copy. */
static const char *value_end(
	const struct xml_reader *r, const char *from, const char *stop, char quote)
{
	const char *p = from;

	for (;;) {
		p = scan_value(p, stop, quote);
		if (p == stop)
			return NULL;
		if (*p == quote)
			break;
		if ((unsigned char)*p < 0x80)
			return NULL;
		int n = xml_char_len(p, (size_t)(stop - p));
		if (n <= 0)
			return NULL;
		p += n;
	}
	return (size_t)(p - from) > r->limits.value ? NULL : p;
}

/* Reads one attribute at p into raw[]; returns the byte after its closing quote, or NULL. */
static const char *fast_attr(struct xml_reader *r, const char *base, const char *p)
{
	struct xml_raw_tag *t = &r->tag;
	struct xml_raw_attr *a = &r->raw[t->attrs + t->ns_decls];
	const char *q = name_end(r, p, r->stop, &a->prefix_len);

	if (!q || *q != '=' || r->stop - q < 3 || (q[1] != '\'' && q[1] != '"'))
		return NULL;
	a->name = (uint32_t)(p - base);
	a->name_len = (uint32_t)(q - p);
	a->declares =
		(a->prefix_len ? a->prefix_len : a->name_len) == 5 && memcmp(p, "xmlns", 5) == 0;
	if (a->declares ? t->ns_decls == r->limits.ns_decls : t->attrs == r->limits.attrs)
		return NULL;
	const char *end = value_end(r, q + 2, r->stop, q[1]);
	if (!end)
		return NULL;
	a->value = (uint32_t)(q + 2 - base);
	a->value_len = (uint32_t)(end - q - 2);
	t->ns_decls += a->declares;
	t->attrs += !a->declares;
	return end + 1;
}

static bool fast_start(struct xml_reader *r)
{
	const char *base = r->p + 1;

	if (r->depth && (r->depth > r->limits.depth || r->elements >= r->limits.elements))
		return false;
	r->tag.attrs = r->tag.ns_decls = 0;
	const char *p = name_end(r, base, r->stop, &r->tag.prefix_len);
	if (!p)
		return false;
	r->tag.name = 0;
	r->tag.name_len = (uint32_t)(p - base);
	while (xml_class_is(*p, XML_SPACE)) {
		while (p < r->stop && xml_class_is(*p, XML_SPACE))
			p++;
		if (p == r->stop)
			return false;
		if (*p == '>' || *p == '/')
			break;
		p = fast_attr(r, base, p);
		if (!p || p == r->stop)
			return false;
	}
	bool empty = *p == '/';
	p += empty;
	if (p == r->stop || *p != '>')
		return false;
	r->p = p + 1;
	r->pristine = false;
	r->tag.readable = r->input_end;
	if (xml_flush_text(r))
		xml_element_open(r, base, empty);
	return true;
}

static bool fast_end(struct xml_reader *r)
{
	const struct str *name;
	size_t left = (size_t)(r->stop - r->p);

	if (r->depth == 0)
		return false;
	name = &r->open[r->depth - 1].qname;
	if (left < name->len + 3 || r->p[2 + name->len] != '>' ||
		memcmp(r->p + 2, name->p, name->len) != 0)
		return false;
	r->p += name->len + 3;
	if (xml_flush_text(r))
		xml_element_close(r);
	return true;
}

bool xml_fast_tag(struct xml_reader *r)
{
	if (r->stop - r->p < 2)
		return false;
	return r->p[1] == '/' ? fast_end(r) : fast_start(r);
}
