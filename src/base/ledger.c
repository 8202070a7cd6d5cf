/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ledger.h"

#include <stdlib.h>

#include "base/check.h"

void ledger_init(struct ledger *l, size_t max, uint64_t forget_ms)
{
	*l = (struct ledger){ .max = max, .forget_ms = forget_ms };
	table_init(&l->accounts);
	list_init(&l->idle);
}

static void account_free(struct ledger *l, struct account *a)
{
	list_remove(&a->idle);
	table_remove(&l->accounts, a->key);
	free(a);
}

void ledger_done(struct ledger *l)
{
	size_t n;
	struct account **all = (struct account **)table_collect(&l->accounts, &n);

	for (size_t i = 0; i < n; i++)
		account_free(l, all[i]);
	free(all);
	table_done(&l->accounts);
}

static void forget_old(struct ledger *l, uint64_t now)
{
	struct list *first;

	while ((first = list_first(&l->idle))) {
		struct account *a = LIST_OWNER(first, struct account, idle);
		if (now < a->used_at || now - a->used_at < l->forget_ms)
			return;
		account_free(l, a);
	}
}

static struct account *account_new(struct ledger *l, struct str key)
{
	struct account *a = calloc(1, sizeof(*a) + key.len);

	check(a);
	char *copy = (char *)(a + 1);
	if (key.len)
		memcpy(copy, key.p, key.len);
	a->key = str_from(copy, key.len);
	list_init(&a->idle);
	table_set(&l->accounts, a->key, a);
	return a;
}

struct account *ledger_find(const struct ledger *l, struct str key)
{
	return table_find(&l->accounts, key);
}

struct account *ledger_get(struct ledger *l, struct str key, uint64_t now)
{
	struct account *a = ledger_find(l, key);

	if (!a) {
		forget_old(l, now);
		if (l->accounts.count >= l->max) {
			l->full++;
			return NULL;
		}
		a = account_new(l, key);
	}
	a->used_at = now;
	if (a->held == 0) {
		list_remove(&a->idle);
		list_append(&l->idle, &a->idle);
	}
	return a;
}

void ledger_hold(struct ledger *l, struct account *a)
{
	if (a->held++ == 0)
		list_remove(&a->idle);
}

void ledger_release(struct ledger *l, struct account *a, uint64_t now)
{
	check(a->held > 0);
	a->used_at = now;
	if (--a->held == 0)
		list_append(&l->idle, &a->idle);
}

size_t ledger_count(const struct ledger *l)
{
	return l->accounts.count;
}
