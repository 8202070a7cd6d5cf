/* SPDX-License-Identifier: Apache-2.0 */
#include "node/isolation.h"

#include "base/log.h"
#include "node/listen.h"

enum { LISTEN_AGAIN_MS = 1000 };

static uint64_t begins_at(const struct node *n)
{
	uint64_t at = link_isolated_at(n->link), more = n->config->limits.isolation_ms;

	return at > UINT64_MAX - more ? UINT64_MAX : at + more;
}

static bool is_left(void *user, uint64_t receipt)
{
	const struct node *n = user;

	return s2s_is_left(n->face, receipt);
}

static size_t send_away(struct node *n)
{
	size_t ended = s2s_send_away(n->face, n->now);

	link_drop(n->link, is_left, n->now);
	return ended;
}

static void begin(struct node *n)
{
	n->isolated = true;
	n->isolated_since = n->now;
	n->listen_at = 0;
	listen_stop(n);
	size_t ended = send_away(n);
	LOG(LOG_WARNING, "isolated", LF_U64("streams_ended", ended),
		LF_CSTR("reason", "no far node is heard, and another node can serve"),
		LF_CSTR("cure",
			"find out what cuts this host off from the far nodes; it listens again by "
			"itself"));
}

static void end(struct node *n)
{
	char err[256];

	n->isolated = false;
	if (!listen_apply(n, err, sizeof(err))) {
		LOG(LOG_ERROR, "listen-failed", LF_CSTR("reason", err));
		listen_stop(n);
		n->isolated = true;
		n->listen_at = n->now + LISTEN_AGAIN_MS;
		return;
	}
	LOG(LOG_INFO, "isolation-over", LF_U64("ms", n->now - n->isolated_since));
}

void isolation_turn(struct node *n)
{
	if (n->draining)
		return;
	if (!n->isolated && begins_at(n) <= n->now)
		begin(n);
	else if (n->isolated && link_isolated_at(n->link) == UINT64_MAX && n->listen_at <= n->now)
		end(n);
}

void isolation_paused(struct node *n, uint64_t ms)
{
	bool others = link_replaceable(n->link);
	size_t ended = 0;

	n->now = net_now(n->loop);
	if (others && !n->draining && !n->isolated && link_overdue(n->link, n->now))
		ended = send_away(n);
	LOG(LOG_WARNING, "paused", LF_U64("ms", ms), LF_U64("streams_ended", ended),
		LF_CSTR("reason", "this process did not run"),
		LF_CSTR("cure",
			"find out what stopped it, or took its processor: another process, the "
			"virtual machine's host, a debugger"));
}

uint64_t isolation_due(const struct node *n)
{
	if (n->draining)
		return UINT64_MAX;
	if (!n->isolated)
		return begins_at(n);
	return n->listen_at > n->now ? n->listen_at : UINT64_MAX;
}

void isolation_write(const struct node *n, struct json *j)
{
	json_bool(j, "isolated", n->isolated);
	if (n->isolated)
		json_u64(j, "isolated_ms", n->now - n->isolated_since);
}
