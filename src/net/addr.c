/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static struct sockaddr_in *in4(struct net_addr *a)
{
	return (struct sockaddr_in *)(void *)&a->sa;
}

static struct sockaddr_in6 *in6(struct net_addr *a)
{
	return (struct sockaddr_in6 *)(void *)&a->sa;
}

static bool parse_port(struct str s, in_port_t *ret_port)
{
	uint64_t n;

	if (s.len > 5 || !str_to_u64(s, &n) || n > 65535)
		return false;
	*ret_port = htons((uint16_t)n);
	return true;
}

/* Splits "host:port" or "[host]:port". */
static bool split(struct str s, bool *ret_v6, char host[64], struct str *ret_port)
{
	bool v6 = s.len > 0 && s.p[0] == '[';
	const char *end = s.len ? memchr(s.p, v6 ? ']' : ':', s.len) : NULL;

	if (!end)
		return false;
	struct str name = str_from(s.p + v6, (size_t)(end - s.p) - v6);
	struct str rest = str_skip(s, (size_t)(end - s.p) + v6);
	if (name.len == 0 || name.len >= 64 || rest.len < 2 || rest.p[0] != ':' ||
		memchr(name.p, '\0', name.len))
		return false;
	memcpy(host, name.p, name.len);
	host[name.len] = '\0';
	*ret_v6 = v6;
	*ret_port = str_skip(rest, 1);
	return true;
}

bool net_addr_parse(struct str s, struct net_addr *ret_addr)
{
	struct net_addr a = { .len = 0 };
	char host[64];
	struct str port;
	bool v6;

	if (!split(s, &v6, host, &port))
		return false;
	if (v6) {
		struct sockaddr_in6 *sin6 = in6(&a);
		sin6->sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host, &sin6->sin6_addr) != 1 ||
			!parse_port(port, &sin6->sin6_port))
			return false;
		a.len = sizeof(*sin6);
	} else {
		struct sockaddr_in *sin = in4(&a);
		sin->sin_family = AF_INET;
		if (inet_pton(AF_INET, host, &sin->sin_addr) != 1 ||
			!parse_port(port, &sin->sin_port))
			return false;
		a.len = sizeof(*sin);
	}
	*ret_addr = a;
	return true;
}

bool net_addr_read(struct str s, struct net_addr *ret_addr, char *err, size_t err_size)
{
	if (net_addr_parse(s, ret_addr))
		return true;
	snprintf(err, err_size, "%.*s is not an address", STR_FMT(s));
	return false;
}

void net_addr_print(const struct net_addr *a, char ret_text[64])
{
	struct net_addr copy = *a;
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6(&copy)->sin6_addr, host, sizeof(host));
		snprintf(ret_text, 64, "[%s]:%u", host, net_addr_port(a));
	} else if (a->sa.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in4(&copy)->sin_addr, host, sizeof(host));
		snprintf(ret_text, 64, "%s:%u", host, net_addr_port(a));
	} else {
		snprintf(ret_text, 64, "?");
	}
}

uint16_t net_addr_port(const struct net_addr *a)
{
	struct net_addr copy = *a;

	return ntohs(a->sa.ss_family == AF_INET6 ? in6(&copy)->sin6_port : in4(&copy)->sin_port);
}

void net_addr_set_port(struct net_addr *a, uint16_t port)
{
	if (a->sa.ss_family == AF_INET6)
		in6(a)->sin6_port = htons(port);
	else
		in4(a)->sin_port = htons(port);
}

bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b)
{
	struct net_addr x = *a;
	struct net_addr y = *b;

	if (x.sa.ss_family != y.sa.ss_family)
		return false;
	if (x.sa.ss_family == AF_INET)
		return in4(&x)->sin_addr.s_addr == in4(&y)->sin_addr.s_addr;
	return x.sa.ss_family == AF_INET6 &&
		memcmp(&in6(&x)->sin6_addr, &in6(&y)->sin6_addr, 16) == 0;
}

/* The bytes of an address: IPv4 as such also when it is mapped into IPv6. Returns their number, 0 for others. */
static size_t address_bytes(const struct net_addr *a, unsigned char ret[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct net_addr copy = *a;

	if (a->sa.ss_family == AF_INET) {
		memcpy(ret, &in4(&copy)->sin_addr, 4);
		return 4;
	}
	if (a->sa.ss_family != AF_INET6)
		return 0;
	memcpy(ret, &in6(&copy)->sin6_addr, 16);
	if (memcmp(ret, mapped, sizeof(mapped)) != 0)
		return 16;
	memmove(ret, ret + 12, 4);
	return 4;
}

struct str net_addr_prefix(
	const struct net_addr *a, unsigned bits4, unsigned bits6, char ret[NET_PREFIX_SIZE])
{
	unsigned char bytes[16];
	size_t n = address_bytes(a, bytes);
	unsigned bits = n == 4 ? bits4 : bits6;

	for (size_t i = 0; i < n; i++) {
		unsigned left = bits > 8 * i ? bits - (unsigned)(8 * i) : 0;
		if (left < 8)
			bytes[i] &= (unsigned char)(0xff00u >> left);
	}
	ret[0] = (char)n;
	memcpy(ret + 1, bytes, n);
	return str_from(ret, n + 1);
}
