/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error goes back where its cause came from. A stanza of the face is answered on the face, and so is a record of
 * ours that the link gives back. A record of the far node goes back on the link: link_reject() for it alone, or
 * link_unreachable() for all of its channel.
 *
 * The latter is put off to the end of the turn: what makes it known may be running inside a callback of the link.
 */
#include "node/bounce.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "node/admit.h"

enum record_condition bounce_condition(enum s2s_failure failure)
{
	switch (failure) {
	case S2S_NOT_FOUND:
		return COND_REMOTE_SERVER_NOT_FOUND;
	case S2S_REFUSED:
		return COND_POLICY_VIOLATION;
	case S2S_FULL:
		return COND_RESOURCE_CONSTRAINT;
	case S2S_TOO_BIG:
		return COND_PEER_LIMIT;
	case S2S_TIMEOUT:
	default:
		return COND_REMOTE_SERVER_TIMEOUT;
	}
}

static void send_error(struct node *n, const struct record *error, struct s2s_token token)
{
	enum s2s_failure failure;
	const char *text = NULL;

	/* us is the domain that was addressed. */
	buf_clear(&n->scratch2, 65536);
	if (!record_write(error, &n->scratch2) ||
		!s2s_send(n->face, error->from.domain, error->to.domain, buf_bytes(&n->scratch2),
			token, n->now, &failure, &text)) {
		n->counters.bounces_lost++;
		LOG(LOG_WARNING, "bounce-lost", LF_STR("from", error->from.full),
			LF_STR("to", error->to.full), LF_CSTR("reason", text));
	}
}

void bounce_stanza(
	struct node *n, const struct s2s_stanza *st, enum record_condition cond, const char *reason)
{
	struct record error;

	n->counters.refused++;
	if (record_stanza_error(
		    st->node, &st->from, &st->to, cond, reason, st->us, st->arena, &error))
		send_error(n, &error, st->receipt ? S2S_OWED : (struct s2s_token){ 0 });
	else
		n->counters.unanswerable++;
}

/* A channel whose next hop cannot be reached. */
struct deferred {
	struct list link;
	uint64_t channel;
	enum record_condition condition;
	const char *text;
};

void bounce_channel(struct node *n, uint64_t channel, enum record_condition cond, const char *text)
{
	/* A pair gives its stanzas back in one go: they are neighbours here. Twice does no harm. */
	if (!list_empty(&n->deferred) &&
		LIST_OWNER(n->deferred.prev, struct deferred, link)->channel == channel)
		return;
	struct deferred *d = calloc(1, sizeof(*d));
	check(d);
	*d = (struct deferred){ .channel = channel, .condition = cond, .text = text };
	list_append(&n->deferred, &d->link);
}

void bounce_unsent(void *user, struct str us, struct str them, struct s2s_token token,
	enum s2s_failure failure, const char *text)
{
	struct node *n = user;
	bool alone = failure == S2S_AGED || failure == S2S_DOUBTFUL || failure == S2S_TOO_BIG;

	if (token.channel && alone) {
		link_reject(
			n->link, token.channel, token.seq, bounce_condition(failure), text, n->now);
		return;
	}
	if (token.channel) {
		bounce_channel(n, token.channel, bounce_condition(failure), text);
		return;
	}
	n->counters.bounces_lost++;
	LOG(LOG_WARNING, "bounce-lost", LF_STR("from", us), LF_STR("to", them),
		LF_CSTR("reason", text));
}

void bounce_record(void *user, struct link_pair pair, uint64_t trace, struct str bytes,
	unsigned condition, struct str text)
{
	struct node *n = user;
	struct record rec, error;
	char reason[256];

	if (!record_condition_valid(condition) || condition == COND_NONE)
		condition = COND_UNDEFINED;
	size_t len = text.len < sizeof(reason) - 1 ? text.len : sizeof(reason) - 1;
	if (len)
		memcpy(reason, text.p, len);
	reason[len] = '\0';
	LOG(LOG_INFO, "undelivered", LF_TRACE(trace), LF_STR("local", pair.local),
		LF_STR("foreign", pair.foreign),
		LF_CSTR("condition", record_condition_name((enum record_condition)condition)),
		LF_CSTR("reason", reason));
	/* Our own record: made by record_encode(), under a configuration that may have changed since. */
	if (!admit_own(n, bytes, &rec) ||
		!record_make_error(&rec, (enum record_condition)condition, len ? reason : NULL,
			node_us(n, pair), &n->arena, &error)) {
		n->counters.unanswerable++;
		return;
	}
	n->counters.bounced++;
	send_error(n, &error, S2S_OWED);
}

void bounce_turn(struct node *n)
{
	struct list *it;

	while ((it = list_first(&n->deferred))) {
		struct deferred *d = LIST_OWNER(it, struct deferred, link);
		list_remove(it);
		link_unreachable(n->link, d->channel, d->condition, d->text, n->now);
		free(d);
	}
}

void bounce_done(struct node *n)
{
	struct list *it;

	while ((it = list_first(&n->deferred))) {
		list_remove(it);
		free(LIST_OWNER(it, struct deferred, link));
	}
}
