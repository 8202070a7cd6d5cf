/* SPDX-License-Identifier: Apache-2.0 */
/* What an outer's file and an inner's file say of each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config/together.h"
#include "text.h"

struct row {
	const char *name;
	const char *outer; /* lines behind the smallest file */
	const char *inner;
	const char *said; /* NULL: nothing */
	bool bad;
};

#define ANY "peer any { require tls }\n"
#define NO_PROOF(pattern)                                                                          \
	"o.conf:5:1: no proof that is accepted for `" pattern                                      \
	"` here is accepted by i.conf: nothing passes\n"
#define STAYS_ON(file, rule, other)                                                                \
	"warning: " file ": `rule " rule " off` here, but it is on in " other ", and so in "       \
	"force\n"

static const struct row rows[] = {
	{ "nothing to say", "", "", NULL, false },
	{ "a proof that both accept", "peer a.example { accept dialback dane }\nanchor \"a\"\n" ANY,
		"peer a.example { accept dialback }\npeer any { accept dialback pkix }\n", NULL,
		false },
	{ "no proof that both accept", "peer a.example { accept dialback }\n",
		"peer any { accept pkix }\n", NO_PROOF("a.example"), true },
	{ "no proof below a domain", "peer *.a.example { accept dialback }\n",
		"peer x.a.example { accept dialback }\npeer *.a.example { accept pkix }\n" ANY,
		NO_PROOF("*.a.example"), true },
	{ "no proof for any", "peer any { accept dialback }\n", "peer any { accept pkix }\n",
		NO_PROOF("any"), true },
	{ "let in by one, refused by the other", "peer a.example { require tls }\n",
		"peer a.example { refuse }\n" ANY,
		"warning: o.conf:5:1: `a.example` is let in here and refused by i.conf\n", false },
	{ "the same the other way", "peer a.example { refuse }\n" ANY,
		"peer a.example { require tls }\n",
		"warning: i.conf:5:1: `a.example` is let in here and refused by o.conf\n", false },
	{ "any of one is narrower: that is policy", "",
		"peer b.example { require tls }\npeer any { refuse }\n", NULL, false },
	{ "a domain that no server has", "domain sub.example.se { certificate \"c\" key \"k\" }\n",
		"",
		"o.conf:5:1: `sub.example.se` is played here, but no `server` of inner has this "
		"domain: "
		"what comes for it goes nowhere\n",
		true },
	{ "a domain that nobody plays", "",
		"server more 10.2.0.6:5269 { domain sub.example.se allow plaintext }\n",
		"i.conf:5:1: `sub.example.se` is served here, but outer has no `domain` for it: "
		"nobody "
		"outside can reach it, nor be reached from it\n",
		true },
	{ "profile open on one side", "profile open\n", "",
		"warning: o.conf: `profile open` here, but `standard` in i.conf: what it does not "
		"know "
		"is stripped all the same\n",
		false },
	{ "a rule off on one side", "", "rule carbons off\n",
		STAYS_ON("i.conf", "carbons", "o.conf"), false },
	{ "a rule off on one side for some", "rule server off for *.a.example at example.se\n",
		"rule server off for b.example\n",
		STAYS_ON("o.conf", "server", "i.conf") STAYS_ON("i.conf", "server", "o.conf"),
		false },
	{ "a rule off for all here, for some there", "rule server off for a.example\n",
		"rule server off\n", STAYS_ON("i.conf", "server", "o.conf"), false },
	{ "a rule off on both", "rule server off\n", "rule server off\n", NULL, false },
	{ "a rule off that is off by default", "rule candidates off\n", "", NULL, false },
};

static struct config *parse(
	enum config_role role, const char *file, const char *base, const char *more)
{
	char text[2048];
	struct buf errors;

	buf_init(&errors, 65536);
	snprintf(text, sizeof(text), "%s%s", base, more);
	struct config *c = config_parse(role, file, str_of(text), &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	buf_done(&errors);
	return c;
}

static void says(
	const char *name, const struct config *const *configs, size_t n, const char *said, bool bad)
{
	struct buf messages;

	buf_init(&messages, 65536);
	bool ok = config_together(configs, n, &messages);
	if (ok == bad || !str_is(buf_bytes(&messages), said ? said : ""))
		fail_msg("%s: %d, %.*s", name, ok, STR_FMT(buf_bytes(&messages)));
	buf_done(&messages);
}

static void test_two_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct config *outer = parse(CONFIG_OUTER, "o.conf", OUTER_TEXT, r->outer);
		struct config *inner = parse(CONFIG_INNER, "i.conf", INNER_TEXT, r->inner);
		const struct config *in_order[] = { outer, inner };
		says(r->name, in_order, 2, r->said, r->bad);
		config_free(outer);
		config_free(inner);
	}
}

#define OTHER_LINK                                                                                 \
	"node inner-b\nlink outer-b 10.0.0.2:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"
#define SERVER                                                                                     \
	"server main 10.2.0.5:5269 { domain example.se allow plaintext }\nlisten s2s "             \
	"10.2.0.4:5269\n"

static void test_links(void **state)
{
	(void)state;
	struct config *a = parse(CONFIG_OUTER, "a.conf", OUTER_TEXT, "");
	struct config *b = parse(CONFIG_INNER, "b.conf", OTHER_LINK, SERVER);
	struct config *known = parse(CONFIG_INNER, "known.conf",
		"node inner-a\nlink outer-b 10.0.0.2:5280 { certificate \"c\" key \"k\" trust "
		"\"t\" }\n",
		SERVER);
	struct config *unknown = parse(CONFIG_INNER, "unknown.conf",
		"node inner-b\nlink outer-a 10.0.0.2:5280 { certificate \"c\" key \"k\" trust "
		"\"t\" }\n",
		SERVER);
	struct config *good = parse(CONFIG_INNER, "good.conf", INNER_TEXT, "");

	says("strangers", (const struct config *[]){ a, b }, 2,
		"warning: b.conf: `inner-b` and `outer-a` do not know each other\n", false);
	says("accepted, but does not dial", (const struct config *[]){ known, a }, 2,
		"known.conf: there is no `link outer-a`, and outer dials nobody\n", true);
	says("dials, but is not accepted", (const struct config *[]){ unknown, a }, 2,
		"a.conf: no `listen link` accepts `inner-b`, which dials this node\n", true);
	says("only one role", (const struct config *[]){ good, b }, 2, NULL, false);
	says("one file", (const struct config *[]){ a }, 1, NULL, false);
	config_free(a);
	config_free(b);
	config_free(known);
	config_free(unknown);
	config_free(good);
}

/* A domain may be with one of several nodes. */
static void test_several(void **state)
{
	(void)state;
	struct config *a = parse(CONFIG_OUTER, "a.conf", OUTER_TEXT, "");
	struct config *b = parse(CONFIG_OUTER, "b.conf",
		"node outer-b\ndomain sub.example.se { certificate \"c\" key \"k\" }\nlisten s2s "
		"192.0.2.1:5269\n"
		"listen link 10.0.0.2:5280 { certificate \"c\" key \"k\" trust \"t\" accept "
		"inner-a }\n",
		"");
	struct config *inner = parse(CONFIG_INNER, "i.conf", INNER_TEXT,
		"link outer-b 10.0.0.2:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"
		"server more 10.2.0.6:5269 { domain sub.example.se allow plaintext }\n");

	says("three files", (const struct config *[]){ a, inner, b }, 3, NULL, false);
	config_free(a);
	config_free(b);
	config_free(inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_files),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_several),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
