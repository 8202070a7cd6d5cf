/* SPDX-License-Identifier: Apache-2.0 */
#include "s2s/silence.h"

enum {
	LOOK_MS = 250,
	LEAST_MS = 1000, /* no stream is given up before that */
};

static void look_later(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	list_remove(&s->manage.unheard);
	s->manage.look_at = after(f->now, LOOK_MS);
	list_append(&f->unheard, &s->manage.unheard);
}

void silence_begins(struct s2s_stream *s)
{
	look_later(s);
}

void silence_broken(struct s2s_stream *s)
{
	list_remove(&s->manage.unheard);
}

static void look(struct s2s_stream *s)
{
	struct s2s_face *f = s->face;

	if (s->state != ST_READY || !s->transport)
		return;
	if (f->now >= after(s->manage.moved_at, LEAST_MS) && f->ops->give_up(f->user, s->transport))
		s->vanished = true;
	else
		look_later(s);
}

uint64_t silence_due(const struct s2s_face *f)
{
	if (list_empty(&f->unheard) || !f->ops->give_up)
		return UINT64_MAX;
	return LIST_OWNER(f->unheard.next, struct s2s_stream, manage.unheard)->manage.look_at;
}

void silence_tick(struct s2s_face *f)
{
	while (silence_due(f) <= f->now) {
		struct list *first = list_first(&f->unheard);
		list_remove(first);
		look(LIST_OWNER(first, struct s2s_stream, manage.unheard));
	}
}
