/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that carry both directions (XEP-0288), opened by either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define SUCCESS "<success" SASL "/>"
#define VALID "<db:result from='a.example' to='b.example' type='valid'/>"
#define BODY(text) "<body>" text "</body>"
#define IN_BIDI                                                                                    \
	IN_TLS, "<<bidi xmlns=\"urn:xmpp:features:bidi\"/>", ">" BIDI, ">" AUTH(A_IN_BASE64),      \
		"<<success", ">" AB, "<features"
#define OUT_BIDI                                                                                   \
	"Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL OFFER_BIDI),                   \
		"<<bidi xmlns=\"urn:xmpp:bidi\"><limits xmlns=\"urn:xmpp:stream-limits:0\">",      \
		"<</bidi><auth", ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "<" BODY("one")
#define UNEXPECTED "<" ERR("unsupported-stanza-type"), "C"

static const struct dialogue incoming[] = {
	{ "s2s H1 what we send takes their stream", "proved bidi",
		{ "N", IN_BIDI, "Mone", "<" BODY("one"), "K0", "V1", ">" MSG_AB("two"), "Stwo",
			"Mthree", "<" BODY("three"), "K0", "O" } },
	{ "s2s H1 not offered where it is switched off", "proved",
		{ "N", IN_TLS, "!bidi", ">" BIDI, UNEXPECTED } },
	{ "s2s H1 not offered before TLS", "proved bidi", { "N", ">" AB, "<starttls", "!bidi" } },
	{ "s2s H1 not offered again after authentication", "proved bidi",
		{ "N", IN_TLS, ">" AUTH("="), ">" AB, "<features", "!bidi" } },
	{ "s2s H1 nobody asked: nothing is written there", "proved bidi",
		{ "N", IN_EXTERNAL, "Mone", "!<body", "K1" } },
	{ "threats E18 request before TLS", "proved bidi", { "N", ">" AB, ">" BIDI, UNEXPECTED } },
	{ "threats E18 request after authentication", "proved bidi",
		{ "N", IN_EXTERNAL, ">" BIDI, UNEXPECTED } },
	{ "threats E18 request twice", "proved bidi",
		{ "N", IN_TLS, ">" BIDI, ">" BIDI, UNEXPECTED } },
	{ "threats E18 request after a key", "bidi",
		{ "N", IN_TLS, ">" KEY("a.example", "b.example"), ">" BIDI, UNEXPECTED } },
	{ "threats E18 no stanza back before the pair is valid", "bidi",
		{ "N", IN_TLS, ">" BIDI, ">" KEY("a.example", "b.example"), "Mone", "!<body", "K1",
			"A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), ">" VERIFIED("valid"),
			"@0", "<type=\"valid\"", "!<body", "O" } },
	{ "s2s H1 dialback: the verified pair alone", "bidi",
		{ "N", IN_TLS, ">" BIDI, ">" KEY("a.example", "b.example"), "K1", "A", OUT_TLS,
			">" ANSWER("id2") FEATURES(OFFER_DB), ">" VERIFIED("valid"), "@0",
			"<type=\"valid\"", "@1", "H", "K1", "@0", "Mone", "<" BODY("one"), "K1",
			"V1" } },
	{ "s2s H1 the key is verified on a stream of its own", "proved bidi",
		{ "N", IN_BIDI, "Mone", "<" BODY("one"), "N", "Guntrusted", IN_TLS,
			">" KEY("a.example", "b.example"), "!verify", "@0", "!verify", "K1" } },
	{ "s2s H1 a stream of ours stays in use: order", "proved bidi",
		{ "Mone", "N", IN_BIDI, "!<body", "K1", "@0", "Mtwo", "!<body", "A", OUT_TLS,
			">" ANSWER("id2") FEATURES(OFFER_SASL), ">" SUCCESS,
			">" ANSWER("id3") FEATURES(""), "<" BODY("one"), "<" BODY("two") } },
	{ "s2s H1 ours cannot be had, theirs carries", "proved bidi",
		{ "Mone", "N", IN_BIDI, "X", "<" BODY("one"), "U0", "V1" } },
	{ "s2s H1 their stream ends: the next stanza opens one", "proved bidi",
		{ "N", IN_BIDI, "Mone", "<" BODY("one"), ">" END, "W1", "C", "K0", "Mtwo", "K1" } },
	{ "s2s H1 what they did not take goes on ours", "proved bidi",
		{ "N", IN_BIDI, ">" END, "Mone", "U0", "W1", "C", "K1", "A",
			"<to=\"a.example\"" } },
	{ "s2s H5 limits in the request", "proved bidi",
		{ "N", IN_TLS,
			">"
			"<bidi xmlns='urn:xmpp:bidi'>" LIMITS("9000", "80") "</bidi>",
			">" AUTH("="), ">" AB, "<features", "m$BIG", "!xxx", "Mone",
			"<" BODY("one"), "> ", "W59999", "! ", "W1", "< ", "O" } },
	{ "s2s H5 advertised inside TLS", "proved",
		{ "N", ">" AB, "!limits", ">" STARTTLS, "T", ">" AB,
			"<<limits xmlns=\"urn:xmpp:stream-limits:0\"><max-bytes>262144</max-bytes>"
			"<idle-seconds>600</idle-seconds></limits>" } },
	{ "s2s A19 both ways: ping, then the end", "proved bidi",
		{ "N", IN_BIDI, "W299999", "!<ping", "W1",
			"<<iq from=\"b.example\" to=\"a.example\"", "<<ping", "W299999", "O", "W1",
			"<" ERR("connection-timeout"), "C" } },
	{ "s2s A19 both ways: the answer comes here", "proved bidi",
		{ "N", IN_BIDI, "W300000", "<<ping",
			">"
			"<iq from='a.example' to='b.example' type='result' id='$PING'/>",
			"s>", "W299999", "!<ping", "W1", "<<ping", "O" } },
	{ "threats K2 s2s H1 pair forbidden later", "proved bidi",
		{ "N", IN_BIDI, "Mone", "<" BODY("one"), "Grefuse-a", "R",
			"<" ERR("policy-violation"), "C", "Mtwo", "K0" } },
	{ "s2s A23 s2s H1 shutdown flushes their stream", "proved bidi",
		{ "N", IN_BIDI, "Mone", "Z", "<" BODY("one"), "<" END, "!error",
			">" MSG_AB("in time"), "Sin time", ">" END, "W1", "C" } },
	{ "s2s A17 no stanza on an incoming stream without it", "proved bidi bounce",
		{ "N", IN_EXTERNAL, ">" MSG_AB("one"), "Sone", "!<message", "K1", "W600001",
			"!<message", "!<iq" } },
};

static const struct dialogue outgoing[] = {
	{ "s2s H1 their stanzas come on our stream", "proved bidi",
		{ OUT_BIDI, ">" MSG_AB("back"), "S" GOT("back") "pkix back []", "O" } },
	{ "s2s H1 not asked for where it is switched off", "proved",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL OFFER_BIDI), "<<auth",
			"!bidi" } },
	{ "s2s H1 not asked for when it is not offered", "proved bidi",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL), "<<auth", "!bidi",
			">" SUCCESS, ">" ANSWER("id3") FEATURES(""), ">" MSG_AB("back"), "sback",
			UNEXPECTED } },
	{ "s2s H1 not asked for before TLS", "no-tls bidi",
		{ "Mone", "A", ">" ANSWER("id2") FEATURES(OFFER_DB OFFER_BIDI), "<<db:result",
			"!bidi" } },
	{ "s2s H1 dialback", "bidi",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB OFFER_BIDI), "<<bidi",
			"<</bidi><db:result", ">" VALID, "<" BODY("one"), ">" MSG_AB("back"),
			"Sback []" } },
	{ "threats E18 stanza back before we are authenticated", "proved bidi",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL OFFER_BIDI), "<<bidi",
			">" MSG_AB("early"), "searly", "<" ERR("not-authorized"), "C", "U1" } },
	{ "s2s C4 stanza back of another pair", "proved bidi",
		{ OUT_BIDI, ">" MSG("u@a.example", "v@b2.example", "x"), "sx",
			"<" ERR("invalid-from"), "C" } },
	{ "s2s C2 stanza back of another sender", "covers-a2 bidi",
		{ OUT_BIDI, ">" MSG("u@a2.example", "v@b.example", "x"), "sx",
			"<" ERR("invalid-from"), "C" } },
	{ "s2s H1 s2s G7 a key on our stream: dialback error", "proved bidi",
		{ OUT_BIDI, ">" KEY("a2.example", "b.example"),
			"<<db:result from=\"b.example\" to=\"a2.example\" type=\"error\"",
			"<<not-allowed", "O", "K1" } },
	{ "s2s H1 answers from within the callback", "proved bidi bounce",
		{ OUT_BIDI, ">" MSG_AB("back"), "Sback", "<from=\"bounce\"", "K1" } },
	{ "s2s H1 a header request is none of theirs", "proved bidi",
		{ OUT_BIDI, ">" BIDI, UNEXPECTED } },
	{ "s2s H1 no room: pause, then resume", "proved bidi one-room",
		{ OUT_BIDI, ">" MSG_AB("back") MSG_AB("more"), "Sback", "smore", "O", "Y", "Smore",
			"O" } },
	{ "s2s A19 both ways, ours: ping, then the end", "proved bidi",
		{ OUT_BIDI, "W299999", "!<ping", "W1", "<<ping", "W299999", "O", "W1",
			"<" ERR("connection-timeout"), "C" } },
	{ "s2s H1 used by them, not unused", "proved bidi",
		{ OUT_BIDI, "W290000", ">" MSG_AB("x"), "W290000", ">" MSG_AB("x"), "W290000",
			">" MSG_AB("x"), "W290000", ">" MSG_AB("x"), "W290000", ">" MSG_AB("x"),
			"W290000", ">" MSG_AB("x"), "W290000", "O" } },
	{ "s2s A23 s2s H1 shutdown: theirs in flight count", "proved bidi",
		{ OUT_BIDI, "Z", "<" END, "!error", ">" MSG_AB("in time"), "Sin time", ">" END,
			"W1", "C" } },
	{ "s2s H1 our stream is lost: the other direction is not authenticated any more",
		"proved bidi",
		{ OUT_BIDI, "H", "N", IN_TLS, ">" MSG_AB("x"), "sx", "<" ERR("not-authorized"),
			"C" } },
};

static void test_incoming(void **state)
{
	RUN_ALL(incoming);
}

static void test_outgoing(void **state)
{
	RUN_ALL(outgoing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incoming),
		cmocka_unit_test(test_outgoing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
