/* SPDX-License-Identifier: Apache-2.0 */
/* The component protocol (XEP-0114) as a way to a local server; the face is the component b.example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"
#include "rows.h"

#define COMP " xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"
#define REPLY(attrs) "<stream:stream" COMP " " attrs ">"
#define ID REPLY("from='b.example' id='i7'")
#define DONE "<handshake/>"
#define OPEN "k", "A", ">" ID, ">" DONE
#define FAILURE(condition)                                                                         \
	"<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></"             \
	"stream:error>"
#define MSG_IN(xmlns, body)                                                                        \
	"<message" xmlns " from='u@a.example/r' to='v@b.example'><body>" body "</body></message>"
#define READY "Lpair-valid out - b.example>a.example secret"

static const struct dialogue handshakes[] = {
	{ "s2s H15 header, handshake, and open without traffic", "by-component",
		{ "k", "K1", "A",
			"<<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:component:accept\" "
			"xmlns:stream=\"http://etherx.jabber.org/streams\" to=\"b.example\">",
			"!version=\"1.0\">", "!version=\"1.0\" ", "!handshake", ">" ID,
			"<<handshake>b.example/a.example/i7</handshake>", "lpair-valid", ">" DONE,
			READY, "O", "k", "K1" } },
	{ "s2s H15 the server may leave from out, or name itself", "by-component",
		{ "k", "A", ">" REPLY("id='x'"), "<<handshake>", "H", "W1000", "A",
			">" REPLY("from='A2.Example' id='y'"), "</y</handshake>" } },
	{ "s2s H15 a version and a language in the answer do no harm", "by-component",
		{ "k", "A", ">" REPLY("id='x' version='1.0' xml:lang='sv'"), ">" DONE, READY } },
	{ "s2s H15 threats E23 an answer for another domain", "by-component",
		{ "k", "A", ">" REPLY("from='c.example' id='x'"), "!handshake", "C",
			"Lstream-closed out invalid-from" } },
	{ "s2s H15 threats E19 no id", "by-component",
		{ "k", "A", ">" REPLY("from='b.example'"), "!handshake",
			"Lstream-closed out bad-stream-id", "C" } },
	{ "s2s H15 threats E19 an empty id", "by-component",
		{ "k", "A", ">" REPLY("id=''"), "!handshake", "C" } },
	{ "s2s H15 threats E19 an id of 10 KB", "by-component",
		{ "k", "A", ">" REPLY("id='$BIG'"), "!handshake", "C" } },
	{ "s2s H15 a port for servers is not one for components", "by-component",
		{ "k", "A", ">" STREAM("from='b.example' id='x' version='1.0'"), "!handshake",
			"Lstream-closed out bad-content-namespace", "<" ERR("invalid-namespace"),
			"C" } },
	{ "s2s H15 no secret", "by-component no-creds",
		{ "k", "A", ">" ID, "Lstream-closed out handshake-refused", "C" } },
	{ "s2s H15 no header in time", "by-component",
		{ "k", "A", "W10000", "Lstream-closed out header-timeout", "C" } },
	{ "s2s H15 no answer to the handshake", "by-component",
		{ "k", "A", ">" ID, "W10000", "Lstream-closed out auth-timeout", "C" } },
	{ "s2s H15 threats E23 refused secret, unknown name, conflict: each has its word",
		"by-component",
		{ "k", "A", ">" ID FAILURE("not-authorized") END,
			"Lstream-closed out handshake-refused",
			"Lpair-failed out handshake-refused", "C", "W2000", "A",
			">" ID FAILURE("host-unknown"), "Lpair-failed out component-unknown",
			"W9000", "A", ">" ID FAILURE("conflict"),
			"Lpair-failed out component-conflict", "W15000", "A",
			">" ID FAILURE("reset"), "Lpair-failed out peer-error" } },
	{ "s2s H15 with TLS the certificate is judged before anything is said",
		"by-component direct proved",
		{ "k", "A", ">" ID, ">" DONE, "Lpair-valid out - b.example>a.example secret" } },
	{ "s2s H15 a certificate that is not the server's gets no handshake", "by-component direct",
		{ "k", "A", "Lstream-closed out bad-certificate", "!handshake", "C" } },
	{ "s2s H15 TLS is required and the port has none", "by-component need-tls",
		{ "k", "A", "Lstream-closed out tls-required", "!handshake", "C" } },
};

static const struct dialogue stanzas[] = {
	{ "s2s H15 both ways on the one stream", "by-component",
		{ OPEN, "Mhello",
			"<<message from=\"u@b.example/r\" to=\"v@a.example\"><body>hello<", "V1",
			">" MSG_IN("", "back"), "Su@a.example/r>v@b.example secret back", "K1" } },
	{ "s2s H15 what jabberd2 does: stanzas in jabber:client", "by-component",
		{ OPEN, ">" MSG_IN(" xmlns='jabber:client'", "back"), "Ssecret back" } },
	{ "s2s H15 threats C8 a body in jabber:client inside stays one", "by-component",
		{ OPEN,
			">"
			"<message from='u@a.example/r' to='v@b.example'>"
			"<body xmlns='jabber:client'>other</body></message>",
			"Su@a.example/r>v@b.example secret  []" } },
	{ "s2s H15 a prefix for the content namespace", "by-component",
		{ "k", "A",
			">"
			"<stream:stream" COMP " xmlns:c='jabber:component:accept' id='i'>",
			">"
			"<c:handshake/>",
			READY,
			">"
			"<c:message from='u@a.example/r' to='v@b.example'><c:body>p</c:body>"
			"</c:message>",
			"Ssecret p" } },
	{ "s2s H15 other domains of the server use the same stream", "by-component",
		{ OPEN, "Ftwo", "<to=\"v@a2.example\"", "V1",
			">" MSG("u@a2.example", "v@b.example", "back"),
			"Su@a2.example>v@b.example secret back",
			"Lpair-valid out - b.example>a.example", "K1", "O" } },
	{ "s2s H15 the first stanza is for another domain of the server", "by-component",
		{ "Fearly", "K1", "A", "<to=\"b.example\"", "!early", ">" ID, ">" DONE,
			"<<body>early", "V1" } },
	{ "s2s H15 xml:lang of the header is inherited", "by-component",
		{ "k", "A", ">" REPLY("id='i' xml:lang='sv'"), ">" DONE, ">" MSG_IN("", "hej"),
			"Ssecret hej [sv]" } },
	{ "s2s H15 threats E23 a stanza before the handshake is answered", "by-component",
		{ "k", "A", ">" ID MSG_IN("", "early"), "searly", "<" ERR("not-authorized"),
			"Lstream-closed out not-authenticated", "C" } },
	{ "s2s H15 threats E23 the handshake twice, or in an attribute's place", "by-component",
		{ OPEN, ">" DONE, "<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s H15 threats E23 a handshake before the header's id", "by-component",
		{ "k", "A", ">" DONE, "lpair-valid", "C" } },
	{ "s2s H15 threats E22 a sender of no domain of the server is dropped", "by-component",
		{ OPEN, ">" MSG("u@c.example", "v@b.example", "stray"), "sstray",
			"Lstanza-refused out - b.example>c.example", "O",
			">" MSG("u@c.example", "v@b.example", "again"), "sagain",
			">" MSG_IN("", "good"), "Ssecret good", "O" } },
	{ "s2s H15 threats E22 the sender is a domain that we play", "by-component",
		{ OPEN, ">" MSG("u@b2.example", "v@b.example", "stray"), "sstray",
			"Lstanza-refused", "O" } },
	{ "s2s H15 threats E23 for a domain that is no component's", "by-component",
		{ OPEN, ">" MSG("u@a.example", "v@b2.example", "stray"), "sstray",
			"<" ERR("host-unknown"), "Lstream-closed out unknown-host", "C" } },
	{ "s2s H15 threats E23 for a component that must have TLS, on the stream of one without",
		"by-component b2-with-tls",
		{ OPEN, ">" MSG("u@a.example", "v@b2.example", "stray"), "sstray",
			"Lstanza-refused out - b2.example>a.example", "O", ">" MSG_IN("", "good"),
			"Ssecret good" } },
	{ "s2s H15 what jabberd2 does: domains that come and go are announced to nobody",
		"by-component",
		{ OPEN,
			">"
			"<presence from='a2.example'/>",
			"O",
			">"
			"<presence xmlns='jabber:client' from='c.example' type='unavailable'/>",
			">"
			"<presence to='b.example' from='c2s'/>",
			"O", "spresence", ">" MSG_IN("", "good"), "Ssecret good" } },
	{ "s2s H15 no address, bad address", "by-component",
		{ OPEN,
			">"
			"<message to='v@b.example'/>",
			"<" ERR("improper-addressing"), "C" } },
	{ "s2s H15 s2s G5 dialback is not spoken on it", "by-component",
		{ OPEN,
			">"
			"<result xmlns='jabber:server:dialback' from='a.example' to='b.example'>"
			"00</result>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s H15 features, SASL and STARTTLS are not spoken on it", "by-component",
		{ "k", "A", ">" ID FEATURES(OFFER_TLS), "!starttls",
			"Lstream-closed out unexpected-element", "C" } },
	{ "s2s H15 threats H1 an element before the handshake that is too big", "by-component",
		{ "k", "A", ">" ID "<handshake>$BIG", "Lstream-closed out bad-xml", "C" } },
	{ "s2s H15 a stanza that is too big is answered", "by-component small",
		{ OPEN, ">" MSG_IN("", "$BIG"), "<<not-allowed", "C" } },
	{ "s2s H15 an answer that has no room is none at all", "by-component",
		{ OPEN,
			">"
			"<message from='u@a.example/r' to='@b.example' id='1'/>",
			"<jid-malformed",
			">"
			"<message from='u@a.example/r' to='@b.example' id='$BIG$BIG'/>",
			"!<message", "!error", ">" MSG_IN("", "good"), "Ssecret good", "O" } },
	{ "s2s H15 threats C1 two bodies arrive as two", "by-component",
		{ OPEN,
			">"
			"<message from='u@a.example/r' "
			"to='v@b.example'><body>1</body><body>2</body>"
			"</message>",
			"Ssecret 1" } },
};

static const struct dialogue lives[] = {
	{ "s2s H15 s2s A19 silence: a ping at times that is answered, and never unused",
		"by-component",
		{ OPEN, "W300000", "<<iq from=\"b.example\" to=\"a.example\" type=\"get\"",
			">"
			"<iq from='a.example' to='b.example' type='result' id='$PING'/>",
			"siq", "W300000", "<<ping",
			">"
			"<iq from='a.example' to='b.example' type='result' id='$PING'/>",
			"W299000", "O", "K1" } },
	{ "s2s H15 s2s A19 a server that answers no ping is gone", "by-component",
		{ OPEN, "W600001", "Lstream-closed out idle", "C", "K2" } },
	{ "s2s H15 the server restarts: at once again", "by-component",
		{ OPEN, "W10000", "Mone", "V1", "H", "K2", "A", ">" ID, ">" DONE, "Mtwo", "<two",
			"V2", "U0" } },
	{ "s2s H15 what waits while the server is away comes back with its reason", "by-component",
		{ "Mone", "Ftwo", "X", "U2", "mthree", "K1" } },
	{ "s2s H15 what was not written goes on the next stream", "by-component",
		{ OPEN, "Mone", "(", "Mtwo", "Fthree", "H", "A", ">" ID, ">" DONE, "<two", "<three",
			"V3", "U0" } },
	{ "s2s H15 what was not written needs the next stream at once", "by-component",
		{ OPEN, "Mone", "V1", "(", "Mtwo", "H", "K2", "A", ">" ID, ">" DONE, "<two", "V2",
			"U0", "H", "W999", "K2", "W1", "K3" } },
	{ "s2s H15 s2s A23 shutdown soon after it broke: what was not written comes back",
		"by-component", { OPEN, "Mone", "V1", "(", "Mtwo", "H", "Z", "V1", "U1" } },
	{ "s2s H15 s2s A23 drain soon after it broke: what was not written comes back",
		"by-component", { OPEN, "Mone", "V1", "(", "Mtwo", "H", "I", "V1", "U1" } },
	{ "s2s H15 taken out soon after it broke: what was not written comes back", "by-component",
		{ OPEN, "Mone", "V1", "(", "Mtwo", "H", "Gby-s2s", "R", "V1", "U1", "W600000",
			"K2" } },
	{ "s2s H15 threats E23 accepted and hung up on, again and again: less and less often",
		"by-component",
		{ OPEN, "H", "K1", "W1000", "K2", "A", ">" ID, ">" DONE, "H", "W999", "K2", "W1001",
			"K3", "A", ">" ID, ">" DONE, "H", "W1999", "K3", "W2001", "K4" } },
	{ "s2s H15 threats E23 something was carried and it hung up soon: not at once again",
		"by-component", { OPEN, "Mone", "V1", "H", "W999", "K1", "W1", "K2" } },
	{ "s2s H15 threats E23 two take the name from each other: less and less often",
		"by-component",
		{ OPEN, "Mone", "V1", ">" FAILURE("conflict") END, "H", "K1", "W1001", "K2", "A",
			">" ID, ">" DONE, "Mtwo", "V2", ">" FAILURE("conflict") END, "H", "W999",
			"K2", "W1001", "K3" } },
	{ "s2s H15 threats E23 a conflict later: another one has the name", "by-component",
		{ OPEN, "Mone", ">" FAILURE("conflict"), "Lstream-closed out component-conflict",
			"C" } },
	{ "s2s H15 only by the component: no s2s stream for the pair", "by-component proved",
		{ "N", ">" AB, "<" ERR("policy-violation"), "Lstream-closed in by-component",
			"C" } },
	{ "s2s H15 only by the component: no dialback key for the pair", "by-component",
		{ "N", ">" HEAD("a.example", "b2.example"), ">" STARTTLS, "T",
			">" HEAD("a.example", "b2.example"), ">" KEY("a.example", "b.example"),
			"<type=\"error\"", "<policy-violation", "K0" } },
	{ "s2s H15 other domains of ours go on by s2s", "by-component proved",
		{ "N", ">" HEAD("a.example", "b2.example"), "<<starttls" } },
	{ "s2s H15 reload: the component is taken out", "by-component",
		{ OPEN, "Mone", "Gby-s2s", "R", "<" ERR("policy-violation"), "C", "W600000",
			"K1" } },
	{ "s2s H15 reload: a component instead of s2s", "no-tls",
		{ "Mone", "A", ">" STREAM("id='x'"), "<<db:result", "Gby-component", "R",
			"<" ERR("policy-violation"), "U1", "k", "W1000", "K2" } },
	{ "s2s H15 reload: a domain of the server is taken out", "by-component",
		{ OPEN, "Ftwo", "Gby-a-alone", "R", "<" ERR("policy-violation"), "C", "W1000", "K2",
			"A", "<component:accept" } },
	{ "s2s H15 reload: nothing changed", "by-component",
		{ OPEN, "Ftwo", ">" MSG_IN("", "x"), "R", "O", "Mone", "<one" } },
	{ "s2s H15 s2s A23 drain: what they wrote still counts, and it is not opened again",
		"by-component",
		{ OPEN, "I", "<" END, ">" MSG_IN("", "late"), "Ssecret late", ">" END, "C",
			"W100000", "K1" } },
	{ "s2s H15 s2s A23 drain before it is ready", "by-component",
		{ "k", "A", ">" ID, "I", ">" DONE, "<" END, ">" MSG_IN("", "late"), "Ssecret late",
			">" END, "C", "W100000", "K1" } },
	{ "s2s H15 s2s A23 shutdown before it is ready", "by-component",
		{ "Mone", "Ftwo", "A", ">" ID, "Z", "U2", "C", "W100000", "K1" } },
	{ "s2s H15 shutdown while it connects", "by-component",
		{ "k", "Ftwo", "Z", "U1", "W100000", "K1" } },
	{ "s2s H15 with TLS the certificate is judged again", "by-component direct proved",
		{ OPEN, "J", "O", "Guntrusted", "J", "Lstream-closed out proof-lost", "C" } },
	{ "s2s H15 it takes too long to connect", "by-component",
		{ "Mone", "Ftwo", "W30000", "U2", "Lstream-closed out connect-timeout" } },
};

static void test_handshakes(void **state)
{
	RUN_ALL(handshakes);
}

static void test_stanzas(void **state)
{
	RUN_ALL(stanzas);
}

static void test_lives(void **state)
{
	RUN_ALL(lives);
}

static void wait_for_connect(struct node *n)
{
	struct node *nodes[] = { n, NULL };

	for (int i = 0; i < 1000 && !n->n_connecting; i++)
		world_wait(n->world, nodes, 500);
}

/* A thousand times the secret is wrong; then it is right. */
static void test_wrong_secret(void **state)
{
	struct world w;
	struct node n;

	name_row(
		"s2s H15 s2s A4 threats E23 a wrong secret, a thousand times: less and less often");
	world_init(&w, false);
	node_init(&n, &w, "b.example");
	n.component = "a.example";
	n.no_tls = true;
	s2s_keep(n.face, STRL("b.example"), STRL("a.example"), w.now);
	uint64_t began = w.now;
	for (int i = 0; i < 1000; i++) {
		wait_for_connect(&n);
		struct wire *script = script_accept(&n);
		script_send(script, ID FAILURE("not-authorized") END);
		script_hang_up(script);
		script_done(script);
		/* Two minutes at most, half of it at least, after the doubling from one second. */
		if (i == 8)
			assert_true(w.now - began > 100 * 1000);
		buf_clear(&n.log, SIZE_MAX);
	}
	assert_true(w.now - began > (uint64_t)990 * 60 * 1000);
	assert_true(w.now - began < (uint64_t)1000 * 121 * 1000);
	assert_int_equal(n.connects, 1000);
	wait_for_connect(&n);
	script_send(script_accept(&n), ID DONE);
	assert_has(node_log(&n), "pair-valid");
	node_done(&n);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_stanzas),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_wrong_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
