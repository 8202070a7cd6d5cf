/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses with a port. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <sys/socket.h>

#include "base/str.h"

struct net_addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "1.2.3.4:5269", "[::1]:5269"; false when not an address with port. */
bool net_addr_parse(struct str s, struct net_addr *ret_addr);
/* Likewise, with a message in err. */
bool net_addr_read(struct str s, struct net_addr *ret_addr, char *err, size_t err_size);
/* Writes "1.2.3.4:5269" or "[::1]:5269". */
void net_addr_print(const struct net_addr *a, char ret_text[64]);
uint16_t net_addr_port(const struct net_addr *a);
void net_addr_set_port(struct net_addr *a, uint16_t port);
/* Same address, port not compared. */
bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b);
/* A key for everybody whose address begins with the same bits, as many as its kind has. */
enum { NET_PREFIX_SIZE = 17 };
struct str net_addr_prefix(
	const struct net_addr *a, unsigned bits4, unsigned bits6, char ret[NET_PREFIX_SIZE]);

#endif
