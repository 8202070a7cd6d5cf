/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "node/advice.h"

/* Reasons as libuv, OpenSSL 3 and the link word them, and a word of the advice; NULL: none. */
static const struct {
	const char *reason;
	const char *says;
} cases[] = {
	{ "connection refused", "start sallyport-outer" },
	{ "connection timed out", "firewall" },
	{ "network is unreachable", "no route" },
	{ "certificate is for another node", "link NAME" },
	{ "certificate is for a node that is not accepted here", "accept" },
	{ "tls: certificate has expired", "pki init" },
	{ "tls: tlsv1 alert unknown ca", "link CA" },
	{ "tls: self-signed certificate in certificate chain", "link CA" },
	{ "tls: unable to get local issuer certificate", "link CA" },
	{ "certificate verify failed", "link CA" },
	{ "peer did not return a certificate", "no node" },
	{ "WRONG VERSION NUMBER", "port" },
	{ "no TLS handshake in time", "no node" },
	{ "frame length", "releases" },
	{ "something new", NULL },
	{ "", NULL },
	{ NULL, NULL },
};

static void advises(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = advice_link(cases[i].reason);
		if (!cases[i].says)
			assert_null(text);
		else if (!text || !strstr(text, cases[i].says))
			fail_msg("%s: %s", cases[i].reason, text ? text : "no advice");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(advises) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
