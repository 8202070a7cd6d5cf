/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stanza to a record. Rules beside those of the catalogue: RFC 6120 section 8.2.3
 * for iq, RFC 6121 sections 4.7.1 and 5.2.2 for the types of presence and message.
 */
#include "base/check.h"
#include "record/fit.h"
#include "record/value.h"
#include "xml/names.h"

static const struct {
	struct str word;
	const char *kinds;
} types[] = {
#define X(id, word, kinds) { STR(word), kinds },
	RECORD_TYPES(X)
#undef X
};

static const struct str kinds[] = { STR("message"), STR("presence"), STR("iq") };

const char *record_type_word(enum record_type t)
{
	return types[t].word.p;
}

const char *record_kind_word(enum record_kind k)
{
	return kinds[k].p;
}

/* The type that this word means for this kind, or -1. */
static int find_type(enum record_kind kind, struct str word)
{
	char letter = "mpi"[kind];

	for (int i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++) {
		if (strchr(types[i].kinds, letter) && str_eq(types[i].word, word))
			return i;
	}
	return -1;
}

struct head {
	enum record_kind kind;
	enum record_type type;
	struct str type_word; /* p == NULL: no attribute */
	struct str id;
	struct str lang;
};

/* Others than these have no place in a record. */
static void read_attrs(const struct xml_node *stanza, struct head *h, struct record_report *report)
{
	h->type_word = h->id = h->lang = (struct str){ NULL, 0 };
	for (const struct xml_attr *a = stanza->attrs; a; a = a->next) {
		switch (a->id) {
		case AT_TYPE:
			h->type_word = a->value;
			break;
		case AT_ID:
			h->id = a->value;
			break;
		case AT_LANG:
			h->lang = a->value;
			break;
		case AT_FROM:
		case AT_TO:
			break;
		default:
			fit_note(report, a->ns.len ? a->ns : stanza->ns, stanza->name, a->name);
			break;
		}
	}
}

static const char *read_type(struct head *h)
{
	bool empty = h->type_word.p && h->type_word.len == 0;
	int type = empty ? -1 : find_type(h->kind, h->type_word);

	if (type < 0 && h->kind == RECORD_MESSAGE)
		type = RECORD_NORMAL;
	if (type < 0)
		return h->kind == RECORD_IQ ? "iq without a valid type" : "unknown presence type";
	h->type = (enum record_type)type;
	return NULL;
}

static bool read_kind(const struct xml_node *stanza, enum record_kind *ret)
{
	if (!str_eq(stanza->ns, STRL(NS_SERVER)))
		return false;
	for (int i = RECORD_MESSAGE; i <= RECORD_IQ; i++) {
		if (str_eq(stanza->name, kinds[i])) {
			*ret = (enum record_kind)i;
			return true;
		}
	}
	return false;
}

static unsigned count_elements(const struct xml_node *n)
{
	unsigned count = 0;

	for (; n; n = n->next)
		count += n->kind == XML_ELEM;
	return count;
}

/* What an iq lacks before its payload is looked at; NULL: nothing. */
static const char *iq_fault(const struct head *h, const struct xml_node *stanza)
{
	if (h->id.len == 0)
		return "iq without id";
	if ((h->type == RECORD_GET || h->type == RECORD_SET) &&
		count_elements(stanza->children) != 1)
		return "iq request without exactly one payload";
	return NULL;
}

static enum record_condition refuse(
	struct record_report *report, enum record_condition c, const char *reason)
{
	report->reason = reason;
	return c;
}

/*
 * A result that lost its payload: nobody answers results, so the asker would wait; it gets an error
 * in its place.
 */
static enum record_condition result_to_error(
	struct record *r, struct arena *a, struct record_report *report)
{
	struct record request = *r, error;

	request.type = RECORD_GET;
	request.from = r->to;
	request.to = r->from;
	if (!record_make_error(&request, COND_NOT_ACCEPTABLE, NULL, STRL(""), a, &error))
		return refuse(report, COND_RESOURCE_CONSTRAINT, "stanza too big in memory");
	error.lang = r->lang;
	*r = error;
	return COND_NONE;
}

static enum record_condition check_iq(
	struct record *r, unsigned payloads, struct arena *a, struct record_report *report)
{
	unsigned left = count_elements(r->payload);

	switch (r->type) {
	case RECORD_GET:
	case RECORD_SET:
		if (left != 1)
			return refuse(report, COND_NOT_ACCEPTABLE, "iq payload not allowed");
		return COND_NONE;
	case RECORD_RESULT:
		if (left < payloads || left > 1)
			return result_to_error(r, a, report);
		return COND_NONE;
	default:
		return COND_NONE;
	}
}

enum record_condition record_from_stanza(struct xml_node *stanza, const struct jid *from,
	const struct jid *to, struct str lang, enum record_profile profile, struct arena *a,
	struct record *ret_record, struct record_report *report)
{
	return record_for_catalogue(
		stanza, from, to, lang, profile, RECORD_CATALOGUE_VERSION, a, ret_record, report);
}

enum record_condition record_for_catalogue(struct xml_node *stanza, const struct jid *from,
	const struct jid *to, struct str lang, enum record_profile profile, uint32_t catalogue,
	struct arena *a, struct record *ret_record, struct record_report *report)
{
	struct head h;
	struct record r;
	const char *fault;

	report->stripped = 0;
	report->reason = NULL;
	if (!read_kind(stanza, &h.kind))
		return refuse(report, COND_BAD_REQUEST, "not a stanza");
	read_attrs(stanza, &h, report);
	fault = read_type(&h);
	if (!fault && h.kind == RECORD_IQ)
		fault = iq_fault(&h, stanza);
	if (fault)
		return refuse(report, COND_BAD_REQUEST, fault);
	if (h.lang.p)
		lang = h.lang;
	if (!value_fit(TYPE_LANG, lang, a, &lang))
		lang = STRL("");
	unsigned payloads = h.kind == RECORD_IQ ? count_elements(stanza->children) : 0;
	fault = fit_payload(
		&stanza->children, h.kind, profile, catalogue_end(catalogue), a, report);
	if (fault)
		return refuse(report, COND_NOT_ACCEPTABLE, fault);
	r = (struct record){ h.kind, h.type, *from, *to, h.id, lang, stanza->children };
	if (h.kind == RECORD_IQ) {
		enum record_condition c = check_iq(&r, payloads, a, report);
		if (c != COND_NONE)
			return c;
	}
	*ret_record = r;
	return COND_NONE;
}

enum record_condition record_restrict(struct record *r, enum record_profile profile,
	struct arena *a, struct record_report *report)
{
	unsigned payloads = count_elements(r->payload);

	report->stripped = 0;
	report->reason = NULL;
	const char *fault =
		fit_payload(&r->payload, r->kind, profile, CATALOGUE_ELEMENTS_END, a, report);
	if (fault)
		return refuse(report, COND_NOT_ACCEPTABLE, fault);
	return r->kind == RECORD_IQ ? check_iq(r, payloads, a, report) : COND_NONE;
}

bool record_stanza_error(const struct xml_node *stanza, const struct jid *from,
	const struct jid *to, enum record_condition c, const char *text, struct str by,
	struct arena *a, struct record *ret_error)
{
	struct record r = { .from = *from, .to = *to, .lang = STR("") };

	if (!read_kind(stanza, &r.kind))
		return false;
	struct str word = xml_attr_get(stanza, "type");
	int type = find_type(r.kind, word);
	r.id = xml_attr_get(stanza, "id");
	/* A type that is not understood is no error and no result. */
	r.type = type >= 0 ? (enum record_type)type : RECORD_NONE;
	return record_make_error(&r, c, text, by, a, ret_error);
}
