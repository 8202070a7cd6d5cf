/* SPDX-License-Identifier: Apache-2.0 */
/* Names in certificates (doc/threats.md D10, D11). */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/check.h"
#include "certs.h"
#include "net/identity.h"

#define SRV "otherName:1.3.6.1.5.5.7.8.7;IA5:"
#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

static void test_names(void **state)
{
	static const struct {
		const char *san;
		const char *domain;
		bool names;
	} cases[] = {
		{ "DNS:a.example", "a.example", true }, { "DNS:A.Example", "a.example", true },
		{ "DNS:a.example", "A.EXAMPLE", true },
		{ "DNS:b.example,DNS:a.example", "a.example", true },
		{ "DNS:a.example", "b.a.example", false }, { "DNS:a.example", "xa.example", false },
		{ "DNS:a.example", "example", false }, { "DNS:a.example.", "a.example", false },
		{ "DNS:a.example", "a.example.", false },
		{ "DNS:xn--bcher-kva.example", "xn--bcher-kva.example", true },
		{ "DNS:localhost", "localhost", true }, { "DNS:*.a.example", "b.a.example", true },
		{ "DNS:*.a.example", "c.b.a.example", false },
		{ "DNS:*.a.example", "a.example", false },
		{ "DNS:*.a.example", ".a.example", false },
		{ "DNS:*.a.example", "*.a.example", false },
		{ "DNS:*.example", "a.example", false }, { "DNS:*", "a", false },
		{ "DNS:*", "a.example", false }, { "DNS:*.", "a.", false },
		{ "DNS:f*.a.example", "foo.a.example", false },
		{ "DNS:*f.a.example", "of.a.example", false },
		{ "DNS:b.*.example", "b.a.example", false },
		{ "DNS:*.*.example", "b.a.example", false }, { "IP:192.0.2.1", "192.0.2.1", false },
		{ "DNS:192.0.2.1", "192.0.2.1", true }, { "email:a@a.example", "a.example", false },
		{ "URI:xmpp:a.example", "a.example", false },
		{ "URI:https://a.example", "a.example", false },
		{ SRV "_xmpp-server.a.example", "a.example", true },
		{ SRV "_XMPP-Server.A.example", "a.example", true },
		{ SRV "_xmpp-client.a.example", "a.example", false },
		{ SRV "_xmpp-server.b.example", "a.example", false },
		{ SRV "_xmpp-server.*.example", "a.example", false },
		{ SRV "_xmpp-server.*.a.example", "b.a.example", false },
		{ SRV "_xmpp-server.", "a.example", false },
		{ SRV "a.example", "a.example", false },
		{ "otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-server.a.example", "a.example", false },
		{ XMPP_ADDR "a.example", "a.example", true },
		{ XMPP_ADDR "u@a.example", "a.example", false },
		{ XMPP_ADDR "a.example/r", "a.example", false },
		{ XMPP_ADDR "*.a.example", "b.a.example", false },
		{ "otherName:1.3.6.1.5.5.7.8.5;IA5:a.example", "a.example", false },
		{ "otherName:1.2.3.4;UTF8:a.example", "a.example", false },
		{ "dirName:dir_sect", NULL, false }, { NULL, "a.example", false }, /* CN only */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why;
		if (!cases[i].domain)
			continue;
		const struct cert_spec spec = { .cn = "a.example", .san = cases[i].san };
		struct cert cert = cert_make("one", &spec, NULL);
		struct str der = cert_der(&cert);
		bool names = net_identity_der_names(der, str_of(cases[i].domain), &why);
		if (names != cases[i].names)
			fail_msg("%s for %s: %s", cases[i].san ? cases[i].san : "(none)",
				cases[i].domain, why);
		str_free(&der);
		cert_free(&cert);
	}
}

/* Bytes that no tool would write: the name in the finished DER is patched. */
static void test_patched_names(void **state)
{
	static const struct {
		struct str san; /* of the same length as "a.example.net" */
		const char *domain;
	} cases[] = {
		{ STR("a.example\0net"), "a.example" },
		{ STR("a.example\0net"), "a.example.net" },
		{ STR("a.exampl\xc3\xa9.ne"), "a.exampl\xc3\xa9.ne" },
		{ STR("a.example net"), "a.example net" },
		{ STR("a.example/net"), "a.example/net" },
		{ STR("\x80.example.net"), "\x80.example.net" },
	};
	struct cert cert =
		cert_make("one", &(struct cert_spec){ .san = "DNS:a.example.net" }, NULL);
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str der = cert_der(&cert);
		char *copy = malloc(der.len);
		assert_non_null(copy);
		memcpy(copy, der.p, der.len);
		char *at = memmem(copy, der.len, "a.example.net", 13);
		assert_non_null(at);
		assert_int_equal(cases[i].san.len, 13);
		memcpy(at, cases[i].san.p, 13);
		assert_false(net_identity_der_names(
			str_from(copy, der.len), str_of(cases[i].domain), &why));
		free(copy);
		str_free(&der);
	}
	cert_free(&cert);
}

static void test_malformed(void **state)
{
	struct cert cert = cert_make("one", &(struct cert_spec){ .san = "DNS:a.example" }, NULL);
	struct str der = cert_der(&cert);
	const char *why;

	for (size_t n = 0; n < der.len; n++)
		assert_false(net_identity_der_names(str_from(der.p, n), STRL("a.example"), &why));
	assert_true(net_identity_der_names(der, STRL("a.example"), &why));
	assert_false(net_identity_der_names(der, STRL(""), &why));
	str_free(&der);
	cert_free(&cert);
}

static void test_too_many_names(void **state)
{
	const size_t size = 64 * 1024;
	char *san = malloc(size);
	size_t at = 0;
	const char *why;

	assert_non_null(san);
	for (int i = 0; i < 2100; i++)
		at += (size_t)snprintf(san + at, size - at, "DNS:n%d.example.net,", i);
	snprintf(san + at, size - at, "DNS:a.example");
	struct cert cert = cert_make("one", &(struct cert_spec){ .san = san }, NULL);
	struct str der = cert_der(&cert);
	assert_false(net_identity_der_names(der, STRL("a.example"), &why));
	assert_string_equal(why, "too many names in the certificate");
	str_free(&der);
	cert_free(&cert);
	free(san);
}

static int clean(void **state)
{
	certs_cleanup();
	return 0;
}

/* A subject is never read: not its CN, and not what other fields of it pretend. */
static void test_subjects(void **state)
{
	static const char *const subjects[] = { "a.example", "CN=a.example", "x, CN=a.example",
		"x/CN=a.example", "x+CN=a.example", "x\nCN=a.example" };
	static const char *const sans[] = { NULL, "DNS:b.example" };
	const char *why;

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		for (size_t k = 0; k < 2; k++) {
			const struct cert_spec spec = { .cn = subjects[i], .san = sans[k] };
			struct cert cert = cert_make("one", &spec, NULL);
			struct str der = cert_der(&cert);
			if (net_identity_der_names(der, STRL("a.example"), &why))
				fail_msg("%s", subjects[i]);
			str_free(&der);
			cert_free(&cert);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s E9 s2s E10 threats D10 names in certificates", test_names, NULL, NULL,
			NULL },
		{ "threats D11 what a subject pretends", test_subjects, NULL, NULL, NULL },
		{ "threats D10 NUL and other bytes in names", test_patched_names, NULL, NULL,
			NULL },
		{ "threats D9 malformed certificates", test_malformed, NULL, NULL, NULL },
		{ "threats D9 too many names", test_too_many_names, NULL, NULL, NULL },
	};
	return cmocka_run_group_tests(tests, NULL, clean);
}
