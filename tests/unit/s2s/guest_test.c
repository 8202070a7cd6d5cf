/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs that use the stream of another pair, as the initiating side (XEP-0220 section 2.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define VALID "<db:result from='a.example' to='b.example' type='valid'/>"
#define SUCCESS "<success" SASL "/>"
#define BODY(text) "<body>" text "</body>"
#define ANSWER_2(type) "<db:result from='a2.example' to='b.example' type='" type "'/>"
#define A2_B HEAD("a2.example", "b.example")
#define A2_IN_BASE64 "YTIuZXhhbXBsZQ=="
/* The second pair's server opens a stream for both directions. */
#define IN_2                                                                                       \
	">" A2_B, ">" STARTTLS, "T", ">" A2_B, ">" BIDI, ">" AUTH(A2_IN_BASE64), "<<success",      \
		">" A2_B
#define KEY_2 "<<db:result from=\"b.example\" to=\"a2.example\">"
#define OPEN(features) "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(features)
#define HOST OPEN(OFFER_DB), ">" VALID, "<" BODY("one")
#define OLD_DB "<dialback xmlns='urn:xmpp:features:dialback'/>"

static const struct dialogue guests[] = {
	{ "s2s G10 second target on our stream", "share",
		{ HOST, "Ftwo", "K2", "=", KEY_2, "!two", ">" ANSWER_2("valid"), "<" BODY("two"),
			"V2", "Fthree", "<" BODY("three"), "Mfour", "<" BODY("four"), "V4", "K2",
			"O", "Lpair-valid out - b.example>a2.example dialback" } },
	{ "s2s G10 after EXTERNAL", "covers-a2 share",
		{ OPEN(OFFER_SASL OFFER_DB), ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "Ftwo",
			"=", KEY_2, ">" ANSWER_2("valid"), "<" BODY("two"),
			"Lpair-valid out - b.example>a2.example pkix" } },
	{ "s2s G10 only where the rule says so", "", { HOST, "Ftwo", "#", "!a2.example" } },
	{ "s2s G10 only with a server that knows errors", "share",
		{ OPEN(OLD_DB), ">" VALID, "Ftwo", "#", "!a2.example" } },
	{ "s2s G10 s2s A12 errors announced before TLS do not count", "share",
		{ "Mone", "A", ">" ANSWER("id1") FEATURES(OFFER_TLS OFFER_DB), ">" PROCEED, "T",
			">" STREAM("id='id2'"), "<<db:result", ">" VALID, "Ftwo", "#" } },
	{ "s2s G10 only on a stream that is ready", "share",
		{ OPEN(OFFER_DB), "Ftwo", "#", ">" VALID, "=", KEY_2 } },
	{ "s2s G10 only on a stream of ours", "proved share",
		{ "N", IN_EXTERNAL, "Ftwo", "#", "!a2.example" } },
	{ "s2s G10 only where dialback is accepted, or the certificate is theirs",
		"proved no-dialback share",
		{ OPEN(OFFER_SASL OFFER_DB), ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "Ftwo",
			"#" } },
	{ "s2s G10 refused with an error: a stream of its own", "share",
		{ HOST, "Ftwo", "=", ">" ANSWER_2("error"), "U0", "O", "K3", "#", "A",
			"<to=\"a2.example\"", "@0", "Mthree", "<" BODY("three") } },
	{ "s2s G10 no answer: a stream of its own", "share",
		{ HOST, "Ftwo", "=", "W9999", "K2", "W1", "K3", "U0", "Lpair-not-shared", "O" } },
	{ "s2s G10 an answer that nobody waits for any more", "share",
		{ HOST, "Ftwo", "=", ">" ANSWER_2("error"), ">" ANSWER_2("valid"),
			"Ldialback-unsolicited", "!two" } },
	{ "s2s G10 s2s G5 an answer for a third pair", "share",
		{ HOST, "Ftwo", "=",
			">"
			"<db:result from='a3.example' to='b.example' type='valid'/>",
			"Ldialback-unsolicited", "!two", ">" ANSWER_2("valid"), "<" BODY("two") } },
	{ "s2s G10 the shared stream ends while a key is judged", "share",
		{ HOST, "Ftwo", "=", ">" END, "W1", "C", "K3", "U0", "A", "<to=\"a2.example\"" } },
	{ "s2s G10 the shared stream ends later", "share",
		{ HOST, "Ftwo", "=", ">" ANSWER_2("valid"), "<" BODY("two"), "H", "Fthree", "K3",
			"Mfour", "K4", "U0" } },
	{ "s2s G10 s2s H1 both ways: the guest's stanzas come back, too", "share bidi",
		{ OPEN(OFFER_DB OFFER_BIDI), ">" VALID, "Ftwo", "=",
			">" MSG("u@a2.example", "v@b.example", "early"), "searly",
			"<" ERR("invalid-from"), "C" } },
	{ "s2s G10 s2s H1 both ways, accepted", "share bidi",
		{ OPEN(OFFER_DB OFFER_BIDI), ">" VALID, "Ftwo", "=", ">" ANSWER_2("valid"),
			"<" BODY("two"), ">" MSG("u@a2.example", "v@b.example", "back"), "Sback",
			"O" } },
	{ "s2s G10 a key to be verified is asked on a stream of its own", "share",
		{ HOST, "N", IN_TLS, ">" KEY("a2.example", "b.example"), "K2", "@0", "#",
			"!verify" } },
	{ "s2s G10 reload: the guest is no longer allowed", "share",
		{ HOST, "Ftwo", "=", ">" ANSWER_2("valid"), "<" BODY("two"), "Grefuse-a2", "R",
			"<" ERR("policy-violation"), "C", "Fthree", "K2" } },
	{ "s2s G10 s2s E12 a guest by dialback is denied later", "share",
		{ HOST, "Ftwo", "=", ">" ANSWER_2("valid"), "<" BODY("two"), "V2", "J", "O",
			"Gdenied-a2", "J", "<" ERR("not-authorized"), "C", "Lproof-lost", "Fthree",
			"K3", "V2" } },
	{ "s2s G10 s2s E12 a guest is denied while its key is judged", "share",
		{ HOST, "Ftwo", "=", "Gdenied-a2", "J", "O", "Lpair-not-shared", "K3",
			">" ANSWER_2("valid"), "!two", "Ldialback-unsolicited", "Mthree",
			"<" BODY("three") } },
	{ "s2s G10 s2s H1 a guest whose pair is carried by a stream of theirs",
		"share bidi covers-a2",
		{ OPEN(OFFER_DB), ">" VALID, "N", IN_2, "Ftwo", "<" BODY("two"), "Guntrusted", "N",
			IN_TLS, ">" KEY("a2.example", "b.example"), "K2", "H", "@0", "=", KEY_2,
			">" ANSWER_2("valid"), "@1", "H", "Fthree", "K3", "U0" } },
	{ "s2s A23 shutdown while a key is judged", "share",
		{ HOST, "Ftwo", "=", "Z", "U1", "V1", "C" } },
};

static void test_guests(void **state)
{
	RUN_ALL(guests);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_guests) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
