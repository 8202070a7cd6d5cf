/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer's certificate is worth beside its issuer's word: TLSA records, digests, revocation lists. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "net/dane.h"
#include "net/posh.h"
#include "pairing.h"
#include "raw.h"
#include "rows.h"

#define SAN "DNS:peer.example"

static struct cert ca, mid, other_ca, issued, own, targets, elsewhere, for_clients, old;
static struct net_creds *client_creds;

/* --- a connection on which the server looks at the client's certificate --- */

static void (*look)(struct net_conn *c, struct net_tls *tls, void *arg);
static void *look_arg;

static void on_open(struct end *e)
{
	look(e->conn, e->p->tls, look_arg);
	net_conn_close(e->conn, 1000);
}

static void start(struct end *e)
{
	net_conn_start_tls(e->conn, e->p->tls, client_creds, false, STRL("server.example"));
}

static void with_peer(const struct cert *cert,
	void (*fn)(struct net_conn *c, struct net_tls *tls, void *arg), void *arg)
{
	struct pairing p;
	struct net_tls *tls = cert_tls(NET_TLS_S2S, &ca);

	look = fn;
	look_arg = arg;
	pairing_init(&p, (struct net_listen_settings){ .detect = true, .tls = tls });
	p.tls = tls;
	p.creds = cert_creds(&issued);
	client_creds = cert_creds(cert);
	p.client.on_open = start;
	p.server.on_open = on_open;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 1);
	net_creds_unref(client_creds);
	pairing_done(&p);
}

/* --- TLSA --- */

enum of { OF_PEER, OF_CA, OF_NOBODY };

struct record {
	unsigned usage, selector, matching;
	enum of of;
	unsigned cut; /* bytes taken off */
};

struct dane_case {
	const char *name;
	const struct cert *peer;
	struct record records[3]; /* matching 9: no more */
	bool failed;
	const char *host; /* "": any server */
	enum net_dane_said said;
	const char *why;
};

#define END                                                                                        \
	{                                                                                          \
		.matching = 9                                                                      \
	}

static struct str association(const struct cert *c, const struct record *r)
{
	static unsigned char bytes[8192];
	unsigned char *der = NULL;
	unsigned n;
	int len = r->selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &der)
				   : i2d_X509(c->x509, &der);

	check(len > 0 && (size_t)len <= sizeof(bytes));
	if (r->matching == 0) {
		memcpy(bytes, der, (size_t)len);
		n = (unsigned)len;
	} else {
		const EVP_MD *md = r->matching == 2 ? EVP_sha512() : EVP_sha256();
		check(EVP_Digest(der, (size_t)len, bytes, &n, md, NULL) == 1);
	}
	OPENSSL_free(der);
	return str_from(bytes, n - r->cut);
}

static void add(struct net_dane_server *s, const struct dane_case *c, const struct record *r)
{
	const struct cert *of[] = { [OF_PEER] = c->peer, [OF_CA] = &mid, [OF_NOBODY] = &elsewhere };

	s->records[s->n++] = (struct net_tlsa){ (uint8_t)r->usage, (uint8_t)r->selector,
		(uint8_t)r->matching, str_dup(association(of[r->of], r)) };
}

static struct net_dane *make_dane(const struct dane_case *c)
{
	struct net_dane *d = calloc(1, sizeof(*d));

	check(d);
	d->failed = c->failed;
	d->n = 2;
	d->servers = calloc(2, sizeof(*d->servers));
	check(d->servers);
	snprintf(d->servers[0].host, sizeof(d->servers[0].host), "nothing.example");
	snprintf(d->servers[1].host, sizeof(d->servers[1].host), "target.example");
	d->servers[0].port = d->servers[1].port = 5269;
	for (size_t i = 0; i < 3 && c->records[i].matching != 9; i++)
		add(&d->servers[1], c, &c->records[i]);
	return d;
}

static void look_dane(struct net_conn *conn, struct net_tls *tls, void *arg)
{
	const struct dane_case *c = arg;
	struct net_dane *d = make_dane(c);
	const char *why = "-";
	enum net_dane_said said =
		net_conn_dane(conn, tls, d, STRL("peer.example"), str_of(c->host), 5269, &why);

	if (said != c->said || (c->why && (!why || strcmp(why, c->why) != 0)))
		fail_msg("%s: said %d, %s", c->name, said, why ? why : "-");
	net_dane_free(d);
}

#define AGREES_NOT "the certificate agrees with no TLSA record"
#define UNUSABLE "no usable TLSA record"

static void test_dane(void **state)
{
	struct dane_case cases[] = {
		{ "s2s E16 3 1 1: a key named itself", &own, { { 3, 1, 1, OF_PEER }, END }, false,
			"target.example", NET_DANE_YES, NULL },
		{ "s2s E16 3 0 2: a certificate named itself", &own, { { 3, 0, 2, OF_PEER }, END },
			false, "target.example", NET_DANE_YES, NULL },
		{ "s2s E16 3 0 0: the whole certificate", &own, { { 3, 0, 0, OF_PEER }, END },
			false, "target.example", NET_DANE_YES, NULL },
		{ "s2s E16 usage 3 needs no name and no date", &old, { { 3, 1, 1, OF_PEER }, END },
			false, "target.example", NET_DANE_YES, NULL },
		{ "s2s E16 usage 3 of another key", &own, { { 3, 1, 1, OF_NOBODY }, END }, false,
			"target.example", NET_DANE_DENIES, AGREES_NOT },
		{ "s2s E16 usage 2: the CA of a domain of its own", &issued,
			{ { 2, 0, 1, OF_CA }, END }, false, "target.example", NET_DANE_YES, NULL },
		{ "s2s E16 usage 2, reference name is the SRV target", &targets,
			{ { 2, 0, 1, OF_CA }, END }, false, "target.example", NET_DANE_YES, NULL },
		{ "s2s E16 usage 2, certificate for somebody else", &elsewhere,
			{ { 2, 0, 1, OF_CA }, END }, false, "target.example", NET_DANE_DENIES,
			"certificate is for another domain" },
		{ "usage 2, certificate for clients only", &for_clients,
			{ { 2, 0, 1, OF_CA }, END }, false, "target.example", NET_DANE_DENIES,
			"certificate is not for servers" },
		{ "threats I8 usage 0: the CA, and it is trusted", &issued,
			{ { 0, 0, 1, OF_CA }, END }, false, "target.example", NET_DANE_YES, NULL },
		{ "threats I8 usage 1: the certificate, and its CA is trusted", &issued,
			{ { 1, 1, 1, OF_PEER }, END }, false, "target.example", NET_DANE_YES,
			NULL },
		{ "threats I8 usage 1 of a self-signed certificate", &own,
			{ { 1, 1, 1, OF_PEER }, END }, false, "target.example", NET_DANE_DENIES,
			NULL },
		{ "threats I8 unknown usage", &issued, { { 7, 1, 1, OF_PEER }, END }, false,
			"target.example", NET_DANE_SILENT, UNUSABLE },
		{ "threats I8 unknown selector", &issued, { { 3, 9, 1, OF_PEER }, END }, false,
			"target.example", NET_DANE_SILENT, UNUSABLE },
		{ "threats I8 unknown digest", &issued, { { 3, 1, 7, OF_PEER }, END }, false,
			"target.example", NET_DANE_SILENT, UNUSABLE },
		{ "threats I8 digest of the wrong length", &issued,
			{ { 3, 1, 1, OF_PEER, 1 }, END }, false, "target.example", NET_DANE_SILENT,
			UNUSABLE },
		{ "threats I8 an unusable one beside a good one", &own,
			{ { 7, 1, 1, OF_PEER }, { 3, 1, 1, OF_PEER }, END }, false,
			"target.example", NET_DANE_YES, NULL },
		{ "threats I8 an unusable one beside a bad one", &own,
			{ { 7, 1, 1, OF_PEER }, { 3, 1, 1, OF_NOBODY }, END }, false,
			"target.example", NET_DANE_DENIES, AGREES_NOT },
		{ "old and new key while it is changed", &own,
			{ { 3, 1, 1, OF_NOBODY }, { 3, 1, 1, OF_PEER }, END }, false,
			"target.example", NET_DANE_YES, NULL },
		{ "no record", &own, { END }, false, "target.example", NET_DANE_SILENT,
			"no TLSA record" },
		{ "another server's records do not count", &own, { { 3, 1, 1, OF_PEER }, END },
			false, "nothing.example", NET_DANE_SILENT, "no TLSA record" },
		{ "a server that signed DNS does not name", &own, { { 3, 1, 1, OF_PEER }, END },
			false, "stranger.example", NET_DANE_DENIES,
			"signed DNS does not name this server" },
		{ "s2s E16 who dialled us may be any server of the domain", &own,
			{ { 3, 1, 1, OF_PEER }, END }, false, "", NET_DANE_YES, NULL },
		{ "s2s E16 who dialled us is none of them", &own, { { 3, 1, 1, OF_NOBODY }, END },
			false, "", NET_DANE_DENIES, AGREES_NOT },
		{ "threats I7 DNS failed", &own, { { 3, 1, 1, OF_PEER }, END }, true,
			"target.example", NET_DANE_DENIES, "DNS of the server's name failed" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name_row(cases[i].name);
		with_peer(cases[i].peer, look_dane, &cases[i]);
	}
}

static void look_failed_server(struct net_conn *conn, struct net_tls *tls, void *arg)
{
	struct net_dane d = { .n = 1 };
	struct net_dane_server s = { .host = "target.example", .port = 5269, .failed = true };
	const char *why;

	d.servers = &s;
	assert_int_equal(net_conn_dane(conn, tls, &d, STRL("peer.example"), STRL("target.example"),
				 5269, &why),
		NET_DANE_DENIES);
	d.n = 0;
	assert_int_equal(net_conn_dane(conn, tls, &d, STRL("peer.example"), STRL("target.example"),
				 5269, &why),
		NET_DANE_SILENT);
	assert_string_equal(why, "DNS of the domain is not signed");

	/* An SRV target that OpenSSL takes for no name: its records cannot be passed over. */
	const struct dane_case c = { .peer = &own };
	const struct record r = { 3, 1, 1, OF_PEER, 0 };
	s = (struct net_dane_server){ .host = "", .port = 5269 };
	add(&s, &c, &r);
	d.n = 1;
	assert_int_equal(net_conn_dane(conn, tls, &d, STRL("peer.example"), STRL(""), 5269, &why),
		NET_DANE_DENIES);
	str_free(&s.records[0].data);
}

/* --- digests: pins and POSH --- */

static void look_digests(struct net_conn *conn, struct net_tls *tls, void *arg)
{
	unsigned char key[32], cert[32];
	const struct record spki = { 3, 1, 1, OF_PEER, 0 }, whole = { 3, 0, 1, OF_PEER, 0 };
	struct net_posh_doc doc = { .n = 2 };
	char hex[65], wanted[65];

	assert_true(net_conn_cert_digests(conn, key, cert));
	assert_memory_equal(key, association(&own, &spki).p, 32);
	assert_memory_equal(cert, association(&own, &whole).p, 32);
	net_conn_cert_hash(conn, hex);
	for (int i = 0; i < 32; i++)
		snprintf(wanted + 2 * i, 3, "%02x", cert[i]);
	assert_string_equal(hex, wanted);
	assert_false(net_conn_posh(conn, &doc));
	memcpy(doc.sha256[1], key, 32);
	assert_false(net_conn_posh(conn, &doc));
	memcpy(doc.sha256[1], cert, 32);
	assert_true(net_conn_posh(conn, &doc));
}

static void test_digests(void **state)
{
	with_peer(&own, look_digests, NULL);
	with_peer(&own, look_failed_server, NULL);
}

/* --- revocation lists, and time --- */

static char *make_crl(const char *name, const struct cert *by, const struct cert *revoked, int days)
{
	char path[256];
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = X509_gmtime_adj(NULL, -10L * 24 * 3600);
	ASN1_TIME *to = X509_gmtime_adj(NULL, days * 24L * 3600);

	check(crl && from && to && X509_CRL_set_version(crl, 1) == 1);
	check(X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->x509)) == 1);
	check(X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1);
	if (revoked) {
		X509_REVOKED *r = X509_REVOKED_new();
		check(r && X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x509)));
		check(X509_REVOKED_set_revocationDate(r, from) && X509_CRL_add0_revoked(crl, r));
	}
	check(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
	snprintf(path, sizeof(path), "%s/%s.crl", certs_folder(), name);
	FILE *f = fopen(path, "w");
	check(f && PEM_write_X509_CRL(f, crl) == 1);
	fclose(f);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return str_dup_c(str_of(path));
}

struct crl_case {
	const char *name;
	const char *files[2];
	size_t n;
	enum net_cert result;
	const char *why;
};

/* The connection was made without a list; a reload brings one. */
static void look_again(struct net_conn *conn, struct net_tls *tls, void *arg)
{
	const struct crl_case *c = arg;
	struct net_tls *later = cert_tls(NET_TLS_S2S, &ca);
	char err[256];
	const char *why;

	assert_int_equal(net_conn_certificate(conn, STRL("peer.example"), &why), NET_CERT_VALID);
	assert_true(net_tls_add_crls(later, c->files, c->n, err, sizeof(err)));
	net_conn_verify_again(conn, later);
	if (net_conn_certificate(conn, STRL("peer.example"), &why) != c->result ||
		strcmp(why, c->why) != 0)
		fail_msg("%s: %s", c->name, why);
	/* And without it again. */
	net_conn_verify_again(conn, tls);
	assert_int_equal(net_conn_certificate(conn, STRL("peer.example"), &why), NET_CERT_VALID);
	net_tls_unref(later);
}

static void test_crls(void **state)
{
	char *revoked = make_crl("revoked", &mid, &issued, 10);
	char *other = make_crl("other", &mid, &own, 10);
	char *stale = make_crl("stale", &mid, NULL, -1);
	char *elses = make_crl("elses", &other_ca, &issued, 10);
	char *forged = make_crl("forged", &other_ca, NULL, 10);
	struct crl_case cases[] = {
		{ "s2s E12 threats D12 revoked meanwhile", { revoked }, 1, NET_CERT_BAD,
			"certificate revoked" },
		{ "another one is revoked", { other }, 1, NET_CERT_VALID, "valid" },
		{ "s2s E12 the list is out of date", { stale }, 1, NET_CERT_BAD,
			"CRL has expired" },
		{ "the list of another CA", { elses }, 1, NET_CERT_VALID, "valid" },
		{ "two files", { elses, revoked }, 2, NET_CERT_BAD, "certificate revoked" },
	};
	char err[256];
	const char *missing[] = { "/nonexistent.crl" }, *no_crl[] = { ca.cert_path };
	struct net_tls *tls = cert_tls(NET_TLS_S2S, &ca);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name_row(cases[i].name);
		with_peer(&issued, look_again, &cases[i]);
	}
	assert_false(net_tls_add_crls(tls, missing, 1, err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent.crl: No such file"));
	assert_false(net_tls_add_crls(tls, no_crl, 1, err, sizeof(err)));
	assert_non_null(strstr(err, ca.cert_path));
	net_tls_unref(tls);
	free(revoked);
	free(other);
	free(stale);
	free(elses);
	free(forged);
}

static void look_end(struct net_conn *conn, struct net_tls *tls, void *arg)
{
	const struct cert *c = arg;
	struct net_creds *creds = cert_creds(c);

	assert_int_equal(net_conn_cert_end(conn), net_creds_not_after(creds));
	net_creds_unref(creds);
}

/* s2s E12: the first certificate of the chain to run out is what counts. */
static void test_end(void **state)
{
	struct cert short_ca =
		cert_make("short-ca", &(struct cert_spec){ .ca = true, .to_days = 2 }, &ca);
	struct cert leaf = cert_make("long", &(struct cert_spec){ .san = SAN }, &short_ca);

	with_peer(&issued, look_end, &issued);
	with_peer(&own, look_end, &own);
	with_peer(&leaf, look_end, &short_ca);
	cert_free(&leaf);
	cert_free(&short_ca);
}

/* --- resumption --- */

struct visit {
	int version;
	SSL_SESSION *session; /* of the visit before */
	bool reused;
	bool ticket;
};

/* A client that keeps what the server gives it, and tries to come back with it. */
static void visit(int fd, void *arg)
{
	struct visit *v = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char byte;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_set_max_proto_version(ctx, v->version);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (v->session)
		SSL_set_session(ssl, v->session);
	check(SSL_connect(ssl) == 1);
	v->reused = SSL_session_reused(ssl);
	SSL_write(ssl, "hello", 5);
	SSL_shutdown(ssl);
	while (SSL_read(ssl, &byte, 1) > 0) /* tickets come behind the handshake */
		;
	v->ticket = SSL_SESSION_has_ticket(SSL_get0_session(ssl));
	SSL_SESSION_free(v->session);
	v->session = SSL_get1_session(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void serve_visit(struct visit *v)
{
	struct net_tls *tls = cert_tls(NET_TLS_S2S, &ca);
	struct pairing p;
	struct raw r;

	pairing_init(&p, (struct net_listen_settings){ .detect = true, .tls = tls });
	p.tls = tls;
	p.creds = cert_creds(&issued);
	p.client.n_closed = 1;
	p.n_accepted = 1;
	raw_start(&r, &p, visit, v);
	pairing_run(&p);
	raw_join(&r);
	assert_true(str_is(buf_bytes(&p.server.got), "hello"));
	pairing_done(&p);
}

/* Each connection is a whole handshake: who comes back is looked at again. */
static void test_resumption(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2; i++) {
		struct visit v = { .version = versions[i] };
		serve_visit(&v);
		assert_false(v.ticket);
		serve_visit(&v);
		assert_false(v.reused);
		SSL_SESSION_free(v.session);
	}
}

static void test_usage(void **state)
{
	struct net_creds *good = cert_creds(&issued), *bad = cert_creds(&for_clients);

	assert_true(net_creds_for_servers(good));
	assert_false(net_creds_for_servers(bad));
	net_creds_unref(good);
	net_creds_unref(bad);
}

static int make_certs(void **state)
{
	ca = cert_make("ca", &(struct cert_spec){ .ca = true, .to_days = 60 }, NULL);
	mid = cert_make("mid", &(struct cert_spec){ .ca = true, .to_days = 50 }, &ca);
	other_ca = cert_make("other-ca", &(struct cert_spec){ .ca = true }, NULL);
	issued = cert_make("issued", &(struct cert_spec){ .san = SAN }, &mid);
	own = cert_make("own", &(struct cert_spec){ .san = SAN }, NULL);
	targets = cert_make("targets", &(struct cert_spec){ .san = "DNS:target.example" }, &mid);
	elsewhere = cert_make("elsewhere", &(struct cert_spec){ .san = "DNS:else.example" }, &mid);
	for_clients = cert_make(
		"for-clients", &(struct cert_spec){ .san = SAN, .eku = "clientAuth" }, &mid);
	old = cert_make("old",
		&(struct cert_spec){ .san = "DNS:else.example", .from_days = -9, .to_days = -1 },
		NULL);
	return 0;
}

static int drop_certs(void **state)
{
	struct cert *all[] = { &ca, &mid, &other_ca, &issued, &own, &targets, &elsewhere,
		&for_clients, &old };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cert_free(all[i]);
	certs_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dane),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_crls),
		{ "s2s E12 the end of a chain", test_end, NULL, NULL, NULL },
		{ "s2s E15 no tickets and no resumption", test_resumption, NULL, NULL, NULL },
		{ "threats D12 usage of own certificates", test_usage, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
