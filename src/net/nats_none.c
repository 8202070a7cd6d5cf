/* SPDX-License-Identifier: Apache-2.0 */
/* Where libnats is not to be had: net_nats_open() says so, and nothing else is ever called. */
#include <stdio.h>

#include "base/check.h"
#include "net/nats.h"

const char *net_nats_version(void)
{
	return NULL;
}

struct net_nats *net_nats_open(struct net_loop *loop, const struct net_nats_settings *settings,
	const struct net_nats_ops *ops, void *user, char *err, size_t err_size)
{
	snprintf(err, err_size, "this program was built without the carrier `nats` (libnats)");
	return NULL;
}

void net_nats_close(struct net_nats *n)
{
}

void net_nats_finish(void)
{
}

void net_nats_subscribe(struct net_nats *n, const char *subject, void *topic)
{
	check(n);
}

void net_nats_unsubscribe(struct net_nats *n, void *topic)
{
	check(n);
}

bool net_nats_publish(struct net_nats *n, const char *subject, struct str head, struct str body)
{
	return false;
}

bool net_nats_room(struct net_nats *n)
{
	return false;
}

void net_nats_status(struct net_nats *n, struct net_nats_status *ret)
{
	*ret = (struct net_nats_status){ 0 };
}
