/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of one role know nothing of each other. Whether another one could serve in their place they learn from
 * the far nodes, in `about`, and remember when these are silent:
 *
 *	outer-a   no inner is heard any more; the last one said: I have one more outer
 *	outer-b   serves
 */
#include "base/least.h"
#include "link/engine.h"

/* Both lists are sorted. */
static bool serves_all_of(const struct link_peer *q, const struct link_peer *p)
{
	size_t at = 0;

	for (size_t i = 0; i < p->n_domains; i++) {
		while (at < q->n_domains && str_cmp(q->domains[at], p->domains[i]) < 0)
			at++;
		if (at == q->n_domains || !str_eq(q->domains[at], p->domains[i]))
			return false;
	}
	return true;
}

uint64_t others_than(const struct link_peer *p)
{
	uint64_t n = 0;

	LIST_EACH (&p->l->peers, it) {
		const struct link_peer *q = LIST_OWNER(it, struct link_peer, link);
		n += q != p && q->state == PEER_UP && !q->draining && !q->aside &&
			serves_all_of(q, p);
	}
	return n;
}

void others_changed(struct link *l)
{
	LIST_EACH (&l->peers, it)
		LIST_OWNER(it, struct link_peer, link)->beats = 1;
}

uint64_t link_isolated_at(const struct link *l)
{
	uint64_t since = 0;

	if (!l->lost || !l->lost->silent || l->lost->others == 0)
		return UINT64_MAX;
	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state == PEER_UP)
			return UINT64_MAX;
		since = since > p->silent_since ? since : p->silent_since;
	}
	return since + l->set.dead_ms;
}

bool link_replaceable(const struct link *l)
{
	bool any = false;

	LIST_EACH (&l->peers, it) {
		const struct link_peer *p = LIST_OWNER(it, struct link_peer, link);
		if (p->state != PEER_UP)
			continue;
		if (p->others == 0)
			return false;
		any = true;
	}
	return any;
}
