/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: contexts, credentials and peers' certificates in OpenSSL's terms.
 */
#ifndef NET_TLS_INT_H
#define NET_TLS_INT_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls.h"

struct net_tls {
	unsigned refs;
	enum net_tls_use use;
	SSL_CTX *ctx;
};

struct net_creds {
	unsigned refs;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* without cert; may be NULL */
	long long not_after;
};

/* What the handshake found out about the peer. */
struct net_tls_peer {
	bool seen; /* it sent a certificate */
	const char *problem; /* static; NULL: the chain is good */
	bool constrained; /* a CA of the chain has name constraints: only DNS names count */
	long long
		not_after; /* earliest end of what the chain was made of, seconds since 1970; 0: unknown */
};

/* Takes over the references; chain may be NULL. */
struct net_creds *net_creds_new(X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain);
/* For use in this handshake. */
bool net_creds_use(SSL *ssl, const struct net_creds *creds);
/* The name of the application protocol: "xmpp-server", "sallyport-link". */
struct str net_tls_alpn(const struct net_tls *t);
/* The slots of an SSL: its connection (shake.c) and its struct net_tls_peer. */
int net_tls_slot_conn(void);
int net_tls_slot_peer(void);
/* "file: text of OpenSSL's first error"; clears the queue. */
void net_tls_error(char *err, size_t err_size, const char *file);

/* --- shake.c --- */
int net_shake_client_hello(SSL *ssl, int *ret_alert, void *arg);

/* --- verify.c: is the chain any good --- */
int net_verify_chain(X509_STORE_CTX *store, void *arg);
/* The same later, with the context's present trust and the present time. sent may be NULL. */
void net_verify_again(
	const struct net_tls *t, X509 *cert, STACK_OF(X509) * sent, struct net_tls_peer *peer);
/* Does the chain agree with a usable TLSA record, and with what that record's usage asks of it? */
bool net_verify_by_dane(const struct net_tls *t, X509 *cert, STACK_OF(X509) * sent, SSL_DANE *dane);
/* EKU absent, anyExtendedKeyUsage or serverAuth. */
bool net_verify_for_servers(X509 *cert);

/* --- identity.c: whose certificate is it --- */
enum net_identity_kinds { NET_IDENTITY_DNS, NET_IDENTITY_ALL };
/* Does the certificate name this A-label domain? *ret_why: static. */
bool net_identity_names(
	X509 *cert, struct str domain, enum net_identity_kinds kinds, const char **ret_why);
/* A DNS-ID that is exactly this name, no wildcard. */
bool net_identity_exact(X509 *cert, struct str name);

long long net_time_of(const ASN1_TIME *t);

#endif
