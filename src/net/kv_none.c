/* SPDX-License-Identifier: Apache-2.0 */
/* Where libnats is not to be had: net_kv_open() says so, and nothing else is ever called. */
#include <stdio.h>

#include "base/check.h"
#include "net/kv.h"

const struct net_kv_settings net_kv_settings_default;

struct net_kv *net_kv_open(struct net_loop *loop, const struct net_kv_settings *settings,
	const struct net_kv_ops *ops, void *user, char *err, size_t err_size)
{
	snprintf(err, err_size, "this program was built without the carrier `nats` (libnats)");
	return NULL;
}

void net_kv_close(struct net_kv *kv)
{
}

void net_kv_finish(void)
{
}

void net_kv_put(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY], uint64_t revision,
	struct str old, struct str value)
{
	check(kv);
}

void net_kv_get(struct net_kv *kv, uint64_t ticket, const char key[NET_KV_KEY])
{
	check(kv);
}

void net_kv_key(struct str a, struct str b, char ret_key[NET_KV_KEY])
{
	check(false);
}
