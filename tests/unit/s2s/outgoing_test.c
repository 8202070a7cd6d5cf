/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that the face opens, towards peers that answer what they like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define VALID "<db:result from='a.example' to='b.example' type='valid'/>"
#define SUCCESS "<success" SASL "/>"
#define BODY(text) "<body>" text "</body>"
#define OUT_DIALBACK OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:result from=\"b.example\""
#define OUT_SASL                                                                                   \
	OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL OFFER_DB),                                  \
		"<<auth xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\" "                               \
		"mechanism=\"EXTERNAL\">" B_IN_BASE64
#define OPEN "Mone", "A"
#define DB_ERROR(condition)                                                                        \
	"<db:result from='a.example' to='b.example' type='error'><error type='cancel'><" condition \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>"

static const struct dialogue ready[] = {
	{ "s2s A5 threats I2 own header", "",
		{ OPEN, "<<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:server\"",
			"<xmlns:db=\"jabber:server:dialback\" from=\"b.example\" to=\"a.example\" "
			"version=\"1.0\"",
			"!id=", "B1" } },
	{ "s2s B7 prefixes are declared in the header, stanzas bear none", "",
		{ OPEN,
			"<<stream:stream xmlns=\"jabber:server\" "
			"xmlns:stream=\"http://etherx.jabber.org/streams\" "
			"xmlns:db=\"jabber:server:dialback\"",
			OUT_DIALBACK, ">" VALID,
			"<<message from=\"u@b.example/r\" "
			"to=\"v@a.example\"><body>one</body></message>",
			"!xmlns" } },
	{ "s2s A12 features from before TLS do not count after it", "",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_TLS OFFER_SASL OFFER_DB), "<<starttls",
			">" PROCEED, "T",
			">"
			"<stream:stream xmlns='jabber:server' "
			"xmlns:stream='http://etherx.jabber.org/streams' from='a.example' id='id2' "
			"version='1.0'>" FEATURES(""),
			"!<auth", "!<db:result", "C", "Lno-authentication", "U1" } },
	{ "s2s A12 s2s H5 limits from before TLS do not count after it", "",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_TLS LIMITS("100", "1")), ">" PROCEED, "T",
			">" STREAM("id='id2'"), "<<db:result", ">" VALID, "V1", "M$BIG", "<xxx",
			"V2" } },
	{ "EXTERNAL", "proved",
		{ OPEN, OUT_SASL, ">" SUCCESS, "<<stream:stream", "V0",
			">" ANSWER("id3") FEATURES(""), "<" BODY("one"), "V1",
			"Lpair-valid out - b.example>a.example pkix", "Mtwo", "<" BODY("two"),
			"V2" } },
	{ "EXTERNAL with a challenge", "proved",
		{ OPEN, OUT_SASL,
			">"
			"<challenge" SASL "/>",
			"<<response", "<" B_IN_BASE64, ">" SUCCESS, ">" ANSWER("id3") FEATURES(""),
			"<" BODY("one") } },
	{ "s2s F4 EXTERNAL fails, dialback follows", "proved",
		{ OPEN, OUT_SASL,
			">"
			"<failure" SASL
			"><not-authorized/><text>unsupported purpose</text></failure>",
			"<<db:result",
			"Lsasl-failed out - b.example>a.example pkix unsupported purpose",
			">" VALID, "<" BODY("one"), "V1" } },
	{ "s2s G2 dialback", "",
		{ OPEN, OUT_DIALBACK, "< to=\"a.example\">", "!<body", ">" VALID, "<" BODY("one"),
			"V1", "Lpair-valid out - b.example>a.example dialback" } },
	{ "Prosody's answer has id and key", "",
		{ OPEN, OUT_DIALBACK,
			">"
			"<db:result from='a.example' to='b.example' type='valid' "
			"id='id2'>$KEY</db:result>",
			"<" BODY("one") } },
	{ "dialback by namespace declaration alone", "",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(""), "<<db:result", ">" VALID,
			"<" BODY("one") } },
	{ "jabberd2: no version, no features", "no-tls",
		{ OPEN, ">" STREAM("id='id1'"), "<<db:result", ">" VALID, "<" BODY("one") } },
	{ "clear features, TLS not required nor offered", "no-tls",
		{ OPEN, ">" ANSWER("id1") FEATURES(""), "<<db:result", ">" VALID,
			"<" BODY("one") } },
	{ "TLS is used where it is offered", "no-tls",
		{ OPEN,
			">" ANSWER("id1")
				FEATURES("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
			"<<starttls" } },
	{ "s2s E5 the domain is named in the handshake", "", { OPEN, OUT_TLS, "Ea.example" } },
	{ "s2s E6 direct TLS: no starttls inside", "direct",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_DB), "<<db:result", ">" VALID,
			"<" BODY("one") } },
	{ "s2s A19 s2s H3 keepalive, ping, end", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, "<one", "> ", "!  ", "W300000", "< ", "!<iq", "O",
			"W300000",
			"<<iq from=\"b.example\" to=\"a.example\" type=\"get\" id=\"idle-",
			"<<ping xmlns=\"urn:xmpp:ping\"/></iq>", "O", "W299999", "O", "W1",
			"<" ERR("connection-timeout"), "C", "Lstream-closed out idle" } },
	{ "s2s A19 the ping is answered on their own stream", "proved",
		{ OPEN, OUT_SASL, ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "W600000", "<<ping",
			"N", IN_EXTERNAL,
			">"
			"<iq from='a.example' to='b.example' type='result' id='$PING'/>",
			"s>", "@0", "W300000", "O", "W299999", "O", "!<ping", "W1", "<<ping",
			"O" } },
	{ "s2s A19 an error is an answer", "proved",
		{ OPEN, OUT_SASL, ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "W600000", "<<ping",
			"N", IN_EXTERNAL,
			">"
			"<iq from='a.example' to='b.example' type='error' id='$PING'><error/></iq>",
			"s>", "@0", "W300000", "O" } },
	{ "s2s A19 who speaks is not pinged", "proved",
		{ OPEN, OUT_SASL, ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "W590000", "N",
			IN_EXTERNAL, ">" MSG_AB("there"), "Sthere", "@0", "W300000", "!<ping",
			"O" } },
	{ "s2s H3 pings of users pass", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<iq from='u@a.example/r' to='b.example' type='get' id='idle-1'><ping "
			"xmlns='urn:xmpp:ping'/></iq>"
			"<iq from='a.example' to='b.example' type='result' id='idle-1'/>"
			"<iq from='a.example' to='v@b.example' type='result' "
			"id='idle-00000000000000000000000000000000'/>"
			"<iq from='a.example' to='b.example' type='get' "
			"id='idle-00000000000000000000000000000000'/>",
			"Su@a.example/r>b.example pkix",
			"S\na.example>b.example pkix  []\na.example>v@b.example pkix  "
			"[]\na.example>b.example pkix" } },
	{ "s2s H5 a stanza larger than they take", "",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB LIMITS("9000", "600")), "Mtwo",
			"M$BIG", "Mthree", ">" VALID, "<" BODY("one"), "<" BODY("two"),
			"<" BODY("three"), "!xxx", "V3", "U1", "O", "m$BIG", "!xxx", "U1", "O" } },
	{ "s2s H5 the limits of the last features count", "proved",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL LIMITS("100", "1")),
			">" SUCCESS, "M$BIG", ">" ANSWER("id3") FEATURES(LIMITS("262144", "0")),
			"<xxx", "V2", "U0" } },
	{ "s2s H5 limits that are no numbers", "",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB LIMITS("-1", "many")),
			">" VALID, "V1", "M$BIG", "<xxx", "W299999", "!  ", "O" } },
	{ "s2s H5 keepalive before they call it idle", "",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB LIMITS("9000", "80")),
			">" VALID, "<one", "> ", "W59999", "! ", "W1", "< ", "W59999", "!  ", "W1",
			"<  " } },
	{ "s2s H5 not more often than every ten seconds", "",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB LIMITS("9000", "1")),
			">" VALID, "<one", "> ", "W9999", "! ", "W1", "< " } },
	{ "threats E20 many unknown features", "",
		{ OPEN,
			">" ANSWER("id1")
				FEATURES("<a xmlns='x'/><b xmlns='y'><required/></b>" OFFER_TLS),
			"<<starttls" } },
};

static const struct dialogue failing[] = {
	{ "s2s A4 s2s C11 nothing listens", "",
		{ "Mone", "X", "U1", "Lpair-failed out connect-failed", "Mtwo", "U1", "K1" } },
	{ "s2s E2 starttls is tried although not offered", "",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_DB), "<<starttls", "!<db:result",
			">"
			"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" END,
			"W1", "C", "U1", "Ltls-refused" } },
	{ "threats D3 no version where TLS is required", "",
		{ OPEN, ">" STREAM("id='id1'"), "!<db:result", "<" ERR("policy-violation"), "C",
			"U1" } },
	{ "threats D2 bytes behind proceed", "",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_TLS),
			">" PROCEED ANSWER("evil") FEATURES(OFFER_DB), "W5000", "C", "U1",
			"!<db:result" } },
	{ "threats D4 proceed without a request", "",
		{ OPEN, ">" ANSWER("id1") PROCEED, "<" ERR("unsupported-stanza-type"), "C",
			"U1" } },
	{ "handshake fails", "",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_TLS) PROCEED, "H", "U1", "Ltls-failed" } },
	{ "threats E16 certificate bad, no dialback", "no-dialback",
		{ OPEN, OUT_TLS, "C", "!<auth", "U1",
			"Lbad-certificate b.example>a.example none self-signed" } },
	{ "no way to authenticate", "proved no-dialback",
		{ OPEN, OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB), "C", "U1",
			"Lno-authentication" } },
	{ "no way to authenticate in clear", "no-tls no-dialback",
		{ OPEN, ">" ANSWER("id1") FEATURES(OFFER_DB), "!<db:result", "C", "U1",
			"Lno-authentication" } },
	{ "EXTERNAL fails, dialback not accepted", "proved no-dialback",
		{ OPEN, OUT_SASL,
			">"
			"<failure" SASL "><not-authorized/></failure>",
			"!<db:result", "C", "U1", "Lauth-refused" } },
	{ "threats E19 no id in the answer", "no-tls",
		{ OPEN, ">" STREAM("from='a.example' version='1.0'") FEATURES(OFFER_DB),
			"!<db:result", "C", "U1", "Lbad-stream-id" } },
	{ "threats E5 id with a space", "no-tls",
		{ OPEN, ">" ANSWER("a b") FEATURES(OFFER_DB), "!<db:result", "C", "U1" } },
	{ "threats E19 long id", "no-tls",
		{ OPEN, ">" ANSWER("$BIG") FEATURES(OFFER_DB), "!<db:result", "C", "U1" } },
	{ "s2s A13 answer from another domain", "",
		{ OPEN, ">" STREAM("from='x.example' id='i' version='1.0'") FEATURES(OFFER_TLS),
			"<" ERR("invalid-from"), "C", "U1" } },
	{ "s2s A16 error in place of features", "",
		{ OPEN,
			">" STREAM("id='i' version='1.0'") "<stream:error><host-unknown "
							   "xmlns='urn:ietf:params:xml:ns:xmpp-"
							   "streams'/></stream:error>" END,
			"!stream:error", "U1", "Lpeer-error b.example>a.example none host-unknown",
			"W1", "C" } },
	{ "s2s A14 closed during negotiation", "", { OPEN, ">" ANSWER("i") END, "W1", "C", "U1" } },
	{ "connection lost during negotiation", "", { OPEN, "H", "U1", "Lconnection-lost" } },
	{ "dialback invalid", "",
		{ OPEN, OUT_DIALBACK,
			">"
			"<db:result from='a.example' to='b.example' type='invalid'/>",
			"C", "U1", "Lauth-refused b.example>a.example dialback invalid" } },
	{ "s2s G7 dialback error", "",
		{ OPEN, OUT_DIALBACK, ">" DB_ERROR("remote-server-not-found"), "C", "U1",
			"Lauth-refused b.example>a.example dialback remote-server-not-found" } },
	{ "threats E2 dialback answer for another pair", "",
		{ OPEN, OUT_DIALBACK,
			">"
			"<db:result from='x.example' to='b.example' type='valid'/>",
			">"
			"<db:result from='a.example' to='b2.example' type='valid'/>",
			">"
			"<db:result from='b.example' to='a.example' type='valid'/>",
			"V0", "O", "Ldialback-unsolicited", ">" VALID, "V1" } },
	{ "threats E2 dialback answer before the key", "proved",
		{ OPEN, OUT_SASL, ">" VALID, "V0", "Ldialback-unsolicited", "O" } },
	{ "threats E2 dialback answer before TLS", "",
		{ OPEN, ">" ANSWER("i") VALID, "V0", "<" ERR("policy-violation"), "C", "U1" } },
	{ "s2s A17 stanza on an outgoing stream", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, ">" MSG_AB("back"), "sback",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "threats E2 key on an outgoing stream", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, ">" KEY("a.example", "b.example"),
			"<type=\"error\"", "O" } },
	{ "s2s C16 to ourselves", "no-tls", { "Grefuse-a", "Mone", "K0" } },
	{ "threats H11 connect never answered", "",
		{ "Mone", "W30000", "U1", "Lconnect-timeout", "K1" } },
	{ "threats H11 silent peer", "", { OPEN, "W10000", "U1", "Lheader-timeout" } },
	{ "threats H11 no features", "",
		{ OPEN, ">" ANSWER("i"), "W10000", "U1", "Lfeatures-timeout" } },
	{ "threats H11 no proceed", "",
		{ OPEN, ">" ANSWER("i") FEATURES(OFFER_TLS), "W10000", "U1", "Ltls-timeout" } },
	{ "handshake that the peer does not go on with", "",
		{ OPEN, ">" ANSWER("i") FEATURES(OFFER_TLS), ">" PROCEED, "W10000", "U1",
			"Ltls-timeout" } },
	{ "handshake that waits for a thread of ours", "no-thread",
		{ OPEN, ">" ANSWER("i") FEATURES(OFFER_TLS), ">" PROCEED, "W19999", "U0", "O", "W1",
			"U1", "Ltls-timeout" } },
	{ "threats H11 no success", "proved", { OPEN, OUT_SASL, "W10000", "U1", "Lauth-timeout" } },
	{ "threats H11 no dialback answer", "",
		{ OPEN, OUT_DIALBACK, "W10000", "U1", "Lauth-timeout" } },
	{ "s2s A24 features twice", "",
		{ OPEN, OUT_DIALBACK, ">" FEATURES(""), "<" ERR("unsupported-stanza-type"), "C",
			"U1" } },
	{ "SASL success that nobody asked for", "",
		{ OPEN, OUT_DIALBACK, ">" SUCCESS, "<" ERR("unsupported-stanza-type"), "C",
			"U1" } },
	{ "threats E16 SASL success before TLS", "",
		{ OPEN, ">" ANSWER("i") SUCCESS, "<" ERR("unsupported-stanza-type"), "C", "U1" } },
};

#define SEE_OTHER(host)                                                                            \
	"<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" host          \
	"</see-other-host></stream:error>" END

static const struct dialogue elsewhere[] = {
	{ "s2s A22 not followed unless the rule says so", "proved",
		{ OPEN, ">" ANSWER("i") SEE_OTHER("192.0.2.7"), "W1", "C", "lelsewhere", "K1", "U1",
			"Lpeer-error b.example>a.example none see-other-host" } },
	{ "s2s A22 followed with the same checks", "proved elsewhere",
		{ OPEN, ">" ANSWER("i") SEE_OTHER("192.0.2.7:9222"), "Lelsewhere 192.0.2.7:9222",
			"U0", "K2", "A", "<from=\"b.example\" to=\"a.example\"", OUT_TLS,
			"Ea.example", ">" ANSWER("id2") FEATURES(OFFER_SASL), ">" SUCCESS,
			">" ANSWER("id3") FEATURES(""), "<" BODY("one"), "V1" } },
	{ "s2s A22 the certificate is judged for the domain, not for the host",
		"no-dialback elsewhere",
		{ OPEN, ">" ANSWER("i") SEE_OTHER("192.0.2.7"), "K2", "A", OUT_TLS, "C",
			"Lbad-certificate", "U1" } },
	{ "s2s A22 once", "proved elsewhere",
		{ OPEN, ">" ANSWER("i") SEE_OTHER("192.0.2.7"), "K2", "A",
			">" ANSWER("i") SEE_OTHER("192.0.2.8"), "W1", "C", "lelsewhere 192.0.2.8",
			"K2", "U1" } },
	{ "s2s A22 again after a failure was given back", "proved elsewhere",
		{ OPEN, ">" ANSWER("i") SEE_OTHER("192.0.2.7"), "A",
			">" ANSWER("i") SEE_OTHER("192.0.2.8"), "U1", "W3000", "Mtwo", "K3", "A",
			">" ANSWER("i") SEE_OTHER("192.0.2.9"), "Lelsewhere 192.0.2.9", "K4" } },
	{ "s2s A22 nowhere", "proved elsewhere",
		{ OPEN, ">" ANSWER("i") SEE_OTHER(""), "K1", "U1" } },
	{ "s2s A22 not of a stream that is ready", "proved elsewhere",
		{ OPEN, OUT_SASL, ">" SUCCESS, ">" ANSWER("id3") FEATURES(""), "V1",
			">" SEE_OTHER("192.0.2.7"), "W1", "C", "lelsewhere" } },
	{ "s2s A22 not of a stream that they opened", "proved elsewhere",
		{ "N", ">" AB, ">" SEE_OTHER("192.0.2.7"), "W1", "C", "lelsewhere", "K0" } },
};

static const struct dialogue later[] = {
	{ "s2s A14 peer closes a ready stream, next stanza reconnects", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, "V1", ">" END, "W1", "C", "K1", "Mtwo", "K2" } },
	{ "s2s A23 shutdown flushes and closes", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, "Mtwo", "Z", "<" BODY("two"),
			"<" ERR("system-shutdown"), "<" END, "V2", "U0" } },
	{ "s2s A23 shutdown during set-up", "",
		{ OPEN, ">" ANSWER("i"), "Z", "U1", "C", "Mtwo", "K1" } },
	{ "s2s A23 shutdown while connecting", "", { "Mone", "Z", "U1" } },
	{ "threats K2 pair forbidden later", "",
		{ OPEN, OUT_DIALBACK, ">" VALID, "Grefuse-a", "R", "<" ERR("policy-violation"), "C",
			"Mtwo", "K1" } },
	{ "pair forbidden during set-up", "", { OPEN, "Grefuse-a", "R", "U1", "C" } },
	{ "fencing: nothing is written, nothing bounced", "fenced",
		{ OPEN, OUT_DIALBACK, ">" VALID, "!<body", "U0", "V0", "Mtwo", "!<body", "U0" } },
};

/* In set-up each means something for the sender's stanza; what was said is in the log. */
static void test_conditions(void **state)
{
	static const struct {
		const char *name;
		enum s2s_failure failure;
	} conditions[] = {
#define X(name, failure) { name, failure },
#include "s2s/stream_condition.def"
#undef X
		{ "of-another-century", S2S_TIMEOUT },
	};
	char text[600], logged[200];

	assert_in_range(sizeof(conditions) / sizeof(conditions[0]), 26, 40);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct world w;
		struct node n;
		world_init(&w, false);
		node_init(&n, &w, "b.example");
		node_send(&n, "b.example", "a.example", "x", 1, 1);
		struct wire *peer = script_accept(&n);
		snprintf(text, sizeof(text),
			ANSWER("i") "<stream:error><%s "
				    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
				    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>sorry</text>"
				    "<own xmlns='urn:x'/></stream:error>",
			conditions[i].name);
		script_send(peer, text);
		snprintf(logged, sizeof(logged),
			"stream-closed out peer-error b.example>a.example none "
			"%s: sorry +own",
			conditions[i].name);
		assert_has(node_log(&n), logged);
		assert_int_equal(n.unsent, 1);
		assert_int_equal(n.last_failure, conditions[i].failure);
		const char *said = script_look(peer);
		assert_lacks(said, "stream:error");
		assert_has(said, END);
		node_done(&n);
		world_done(&w);
	}
}

static void test_ready(void **state)
{
	RUN_ALL(ready);
}

static void test_failing(void **state)
{
	RUN_ALL(failing);
}

static void test_elsewhere(void **state)
{
	RUN_ALL(elsewhere);
}

static void test_later(void **state)
{
	RUN_ALL(later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s A16 all conditions of a peer are understood and logged", test_conditions,
			NULL, NULL, NULL },
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_failing),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
