/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#include "base/check.h"
#include "certs.h"
#include "net/mint.h"
#include "net/tls_int.h"

static struct cert ca;

static int make_ca(void **state)
{
	ca = cert_make("ca",
		&(struct cert_spec){ .ca = true,
			.ku = "critical,keyCertSign",
			.constraints = "excluded;DNS:local.example" },
		NULL);
	return 0;
}

static int drop_ca(void **state)
{
	cert_free(&ca);
	certs_cleanup();
	return 0;
}

#define SETTINGS(crt, ca_key)                                                                      \
	(const struct net_mint_settings)                                                           \
	{                                                                                          \
		.certificate = crt, .key = ca_key, .rate = 20, .kept = 100                         \
	}

static struct net_mint *new_mint(void)
{
	char err[200];
	struct net_mint *m = net_mint_new(&SETTINGS(ca.cert_path, ca.key_path), err, sizeof(err));

	check(m);
	return m;
}

static int verify(const struct net_creds *c, int purpose)
{
	X509_STORE *trusted = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	X509_STORE_add_cert(trusted, ca.x509);
	X509_STORE_CTX_init(ctx, trusted, c->cert, c->chain);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
	X509_verify_cert(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(trusted);
	return error;
}

static void test_leaf(void **state)
{
	struct net_mint *m = new_mint();
	long long now = (long long)time(NULL);
	struct net_creds *c = net_mint_creds(m, STRL("xn--bcher-kva.example"), now);

	assert_non_null(c);
	assert_true(net_creds_covers(c, STRL("xn--bcher-kva.example")));
	assert_false(net_creds_covers(c, STRL("example")));
	assert_int_equal(net_creds_not_after(c), now + 7 * 24 * 3600);
	/* Debian's ejabberd wants clientAuth, everybody serverAuth. */
	assert_int_equal(verify(c, X509_PURPOSE_SSL_SERVER), X509_V_OK);
	assert_int_equal(verify(c, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	assert_int_equal(X509_check_ca(c->cert), 0);
	assert_int_equal(sk_X509_num(c->chain), 1);
	assert_int_equal(ASN1_STRING_length(X509_get_serialNumber(c->cert)), 16);
	net_creds_unref(c);
	net_mint_free(m);
}

static void test_constraints_hold(void **state)
{
	struct net_mint *m = new_mint();
	struct net_creds *c = net_mint_creds(m, STRL("chat.local.example"), (long long)time(NULL));

	assert_non_null(c);
	assert_int_equal(verify(c, X509_PURPOSE_SSL_SERVER), X509_V_ERR_EXCLUDED_VIOLATION);
	net_creds_unref(c);
	net_mint_free(m);
}

static void test_cache_and_renewal(void **state)
{
	struct net_mint *m = new_mint();
	long long now = (long long)time(NULL);
	struct net_creds *a = net_mint_creds(m, STRL("a.example"), now);
	struct net_creds *again = net_mint_creds(m, STRL("a.example"), now + 3 * 24 * 3600);
	struct net_creds *later = net_mint_creds(m, STRL("a.example"), now + 4 * 24 * 3600);
	struct net_creds *other = net_mint_creds(m, STRL("b.example"), now);

	assert_ptr_equal(a, again);
	assert_ptr_not_equal(a, later);
	assert_ptr_not_equal(a, other);
	assert_int_equal(EVP_PKEY_eq(a->key, other->key), 1);
	net_creds_unref(a);
	net_creds_unref(again);
	net_creds_unref(later);
	net_creds_unref(other);
	net_mint_free(m);
}

static unsigned mint_names(struct net_mint *m, unsigned from, unsigned n, long long now)
{
	unsigned got = 0;

	for (unsigned i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%u.example", from + i);
		struct net_creds *c = net_mint_creds(m, str_of(name), now);
		got += c != NULL;
		net_creds_unref(c);
	}
	return got;
}

static void test_rate(void **state)
{
	struct net_mint *m = new_mint();

	assert_int_equal(mint_names(m, 0, 300, 1000000), 100);
	/* What is cached is not counted. */
	assert_int_equal(mint_names(m, 0, 100, 1000000), 100);
	assert_int_equal(mint_names(m, 300, 300, 1000001), 20);
	assert_int_equal(mint_names(m, 600, 300, 1000100), 100);
	/* A clock that jumps back gives nothing away, and does not block for ever. */
	assert_int_equal(mint_names(m, 900, 300, 999000), 0);
	assert_int_equal(mint_names(m, 900, 300, 999001), 20);
	net_mint_free(m);
}

static void test_cache_is_bounded(void **state)
{
	struct net_mint *m = new_mint();
	long long now = 1000000;

	for (unsigned i = 0; i < 4200; i += 100)
		assert_int_equal(mint_names(m, i, 100, now += 10), 100);
	/* The newest are there without a new certificate, the oldest are gone. */
	assert_int_equal(mint_names(m, 4100, 100, now), 100);
	assert_int_equal(mint_names(m, 0, 10, now), 0);
	net_mint_free(m);
}

static void test_refusals(void **state)
{
	struct cert leaf = cert_make("leaf", &(struct cert_spec){ .san = "DNS:a.example" }, &ca);
	struct net_mint *m = new_mint();
	char err[200];

	assert_null(net_mint_new(&SETTINGS(leaf.cert_path, leaf.key_path), err, sizeof(err)));
	assert_non_null(strstr(err, "is not a CA certificate"));
	assert_null(net_mint_new(&SETTINGS("/nonexistent", leaf.key_path), err, sizeof(err)));
	assert_null(net_mint_creds(m, STRL(""), 1000000));
	assert_null(net_mint_creds(m, STRL("a b.example"), 1000000));
	assert_null(net_mint_creds(m, STRL("\xc3\xa9.example"), 1000000));
	cert_free(&leaf);
	net_mint_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_constraints_hold),
		cmocka_unit_test(test_cache_and_renewal),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_cache_is_bounded),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
