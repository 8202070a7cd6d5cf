/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a configuration names: each fault has its message, and the message says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../net/certs.h"
#include "../rows.h"
#include "node/preflight.h"

enum { DAY_S = 24 * 60 * 60 };

#define CA "ca"
#define OUTER(domain, certificate, node, trust)                                                    \
	"node outer-a\ndomain " domain " { certificate \"" certificate ".crt\" key \"" certificate \
	".key\" }\nlisten s2s 192.0.2.1:5269\n"                                                    \
	"listen link 10.0.0.1:5280 { certificate \"" node ".crt\" key \"" node                     \
	".key\" trust \"" trust ".crt\" accept inner-a }\n"
#define GOOD OUTER("example.se", "domain", "outer-a", CA)

#define INNER(component)                                                                           \
	"node outer-a\nlink o 10.0.0.1:1 { certificate \"outer-a.crt\" key \"outer-a.key\" "       \
	"trust \"" CA ".crt\" }\nlisten s2s 10.0.0.1:5269\n"                                       \
	"server s 10.0.0.2:5269 { domain example.se allow plaintext " component " }\n"

static const struct {
	const char *name;
	const char *text;
	int days; /* from now, when it is looked at */
	bool ok;
	const char *says[3];
} cases[] = {
	{ "all is well", GOOD, 0, true, { NULL } },
	{ "s2s E13 ends soon", GOOD, 20, true,
		{ "warning: ", "domain.crt: the certificate expires in", "renew it now" } },
	{ "threats D17 expired", GOOD, 40, false,
		{ "domain.crt: the certificate has expired", "sallyport reload" } },
	{ "threats D17 for another domain", OUTER("other.example", "domain", "outer-a", CA), 0,
		false,
		{ "domain.crt: the certificate is not for domain other.example",
			"subject alternative names" } },
	{ "threats D17 for another node", OUTER("example.se", "domain", "outer-b", CA), 0, false,
		{ "outer-b.crt: the certificate is not for node outer-a", "sallyport pki init" } },
	{ "threats D17 missing", OUTER("example.se", "none", "outer-a", CA), 0, false,
		{ "none.crt", "No such file" } },
	{ "no CA", OUTER("example.se", "domain", "outer-a", "none"), 0, false,
		{ "none.crt", "No such file" } },
	{ "a secret that is too short", GOOD "dialback secret \"short\"\n", 0, false,
		{ "short: needs one secret of at least 16 characters", "sallyport pki init" } },
	{ "no secret", GOOD "dialback secret \"gone\"\n", 0, false, { "gone: No such file" } },
	{ "a secret that everybody may read", GOOD "dialback secret \"open\"\n", 0, true,
		{ "warning: ", "open: everybody may read it (chmod 600)" } },
	{ "s2s H15 a component is well",
		INNER("component 127.0.0.1:1 { domain a.example secret \"good\" }"), 0, true,
		{ NULL } },
	{ "s2s H15 a component's secret that is too short",
		INNER("component 127.0.0.1:1 { domain a.example secret \"short\" }"), 0, false,
		{ "t.conf:4:70: ", "short: needs one secret of at least 16 characters",
			"openssl rand" } },
	{ "s2s H15 a component's secret that is not there",
		INNER("component 127.0.0.1:1 { domain a.example secret \"gone\" }"), 0, false,
		{ "gone: No such file" } },
	{ "s2s H15 a component in clear, in a private network",
		INNER("component 10.0.0.2:1 { domain a.example secret \"good\" allow plaintext }"),
		0, true, { NULL } },
	{ "threats E23 a component in clear, over the Internet",
		INNER("component 9.9.9.9:1 { domain a.example secret \"good\" allow plaintext }"),
		0, true, { "warning: ", "t.conf:4:70: the component's stream is not protected" } },
	{ "threats E23 likewise, IPv6",
		INNER("component [2620:fe::9]:1 { domain a.example secret \"good\" allow plaintext "
		      "}"),
		0, true, { "warning: " } },
};

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", certs_folder(), name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static struct config *configure(const char *text)
{
	char file[512];
	struct buf errors;

	buf_init(&errors, 65536);
	snprintf(file, sizeof(file), "%s/t.conf", certs_folder());
	enum config_role role;
	config_guess_role(str_of(text), &role);
	struct config *c = config_parse(role, file, str_of(text), &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	buf_done(&errors);
	return c;
}

static void make_files(void)
{
	const struct cert_spec ca_spec = { .cn = "ca", .ca = true, .to_days = 3650 };
	const struct cert_spec domain = { .cn = "d", .san = "DNS:example.se", .to_days = 30 };
	const struct cert_spec a = { .cn = "a", .san = "DNS:outer-a", .to_days = 3000 };
	const struct cert_spec b = { .cn = "b", .san = "DNS:outer-b", .to_days = 3000 };
	struct cert ca = cert_make(CA, &ca_spec, NULL);
	struct cert made[] = { cert_make("domain", &domain, &ca), cert_make("outer-a", &a, &ca),
		cert_make("outer-b", &b, &ca) };

	for (size_t i = 0; i < 3; i++) {
		chmod(made[i].key_path, 0600);
		cert_free(&made[i]);
	}
	cert_free(&ca);
	write_file("short", "abc\n", 0600);
	write_file("good", "# of the component\n0123456789abcdef\n", 0600);
	write_file("open", "0123456789abcdef\n", 0644);
}

static void finds(void **state)
{
	unsigned failed = 0;

	(void)state;
	make_files();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c = configure(cases[i].text);
		struct buf out;
		buf_init(&out, 65536);
		name_row(cases[i].name);
		bool ok = preflight(c, (long long)time(NULL) + cases[i].days * DAY_S, &out);
		bool good = ok == cases[i].ok && (cases[i].says[0] || !buf_len(&out));
		buf_append(&out, str_from("", 1));
		for (size_t k = 0; k < 3 && cases[i].says[k]; k++)
			good = good && strstr(buf_bytes(&out).p, cases[i].says[k]);
		if (!good)
			print_error("%s: %d\n%s", cases[i].name, ok, buf_bytes(&out).p);
		failed += !good;
		buf_done(&out);
		config_free(c);
	}
	certs_cleanup();
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
