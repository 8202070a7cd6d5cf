/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pressure.h"

#include "base/log.h"
#include "base/memory.h"
#include "node/gate.h"

enum { RELIEVE_MS = 100, SPARE_PART = 8 };

static void change(struct node *n, size_t held)
{
	n->memory_short = !n->memory_short;
	gate_set_short(n->gate, n->memory_short);
	s2s_set_short(n->face, n->memory_short);
	if (n->memory_short)
		LOG(LOG_WARNING, "memory-short", LF_U64("held", held),
			LF_U64("limit", n->config->limits.memory));
	else
		LOG(LOG_INFO, "memory-enough", LF_U64("held", held));
}

/* Before anybody is refused, whoever sends more than is taken from him reads slower. */
static void slow_down(struct node *n, size_t held, size_t much)
{
	bool tight = held > (n->tight ? much - much / SPARE_PART : much);

	if (tight != n->tight)
		link_set_tight(n->link, tight);
	n->tight = tight;
}

void pressure_turn(struct node *n)
{
	size_t held = memory_held(), limit = n->config->limits.memory;
	size_t enough = limit - limit / SPARE_PART;

	slow_down(n, held, limit / 2);
	if (n->memory_short ? held <= enough : held > limit)
		change(n, held);
	if (!n->memory_short || n->now < n->relieve_at)
		return;
	n->relieve_at = n->now + RELIEVE_MS;
	size_t freed = net_loop_relieve(n->loop);
	if (freed < held - enough)
		s2s_relieve(n->face, held - enough - freed, n->now);
}

uint64_t pressure_due(const struct node *n)
{
	return n->memory_short ? n->relieve_at : UINT64_MAX;
}
