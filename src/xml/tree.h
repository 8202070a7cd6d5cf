/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stanza as a tree of validated values: plain data in an arena, made by
 * xml/reader.h or record/decode, written by xml/writer.h.
 *
 * Namespaces are held by URI and by number, never as prefixes. Text is one node
 * per run: two text nodes never stand next to each other, none is empty.
 */
#ifndef XML_TREE_H
#define XML_TREE_H

#include "base/arena.h"

/* Numbers from xml/dict.h; 0 is a name that the dictionary does not have. */
typedef uint16_t xml_name;

enum xml_kind { XML_ELEM, XML_TEXT };

struct xml_attr {
	struct xml_attr *next;
	struct str ns; /* empty: unqualified */
	struct str name; /* local name, an NCName */
	struct str value; /* after references were decoded and white space normalised */
	xml_name id; /* number of an unqualified name or of xml:lang; else 0 */
};

struct xml_node {
	struct xml_node *next;
	enum xml_kind kind;
	xml_name id; /* number of (ns, name), elements only */
	struct str ns; /* elements: the namespace URI, may be empty */
	struct str name; /* elements: local name, an NCName */
	struct str text; /* text nodes */
	struct xml_attr *attrs;
	struct xml_node *children; /* first child */
};

/* The value of an unqualified attribute, or p == NULL. */
static inline struct str xml_attr_get(const struct xml_node *e, const char *name)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->ns.len == 0 && str_is(a->name, name))
			return a->value;
	}
	return (struct str){ NULL, 0 };
}

/* The first child element with this name, or NULL. */
static inline struct xml_node *xml_child(const struct xml_node *e, struct str ns, const char *name)
{
	for (struct xml_node *c = e->children; c; c = c->next) {
		if (c->kind == XML_ELEM && str_eq(c->ns, ns) && str_is(c->name, name))
			return c;
	}
	return NULL;
}

/* The text of an element that has only text: empty when it has none. */
static inline struct str xml_text(const struct xml_node *e)
{
	const struct xml_node *c = e->children;
	return c && c->kind == XML_TEXT ? c->text : STRL("");
}

/* Builders for answers and errors; NULL only when the arena's limit is passed. */
struct xml_node *xml_node_elem(struct arena *a, struct str ns, struct str name);
struct xml_node *xml_node_text(struct arena *a, struct str text);
/* Appends an unqualified attribute; both strings must outlive the tree. */
bool xml_node_set(struct arena *a, struct xml_node *e, struct str name, struct str value);
/* Appends child (not NULL) after the last child of e. */
void xml_node_add(struct xml_node *e, struct xml_node *child);

#endif
