/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the tree with a stack of its own. Elements are written without prefixes,
 * each with an xmlns where its namespace is not the one in scope; the exception
 * is the xml: namespace, which cannot be a default. Attributes in namespaces get the
 * prefixes n1, n2, ... in order of appearance, declared on the same element.
 */
#include "xml/writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "xml/chars.h"
#include "xml/names.h"
#include "xml/scan.h"

struct frame {
	const struct xml_node *e;
	struct str ns; /* default namespace around e */
};

enum { FIRST_FRAMES = 64, FIRST_SPACES = 8 };

struct writer {
	struct buf *out;
	struct frame *frames;
	size_t depth;
	size_t frames_cap;
	/* Namespaces of the present element's attributes: the n-th has prefix n<n>. */
	struct str *spaces;
	size_t n_spaces;
	size_t spaces_cap;
	struct frame first_frames[FIRST_FRAMES];
	struct str first_spaces[FIRST_SPACES];
};

/* A bigger copy of an array whose first cap members may be part of the writer itself. */
static void *bigger(void *old, const void *first, size_t *cap, size_t member)
{
	void *p = malloc(*cap * 2 * member);

	check(p);
	memcpy(p, old, *cap * member);
	if (old != first)
		free(old);
	*cap *= 2;
	return p;
}

static const char *reference(char c, bool in_value)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#13;";
	case '\n':
		return in_value ? "&#10;" : "\n";
	case '\t':
		return in_value ? "&#9;" : "\t";
	default:
		return NULL;
	}
}

/* Appends s escaped. False, with a part written, when it is not XML text or there is no room. */
static bool put_escaped(struct buf *out, struct str s, bool in_value)
{
	const char *p = s.p;
	const char *end = p + s.len;
	const char *from = p;

	while (p < end) {
		p = scan_output(p, end);
		if (p == end)
			break;
		if ((unsigned char)*p >= 0x80) {
			int n = xml_char_len(p, (size_t)(end - p));
			if (n <= 0)
				return false;
			p += n;
			continue;
		}
		const char *ref = reference(*p, in_value);
		if (!ref || !buf_append(out, str_from(from, (size_t)(p - from))) ||
			!buf_append_c(out, ref))
			return false;
		from = ++p;
	}
	return buf_append(out, str_from(from, (size_t)(end - from)));
}

static bool escape_whole(struct buf *out, struct str s, bool in_value)
{
	size_t before = buf_len(out);

	if (put_escaped(out, s, in_value))
		return true;
	buf_truncate(out, before);
	return false;
}

bool xml_write_text(struct buf *out, struct str text)
{
	return text.len == 0 || escape_whole(out, text, false);
}

bool xml_write_value(struct buf *out, struct str value)
{
	return value.len == 0 || escape_whole(out, value, true);
}

static bool put(struct writer *w, struct str s)
{
	return buf_append(w->out, s);
}

/* name="value", with a space before it */
static bool put_attr(struct writer *w, struct str prefix, struct str name, struct str value)
{
	return put(w, STRL(" ")) && put(w, prefix) && put(w, name) && put(w, STRL("=\"")) &&
		(value.len == 0 || put_escaped(w->out, value, true)) && put(w, STRL("\""));
}

static struct str numbered(char bytes[24], size_t n, const char *end)
{
	int len = snprintf(bytes, 24, "n%zu%s", n, end);
	return str_from(bytes, (size_t)len);
}

/* The number of an attribute's namespace, which gets one if it has none; 0: cannot be written. */
static size_t number_space(struct writer *w, struct str ns)
{
	size_t i = 0;
	char bytes[24];

	while (i < w->n_spaces && !str_eq(w->spaces[i], ns))
		i++;
	if (i < w->n_spaces)
		return i + 1;
	if (str_eq(ns, STRL(NS_XMLNS)))
		return 0;
	if (w->n_spaces == w->spaces_cap)
		w->spaces = bigger(w->spaces, w->first_spaces, &w->spaces_cap, sizeof(*w->spaces));
	w->spaces[w->n_spaces++] = ns;
	return put_attr(w, STRL("xmlns:"), numbered(bytes, i + 1, ""), ns) ? i + 1 : 0;
}

static bool put_attr_spaces(struct writer *w, const struct xml_node *e)
{
	w->n_spaces = 0;
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->ns.len && !str_eq(a->ns, STRL(NS_XML)) && number_space(w, a->ns) == 0)
			return false;
	}
	return true;
}

/* Would a reader take this name here, and is it the first like it? */
static bool attr_name_ok(const struct xml_node *e, const struct xml_attr *a)
{
	if (!xml_is_ncname(a->name) || (a->ns.len == 0 && str_eq(a->name, STRL("xmlns"))))
		return false;
	for (const struct xml_attr *b = e->attrs; b != a; b = b->next) {
		if (a->name.len == b->name.len && a->name.p[0] == b->name.p[0] &&
			str_eq(a->name, b->name) && str_eq(a->ns, b->ns))
			return false;
	}
	return true;
}

static bool put_attrs(struct writer *w, const struct xml_node *e)
{
	char bytes[24];

	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		struct str prefix = STRL("");
		if (!attr_name_ok(e, a))
			return false;
		if (str_eq(a->ns, STRL(NS_XML)))
			prefix = STRL("xml:");
		else if (a->ns.len)
			prefix = numbered(bytes, number_space(w, a->ns), ":");
		if (!put_attr(w, prefix, a->name, a->value))
			return false;
	}
	return true;
}

static bool in_xml_space(const struct xml_node *e)
{
	return str_eq(e->ns, STRL(NS_XML));
}

/* The default namespace inside e, when ns is that around it. */
static struct str inside(const struct xml_node *e, struct str ns)
{
	return in_xml_space(e) ? ns : e->ns;
}

static bool put_name(struct writer *w, const struct xml_node *e)
{
	return (!in_xml_space(e) || put(w, STRL("xml:"))) && put(w, e->name);
}

static bool put_start(struct writer *w, const struct xml_node *e, struct str ns)
{
	if (!xml_is_ncname(e->name) || str_eq(e->ns, STRL(NS_XMLNS)))
		return false;
	if (!put(w, STRL("<")) || !put_name(w, e))
		return false;
	struct str own = inside(e, ns);
	bool same = own.p == ns.p && own.len == ns.len;
	if (!same && !str_eq(own, ns) && !put_attr(w, STRL(""), STRL("xmlns"), e->ns))
		return false;
	if (e->attrs && (!put_attr_spaces(w, e) || !put_attrs(w, e)))
		return false;
	return e->children ? put(w, STRL(">")) : put(w, STRL("/>"));
}

static bool put_end(struct writer *w, const struct xml_node *e)
{
	return put(w, STRL("</")) && put_name(w, e) && put(w, STRL(">"));
}

static void push(struct writer *w, const struct xml_node *e, struct str ns)
{
	if (w->depth == w->frames_cap)
		w->frames = bigger(w->frames, w->first_frames, &w->frames_cap, sizeof(*w->frames));
	w->frames[w->depth++] = (struct frame){ e, ns };
}

static bool put_tree(struct writer *w, const struct xml_node *root, struct str ns)
{
	const struct xml_node *n = root;

	for (;;) {
		if (n->kind == XML_TEXT) {
			if (n->text.len && !put_escaped(w->out, n->text, false))
				return false;
		} else {
			if (!put_start(w, n, ns))
				return false;
			if (n->children) {
				push(w, n, ns);
				ns = inside(n, ns);
				n = n->children;
				continue;
			}
		}
		while (n == root || !n->next) {
			if (w->depth == 0)
				return true;
			struct frame *f = &w->frames[--w->depth];
			if (!put_end(w, f->e))
				return false;
			n = f->e;
			ns = f->ns;
		}
		n = n->next;
	}
}

bool xml_write(struct buf *out, const struct xml_node *e, struct str ns)
{
	struct writer w = { .out = out, .frames_cap = FIRST_FRAMES, .spaces_cap = FIRST_SPACES };
	size_t before = buf_len(out);

	w.frames = w.first_frames;
	w.spaces = w.first_spaces;
	bool done = put_tree(&w, e, ns);
	if (w.frames != w.first_frames)
		free(w.frames);
	if (w.spaces != w.first_spaces)
		free(w.spaces);
	if (!done)
		buf_truncate(out, before);
	return done;
}
