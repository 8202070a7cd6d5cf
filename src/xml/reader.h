/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The restricted XML 1.0 + Namespaces reader of RFC 6120 section 11: bytes are
 * pushed in any cuts, events are pulled. No recursion, no DTD, no processing
 * instructions, no comments, no entities but the five, UTF-8 only.
 *
 *	struct str in = ...;
 *	for (;;) {
 *		switch (xml_reader_next(r, &in)) {
 *		case XML_MORE: return;             (in is empty, call again with more)
 *		case XML_OPEN: ...                 (the stream header)
 *		case XML_STANZA: ...               (a complete first-level element)
 *		case XML_CLOSE: ...                (</stream:stream>)
 *		case XML_BAD: xml_reader_error(r)
 *		}
 *	}
 *
 * An element is reported at its last byte, whatever the cuts. All limits are
 * checked while the token is still open.
 */
#ifndef XML_READER_H
#define XML_READER_H

#include "xml/dict.h"

struct xml_limits {
	size_t bytes; /* of one first-level element, or of the stream header with XML declaration */
	size_t space; /* bytes of white space between two first-level elements */
	unsigned depth; /* open elements, the stream's root not counted */
	unsigned attrs; /* attributes of one element, namespace declarations not counted */
	unsigned ns_decls; /* namespace declarations of one element */
	unsigned elements; /* in one first-level element */
	size_t name; /* bytes of one name or prefix */
	size_t value; /* bytes of one attribute value or namespace name */
};

/* Defaults, after and before authentication. */
extern const struct xml_limits xml_limits_default;
extern const struct xml_limits xml_limits_early;

enum xml_event { XML_MORE, XML_OPEN, XML_STANZA, XML_CLOSE, XML_BAD };

/*
 * X(enumerator, name in logs, stream error condition of RFC 6120 section 4.9.3)
 */
#define XML_ERRORS(X)                                                                              \
	X(XML_ERR_NONE, "none", "")                                                                \
	X(XML_ERR_SYNTAX, "not-well-formed", "not-well-formed")                                    \
	X(XML_ERR_UTF8, "bad-utf8", "unsupported-encoding")                                        \
	X(XML_ERR_CHAR, "forbidden-character", "not-well-formed")                                  \
	X(XML_ERR_COMMENT, "comment", "restricted-xml")                                            \
	X(XML_ERR_PI, "processing-instruction", "restricted-xml")                                  \
	X(XML_ERR_DOCTYPE, "doctype", "restricted-xml")                                            \
	X(XML_ERR_ENTITY, "entity-reference", "restricted-xml")                                    \
	X(XML_ERR_CHAR_REF, "character-reference", "not-well-formed")                              \
	X(XML_ERR_DECL, "xml-declaration", "not-well-formed")                                      \
	X(XML_ERR_ENCODING, "encoding", "unsupported-encoding")                                    \
	X(XML_ERR_MISMATCH, "tag-mismatch", "not-well-formed")                                     \
	X(XML_ERR_DUPLICATE, "duplicate-attribute", "not-well-formed")                             \
	X(XML_ERR_PREFIX, "namespace", "not-well-formed")                                          \
	X(XML_ERR_TEXT, "text-between-stanzas", "bad-format")                                      \
	X(XML_ERR_AFTER_END, "data-after-end", "bad-format")                                       \
	X(XML_ERR_BYTES, "stanza-too-big", "policy-violation")                                     \
	X(XML_ERR_SPACE, "too-much-white-space", "policy-violation")                               \
	X(XML_ERR_DEPTH, "too-deep", "policy-violation")                                           \
	X(XML_ERR_ATTRS, "too-many-attributes", "policy-violation")                                \
	X(XML_ERR_NS_DECLS, "too-many-namespaces", "policy-violation")                             \
	X(XML_ERR_ELEMENTS, "too-many-elements", "policy-violation")                               \
	X(XML_ERR_NAME, "name-too-long", "policy-violation")                                       \
	X(XML_ERR_VALUE, "value-too-long", "policy-violation")                                     \
	X(XML_ERR_MEMORY, "stanza-too-big-in-memory", "policy-violation")

enum xml_error {
#define X(id, name, condition) id,
	XML_ERRORS(X)
#undef X
};

const char *xml_error_name(enum xml_error e);
const char *xml_error_condition(enum xml_error e);
/* Was it one of the limits on a first-level element? */
bool xml_error_is_size(enum xml_error e);

struct xml_reader;

/* dict is shared and must outlive the reader; NULL interns nothing. limits are copied. */
struct xml_reader *xml_reader_new(const struct xml_dict *dict, const struct xml_limits *limits);
void xml_reader_free(struct xml_reader *r);

/* A new document (stream restart): nothing is carried over. limits NULL keeps the present ones. */
void xml_reader_restart(struct xml_reader *r, const struct xml_limits *limits);

/* New limits from the next first-level element on. */
void xml_reader_set_limits(struct xml_reader *r, const struct xml_limits *limits);

/* White space is counted against limits.space; the owner clears the count as time passes. */
void xml_reader_forgive_space(struct xml_reader *r);

/*
 * Reads from *in, which is advanced past what was consumed, up to one event. The
 * previous event's tree becomes invalid. After XML_BAD every call gives
 * XML_BAD. After XML_CLOSE only white space is consumed, silently.
 */
enum xml_event xml_reader_next(struct xml_reader *r, struct str *in);

/* After XML_OPEN: the root start tag as an element without children. After XML_STANZA: the element. */
struct xml_node *xml_reader_node(struct xml_reader *r);

/*
 * After XML_OPEN and until the restart: the default namespace and the namespace
 * that a prefix is bound to on the root; p == NULL when it is not bound.
 */
struct str xml_reader_root_ns(const struct xml_reader *r, struct str prefix);

/*
 * After XML_OPEN and until the restart: whatever is in the namespace content is read as if it were in meaning, and so
 * is a first-level element whose default namespace is stanza, with what inherits it. The root stays what it is.
 * meaning and stanza outlive the reader.
 */
void xml_reader_alias(
	struct xml_reader *r, struct str content, struct str stanza, struct str meaning);

/*
 * After XML_BAD: the first-level element in whose content it happened, for its name and attributes alone, or NULL.
 * Valid until the restart.
 */
const struct xml_node *xml_reader_begun(const struct xml_reader *r);

enum xml_error xml_reader_error(const struct xml_reader *r);

/* A first-level element has begun and is not complete: its deadline runs. */
bool xml_reader_inside(const struct xml_reader *r);

/* The arena of the present tree: more may be allocated beside it, until the next call. */
struct arena *xml_reader_arena(struct xml_reader *r);

/* Bytes of memory held, for limits and status. */
size_t xml_reader_footprint(const struct xml_reader *r);

#endif
