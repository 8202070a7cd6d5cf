/* SPDX-License-Identifier: Apache-2.0 */
/* What names a pair has proved nothing yet: so many openings a second, whoever asks. */
#include "node/expect.h"

enum {
	BURST = 100, /* early openings at once */
	PER_S = 5, /* and per second */
};

void expect_named(void *user, struct str us, struct str them)
{
	struct node *n = user;
	uint64_t earned = (n->now - n->expect_at) * PER_S / 1000;

	if (earned) {
		n->expect_at = n->now;
		n->expect_tokens += earned;
		if (n->expect_tokens > BURST)
			n->expect_tokens = BURST;
	}
	if (n->expect_tokens == 0 || n->draining)
		return;
	n->expect_tokens--;
	if (n->role->expect)
		n->role->expect(n, us, them);
	link_expect(n->link, node_pair(n, us, them), n->now);
}

void expect_pair(struct node *n, struct link_pair pair)
{
	struct str us = node_us(n, pair), them = node_them(n, pair);

	if (!n->draining && n->role->rule(n, us, them).allowed)
		s2s_open(n->face, us, them, n->now);
}
