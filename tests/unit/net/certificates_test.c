/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of peers, judged by a whole handshake in either role; and those that are loaded from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "net/tls_int.h"
#include "pairing.h"
#include "rows.h"

static struct cert ca, other_ca, server_cert;

static int make_certs(void **state)
{
	const struct cert_spec leaf = { .san = "DNS:server.example", .eku = "serverAuth" };

	ca = cert_make("ca", &(struct cert_spec){ .ca = true }, NULL);
	other_ca = cert_make("other-ca", &(struct cert_spec){ .ca = true }, NULL);
	server_cert = cert_make("server", &leaf, &ca);
	return 0;
}

static int drop_certs(void **state)
{
	cert_free(&ca);
	cert_free(&other_ca);
	cert_free(&server_cert);
	certs_cleanup();
	return 0;
}

static struct net_creds *client_creds;

static enum net_cert judged;
static char judged_why[160];

static void judge_server(struct end *e)
{
	const char *why;

	judged = net_conn_certificate(e->conn, STRL("peer.example"), &why);
	snprintf(judged_why, sizeof(judged_why), "%s", why);
	net_conn_write(e->conn, STRL("hello"));
}

static void judge_client(struct end *e)
{
	const char *why;

	judged = net_conn_certificate(e->conn, STRL("peer.example"), &why);
	snprintf(judged_why, sizeof(judged_why), "%s", why);
}

static void start_with_creds(struct end *e)
{
	net_conn_start_tls(e->conn, e->p->tls, client_creds, false, STRL("peer.example"));
	net_conn_write(e->conn, STRL("hello"));
}

static void close_after(struct end *e)
{
	if (e->taken >= 5)
		net_conn_close(e->conn, 2000);
}

static void init(struct pairing *p)
{
	struct net_tls *tls = cert_tls(NET_TLS_S2S, &ca);

	pairing_init(p, (struct net_listen_settings){ .detect = true, .tls = tls });
	p->tls = tls;
	p->creds = cert_creds(&server_cert);
	p->client.on_open = start_with_creds;
	p->client.on_taken = close_after;
}

/* The certificate under test is the server's, or the client's. */
static void judge(struct cert *cert, bool of_client)
{
	struct pairing p;

	judged = NET_CERT_NONE;
	snprintf(judged_why, sizeof(judged_why), "not seen");
	init(&p);
	client_creds = cert_creds(of_client ? cert : &server_cert);
	if (!of_client) {
		net_creds_unref(p.creds);
		p.creds = cert_creds(cert);
		p.client.on_tls = judge_server;
	} else {
		p.server.on_open = judge_client;
	}
	pairing_dial(&p);
	pairing_run(&p);
	if (strcmp(judged_why, "not seen") == 0)
		snprintf(judged_why, sizeof(judged_why), "%s", p.client.text);
	net_creds_unref(client_creds);
	pairing_done(&p);
}

enum signer {
	BY_CA,
	BY_ITSELF,
	BY_OTHER,
	BY_BAD_INTERMEDIATE,
	BY_CLIENT_CA,
	BY_CONSTRAINED,
	BY_MUCH_CONSTRAINED
};

static void many_constraints(char *text, size_t size)
{
	size_t len = 0;

	for (int i = 0; i < 1000; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%spermitted;DNS:n%d.example", i ? "," : "", i);
}

static void test_certificates(void **state)
{
#define SAN "DNS:peer.example"
	static const struct {
		const char *name;
		struct cert_spec spec;
		enum signer signer;
		enum net_cert result;
		const char *why;
	} cases[] = {
		{ "s2s E8 s2s E11 serverAuth alone, in both roles",
			{ .san = SAN, .eku = "serverAuth" }, BY_CA, NET_CERT_VALID, "valid" },
		{ "both usages", { .san = SAN, .eku = "serverAuth,clientAuth" }, BY_CA,
			NET_CERT_VALID, "valid" },
		{ "s2s E11 no usage", { .san = SAN }, BY_CA, NET_CERT_VALID, "valid" },
		{ "any usage", { .san = SAN, .eku = "anyExtendedKeyUsage" }, BY_CA, NET_CERT_VALID,
			"valid" },
		{ "rsa", { .san = SAN, .rsa_bits = 2048 }, BY_CA, NET_CERT_VALID, "valid" },
		{ "s2s E11 clientAuth alone", { .san = SAN, .eku = "clientAuth" }, BY_CA,
			NET_CERT_BAD, "certificate is not for servers" },
		{ "mail only", { .san = SAN, .eku = "emailProtection" }, BY_CA, NET_CERT_BAD,
			"certificate is not for servers" },
		{ "ca as leaf", { .san = SAN, .ca = true }, BY_CA, NET_CERT_BAD,
			"a CA certificate as server certificate" },
		{ "expired", { .san = SAN, .from_days = -10, .to_days = -1 }, BY_CA, NET_CERT_BAD,
			"certificate has expired" },
		{ "not yet", { .san = SAN, .from_days = 3 }, BY_CA, NET_CERT_BAD,
			"certificate is not yet valid" },
		{ "self-signed", { .san = SAN }, BY_ITSELF, NET_CERT_BAD,
			"self-signed certificate" },
		{ "unknown ca", { .san = SAN }, BY_OTHER, NET_CERT_BAD,
			"unable to get local issuer certificate" },
		{ "leaf signs", { .san = SAN }, BY_BAD_INTERMEDIATE, NET_CERT_BAD,
			"invalid CA certificate" },
		{ "client ca", { .san = SAN }, BY_CLIENT_CA, NET_CERT_BAD,
			"issuer is not for servers" },
		{ "constrained", { .san = SAN }, BY_CONSTRAINED, NET_CERT_BAD,
			"excluded subtree violation" },
		{ "around constraints",
			{ .san = "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.peer.example" },
			BY_CONSTRAINED, NET_CERT_BAD, "certificate is for another domain" },
		{ "other name", { .san = "DNS:peer.example.org" }, BY_CA, NET_CERT_BAD,
			"certificate is for another domain" },
		{ "s2s E9 no names but CN", { .cn = "peer.example" }, BY_CA, NET_CERT_BAD,
			"certificate without names" },
		{ "key usage", { .san = SAN, .ku = "cRLSign" }, BY_CA, NET_CERT_BAD,
			"certificate is not for TLS" },
		/* x400Address beside the DNS name; a DNS name and an otherName without a value */
		{ "threats D9 X.400 name",
			{ .san = "DER:30:12:a3:02:30:00:82:0c:70:65:65:72:2e:65:78:61:6d:70:6c:"
				 "65" },
			BY_CA, NET_CERT_VALID, "valid" },
		{ "threats D9 malformed otherName",
			{ .san = "DER:30:13:82:0c:70:65:65:72:2e:65:78:61:6d:70:6c:65:a0:03:06:01:"
				 "2a" },
			BY_CA, NET_CERT_BAD, "malformed certificate" },
		{ "threats D9 1,000 name constraints", { .san = SAN }, BY_MUCH_CONSTRAINED,
			NET_CERT_BAD, "permitted subtree violation" },
	};
	struct cert leaf_ca = cert_make("leaf-ca", &(struct cert_spec){ .san = SAN }, &ca);
	struct cert client_ca =
		cert_make("client-ca", &(struct cert_spec){ .ca = true, .eku = "clientAuth" }, &ca);
	struct cert constrained = cert_make("constrained",
		&(struct cert_spec){ .ca = true, .constraints = "excluded;DNS:peer.example" }, &ca);
	static char thousand[64 * 1024];
	many_constraints(thousand, sizeof(thousand));
	struct cert much_constrained = cert_make("much-constrained",
		&(struct cert_spec){ .ca = true, .constraints = thousand }, &ca);
	const struct cert *signers[] = { [BY_CA] = &ca,
		[BY_ITSELF] = NULL,
		[BY_OTHER] = &other_ca,
		[BY_BAD_INTERMEDIATE] = &leaf_ca,
		[BY_CLIENT_CA] = &client_ca,
		[BY_CONSTRAINED] = &constrained,
		[BY_MUCH_CONSTRAINED] = &much_constrained };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cert cert = cert_make("peer", &cases[i].spec, signers[cases[i].signer]);
		name_row(cases[i].name);
		for (int of_client = 0; of_client < 2; of_client++) {
			judge(&cert, of_client);
			if (judged != cases[i].result || strcmp(judged_why, cases[i].why) != 0)
				fail_msg("%s, %s: %s", cases[i].name,
					of_client ? "client" : "server", judged_why);
		}
		cert_free(&cert);
	}
	cert_free(&leaf_ca);
	cert_free(&client_ca);
	cert_free(&constrained);
	cert_free(&much_constrained);
}

/* Those of leaf, which are sent with all of these, the last one first. */
static struct net_creds *creds_sending(const struct cert *leaf, const struct cert more[], int n)
{
	STACK_OF(X509) *sent = sk_X509_new_null();

	while (n-- > 0) {
		X509_up_ref(more[n].x509);
		sk_X509_push(sent, more[n].x509);
	}
	X509_up_ref(leaf->x509);
	EVP_PKEY_up_ref(leaf->key);
	return net_creds_new(leaf->x509, leaf->key, sent);
}

/* Beyond the limits on cost: the handshake itself fails. */
static void test_costly_certificates(void **state)
{
	struct cert chain[12];
	struct pairing p;

	chain[0] = cert_make("deep-0", &(struct cert_spec){ .ca = true }, &ca);
	for (int i = 1; i < 12; i++) {
		char name[32];
		snprintf(name, sizeof(name), "deep-%d", i);
		chain[i] = cert_make(name,
			&(struct cert_spec){ .ca = i < 11, .san = "DNS:peer.example" },
			&chain[i - 1]);
	}
	init(&p);
	client_creds = creds_sending(&chain[11], chain, 11);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	net_creds_unref(client_creds);
	pairing_done(&p);
	for (int i = 0; i < 12; i++)
		cert_free(&chain[i]);
}

/* One such key in what the peer sends ends the handshake, although no path goes through it. */
static void test_costly_keys(void **state)
{
	static const struct {
		const char *name;
		struct cert_spec spec;
		const char *why; /* NULL: none */
	} cases[] = {
		{ "an ordinary key", { .ca = true }, NULL },
		{ "the largest RSA key",
			{ .ca = true, .key = CERT_KEY_RSA_PUBLIC, .rsa_bits = 8192 }, NULL },
		{ "threats D9 a larger RSA key",
			{ .ca = true, .key = CERT_KEY_RSA_PUBLIC, .rsa_bits = 8193 },
			"certificate with an oversized key" },
		{ "threats D9 an RSA key of 16,384 bits",
			{ .ca = true, .key = CERT_KEY_RSA_PUBLIC, .rsa_bits = 16384 },
			"certificate with an oversized key" },
		{ "threats D9 a DSA key", { .ca = true, .key = CERT_KEY_DSA },
			"certificate with a DSA key" },
		{ "threats D9 a curve with explicit parameters",
			{ .ca = true, .key = CERT_KEY_EXPLICIT_CURVE },
			"certificate with explicit curve parameters" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cert odd = cert_make("odd", &cases[i].spec, &ca);
		struct pairing p;
		name_row(cases[i].name);
		init(&p);
		client_creds = cert_creds(&server_cert);
		net_creds_unref(p.creds);
		p.creds = creds_sending(&server_cert, &odd, 1);
		pairing_dial(&p);
		pairing_run(&p);
		if ((p.client.n_tls == 1) != !cases[i].why ||
			(cases[i].why && !strstr(p.client.text, cases[i].why)))
			fail_msg("%s: %s", cases[i].name, p.client.text);
		net_creds_unref(client_creds);
		pairing_done(&p);
		cert_free(&odd);
	}
}

static void test_load_errors(void **state)
{
	char err[300];
	const char *nothing[] = { "/nonexistent/ca.crt" };
	const char *not_pem[] = { "/etc/hostname" };

	assert_null(net_creds_load("/nonexistent", ca.key_path, err, sizeof(err)));
	assert_string_equal(err, "/nonexistent: No such file or directory");
	assert_null(net_creds_load(ca.cert_path, "/nonexistent", err, sizeof(err)));
	assert_string_equal(err, "/nonexistent: No such file or directory");
	assert_null(net_creds_load(ca.cert_path, server_cert.key_path, err, sizeof(err)));
	assert_non_null(strstr(err, "is not the key of"));
	assert_null(net_creds_load(ca.key_path, ca.key_path, err, sizeof(err)));
	assert_non_null(strstr(err, ca.key_path));
	assert_null(net_tls_new(NET_TLS_S2S, nothing, 1, false, err, sizeof(err)));
	assert_string_equal(err, "/nonexistent/ca.crt: No such file or directory");
	assert_null(net_tls_new(NET_TLS_S2S, not_pem, 1, false, err, sizeof(err)));
	assert_non_null(strstr(err, "/etc/hostname: "));
	struct net_tls *tls = net_tls_new(NET_TLS_S2S, NULL, 0, true, err, sizeof(err));
	assert_non_null(tls);
	net_tls_unref(tls);

	struct net_creds *creds = cert_creds(&server_cert);
	assert_true(net_creds_covers(creds, STRL("server.example")));
	assert_false(net_creds_covers(creds, STRL("example")));
	assert_true(net_creds_not_after(creds) > 1000000000);
	net_creds_unref(net_creds_ref(creds));
	net_creds_unref(creds);

	struct cert weak = cert_make(
		"weak", &(struct cert_spec){ .san = "DNS:server.example", .rsa_bits = 1024 }, &ca);
	assert_null(net_creds_load(weak.cert_path, weak.key_path, err, sizeof(err)));
	assert_non_null(strstr(err, "too small"));
	cert_free(&weak);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),
		{ "threats D9 a chain that is too long", test_costly_certificates, NULL, NULL,
			NULL },
		cmocka_unit_test(test_costly_keys),
		cmocka_unit_test(test_load_errors),
	};
	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
