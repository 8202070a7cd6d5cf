/* SPDX-License-Identifier: Apache-2.0 */
#include "config/address.h"

#include <arpa/inet.h>
#include <stdio.h>

static const unsigned char V4_MAPPED[12] = { [10] = 0xff, [11] = 0xff };

/* Into 16 bytes, IPv4 mapped. *ret_v4 tells which it was. */
static bool parse_ip(struct str s, unsigned char ret[16], bool *ret_v4)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len == 0 || s.len >= sizeof(text) || memchr(s.p, 0, s.len))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	memcpy(ret, V4_MAPPED, sizeof(V4_MAPPED));
	*ret_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
	return *ret_v4 || inet_pton(AF_INET6, text, ret) == 1;
}

static void print_ip(const unsigned char ip[16], bool v4, char ret[INET6_ADDRSTRLEN])
{
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, ret, INET6_ADDRSTRLEN))
		ret[0] = 0;
}

static bool is_mapped(const unsigned char ip[16])
{
	return memcmp(ip, V4_MAPPED, sizeof(V4_MAPPED)) == 0;
}

const char *address_ip(struct str s, char ret[ADDRESS_TEXT])
{
	unsigned char ip[16];
	bool v4;

	if (!parse_ip(s, ip, &v4))
		return "not an IP address";
	if (!v4 && is_mapped(ip))
		return "write an IPv4 address as 192.0.2.1";
	print_ip(ip, v4, ret);
	return NULL;
}

/* Splits at the last colon; an IPv6 address stands in brackets. */
static const char *split_port(struct str s, struct str *ret_host, struct str *ret_port)
{
	const char *colon = memrchr(s.p, ':', s.len);
	const char *bracket = memrchr(s.p, ']', s.len);

	if (!colon || (bracket && colon < bracket))
		return "the port is missing, as in 192.0.2.1:5269";
	struct str host = { s.p, (size_t)(colon - s.p) };
	bool brackets = host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']';
	if (!brackets && memchr(host.p, ':', host.len))
		return "an IPv6 address with a port is written [2001:db8::1]:5269";
	*ret_host = brackets ? str_from(host.p + 1, host.len - 2) : host;
	*ret_port = str_skip(s, host.len + 1);
	return NULL;
}

const char *address_port(struct str s, char ret[ADDRESS_TEXT])
{
	struct str host, port;
	char ip[ADDRESS_TEXT];
	uint64_t number;
	const char *error = split_port(s, &host, &port);

	if (!error)
		error = address_ip(host, ip);
	if (error)
		return error;
	if (!str_to_u64(port, &number) || number < 1 || number > 65535)
		return "the port is not a number from 1 to 65535";
	bool v6 = strchr(ip, ':') != NULL;
	snprintf(ret, ADDRESS_TEXT, v6 ? "[%.45s]:%u" : "%.45s:%u", ip, (unsigned)number);
	return NULL;
}

static bool bits_beyond(const unsigned char addr[16], unsigned prefix)
{
	for (unsigned bit = prefix; bit < 128; bit++) {
		if (addr[bit / 8] & (0x80 >> (bit % 8)))
			return true;
	}
	return false;
}

const char *address_network(struct str s, struct config_network *ret)
{
	const char *slash = memchr(s.p, '/', s.len);
	struct str ip = { s.p, slash ? (size_t)(slash - s.p) : s.len };
	uint64_t prefix = 128;
	bool v4;

	if (!parse_ip(ip, ret->addr, &v4))
		return "not an IP network, as in 192.0.2.0/24";
	unsigned most = v4 ? 32 : 128;
	if (slash && (!str_to_u64(str_skip(s, ip.len + 1), &prefix) || prefix > most))
		return v4 ? "the prefix is not a number from 0 to 32"
			  : "the prefix is not a number from 0 to 128";
	ret->prefix = (unsigned)(slash ? prefix + (128 - most) : 128);
	if (!v4 && ret->prefix >= 96 && is_mapped(ret->addr))
		return "write an IPv4 network as 192.0.2.0/24";
	if (bits_beyond(ret->addr, ret->prefix))
		return "the address has bits set beyond the prefix";
	return NULL;
}

void address_network_text(const struct config_network *n, char ret[ADDRESS_TEXT])
{
	char ip[INET6_ADDRSTRLEN];
	bool v4 = n->prefix >= 96 && is_mapped(n->addr);

	print_ip(n->addr, v4, ip);
	snprintf(ret, ADDRESS_TEXT, "%s/%u", ip, n->prefix - (v4 ? 96 : 0));
}

struct str address_host(struct str addr)
{
	const char *colon = addr.len ? memrchr(addr.p, ':', addr.len) : NULL;
	struct str host = { addr.p, colon ? (size_t)(colon - addr.p) : addr.len };

	if (host.len >= 2 && host.p[0] == '[')
		host = str_from(host.p + 1, host.len - 2);
	return host;
}

bool address_is_loopback(struct str ip)
{
	struct config_network n;
	bool v4 = ip.len && !address_network(ip, &n) && is_mapped(n.addr);

	return v4 ? n.addr[12] == 127 : str_is(ip, "::1");
}

bool address_is_wildcard(struct str ip)
{
	return str_is(ip, "0.0.0.0") || str_is(ip, "::");
}
