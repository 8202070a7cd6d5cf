/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pace.h"

#include <stdlib.h>

#include "base/check.h"

/* As long as somebody is there. */
struct pace_address {
	struct net_addr addr;
	unsigned inside;
	struct list waiting;
};

static struct str key_of(const struct net_addr *a)
{
	return str_from((const char *)&a->sa, a->len);
}

void pace_init(struct pace *p)
{
	table_init(&p->addresses);
}

void pace_done(struct pace *p)
{
	check(p->addresses.count == 0);
	table_done(&p->addresses);
}

static struct pace_address *address(struct pace *p, const struct net_addr *to)
{
	struct pace_address *a = table_find(&p->addresses, key_of(to));

	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	check(a);
	a->addr = *to;
	list_init(&a->waiting);
	table_set(&p->addresses, key_of(&a->addr), a);
	return a;
}

bool pace_enter(struct pace *p, struct pace_turn *t, const struct net_addr *to)
{
	check(!t->at);
	t->at = address(p, to);
	t->waits = t->at->inside == PACE_AT_ONCE;
	if (t->waits)
		list_append(&t->at->waiting, &t->link);
	else
		t->at->inside++;
	return !t->waits;
}

void pace_pass(struct pace_turn *t, struct pace_turn *ret)
{
	check(t->at && !t->waits && !ret->at);
	ret->at = t->at;
	t->at = NULL;
}

static void let_in(struct pace_address *a)
{
	struct list *first = list_first(&a->waiting);

	if (!first)
		return;
	struct pace_turn *next = LIST_OWNER(first, struct pace_turn, link);
	list_remove(first);
	next->waits = false;
	a->inside++;
	next->go(next);
}

void pace_leave(struct pace *p, struct pace_turn *t)
{
	struct pace_address *a = t->at;

	if (!a)
		return;
	t->at = NULL;
	if (t->waits) {
		list_remove(&t->link);
		t->waits = false;
		return;
	}
	a->inside--;
	let_in(a);
	if (a->inside == 0) {
		table_remove(&p->addresses, key_of(&a->addr));
		free(a);
	}
}
