/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names a program knows, as numbers. Filled once at start (from the record
 * catalogue and the names of the stream protocol), then read-only and shared by
 * all readers. Lookups cost one probe each.
 */
#ifndef XML_DICT_H
#define XML_DICT_H

#include "xml/tree.h"

struct xml_dict;

struct xml_dict *xml_dict_new(void);
void xml_dict_free(struct xml_dict *d);

/*
 * Gives (ns, name) the number id (1..65535). Several pairs may share a number;
 * a pair that has one already is our own bug. The strings must outlive d.
 */
void xml_dict_add_elem(struct xml_dict *d, struct str ns, struct str name, xml_name id);

/* Gives an unqualified attribute name the number id; "xml:lang" names that attribute. */
void xml_dict_add_attr(struct xml_dict *d, struct str name, xml_name id);

/* The namespace's number for xml_dict_elem(); 0 when no known element is in it. */
unsigned xml_dict_ns(const struct xml_dict *d, struct str ns);
xml_name xml_dict_elem(const struct xml_dict *d, unsigned ns, struct str name);
xml_name xml_dict_attr(const struct xml_dict *d, struct str name);

#endif
