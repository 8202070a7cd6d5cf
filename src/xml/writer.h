/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical writer: double quotes, the five characters escaped, CR, LF and TAB
 * in attributes and CR in text as references, no CDATA, xmlns only where the
 * namespace changes (and xmlns='' where it ends), namespaced attributes with
 * generated prefixes declared on the same element. Reading its output gives the
 * same tree, and writing that again gives the same bytes.
 */
#ifndef XML_WRITER_H
#define XML_WRITER_H

#include "base/buf.h"
#include "xml/tree.h"

/*
 * Appends e to out. ns is the default namespace in scope there (that of the
 * stream's content). Iterative. False, with out as before, when its limit would be
 * passed or when a name is not an NCName or a string not XML text: the
 * writer never makes a document that a strict reader would refuse.
 */
bool xml_write(struct buf *out, const struct xml_node *e, struct str ns);

/* Escaped text and attribute value, for the few places that print by hand. */
bool xml_write_text(struct buf *out, struct str text);
bool xml_write_value(struct buf *out, struct str value);

#endif
