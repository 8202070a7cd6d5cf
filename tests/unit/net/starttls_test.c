/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on connections: upgrades, direct TLS, endings. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "pairing.h"

static struct cert ca, server_cert, client_cert;

static int make_certs(void **state)
{
	ca = cert_make("ca", &(struct cert_spec){ .ca = true }, NULL);
	server_cert = cert_make("server",
		&(struct cert_spec){ .san = "DNS:server.example,DNS:*.server.example",
			.eku = "serverAuth" },
		&ca);
	client_cert = cert_make("client",
		&(struct cert_spec){ .san = "DNS:client.example", .eku = "serverAuth" }, &ca);
	return 0;
}

static int drop_certs(void **state)
{
	cert_free(&ca);
	cert_free(&server_cert);
	cert_free(&client_cert);
	certs_cleanup();
	return 0;
}

/* --- an upgrade as in XMPP --- */

static size_t server_upgrades(struct end *e, struct str bytes)
{
	if (str_is(bytes, "starttls")) {
		struct net_creds *creds = cert_creds(&server_cert);
		net_conn_write(e->conn, STRL("proceed"));
		net_conn_start_tls(e->conn, e->p->tls, creds, true, STRL(""));
		net_creds_unref(creds);
	} else {
		/* Echo. */
		e->received += bytes.len;
		net_conn_write(e->conn, bytes);
	}
	return bytes.len;
}

static void client_asks(struct end *e)
{
	net_conn_write(e->conn, STRL("starttls"));
}

static size_t client_upgrades(struct end *e, struct str bytes)
{
	if (str_is(bytes, "proceed")) {
		struct net_creds *creds = cert_creds(&client_cert);
		net_conn_start_tls(e->conn, e->p->tls, creds, false, STRL("server.example"));
		net_creds_unref(creds);
		net_conn_write(e->conn, STRL("early"));
	} else {
		check(buf_append(&e->got, bytes));
		if (buf_len(&e->got) == 10)
			net_conn_close(e->conn, 2000);
	}
	return bytes.len;
}

static const char *why;
static enum net_cert seen_by_client, seen_other, seen_by_server;
static char version[16];

static void client_secured(struct end *e)
{
	char hash[65];

	snprintf(version, sizeof(version), "%s", net_conn_tls_version(e->conn));
	seen_by_client = net_conn_certificate(e->conn, STRL("server.example"), &why);
	seen_other = net_conn_certificate(e->conn, STRL("other.example"), &why);
	net_conn_cert_hash(e->conn, hash);
	assert_int_equal(strlen(hash), 64);
	net_conn_write(e->conn, STRL(" late"));
}

static void server_secured(struct end *e)
{
	const char *reason;
	seen_by_server = net_conn_certificate(e->conn, STRL("client.example"), &reason);
	if (seen_by_server != NET_CERT_VALID)
		print_error("%s\n", reason);
}

static void test_upgrade(void **state)
{
	struct pairing p;

	pairing_init(&p, (struct net_listen_settings){ 0 });
	p.tls = cert_tls(NET_TLS_S2S, &ca);
	p.client.on_open = client_asks;
	p.client.on_input = client_upgrades;
	p.client.on_tls = client_secured;
	p.server.on_input = server_upgrades;
	p.server.on_tls = server_secured;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.client.n_tls, 1);
	assert_int_equal(p.server.n_tls, 1);
	assert_string_equal(version, "TLSv1.3");
	assert_true(str_is(buf_bytes(&p.client.got), "early late"));
	assert_int_equal(p.client.taken, 8 + 10);
	assert_int_equal(p.server.taken, 7 + 10);
	assert_int_equal(seen_by_client, NET_CERT_VALID);
	assert_int_equal(seen_other, NET_CERT_BAD);
	assert_string_equal(why, "certificate is for another domain");
	assert_int_equal(seen_by_server, NET_CERT_VALID);
	assert_string_equal(p.client.text, "closed");
	assert_string_equal(p.server.text, "closed by peer");
	pairing_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upgrade),
	};
	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
