/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue: which payload elements exist, where each may stand, and what type its
 * attributes and its text have. The rows are in catalogue/elements.def.
 */
#ifndef RECORD_CATALOGUE_H
#define RECORD_CATALOGUE_H

#include "record/namespaces.h"
#include "xml/dict.h"

/* To be raised with every change of the tables, with a row in catalogue.c; a unit test knows their digest. */
enum { RECORD_CATALOGUE_VERSION = 1 };

/*
 * Types of attribute values and text, beside the lists of words. X(name, CBOR form for
 * doc/record.cddl)
 */
#define VALUE_TYPES(X)                                                                             \
	X(NOTHING, "")                                                                             \
	X(MIXED, "")                                                                               \
	X(TEXT, "tstr") /* any XML text */                                                         \
	X(TOKEN, "token") /* not empty, no white space */                                          \
	X(BOOL, "boolean") /* true, false, 1 or 0 */                                               \
	X(UINT, "uint") /* below 2^64 */                                                           \
	X(INT, "int") /* 64 bits */                                                                \
	X(TIME, "time") /* XEP-0082 DateTime, or the older form of XEP-0091 */                     \
	X(JID, "jid") /* prepared */                                                               \
	X(BASE64, "base64") /* bytes; text where it is no canonical base64 */                      \
	X(URI, "uri-text") /* with a scheme, no spaces */                                          \
	X(LANG, "lang") /* shape of a language tag, may be empty */

enum value_type {
#define X(name, cddl) TYPE_##name,
	VALUE_TYPES(X)
#undef X
		TYPE_FIRST_WORDS,
	TYPE_BEFORE_WORDS = TYPE_FIRST_WORDS - 1,
#define WORDS(id, words) TYPE_##id,
#include "record/catalogue/words.def"
#undef WORDS
	TYPE_END
};

/* EL_BODY and so on: numbers on the link, and xml_node.id. */
enum catalogue_element {
	EL_GENERIC = 0,
#define ELEMENT(number, id, ...) EL_##id = number,
#include "record/catalogue/elements.def"
#undef ELEMENT
	CATALOGUE_ELEMENTS_END = 720, /* above every number */
	EL_ANY_M = 0xfff0,
	EL_ANY_P,
	EL_ANY_I,
	EL_ANY_X
};

/* AT_ID and so on: numbers on the link, and xml_attr.id. */
enum catalogue_attribute {
	AT_NONE = 0,
#define ATTRIBUTE(number, id, name) AT_##id = number,
#include "record/catalogue/attributes.def"
#undef ATTRIBUTE
	CATALOGUE_ATTRS_END = 160 /* above every number */
};

/* The kinds are 1 << enum record_kind. */
enum { IN_M = 1, IN_P = 2, IN_I = 4, IN_X = 8 };

enum { CATALOGUE_ATTRS_MAX = 16 }; /* of one row */

struct attr_rule {
	uint16_t number;
	uint8_t type; /* enum value_type */
	bool required;
};

struct kid_rule {
	uint16_t first, last;
};

struct catalogue_row {
	struct str ns; /* NS_SERVER for elements that have NS_CLIENT in forwarded stanzas */
	struct str name;
	struct str open; /* <name xmlns="ns" */
	struct str close; /* </name> */
	const struct attr_rule *attrs; /* by number, growing */
	const struct kid_rule *kids;
	uint8_t n_attrs;
	uint8_t n_kids;
	uint8_t content; /* enum value_type */
	uint8_t where;
	bool core; /* of the content namespace */
};

extern const struct catalogue_row catalogue_rows[CATALOGUE_ELEMENTS_END];

/* Above the number of every element that this version of the catalogue has. */
unsigned catalogue_end(uint32_t version);

/* The row, or NULL. */
static inline const struct catalogue_row *catalogue_row(uint64_t number)
{
	return number < CATALOGUE_ELEMENTS_END && catalogue_rows[number].name.len
		? &catalogue_rows[number]
		: NULL;
}

/* The number of (ns, name), with both content namespaces; 0 when there is none. Not fast. */
xml_name catalogue_find(struct str ns, struct str name);
xml_name catalogue_find_attr(struct str ns, struct str name);

/* name, or xml:lang; p == NULL when there is no such number. */
struct str catalogue_attr_name(uint64_t number);
/* The same, as it is written: ` name="`. The number is valid. */
struct str catalogue_attr_open(unsigned number);

/* The words of a type from TYPE_FIRST_WORDS on. */
const struct str *catalogue_words(enum value_type type, size_t *ret_n);

/* How doc/record.cddl calls the type. */
const char *catalogue_type_name(enum value_type type);

static inline bool catalogue_is_stanza(unsigned number)
{
	return number == EL_CLIENT_MESSAGE || number == EL_CLIENT_PRESENCE ||
		number == EL_CLIENT_IQ;
}

#endif
