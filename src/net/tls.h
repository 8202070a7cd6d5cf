/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts and credentials. A context fixes versions, role-independent options and what is
 * trusted; credentials are one certificate chain with its key. Both are counted references. No
 * compression, renegotiation, early data, tickets or session resumption.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct net_tls; /* a context */
struct net_creds; /* a certificate chain with its key */

enum net_tls_use {
	NET_TLS_S2S, /* TLS 1.2+, certificate requested and verified but not required, ALPN
			xmpp-server */
	NET_TLS_HTTPS, /* a client that fetches documents: TLS 1.2+, server verified, ALPN http/1.1 */
	NET_TLS_LINK, /* TLS 1.3 only, certificate required and verified, ALPN sallyport-link */
};

/*
 * trust_files: n PEM files; none with system_trust false: nothing is trusted. On failure NULL and a
 * message (names the file) in err.
 */
struct net_tls *net_tls_new(enum net_tls_use use, const char *const *trust_files, size_t n,
	bool system_trust, char *err, size_t err_size);
/*
 * From now on certificates are looked up in these revocation lists (PEM, any number in a file). A CA
 * without a list is not asked about; a list that is out of date refuses what its CA issued. Before
 * the context is used. False and a message (names the file) on failure.
 */
bool net_tls_add_crls(
	struct net_tls *t, const char *const *files, size_t n, char *err, size_t err_size);
/* When the first of a file's lists is due to be replaced, seconds since 1970; 0: they do not say. */
bool net_crl_next(const char *file, long long *ret_next_s, char *err, size_t err_size);
struct net_tls *net_tls_ref(struct net_tls *t);
void net_tls_unref(struct net_tls *t);

/* Loads a PEM chain and its key and checks that they belong together. NULL and a message on
 * failure. */
struct net_creds *net_creds_load(
	const char *certificate, const char *key, char *err, size_t err_size);
struct net_creds *net_creds_ref(struct net_creds *c);
void net_creds_unref(struct net_creds *c);
/* Seconds since 1970 of the end of validity; days left are shown in status. */
long long net_creds_not_after(const struct net_creds *c);
/* May a TLS server show it? EKU absent, anyExtendedKeyUsage or serverAuth. */
bool net_creds_for_servers(const struct net_creds *c);
/* Do these credentials name the (A-label) domain by DNS-ID? For configuration checks. */
bool net_creds_covers(const struct net_creds *c, struct str ascii_domain);

#endif
