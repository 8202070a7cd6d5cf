/* SPDX-License-Identifier: Apache-2.0 */
/* The rules about what a client would show or follow: scripts, links, candidates. */
#include "policy/judge.h"
#include "policy/uri.h"

enum { STYLE_MAX = 1024 };

/* Can a style do more than style: load, run, hide in escapes? */
static bool style_is_hostile(struct str style)
{
	static const char *const words[] = { "url(", "expression(", "@",
		"behavior:", "binding:", "script:", "\\", "/*", "<" };

	if (style.len > STYLE_MAX)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);
		for (size_t at = 0; at + n <= style.len; at++) {
			size_t k = 0;
			while (k < n &&
				(style.p[at + k] | (words[i][k] >= 'a' ? 0x20 : 0)) == words[i][k])
				k++;
			if (k == n)
				return true;
		}
	}
	return false;
}

static bool is_hostile(const struct xml_node *e)
{
	const struct xml_attr *style = judge_attr(e, AT_STYLE);

	/* Elements that the catalogue does not know, or that do not fit it: script, handlers, forms. */
	if (e->id == EL_GENERIC || (style && style_is_hostile(style->value)))
		return true;
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if ((a->id == AT_HREF || a->id == AT_SRC || a->id == AT_CITE) &&
			!policy_uri_harmless(a->value))
			return true;
		if (a->id == AT_SRC && policy_uri_internal(a->value))
			return true; /* loaded without a click */
	}
	return false;
}

/* The formatted text goes as a whole: the same words stand in the body (XEP-0071 section 8). */
bool judge_formatted_text(struct judge *j, struct xml_node *e)
{
	struct walker w;

	if (!j->inbound || !judge_on(j, CONFIG_RULE_SCRIPTS))
		return false;
	walker_init(&w, e);
	for (struct xml_node *n = walker_next(&w); n; n = walker_next(&w)) {
		if (n->kind == XML_ELEM && is_hostile(n)) {
			judge_note(j, CONFIG_RULE_SCRIPTS, e);
			return true;
		}
	}
	return false;
}

static bool link_is_bad(struct str uri)
{
	return policy_uri_active(uri) || policy_uri_internal(uri);
}

static bool has_bad_link(const struct xml_node *e)
{
	const struct catalogue_row *row = catalogue_row(e->id);

	if (!row)
		return false;
	if (row->content == TYPE_URI && link_is_bad(xml_text(e)))
		return true;
	for (unsigned i = 0; i < row->n_attrs; i++) {
		const struct xml_attr *a =
			row->attrs[i].type == TYPE_URI ? judge_attr(e, row->attrs[i].number) : NULL;
		if (a && link_is_bad(a->value))
			return true;
	}
	return false;
}

/* A request without its payload is none. */
static bool link_found(struct judge *j, const struct xml_node *e)
{
	if (j->r->kind == RECORD_IQ && j->r->type != RECORD_ERROR) {
		judge_refuse(
			j, CONFIG_RULE_LINKS, COND_NOT_ACCEPTABLE, "a link that is not accepted");
		return false;
	}
	judge_note(j, CONFIG_RULE_LINKS, e);
	return true;
}

bool judge_links(struct judge *j, struct xml_node *e)
{
	struct walker w;

	if (!j->inbound || !judge_on(j, CONFIG_RULE_LINKS))
		return false;
	walker_init(&w, e);
	for (struct xml_node *n = walker_next(&w); n; n = walker_next(&w)) {
		if (n->kind == XML_ELEM && has_bad_link(n))
			return link_found(j, e);
	}
	return false;
}

/* --- candidates --- */

static bool is_internal_candidate(const struct xml_node *e)
{
	unsigned number;

	switch (e->kind == XML_ELEM ? e->id : EL_GENERIC) {
	case EL_ICE_CANDIDATE:
	case EL_ICE_REMOTE_CANDIDATE:
	case EL_RAW_UDP_CANDIDATE:
		number = AT_IP;
		break;
	case EL_JINGLE_S5B_CANDIDATE:
	case EL_BYTESTREAMS_STREAMHOST:
		number = AT_HOST;
		break;
	default:
		return false;
	}
	const struct xml_attr *a = judge_attr(e, number);
	return a && policy_host_internal(a->value);
}

/* Where a reflexive candidate came from (XEP-0176 section 5.4): the address before the translation. */
static bool strip_base(struct xml_node *e)
{
	const struct xml_attr *base = judge_attr(e, AT_REL_ADDR);

	if (e->id != EL_ICE_CANDIDATE || !base || !policy_host_internal(base->value))
		return false;
	for (struct xml_attr **a = &e->attrs; *a;) {
		if ((*a)->id == AT_REL_ADDR || (*a)->id == AT_REL_PORT)
			*a = (*a)->next;
		else
			a = &(*a)->next;
	}
	return true;
}

bool judge_candidates(struct judge *j, struct xml_node *e)
{
	struct walker w;

	if (!judge_on(j, CONFIG_RULE_CANDIDATES))
		return false;
	walker_init(&w, e);
	for (struct xml_node *n = walker_next(&w); n; n = walker_next(&w)) {
		for (struct xml_node **kid = &n->children; n->kind == XML_ELEM && *kid;) {
			if (!is_internal_candidate(*kid)) {
				kid = &(*kid)->next;
				continue;
			}
			judge_note(j, CONFIG_RULE_CANDIDATES, *kid);
			*kid = (*kid)->next;
		}
		if (n->kind == XML_ELEM && strip_base(n))
			judge_note(j, CONFIG_RULE_CANDIDATES, n);
	}
	return false;
}
