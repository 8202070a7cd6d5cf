/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves DNS messages over UDP and TCP (RFC 7766 framing) on one address. The handler is pure:
 * question bytes in, answer bytes out. Linked into inner only.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "net/conn.h"

struct net_dns_server;

/* Writes the answer (at most max bytes; UDP: 1232) to out; false: stay silent. */
typedef bool net_dns_handler(
	void *user, struct str question, bool tcp, const struct net_addr *from, struct buf *out);

struct net_dns_server *net_dns_serve(struct net_loop *loop, const struct net_addr *addr,
	net_dns_handler *handler, void *user, char *err, size_t err_size);
/* Where it listens: the port that the kernel chose when 0 was asked for. */
const struct net_addr *net_dns_addr(const struct net_dns_server *s);
void net_dns_close(struct net_dns_server *s);

#endif
