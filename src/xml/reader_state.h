/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a reader, shared by its four files:
 *
 *	reader.c   the document: prolog, stanzas and the space between them, limits of bytes
 *	content.c  inside an element: text, references, CDATA sections, "<!"
 *	markup.c   tags byte by byte, cut wherever the input is cut
 *	tag.c      tags that lie whole in the input: the fast way, same outcome
 *	element.c  a complete tag becomes a node: namespaces, duplicates, numbers
 *
 * A state is a function that takes bytes from p up to stop. It returns false to
 * stop reading, with r->event set.
 */
#ifndef XML_READER_STATE_H
#define XML_READER_STATE_H

#include "base/buf.h"
#include "xml/chars.h"
#include "xml/dict_find.h"
#include "xml/reader.h"

/* X(enumerator, function) */
#define XML_STATES(X)                                                                              \
	X(XML_ST_PROLOG, xml_on_prolog) /* before the root */                                      \
	X(XML_ST_DECL, xml_on_decl) /* after <?, first thing in the document */                    \
	X(XML_ST_OUTER, xml_on_outer) /* between first-level elements */                           \
	X(XML_ST_CONTENT, xml_on_content) /* inside a first-level element */                       \
	X(XML_ST_REF, xml_on_ref) /* after & */                                                    \
	X(XML_ST_BANG, xml_on_bang) /* after <! */                                                 \
	X(XML_ST_CDATA, xml_on_cdata) /* after <![CDATA[ */                                        \
	X(XML_ST_LT, xml_on_lt) /* after < */                                                      \
	X(XML_ST_TAG_NAME, xml_on_tag_name) /* inside the name of a start tag */                   \
	X(XML_ST_TAG_GAP, xml_on_tag_gap) /* after white space in a start tag */                   \
	X(XML_ST_TAG_SLASH, xml_on_tag_slash) /* after the / of an empty element */                \
	X(XML_ST_ATTR_NAME, xml_on_attr_name) /* inside an attribute's name */                     \
	X(XML_ST_ATTR_EQUAL, xml_on_attr_equal) /* after it: = is due */                           \
	X(XML_ST_ATTR_QUOTE, xml_on_attr_quote) /* after =: a quote is due */                      \
	X(XML_ST_VALUE, xml_on_value) /* inside a value */                                         \
	X(XML_ST_VALUE_END, xml_on_value_end) /* after the closing quote */                        \
	X(XML_ST_END_NAME, xml_on_end_name) /* after </ */                                         \
	X(XML_ST_END_GAP, xml_on_end_gap) /* after white space in an end tag */                    \
	X(XML_ST_DONE, xml_on_done) /* after the root's end */

enum xml_state {
#define X(id, fn) id,
	XML_STATES(X)
#undef X
};

enum xml_ref_kind { XML_REF_NAME, XML_REF_DECIMAL, XML_REF_HEX };

/* An attribute or declaration of the tag being read; offsets from the tag's base. */
struct xml_raw_attr {
	uint32_t name;
	uint32_t name_len;
	uint32_t prefix_len; /* 0: no prefix */
	uint32_t value;
	uint32_t value_len;
	bool declares; /* xmlns or xmlns:... */
};

struct xml_raw_tag {
	uint32_t name;
	uint32_t name_len;
	uint32_t prefix_len;
	unsigned attrs; /* not counting declarations */
	unsigned ns_decls;
	const char *readable; /* memory after the tag's base may be read up to here */
};

/* A namespace, with its number in the dictionary. */
struct xml_space {
	struct str uri;
	unsigned number;
};

/* Declared prefixes, innermost last; those with one hash are chained. */
struct xml_binding {
	struct str prefix;
	struct xml_space space;
	uint32_t bucket; /* where its chain begins */
	uint32_t older; /* index + 1 of the next in the chain, 0: none */
};

/* An element whose end tag has not come. */
struct xml_open {
	struct xml_node **tail; /* where the next child goes */
	struct str qname; /* as it was written */
	struct xml_space space; /* the default namespace inside */
	size_t bindings; /* how many there were outside */
};

enum { XML_BUCKETS = 256 };

struct xml_reader {
	/* The input of this call. */
	const char *p;
	const char *stop; /* the end, or where limits.bytes is reached */
	const char *input_end;
	const char *counted; /* bytes from here on are not in `used` yet */

	enum xml_state state;
	enum xml_event event;
	enum xml_error error;
	bool delivered; /* the tree was given out: it goes at the next call */
	bool close_due; /* the root was an empty element: XML_CLOSE comes next */
	bool counting; /* limits.bytes runs */
	size_t used; /* bytes of the header or first-level element in earlier calls */
	size_t space; /* white space seen between first-level elements */
	unsigned elements; /* in this first-level element */

	struct xml_limits limits;
	struct xml_limits next_limits;
	bool has_next_limits;

	/* A character that the end of the input cut. */
	char part[4];
	unsigned part_len;

	/* Tokens read byte by byte. tok holds the pending text, or the decoded start tag. */
	struct buf tok;
	bool pristine; /* nothing read yet: an XML declaration may come */
	bool carriage; /* the last character was a literal CR */
	bool fresh; /* the next character begins a name */
	char quote;
	unsigned brackets; /* ']' just before, at most 2 */
	size_t part_at; /* where in tok the local name or prefix begins */
	size_t matched; /* bytes of a known word seen */
	const char *word; /* that word, after <! */
	bool ref_in_value;
	bool ref_digits; /* at least one was there */
	enum xml_ref_kind ref_kind;
	uint32_t ref_number;
	char ref_name[8];

	struct xml_raw_tag tag;
	struct xml_raw_attr *raw; /* limits.attrs + limits.ns_decls */
	size_t raw_cap;

	/* The tree. */
	const struct xml_dict *dict;
	struct arena arena; /* of the present tree */
	struct arena lasting; /* of the root: names and declarations */
	struct xml_node *node;
	struct xml_node *begun; /* after XML_BAD */
	struct xml_open *open; /* open[0] is the root */
	size_t depth;
	size_t open_cap;
	struct xml_binding *bindings;
	size_t n_bindings;
	size_t bindings_cap;
	size_t root_bindings;
	struct str root_default; /* the root's default namespace */
	struct str alias_content; /* read as alias.uri; empty: there is none */
	struct str alias_stanza; /* likewise as default of a first-level element */
	struct xml_space alias;
	uint64_t salt;
	xml_name lang_id; /* number of xml:lang */
	unsigned xml_number; /* number of the xml: namespace */
	unsigned none_number; /* number of no namespace */
	uint16_t *seen; /* hash table of attributes, for elements that have many */
	size_t seen_cap;
	uint32_t buckets[XML_BUCKETS]; /* index + 1 of the innermost binding */
};

#define X(id, fn) bool fn(struct xml_reader *r);
XML_STATES(X)
#undef X

/* reader.c: ends the reading. All three return false, or true where more input is due. */
bool xml_fail(struct xml_reader *r, enum xml_error e);
bool xml_event(struct xml_reader *r, enum xml_event e);
/* The byte at p does not belong here: e, unless it is no good character at all. */
bool xml_unexpected(struct xml_reader *r, enum xml_error e);

/*
 * The character at p, which is not ASCII: its length, not yet consumed. 0: it is
 * cut, what is there was put aside. Negative: failed.
 */
int xml_take_char(struct xml_reader *r, uint32_t *ret_code_point);

/* content.c: pending text becomes a node. */
bool xml_flush_text(struct xml_reader *r);
/*
 * At '&'. True when one of the five is there, whole: it is consumed, and *ret_char is
 * what it stands for. Otherwise XML_ST_REF is to read the reference.
 */
bool xml_reference(struct xml_reader *r, bool in_value, const char **ret_char);

/* markup.c: at '<', in whatever context. */
bool xml_markup(struct xml_reader *r);
/* A new element may begin here; fails otherwise. */
bool xml_may_open(struct xml_reader *r);

/* tag.c: at '<'. True when the tag was whole, simple and good; r->event tells whether to stop. */
bool xml_fast_tag(struct xml_reader *r);

/* element.c */
bool xml_element_open(struct xml_reader *r, const char *base, bool empty);
bool xml_element_close(struct xml_reader *r);

static inline bool xml_append(struct xml_reader *r, const char *p, size_t n)
{
	return buf_append(&r->tok, str_from(p, n)) || xml_fail(r, XML_ERR_MEMORY);
}

#endif
