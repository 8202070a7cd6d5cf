/* SPDX-License-Identifier: Apache-2.0 */
/* What a TLS context accepts: direct TLS with server names, ALPN, versions, the link. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include <stdatomic.h>

#include "base/check.h"
#include "net/tls_int.h"
#include "raw.h"
#include "rows.h"

static struct cert ca, other_ca, server_cert, node_cert;

static int make_certs(void **state)
{
	const struct cert_spec leaf = { .san = "DNS:server.example", .eku = "serverAuth" };
	const struct cert_spec node = { .san = "DNS:inner-a,DNS:*.wild",
		.eku = "serverAuth,clientAuth" };

	ca = cert_make("ca", &(struct cert_spec){ .ca = true }, NULL);
	other_ca = cert_make("other-ca", &(struct cert_spec){ .ca = true }, NULL);
	server_cert = cert_make("server", &leaf, &ca);
	node_cert = cert_make("node", &node, &ca);
	return 0;
}

static int drop_certs(void **state)
{
	cert_free(&ca);
	cert_free(&other_ca);
	cert_free(&server_cert);
	cert_free(&node_cert);
	certs_cleanup();
	return 0;
}

/* --- direct TLS --- */

static const char *ask_for;

static void start_direct(struct end *e)
{
	net_conn_start_tls(e->conn, e->p->tls, NULL, false, str_of(ask_for));
	net_conn_write(e->conn, STRL("hello"));
}

static void close_after(struct end *e)
{
	if (e->taken >= 5)
		net_conn_close(e->conn, 2000);
}

static void direct_init(struct pairing *p, bool tls_only)
{
	struct net_tls *tls = cert_tls(NET_TLS_S2S, &ca);

	pairing_init(p,
		(struct net_listen_settings){
			.detect = !tls_only, .tls_only = tls_only, .tls = tls });
	p->tls = tls;
	p->creds = cert_creds(&server_cert);
	p->client.on_open = start_direct;
	p->client.on_taken = close_after;
}

static void test_direct(void **state)
{
	for (int only = 0; only < 2; only++) {
		struct pairing p;
		ask_for = "Server.Example";
		direct_init(&p, only);
		pairing_dial(&p);
		pairing_run(&p);
		assert_string_equal(p.sni, "server.example");
		assert_true(p.server.direct_tls);
		assert_int_equal(p.server.n_tls, 0);
		assert_true(str_is(buf_bytes(&p.server.got), "hello"));
		assert_string_equal(p.server.text, "closed by peer");
		pairing_done(&p);
	}
}

static void test_direct_unknown_name(void **state)
{
	struct pairing p;

	ask_for = "unknown.example";
	direct_init(&p, false);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	assert_string_equal(p.client.text, "tls: tlsv1 unrecognized name");
	pairing_done(&p);
}

static void test_direct_without_name(void **state)
{
	struct pairing p;

	ask_for = "";
	direct_init(&p, false);
	pairing_dial(&p);
	pairing_run(&p);
	assert_string_equal(p.sni, "");
	assert_int_equal(p.n_accepted, 1);
	pairing_done(&p);
}

static void abort_at_accept(struct end *e)
{
	net_conn_abort(e->conn);
}

static void test_direct_refused_by_program(void **state)
{
	struct pairing p;

	ask_for = "server.example";
	direct_init(&p, false);
	p.server.on_open = abort_at_accept;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.server.n_closed, 1);
	pairing_done(&p);
}

/* New contexts after a reload; the old one lives as long as its handshakes. */
static void test_set_tls(void **state)
{
	struct pairing p;

	ask_for = "server.example";
	direct_init(&p, true);
	struct net_tls *newer = cert_tls(NET_TLS_S2S, &other_ca);
	net_listener_set_tls(p.listener, newer);
	net_tls_unref(newer);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 1);
	pairing_done(&p);
}

/* --- the link --- */

static struct net_creds *client_creds;
static bool right_node, wrong_node, wildcard_node;

static void start_link(struct end *e)
{
	net_conn_start_tls(e->conn, e->p->tls, client_creds, false, STRL(""));
	net_conn_write(e->conn, STRL("hello"));
}

static void look_at_node(struct end *e)
{
	right_node = net_conn_is_node(e->conn, STRL("inner-a"));
	wrong_node = net_conn_is_node(e->conn, STRL("inner-b"));
	wildcard_node = net_conn_is_node(e->conn, STRL("a.wild"));
}

static void link_init(struct pairing *p)
{
	struct net_tls *tls = cert_tls(NET_TLS_LINK, &ca);

	pairing_init(p, (struct net_listen_settings){ .tls_only = true, .tls = tls });
	p->tls = tls;
	p->creds = cert_creds(&node_cert);
	p->client.on_open = start_link;
	p->client.on_taken = close_after;
	p->server.on_open = look_at_node;
}

static void test_link(void **state)
{
	struct pairing p;

	link_init(&p);
	client_creds = cert_creds(&node_cert);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 1);
	assert_true(right_node);
	assert_false(wrong_node);
	assert_false(wildcard_node);
	assert_true(str_is(buf_bytes(&p.server.got), "hello"));
	net_creds_unref(client_creds);
	pairing_done(&p);
}

static void test_link_needs_certificate(void **state)
{
	struct pairing p;

	link_init(&p);
	client_creds = NULL;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	pairing_done(&p);

	/* A certificate of another CA. */
	struct cert stranger =
		cert_make("stranger", &(struct cert_spec){ .san = "DNS:inner-a" }, &other_ca);
	link_init(&p);
	client_creds = cert_creds(&stranger);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	net_creds_unref(client_creds);
	pairing_done(&p);
	cert_free(&stranger);
}

static void test_link_checks_the_server(void **state)
{
	struct pairing p;

	link_init(&p);
	client_creds = cert_creds(&node_cert);
	net_tls_unref(p.tls);
	p.tls = cert_tls(NET_TLS_LINK, &other_ca);
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.n_accepted, 0);
	assert_int_equal(p.client.n_tls, 0);
	assert_true(strncmp(p.client.text, "tls: ", 5) == 0);
	net_creds_unref(client_creds);
	pairing_done(&p);
}

/* --- other people's clients --- */

struct client {
	const char *name;
	const char *alpn; /* with its length byte, or NULL */
	int max_version;
	const char *ciphers; /* for TLS 1.2 */
	bool works;
	bool renegotiates; /* tries to, a hundred times */
	const char *groups;
};

struct hello {
	const struct client *client;
	bool worked;
	bool extras; /* compression or early data */
	atomic_bool ended; /* the thread has hung up */
	const char *alpn; /* chosen */
};

static void renegotiate(SSL *ssl)
{
	char byte;

	/* Refused by an alert each time, or the connection is gone. */
	for (int i = 0; i < 100; i++) {
		if (SSL_renegotiate(ssl) != 1 || SSL_do_handshake(ssl) != 1)
			break;
		check(SSL_num_renegotiations(ssl) <= 1);
	}
	check(SSL_read(ssl, &byte, 1) <= 0 && SSL_num_renegotiations(ssl) <= 1);
}

static void foreign_client(int fd, void *arg)
{
	struct hello *h = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const unsigned char *chosen;
	unsigned len;

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, h->client->max_version);
	SSL_CTX_clear_options(ctx, SSL_OP_NO_COMPRESSION);
	if (h->client->groups) {
		char groups[32]; /* OpenSSL's macro takes no const */
		snprintf(groups, sizeof(groups), "%s", h->client->groups);
		check(SSL_CTX_set1_groups_list(ctx, groups) == 1);
	}
	if (h->client->ciphers)
		check(SSL_CTX_set_cipher_list(ctx, h->client->ciphers) == 1);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (h->client->alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)h->client->alpn,
			(unsigned)strlen(h->client->alpn));
	h->worked = SSL_connect(ssl) == 1;
	if (h->worked) {
		SSL_get0_alpn_selected(ssl, &chosen, &len);
		h->alpn = len ? "yes" : NULL;
		h->extras = SSL_get_current_compression(ssl) != NULL;
		SSL_write(ssl, "hello", 5);
		if (h->client->renegotiates)
			renegotiate(ssl);
		/* Tickets come with what is read. */
		SSL_set_mode(ssl, SSL_MODE_AUTO_RETRY);
		h->extras |= SSL_SESSION_get_max_early_data(SSL_get_session(ssl)) != 0;
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	h->ended = true;
}

static void test_foreign_clients(void **state)
{
	static const struct client clients[] = {
		{ "threats D7 TLS 1.3: no compression, no early data", NULL, TLS1_3_VERSION, NULL,
			true },
		{ "threats D7 TLS 1.2: no compression", NULL, TLS1_2_VERSION, NULL, true },
		{ "threats D6 renegotiation", NULL, TLS1_2_VERSION, NULL, true, true },
		{ "threats D5 TLS 1.1", NULL, TLS1_1_VERSION, NULL, false },
		{ "threats D5 TLS 1.0", NULL, TLS1_VERSION, NULL, false },
		{ "s2s E7 xmpp-server", "\013xmpp-server", TLS1_3_VERSION, NULL, true },
		{ "s2s E7 xmpp-server among others", "\002h2\013xmpp-server", TLS1_3_VERSION, NULL,
			true },
		{ "s2s E7 threats D15 h2", "\002h2", TLS1_3_VERSION, NULL, false },
		{ "s2s E7 threats D15 xmpp-client", "\013xmpp-client", TLS1_2_VERSION, NULL,
			false },
		{ "s2s E7 threats D15 other case", "\013XMPP-SERVER", TLS1_2_VERSION, NULL, false },
		{ "s2s E4 ChaCha20", NULL, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true },
		{ "threats D5 CBC", NULL, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false },
		{ "threats D5 key transport by RSA", NULL, TLS1_2_VERSION, "AES128-GCM-SHA256",
			false },
		{ "threats D5 no encryption", NULL, TLS1_2_VERSION, "NULL", false },
		{ "threats D5 no authentication", NULL, TLS1_2_VERSION, "aNULL", false },
		{ .name = "threats D5 no common group",
			.max_version = TLS1_3_VERSION,
			.groups = "ffdhe8192" },
	};

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct pairing p;
		struct raw r;
		struct hello h = { .client = &clients[i] };
		name_row(clients[i].name);
		direct_init(&p, false);
		p.client.n_closed = 1;
		p.server.n_closed = 0;
		raw_start(&r, &p, foreign_client, &h);
		/* A refused one never reaches the program: the loop runs until the thread has hung
		 * up. */
		if (!clients[i].works) {
			while (!h.ended) {
				net_timer_set(p.alarm, net_now(p.loop) + 20);
				net_loop_run(p.loop);
			}
		} else {
			p.n_accepted = 1;
			pairing_run(&p);
		}
		raw_join(&r);
		if (h.worked != clients[i].works && clients[i].works)
			fail_msg("%s", clients[i].name);
		if (!clients[i].works && p.n_accepted != 0)
			fail_msg("%s was accepted", clients[i].name);
		assert_false(h.extras);
		if (clients[i].works)
			assert_true(str_is(buf_bytes(&p.server.got), "hello"));
		pairing_done(&p);
	}
}

/* --- each handshake stands alone --- */

struct again {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* of the handshake before */
	bool reused;
};

static void session_client(int fd, void *arg)
{
	struct again *a = arg;
	SSL *ssl = SSL_new(a->ctx);
	char byte;

	SSL_set_fd(ssl, fd);
	if (a->session)
		check(SSL_set_session(ssl, a->session) == 1);
	check(SSL_connect(ssl) == 1);
	a->reused |= SSL_session_reused(ssl);
	SSL_write(ssl, "hello", 5);
	SSL_shutdown(ssl);
	/* Tickets, if there were any, would come by now. */
	while (SSL_read(ssl, &byte, 1) > 0) {
	}
	SSL_SESSION_free(a->session);
	a->session = SSL_get1_session(ssl);
	SSL_free(ssl);
}

/* Nobody gets around the check of his certificate with a session of another handshake. */
static void test_no_resumption(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct pairing p;
		struct again a = { .ctx = SSL_CTX_new(TLS_client_method()) };
		SSL_CTX_set_max_proto_version(a.ctx, versions[i]);
		direct_init(&p, false);
		for (int round = 0; round < 3; round++) {
			struct raw r;
			p.client.n_closed = 1;
			p.server.n_closed = 0;
			raw_start(&r, &p, session_client, &a);
			p.n_accepted = 1;
			pairing_run(&p);
			raw_join(&r);
		}
		assert_false(a.reused);
		SSL_SESSION_free(a.session);
		SSL_CTX_free(a.ctx);
		pairing_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s E5 s2s E6 direct TLS, certificate by server name", test_direct, NULL, NULL,
			NULL },
		{ "s2s E5 threats D14 unknown server name", test_direct_unknown_name, NULL, NULL,
			NULL },
		{ "s2s E5 direct TLS without server name", test_direct_without_name, NULL, NULL,
			NULL },
		cmocka_unit_test(test_direct_refused_by_program),
		cmocka_unit_test(test_set_tls),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_needs_certificate),
		cmocka_unit_test(test_link_checks_the_server),
		{ "s2s E4 s2s E7 versions, suites and ALPN of foreign clients",
			test_foreign_clients, NULL, NULL, NULL },
		{ "s2s E15 threats D13 no session is resumed", test_no_resumption, NULL, NULL,
			NULL },
	};
	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
