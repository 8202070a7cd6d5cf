/* SPDX-License-Identifier: Apache-2.0 */
/* What came out of a handshake: how the connection is protected, and whose certificate the peer showed. */
#include <openssl/err.h>
#include <stdio.h>

#include "net/conn_int.h"

static bool is_on(const struct net_conn *c)
{
	return c->ssl && c->tls == NET_CONN_TLS_ON;
}

const char *net_conn_tls_version(const struct net_conn *c)
{
	return is_on(c) ? SSL_get_version(c->ssl) : NULL;
}

const char *net_conn_cipher(const struct net_conn *c)
{
	return is_on(c) ? SSL_get_cipher_name(c->ssl) : NULL;
}

enum net_cert net_conn_certificate(
	const struct net_conn *c, struct str ascii_domain, const char **ret_why)
{
	X509 *cert = is_on(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;

	*ret_why = "no certificate";
	if (!cert)
		return NET_CERT_NONE;
	*ret_why = c->peer.seen ? c->peer.problem : "certificate was not verified";
	if (*ret_why)
		return NET_CERT_BAD;
	*ret_why = "certificate has expired";
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) != 1)
		return NET_CERT_BAD;
	enum net_identity_kinds kinds = c->peer.constrained ? NET_IDENTITY_DNS : NET_IDENTITY_ALL;
	if (!net_identity_names(cert, ascii_domain, kinds, ret_why))
		return NET_CERT_BAD;
	*ret_why = "valid";
	return NET_CERT_VALID;
}

void net_conn_verify_again(struct net_conn *c, const struct net_tls *tls)
{
	X509 *cert = is_on(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;

	if (cert && c->peer.seen)
		net_verify_again(tls, cert, SSL_get_peer_cert_chain(c->ssl), &c->peer);
}

long long net_conn_cert_end(const struct net_conn *c)
{
	return is_on(c) && c->peer.seen ? c->peer.not_after : 0;
}

bool net_conn_cert_digests(
	const struct net_conn *c, unsigned char ret_key[32], unsigned char ret_cert[32])
{
	X509 *cert = is_on(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;
	unsigned char *der = NULL;
	unsigned n;

	int len = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : 0;
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, ret_key, &n, EVP_sha256(), NULL) == 1 &&
		X509_digest(cert, EVP_sha256(), ret_cert, &n) == 1;
	OPENSSL_free(der);
	ERR_clear_error();
	return ok;
}

bool net_conn_is_node(const struct net_conn *c, struct str node_id)
{
	X509 *cert = is_on(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;

	return cert && c->peer.seen && !c->peer.problem && net_identity_exact(cert, node_id);
}

void net_conn_cert_hash(const struct net_conn *c, char ret_hex[65])
{
	X509 *cert = is_on(c) ? SSL_get0_peer_certificate(c->ssl) : NULL;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ret_hex[0] = '\0';
	if (!cert || X509_digest(cert, EVP_sha256(), hash, &n) != 1)
		return;
	for (unsigned i = 0; i < n; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
}
