/* SPDX-License-Identifier: Apache-2.0 */
/* The rule about how much may be asked for at once: what is over the limit is capped, the question goes on. */
#include <stdio.h>

#include "policy/judge.h"

/* The canonical text of the limit, in the arena; p is NULL when that is full. */
static struct str limit_text(const struct judge *j)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)j->c->limits.page_items);

	return arena_str(j->a, str_from(text, (size_t)n));
}

static bool is_over(const struct judge *j, struct str number)
{
	uint64_t n;

	return !str_to_u64(number, &n) || n > j->c->limits.page_items;
}

static void cap(struct judge *j, const struct xml_node *e, struct str *value)
{
	struct str text = is_over(j, *value) ? limit_text(j) : (struct str){ NULL, 0 };

	if (!text.p)
		return;
	*value = text;
	judge_note(j, CONFIG_RULE_PAGE, e);
}

static void cap_attr(struct judge *j, struct xml_node *e, unsigned number)
{
	for (struct xml_attr *a = e->attrs; a; a = a->next) {
		if (a->id == number)
			cap(j, e, &a->value);
	}
}

/* A history with no number of stanzas gets one: other measures say little about the size. */
static void cap_history(struct judge *j, struct xml_node *history)
{
	if (judge_attr(history, AT_MAXSTANZAS)) {
		cap_attr(j, history, AT_MAXSTANZAS);
		return;
	}
	struct xml_attr *a = arena_zalloc(j->a, sizeof(*a));
	struct str text = limit_text(j);
	if (!a || !text.p)
		return;
	a->name = catalogue_attr_name(AT_MAXSTANZAS);
	a->value = text;
	a->id = AT_MAXSTANZAS;
	struct xml_attr **tail = &history->attrs;
	while (*tail)
		tail = &(*tail)->next;
	*tail = a; /* the last of its row: attributes are in order of their numbers */
}

bool judge_join(struct judge *j, struct xml_node *e)
{
	struct xml_node *history = judge_child(e, EL_MUC_HISTORY);

	if (j->inbound && history && judge_on(j, CONFIG_RULE_PAGE))
		cap_history(j, history);
	return false;
}

bool judge_page(struct judge *j, struct xml_node *e)
{
	if (e->id == EL_DISCO_INFO_QUERY)
		judge_disco(j, e);
	if (!j->inbound || !judge_is_request(j) || !judge_on(j, CONFIG_RULE_PAGE))
		return false;
	for (struct xml_node *k = e->children; k; k = k->next) {
		struct xml_node *max = k->kind == XML_ELEM && k->id == EL_RSM_SET
			? judge_child(k, EL_RSM_MAX)
			: NULL;
		if (max && max->children)
			cap(j, max, &max->children->text);
		if (k->kind == XML_ELEM && k->id == EL_PUBSUB_ITEMS)
			cap_attr(j, k, AT_MAX_ITEMS);
	}
	return false;
}
