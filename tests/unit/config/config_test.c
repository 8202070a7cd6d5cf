/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration means; that printing and parsing are inverse; the shipped files; the manual.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/config.h"
#include "config/parser.h"
#include "text.h"

static struct config *parse(enum config_role role, const char *file, struct str text)
{
	struct buf errors;

	buf_init(&errors, 65536);
	struct config *c = config_parse(role, file, text, &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	assert_int_equal(buf_len(&errors), 0);
	buf_done(&errors);
	return c;
}

static struct config *parse_c(enum config_role role, const char *text)
{
	return parse(role, "/etc/sallyport/t.conf", str_of(text));
}

/* print(parse(print(c))) == print(c), and the file's place does not matter any more. */
static void fixed_point(const struct config *c)
{
	struct buf once, twice;

	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	assert_true(config_print(c, &once));
	struct config *again = parse(c->role, "elsewhere/x.conf", buf_bytes(&once));
	assert_true(config_print(again, &twice));
	if (!str_eq(buf_bytes(&once), buf_bytes(&twice)))
		fail_msg("first:\n%.*s\nthen:\n%.*s", STR_FMT(buf_bytes(&once)),
			STR_FMT(buf_bytes(&twice)));
	config_free(again);
	buf_done(&once);
	buf_done(&twice);
}

#define assert_str(a, b) assert_true(str_is((a), (b)))

static void outer_example(void **state)
{
	(void)state;
	struct config *c = parse_c(CONFIG_OUTER,
		"node outer-a\n"
		"domain EXAMPLE.se conference.example.se {\n certificate \"tls/a.crt\" # why\n"
		"\n key \"/k\\\"\\\\.key\" }\n"
		"listen s2s 198.51.100.10:5269\r\nlisten s2s [2001:DB8:0::1]:5270 tls\n"
		"listen link 10.1.0.1:5280 { accept inner-a\ninner-b certificate \"c\" key \"k\" "
		"trust \"t\" }\n"
		"resolver 127.0.0.1:53\ntrust \"a\" \"b\"\ntrust \"c\"\n"
		"crl \"a.crl\" \"b.crl\"\nanchor \"root.key\"\n"
		"allow address 10.9.0.0/16 fd00::/8\ndeny address 192.0.2.7\n"
		"peer bad.example *.bad.example { refuse }\n"
		"peer *.partner.example { require pkix }\n"
		"peer old.example { accept dialback allow plaintext }\n"
		"peer dane.example { require dane }\n"
		"peer dna.example { accept pkix dane posh pin dialback pin certificate "
		"sha256/00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n"
		"sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= }\n"
		"  peer pinned.example { require pkix pin pin "
		"sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= }\n"
		"limit stanza bytes 300k\nlimit tls time 5s\nlimit idle time 2min\n"
		"refuse from mallory@Outside.example/Home outside.example to any silently\n"
		"allow from \"a@b.example/my { \\\"home\\\" }\" to *.example.se\n"
		"rule server off for *.partner.example at pubsub.example.se\n"
		"rule candidates on\nrule server on at any\n"
		"refuse text 0123456789abcdef ffffffffffffffff\nrefuse text 0000000000000001 "
		"0000000000000002 0000000000000003\n"
		"label policy 1.2.3 \"NATO R\" for *.partner.example at example.se\nlabel policy "
		"1\n"
		"limit streams 77\nprofile open\nlog debug\n"
		"control \"c.sock\"\ndialback secret \"s\"");

	assert_str(c->node, "outer-a");
	assert_int_equal(c->n_domains, 2);
	assert_str(c->domains[0].name, "example.se");
	assert_str(c->domains[1].name, "conference.example.se");
	assert_string_equal(c->domains[1].keys.certificate, "/etc/sallyport/tls/a.crt");
	assert_string_equal(c->domains[1].keys.key, "/k\"\\.key");
	assert_int_equal(c->n_listen_s2s, 2);
	assert_false(c->listen_s2s[0].tls_only);
	assert_str(c->listen_s2s[1].addr, "[2001:db8::1]:5270");
	assert_true(c->listen_s2s[1].tls_only);
	assert_int_equal(c->listen_link[0].n_accept, 2);
	assert_str(c->listen_link[0].accept[1], "inner-b");
	assert_string_equal(c->listen_link[0].keys.trust, "/etc/sallyport/t");
	assert_str(c->resolver, "127.0.0.1:53");
	assert_int_equal(c->n_trust, 3);
	assert_int_equal(c->n_networks, 3);
	assert_true(c->networks[0].allow);
	assert_int_equal(c->networks[0].prefix, 96 + 16);
	assert_memory_equal(c->networks[0].addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x09\0\0", 16);
	assert_int_equal(c->networks[1].prefix, 8);
	assert_false(c->networks[2].allow);
	assert_int_equal(c->networks[2].prefix, 128);
	assert_int_equal(c->n_peers, 8);
	assert_true(c->peers[1].refuse);
	assert_str(c->peers[2].pattern, "*.partner.example");
	assert_int_equal(c->peers[2].accept, CONFIG_PKIX);
	assert_true(c->peers[2].tls_required);
	assert_false(c->peers[3].tls_required);
	assert_int_equal(c->peers[3].accept, CONFIG_DIALBACK);
	assert_int_equal(c->peers[4].accept, CONFIG_DANE);
	assert_int_equal(c->peers[4].require, CONFIG_DANE);
	assert_int_equal(c->peers[5].accept, CONFIG_BY_CERTIFICATE | CONFIG_DIALBACK);
	assert_int_equal(c->peers[5].require, 0);
	assert_int_equal(c->peers[5].n_pins, 2);
	assert_true(c->peers[5].pins[0].certificate);
	assert_memory_equal(c->peers[5].pins[0].sha256, "\x00\x11\x22\x33", 4);
	assert_int_equal(c->peers[5].pins[0].sha256[31], 0xff);
	assert_false(c->peers[5].pins[1].certificate);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(c->peers[5].pins[1].sha256[i], i);
	assert_int_equal(c->peers[6].require, CONFIG_PKIX | CONFIG_PIN);
	assert_str(c->peers[7].pattern, "any");
	assert_true(c->peers[7].refuse);
	assert_int_equal(c->n_crls, 2);
	assert_string_equal(c->crls[1].path, "/etc/sallyport/b.crl");
	assert_string_equal(c->anchors[0].path, "/etc/sallyport/root.key");
	/* Where things stand: messages about their files say it. */
	assert_string_equal(c->file, "/etc/sallyport/t.conf");
	assert_int_equal(c->domains[1].keys.at.line, 2);
	assert_int_equal(c->trust[1].at.line, 11);
	assert_int_equal(c->trust[1].at.column, 11);
	assert_int_equal(c->peers[6].at.line, 23);
	assert_int_equal(c->peers[6].at.column, 3);
	assert_int_equal(c->peers[7].at.line, 0);
	assert_int_equal(c->n_stanzas, 2);
	assert_true(c->stanzas[0].refuse);
	assert_true(c->stanzas[0].silently);
	assert_int_equal(c->stanzas[0].n_from, 2);
	assert_str(c->stanzas[0].from[0].local, "mallory");
	assert_str(c->stanzas[0].from[0].domain, "outside.example");
	assert_str(c->stanzas[0].from[0].resource, "Home");
	assert_str(c->stanzas[1].from[0].resource, "my { \"home\" }");
	assert_str(c->stanzas[1].to[0].domain, "*.example.se");
	assert_int_equal(c->n_fingerprints, 5);
	assert_true(c->fingerprints[1] == UINT64_MAX && c->fingerprints[4] == 3);
	assert_int_equal(c->n_labels, 2);
	assert_str(c->labels[0].policies[1], "NATO R");
	assert_ptr_equal(
		config_labels_for(c, STRL("example.se"), STRL("a.partner.example")), &c->labels[0]);
	assert_ptr_equal(
		config_labels_for(c, STRL("b.se"), STRL("a.partner.example")), &c->labels[1]);
	assert_int_equal(c->n_rules, 3);
	assert_int_equal(c->rules[0].id, CONFIG_RULE_SERVER);
	assert_false(config_rule_on(
		c, CONFIG_RULE_SERVER, STRL("pubsub.example.se"), STRL("a.partner.example")));
	assert_true(config_rule_on(
		c, CONFIG_RULE_SERVER, STRL("example.se"), STRL("a.partner.example")));
	assert_true(
		config_rule_on(c, CONFIG_RULE_CANDIDATES, STRL("example.se"), STRL("any.example")));
	assert_int_equal(c->limits.stanza_bytes, 300 * 1024);
	assert_int_equal(c->limits.tls_ms, 5000);
	assert_int_equal(c->limits.idle_ms, 120000);
	assert_int_equal(c->limits.streams, 77);
	assert_int_equal(c->limits.depth, 64);
	assert_true(c->open_profile);
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_string_equal(c->control, "/etc/sallyport/c.sock");
	assert_string_equal(c->dialback_secret, "/etc/sallyport/s");
	fixed_point(c);
	config_free(c);
}

static void over_brokers(void **state)
{
	struct config *outer = parse_c(CONFIG_OUTER,
		"node outer-a\ndomain example.se { certificate \"c\" key \"k\" }\n"
		"listen s2s 192.0.2.1:5269\n"
		"nats 10.0.0.1:4222 [fd00::1]:4222 { certificate \"n\" key \"nk\" trust \"nt\" }\n"
		"listen link nats { certificate \"c\" key \"k\" trust \"t\" accept inner-a inner-b "
		"}\n");
	struct config *inner = parse_c(CONFIG_INNER,
		"node inner-a\nlink outer-a nats { certificate \"c\" key \"k\" trust \"t\" }\n"
		"link outer-b 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"
		"server main 10.2.0.5:5269 { domain example.se allow plaintext }\n"
		"listen s2s 10.2.0.4:5269\n"
		"nats 10.0.0.1:4222 { certificate \"n\" key \"nk\" trust \"nt\" }\n"
		"leases shared\n");

	assert_true(inner->leases_shared && !outer->leases_shared);
	assert_int_equal(outer->nats.n_servers, 2);
	assert_str(outer->nats.servers[1], "[fd00::1]:4222");
	assert_string_equal(outer->nats.keys.key, "/etc/sallyport/nk");
	assert_true(outer->listen_link[0].nats);
	assert_int_equal(outer->listen_link[0].n_accept, 2);
	assert_true(inner->links[0].nats && !inner->links[1].nats);
	assert_str(inner->links[0].addr, "nats");
	fixed_point(outer);
	fixed_point(inner);
	config_free(outer);
	config_free(inner);
}

static void inner_example(void **state)
{
	(void)state;
	struct config *c = parse_c(CONFIG_INNER,
		"node inner-a\n"
		"link outer-a 10.1.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"
		"link outer-mn [fd00::1]:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"
		"server main 10.2.0.5:5269 { domain example.se\n conference.example.se trust "
		"\"ca\" }\n"
		"server old 10.2.0.6:5269 { domain old.example.se allow plaintext\n"
		"  component 127.0.0.2:5347 { domain partner.example Other.Example secret \"sec\" "
		"}\n"
		"  component 10.2.0.6:5347 { secret \"sec2\" allow plaintext domain x.example } }\n"
		"listen s2s 10.2.0.4:5269\n"
		"mint { certificate \"m\" key \"mk\" }\n"
		"steer 10.2.0.4:53 srv tls\n"
		"flush off\n"
		"bidi off\n"
		"stream-management out\n"
		"multiplex on\n"
		"route *.mil via outer-mn outer-a\n"
		"route *.gov via outer-a else outer-mn else any\n"
		"route any via any\n");

	assert_int_equal(c->n_links, 2);
	assert_str(c->links[1].addr, "[fd00::1]:5280");
	assert_int_equal(c->n_servers, 2);
	assert_int_equal(c->servers[0].n_domains, 2);
	assert_str(c->servers[0].domains[1], "conference.example.se");
	assert_true(c->servers[0].tls_required);
	assert_int_equal(c->servers[0].accept, CONFIG_PKIX | CONFIG_DIALBACK);
	assert_null(c->servers[1].trust);
	assert_false(c->servers[1].tls_required);
	assert_int_equal(c->servers[1].accept, CONFIG_DIALBACK);
	assert_int_equal(c->servers[0].n_components, 0);
	assert_int_equal(c->servers[1].n_components, 2);
	assert_str(c->servers[1].components[0].addr, "127.0.0.2:5347");
	assert_int_equal(c->servers[1].components[0].n_domains, 2);
	assert_str(c->servers[1].components[0].domains[1], "other.example");
	assert_string_equal(c->servers[1].components[0].secret, "/etc/sallyport/sec");
	assert_int_equal(c->servers[1].components[1].at.line, 8);
	assert_true(c->servers[1].components[1].plaintext);
	assert_string_equal(c->mint.key, "/etc/sallyport/mk");
	assert_str(c->steer_targets[0].ip, "10.2.0.4");
	assert_false(c->flush);
	assert_false(c->bidi);
	assert_int_equal(c->manage, CONFIG_MANAGE_OUT);
	assert_true(c->multiplex);
	assert_true(c->steer_srv);
	assert_true(c->steer_tls);
	assert_int_equal(c->n_steer_targets, 1);
	assert_int_equal(c->steer_ttl, 30);
	assert_int_equal(c->n_routes, 3);
	assert_str(c->routes[0].pattern, "*.mil");
	assert_int_equal(c->routes[0].n_via, 2);
	assert_str(c->routes[0].via[0], "outer-mn");
	assert_false(c->routes[0].else_any);
	assert_int_equal(c->routes[0].rank[1], 0);
	assert_int_equal(c->routes[1].n_via, 2);
	assert_int_equal(c->routes[1].rank[0], 0);
	assert_int_equal(c->routes[1].rank[1], 1);
	assert_true(c->routes[1].else_any);
	assert_int_equal(c->routes[1].line, c->routes[0].line + 1);
	assert_int_equal(c->routes[2].n_via, 0);
	assert_int_equal(c->n_peers, 1);
	assert_int_equal(c->peers[0].accept, CONFIG_BY_CERTIFICATE | CONFIG_DIALBACK);
	assert_true(c->peers[0].tls_required);
	assert_string_equal(c->control, "/run/sallyport/inner.sock");
	fixed_point(c);
	config_free(c);
}

static void defaults(void **state)
{
	(void)state;
	struct config *outer = parse_c(CONFIG_OUTER, OUTER_TEXT);
	struct config *inner = parse_c(CONFIG_INNER,
		INNER_TEXT
		"steer 10.2.0.4:53 target fd00::9 priority 1 target 10.2.0.5 weight 20 ttl 5");

#define X(member, def, least, most, words, unit, help)                                             \
	assert_int_equal(outer->limits.member, def);                                               \
	assert_true((uint64_t)(least) <= (def) && (def) <= (most));
	CONFIG_LIMITS(X)
#undef X
	assert_false(outer->open_profile);
	assert_false(outer->flush);
	assert_true(outer->bidi);
	assert_false(outer->redirect);
	assert_int_equal(outer->manage, CONFIG_MANAGE_IN | CONFIG_MANAGE_OUT);
	assert_false(outer->multiplex);
	assert_true(inner->flush);
	assert_int_equal(outer->log_level, LOG_INFO);
	assert_null(outer->dialback_secret);
	assert_int_equal(outer->resolver.len, 0);
	assert_int_equal(inner->n_routes, 1);
	assert_str(inner->steer_targets[0].ip, "fd00::9");
	assert_int_equal(inner->n_steer_targets, 2);
	assert_int_equal(inner->steer_targets[0].priority, 1);
	assert_int_equal(inner->steer_targets[1].weight, 20);
	assert_int_equal(inner->steer_targets[1].priority, 10);
	assert_int_equal(inner->steer_ttl, 5);
	assert_null(inner->mint.certificate);
	fixed_point(outer);
	fixed_point(inner);
	config_free(outer);
	config_free(inner);
}

static void relative_folder(void **state)
{
	(void)state;
	struct config *c = parse(CONFIG_OUTER, "sub/t.conf", STRL(OUTER_TEXT));
	char *here = realpath(".", NULL);
	char want[8192];

	snprintf(want, sizeof(want), "%s/sub/c", here);
	assert_string_equal(c->domains[0].keys.certificate, want);
	free(here);
	config_free(c);
}

static void order_of_limits_does_not_matter(void **state)
{
	(void)state;
	static const char *const texts[] = {
		OUTER_TEXT "limit stanza bytes 900k\nlimit queue bytes 9M\n",
		OUTER_TEXT "limit queue bytes 9M\nlimit stanza bytes 900k\n",
	};

	for (size_t i = 0; i < 2; i++)
		config_free(parse_c(CONFIG_OUTER, texts[i]));
}

static void match(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *domain;
		bool want;
	} rows[] = {
		{ "any", "a.example", true },
		{ "a.example", "a.example", true },
		{ "a.example", "b.a.example", false },
		{ "a.example", "example", false },
		{ "*.example", "a.example", true },
		{ "*.example", "b.a.example", true },
		{ "*.example", "example", false },
		{ "*.example", ".example", false },
		{ "*.example", "anexample", false },
		{ "*.a.example", "a.example", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (config_match(str_of(rows[i].pattern), str_of(rows[i].domain)) != rows[i].want)
			fail_msg("%s against %s", rows[i].pattern, rows[i].domain);
	}
}

static void guess(void **state)
{
	(void)state;
	enum config_role role;

	assert_true(config_guess_role(STRL(OUTER_TEXT), &role));
	assert_int_equal(role, CONFIG_OUTER);
	assert_true(config_guess_role(STRL(INNER_TEXT), &role));
	assert_int_equal(role, CONFIG_INNER);
	assert_true(config_guess_role(STRL("server x {\n domain a\n domain b\n"), &role));
	assert_int_equal(role, CONFIG_INNER);
	assert_false(config_guess_role(STRL("node x\n\"\xff"), &role));
	assert_int_equal(role, CONFIG_OUTER);
}

static struct str read_file(const char *path, char *p, size_t size)
{
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s cannot be read", path);
	size_t n = fread(p, 1, size, f);
	fclose(f);
	assert_in_range(n, 1, size - 1);
	p[n] = 0;
	return str_from(p, n);
}

static char file_text[128 * 1024];

static void shipped_files(void **state)
{
	(void)state;
	static const char *const paths[] = { SOURCE "/etc/outer.conf", SOURCE "/etc/inner.conf" };

	for (size_t i = 0; i < 2; i++) {
		struct str text = read_file(paths[i], file_text, sizeof(file_text));
		enum config_role role;
		assert_true(config_guess_role(text, &role));
		assert_int_equal(role, i == 0 ? CONFIG_OUTER : CONFIG_INNER);
		struct config *c = parse(role, paths[i], text);
		fixed_point(c);
		config_free(c);
	}
}

/* The table of limits in the manual is that of the program. */
static void manual_is_complete(void **state)
{
	(void)state;
	struct str text = read_file(SOURCE "/doc/sallyport.conf.5", file_text, sizeof(file_text));
	char row[512];

#define X(member, def, least, most, words, unit, help)                                             \
	snprintf(row, sizeof(row), "\n%s|%llu|%llu|%llu|%s|%s\n", words,                           \
		(unsigned long long)(def), (unsigned long long)(least),                            \
		(unsigned long long)(most), unit, help);                                           \
	if (!memmem(text.p, text.len, row, strlen(row)))                                           \
		fail_msg("sallyport.conf.5 lacks the row: %s", row);
	CONFIG_LIMITS(X)
#undef X
	for (size_t i = 0; i < CONFIG_RULES; i++) {
		const struct config_rule_row *r = &config_rule_rows[i];
		snprintf(row, sizeof(row), "\n%s|%s|%s|%s|%s\n", r->name, r->on ? "on" : "off",
			r->way, r->action, r->help);
		if (!memmem(text.p, text.len, row, strlen(row)))
			fail_msg("sallyport.conf.5 lacks the row: %s", row);
	}
	for (size_t i = 0; i < n_statements; i++) {
		const char *word = statements[i].word;
		bool found = false;
		for (const char *p = text.p; !found && (p = strstr(p, word)); p++)
			found = strchr("B\" ", p[-1]) && strchr(" \\", p[strlen(word)]);
		if (!found)
			fail_msg("sallyport.conf.5 lacks the statement %s", word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outer_example),
		cmocka_unit_test(over_brokers),
		cmocka_unit_test(inner_example),
		cmocka_unit_test(defaults),
		cmocka_unit_test(relative_folder),
		cmocka_unit_test(order_of_limits_does_not_matter),
		cmocka_unit_test(match),
		cmocka_unit_test(guess),
		cmocka_unit_test(shipped_files),
		cmocka_unit_test(manual_is_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
