/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/random.h"
#include "inner/steer.h"
#include "rows.h"

enum { A = 1, SOA = 6, TXT = 16, AAAA = 28, SRV = 33, AXFR = 252, ANY = 255 };
enum { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMPL = 4, REFUSED = 5 };

static bool is_local(void *user, struct str domain)
{
	return str_is(domain, "example.se") || str_ends(domain, STRL(".example.se"));
}

#define V4 .targets = { { .addr = { 10, 2, 0, 4 }, .priority = 5, .weight = 10 } }, .n_targets = 1
static const struct steer v4 = { V4, .port = 5269, .ttl = 30, .is_local = is_local };
static const struct steer v4_tls = { V4, .port = 5269, .srv = true, .srv_tls = true, .ttl = 30,
	.is_local = is_local };
static const struct steer v4_srv = { V4, .port = 5269, .srv = true, .ttl = 30,
	.is_local = is_local };
static const struct steer v6 = { .targets = { { .addr = { 0xfd, [15] = 4 }, .is_v6 = true } },
	.n_targets = 1,
	.port = 5269,
	.ttl = 30,
	.is_local = is_local };
static const struct steer several = {
	.targets = {
		{ .addr = { 10, 2, 0, 4 }, .priority = 5, .weight = 70 },
		{ .addr = { 10, 2, 0, 5 }, .priority = 5, .weight = 30 },
		{ .addr = { 0xfd, [15] = 6 }, .is_v6 = true, .priority = 9 },
	},
	.n_targets = 3,
	.port = 5269,
	.srv = true,
	.srv_tls = true,
	.ttl = 5,
	.is_local = is_local
};

/* A question with one name in text form; returns its length. */
static size_t make_question(const char *name, unsigned type, unsigned char out[512])
{
	unsigned char head[12] = { 0x12, 0x34, 0x01, 0, 0, 1 };
	size_t at = sizeof(head);

	memcpy(out, head, sizeof(head));
	while (*name) {
		size_t n = strcspn(name, ".");
		out[at++] = (unsigned char)n;
		memcpy(out + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	out[at++] = 0;
	out[at++] = (unsigned char)(type >> 8);
	out[at++] = (unsigned char)type;
	out[at++] = 0;
	out[at++] = 1;
	return at;
}

static const struct {
	const char *test;
	const struct steer *steer;
	const char *name;
	unsigned type;
	int rcode;
	int answers;
} cases[] = {
	{ "foreign A", &v4, "example.com", A, NOERROR, 1 },
	{ "foreign A, upper case", &v4, "EXAMPLE.Com", A, NOERROR, 1 },
	{ "foreign AAAA has no data", &v4, "example.com", AAAA, NOERROR, 0 },
	{ "foreign AAAA on v6", &v6, "example.com", AAAA, NOERROR, 1 },
	{ "foreign A on v6 has no data", &v6, "example.com", A, NOERROR, 0 },
	{ "local", &v4, "example.se", A, NXDOMAIN, 0 },
	{ "local, upper case", &v4, "EXAMPLE.SE", A, NXDOMAIN, 0 },
	{ "below local", &v4, "conference.example.se", A, NXDOMAIN, 0 },
	{ "not below local", &v4, "badexample.se", A, NOERROR, 1 },
	{ "SRV without srv", &v4, "_xmpp-server._tcp.example.com", SRV, NXDOMAIN, 0 },
	{ "SRV with srv", &v4_srv, "_xmpp-server._tcp.example.com", SRV, NOERROR, 1 },
	{ "SRV name, other type", &v4_srv, "_xmpp-server._tcp.example.com", TXT, NOERROR, 0 },
	{ "SRV of a local name", &v4_srv, "_xmpp-server._tcp.example.se", SRV, NXDOMAIN, 0 },
	{ "direct TLS SRV", &v4_srv, "_xmpps-server._tcp.example.com", SRV, NXDOMAIN, 0 },
	{ "direct TLS SRV with tls (s2s E6)", &v4_tls, "_xmpps-server._tcp.example.com", SRV,
		NOERROR, 1 },
	{ "direct TLS SRV of a local name", &v4_tls, "_xmpps-server._tcp.example.se", SRV, NXDOMAIN,
		0 },
	{ "old SRV", &v4_srv, "_jabber._tcp.example.com", SRV, NXDOMAIN, 0 },
	{ "client SRV", &v4_srv, "_xmpp-client._tcp.example.com", SRV, NXDOMAIN, 0 },
	{ "TXT has no data", &v4, "example.com", TXT, NOERROR, 0 },
	{ "ANY", &v4, "example.com", ANY, REFUSED, 0 },
	{ "AXFR", &v4, "example.com", AXFR, REFUSED, 0 },
	{ "odd characters", &v4, "exa mple.com", A, REFUSED, 0 },
	{ "several inners", &several, "example.com", A, NOERROR, 2 },
	{ "several inners, one of v6", &several, "example.com", AAAA, NOERROR, 1 },
	{ "several inners, SRV", &several, "_xmpp-server._tcp.example.com", SRV, NOERROR, 3 },
	{ "several inners, SRV with tls", &several, "_xmpps-server._tcp.example.com", SRV, NOERROR,
		3 },
	{ "the second inner", &several, "sallyport-inner-2.example.com", A, NOERROR, 1 },
	{ "the second inner has no v6", &several, "sallyport-inner-2.example.com", AAAA, NOERROR,
		0 },
	{ "the third inner", &several, "sallyport-inner-3.example.com", AAAA, NOERROR, 1 },
	{ "an inner that is not there", &several, "sallyport-inner-4.example.com", A, NOERROR, 2 },
	{ "an inner of a local name", &several, "sallyport-inner-1.example.se", A, NXDOMAIN, 0 },
	{ "an inner of nothing", &several, "sallyport-inner-1", A, NOERROR, 2 },
	{ "an inner's name where there is one", &v4, "sallyport-inner-1.example.com", A, NOERROR,
		1 },
	{ "A-label", &v4, "xn--bcher-kva.example", A, NOERROR, 1 },
};

static void answers(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char q[512];
		struct buf out;
		name_row(cases[i].test);
		size_t n = make_question(cases[i].name, cases[i].type, q);
		buf_init(&out, 4096);
		assert_true(steer_answer(cases[i].steer, str_from(q, n), &out));
		const unsigned char *a = (const unsigned char *)buf_bytes(&out).p;
		assert_true(buf_len(&out) >= 12);
		if (a[0] != 0x12 || a[1] != 0x34 || !(a[2] & 0x80) ||
			(a[3] & 15) != cases[i].rcode || a[7] != cases[i].answers)
			fail_msg("%s: rcode %d, %d answers", cases[i].test, a[3] & 15, a[7]);
		buf_done(&out);
	}
}

static void the_address_is_inners(void **state)
{
	unsigned char q[512];
	struct buf out;
	size_t n = make_question("example.com", A, q);

	buf_init(&out, 4096);
	assert_true(steer_answer(&v4, str_from(q, n), &out));
	struct str a = buf_bytes(&out);
	assert_memory_equal(a.p + a.len - 4, v4.targets[0].addr, 4);
	/* TTL of at most 30 s, so that a change of inner counts soon. */
	assert_memory_equal(a.p + a.len - 10, "\0\0\0\x1e", 4);
	buf_done(&out);
}

/* The names where the SRV records lead are those that the addresses are asked of. */
static void each_inner_has_a_name(void **state)
{
	static const char first[] = "\x11sallyport-inner-1", second[] = "\x11sallyport-inner-2";
	/* priority (twice 5, and one more than that of direct TLS), weight, port */
	static const char head[] = "\0\x0b\0\x46\x14\x95\x11sallyport-inner-1\7example\3com";
	unsigned char q[512];
	struct buf out;
	size_t n = make_question("_xmpp-server._tcp.example.com", SRV, q);

	buf_init(&out, 4096);
	assert_true(steer_answer(&several, str_from(q, n), &out));
	struct str a = buf_bytes(&out);
	assert_non_null(memmem(a.p, a.len, head, sizeof(head)));
	assert_non_null(memmem(a.p, a.len, first, sizeof(first) - 1));
	assert_non_null(memmem(a.p, a.len, second, sizeof(second) - 1));
	assert_non_null(memmem(a.p, a.len, "\0\0\0\x05", 4)); /* TTL */
	buf_done(&out);
}

static const struct {
	const char *test;
	struct str bytes;
	int rcode; /* -1: silence */
} malformed[] = {
	{ "empty", STR(""), -1 },
	{ "short", STR("\x12\x34\x01\0\0\x01\0\0\0\0\0"), -1 },
	{ "an answer", STR("\x12\x34\x81\0\0\x01\0\0\0\0\0\0"), -1 },
	{ "no question", STR("\x12\x34\x01\0\0\0\0\0\0\0\0\0"), FORMERR },
	{ "question missing", STR("\x12\x34\x01\0\0\x01\0\0\0\0\0\0"), FORMERR },
	{ "two questions", STR("\x12\x34\x01\0\0\x02\0\0\0\0\0\0\0\0\1\0\1\0\0\1\0\1"), FORMERR },
	{ "notify", STR("\x12\x34\x21\0\0\x01\0\0\0\0\0\0\0\0\1\0\1"), NOTIMPL },
	{ "update", STR("\x12\x34\x29\0\0\x01\0\0\0\0\0\0\0\0\1\0\1"), NOTIMPL },
	{ "pointer to itself", STR("\x12\x34\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\1\0\1"), FORMERR },
	{ "label beyond the end",
		STR("\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x3f"
		    "abc"),
		FORMERR },
	{ "chaos class", STR("\x12\x34\x01\0\0\x01\0\0\0\0\0\0\1a\0\0\1\0\3"), REFUSED },
	{ "the root", STR("\x12\x34\x01\0\0\x01\0\0\0\0\0\0\0\0\1\0\1"), REFUSED },
};

static void malformed_questions(void **state)
{
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		struct buf out;
		buf_init(&out, 4096);
		bool answered = steer_answer(&v4_srv, malformed[i].bytes, &out);
		int rcode = answered ? buf_bytes(&out).p[3] & 15 : -1;
		if (rcode != malformed[i].rcode)
			fail_msg("%s: %d", malformed[i].test, rcode);
		buf_done(&out);
	}
}

/* Random damage never breaks it, and the answer is never larger than a UDP answer may be. */
static void damaged_questions(void **state)
{
	for (int round = 0; round < 20000; round++) {
		unsigned char q[512];
		struct buf out;
		size_t n = make_question("_xmpp-server._tcp.example.com", SRV, q);
		for (uint64_t k = random_below(6); k; k--)
			q[random_below(n)] = (unsigned char)random_below(256);
		buf_init(&out, 4096);
		steer_answer(&v4_srv, str_from(q, random_below(n + 1)), &out);
		assert_true(buf_len(&out) <= 1232);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(the_address_is_inners),
		cmocka_unit_test(each_inner_has_a_name),
		cmocka_unit_test(malformed_questions),
		cmocka_unit_test(damaged_questions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
