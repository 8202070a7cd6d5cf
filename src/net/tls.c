/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "net/tls_int.h"

enum { CERT_LIST_MAX = 64 * 1024, DEPTH_MAX = 8 };

/* ECDHE and AEAD only (RFC 9325); fast and strong first. */
#define SUITES_12                                                                                  \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
static char groups[] = "X25519:P-256:P-384:P-521"; /* the macro takes no const */

static const struct str alpn_names[] = {
	[NET_TLS_S2S] = STR("xmpp-server"),
	[NET_TLS_HTTPS] = STR("http/1.1"),
	[NET_TLS_LINK] = STR("sallyport-link"),
};

struct str net_tls_alpn(const struct net_tls *t)
{
	return alpn_names[t->use];
}

int net_tls_slot_conn(void)
{
	static int slot = -1;

	if (slot < 0)
		slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return slot;
}

int net_tls_slot_peer(void)
{
	static int slot = -1;

	if (slot < 0)
		slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return slot;
}

void net_tls_error(char *err, size_t err_size, const char *file)
{
	unsigned long code = ERR_peek_error();
	const char *reason = NULL;

	if (code)
		reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						: ERR_reason_error_string(code);
	snprintf(err, err_size, "%s: %s", file, reason ? reason : "failed");
	ERR_clear_error();
}

/* --- what a context says in the handshake --- */

static int choose_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
	const unsigned char *offered, unsigned offered_len, void *arg)
{
	const struct net_tls *t = arg;
	struct str ours = net_tls_alpn(t);

	for (unsigned at = 0; at < offered_len; at += 1u + offered[at]) {
		unsigned len = offered[at];
		if (len <= offered_len - at - 1 && str_eq(str_from(offered + at + 1, len), ours)) {
			*ret_name = offered + at + 1;
			*ret_len = (unsigned char)len;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void set_options(struct net_tls *t)
{
	SSL_CTX *ctx = t->ctx;

	SSL_CTX_set_options(ctx,
		SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
			SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_clear_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Streams are many and mostly idle; links are few and busy, and keep their buffers. */
	if (t->use != NET_TLS_LINK)
		SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_min_proto_version(
		ctx, t->use == NET_TLS_LINK ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, 0);
	check(SSL_CTX_set_cipher_list(ctx, SUITES_12) == 1);
	check(SSL_CTX_set_ciphersuites(ctx, SUITES_13) == 1);
	check(SSL_CTX_set1_groups_list(ctx, groups) == 1);
}

static void set_verification(struct net_tls *t)
{
	int mode = SSL_VERIFY_PEER;

	if (t->use == NET_TLS_LINK)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(t->ctx, mode, NULL);
	SSL_CTX_set_verify_depth(t->ctx, DEPTH_MAX);
	SSL_CTX_set_cert_verify_callback(t->ctx, net_verify_chain, t);
	/* The same rule in both roles: trusted for servers. Usage is checked by net_verify_chain().
	 */
	SSL_CTX_set_trust(t->ctx, X509_TRUST_SSL_SERVER);
	/* No sessions are kept, but OpenSSL wants a name for them when it asks for certificates. */
	check(SSL_CTX_dane_enable(t->ctx) == 1);
	SSL_CTX_set_session_id_context(t->ctx, (const unsigned char *)"sallyport", 9);
}

static bool load_trust(struct net_tls *t, const char *const *files, size_t n, bool system_trust,
	char *err, size_t err_size)
{
	for (size_t i = 0; i < n; i++) {
		ERR_clear_error();
		if (SSL_CTX_load_verify_file(t->ctx, files[i]) != 1) {
			net_tls_error(err, err_size, files[i]);
			return false;
		}
	}
	ERR_clear_error();
	if (system_trust && SSL_CTX_set_default_verify_paths(t->ctx) != 1) {
		net_tls_error(err, err_size, "system trust");
		return false;
	}
	return true;
}

struct net_tls *net_tls_new(enum net_tls_use use, const char *const *trust_files, size_t n,
	bool system_trust, char *err, size_t err_size)
{
	struct net_tls *t = calloc(1, sizeof(*t));

	check(t);
	t->refs = 1;
	t->use = use;
	t->ctx = SSL_CTX_new(TLS_method());
	check(t->ctx);
	net_tls_slot_conn();
	net_tls_slot_peer();
	set_options(t);
	set_verification(t);
	SSL_CTX_set_alpn_select_cb(t->ctx, choose_alpn, t);
	SSL_CTX_set_client_hello_cb(t->ctx, net_shake_client_hello, NULL);
	if (load_trust(t, trust_files, n, system_trust, err, err_size))
		return t;
	net_tls_unref(t);
	return NULL;
}

static bool add_crl_file(X509_LOOKUP *lookup, const char *file, char *err, size_t err_size)
{
	ERR_clear_error();
	if (X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) > 0)
		return true;
	net_tls_error(err, err_size, file);
	return false;
}

bool net_tls_add_crls(
	struct net_tls *t, const char *const *files, size_t n, char *err, size_t err_size)
{
	X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	check(lookup);
	for (size_t i = 0; i < n; i++) {
		if (!add_crl_file(lookup, files[i], err, err_size))
			return false;
	}
	if (n)
		X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(t->ctx),
			X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return true;
}

bool net_crl_next(const char *file, long long *ret_next_s, char *err, size_t err_size)
{
	BIO *in;
	X509_CRL *crl;
	bool any = false;

	*ret_next_s = 0;
	ERR_clear_error();
	in = BIO_new_file(file, "r");
	while (in && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL))) {
		long long next = net_time_of(X509_CRL_get0_nextUpdate(crl));
		if (next && (!*ret_next_s || next < *ret_next_s))
			*ret_next_s = next;
		any = true;
		X509_CRL_free(crl);
	}
	BIO_free(in);
	if (!any)
		net_tls_error(err, err_size, file);
	ERR_clear_error();
	return any;
}

struct net_tls *net_tls_ref(struct net_tls *t)
{
	t->refs++;
	return t;
}

void net_tls_unref(struct net_tls *t)
{
	if (!t || --t->refs > 0)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}
