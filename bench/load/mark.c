/* SPDX-License-Identifier: Apache-2.0 */
#include "mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_hex(char *p, unsigned digits, uint64_t v)
{
	static const char digit[] = "0123456789abcdef";
	while (digits--) {
		p[digits] = digit[v & 15];
		v >>= 4;
	}
}

static bool get_hex(const char *p, unsigned digits, uint64_t *ret_v)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < digits; i++) {
		unsigned char c = (unsigned char)p[i];
		unsigned d = c - '0';
		if (d > 9)
			d = c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16u;
		if (d > 15)
			return false;
		v = v << 4 | d;
	}
	*ret_v = v;
	return true;
}

void mark_write(char *p, const struct mark *m)
{
	p[0] = '~';
	p[1] = m->measured ? 'm' : 'w';
	put_hex(p + 2, 6, m->stream);
	put_hex(p + 8, 8, m->seq);
	put_hex(p + 16, 16, m->ns);
}

bool mark_read(const char *p, struct mark *ret_mark)
{
	uint64_t stream, seq, ns;
	if (p[0] != '~' || (p[1] != 'm' && p[1] != 'w') || !get_hex(p + 2, 6, &stream) ||
		!get_hex(p + 8, 8, &seq) || !get_hex(p + 16, 16, &ns))
		return false;
	*ret_mark = (struct mark){ p[1] == 'm', (uint32_t)stream, (uint32_t)seq, ns };
	return true;
}

/* Fills n bytes with something that looks like chat. */
static void put_text(char *p, size_t n)
{
	static const char text[] = "are you coming to the meeting at noon, or shall we take it "
				   "tomorrow when the others are back from the field? ";
	for (size_t i = 0; i < n; i++)
		p[i] = text[i % (sizeof(text) - 1)];
	if (n)
		p[n - 1] = '.';
}

struct letter *letter_new(const char *from, const char *to, size_t len)
{
	static const char foot[] = "</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
				   "<request xmlns='urn:xmpp:receipts'/></message>";
	char head[LETTER_MAX];
	int n = snprintf(head, sizeof(head),
		"<message from='alice@%s/desk' to='bob@%s' type='chat' id='b7c1e0'><body>", from,
		to);
	size_t fixed = (size_t)n + MARK_LEN + sizeof(foot) - 1;
	if (n < 0 || (size_t)n >= sizeof(head) || len < fixed || len > LETTER_MAX)
		return NULL;
	struct letter *l = calloc(1, sizeof(*l) + len);
	if (!l)
		abort();
	l->len = len;
	l->mark_at = (size_t)n;
	memcpy(l->bytes, head, (size_t)n);
	put_text(l->bytes + n + MARK_LEN, len - fixed);
	memcpy(l->bytes + len - (sizeof(foot) - 1), foot, sizeof(foot) - 1);
	return l;
}
