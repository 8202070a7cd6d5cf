/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule blocks mallory@outside.example and all else passes: whatever way the address is written, it is either the same
 * address after preparation and refused, or malformed, or another identity, and then the table says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../rows.h"
#include "policy/address.h"
#include "text.h"

enum answer { REFUSED, MALFORMED, OTHER };

static const struct {
	const char *name;
	const char *address;
	enum answer answer;
} variants[] = {
	{ "as it stands in the rule", "mallory@outside.example", REFUSED },
	{ "threats F1 upper case", "MALLORY@Outside.EXAMPLE", REFUSED },
	{ "threats F1 fullwidth letters", "\xef\xbd\x8d\xef\xbd\x81llory@outside.example",
		REFUSED },
	{ "threats F1 fullwidth domain", "mallory@\xef\xbd\x8futside.example", REFUSED },
	{ "threats F1 ideographic dot",
		"mallory@outside\xe3\x80\x82"
		"example",
		REFUSED },
	{ "threats F1 fullwidth dot",
		"mallory@outside\xef\xbc\x8e"
		"example",
		REFUSED },
	{ "threats F1 trailing dot", "mallory@outside.example.", REFUSED },
	{ "threats F1 soft hyphen", "mal\xc2\xadlory@outside.example", REFUSED },
	{ "threats F1 zero width joiner", "mal\xe2\x80\x8dlory@outside.example", REFUSED },
	{ "threats F1 zero width space", "mal\xe2\x80\x8blory@outside.example", REFUSED },
	{ "threats F1 soft hyphen in the domain", "mallory@out\xc2\xadside.example", REFUSED },
	{ "threats F3 Cyrillic a", "m\xd0\xb0llory@outside.example", OTHER },
	{ "threats F3 Cyrillic o in the domain", "mallory@\xd0\xbeutside.example", OTHER },
	{ "threats F4 unassigned code point", "mallory\xcd\xb8@outside.example", MALFORMED },
	{ "threats F4 letters of both directions", "m\xd7\x90llory@outside.example", MALFORMED },
	{ "threats F5 escaped at sign", "mallory\\40outside.example@other.example", OTHER },
	{ "threats F5 escape before the name", "\\20mallory@outside.example", OTHER },
	{ "threats F6 resource with an at sign", "mallory@outside.example/a@b.example", REFUSED },
	{ "threats F6 slash first", "b.example/mallory@outside.example", OTHER },
	{ "threats F6 two at signs", "b@mallory@outside.example", MALFORMED },
	{ "threats F6 space before", " mallory@outside.example", MALFORMED },
	{ "threats F6 space inside", "mallory @outside.example", MALFORMED },
	{ "threats F6 line feed", "mallory@outside.example\n", MALFORMED },
	{ "threats F6 empty resource", "mallory@outside.example/", MALFORMED },
	{ "threats F7 a resource", "mallory@outside.example/phone", REFUSED },
	{ "threats F7 a resource of 1023 octets", NULL, REFUSED },
	{ "threats F7 a domain below", "mallory@sub.outside.example", OTHER },
	{ "threats F7 the domain itself", "outside.example", OTHER },
	{ "threats F7 another account", "mallory2@outside.example", OTHER },
	{ "threats F8 percent form", "mallory%40outside.example@other.example", OTHER },
};

static struct config *configure(const char *lines)
{
	char text[2048];
	struct buf errors;

	buf_init(&errors, 65536);
	snprintf(text, sizeof(text), "%s%s", OUTER_BASE, lines);
	struct config *c = config_parse(CONFIG_OUTER, "t.conf", str_of(text), &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	buf_done(&errors);
	return c;
}

static struct jid parse(struct arena *a, const char *address)
{
	struct jid jid;

	assert_int_equal(jid_parse(a, str_of(address), &jid), JID_OK);
	return jid;
}

static void variants_of_an_address(void **state)
{
	struct config *c = configure("refuse from mallory@outside.example\n");
	struct arena a;
	char longest[1100] = "mallory@outside.example/";
	unsigned failed = 0;

	memset(longest + strlen(longest), 'r', 1023);
	arena_init(&a, 1 << 20);
	struct jid to = parse(&a, "a@example.se");
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		const char *text = variants[i].address ? variants[i].address : longest;
		struct jid from, again;
		enum answer answer = MALFORMED;
		if (jid_parse(&a, str_of(text), &from) == JID_OK) {
			answer = policy_refusal(c, &from, &to) ? REFUSED : OTHER;
			/* What is forwarded is what was judged. */
			assert_int_equal(jid_parse_prepared(from.full, &again), JID_OK);
		}
		name_row(variants[i].name);
		if (answer != variants[i].answer)
			print_error("%s: %d\n", variants[i].name, answer);
		failed += answer != variants[i].answer;
	}
	assert_int_equal(failed, 0);
	arena_done(&a);
	config_free(c);
}

/* The rule and the address, each in other letters: both are prepared in the same way. */
static void the_rule_is_prepared_too(void **state)
{
	static const char *const rules[][2] = {
		{ "refuse from MALLORY@OUTSIDE.EXAMPLE.\n", "mallory@outside.example" },
		{ "refuse from stra\xc3\x9f"
		  "e@outside.example\n",
			"strasse@outside.example" }, /* F2: eszett */
		{ "refuse from strasse@outside.example\n",
			"stra\xc3\x9f"
			"e@outside.example/x" },
		{ "refuse from \xcf\x83\xce\xb1\xcf\x82@outside.example\n",
			"\xce\xa3\xce\x91\xcf\x83@outside.example" }, /* F2: sigma */
		{ "refuse from a@xn--bcher-kva.example\n",
			"a@b\xc3\xbc"
			"cher.example" },
		{ "refuse from a@b\xc3\xbc"
		  "cher.example\n",
			"a@XN--BCHER-KVA.example" },
		{ "refuse from \"a@outside.example/my home\"\n", "a@outside.example/my home" },
	};
	struct arena a;

	name_row("threats F2 eszett and sigma");
	name_row("threats F1 A-labels and U-labels");
	arena_init(&a, 1 << 20);
	struct jid to = parse(&a, "a@example.se");
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct config *c = configure(rules[i][0]);
		struct jid from = parse(&a, rules[i][1]);
		if (!policy_refusal(c, &from, &to))
			fail_msg("%s%s", rules[i][0], rules[i][1]);
		config_free(c);
	}
	arena_done(&a);
}

static const struct {
	const char *lines;
	const char *from;
	const char *to;
	int refused; /* 2: silently */
} statements[] = {
	{ "", "b@example.com", "a@example.se", 0 },
	{ "refuse from example.com\n", "b@example.com/x", "a@example.se", 1 },
	{ "refuse from example.com\n", "example.com", "a@example.se", 1 },
	{ "refuse from example.com\n", "b@sub.example.com", "a@example.se", 0 },
	{ "refuse from *.example.com\n", "b@a.sub.example.com", "a@example.se", 1 },
	{ "refuse from *.example.com\n", "b@example.com", "a@example.se", 0 },
	{ "refuse from b@example.com/x\n", "b@example.com/x", "a@example.se", 1 },
	{ "refuse from b@example.com/x\n", "b@example.com/y", "a@example.se", 0 },
	{ "refuse from b@example.com/x\n", "b@example.com", "a@example.se", 0 },
	{ "refuse from example.com/x\n", "example.com/x", "a@example.se", 1 },
	{ "refuse from example.com/x\n", "b@example.com/x", "a@example.se", 0 },
	{ "refuse to a@example.se silently\n", "b@example.com", "a@example.se/x", 2 },
	{ "refuse to a@example.se\n", "b@example.com", "b@example.se", 0 },
	{ "refuse from any to boss@example.se\n", "b@example.com", "boss@example.se", 1 },
	{ "allow from b@example.com to boss@example.se\nrefuse to boss@example.se\n",
		"b@example.com/x", "boss@example.se", 0 },
	{ "allow from b@example.com to boss@example.se\nrefuse to boss@example.se\n",
		"c@example.com/x", "boss@example.se", 1 },
	{ "refuse from a@x.example b@example.com *.y.example\n", "b@example.com", "a@example.se",
		1 },
	{ "allow from *.partner.example\nrefuse from any\n", "a@x.partner.example", "a@example.se",
		0 },
	{ "allow from *.partner.example\nrefuse from any\n", "a@other.example", "a@example.se", 1 },
	{ "allow from a@example.com\nallow to any\n", "b@other.example", "a@example.se", 0 },
};

static void first_match_wins(void **state)
{
	struct arena a;

	name_row("threats F7 which parts a rule matches");
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		struct config *c = configure(statements[i].lines);
		struct jid from = parse(&a, statements[i].from), to = parse(&a, statements[i].to);
		const struct config_stanzas *s = policy_refusal(c, &from, &to);
		int answer = s ? 1 + s->silently : 0;
		if (answer != statements[i].refused)
			fail_msg("%s%s -> %s: %d", statements[i].lines, statements[i].from,
				statements[i].to, answer);
		config_free(c);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variants_of_an_address),
		cmocka_unit_test(the_rule_is_prepared_too),
		cmocka_unit_test(first_match_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
