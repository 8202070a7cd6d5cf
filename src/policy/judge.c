/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/judge.h"

void judge_note(struct judge *j, enum config_rule_id rule, const struct xml_node *e)
{
	unsigned i = j->f->n++;

	if (i >= POLICY_FOUND_MAX)
		return;
	j->f->what[i].rule = rule;
	j->f->what[i].ns = e->ns;
	j->f->what[i].name = e->name;
}

void judge_refuse(struct judge *j, enum config_rule_id rule, enum record_condition condition,
	const char *text)
{
	if (j->refused)
		return;
	j->refused = true;
	j->f->rule = rule;
	j->f->condition = condition;
	j->f->text = text;
}

const struct xml_attr *judge_attr(const struct xml_node *e, unsigned number)
{
	for (const struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->id == number)
			return a;
	}
	return NULL;
}

struct xml_node *judge_child(const struct xml_node *e, unsigned number)
{
	for (struct xml_node *k = e->children; k; k = k->next) {
		if (k->kind == XML_ELEM && k->id == number)
			return k;
	}
	return NULL;
}

bool judge_address(const struct xml_node *e, unsigned number, struct jid *ret_jid)
{
	const struct xml_attr *a = judge_attr(e, number);

	return a && jid_parse_prepared(a->value, ret_jid) == JID_OK;
}

void judge_remove_attr(struct xml_node *e, unsigned number)
{
	struct xml_attr **a = &e->attrs;

	while (*a && (*a)->id != number)
		a = &(*a)->next;
	if (*a)
		*a = (*a)->next;
}
