/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minting CA of inner (T2): short-lived leaf certificates for the foreign domains that inner
 * plays, which only the local server trusts. SAN only (A-label), serverAuth and clientAuth, one key
 * pair for all leaves, cached and rate-limited. Linked into inner only.
 */
#ifndef NET_MINT_H
#define NET_MINT_H

#include "net/tls.h"

struct net_mint;

struct net_mint_settings {
	const char *certificate, *key; /* the CA's files */
	unsigned rate; /* new certificates a second, at least 1; after a pause `kept` at once */
	unsigned kept; /* certificates in the cache, at least 1 */
};

/* NULL and a message on failure. */
struct net_mint *net_mint_new(const struct net_mint_settings *s, char *err, size_t err_size);
void net_mint_free(struct net_mint *m);

/*
 * Credentials for this A-label domain: from the cache (renewed when less than half of their life is
 * left), or new. A reference for the caller to drop; NULL when the rate limit (new names per
 * second) is reached. now_s: wall clock.
 */
struct net_creds *net_mint_creds(struct net_mint *m, struct str ascii_domain, long long now_s);

#endif
