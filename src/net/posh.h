/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKIX over secure HTTP (RFC 7711): fetches a domain's document about the certificates of its XMPP servers. One
 * GET over HTTPS whose certificate is verified, and one more where the document leads elsewhere (`url`).
 * Linked into outer only.
 */
#ifndef NET_POSH_H
#define NET_POSH_H

#include "net/posh_doc.h"
#include "net/resolver.h"

struct net_posh_fetch;

struct net_posh_settings {
	struct net_tls *tls; /* for NET_TLS_HTTPS; counted */
	unsigned timeout_ms; /* all together: 10000 */
	uint16_t port; /* 0: 443 */
	/* May this address be dialled for this host now? NULL: whatever the resolver permits. */
	bool (*may_dial)(void *user, const struct net_addr *addr, struct str host);
	void *user;
};

/*
 * Fetches https://DOMAIN/.well-known/posh/xmpp-server.json. done is called once, never inside this call:
 * error NULL and a document with digests, or a static text. Only addresses that may be dialled are, HTTP
 * redirections are refused, the answer has a limit.
 */
struct net_posh_fetch *net_posh_fetch(struct net_resolver *r,
	const struct net_posh_settings *settings, struct str ascii_domain,
	void (*done)(void *user, const char *error, const struct net_posh_doc *doc), void *user);
/* NULL is fine. */
void net_posh_cancel(struct net_posh_fetch *f);

/* Is the peer's certificate one of the document's? */
bool net_conn_posh(const struct net_conn *c, const struct net_posh_doc *doc);

#endif
