/* SPDX-License-Identifier: Apache-2.0 */
/* Stanza errors (RFC 6120 section 8.3) that the gateway makes itself. */
#include "base/check.h"
#include "record/catalogue.h"
#include "record/record.h"

static const struct {
	struct str name;
	struct str type;
} conditions[] = {
#define X(id, element, type) { STR(element), STR(type) },
	RECORD_CONDITIONS(X)
#undef X
};

enum { CONDITIONS = sizeof(conditions) / sizeof(*conditions) };

const char *record_condition_name(enum record_condition c)
{
	return conditions[c].name.p;
}

bool record_condition_valid(uint64_t number)
{
	return number > COND_NONE && number < CONDITIONS;
}

/* Errors and results are never answered; these kinds of presence would only make noise. */
static bool may_answer(const struct record *r)
{
	switch (r->type) {
	case RECORD_ERROR:
	case RECORD_RESULT:
	case RECORD_UNAVAILABLE:
	case RECORD_UNSUBSCRIBE:
	case RECORD_UNSUBSCRIBED:
		return false;
	default:
		return true;
	}
}

static struct xml_node *typed(struct arena *a, xml_name number)
{
	const struct catalogue_row *row = &catalogue_rows[number];
	struct xml_node *e = xml_node_elem(a, row->ns, row->name);

	if (e)
		e->id = number;
	return e;
}

/* Attributes are set in order of their numbers. */
static bool set(struct arena *a, struct xml_node *e, xml_name number, struct str value)
{
	struct xml_attr *attr = arena_zalloc(a, sizeof(*attr));
	struct xml_attr **tail = &e->attrs;

	if (!attr)
		return false;
	while (*tail)
		tail = &(*tail)->next;
	*tail = attr;
	attr->ns = number == AT_LANG ? STRL(NS_XML) : STRL("");
	attr->name = number == AT_LANG ? STRL("lang") : catalogue_attr_name(number);
	attr->value = value;
	attr->id = number;
	return true;
}

static bool add_text(struct arena *a, struct xml_node *error, const char *text)
{
	struct xml_node *e = typed(a, EL_STANZAS_TEXT);
	struct xml_node *t = xml_node_text(a, str_of(text));

	if (!e || !t || !set(a, e, AT_LANG, STRL("en")))
		return false;
	xml_node_add(e, t);
	xml_node_add(error, e);
	return true;
}

_Static_assert(AT_TYPE < (int)AT_BY, "the order in which make_payload() sets attributes");

static struct xml_node *make_payload(
	struct arena *a, enum record_condition c, const char *text, struct str by)
{
	struct xml_node *error = typed(a, EL_ERROR);
	xml_name number = catalogue_find(STRL(NS_STANZA_ERRORS), conditions[c].name);
	struct xml_node *condition = typed(a, number);

	if (!error || !condition || !set(a, error, AT_TYPE, conditions[c].type))
		return NULL;
	if (by.len && c != COND_PEER_LIMIT && !set(a, error, AT_BY, by))
		return NULL;
	xml_node_add(error, condition);
	if (text && text[0] && !add_text(a, error, text))
		return NULL;
	return error;
}

bool record_make_error(const struct record *r, enum record_condition c, const char *text,
	struct str by, struct arena *a, struct record *ret_error)
{
	check(record_condition_valid(c));
	if (!may_answer(r))
		return false;
	struct xml_node *payload = make_payload(a, c, text, by);
	if (!payload)
		return false;
	*ret_error = (struct record){
		.kind = r->kind,
		.type = RECORD_ERROR,
		.from = r->to,
		.to = r->from,
		.id = r->id,
		.lang = STRL(""),
		.payload = payload,
	};
	return true;
}
