/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups through libunbound against a zone in this file, served by a thread over UDP on loopback.
 * The thread knows just enough of DNS: a question with one name, answers without compression.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/dane.h"
#include "net/posh.h"
#include "net/lookup.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "rows.h"

enum { A = 1, CNAME = 5, AAAA = 28, SRV = 33, SERVFAIL = 2, NXDOMAIN = 3 };

struct record {
	const char *name;
	int type;
	const char *data; /* address, name, or "priority weight port target" */
};

static const struct record zone[] = {
	{ "_xmpp-server._tcp.plain.lab", SRV, "10 5 5269 one.lab" },
	{ "_xmpp-server._tcp.plain.lab", SRV, "20 5 5270 two.lab" },
	{ "one.lab", A, "192.0.2.1" },
	{ "one.lab", AAAA, "2001:db8::1" },
	{ "two.lab", A, "192.0.2.2" },

	{ "_xmpps-server._tcp.mixed.lab", SRV, "5 0 5223 one.lab" },
	{ "_xmpps-server._tcp.mixed.lab", SRV, "30 0 443 two.lab" },
	{ "_xmpp-server._tcp.mixed.lab", SRV, "10 0 5269 two.lab" },

	{ "bare.lab", A, "192.0.2.9" },
	{ "bare.test", A, "192.0.2.10" },
	{ "alias.lab", CNAME, "bare.lab" },

	{ "_xmpp-server._tcp.closed.lab", SRV, "0 0 0 ." },
	{ "closed.lab", A, "192.0.2.9" },

	{ "_xmpp-server._tcp.onlytls.lab", SRV, "0 0 0 ." },
	{ "_xmpps-server._tcp.onlytls.lab", SRV, "0 0 5270 one.lab" },

	{ "_xmpps-server._tcp.notls.lab", SRV, "0 0 0 ." },
	{ "notls.lab", A, "192.0.2.9" },

	{ "_xmpp-server._tcp.inside.lab", SRV, "0 0 5269 inside.lab" },
	{ "inside.lab", A, "127.0.0.1" },
	{ "inside.lab", AAAA, "::ffff:10.0.0.1" },
	{ "_xmpp-server._tcp.half.lab", SRV, "0 0 5269 inside.lab" },
	{ "_xmpp-server._tcp.half.lab", SRV, "1 0 5269 one.lab" },

	{ "_xmpp-server._tcp.dangling.lab", SRV, "0 0 5269 nowhere.lab" },
	{ "fallback.broken.lab", A, "192.0.2.9" },

	{ "many.lab", A, "192.0.2.1" },
	{ "zero-ttl.lab", A, "192.0.2.3" },
	{ "long-ttl.lab", A, "192.0.2.4" },
	{ "lies.lab", A, "192.0.2.5" },
	{ "_xmpp-server._tcp.loop.lab", SRV, "0 0 5269 a.loop.lab" },
};

/* --- the responder --- */

struct message {
	unsigned char b[16384];
	size_t n;
};

static void put16(struct message *m, unsigned v)
{
	m->b[m->n++] = (unsigned char)(v >> 8);
	m->b[m->n++] = (unsigned char)v;
}

static void put_name(struct message *m, const char *name)
{
	while (*name && strcmp(name, ".") != 0) {
		size_t len = strcspn(name, ".");
		m->b[m->n++] = (unsigned char)len;
		memcpy(m->b + m->n, name, len);
		m->n += len;
		name += len + (name[len] == '.');
	}
	m->b[m->n++] = 0;
}

static void put_record(struct message *m, const struct record *r)
{
	unsigned priority, weight, port;
	char target[256];

	put_name(m, r->name);
	put16(m, (unsigned)r->type);
	put16(m, 1);
	put16(m, strcmp(r->name, "long-ttl.lab") == 0 ? 0x7fff : 0);
	put16(m, strcmp(r->name, "zero-ttl.lab") == 0 ? 0 : 60);
	size_t length_at = m->n;
	put16(m, 0);
	if (r->type == A) {
		check(inet_pton(AF_INET, r->data, m->b + m->n) == 1);
		m->n += 4;
	} else if (r->type == AAAA) {
		check(inet_pton(AF_INET6, r->data, m->b + m->n) == 1);
		m->n += 16;
	} else if (r->type == CNAME) {
		put_name(m, r->data);
	} else {
		check(sscanf(r->data, "%u %u %u %255s", &priority, &weight, &port, target) == 4);
		put16(m, priority);
		put16(m, weight);
		put16(m, port);
		put_name(m, target);
	}
	size_t len = m->n - length_at - 2;
	m->b[length_at] = (unsigned char)(len >> 8);
	m->b[length_at + 1] = (unsigned char)len;
}

static size_t read_question(const unsigned char *q, size_t n, char name[256], int *type)
{
	size_t at = 12, k = 0;

	while (at < n && q[at] != 0) {
		if (k)
			name[k++] = '.';
		for (size_t i = 0; i < q[at]; i++) {
			unsigned char c = q[at + 1 + i];
			name[k++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
		at += 1u + q[at];
	}
	name[k] = '\0';
	*type = q[at + 1] << 8 | q[at + 2];
	return at + 5;
}

static bool has_suffix(const char *name, const char *suffix)
{
	return str_ends(str_of(name), str_of(suffix));
}

static unsigned asked_zero_ttl;

/* False: no answer at all. */
static bool respond(const unsigned char *q, size_t n, struct message *m)
{
	char name[256];
	int type;
	size_t end = read_question(q, n, name, &type);
	unsigned answers = 0;
	bool exists = false;

	if (has_suffix(name, "silent.lab"))
		return false;
	if (strcmp(name, "zero-ttl.lab") == 0 && type == A)
		asked_zero_ttl++;
	memcpy(m->b, q, end);
	m->n = end;
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		if (strcmp(zone[i].name, name) != 0)
			continue;
		exists = true;
		if (zone[i].type != type && zone[i].type != CNAME)
			continue;
		put_record(m, &zone[i]);
		answers++;
		if (zone[i].type == CNAME)
			snprintf(name, sizeof(name), "%s", zone[i].data), i = (size_t)-1;
	}
	if (strcmp(name, "_xmpp-server._tcp.crowd.lab") == 0 && type == SRV) {
		exists = true;
		for (unsigned i = 0; i < 100; i++, answers++) {
			char data[64];
			snprintf(data, sizeof(data), "%u 0 5269 t%u.crowd.lab", i, i);
			put_record(m, &(struct record){ name, SRV, data });
		}
	}
	if (has_suffix(name, ".crowd.lab") && name[0] == 't' && type == A) {
		exists = true;
		for (unsigned i = 0; i < 20; i++, answers++) {
			char data[64];
			snprintf(data, sizeof(data), "192.0.2.%u", i + 1);
			put_record(m, &(struct record){ name, A, data });
		}
	}
	if (has_suffix(name, ".loop.lab") && type != SRV) {
		/* Each is an alias of the other. */
		exists = true;
		const char *other = name[0] == 'a' ? "b.loop.lab" : "a.loop.lab";
		put_record(m, &(struct record){ name, CNAME, other });
		answers++;
	}
	unsigned rcode = exists ? 0 : NXDOMAIN;
	if (has_suffix(name, "broken.lab"))
		rcode = SERVFAIL;
	m->b[2] = 0x84;
	m->b[3] = (unsigned char)(0x80 | rcode);
	memset(m->b + 6, 0, 6);
	m->b[6] = (unsigned char)(answers >> 8);
	m->b[7] = (unsigned char)answers;
	return true;
}

/* Answers that come before the true one: of another id, to another question, cut short, pointers in a
 * circle, and with a record about somebody else behind the answer. Each says 192.0.2.66. */
static void tell_lies(
	int fd, const unsigned char *q, size_t n, const struct sockaddr *to, socklen_t len)
{
	const struct record lie = { "lies.lab", A, "192.0.2.66" };
	struct message m = { .n = n };
	char name[256];
	int type;

	memcpy(m.b, q, n);
	m.b[2] = 0x84;
	m.b[3] = 0x80;
	m.b[7] = 1;
	m.b[11] = 0;
	m.n = read_question(q, n, name, &type);
	put_record(&m, &lie);
	m.b[0] ^= 0x55; /* another id */
	sendto(fd, m.b, m.n, 0, to, len);
	m.b[0] ^= 0x55;
	m.b[13] ^= 1; /* another question */
	sendto(fd, m.b, m.n, 0, to, len);
	m.b[13] ^= 1;
	sendto(fd, m.b, m.n - 9, 0, to, len); /* cut short */
	m.b[12] = 0xc0; /* a name that points at itself */
	m.b[13] = 0x0c;
	sendto(fd, m.b, m.n, 0, to, len);
}

static int responder_fd;
static pthread_t responder;
static struct net_addr responder_addr;

static void *run_responder(void *arg)
{
	unsigned char q[1500];
	struct sockaddr_storage from;

	while (true) {
		socklen_t len = sizeof(from);
		struct message m = { .n = 0 };
		ssize_t n = recvfrom(responder_fd, q, sizeof(q), 0, (void *)&from, &len);
		if (n < 12)
			return NULL; /* the end of the test */
		char name[256];
		int type;
		read_question(q, (size_t)n, name, &type);
		if (strcmp(name, "lies.lab") == 0 && type == A)
			tell_lies(responder_fd, q, (size_t)n, (void *)&from, len);
		if (respond(q, (size_t)n, &m))
			sendto(responder_fd, m.b, m.n, 0, (void *)&from, len);
	}
}

static int start_responder(void **state)
{
	struct sockaddr *sa = (struct sockaddr *)(void *)&responder_addr.sa;

	check(net_addr_parse(STRL("127.0.0.1:0"), &responder_addr));
	responder_fd = socket(AF_INET, SOCK_DGRAM, 0);
	check(bind(responder_fd, sa, responder_addr.len) == 0);
	check(getsockname(responder_fd, sa, &responder_addr.len) == 0);
	return pthread_create(&responder, NULL, run_responder, NULL);
}

static int stop_responder(void **state)
{
	const struct sockaddr *sa = (const struct sockaddr *)(const void *)&responder_addr.sa;

	sendto(responder_fd, "", 0, 0, sa, responder_addr.len);
	pthread_join(responder, NULL);
	close(responder_fd);
	return 0;
}

/* --- lookups --- */

struct lookup {
	struct net_loop *loop;
	unsigned n_done;
	enum net_lookup_result result;
	char text[2048]; /* targets */
	size_t n;
};

static void done(
	void *user, enum net_lookup_result result, const struct net_target *targets, size_t n)
{
	struct lookup *l = user;
	size_t at = 0;

	l->n_done++;
	l->result = result;
	l->n = n;
	for (size_t i = 0; i < n; i++) {
		char addr[64];
		net_addr_print(&targets[i].addr, addr);
		at += (size_t)snprintf(l->text + at, sizeof(l->text) - at, "%s%s%s", i ? " " : "",
			addr, targets[i].direct_tls ? "/tls" : "");
	}
	net_loop_stop(l->loop);
}

static bool may_dial(void *user, const struct net_addr *addr)
{
	return !net_addr_special(addr);
}

static struct net_resolver *new_resolver(struct net_loop *loop, unsigned timeout_ms)
{
	const struct net_resolver_settings s = {
		.forward = responder_addr, .timeout_ms = timeout_ms, .may_dial = may_dial
	};
	char err[128] = "";
	struct net_resolver *r = net_resolver_new(loop, &s, err, sizeof(err));

	if (!r)
		fail_msg("%s", err);
	return r;
}

static void test_lookups(void **state)
{
	static const struct {
		const char *domain;
		enum net_lookup_result result;
		const char *targets;
	} cases[] = {
		{ "plain.lab", NET_LOOKUP_FOUND,
			"192.0.2.1:5269 [2001:db8::1]:5269 192.0.2.2:5270" },
		{ "mixed.lab", NET_LOOKUP_FOUND,
			"192.0.2.1:5223/tls [2001:db8::1]:5223/tls 192.0.2.2:5269 "
			"192.0.2.2:443/tls" },
		{ "bare.lab", NET_LOOKUP_FOUND, "192.0.2.9:5269" },
		{ "bare.test", NET_LOOKUP_FOUND, "192.0.2.10:5269" },
		{ "alias.lab", NET_LOOKUP_FOUND, "192.0.2.9:5269" },
		{ "closed.lab", NET_LOOKUP_NOT_FOUND, "" },
		{ "onlytls.lab", NET_LOOKUP_FOUND, "192.0.2.1:5270/tls [2001:db8::1]:5270/tls" },
		{ "notls.lab", NET_LOOKUP_FOUND, "192.0.2.9:5269" },
		{ "inside.lab", NET_LOOKUP_FORBIDDEN, "" },
		{ "half.lab", NET_LOOKUP_FOUND, "192.0.2.1:5269 [2001:db8::1]:5269" },
		{ "dangling.lab", NET_LOOKUP_NOT_FOUND, "" },
		{ "nothing.lab", NET_LOOKUP_NOT_FOUND, "" },
		{ "broken.lab", NET_LOOKUP_FAILED, "" },
		{ "fallback.broken.lab", NET_LOOKUP_FAILED, "" },
		{ "", NET_LOOKUP_NOT_FOUND, "" },
		{ "a b.lab", NET_LOOKUP_NOT_FOUND, "" },
	};
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 20000);

	/* The second round comes from the cache. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			l.n_done = 0;
			l.text[0] = '\0';
			net_resolve(r, str_of(cases[i].domain), done, &l);
			assert_int_equal(l.n_done, 0);
			net_loop_run(l.loop);
			assert_int_equal(l.n_done, 1);
			if (l.result != cases[i].result || strcmp(l.text, cases[i].targets) != 0)
				fail_msg("%s: %d %s", cases[i].domain, l.result, l.text);
		}
	}
	net_resolver_free(r);
	net_loop_free(l.loop);
}

/* Where a redirect leads: the host's own addresses with the port, and the same rule about what may be dialled. */
static void test_host(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		enum net_lookup_result result;
		const char *targets;
	} cases[] = {
		{ "one.lab", 9222, NET_LOOKUP_FOUND, "192.0.2.1:9222 [2001:db8::1]:9222" },
		{ "closed.lab", 5269, NET_LOOKUP_FOUND, "192.0.2.9:5269" },
		{ "inside.lab", 5269, NET_LOOKUP_FORBIDDEN, "" },
		{ "nothing.lab", 5269, NET_LOOKUP_NOT_FOUND, "" },
		{ "a b.lab", 5269, NET_LOOKUP_NOT_FOUND, "" },
	};
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 20000);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		l.text[0] = '\0';
		net_resolve_host(r, str_of(cases[i].host), cases[i].port, done, &l);
		net_loop_run(l.loop);
		if (l.result != cases[i].result || strcmp(l.text, cases[i].targets) != 0)
			fail_msg("%s: %d %s", cases[i].host, l.result, l.text);
	}
	net_resolver_free(r);
	net_loop_free(l.loop);
}

static void test_bounded(void **state)
{
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 20000);

	net_resolve(r, STRL("crowd.lab"), done, &l);
	net_loop_run(l.loop);
	assert_int_equal(l.result, NET_LOOKUP_FOUND);
	assert_int_equal(l.n, NET_TARGETS_MAX);
	net_resolver_free(r);
	net_loop_free(l.loop);
}

static void test_timeout_and_cancel(void **state)
{
	struct lookup l = { .loop = net_loop_new() };
	struct lookup never = { .loop = l.loop };
	struct net_resolver *r = new_resolver(l.loop, 200);

	struct net_lookup *cancelled = net_resolve(r, STRL("plain.lab"), done, &never);
	net_resolve(r, STRL("silent.lab"), done, &l);
	net_lookup_cancel(cancelled);
	net_loop_run(l.loop);
	assert_int_equal(l.n_done, 1);
	assert_int_equal(l.result, NET_LOOKUP_FAILED);
	assert_int_equal(never.n_done, 0);
	/* Freed with lookups under way: nobody is told. */
	net_resolve(r, STRL("silent.lab"), done, &never);
	net_resolver_free(r);
	net_loop_free(l.loop);
	assert_int_equal(never.n_done, 0);
}

static void look_up(struct net_resolver *r, struct lookup *l, const char *domain)
{
	l->n_done = 0;
	l->text[0] = '\0';
	net_resolve(r, str_of(domain), done, l);
	net_loop_run(l->loop);
	assert_int_equal(l->n_done, 1);
}

/* Wrong answers before the right one do not count, and do not stop it. */
static void test_lies(void **state)
{
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 20000);

	look_up(r, &l, "lies.lab");
	assert_null(strstr(l.text, "192.0.2.66"));
	look_up(r, &l, "loop.lab");
	assert_int_not_equal(l.result, NET_LOOKUP_FOUND);
	net_resolver_free(r);
	net_loop_free(l.loop);
}

/* Neither an answer that is stale at once nor one for ever: the first is asked for once in a while. */
static void test_lifetimes(void **state)
{
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 20000);

	asked_zero_ttl = 0;
	for (int i = 0; i < 20; i++) {
		look_up(r, &l, "zero-ttl.lab");
		assert_string_equal(l.text, "192.0.2.3:5269");
	}
	assert_true(asked_zero_ttl >= 1 && asked_zero_ttl <= 3);
	look_up(r, &l, "long-ttl.lab");
	assert_string_equal(l.text, "192.0.2.4:5269");
	net_resolver_free(r);
	net_loop_free(l.loop);
}

/* Another server is asked from now on; who waits for the first one gets its answer. */
static void test_renew(void **state)
{
	struct lookup l = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(l.loop, 2000);
	struct net_resolver_settings to = { .forward = responder_addr };
	struct net_addr dead;
	char err[128];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	/* Nobody answers there. */
	check(net_addr_parse(STRL("127.0.0.1:0"), &dead));
	struct sockaddr *sa = (struct sockaddr *)(void *)&dead.sa;
	check(bind(fd, sa, dead.len) == 0 && getsockname(fd, sa, &dead.len) == 0);
	net_resolve(r, STRL("plain.lab"), done, &l);
	to.forward = dead;
	assert_true(net_resolver_renew(r, &to, err, sizeof(err)));
	net_loop_run(l.loop);
	assert_int_equal(l.result, NET_LOOKUP_FOUND);
	look_up(r, &l, "plain.lab");
	assert_int_equal(l.result, NET_LOOKUP_FAILED);
	net_resolve(r, STRL("bare.lab"), done, &l);
	to.forward = responder_addr;
	assert_true(net_resolver_renew(r, &to, err, sizeof(err)));
	net_loop_run(l.loop);
	assert_int_equal(l.result, NET_LOOKUP_FAILED);
	look_up(r, &l, "bare.lab");
	assert_string_equal(l.text, "192.0.2.9:5269");
	to.anchors = (const char *const[]){ "/nonexistent" };
	to.n_anchors = 1;
	assert_false(net_resolver_renew(r, &to, err, sizeof(err)));
	look_up(r, &l, "bare.lab");
	assert_int_equal(l.result, NET_LOOKUP_FOUND);
	/* Freed with a question to the one before. */
	net_resolve(r, STRL("silent.lab"), done, &l);
	to.n_anchors = 0;
	assert_true(net_resolver_renew(r, &to, err, sizeof(err)));
	net_resolver_free(r);
	net_loop_free(l.loop);
	close(fd);
}

/* --- what is built on single questions --- */

struct asked {
	struct net_loop *loop;
	unsigned n_done;
	bool dane_failed;
	const char *posh_error;
	unsigned dialled; /* times that the address of an HTTPS server was judged */
};

static void on_dane(void *user, struct net_dane *d)
{
	struct asked *a = user;

	a->n_done++;
	a->dane_failed = d->failed;
	net_dane_free(d);
	net_loop_stop(a->loop);
}

/* Long before the resolver itself would give up. */
static void test_dane_deadline(void **state)
{
	struct asked a = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(a.loop, 20000);
	uint64_t begun = net_now(a.loop);

	net_dane_resolve(r, STRL("silent.lab"), 200, on_dane, &a);
	net_loop_run(a.loop);
	assert_int_equal(a.n_done, 1);
	assert_true(a.dane_failed && net_now(a.loop) - begun >= 200);
	net_dane_resolve(r, STRL("bare.lab"), 20000, on_dane, &a);
	net_loop_run(a.loop);
	assert_int_equal(a.n_done, 2);
	assert_false(a.dane_failed);
	net_dane_cancel(net_dane_resolve(r, STRL("silent.lab"), 200, on_dane, &a));
	net_resolver_free(r);
	net_loop_free(a.loop);
	assert_int_equal(a.n_done, 2);
}

static void on_posh(void *user, const char *error, const struct net_posh_doc *doc)
{
	struct asked *a = user;

	a->n_done++;
	a->posh_error = error;
	net_loop_stop(a->loop);
}

static bool never_dial(void *user, const struct net_addr *addr, struct str host)
{
	struct asked *a = user;

	assert_true(!net_addr_special(addr) && host.len);
	a->dialled++;
	return false;
}

/* Neither an address that must not be dialled nor one that is dialled too often gets a connection for a document. */
static void test_posh_addresses(void **state)
{
	static const struct {
		const char *name, *domain, *error;
		unsigned dialled;
	} rows[] = {
		{ "threats I1 POSH at an address of our own network", "inside.lab",
			"POSH: the address of the HTTPS server is not permitted", 0 },
		{ "threats I9 POSH at an address that was dialled too often", "bare.lab",
			"POSH: too many connections to the address of the HTTPS server", 1 },
	};
	struct asked a = { .loop = net_loop_new() };
	struct net_resolver *r = new_resolver(a.loop, 20000);
	char err[256] = "";
	struct net_tls *tls = net_tls_new(NET_TLS_HTTPS, NULL, 0, true, err, sizeof(err));
	const struct net_posh_settings settings = {
		.tls = tls, .timeout_ms = 20000, .may_dial = never_dial, .user = &a
	};

	assert_non_null(tls);
	for (unsigned i = 0; i < 2; i++) {
		name_row(rows[i].name);
		a.dialled = 0;
		net_posh_fetch(r, &settings, str_of(rows[i].domain), on_posh, &a);
		net_loop_run(a.loop);
		assert_int_equal(a.n_done, i + 1);
		assert_string_equal(a.posh_error, rows[i].error);
		assert_int_equal(a.dialled, rows[i].dialled);
	}
	net_resolver_free(r);
	net_tls_unref(tls);
	net_loop_free(a.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s A1, A2, A3, E6 threats I1, I3 look-ups", test_lookups, NULL, NULL, NULL },
		{ "threats I3, I11 a hundred targets of twenty addresses", test_bounded, NULL, NULL,
			NULL },
		{ "threats I4 a server that does not answer", test_timeout_and_cancel, NULL, NULL,
			NULL },
		{ "threats I3, I4 wrong answers, names in a circle", test_lies, NULL, NULL, NULL },
		{ "threats I6 lifetimes of answers", test_lifetimes, NULL, NULL, NULL },
		{ "threats I4 TLSA look-up without an answer", test_dane_deadline, NULL, NULL,
			NULL },
		{ "addresses of HTTPS servers", test_posh_addresses, NULL, NULL, NULL },
		{ "another resolver while look-ups are under way", test_renew, NULL, NULL, NULL },
		{ "s2s A22 addresses of a host", test_host, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, start_responder, stop_responder);
}
