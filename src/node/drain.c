/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end in order (`limit drain time` in all):
 *
 *	draining   nothing new is taken, the link is flushed; what the far nodes reject is still bounced
 *	           at half of the time: what no node took goes back to its sender
 *	           nobody listens, so that other servers try another of the domain's hosts at once (RFC 2782), but
 *	           while a key of ours is with somebody who may have to ask us about it
 *	closing    everything is acknowledged and every bounce is written (or three quarters are over): the streams end
 */
#include "node/drain.h"

#include "base/log.h"
#include "node/listen.h"

enum { STEP_MS = 20 };

/* Connections that are there stay. The port may have been taken over by the node that comes after us. */
static void listen_as_needed(struct node *n)
{
	char err[256];
	bool wanted = s2s_awaits_questions(n->face);

	if (!wanted)
		listen_stop(n);
	if (!wanted || n->unreachable || !list_empty(&n->listeners))
		return;
	n->unreachable = !listen_apply(n, err, sizeof(err));
	if (n->unreachable)
		LOG(LOG_WARNING, "listen-failed", LF_CSTR("reason", err));
}

void drain_begin(struct node *n)
{
	n->draining = true;
	n->drain_since = n->now;
	link_drain(n->link, n->now);
	s2s_drain(n->face, n->now);
	listen_as_needed(n);
}

uint64_t drain_due(const struct node *n)
{
	return n->draining ? n->now + STEP_MS : UINT64_MAX;
}

void drain_step(struct node *n)
{
	uint64_t gone = n->now - n->drain_since, all = n->config->limits.drain_ms;

	if (!n->draining || n->stopped)
		return;
	if (!n->closing)
		listen_as_needed(n);
	if (!n->closing && gone >= all / 2)
		link_hand_back(n->link, n->now);
	if (!n->closing &&
		((link_drained(n->link) && s2s_drained(n->face)) || gone >= all / 4 * 3)) {
		n->closing = true;
		listen_stop(n);
		s2s_shutdown(n->face, n->now);
	}
	if (n->closing || !s2s_takes_stanzas(n->face))
		link_let_go(n->link, n->now);
	bool flushed = n->closing && link_drained(n->link) && s2s_streams(n->face) == 0;
	if (!flushed && gone < all)
		return;
	LOG(flushed ? LOG_INFO : LOG_WARNING, "stopped", LF_U64("streams", s2s_streams(n->face)),
		LF_U64("pending", s2s_pending(n->face)),
		LF_U64("unacknowledged", link_unacknowledged(n->link)));
	n->stopped = true;
	net_loop_stop(n->loop);
}
