/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content rules: stanza in, verdict, rule and stanza out. Each case runs under the configuration of outer and under
 * that of inner, and what passed is judged again as the next node does: nothing is left to find.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../record/bench.h"
#include "../rows.h"
#include "content_stanzas.h"
#include "policy/content.h"
#include "record/catalogue.h"
#include "text.h"

static const struct content_case cases[] = {
#include "content_in.def"
#include "content_out.def"
#include "content_label.def"

	/* --- switches --- */
	{ "off", CHAT(HI SID("a@example.se")), POLICY_PASS, NO_RULE,
		.lines = "rule stanza-id off\n" },
	{ "off for this peer", CHAT(HI SID("a@example.se")), POLICY_PASS, NO_RULE,
		.lines = "rule stanza-id off for example.org example.com\nrule stanza-id on\n" },
	{ "off for another peer", CHAT(HI SID("a@example.se")), POLICY_STRIP, R(STANZA_ID),
		CHAT(HI), .lines = "rule stanza-id off for *.example.com\n" },
	{ "off at another domain", CHAT(HI SID("a@example.se")), POLICY_STRIP, R(STANZA_ID),
		CHAT(HI), .lines = "rule stanza-id off for any at rooms.example.se\n" },
	{ "the first statement decides", CHAT(HI SID("a@example.se")), POLICY_STRIP, R(STANZA_ID),
		CHAT(HI), .lines = "rule stanza-id on for example.com\nrule stanza-id off\n" },
	{ "roster off", ASK("a@example.se/x", "set", ROSTER), POLICY_PASS, NO_RULE,
		.lines = "rule roster off\n", .open = true },
};

static char *quoted(const char *s)
{
	char *copy = strdup(s);

	for (char *p = copy; (p = strchr(p, '\''));)
		*p = '"';
	return copy;
}

static struct config *configure(enum config_role role, const char *lines)
{
	char text[2048];
	struct buf errors;

	buf_init(&errors, 65536);
	snprintf(text, sizeof(text), "%s%s", role == CONFIG_OUTER ? OUTER_BASE : INNER_BASE,
		lines ? lines : "");
	struct config *c = config_parse(role, "t.conf", str_of(text), &errors);
	if (!c)
		fail_msg("%.*s", STR_FMT(buf_bytes(&errors)));
	buf_done(&errors);
	return c;
}

static bool rule_is(
	const struct policy_findings *f, enum policy_verdict v, enum config_rule_id rule)
{
	if (v == POLICY_PASS)
		return rule == NO_RULE && f->n == 0;
	if (v == POLICY_STRIP)
		return f->n && f->what[0].rule == rule;
	return f->rule == rule;
}

/* What is left, encoded and decoded as on the link, has this text and nothing to find any more. */
static bool rest_is(struct bench *b, const struct config *c, const struct content_case *t)
{
	enum record_profile profile = t->open ? PROFILE_OPEN : PROFILE_STANDARD;
	char *text = quoted(t->out ? t->out : t->xml);
	struct policy_findings again;

	buf_clear(&b->cbor, SIZE_MAX);
	buf_clear(&b->xml, SIZE_MAX);
	assert_true(record_encode(&b->record, &b->cbor));
	bench_decode(b, profile);
	assert_null(b->fault);
	bool ok = policy_content(c, !t->outbound, &b->again, &b->arena, &again) == POLICY_PASS ||
		strstr(t->name, "room's history");
	assert_true(record_write(&b->again, &b->xml));
	if (!str_is(buf_bytes(&b->xml), text)) {
		print_error("%s\n  not %s\n", text, quoted((const char *)buf_bytes(&b->xml).p));
		ok = false;
	}
	free(text);
	return ok;
}

static bool holds(struct bench *b, const struct content_case *t, enum config_role role)
{
	struct config *c = configure(role, t->lines);
	enum record_profile profile = t->open ? PROFILE_OPEN : PROFILE_STANDARD;
	struct policy_findings f;
	char *xml = quoted(t->xml);

	assert_int_equal(bench_pass(b, xml, profile), COND_NONE);
	enum policy_verdict v =
		policy_content(c, !t->outbound, &b->record, xml_reader_arena(b->reader), &f);
	bool ok = v == t->verdict && rule_is(&f, v, t->rule);
	if (v == POLICY_REJECT && t->condition)
		ok = ok && f.condition == t->condition;
	if (ok && (v == POLICY_PASS || v == POLICY_STRIP))
		ok = rest_is(b, c, t);
	if (!ok)
		print_error("%s (%s): verdict %d, %u found, rule %s\n", t->name,
			role == CONFIG_OUTER ? "outer" : "inner", v, f.n,
			v == POLICY_STRIP          ? config_rule_rows[f.what[0].rule].name
				: v > POLICY_STRIP ? config_rule_rows[f.rule].name
						   : "none");
	free(xml);
	config_free(c);
	return ok;
}

static void table(void **state)
{
	struct bench b;
	unsigned failed = 0;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name_row(cases[i].name);
		failed += !holds(&b, &cases[i], CONFIG_OUTER);
		failed += !holds(&b, &cases[i], CONFIG_INNER);
	}
	bench_done(&b);
	assert_int_equal(failed, 0);
}

/* The standard profile leaves nothing of these for the rules: they have no rows. */
static void standard_profile_strips(void **state)
{
	static const char *const stanzas[] = {
		CHAT(HI COPY("sent")),
		CHAT(HI COPY("received")),
		CHAT(HI ROSTER),
		CHAT(HI HTML("<p onclick='x'>a<script>b</script></p>")),
	};
	struct bench b;

	name_row("threats G5 threats G12 standard profile");
	bench_init(&b);
	for (size_t i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++) {
		assert_int_equal(bench_pass(&b, stanzas[i], PROFILE_STANDARD), COND_NONE);
		assert_true(memmem(b.xml.data, buf_len(&b.xml), "hi", 2));
		assert_null(memmem(b.xml.data, buf_len(&b.xml), "carbons", 7));
		assert_null(memmem(b.xml.data, buf_len(&b.xml), "roster", 6));
		assert_null(memmem(b.xml.data, buf_len(&b.xml), "script", 6));
		assert_null(memmem(b.xml.data, buf_len(&b.xml), "onclick", 7));
	}
	assert_int_equal(bench_pass(&b, ASK("a@example.se", "set", ROSTER), PROFILE_STANDARD),
		COND_NOT_ACCEPTABLE);
	bench_done(&b);
}

static const struct {
	const char *name;
	const char *xml;
} ordinary[] = {
#define STANZA(name, xml) { name, xml },
#include "../record/stanzas.def"
#undef STANZA
};

/* These come from a client there, for brevity; no account or service would send them so. */
static const char *const expected[] = {
	"XEP-0163 and 0107 event with headers",
	"XEP-0163 retracted",
	"XEP-0084 metadata",
	"XEP-0080 location in an event",
	"XEP-0313 result",
	"XEP-0384 device list",
};

static bool is_expected(const char *name)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (strcmp(expected[i], name) == 0)
			return true;
	}
	return false;
}

/* Between two foreign domains nothing is in the name of a local one: the rules find nothing in ordinary traffic. */
static void ordinary_stanzas_pass(void **state)
{
	struct config *c = configure(CONFIG_OUTER, NULL);
	struct bench b;
	unsigned failed = 0;

	name_row("s2s C12 ordinary stanzas");
	bench_init(&b);
	for (size_t i = 0; i < 2 * sizeof(ordinary) / sizeof(ordinary[0]); i++) {
		struct policy_findings f = { 0 };
		const char *name = ordinary[i / 2].name;
		assert_int_equal(bench_pass(&b, ordinary[i / 2].xml, PROFILE_OPEN), COND_NONE);
		enum policy_verdict v = policy_content(c, i % 2, &b.again, &b.arena, &f);
		bool ok = (v == POLICY_PASS) != (i % 2 && is_expected(name));
		if (!ok)
			print_error("%s: verdict %d, %s\n", name, v,
				config_rule_rows[f.n ? f.what[0].rule : f.rule].name);
		failed += !ok;
	}
	bench_done(&b);
	config_free(c);
	assert_int_equal(failed, 0);
}

/* As deep as a record can be, with a neighbour on each level: the last link is found, and the stack is large enough. */
static void deepest_record(void **state)
{
	enum { DEPTH = 127 };
	struct config *c = configure(CONFIG_OUTER, NULL);
	struct policy_findings f;
	struct arena a;
	struct record r = { .kind = RECORD_MESSAGE, .type = RECORD_CHAT };

	name_row("threats G12 threats A7 deepest record");
	arena_init(&a, 1 << 20);
	assert_int_equal(jid_parse(&a, STRL("b@example.com/x"), &r.from), JID_OK);
	assert_int_equal(jid_parse(&a, STRL("a@example.se"), &r.to), JID_OK);
	struct xml_node *top =
		xml_node_elem(&a, STRL("http://jabber.org/protocol/xhtml-im"), STRL("html"));
	struct xml_node *e = top;
	top->id = EL_XHTML_IM_HTML;
	for (unsigned i = 1; i < DEPTH; i++) {
		struct xml_node *inner =
			xml_node_elem(&a, STRL("http://www.w3.org/1999/xhtml"), STRL("a"));
		inner->id = EL_XHTML_A;
		xml_node_add(e, inner);
		xml_node_add(e, xml_node_text(&a, STRL("beside")));
		e = inner;
	}
	r.payload = top;
	assert_int_equal(policy_content(c, true, &r, &a, &f), POLICY_PASS);
	assert_true(xml_node_set(&a, e, STRL("href"), STRL("javascript:x")));
	e->attrs->id = AT_HREF;
	assert_int_equal(policy_content(c, true, &r, &a, &f), POLICY_STRIP);
	assert_null(r.payload);
	arena_done(&a);
	config_free(c);
}

/* All is on that is said to be on, and the words are what they are called. */
static void defaults(void **state)
{
	struct config *c = configure(CONFIG_OUTER, NULL);

	for (unsigned i = 0; i < CONFIG_RULES; i++) {
		bool used = c->rules_used >> i & 1;
		assert_int_equal(used, config_rule_rows[i].on);
		assert_int_equal(config_rule_on(c, i, STRL("example.se"), STRL("a.example")), used);
	}
	assert_true(config_rule_rows[CONFIG_RULE_ROSTER].on);
	assert_true(config_rule_rows[CONFIG_RULE_SERVER].on);
	assert_false(config_rule_rows[CONFIG_RULE_CANDIDATES].on);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(standard_profile_strips),
		cmocka_unit_test(ordinary_stanzas_pass),
		cmocka_unit_test(deepest_record),
		cmocka_unit_test(defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
