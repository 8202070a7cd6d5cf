/* SPDX-License-Identifier: Apache-2.0 */
#include "xml/tree.h"

struct xml_node *xml_node_elem(struct arena *a, struct str ns, struct str name)
{
	struct xml_node *e = arena_zalloc(a, sizeof(*e));

	if (!e)
		return NULL;
	e->kind = XML_ELEM;
	e->ns = ns;
	e->name = name;
	return e;
}

struct xml_node *xml_node_text(struct arena *a, struct str text)
{
	struct xml_node *t = arena_zalloc(a, sizeof(*t));

	if (!t)
		return NULL;
	t->kind = XML_TEXT;
	t->text = text;
	return t;
}

bool xml_node_set(struct arena *a, struct xml_node *e, struct str name, struct str value)
{
	struct xml_attr *attr = arena_zalloc(a, sizeof(*attr));
	struct xml_attr **tail = &e->attrs;

	if (!attr)
		return false;
	attr->ns = STRL("");
	attr->name = name;
	attr->value = value;
	while (*tail)
		tail = &(*tail)->next;
	*tail = attr;
	return true;
}

void xml_node_add(struct xml_node *e, struct xml_node *child)
{
	struct xml_node **tail = &e->children;

	while (*tail)
		tail = &(*tail)->next;
	*tail = child;
}
