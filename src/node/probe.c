/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	probe_start ─► s2s_open of its own face ─► the node's operations, some of them overheard
 *	                       pair-valid, pair-failed, time ─► result ─► s2s_shutdown ─► no stream left ─► gone
 *
 * What closes is not overheard any more, and the next one may begin.
 */
#include <stdlib.h>

#include "base/check.h"
#include "node/probe_int.h"
#include "node/settings.h"

enum { PROBE_MS = 60000, CLOSING_MAX = 8 };

static size_t count_closing(const struct node *n)
{
	size_t count = 0;

	LIST_EACH (&n->closing_probes, it)
		count++;
	return count;
}

struct probe *probe_start(struct node *n, struct str us, struct str them,
	void (*line)(void *user, struct str json), void (*ended)(void *user), void *user,
	const char **ret_error)
{
	struct s2s_settings settings;

	*ret_error = NULL;
	if (n->probe || count_closing(n) >= CLOSING_MAX)
		*ret_error = "another test is running: try again in a minute";
	else if (n->draining)
		*ret_error = "the node is shutting down";
	else if (!n->role->plays(n, us))
		*ret_error = "this node does not play the domain that the test shall come from";
	if (*ret_error)
		return NULL;
	struct probe *p = calloc(1, sizeof(*p));
	check(p);
	p->node = n;
	list_init(&p->closing);
	p->us = str_dup(us);
	p->them = str_dup(them);
	p->until = n->now + PROBE_MS;
	p->line = line;
	p->ended = ended;
	p->user = user;
	buf_init(&p->out, PROBE_LINE_MAX);
	probe_listen(p);
	settings_face(n, &settings);
	settings.manage_in = settings.manage_out = false;
	p->face = s2s_face_new(&settings, &p->ops, n);
	n->probe = p;
	return p;
}

void probe_leave(struct probe *p)
{
	p->user = NULL;
	p->done = true;
}

/* Said from the loop: nothing is called inside probe_start(). */
static void open_stream(struct probe *p)
{
	struct node *n = p->node;

	p->opened = true;
	probe_say_policy(p);
	struct s2s_rule rule = n->role->rule(n, p->us, p->them);
	if (rule.component.len)
		probe_say_result(p, false, "they come by a component: its stream is open always",
			"`sallyport status` tells the state of that stream", NULL);
	else if (rule.allowed)
		s2s_open(p->face, p->us, p->them, n->now);
	else
		probe_say_result(p, false, "the configuration refuses these domains",
			"a `peer` statement for this domain, before the one that refuses it, lets "
			"it in",
			NULL);
}

static void destroy(struct probe *p)
{
	list_remove(&p->closing);
	s2s_tick(p->face, p->node->now); /* frees the streams that have ended */
	s2s_face_free(p->face);
	buf_done(&p->out);
	str_free(&p->us);
	str_free(&p->them);
	free(p);
}

static void finish(struct probe *p)
{
	struct node *n = p->node;
	void *user = p->user;

	n->probe = NULL;
	list_append(&n->closing_probes, &p->closing);
	probe_listen_no_more(p);
	p->user = NULL;
	if (user)
		p->ended(user);
	s2s_shutdown(p->face, n->now);
}

static void sweep(struct node *n)
{
	LIST_EACH_SAFE (&n->closing_probes, it) {
		struct probe *p = LIST_OWNER(it, struct probe, closing);
		if (s2s_streams(p->face) == 0)
			destroy(p);
	}
}

void probe_turn(struct node *n)
{
	struct probe *p = n->probe;

	if (p && !p->opened && !p->done)
		open_stream(p);
	if (p && !p->done && (n->now >= p->until || n->draining))
		probe_say_result(p, false, "the test took too long", NULL, NULL);
	if (p && p->done)
		finish(p);
	sweep(n);
}

void probe_tick(struct node *n)
{
	if (n->probe)
		s2s_tick(n->probe->face, n->now);
	LIST_EACH_SAFE (&n->closing_probes, it)
		s2s_tick(LIST_OWNER(it, struct probe, closing)->face, n->now);
}

uint64_t probe_deadline(const struct node *n)
{
	const struct probe *p = n->probe;
	uint64_t at = UINT64_MAX;

	if (p)
		at = p->opened ? s2s_deadline(p->face) : 0;
	if (p && p->until < at)
		at = p->until;
	LIST_EACH (&n->closing_probes, it) {
		uint64_t face = s2s_deadline(LIST_OWNER(it, struct probe, closing)->face);
		at = face < at ? face : at;
	}
	return at;
}

void probe_free(struct node *n)
{
	if (n->probe)
		destroy(n->probe);
	n->probe = NULL;
	LIST_EACH_SAFE (&n->closing_probes, it)
		destroy(LIST_OWNER(it, struct probe, closing));
}
