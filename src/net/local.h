/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Unix stream socket for the control protocol: local clients only, mode 0600. Small and slow on purpose: a
 * request is collected up to a limit, answers are queued up to a limit.
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include "base/buf.h"
#include "net/loop.h"

struct net_local; /* the listening socket */
struct net_local_client; /* one connection */

struct net_local_ops {
	/* All bytes of the client so far; more may follow. */
	void (*on_input)(void *user, struct net_local_client *c, struct str bytes);
	void (*on_closed)(void *user, struct net_local_client *c);
};

/* At most 16 clients at once, each may send input_max bytes in all. NULL and a message on failure. An old
 * socket file is replaced. */
struct net_local *net_local_listen(struct net_loop *loop, const char *path, size_t input_max,
	const struct net_local_ops *ops, void *user, char *err, size_t err_size);
void net_local_close(struct net_local *l);

/* False when more than 4 MiB wait for a slow client: the line is dropped. */
bool net_local_send(struct net_local_client *c, struct str bytes);
/* Closes after what was sent has left. */
void net_local_finish(struct net_local_client *c);
void net_local_set_user(struct net_local_client *c, void *user);
void *net_local_user(const struct net_local_client *c);

#endif
