/* SPDX-License-Identifier: Apache-2.0 */
/* Dialback keys (XEP-0185) and what a component shows (XEP-0114). */
#ifndef NET_DIGEST_H
#define NET_DIGEST_H

#include "base/str.h"

/* HMAC-SHA256(hex(SHA256(secret)), to ' ' from ' ' id) as 64 lower-case hex digits. */
void net_dialback_key(
	struct str secret, struct str to, struct str from, struct str id, char ret_hex[65]);
/* XEP-0114: SHA-1(id secret) as 40 lower-case hex digits. */
void net_component_handshake(struct str id, struct str secret, char ret_hex[41]);
/* Equal, in time that depends on the lengths only. */
bool net_equal_secret(struct str a, struct str b);

#endif
