/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/mint.h"
#include "net/pki.h"
#include "raw.h"

static char ca_crt[128], ca_key[128], leaf_crt[128], leaf_key[128];

static int set_paths(void **state)
{
	const char *folder = certs_folder();

	snprintf(ca_crt, sizeof(ca_crt), "%s/ca.crt", folder);
	snprintf(ca_key, sizeof(ca_key), "%s/ca.key", folder);
	snprintf(leaf_crt, sizeof(leaf_crt), "%s/leaf.crt", folder);
	snprintf(leaf_key, sizeof(leaf_key), "%s/leaf.key", folder);
	return 0;
}

static int clean(void **state)
{
	certs_cleanup();
	return 0;
}

static struct net_pki_ca *make_ca(char err[300])
{
	static const char *const excluded[] = { "local.example" };
	const struct net_pki_ca_settings s = { .name = "Test CA",
		.certificate = ca_crt,
		.key = ca_key,
		.days = 3650,
		.excluded = excluded,
		.n_excluded = 1 };

	return net_pki_ca(&s, err, 300);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void start_link(struct end *e)
{
	net_conn_start_tls(e->conn, e->p->tls, e->p->creds, false, STRL(""));
	net_conn_write(e->conn, STRL("hello"));
}

static bool is_node;

static void look(struct end *e)
{
	is_node = net_conn_is_node(e->conn, STRL("inner-a"));
}

static void close_after(struct end *e)
{
	net_conn_close(e->conn, 2000);
}

/* What was made is good for a link. */
static void use_them(void)
{
	struct pairing p;
	char err[300];
	const char *trust[] = { ca_crt };
	struct net_tls *tls = net_tls_new(NET_TLS_LINK, trust, 1, false, err, sizeof(err));

	assert_non_null(tls);
	pairing_init(&p, (struct net_listen_settings){ .tls_only = true, .tls = tls });
	p.tls = tls;
	p.creds = net_creds_load(leaf_crt, leaf_key, err, sizeof(err));
	assert_non_null(p.creds);
	p.client.on_open = start_link;
	p.client.on_taken = close_after;
	p.server.on_open = look;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 1);
	assert_true(is_node);
	pairing_done(&p);
}

static void test_round_trip(void **state)
{
	static const char *const names[] = { "inner-a", "inner-a.example" };
	char err[300] = "";
	struct net_pki_ca *ca = make_ca(err);

	if (!ca)
		fail_msg("%s", err);
	assert_true(net_pki_leaf(ca, names, 2, 365, leaf_crt, leaf_key, err, sizeof(err)));
	assert_int_equal(mode_of(ca_crt), 0644);
	assert_int_equal(mode_of(ca_key), 0600);
	assert_int_equal(mode_of(leaf_crt), 0644);
	assert_int_equal(mode_of(leaf_key), 0600);
	net_pki_ca_free(ca);
	use_them();

	/* A second run keeps everything. */
	struct net_creds *before = net_creds_load(leaf_crt, leaf_key, err, sizeof(err));
	long long until = net_creds_not_after(before);
	net_creds_unref(before);
	ca = make_ca(err);
	assert_non_null(ca);
	assert_true(net_pki_leaf(ca, names, 2, 9999, leaf_crt, leaf_key, err, sizeof(err)));
	net_pki_ca_free(ca);
	struct net_creds *after = net_creds_load(leaf_crt, leaf_key, err, sizeof(err));
	assert_int_equal(net_creds_not_after(after), until);
	net_creds_unref(after);
	use_them();

	/* The CA can mint. */
	struct net_mint *m = net_mint_new(
		&(struct net_mint_settings){
			.certificate = ca_crt, .key = ca_key, .rate = 20, .kept = 100 },
		err, sizeof(err));
	assert_non_null(m);
	net_mint_free(m);
}

static void test_errors(void **state)
{
	char err[300];
	static const char *const too_long[] = {
		"a23456789012345678901234567890123456789012345678901234567890123."
		"a23456789012345678901234567890123456789012345678901234567890123."
		"a23456789012345678901234567890123456789012345678901234567890123."
		"a23456789012345678901234567890123456789012345678901234567890123"
	};
	struct net_pki_ca *ca = make_ca(err);

	assert_non_null(ca);
	unlink(leaf_crt);
	assert_false(net_pki_leaf(ca, too_long, 1, 1, leaf_crt, leaf_key, err, sizeof(err)));
	assert_non_null(strstr(err, "leaf.key: exists without its certificate"));
	unlink(leaf_key);
	assert_false(net_pki_leaf(ca, too_long, 1, 1, leaf_crt, leaf_key, err, sizeof(err)));
	assert_string_equal(err, "a name is too long or not ASCII");
	assert_int_not_equal(access(leaf_crt, F_OK), 0);
	assert_false(net_pki_leaf(
		ca, too_long, 0, 1, "/nonexistent/x.crt", "/nonexistent/x.key", err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent/x.key"));
	net_pki_ca_free(ca);
	unlink(ca_key);
	assert_null(make_ca(err));
	assert_non_null(strstr(err, "ca.crt: exists without its key"));
}

/* What nats-server calls a pin is what openssl says of the key, and an address is no DNS name. */
static void test_pin(void **state)
{
	static const char *const names[] = { "broker-1", "192.0.2.7", "2001:db8::7" };
	char err[300] = "", command[400], hex[65], expected[65] = "";
	struct net_pki_ca *ca = make_ca(err);

	unlink(leaf_crt);
	unlink(leaf_key);
	assert_non_null(ca);
	assert_true(net_pki_leaf(ca, names, 3, 365, leaf_crt, leaf_key, err, sizeof(err)));
	net_pki_ca_free(ca);
	assert_true(net_pki_pin(leaf_crt, hex, err, sizeof(err)));
	snprintf(command, sizeof(command),
		"openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum",
		leaf_crt);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(expected, sizeof(expected), f));
	pclose(f);
	assert_string_equal(hex, expected);
	snprintf(command, sizeof(command),
		"openssl x509 -in %s -noout -ext subjectAltName | grep -q "
		"'DNS:broker-1, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7'",
		leaf_crt);
	assert_int_equal(system(command), 0);
	assert_false(net_pki_pin(leaf_key, hex, err, sizeof(err)));
	assert_non_null(strstr(err, "no certificate can be read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, set_paths, clean);
}
