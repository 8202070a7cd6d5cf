/* SPDX-License-Identifier: Apache-2.0 */
/* The document of POSH (RFC 7711 section 3): digests of certificates, or where they are. Pure. */
#ifndef NET_POSH_DOC_H
#define NET_POSH_DOC_H

#include "base/str.h"

enum {
	NET_POSH_DOC_MAX = 64 * 1024,
	NET_POSH_PRINTS_MAX = 32,
	NET_POSH_URL_MAX = 1024,
	NET_POSH_EXPIRES_S = 24 * 3600, /* at most, whatever the document says */
};

struct net_posh_doc {
	size_t n;
	unsigned char sha256[NET_POSH_PRINTS_MAX][32];
	char url[NET_POSH_URL_MAX]; /* instead of digests; empty: none */
	unsigned expires_s;
};

/* NULL, or a static text that says what is wrong. Digests other than sha-256 are passed over. */
const char *net_posh_read(struct str json, struct net_posh_doc *ret);

/* "https://HOST/PATH" (no port, user or fragment): host in lower case. False: anything else. */
bool net_posh_url(const char *url, char ret_host[256], char ret_path[NET_POSH_URL_MAX]);

#endif
