/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate proves is not always known at once (DANE and POSH ask the network), and does not
 * stay so for ever: streams that wait for it, and streams that lose it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define KEY_A2 KEY("a2.example", "b2.example")
#define OUT_TLS_2                                                                                  \
	"<from=\"b2.example\" to=\"a2.example\"",                                                  \
		">" STREAM("from='a2.example' to='b2.example' id='id1' version='1.0'")             \
			FEATURES(OFFER_TLS),                                                       \
		"<<starttls", ">" PROCEED, "T"
#define ANSWER_2 STREAM("from='a2.example' to='b2.example' id='id2' version='1.0'")
#define VALID_2 "<db:result from='a2.example' to='b2.example' type='valid'/>"
#define VERIFIED_2(type) "<db:verify from='a2.example' to='b2.example' id='$ID1' type='" type "'/>"
#define TO_TLS ">" AB, ">" STARTTLS, "T", ">" AB
#define VALID "<db:result from='a.example' to='b.example' type='valid'/>"
#define BODY(text) "<body>" text "</body>"
#define OUT_WAITS "Mone", "A", OUT_TLS, "!<stream:stream"

static const struct dialogue incoming[] = {
	{ "s2s E16 header and features wait for the proof", "by-dane proved later",
		{ "N", TO_TLS, "!<stream:features", "O", "Gknown", "Q", "<EXTERNAL", "<<dialback",
			">" AUTH(A_IN_BASE64), "<<success",
			"Lpair-valid in - b.example>a.example dane", ">" AB, ">" MSG_AB("one"),
			"S dane one" } },
	{ "s2s E16 the answer is no: dialback is left", "later",
		{ "N", TO_TLS, "!<stream:features", "Gknown", "Q", "!EXTERNAL", "<<dialback",
			"O" } },
	{ "s2s E16 the answer is no, and no dialback", "later no-dialback",
		{ "N", TO_TLS, "Gknown", "Q", "!features", "<" ERR("not-authorized"), "C",
			"Lbad-certificate" } },
	{ "s2s E16 denied: dialback asks the domain's own server", "later denied",
		{ "N", TO_TLS, "Gknown", "Q", "!EXTERNAL", "<<dialback", "O" } },
	{ "s2s E16 still not known", "later",
		{ "N", TO_TLS, "Q", "!features", "Q", "!features", "O" } },
	{ "s2s E16 no answer in time, dialback is left", "later proved",
		{ "N", TO_TLS, "W5000", "!EXTERNAL", "<<dialback", "O", ">" AUTH("="),
			"<<not-authorized", "Gknown", "Q", "O" } },
	{ "s2s E17 no answer in time, and no dialback", "later proved no-dialback",
		{ "N", TO_TLS, "W5000", "!features", "<" ERR("not-authorized"), "C",
			"Lproving the domain took too long" } },
	{ "nothing is read while waiting", "later proved",
		{ "N", ">" AB, ">" STARTTLS, "T", ">" AB AUTH(A_IN_BASE64), "!success", "O",
			"Gknown", "Q", "<EXTERNAL", "<<success" } },
	{ "no header to wait for: nobody is asked", "later proved",
		{ "N", ">" STREAM("to='b.example' version='1.0'"), ">" STARTTLS, "T",
			">" STREAM("to='b.example' version='1.0'"), "<<dialback", "O" } },
	{ "a peer that goes while it waits", "later", { "N", TO_TLS, "H" } },
	{ "shutdown while waiting", "later", { "N", TO_TLS, "Z", "<" END, "C" } },
	{ "s2s E18 another domain of the certificate", "by-dane covers-a2",
		{ "N", IN_EXTERNAL, ">" KEY_A2, "<type=\"valid\"", "K0",
			"Lpair-valid in - b2.example>a2.example dane" } },
	{ "s2s E18 another domain, known later", "by-dane covers-a2",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "!db:result", "O", "K0", "Gknown", "Q",
			"<type=\"valid\"", "K0" } },
	{ "another domain, known later not to be proved", "proved",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "K0", "Gknown", "Q", "K1",
			"!type=\"valid\"" } },
	{ "another domain, not proved, no dialback", "proved no-dialback",
		{ "N", IN_EXTERNAL, ">" KEY_A2, "<type=\"error\"", "<policy-violation", "K0",
			"O" } },
	{ "another domain, later, not proved, no dialback", "proved no-dialback",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "Gknown", "Q", "<type=\"error\"", "K0",
			"O" } },
	{ "threats I5 a key whose certificate has no answer yet is counted", "proved one-question",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "!db:result", "?3",
			">" KEY("a3.example", "b.example"), "<resource-constraint", "?3", "O",
			"Gknown", "Q", "K1" } },
	{ "threats I5 a key that the certificate proves is not", "covers-a2 one-question",
		{ "N", IN_EXTERNAL, ">" KEY_A2, "<type=\"valid\"",
			">" KEY("a3.example", "b.example"), "K1", "!resource" } },
	{ "who waits for a proof is not refused for another's question", "proved",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "Gknown", "N", IN_TLS, ">" KEY_A2, "K1",
			"X", "<remote-server-not-found", "@0", "!db:result", "O", "Gcovers-a2", "Q",
			"<type=\"valid\"" } },
	{ "who waits for a proof needs no stream of ours", "proved",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "Gknown", "N", IN_TLS, ">" KEY_A2, "A",
			OUT_TLS_2, ">" ANSWER_2 FEATURES(OFFER_DB), ">" VERIFIED_2("valid"),
			">" VALID_2, "H", "K1", "@0", "!db:result", "Gcovers-a2", "Q",
			"<type=\"valid\"" } },
	{ "another domain, never known", "proved",
		{ "N", IN_EXTERNAL, "Glater", ">" KEY_A2, "W10000", "<remote-server-timeout",
			"O" } },
};

static const struct dialogue outgoing[] = {
	{ "s2s E16 nothing is said before the server is proved", "by-dane proved later",
		{ OUT_WAITS, "Gknown", "Q", "<<stream:stream",
			">" ANSWER("id2") FEATURES(OFFER_SASL),
			">"
			"<success" SASL "/>",
			">" ANSWER("id3") FEATURES(""), "<" BODY("one"),
			"Lpair-valid out - b.example>a.example dane" } },
	{ "s2s E16 s2s E6 direct TLS: nothing is said before the server is proved",
		"by-dane proved later direct",
		{ "Mone", "A", "!<", "Gknown", "Q", "<from=\"b.example\" to=\"a.example\"",
			">" ANSWER("id1") FEATURES(OFFER_SASL), "<<auth" } },
	{ "s2s E16 s2s E6 direct TLS: denied", "denied later direct",
		{ "Mone", "A", "Gknown", "Q", "C", "U1" } },
	{ "s2s E16 denied: no dialback either", "denied later",
		{ OUT_WAITS, "Gknown", "Q", "!<stream:stream xmlns", "<" ERR("not-authorized"), "C",
			"U1", "Lbad-certificate" } },
	{ "s2s E16 denied at once", "denied",
		{ "Mone", "A", OUT_TLS, "C", "U1", "Lbad-certificate" } },
	{ "s2s E16 no answer in time is no answer: dialback does not help", "proved later",
		{ OUT_WAITS, "W5000", "C", "U1", "Lproof-timeout" } },
	{ "s2s E14 not proved: whom DNS names, with dialback", "later",
		{ OUT_WAITS, "Gknown", "Q", "<<stream:stream", ">" ANSWER("id2") FEATURES(OFFER_DB),
			"<<db:result", ">" VALID, "<" BODY("one"),
			"Lpair-valid out - b.example>a.example dialback" } },
	{ "the server goes while it is judged", "later", { OUT_WAITS, "H", "W5000", "U1" } },
};

static const struct dialogue again[] = {
	{ "s2s E12 a certificate that does not prove any more: incoming", "proved",
		{ "N", IN_EXTERNAL, "J", "O", "Guntrusted", "J", "<" ERR("not-authorized"), "C",
			"Lpair-proof-lost in - b.example>a.example pkix self-signed",
			"Lstream-closed in proof-lost" } },
	{ "s2s E12 one of two domains is lost", "covers-a2",
		{ "N", IN_EXTERNAL, ">" KEY_A2, "<type=\"valid\"", "Gproved", "J", "O",
			"Lpair-proof-lost in - b2.example>a2.example", ">" MSG_AB("still"),
			"Sstill", ">" MSG("u@a2.example", "v@b2.example", "gone"), "sgone",
			"<" ERR("invalid-from"), "C" } },
	{ "s2s E12 dialback stays", "",
		{ "N", ">" AB, ">" STARTTLS, "T", ">" AB, ">" KEY("a.example", "b.example"), "A",
			OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), ">" VERIFIED("valid"), "@0",
			"J", "O" } },
	{ "s2s E12 outgoing", "proved",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL),
			">"
			"<success" SASL "/>",
			">" ANSWER("id3") FEATURES(""), "V1", "J", "O", "Guntrusted", "J",
			"<" ERR("not-authorized"), "C", "U0", "Lproof-lost", "Mtwo", "K2" } },
	{ "s2s E12 outgoing by dialback, denied later", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), ">" VALID, "V1", "J",
			"O", "Gdenied", "J", "C" } },
	{ "s2s E12 an answer that is open changes nothing", "proved",
		{ "N", IN_EXTERNAL, "Glater", "J", "O", "Gknown", "Q", "O", "Guntrusted", "Q",
			"C" } },
	{ "s2s E12 the proof may become another", "proved",
		{ "N", IN_EXTERNAL, "Gby-dane", "J", "O", ">" MSG_AB("now"), "S dane now" } },
	{ "s2s E12 between the offer and its use", "proved",
		{ "N", TO_TLS, "<EXTERNAL", "Guntrusted", "J", ">" AUTH(A_IN_BASE64),
			"<not-authorized", "O" } },
};

static void test_incoming(void **state)
{
	RUN_ALL(incoming);
}

static void test_outgoing(void **state)
{
	RUN_ALL(outgoing);
}

static void test_again(void **state)
{
	RUN_ALL(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incoming),
		cmocka_unit_test(test_outgoing),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
