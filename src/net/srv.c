/* SPDX-License-Identifier: Apache-2.0 */
#include "net/srv.h"

#include <stdlib.h>

enum { FIXED = 6, LABEL_MAX = 63, NAME_MAX_LEN = 253 };

static uint16_t number(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* A label's byte as we keep it, or 0: not one of a host name. */
static char host_char(unsigned char byte)
{
	char c = str_lower((char)byte);

	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
		return c;
	return 0;
}

static bool read_name(const unsigned char *p, size_t len, char ret_name[NET_NAME_SIZE])
{
	size_t at = 0;
	size_t n = 0;

	while (at < len && p[at] != 0) {
		size_t label = p[at++];
		if (label > LABEL_MAX || label >= len - at || n + label + 1 > NAME_MAX_LEN + 1)
			return false;
		if (n > 0)
			ret_name[n++] = '.';
		for (size_t end = at + label; at < end; at++) {
			ret_name[n] = host_char(p[at]);
			if (!ret_name[n++])
				return false;
		}
	}
	ret_name[n] = '\0';
	return at + 1 == len;
}

bool net_srv_read(struct str rdata, struct net_srv *ret_srv)
{
	const unsigned char *p = (const unsigned char *)rdata.p;
	struct net_srv srv = { 0 };

	if (rdata.len <= FIXED || !read_name(p + FIXED, rdata.len - FIXED, srv.target))
		return false;
	srv.priority = number(p);
	srv.weight = number(p + 2);
	srv.port = number(p + 4);
	*ret_srv = srv;
	return true;
}

static int by_priority(const void *a, const void *b)
{
	const struct net_srv *x = a;
	const struct net_srv *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

/* The index of the next one among n of equal priority. Weight 0 has a small chance, as RFC 2782
 * wants. */
static size_t draw(const struct net_srv *srv, size_t n, uint64_t (*random)(uint64_t below))
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)srv[i].weight * 100 + 1;
	uint64_t at = random(sum);
	for (size_t i = 0; i < n; i++) {
		uint64_t share = (uint64_t)srv[i].weight * 100 + 1;
		if (at < share)
			return i;
		at -= share;
	}
	return 0;
}

void net_srv_order(struct net_srv *srv, size_t n, uint64_t (*random)(uint64_t below))
{
	qsort(srv, n, sizeof(*srv), by_priority);
	for (size_t i = 0; i < n; i++) {
		size_t same = 1;
		while (i + same < n && srv[i + same].priority == srv[i].priority)
			same++;
		size_t k = i + draw(srv + i, same, random);
		struct net_srv chosen = srv[k];
		srv[k] = srv[i];
		srv[i] = chosen;
	}
}
