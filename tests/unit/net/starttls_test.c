/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on connections by upgrade, as in XMPP: whole, in single bytes, cut at any place, aborted in
 * any state. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "raw.h"
#include "rows.h"

static struct cert ca, server_cert, client_cert;

static int make_certs(void **state)
{
	ca = cert_make("ca", &(struct cert_spec){ .ca = true }, NULL);
	server_cert = cert_make("server",
		&(struct cert_spec){
			.san = "DNS:server.example,DNS:*.server.example", .eku = "serverAuth" },
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

static void upgrade_init(struct pairing *p)
{
	pairing_init(p, (struct net_listen_settings){ 0 });
	p->tls = cert_tls(NET_TLS_S2S, &ca);
	p->client.on_open = client_asks;
	p->client.on_input = client_upgrades;
	p->client.on_tls = client_secured;
	p->server.on_input = server_upgrades;
	p->server.on_tls = server_secured;
}

static void check_upgraded(struct pairing *p)
{
	assert_int_equal(p->client.n_tls, 1);
	assert_int_equal(p->server.n_tls, 1);
	assert_string_equal(version, "TLSv1.3");
	assert_true(str_is(buf_bytes(&p->client.got), "early late"));
	assert_int_equal(p->client.taken, 8 + 10);
	assert_int_equal(p->server.taken, 7 + 10);
	assert_int_equal(seen_by_client, NET_CERT_VALID);
	assert_int_equal(seen_other, NET_CERT_BAD);
	assert_string_equal(why, "certificate is for another domain");
	assert_int_equal(seen_by_server, NET_CERT_VALID);
	assert_string_equal(p->client.text, "closed");
	assert_string_equal(p->server.text, "closed by peer");
}

static void test_upgrade(void **state)
{
	struct pairing p;

	upgrade_init(&p);
	pairing_dial(&p);
	pairing_run(&p);
	check_upgraded(&p);
	pairing_done(&p);
}

static void dial_relay(struct pairing *p, const struct relay *r)
{
	p->client.conn = net_connect(p->loop, &r->addr, 1, 5000, &end_ops, &p->client);
}

/* The words of this small protocol come in pieces too. */
static size_t server_upgrades_slowly(struct end *e, struct str bytes)
{
	if (e->n_tls == 0 && bytes.len < 8)
		return 0;
	return server_upgrades(e, bytes);
}

static size_t client_upgrades_slowly(struct end *e, struct str bytes)
{
	if (e->n_tls == 0 && bytes.len < 7)
		return 0;
	return client_upgrades(e, bytes);
}

static void test_single_bytes(void **state)
{
	struct pairing p;
	struct relay r;

	upgrade_init(&p);
	p.server.on_input = server_upgrades_slowly;
	p.client.on_input = client_upgrades_slowly;
	relay_start(&r, &p, 1, SIZE_MAX);
	dial_relay(&p, &r);
	pairing_run(&p);
	check_upgraded(&p);
	pairing_done(&p);
	relay_join(&r);
}

/* The connection breaks after so many bytes. */
static void test_cut(void **state)
{
	for (size_t cut = 1; cut < 4000; cut += cut < 40 ? 1 : 61) {
		struct pairing p;
		struct relay r;
		upgrade_init(&p);
		p.server.on_input = server_upgrades_slowly;
		p.client.on_input = client_upgrades_slowly;
		relay_start(&r, &p, 4096, cut);
		dial_relay(&p, &r);
		pairing_run(&p);
		assert_int_equal(p.client.n_closed, 1);
		assert_true(p.server.n_closed == p.n_accepted);
		pairing_done(&p);
		relay_join(&r);
	}
}

/* --- endings of our own --- */

static unsigned abort_at; /* the n-th event of the aborting end */
static unsigned events;
static bool gently;

static bool abort_now(struct end *e)
{
	if (++events != abort_at)
		return false;
	if (gently)
		net_conn_close(e->conn, 1000);
	else
		net_conn_abort(e->conn);
	return true;
}

static void abort_on_open(struct end *e)
{
	if (!abort_now(e) && e == &e->p->client)
		client_asks(e);
}

static size_t abort_on_input(struct end *e, struct str bytes)
{
	bool client = e == &e->p->client;

	if (abort_now(e))
		return bytes.len;
	size_t used = client ? client_upgrades(e, bytes) : server_upgrades(e, bytes);
	abort_now(e); /* right after net_conn_start_tls() and the writes */
	return used;
}

static void abort_on_tls(struct end *e)
{
	if (!abort_now(e) && e == &e->p->client)
		net_conn_write(e->conn, STRL(" late"));
}

static void abort_on_taken(struct end *e)
{
	abort_now(e);
}

static void test_abort_anywhere(void **state)
{
	for (unsigned variant = 0; variant < 4; variant++) {
		gently = variant & 2;
		for (abort_at = 1; abort_at < 12; abort_at++) {
			struct pairing p;
			upgrade_init(&p);
			events = 0;
			struct end *e = variant & 1 ? &p.server : &p.client;
			e->on_open = abort_on_open;
			e->on_input = abort_on_input;
			e->on_tls = abort_on_tls;
			e->on_taken = abort_on_taken;
			pairing_dial(&p);
			pairing_run(&p);
			assert_int_equal(p.client.n_closed, 1);
			assert_true(p.server.n_closed == p.n_accepted);
			pairing_done(&p);
		}
	}
}

/* The loop is freed in the middle of a handshake. */
static void stop_loop(struct end *e)
{
	net_loop_stop(e->p->loop);
}

static size_t upgrade_and_stop(struct end *e, struct str bytes)
{
	size_t used = client_upgrades(e, bytes);
	net_loop_stop(e->p->loop);
	return used;
}

static void test_free_midway(void **state)
{
	struct pairing p;

	upgrade_init(&p);
	p.client.on_input = upgrade_and_stop;
	pairing_dial(&p);
	pairing_run(&p);
	pairing_done(&p);
	assert_int_equal(p.client.n_closed, 1);
	assert_int_equal(p.server.n_closed, 1);

	upgrade_init(&p);
	p.server.on_tls = stop_loop;
	pairing_dial(&p);
	pairing_run(&p);
	pairing_done(&p);
	assert_int_equal(p.client.n_closed, 1);
}

/* --- E3 and other things that are not a handshake --- */

struct script {
	const char *first; /* sent at once */
	const char *second; /* sent after "proceed" */
	size_t second_len;
};

static void play(int fd, void *arg)
{
	const struct script *s = arg;
	char reply[64];

	raw_write(fd, s->first, strlen(s->first));
	if (s->second && raw_read(fd, reply, 7) == 7)
		raw_write(fd, s->second, s->second_len);
	raw_read(fd, reply, sizeof(reply));
}

static size_t first_word(struct end *e, struct str bytes)
{
	return server_upgrades(e, str_from(bytes.p, bytes.len < 8 ? bytes.len : 8));
}

static void test_not_a_handshake(void **state)
{
	static const struct {
		const char *name;
		struct script script;
		const char *text;
	} cases[] = {
		{ "threats D1 plaintext in one segment with starttls", { "starttls<x/>", NULL, 0 },
			"tls: plaintext before the handshake" },
		{ "threats D4 plaintext in place of the handshake", { "starttls", "<stream>", 8 },
			"tls: plaintext instead of a handshake" },
		{ "threats D15 another protocol", { "starttls", "SSH-2.0-x\r\n", 11 },
			"tls: plaintext instead of a handshake" },
		{ "threats D8 ClientHello shorter than it can be",
			{ "starttls", "\x16\x03\x01\x02\x00\x01\x01\x00\x00", 9 },
			"tls: not a ClientHello" },
		{ "threats D4 a ServerHello",
			{ "starttls", "\x16\x03\x01\x02\x00\x02\x00\x00\x00", 9 },
			"tls: not a ClientHello" },
		{ "threats D8 record of one byte",
			{ "starttls", "\x16\x03\x01\x00\x01\x01\x00\x00\x00", 9 },
			"tls: not a ClientHello" },
		{ "threats D4 another major version",
			{ "starttls", "\x16\x02\x01\x02\x00\x01\x00\x00\x00", 9 },
			"tls: not a ClientHello" },
		{ "threats D8 record shorter than its message",
			{ "starttls", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10 }, NULL },
		{ "threats D14 a ClientHello of 64 KB, as one with such a name has to be",
			{ "starttls", "\x16\x03\x01\x40\x00\x01\x00\xff\xff", 9 },
			"tls: not a ClientHello" },
		{ "threats D8 empty record",
			{ "starttls", "\x16\x03\x01\x00\x00\x01\x00\x00\x01\x00", 10 }, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pairing p;
		struct raw r;
		struct script script = cases[i].script;
		name_row(cases[i].name);
		upgrade_init(&p);
		p.server.on_input = first_word;
		p.client.n_closed = 1;
		p.n_accepted = 1;
		raw_start(&r, &p, play, &script);
		pairing_run(&p);
		if (cases[i].text && strcmp(p.server.text, cases[i].text) != 0)
			fail_msg("%s: %s", cases[i].name, p.server.text);
		if (strncmp(p.server.text, "tls: ", 5) != 0)
			fail_msg("%s: %s", cases[i].name, p.server.text);
		assert_int_equal(p.server.n_tls, 0);
		pairing_done(&p);
		raw_join(&r);
	}
}

/* --- much data, both ways --- */

enum { LARGE = 6 * 1024 * 1024 };

static void write_large(struct end *e)
{
	struct buf *out = net_conn_out(e->conn);
	char *p = buf_space(out, LARGE);

	check(p);
	for (size_t i = 0; i < LARGE; i++)
		p[i] = (char)(i * 31 + i / 253);
	buf_commit(out, LARGE);
	net_conn_wrote(e->conn);
}

static struct net_timer *resume_timer;
static struct pairing *resuming;

static void resume(void *user)
{
	if (resuming->client.conn)
		net_conn_pause(resuming->client.conn, false);
	if (resuming->server.conn)
		net_conn_pause(resuming->server.conn, false);
}

static size_t read_some(struct end *e, struct str bytes)
{
	static unsigned calls;
	size_t left = LARGE - (size_t)e->received;
	size_t n = bytes.len < left && bytes.len > 33 ? bytes.len - 33 : bytes.len;

	if (!net_conn_tls_version(e->conn)) {
		if (e == &e->p->client)
			return client_upgrades(e, bytes);
		return server_upgrades(e, bytes);
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)e->received + i;
		if (bytes.p[i] != (char)(at * 31 + at / 253))
			fail_msg("byte %zu", at);
	}
	e->received += n;
	if (++calls % 5 == 0) {
		net_conn_pause(e->conn, true);
		net_timer_set(resume_timer, net_now(e->p->loop) + 1);
	}
	if (e->received == LARGE && e == &e->p->client)
		net_conn_close(e->conn, 20000);
	return n;
}

static size_t ask_without_early(struct end *e, struct str bytes)
{
	struct net_creds *creds = cert_creds(&client_cert);

	if (net_conn_tls_version(e->conn)) {
		net_creds_unref(creds);
		return read_some(e, bytes);
	}
	net_conn_start_tls(e->conn, e->p->tls, creds, false, STRL("server.example"));
	net_creds_unref(creds);
	return bytes.len;
}

static void test_large(void **state)
{
	struct pairing p;

	upgrade_init(&p);
	resuming = &p;
	resume_timer = net_timer_new(p.loop, resume, NULL);
	p.client.on_input = ask_without_early;
	p.server.on_input = read_some;
	p.client.on_tls = write_large;
	p.server.on_tls = write_large;
	pairing_dial(&p);
	pairing_run(&p);
	assert_int_equal(p.client.received, LARGE);
	assert_int_equal(p.server.received, LARGE);
	assert_int_equal(p.client.taken, 8 + LARGE);
	net_timer_free(resume_timer);
	pairing_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upgrade),
		{ "threats D8, D16 a handshake of single bytes", test_single_bytes, NULL, NULL,
			NULL },
		{ "threats D16 cut after each byte", test_cut, NULL, NULL, NULL },
		{ "threats D16 left at each step", test_abort_anywhere, NULL, NULL, NULL },
		cmocka_unit_test(test_free_midway),
		cmocka_unit_test(test_not_a_handshake),
		cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
