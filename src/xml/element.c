/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A complete start tag becomes a node. Declarations come first, wherever they
 * stand in the tag; then the names are resolved. Names and namespaces that the
 * dictionary has are not copied: its strings outlive every tree.
 *
 * Prefixes are found through a small hash table whose chains are the stack of
 * bindings itself: pushed at a start tag, popped at the end tag.
 */
#include "xml/reader_state.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/table.h"
#include "xml/names.h"

enum {
	FEW_ATTRS = 8, /* compared pairwise */
	SHORT = 32, /* bytes copied in one go */
};

static uint32_t bucket_of(const struct xml_reader *r, struct str prefix)
{
	struct dict_key k = dict_key(prefix);
	uint64_t h = (k.head ^ prefix.len << 56) * (r->salt | 1);

	return (uint32_t)(((h ^ k.tail) * (r->salt | 1)) >> 56);
}

/* What the prefix is bound to, or NULL. */
static const struct xml_binding *find_binding(const struct xml_reader *r, struct str prefix)
{
	uint32_t i = r->buckets[bucket_of(r, prefix)];

	while (i && !str_eq(r->bindings[i - 1].prefix, prefix))
		i = r->bindings[i - 1].older;
	return i ? &r->bindings[i - 1] : NULL;
}

static bool resolve(struct xml_reader *r, struct str prefix, struct xml_space *ret_space)
{
	if (str_eq(prefix, STRL("xml"))) {
		*ret_space = (struct xml_space){ STRL(NS_XML), r->xml_number };
		return true;
	}
	const struct xml_binding *b = find_binding(r, prefix);
	if (!b)
		return xml_fail(r, XML_ERR_PREFIX);
	*ret_space = b->space;
	return true;
}

/* The arena for what must live as long as the element that begins now. */
static struct arena *scope_arena(struct xml_reader *r)
{
	return r->depth ? &r->arena : &r->lasting;
}

/*
 * A copy of a part of the tag. A short one is made in one go where there is room
 * for the bytes too many, in the tag's memory and in the unused rest of the arena.
 */
static inline struct str copy_str(struct xml_reader *r, struct arena *a, struct str s)
{
	if (s.len == 0)
		return STRL("");
	char *p = arena_alloc(a, s.len);
	if (!p)
		return (struct str){ NULL, 0 };
	if (s.len <= SHORT && r->tag.readable - s.p >= SHORT && a->end - p >= SHORT)
		memcpy(p, s.p, SHORT);
	else
		memcpy(p, s.p, s.len);
	return str_from(p, s.len);
}

static inline const struct dict_entry *find_known(
	const struct xml_reader *r, uint32_t space, struct str s)
{
	return dict_find_key(r->dict, space, s, dict_key_near(s, r->tag.readable));
}

static bool is_alias(const struct xml_reader *r, struct str uri)
{
	return r->alias_content.len && str_eq(uri, r->alias_content);
}

static bool intern_space(struct xml_reader *r, struct str uri, struct xml_space *ret_space)
{
	const struct dict_entry *known = find_known(r, DICT_SPACES, uri);

	if (is_alias(r, uri)) {
		*ret_space = r->alias;
		return true;
	}
	if (known)
		*ret_space = (struct xml_space){ known->name, known->id };
	else
		*ret_space = (struct xml_space){ copy_str(r, scope_arena(r), uri), 0 };
	return ret_space->uri.p || xml_fail(r, XML_ERR_MEMORY);
}

static bool push_binding(struct xml_reader *r, struct str prefix, struct xml_space space)
{
	uint32_t bucket = bucket_of(r, prefix);

	if (r->n_bindings == r->bindings_cap) {
		r->bindings_cap = r->bindings_cap ? r->bindings_cap * 2 : 8;
		r->bindings = realloc(r->bindings, r->bindings_cap * sizeof(*r->bindings));
		check(r->bindings);
	}
	prefix = arena_str(scope_arena(r), prefix);
	if (!prefix.p)
		return xml_fail(r, XML_ERR_MEMORY);
	r->bindings[r->n_bindings++] =
		(struct xml_binding){ prefix, space, bucket, r->buckets[bucket] };
	r->buckets[bucket] = (uint32_t)r->n_bindings;
	return true;
}

static void pop_bindings(struct xml_reader *r, size_t keep)
{
	while (r->n_bindings > keep) {
		const struct xml_binding *b = &r->bindings[--r->n_bindings];
		r->buckets[b->bucket] = b->older;
	}
}

/* The rules of Namespaces in XML 1.0, sections 3 and 6.1, on one declaration. */
static bool may_declare(struct str prefix, struct str uri)
{
	if (str_eq(prefix, STRL("xmlns")) || str_eq(uri, STRL(NS_XMLNS)))
		return false;
	if (str_eq(prefix, STRL("xml")) != str_eq(uri, STRL(NS_XML)))
		return false;
	return uri.len > 0 || prefix.len == 0;
}

static bool declare_default(
	struct xml_reader *r, struct str uri, bool *declared, struct xml_space *inside)
{
	if (!may_declare(STRL(""), uri))
		return xml_fail(r, XML_ERR_PREFIX);
	if (*declared)
		return xml_fail(r, XML_ERR_DUPLICATE);
	*declared = true;
	*inside = (struct xml_space){ STRL(""), r->none_number };
	if (r->depth == 1 && r->alias_stanza.len && str_eq(uri, r->alias_stanza)) {
		*inside = r->alias;
		return true;
	}
	return uri.len == 0 || intern_space(r, uri, inside);
}

static bool declare_prefix(struct xml_reader *r, struct str prefix, struct str uri, size_t outside)
{
	struct xml_space space;

	if (!may_declare(prefix, uri))
		return xml_fail(r, XML_ERR_PREFIX);
	const struct xml_binding *same = find_binding(r, prefix);
	if (same && (size_t)(same - r->bindings) >= outside)
		return xml_fail(r, XML_ERR_DUPLICATE);
	return intern_space(r, uri, &space) && push_binding(r, prefix, space);
}

/* Puts the tag's declarations in force; *inside is the default namespace, which may change. */
static bool declare_all(struct xml_reader *r, const char *base, struct xml_space *inside)
{
	size_t outside = r->n_bindings;
	unsigned left = r->tag.ns_decls;
	bool has_default = false;

	for (const struct xml_raw_attr *a = r->raw; left; a++) {
		struct str uri = str_from(base + a->value, a->value_len);
		if (!a->declares)
			continue;
		left--;
		if (a->prefix_len == 0) {
			if (!declare_default(r, uri, &has_default, inside))
				return false;
			continue;
		}
		size_t skip = sizeof("xmlns:") - 1;
		struct str prefix = str_from(base + a->name + skip, a->name_len - skip);
		if (!declare_prefix(r, prefix, uri, outside))
			return false;
	}
	return true;
}

static bool same_attr(const struct xml_attr *a, const struct xml_attr *b)
{
	return a->name.len == b->name.len && a->name.p[0] == b->name.p[0] &&
		str_eq(a->name, b->name) && str_eq(a->ns, b->ns);
}

/* Is there an attribute like a before it? For elements with few. */
static bool seen_among_few(const struct xml_node *e, const struct xml_attr *a)
{
	const struct xml_attr *b = e->attrs;

	while (b != a && !same_attr(a, b))
		b = b->next;
	return b != a;
}

/* For elements with many: an open-addressed table of indices into the array of attributes. */
static bool any_twice(struct xml_reader *r, const struct xml_attr *attrs, unsigned n)
{
	size_t cap = 32;

	while (cap < (size_t)n * 2)
		cap *= 2;
	if (cap > r->seen_cap) {
		r->seen = realloc(r->seen, cap * sizeof(*r->seen));
		check(r->seen);
		r->seen_cap = cap;
	}
	memset(r->seen, 0, cap * sizeof(*r->seen));
	for (unsigned k = 0; k < n; k++) {
		uint64_t h = table_hash(attrs[k].name);
		if (attrs[k].ns.len)
			h ^= table_hash(attrs[k].ns) * 3;
		size_t i = h & (cap - 1);
		for (; r->seen[i]; i = (i + 1) & (cap - 1)) {
			if (same_attr(&attrs[r->seen[i] - 1], &attrs[k]))
				return true;
		}
		r->seen[i] = (uint16_t)(k + 1);
	}
	return false;
}

static bool make_attr(
	struct xml_reader *r, const char *base, const struct xml_raw_attr *raw, struct xml_attr *a)
{
	size_t skip = raw->prefix_len ? raw->prefix_len + 1 : 0;
	struct str name = str_from(base + raw->name + skip, raw->name_len - skip);
	const struct dict_entry *known = NULL;

	a->ns = STRL("");
	a->id = 0;
	if (raw->prefix_len) {
		struct xml_space space;
		if (!resolve(r, str_from(base + raw->name, raw->prefix_len), &space))
			return false;
		a->ns = space.uri;
		if (str_eq(a->ns, STRL(NS_XML)) && str_eq(name, STRL("lang")))
			a->id = r->lang_id;
	} else {
		known = find_known(r, DICT_ATTRS, name);
		a->id = known ? (xml_name)known->id : 0;
	}
	a->name = known ? known->name : copy_str(r, &r->arena, name);
	a->value = copy_str(r, &r->arena, str_from(base + raw->value, raw->value_len));
	return (a->name.p && a->value.p) || xml_fail(r, XML_ERR_MEMORY);
}

static bool make_attrs(struct xml_reader *r, const char *base, struct xml_node *e)
{
	unsigned n = r->tag.attrs;
	const struct xml_raw_attr *raw = r->raw;
	struct xml_attr *attrs = arena_alloc(&r->arena, n * sizeof(*attrs));

	if (!attrs)
		return xml_fail(r, XML_ERR_MEMORY);
	e->attrs = attrs;
	for (struct xml_attr *a = attrs; a < attrs + n; a++, raw++) {
		while (raw->declares)
			raw++;
		a->next = a + 1 < attrs + n ? a + 1 : NULL;
		if (!make_attr(r, base, raw, a))
			return false;
		if (n <= FEW_ATTRS && seen_among_few(e, a))
			return xml_fail(r, XML_ERR_DUPLICATE);
	}
	if (n > FEW_ATTRS && any_twice(r, attrs, n))
		return xml_fail(r, XML_ERR_DUPLICATE);
	return true;
}

/* Names the element. *ret_qname lives as long as the element is open. */
static bool name_element(struct xml_reader *r, const char *base, const struct xml_space *space,
	struct xml_node *e, struct str *ret_qname)
{
	const struct xml_raw_tag *t = &r->tag;
	size_t skip = t->prefix_len ? t->prefix_len + 1 : 0;
	struct str qname = str_from(base + t->name, t->name_len);
	struct str name = str_skip(qname, skip);
	const struct dict_entry *known = NULL;

	if (space->number)
		known = find_known(r, DICT_ELEMS + space->number, name);
	e->ns = space->uri;
	e->id = known ? (xml_name)known->id : 0;
	if (known && skip == 0) {
		e->name = *ret_qname = known->name;
		return true;
	}
	*ret_qname = copy_str(r, scope_arena(r), qname);
	if (!ret_qname->p)
		return xml_fail(r, XML_ERR_MEMORY);
	e->name = known ? known->name : str_skip(*ret_qname, skip);
	return true;
}

static struct xml_open *push_open(struct xml_reader *r)
{
	if (r->depth == r->open_cap) {
		r->open_cap = r->open_cap ? r->open_cap * 2 : 16;
		r->open = realloc(r->open, r->open_cap * sizeof(*r->open));
		check(r->open);
	}
	return &r->open[r->depth++];
}

/* The root has no parent and no children in the tree. */
static bool root_opened(struct xml_reader *r, bool empty)
{
	r->root_bindings = r->n_bindings;
	if (r->open[0].space.uri.len)
		r->root_default = r->open[0].space.uri;
	r->close_due = empty;
	r->state = empty ? XML_ST_DONE : XML_ST_OUTER;
	return xml_event(r, XML_OPEN);
}

static bool stanza_done(struct xml_reader *r)
{
	r->state = XML_ST_OUTER;
	return xml_event(r, XML_STANZA);
}

bool xml_element_open(struct xml_reader *r, const char *base, bool empty)
{
	size_t outside = r->n_bindings;
	struct xml_space inside = { STRL(""), r->none_number };
	struct xml_node *e = arena_alloc(&r->arena, sizeof(*e));
	struct str qname;

	if (!e)
		return xml_fail(r, XML_ERR_MEMORY);
	*e = (struct xml_node){ .kind = XML_ELEM };
	if (r->depth)
		inside = r->open[r->depth - 1].space;
	if (r->tag.ns_decls && !declare_all(r, base, &inside))
		return false;
	struct xml_space space = inside;
	if (r->tag.prefix_len && !resolve(r, str_from(base, r->tag.prefix_len), &space))
		return false;
	if (!name_element(r, base, &space, e, &qname))
		return false;
	if (r->tag.attrs && !make_attrs(r, base, e))
		return false;

	r->state = XML_ST_CONTENT;
	r->elements++;
	if (r->depth <= 1)
		r->node = e;
	if (r->depth > 1) {
		struct xml_open *parent = &r->open[r->depth - 1];
		*parent->tail = e;
		parent->tail = &e->next;
	}
	if (empty && r->depth) {
		pop_bindings(r, outside);
		return r->depth > 1 || stanza_done(r);
	}
	*push_open(r) = (struct xml_open){ &e->children, qname, inside, outside };
	return r->depth > 1 || root_opened(r, empty);
}

bool xml_element_close(struct xml_reader *r)
{
	if (r->depth == 1) {
		r->depth = 0;
		r->state = XML_ST_DONE;
		return xml_event(r, XML_CLOSE);
	}
	pop_bindings(r, r->open[--r->depth].bindings);
	r->state = XML_ST_CONTENT;
	return r->depth > 1 || stanza_done(r);
}
