/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY: see leaf_key() */
#include "net/mint.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "base/table.h"
#include "net/issue.h"
#include "net/tls_int.h"

enum {
	LIFE_S = 7 * 24 * 3600,
	BEFORE_S = 3600, /* for clocks that are behind */
};

struct minted {
	struct list link; /* in net_mint.used: the end is the latest */
	struct str name;
	struct net_creds *creds;
};

struct net_mint {
	struct net_creds *ca;
	EVP_PKEY *key; /* of all leaves */
	struct table cache;
	struct list used;
	long long refilled_s;
	unsigned tokens, rate, kept;
};

static bool is_ca(const struct net_creds *ca, const char *path, char *err, size_t err_size)
{
	if (X509_check_ca(ca->cert) == 1)
		return true;
	snprintf(err, err_size, "%s: is not a CA certificate", path);
	return false;
}

/*
 * OpenSSL 3.0 puts a key of its providers into a certificate by writing it down and reading it again: that takes
 * 185 us, all the rest 70. One of the older kind it copies; signing costs the same.
 */
static EVP_PKEY *leaf_key(void)
{
#ifdef OPENSSL_NO_DEPRECATED_3_0
	return net_issue_key();
#else
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *key = EVP_PKEY_new();

	check(ec && key && EC_KEY_generate_key(ec) == 1 && EVP_PKEY_assign_EC_KEY(key, ec) == 1);
	return key;
#endif
}

struct net_mint *net_mint_new(const struct net_mint_settings *s, char *err, size_t err_size)
{
	struct net_creds *ca = net_creds_load(s->certificate, s->key, err, err_size);

	check(s->rate && s->kept);
	if (!ca || !is_ca(ca, s->certificate, err, err_size)) {
		net_creds_unref(ca);
		return NULL;
	}
	struct net_mint *m = calloc(1, sizeof(*m));
	check(m);
	m->ca = ca;
	m->key = leaf_key();
	table_init(&m->cache);
	list_init(&m->used);
	m->rate = s->rate;
	m->kept = s->kept;
	m->tokens = m->kept;
	return m;
}

static void forget(struct net_mint *m, struct minted *e)
{
	table_remove(&m->cache, e->name);
	list_remove(&e->link);
	str_free(&e->name);
	net_creds_unref(e->creds);
	free(e);
}

void net_mint_free(struct net_mint *m)
{
	struct list *it;

	if (!m)
		return;
	while ((it = list_first(&m->used)) != NULL)
		forget(m, LIST_OWNER(it, struct minted, link));
	table_done(&m->cache);
	EVP_PKEY_free(m->key);
	net_creds_unref(m->ca);
	free(m);
}

static bool take_token(struct net_mint *m, long long now_s)
{
	long long elapsed = now_s - m->refilled_s;
	unsigned missing = m->kept - m->tokens;

	if (elapsed > missing / m->rate)
		m->tokens = m->kept;
	else if (elapsed > 0)
		m->tokens += (unsigned)elapsed * m->rate;
	if (elapsed != 0)
		m->refilled_s = now_s;
	if (m->tokens == 0)
		return false;
	m->tokens--;
	return true;
}

static struct net_creds *make(struct net_mint *m, struct str domain, long long now_s)
{
	const struct net_issue_settings s = {
		.names = &domain,
		.n_names = 1,
		.issuer = m->ca->cert,
		.issuer_key = m->ca->key,
		.key = m->key,
		.from_s = now_s - BEFORE_S,
		.to_s = now_s + LIFE_S,
	};
	X509 *cert = net_issue(&s);

	if (!cert)
		return NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	check(chain && X509_up_ref(m->ca->cert) == 1 && EVP_PKEY_up_ref(m->key) == 1);
	check(sk_X509_push(chain, m->ca->cert) > 0);
	return net_creds_new(cert, m->key, chain);
}

static void keep(struct net_mint *m, struct str domain, struct net_creds *creds)
{
	if (m->cache.count >= m->kept)
		forget(m, LIST_OWNER(list_first(&m->used), struct minted, link));
	struct minted *e = calloc(1, sizeof(*e));
	check(e);
	e->name = str_dup(domain);
	e->creds = creds;
	table_set(&m->cache, e->name, e);
	list_append(&m->used, &e->link);
}

struct net_creds *net_mint_creds(struct net_mint *m, struct str ascii_domain, long long now_s)
{
	struct minted *e = table_find(&m->cache, ascii_domain);

	if (e && net_creds_not_after(e->creds) - now_s >= LIFE_S / 2) {
		list_remove(&e->link);
		list_append(&m->used, &e->link);
		return net_creds_ref(e->creds);
	}
	if (!take_token(m, now_s)) /* an older one that is still valid is better than none */
		return e && net_creds_not_after(e->creds) > now_s ? net_creds_ref(e->creds) : NULL;
	struct net_creds *creds = make(m, ascii_domain, now_s);
	if (!creds)
		return NULL;
	if (e)
		forget(m, e);
	keep(m, ascii_domain, creds);
	return net_creds_ref(creds);
}
