/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tag of n bytes that lies r bytes before the stanza's end, cut behind at most n - 1 of its bytes, is looked at
 * again when 2 * (n - 1) bytes are there: 2 * (n - 1) - r of them have to come behind the stanza.
 */
#include "s2s/flush.h"

#include "s2s/manage.h"

enum { FLUSH_REQUEST = 24 }; /* behind the request for an acknowledgement */

size_t flush_need(struct str xml)
{
	const char *p = xml.p, *end = xml.p + xml.len;
	size_t need = 0;

	while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
		size_t rest = (size_t)(end - p);
		const char *close = memchr(p, '>', rest);
		if (!close)
			break;
		size_t twice = 2 * (size_t)(close - p);
		if (twice > rest && twice - rest > need)
			need = twice - rest;
		p = close + 1;
	}
	return need < FLUSH_MOST ? need : FLUSH_MOST;
}

void flush_init(struct s2s_stream *s)
{
	list_init(&s->flush.due);
}

void flush_done(struct s2s_stream *s)
{
	list_remove(&s->flush.due);
}

/* What follows a stanza helps it as spaces would. */
static void followed_by(struct flush *f, size_t len)
{
	f->need = f->need > len ? f->need - len : 0;
}

void flush_note(struct s2s_stream *s, struct str xml)
{
	struct flush *f = &s->flush;

	if (!s->face->settings.flush)
		return;
	if (s->face->now - f->at > FLUSH_SILENCE_MS)
		f->recent = 0;
	f->at = s->face->now;
	f->recent += xml.len;
	followed_by(f, xml.len);
	size_t need = flush_need(xml);
	if (need > f->need)
		f->need = need;
	if (list_empty(&f->due))
		list_append(&s->face->flush_due, &f->due);
}

void flush_write(struct s2s_stream *s)
{
	struct flush *f = &s->flush;
	char spaces[1024];

	list_remove(&f->due);
	if (f->recent < FLUSH_LEAST)
		f->need = 0;
	else if (manage_covers(s) && f->need < FLUSH_REQUEST)
		f->need = FLUSH_REQUEST;
	memset(spaces, ' ', sizeof(spaces));
	for (size_t n; f->need; f->need -= n) {
		n = f->need < sizeof(spaces) ? f->need : sizeof(spaces);
		stream_write(s, str_from(spaces, n));
	}
}

void flush_all(struct s2s_face *f)
{
	struct list *it;

	while ((it = list_first(&f->flush_due)))
		flush_write(LIST_OWNER(it, struct s2s_stream, flush.due));
}
