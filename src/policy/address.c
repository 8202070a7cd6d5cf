/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/address.h"

bool policy_address_matches(const struct config_address *a, const struct jid *jid)
{
	if (!a->local.len && !a->resource.len)
		return config_match(a->domain, jid->domain);
	return str_eq(a->domain, jid->domain) && str_eq(a->local, jid->local) &&
		(!a->resource.len || str_eq(a->resource, jid->resource));
}

static bool any_matches(const struct config_address *list, size_t n, const struct jid *jid)
{
	for (size_t i = 0; i < n; i++) {
		if (policy_address_matches(&list[i], jid))
			return true;
	}
	return n == 0;
}

const struct config_stanzas *policy_refusal(
	const struct config *c, const struct jid *from, const struct jid *to)
{
	for (size_t i = 0; i < c->n_stanzas; i++) {
		const struct config_stanzas *s = &c->stanzas[i];
		if (any_matches(s->from, s->n_from, from) && any_matches(s->to, s->n_to, to))
			return s->refuse ? s : NULL;
	}
	return NULL;
}
