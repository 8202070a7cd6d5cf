/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tag of n bytes that lies r bytes before the stanza's end, cut behind at most n - 1 of its bytes, is looked at
 * again when 2 * (n - 1) bytes are there: 2 * (n - 1) - r of them have to come behind the stanza.
 */
#include "s2s/flush.h"

#include "s2s/stream.h"

size_t flush_need(struct str xml)
{
	const char *p = xml.p, *end = xml.p + xml.len;
	size_t need = 0;

	if (xml.len < FLUSH_LEAST)
		return 0;
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

void flush_behind(struct s2s_stream *s, struct str xml)
{
	char spaces[1024];

	if (!s->face->settings.flush || xml.len < FLUSH_LEAST)
		return;
	memset(spaces, ' ', sizeof(spaces));
	for (size_t need = flush_need(xml), n; need; need -= n) {
		n = need < sizeof(spaces) ? need : sizeof(spaces);
		stream_write(s, str_from(spaces, n));
	}
}
