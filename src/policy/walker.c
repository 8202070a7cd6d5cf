/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "policy/judge.h"

void walker_init(struct walker *w, struct xml_node *top)
{
	w->n = 1;
	w->stack[0] = w->top = top;
	w->last = NULL;
}

static void push(struct walker *w, struct xml_node *n)
{
	if (!n)
		return;
	check(w->n < sizeof(w->stack) / sizeof(w->stack[0]));
	w->stack[w->n++] = n;
}

struct xml_node *walker_next(struct walker *w)
{
	if (w->last && w->last != w->top)
		push(w, w->last->next);
	if (w->last && w->last->kind == XML_ELEM)
		push(w, w->last->children);
	w->last = w->n ? w->stack[--w->n] : NULL;
	return w->last;
}
