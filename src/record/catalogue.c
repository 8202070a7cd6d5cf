/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of catalogue/ as C data: the same files are read once for each table. */
#include "record/catalogue.h"

#include "base/check.h"
#include "base/count.h"
#include "record/record.h"

/* Every array gets one empty member at its end, so that none is empty. */
#define NO_ATTRS
#define NO_KIDS
#define REQ(name, type) { AT_##name, TYPE_##type, true },
#define OPT(name, type) { AT_##name, TYPE_##type, false },
#define KID(id) { EL_##id, EL_##id },
#define KIDS(first, last) { EL_##first, EL_##last },

#define ELEMENT(number, id, ns, name, where, content, attrs, kids)                                 \
	static const struct attr_rule attrs_##id[] = { attrs{ 0 } };                               \
	static const struct kid_rule kids_##id[] = { kids{ 0 } };
#include "record/catalogue/elements.def"
#undef ELEMENT

const struct catalogue_row catalogue_rows[CATALOGUE_ELEMENTS_END] = {
#define ELEMENT(number, id, ns, name, where, content, attrs, kids)                                 \
	[number] = { STR(ns), STR(name), STR("<" name " xmlns=\"" ns "\""), STR("</" name ">"),    \
		attrs_##id, kids_##id, COUNT(attrs_##id) - 1, COUNT(kids_##id) - 1,                \
		TYPE_##content, where, __builtin_strcmp(ns, NS_SERVER) == 0 },
#include "record/catalogue/elements.def"
#undef ELEMENT
};

struct attr_name {
	struct str name;
	struct str open;
};

static const struct attr_name attr_names[CATALOGUE_ATTRS_END] = {
#define ATTRIBUTE(number, id, name) [number] = { STR(name), STR(" " name "=\"") },
#include "record/catalogue/attributes.def"
#undef ATTRIBUTE
};

#define W(word) STR(word),
#define WORDS(id, words) static const struct str words_##id[] = { words };
#include "record/catalogue/words.def"
#undef WORDS

static const struct {
	const struct str *words;
	size_t n;
	const char *name;
} word_lists[] = {
#define WORDS(id, words) { words_##id, COUNT(words_##id), #id },
#include "record/catalogue/words.def"
#undef WORDS
};

const struct str *catalogue_words(enum value_type type, size_t *ret_n)
{
	check(type >= TYPE_FIRST_WORDS && type < TYPE_END);
	*ret_n = word_lists[type - TYPE_FIRST_WORDS].n;
	return word_lists[type - TYPE_FIRST_WORDS].words;
}

const char *catalogue_type_name(enum value_type type)
{
	static const char *const names[] = {
#define X(name, cddl) cddl,
		VALUE_TYPES(X)
#undef X
	};
	return type < TYPE_FIRST_WORDS ? names[type] : word_lists[type - TYPE_FIRST_WORDS].name;
}

xml_name catalogue_find(struct str ns, struct str name)
{
	bool client = str_eq(ns, STRL(NS_CLIENT));

	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		const struct catalogue_row *row = &catalogue_rows[i];
		if (str_eq(row->name, name) && (str_eq(row->ns, ns) || (client && row->core)) &&
			name.len)
			return (xml_name)i;
	}
	return EL_GENERIC;
}

xml_name catalogue_find_attr(struct str ns, struct str name)
{
	if (str_eq(ns, STRL(NS_XML)))
		return str_eq(name, STRL("lang")) ? AT_LANG : AT_NONE;
	for (unsigned i = 1; i < CATALOGUE_ATTRS_END && ns.len == 0; i++) {
		if (str_eq(attr_names[i].name, name))
			return (xml_name)i;
	}
	return AT_NONE;
}

struct str catalogue_attr_name(uint64_t number)
{
	return number < CATALOGUE_ATTRS_END && attr_names[number].name.len
		? attr_names[number].name
		: (struct str){ NULL, 0 };
}

struct str catalogue_attr_open(unsigned number)
{
	check(number < CATALOGUE_ATTRS_END);
	return attr_names[number].open;
}

void record_fill_dict(struct xml_dict *dict)
{
	for (unsigned i = 1; i < CATALOGUE_ELEMENTS_END; i++) {
		const struct catalogue_row *row = catalogue_row(i);
		if (!row)
			continue;
		xml_dict_add_elem(dict, row->ns, row->name, (xml_name)i);
		if (row->core)
			xml_dict_add_elem(dict, STRL(NS_CLIENT), row->name, (xml_name)i);
	}
	for (unsigned i = 1; i < CATALOGUE_ATTRS_END; i++) {
		if (attr_names[i].name.len)
			xml_dict_add_attr(dict, attr_names[i].name, (xml_name)i);
	}
}

/* Which elements each version has: all below its end. The oldest first; older ones that are not here had no number. */
static const struct {
	uint32_t version;
	unsigned elements_end;
} versions[] = {
	{ 1, CATALOGUE_ELEMENTS_END },
};
_Static_assert(sizeof(versions) / sizeof(versions[0]) == RECORD_CATALOGUE_VERSION,
	"a row for each version");

unsigned catalogue_end(uint32_t version)
{
	unsigned end = versions[0].elements_end;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].version <= version)
			end = versions[i].elements_end;
	}
	return end;
}

uint32_t record_catalogue_version(void)
{
	return RECORD_CATALOGUE_VERSION;
}
