/* SPDX-License-Identifier: Apache-2.0 */
#include "outer/elsewhere.h"

#include <stdio.h>

#include "jid/jid.h"

enum { PORT = 5269, TEXT_MAX = 300 };

/* Splits a port off: what stands behind the last colon, unless that is part of an address in brackets. */
static bool split(struct str text, struct str *ret_host, uint16_t *ret_port)
{
	const char *colon = memrchr(text.p, ':', text.len);
	uint64_t port;

	*ret_host = text;
	*ret_port = PORT;
	if (!colon || text.p[text.len - 1] == ']')
		return true;
	ret_host->len = (size_t)(colon - text.p);
	if (!str_to_u64(str_skip(text, ret_host->len + 1), &port) || port == 0 || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

bool elsewhere_read(struct arena *a, struct str text, struct elsewhere *ret)
{
	struct str host, domain;
	char full[TEXT_MAX + 8];

	*ret = (struct elsewhere){ .addr = { .len = 0 } };
	if (text.len == 0 || text.len > TEXT_MAX || !split(text, &host, &ret->port))
		return false;
	snprintf(full, sizeof(full), "%.*s:%u", STR_FMT(host), ret->port);
	if (net_addr_parse(str_of(full), &ret->addr))
		return true;
	ret->addr.len = 0;
	return jid_parse_domain(a, host, &domain) == JID_OK &&
		jid_domain_to_ascii(a, domain, &ret->name) == JID_OK;
}
