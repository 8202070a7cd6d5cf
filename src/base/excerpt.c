/* SPDX-License-Identifier: Apache-2.0 */
#include "base/excerpt.h"

void excerpt_begin(struct excerpt *e)
{
	e->total = 0;
	e->shown = e->n_plain = e->told = 0;
}

bool excerpt_has(const struct excerpt *e, struct str one, struct str other)
{
	for (unsigned i = 0; i < e->n_domains; i++) {
		if (str_eq(e->domains[i], one) || str_eq(e->domains[i], other))
			return true;
	}
	return e->n_domains == 0;
}

bool excerpt_now(struct excerpt *e, const void *entry, bool notable)
{
	e->total++;
	if (notable && e->shown < EXCERPT_MOST) {
		e->shown++;
		return true;
	}
	if (e->n_plain < EXCERPT_MOST)
		e->plain[e->n_plain++] = entry;
	return false;
}

void *excerpt_later(struct excerpt *e)
{
	if (e->told == e->n_plain || e->shown == EXCERPT_MOST)
		return NULL;
	e->shown++;
	return (void *)(uintptr_t)e->plain[e->told++];
}
