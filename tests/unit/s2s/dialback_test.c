/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and questions about keys: section G of doc/conformance.md, E of doc/threats.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define ASK                                                                                        \
	"<<db:verify from=\"b.example\" to=\"a.example\" id=\"",                                   \
		"<\">0123456789abcdef</"                                                           \
		"db:verify>"
/* A peer with a bad certificate shows a key; the face asks on connection 1. */
#define SHOW_KEY "N", IN_TLS, ">" KEY("a.example", "b.example")
#define ASKED SHOW_KEY, "K1", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), ASK
#define RESULT(type) "<<db:result from=\"b.example\" to=\"a.example\" type=\"" type "\""
#define QUESTION(from, to, id, key)                                                                \
	"<db:verify from='" from "' to='" to "' id='" id "'>" key "</db:verify>"
#define COND(condition) "<<" condition " xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"

static const struct dialogue keys[] = {
	{ "s2s G1 offered with errors", "",
		{ "N", ">" AB, "<xmlns:db=\"jabber:server:dialback\"", "!dialback>", ">" STARTTLS,
			"T", ">" AB, "<xmlns:db=\"jabber:server:dialback\"",
			"<<dialback xmlns=\"urn:xmpp:features:dialback\"><errors/></dialback>" } },
	{ "s2s G3 valid", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", RESULT("valid"), ">" MSG_AB("one"),
			"S" GOT("one") "dialback one",
			"Lpair-valid in - b.example>a.example dialback" } },
	{ "s2s G3 our own key follows the question on the same stream", "",
		{ ASKED, "<<db:result from=\"b.example\" to=\"a.example\">" } },
	{ "s2s G8 invalid, alone", "",
		{ ASKED, ">" VERIFIED("invalid"), "@0", RESULT("invalid"),
			"<" ERR("not-authorized"), "C" } },
	{ "s2s G8 invalid beside a valid pair", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", ">" KEY("a.example", "b2.example"), "K2", "A",
			">" STREAM("id='x' version='1.0'") FEATURES(OFFER_TLS), ">" PROCEED, "T",
			">" STREAM("id='y' version='1.0'") FEATURES(OFFER_DB),
			">"
			"<db:verify from='a.example' to='b2.example' id='$ID0' type='invalid'/>",
			"@0", "<<db:result from=\"b2.example\" to=\"a.example\" type=\"error\"",
			COND("forbidden"), "O", ">" MSG_AB("one"), "Sone" } },
	{ "threats E13 sender and target multiplexing make pairs", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", ">" MSG("u@a.example", "v@b2.example", "one"),
			"<" ERR("invalid-from"), "sone", "C" } },
	{ "s2s G7 question answered with an error", "",
		{ ASKED, ">" VERIFIED("error"), "@0", RESULT("error"),
			COND("remote-server-timeout"), "O" } },
	{ "s2s G7 threats H7 no answer: deadline", "",
		{ ASKED, "@0", "W9999", "!type=", "W1", RESULT("error"),
			COND("remote-server-timeout"), "O" } },
	{ "s2s G7 nobody listens there", "",
		{ SHOW_KEY, "X", RESULT("error"), COND("remote-server-not-found"), "O" } },
	{ "s2s G7 the asked server hangs up", "",
		{ SHOW_KEY, "A", "H", "@0", RESULT("error"), COND("remote-server-timeout"), "O" } },
	{ "threats E11 stanzas instead of an answer", "",
		{ ASKED, ">" MSG_AB("one"), "sone", "@0", RESULT("error"), "O" } },
	{ "a key again after an error", "",
		{ SHOW_KEY, "X", RESULT("error"), "Gproved", ">" KEY("a.example", "b.example"),
			RESULT("valid") } },
	{ "the same key twice", "",
		{ ASKED, "@0", ">" KEY("a.example", "b.example"), "K1", "@1", ">" VERIFIED("valid"),
			"@0", RESULT("valid"), ">" KEY("a.example", "b.example"),
			RESULT("valid") } },
	{ "s2s G11 certificate covers the domain", "proved",
		{ "N", IN_TLS, ">" KEY("a.example", "b.example"), RESULT("valid"), "K0",
			">" MSG_AB("one"), "Sv@b.example pkix one" } },
	{ "threats E17 certificate does not cover the second domain", "proved",
		{ "N", IN_EXTERNAL, ">" KEY("a2.example", "b.example"), "!valid", "K1" } },
	{ "s2s G11 it does", "covers-a2",
		{ "N", IN_EXTERNAL, ">" KEY("a2.example", "b.example"), "<valid", "K0",
			">" MSG("u@a2.example", "v@b.example", "one"), "Sone", "P2" } },
	{ "s2s G15 dialback not accepted", "proved no-dialback",
		{ "N", IN_EXTERNAL, ">" KEY("a2.example", "b.example"), "<type=\"error\"",
			COND("policy-violation"), "O" } },
	{ "s2s G13 key before TLS", "",
		{ "N", ">" AB, ">" KEY("a.example", "b.example"), "<" ERR("policy-violation"), "K0",
			"C" } },
	{ "s2s G13 key in clear where that is allowed", "no-tls",
		{ "N", ">" AB, ">" KEY("a.example", "b.example"), "K1", "A",
			">" ANSWER("x") FEATURES(""), ASK, ">" VERIFIED("valid"), "@0",
			RESULT("valid"), ">" MSG_AB("one"), "Sone" } },
	{ "s2s A7 jabberd2 without a certificate", "no-tls",
		{ "N", ">" STREAM(""), "!version=\"1.0\" xml:lang", "!features",
			">" KEY("a.example", "b.example"), "P1", "A", ">" STREAM("id='x'"), ASK,
			">" VERIFIED("valid"), "@0", RESULT("valid"), ">" MSG_AB("one"), "Sone" } },
	{ "s2s A7 the same where TLS is required", "no-tls",
		{ "N", ">" STREAM(""), "Gneed-tls", ">" KEY("a.example", "b.example"), "K0",
			"<" ERR("policy-violation"), "C" } },
	{ "s2s A9 header without names", "",
		{ "N", ">" STREAM("version='1.0'"), ">" STARTTLS, "T", ">" STREAM("version='1.0'"),
			">" KEY("a.example", "b.example"), "K1", "P1" } },
	{ "s2s A7 no errors for a server without version", "no-tls",
		{ "N", ">" STREAM(""), ">" KEY("a.example", "b.example"), "X",
			"<" ERR("not-authorized"), "C" } },
	{ "s2s A4 a key right after a failure causes no connect", "",
		{ SHOW_KEY, "X", "<type=\"error\"", ">" KEY("a.example", "b.example"),
			"<type=\"error\"", "K1" } },
	{ "s2s A4 a second later it does, whatever the retry delay", "",
		{ SHOW_KEY, "X", "W1000", "X", ">" KEY("a.example", "b.example"), "X", "W1000", "X",
			">" KEY("a.example", "b.example"), "X", "W1000",
			">" KEY("a.example", "b.example"), "K4", "O" } },
	{ "the stream with the question dies: it is asked again", "",
		{ ASKED, "<<db:result",
			">"
			"<db:result from='a.example' to='b.example' type='valid'/>",
			"H", "K2", "A", OUT_TLS, ">" ANSWER("id3") FEATURES(OFFER_DB), ASK,
			">" VERIFIED("valid"), "@0", RESULT("valid") } },
	{ "the program stops while a question is open", "", { ASKED, "Z", "C", "@0", "C" } },
	{ "reload: dialback no longer accepted", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", "R", "O", "Gno-dialback", "R",
			"<" ERR("policy-violation"), "C" } },
	{ "reload: TLS required", "no-tls",
		{ "N", ">" AB, ">" KEY("a.example", "b.example"), "A", ">" ANSWER("x") FEATURES(""),
			">" VERIFIED("valid"), "@0", RESULT("valid"), "Gneed-tls", "R",
			"<" ERR("policy-violation"), "C" } },
	{ "s2s G10 jabberd2: second target on the first stream", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", ">" KEY("a.example", "b2.example"), "K2", "A",
			"<from=\"b2.example\" to=\"a.example\"" } },
	{ "s2s G9 more senders on a live stream", "",
		{ ASKED, ">" VERIFIED("valid"), "@0", RESULT("valid"),
			">" KEY("a2.example", "b.example"), "K2", "A",
			">" STREAM("id='x' version='1.0'") FEATURES(OFFER_TLS), ">" PROCEED, "T",
			">" STREAM("id='y' version='1.0'") FEATURES(OFFER_DB),
			">"
			"<db:verify from='a2.example' to='b.example' id='$ID0' type='valid'/>",
			"@0", "<<db:result from=\"b.example\" to=\"a2.example\" type=\"valid\"",
			">" MSG_AB("one") MSG("u@a2.example", "v@b.example", "two"), "Sone", "Stwo",
			"O" } },
	{ "s2s G9 the header's own pair needs no key before others", "",
		{ "N", IN_TLS, ">" KEY("a2.example", "b2.example"), "K1", "A",
			">" STREAM("id='x' version='1.0'") FEATURES(OFFER_TLS), ">" PROCEED, "T",
			">" STREAM("id='y' version='1.0'") FEATURES(OFFER_DB),
			">"
			"<db:verify from='a2.example' to='b2.example' id='$ID0' type='valid'/>",
			"@0", "<type=\"valid\"", ">" MSG("u@a2.example", "v@b2.example", "one"),
			"Sone", ">" MSG_AB("two"), "stwo", "<" ERR("invalid-from"), "C" } },
	{ "unknown target", "",
		{ "N", IN_TLS, ">" KEY("a.example", "c.example"), "<type=\"error\"",
			COND("item-not-found"), "O", "K0" } },
	{ "threats E10 from one of our own domains", "",
		{ "N", IN_TLS, ">" KEY("b2.example", "b.example"), "<type=\"error\"",
			COND("policy-violation"), "O", "K0" } },
	{ "pair not allowed", "",
		{ "N", IN_TLS, "Grefuse-a", ">" KEY("a.example", "b2.example"), "<type=\"error\"",
			COND("policy-violation"), "O", "K0" } },
	{ "threats E8 long key", "",
		{ "N", IN_TLS,
			">"
			"<db:result from='a.example' to='b.example'>"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxx"
			"</db:result>",
			COND("not-acceptable"), "K0", "O" } },
	{ "key without addresses", "",
		{ "N", IN_TLS,
			">"
			"<db:result to='b.example'>00</db:result>",
			"<" ERR("improper-addressing"), "C" } },
};

static const struct dialogue forged[] = {
	{ "threats E8 questions of one address, on whatever stream", "two-answers",
		{ "N", IN_TLS, ">" QUESTION("a.example", "b.example", "x", "y"),
			"<type=\"invalid\"", ">" QUESTION("a.example", "b.example", "x", "y"),
			"<type=\"invalid\"", "N", IN_TLS,
			">" QUESTION("a.example", "b.example", "x", "y"), "<<db:verify",
			"<type=\"error\"", COND("resource-constraint"), "O" } },
	{ "threats E2 unsolicited valid on an incoming stream", "",
		{ "N", IN_TLS,
			">"
			"<db:result from='a.example' to='b.example' type='valid'/>",
			"Ldialback-unsolicited", ">" MSG_AB("one"), "sone", "C" } },
	{ "threats E2 the same while a key is verified", "",
		{ ASKED, "@0",
			">"
			"<db:result from='a.example' to='b.example' type='valid'/>",
			"O", ">" MSG_AB("one"), "sone", "C" } },
	{ "threats E3 answer on the incoming stream, right id", "",
		{ ASKED, "@0", ">" VERIFIED("valid"), "Ldialback-unsolicited", ">" MSG_AB("one"),
			"sone", "C" } },
	{ "threats E3 answer with another id", "",
		{ ASKED,
			">"
			"<db:verify from='a.example' to='b.example' id='0' type='valid'/>",
			"Ldialback-unsolicited", "@0", ">" MSG_AB("one"), "sone", "C" } },
	{ "threats E4 answer with addresses swapped", "",
		{ ASKED,
			">"
			"<db:verify from='b.example' to='a.example' id='$ID0' type='valid'/>",
			"Ldialback-unsolicited", "@0", ">" MSG_AB("one"), "sone", "C" } },
	{ "s2s G5 answer for another pair", "",
		{ ASKED,
			">"
			"<db:verify from='a.example' to='b2.example' id='$ID0' type='valid'/>",
			"Ldialback-unsolicited", "@0", ">" MSG_AB("one"), "sone", "C" } },
	{ "threats E4 answer with other spelling of the right domains", "",
		{ ASKED,
			">"
			"<db:verify from='A.Example.' to='B.EXAMPLE' id='$ID0' type='valid'/>",
			"@0", RESULT("valid") } },
	{ "threats E3 answer twice", "",
		{ ASKED, ">" VERIFIED("valid"), ">" VERIFIED("invalid"), "Ldialback-unsolicited",
			"@0", "O" } },
	{ "threats E12 answer of an unknown type", "",
		{ ASKED, ">" VERIFIED("perhaps"), "@0", RESULT("error"), "O" } },
	{ "threats E3 answer before the question", "",
		{ SHOW_KEY, "A", OUT_TLS, ">" ANSWER("id2") VERIFIED("valid"), "C", "@0",
			">" MSG_AB("one"), "sone" } },
};

static const struct dialogue questions[] = {
	{ "s2s G4 a key that we did not make", "",
		{ "N", IN_TLS, ">" QUESTION("a.example", "b.example", "i1", "00"),
			"<<db:verify from=\"b.example\" to=\"a.example\" id=\"i1\" "
			"type=\"invalid\">",
			"O" } },
	{ "s2s G4 a key that we made", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:result", "N",
			IN_TLS, ">" QUESTION("a.example", "b.example", "id2", "$KEY"),
			"<type=\"valid\"" } },
	{ "threats E7 the same key for another stream id", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:result", "N",
			IN_TLS, ">" QUESTION("a.example", "b.example", "id1", "$KEY"),
			"<type=\"invalid\"" } },
	{ "threats E7 the same key for another pair", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:result", "N",
			IN_TLS, ">" QUESTION("a.example", "b2.example", "id2", "$KEY"),
			"<type=\"invalid\"" } },
	{ "s2s G4 unknown domain", "",
		{ "N", IN_TLS, ">" QUESTION("a.example", "c.example", "i1", "00"),
			"<type=\"error\"", COND("item-not-found"), "O" } },
	{ "s2s G4 a domain that asks for itself and a stranger", "",
		{ "N", IN_TLS, ">" QUESTION("x.example", "b2.example", "i1", "00"),
			"<type=\"invalid\"", "O" } },
	{ "s2s G4 on an authenticated stream", "proved",
		{ "N", IN_EXTERNAL, ">" QUESTION("a.example", "b.example", "i1", "00"),
			"<type=\"invalid\"", "O" } },
	{ "s2s G4 on a stream that we opened", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:result",
			">" QUESTION("a.example", "b.example", "id2", "$KEY"), "<type=\"valid\"",
			"O" } },
	{ "threats E5 id with a space", "",
		{ "N", IN_TLS, ">" QUESTION("a.example", "b.example", "a b", "00"),
			"<id=\"a b\" type=\"invalid\"" } },
	{ "threats C2 id with markup", "",
		{ "N", IN_TLS, ">" QUESTION("a.example", "b.example", "&quot;&lt;x", "00"),
			"<id=\"&quot;&lt;x\" type" } },
	{ "s2s G4 no id", "",
		{ "N", IN_TLS,
			">"
			"<db:verify from='a.example' to='b.example'>00</db:verify>",
			"<" ERR("improper-addressing"), "C" } },
	{ "question before TLS", "",
		{ "N", ">" AB, ">" QUESTION("a.example", "b.example", "i1", "00"),
			"<" ERR("policy-violation"), "C" } },
};

static void test_keys(void **state)
{
	RUN_ALL(keys);
}

static void test_forged(void **state)
{
	RUN_ALL(forged);
}

static void test_questions(void **state)
{
	RUN_ALL(questions);
}

/* E9: a stream that names sender after sender. */
static void test_key_flood(void **state)
{
	struct world w;
	struct node n, *nodes[] = { &n, NULL };
	char text[400];

	world_init(&w, false);
	node_init(&n, &w, "b.example");
	struct wire *peer = script_connect(&n, true);
	script_send(peer, AB);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text),
			"<db:result from='s%d.example' to='b.example'>00</db:result>", i);
		script_send(peer, text);
	}
	assert_int_equal(n.connects, 16);
	assert_has(script_look(peer), "resource-constraint");
	world_wait(&w, nodes, 10000);
	/* All questions failed, and so does the stream in the end. */
	for (int i = 0; i < 16; i++) {
		snprintf(text, sizeof(text),
			"<db:result from='t%d.example' to='b.example'>00</db:result>", i);
		script_send(peer, text);
	}
	world_wait(&w, nodes, 20000);
	assert_has(script_look(peer), ERR("policy-violation"));
	assert_true(peer->other->dead);
	node_done(&n);
	world_done(&w);
}

/* E8: questions are answered cheaply, and not without end. */
static void test_question_flood(void **state)
{
	struct world w;
	struct node n;

	world_init(&w, false);
	node_init(&n, &w, "b.example");
	struct wire *peer = script_connect(&n, true);
	script_send(peer, AB);
	for (int i = 0; i < 300; i++)
		script_send(peer, QUESTION("a.example", "b.example", "i", "00"));
	assert_has(script_look(peer), "resource-constraint");
	w.now += 1000;
	script_send(peer, QUESTION("a.example", "b.example", "i", "00"));
	assert_lacks(script_look(peer), "resource-constraint");
	node_done(&n);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_questions),
		{ "threats E9 senders without end on one stream", test_key_flood, NULL, NULL,
			NULL },
		{ "threats E8 questions without end", test_question_flood, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
