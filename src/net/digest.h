/* SPDX-License-Identifier: Apache-2.0 */
/* Dialback keys (XEP-0185). */
#ifndef NET_DIGEST_H
#define NET_DIGEST_H

#include "base/str.h"

/* HMAC-SHA256(hex(SHA256(secret)), to ' ' from ' ' id) as 64 lower-case hex digits. */
void net_dialback_key(
	struct str secret, struct str to, struct str from, struct str id, char ret_hex[65]);
/* Equal, in time that depends on the lengths only. */
bool net_equal_secret(struct str a, struct str b);

#endif
