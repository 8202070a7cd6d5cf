/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out and tells which software stands behind the gateway: versions, names, capabilities, texts of errors. */
#include "policy/judge.h"

#define SOFTWARE_FORM "urn:xmpp:dataforms:softwareinfo" /* XEP-0232 */

static bool goes_out(const struct judge *j, enum config_rule_id rule)
{
	return !j->inbound && judge_on(j, rule);
}

/* Takes the text out of an element that has some. */
static void empty(struct judge *j, enum config_rule_id rule, struct xml_node *e)
{
	if (!e->children)
		return;
	judge_note(j, rule, e);
	e->children = NULL;
}

bool judge_version(struct judge *j, struct xml_node *e)
{
	bool software = goes_out(j, CONFIG_RULE_SOFTWARE);
	bool identity = goes_out(j, CONFIG_RULE_IDENTITY);

	if (j->r->type != RECORD_RESULT || !(software || identity))
		return false;
	for (struct xml_node **k = &e->children; *k;) {
		unsigned id = (*k)->kind == XML_ELEM ? (*k)->id : 0;
		if (software && id == EL_VERSION_OS) {
			judge_note(j, CONFIG_RULE_SOFTWARE, *k);
			*k = (*k)->next;
			continue;
		}
		if (software && id == EL_VERSION_VERSION)
			empty(j, CONFIG_RULE_SOFTWARE, *k);
		if (identity && id == EL_VERSION_NAME)
			empty(j, CONFIG_RULE_IDENTITY, *k);
		k = &(*k)->next;
	}
	return false;
}

bool judge_capabilities(struct judge *j, struct xml_node *e)
{
	if (!goes_out(j, CONFIG_RULE_CAPABILITIES))
		return false;
	judge_note(j, CONFIG_RULE_CAPABILITIES, e);
	return true;
}

/* Names of rooms, accounts and items are content; those of servers, services and clients are their makers'. */
static bool is_software(const struct judge *j, const struct xml_node *identity)
{
	const struct xml_attr *category = judge_attr(identity, AT_CATEGORY);

	return !j->r->from.local.len || !category || str_is(category->value, "server") ||
		str_is(category->value, "client");
}

static bool is_software_form(const struct xml_node *form)
{
	for (const struct xml_node *f = form->children; f; f = f->next) {
		const struct xml_attr *var = f->kind == XML_ELEM && f->id == EL_XDATA_FIELD
			? judge_attr(f, AT_VAR)
			: NULL;
		if (!var || !str_is(var->value, "FORM_TYPE"))
			continue;
		for (const struct xml_node *v = f->children; v; v = v->next) {
			if (v->kind == XML_ELEM && str_is(xml_text(v), SOFTWARE_FORM))
				return true;
		}
	}
	return false;
}

void judge_disco(struct judge *j, struct xml_node *e)
{
	if (j->r->type != RECORD_RESULT || !goes_out(j, CONFIG_RULE_IDENTITY))
		return;
	for (struct xml_node **k = &e->children; *k;) {
		unsigned id = (*k)->kind == XML_ELEM ? (*k)->id : 0;
		if (id == EL_XDATA_X && is_software_form(*k)) {
			judge_note(j, CONFIG_RULE_IDENTITY, *k);
			*k = (*k)->next;
			continue;
		}
		if (id == EL_DISCO_INFO_IDENTITY && is_software(j, *k) && judge_attr(*k, AT_NAME)) {
			judge_note(j, CONFIG_RULE_IDENTITY, *k);
			judge_remove_attr(*k, AT_NAME);
		}
		k = &(*k)->next;
	}
}

/* The condition tells what happened; each server has words of its own for it. */
bool judge_error(struct judge *j, struct xml_node *e)
{
	if (!goes_out(j, CONFIG_RULE_IDENTITY))
		return false;
	for (struct xml_node **k = &e->children; *k;) {
		if ((*k)->kind == XML_ELEM && (*k)->id == EL_STANZAS_TEXT) {
			judge_note(j, CONFIG_RULE_IDENTITY, *k);
			*k = (*k)->next;
			continue;
		}
		k = &(*k)->next;
	}
	return false;
}
