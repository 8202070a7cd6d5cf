/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Additions happen at the end and removals nearly always at the front, where both cost
 * nothing but a pointer. Taking entries out of the middle (revoked, too old)
 * is rare and moves the rest.
 */
#include "s2s/queue.h"

#include <stdlib.h>

#include "base/check.h"

void queue_init(struct queue *q, struct spares *spares, unsigned stanzas, size_t bytes)
{
	q->spares = spares;
	buf_init(&q->bytes, 0);
	buf_init(&q->entries, 0);
	queue_limit(q, stanzas, bytes);
	q->written = q->written_len = q->owed_len = 0;
}

void queue_done(struct queue *q)
{
	buf_done(&q->bytes);
	buf_done(&q->entries);
}

void queue_limit(struct queue *q, unsigned stanzas, size_t bytes)
{
	q->max_stanzas = stanzas;
	q->max_bytes = bytes;
	q->bytes.limit = bytes + QUEUE_OWED_BYTES;
	q->entries.limit = ((size_t)stanzas + QUEUE_OWED_STANZAS) * sizeof(struct entry);
}

/* An empty queue needs no memory. */
void queue_trim(struct queue *q)
{
	if (queue_count(q) > 0)
		return;
	spares_give(q->spares, &q->entries);
	spares_give(q->spares, &q->bytes);
}

/* Has it taken all that is not owed? */
static bool is_full(const struct queue *q, size_t more)
{
	return queue_count(q) >= q->max_stanzas || more > q->max_bytes ||
		buf_len(&q->bytes) > q->max_bytes - more;
}

bool queue_add(struct queue *q, struct str xml, struct s2s_token token, uint64_t now)
{
	if (!s2s_is_owed(token) && is_full(q, xml.len))
		return false;
	spares_take(q->spares, &q->entries);
	spares_take(q->spares, &q->bytes);
	char *at = buf_space(&q->entries, sizeof(struct entry));
	if (!at || !buf_append(&q->bytes, xml)) {
		queue_trim(q);
		return false;
	}
	struct entry e = { .token = token, .since = now, .len = xml.len };
	memcpy(at, &e, sizeof(e));
	buf_commit(&q->entries, sizeof(e));
	if (s2s_is_owed(token))
		q->owed_len += xml.len;
	return true;
}

struct str queue_next(const struct queue *q)
{
	return str_from(buf_bytes(&q->bytes).p + q->written_len, queue_entry(q, q->written)->len);
}

void queue_wrote(struct queue *q, uint64_t end)
{
	struct entry *e = queue_entry(q, q->written++);

	e->end = end;
	q->written_len += e->len;
}

static void took(struct queue *q, const struct entry *e)
{
	if (s2s_is_owed(e->token))
		q->owed_len -= e->len;
}

struct s2s_token queue_pop(struct queue *q)
{
	struct entry e = *queue_entry(q, 0);

	check(q->written);
	q->written--;
	q->written_len -= e.len;
	took(q, &e);
	buf_consume(&q->bytes, e.len);
	buf_consume(&q->entries, sizeof(e));
	queue_trim(q);
	return e.token;
}

void queue_rewind(struct queue *q)
{
	q->written = q->written_len = 0;
}

/* Closes the gap of len bytes that begins at the byte at. */
static void cut(struct buf *b, size_t at, size_t len)
{
	char *p = b->data + b->off + at;

	memmove(p, p + len, buf_len(b) - at - len);
	buf_truncate(b, buf_len(b) - len);
}

struct s2s_token *queue_take(struct queue *q, size_t first, size_t n)
{
	struct s2s_token *tokens = calloc(n ? n : 1, sizeof(*tokens));
	size_t at = 0, len = 0;

	check(tokens);
	for (size_t i = 0; i < first; i++)
		at += queue_entry(q, i)->len;
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = queue_entry(q, first + i);
		tokens[i] = e->token;
		len += e->len;
		took(q, e);
	}
	if (n) {
		check(first >= q->written);
		cut(&q->bytes, at, len);
		cut(&q->entries, first * sizeof(struct entry), n * sizeof(struct entry));
	}
	return tokens;
}

size_t queue_revoke(struct queue *q, uint64_t channel)
{
	size_t n = queue_count(q), kept = q->written;
	size_t from = q->written_len, to = q->written_len;

	for (size_t i = q->written; i < n; i++) {
		struct entry e = *queue_entry(q, i);
		if (e.token.channel != channel) {
			char *bytes = q->bytes.data + q->bytes.off;
			memmove(bytes + to, bytes + from, e.len);
			*queue_entry(q, kept++) = e;
			to += e.len;
		}
		from += e.len;
	}
	if (kept < n) {
		buf_truncate(&q->bytes, to);
		buf_truncate(&q->entries, kept * sizeof(struct entry));
	}
	return n - kept;
}

bool queue_has_beyond(const struct queue *q, uint64_t channel, uint64_t offset)
{
	for (size_t i = q->written; i > 0 && queue_entry(q, i - 1)->end > offset; i--) {
		if (queue_entry(q, i - 1)->token.channel == channel)
			return true;
	}
	return false;
}
