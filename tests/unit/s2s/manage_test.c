/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements (XEP-0198) on streams of both directions, and the end of a stream for what is too big. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "one.h"
#include "s2s/inbox.h"
#include "s2s/stanza.h"
#include "s2s/stream.h"

#define SM " xmlns='urn:xmpp:sm:3'"
#define SM_OUT " xmlns=\"urn:xmpp:sm:3\""
#define ENABLE "<enable" SM "/>"
#define ENABLED "<enabled" SM "/>"
#define R "<r" SM "/>"
#define A_H(h) "<a" SM " h='" h "'/>"
#define ACK(h) "<<a" SM_OUT " h=\"" h "\"/>"
#define ASKS "<<r" SM_OUT "/>"
#define FAILED(condition)                                                                          \
	"<<failed" SM_OUT "><" condition " xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></"      \
	"failed>"
#define TOO_HIGH                                                                                   \
	"<" ERR("undefined-condition"), "<<handled-count-too-high" SM_OUT, "C", "Lhandled-count"
#define UNEXPECTED "<" ERR("unsupported-stanza-type"), "C"
#define TEN "<x><x><x><x><x><x><x><x><x><x>"
#define DEEP TEN TEN TEN TEN TEN TEN TEN
#define SUCCESS "<success" SASL "/>"
#define BODY(text) "<body>" text "</body>"

#define IN_MANAGED                                                                                 \
	"N", IN_EXTERNAL, "<<sm" SM_OUT "><optional/></sm>", ">" ENABLE, "<<enabled" SM_OUT "/>"
#define OUT_FEATURES(list)                                                                         \
	"Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL), "<<auth", ">" SUCCESS,       \
		">" ANSWER("id3") FEATURES(list)
#define OUT_MANAGED OUT_FEATURES(OFFER_SM), "<<enable" SM_OUT "/><message", "!<r ", ">" ENABLED
/* On a connection with TLS from the start. */
#define DIRECT                                                                                     \
	"A", ">" ANSWER("id2") FEATURES(OFFER_SASL) SUCCESS, ">" ANSWER("id3") FEATURES(OFFER_SM)

static const struct dialogue theirs[] = {
	{ "s2s H2 not offered where EXTERNAL comes first", "proved no-dialback",
		{ "N", IN_TLS, "<EXTERNAL", "!urn:xmpp:sm" } },
	{ "s2s H2 not offered before TLS", "", { "N", ">" AB, "<<starttls", "!urn:xmpp:sm" } },
	{ "s2s H2 threats J2 offered beside dialback, and taken from the first valid pair on",
		"hold",
		{ "N", IN_TLS, "<dialback>", "<<sm" SM_OUT "><optional/></sm>", ">" ENABLE,
			FAILED("unexpected-request"), ">" KEY("a.example", "b.example") ENABLE,
			FAILED("unexpected-request"), "A", OUT_TLS,
			">" ANSWER("id2") FEATURES(OFFER_DB), "<<db:verify", ">" VERIFIED("valid"),
			"@0", "<type=\"valid\"", ">" ENABLE, "<<enabled" SM_OUT "/>",
			">" MSG_AB("x") MSG_AB("y") R, ACK("0"), "D0", ACK("1"), "D1", ACK("2"),
			"O" } },
	{ "s2s H2 s2s G9 keys of further pairs do not count", "hold",
		{ "N", IN_TLS, ">" KEY("a.example", "b.example"), "A", OUT_TLS,
			">" ANSWER("id2") FEATURES(OFFER_DB), ">" VERIFIED("valid"), "@0",
			">" ENABLE MSG_AB("x"), "<<enabled", ">" KEY("a.example", "b2.example"),
			"A", ">" STREAM("id='x' version='1.0'") FEATURES(OFFER_TLS), ">" PROCEED,
			"T", ">" STREAM("id='y' version='1.0'") FEATURES(OFFER_DB),
			">"
			"<db:verify from='a.example' to='b2.example' id='$ID0' type='valid'/>",
			"@0", "<<db:result from=\"b2.example\" to=\"a.example\" type=\"valid\"",
			">" MSG("u@a.example", "v@b2.example", "y") R, ACK("0"), "> ", "D1", "!<a",
			"D0", ACK("2") } },
	{ "s2s H2 beside dialback in the clear, where that may be", "no-tls",
		{ "N", ">" AB, "<dialback>", "<<sm" SM_OUT "><optional/></sm>" } },
	{ "s2s H2 not offered where it is switched off", "proved unmanaged",
		{ "N", IN_EXTERNAL, "!urn:xmpp:sm", ">" ENABLE, FAILED("feature-not-implemented"),
			"O" } },
	{ "s2s H2 acknowledged when the next hop has it", "proved hold",
		{ IN_MANAGED, "!id=", ">" MSG_AB("x") R, ACK("0"), "> ", "!<a", "D0", ACK("1"),
			"> ", "!<a", "O" } },
	{ "s2s H2 at once when it has it already", "proved",
		{ IN_MANAGED, ">" MSG_AB("x") MSG_AB("y") R, ACK("2"), "> ", "!<a" } },
	{ "s2s H2 in order, however the next hops answer", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x") MSG_AB("y") MSG_AB("z") R, ACK("0"), "> ", "D1",
			"!<a", "D0", ACK("2"), "> ", "D0", "D1", "!<a", "D2", ACK("3") } },
	{ "s2s H2 unasked, nothing is said", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x"), "D0", "!<a", ">" R, ACK("1"), ">" MSG_AB("y"), "D1",
			"!<a" } },
	{ "s2s H2 what came before does not count", "proved",
		{ "N", IN_EXTERNAL, ">" MSG_AB("x"), ">" ENABLE, ">" MSG_AB("y") R, ACK("1") } },
	{ "s2s H2 all kinds of stanzas count, also what goes no further", "proved",
		{ IN_MANAGED,
			">" MSG_AB("x") "<iq from='a.example' to='b.example' type='get' id='i'/>"
					"<presence from='a.example' to='b.example'/>"
					"<message from='a.example' to='@b.example'/>" R,
			ACK("4") } },
	{ "s2s H2 elements that are no stanzas do not count", "proved",
		{ IN_MANAGED, ">" KEY("a.example", "b.example") R, ACK("0") } },
	{ "threats J2 enable twice", "proved",
		{ IN_MANAGED, ">" ENABLE, FAILED("unexpected-request"), ">" MSG_AB("x") R, ACK("1"),
			"O" } },
	{ "threats J2 enable before authentication", "proved",
		{ "N", IN_TLS, ">" ENABLE, FAILED("unexpected-request"), ">" R, UNEXPECTED } },
	{ "threats J2 enable before TLS", "",
		{ "N", ">" AB, ">" ENABLE, FAILED("unexpected-request"), "O" } },
	{ "threats J2 resume", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<resume" SM " previd='x' h='0'/>",
			FAILED("item-not-found"), "O" } },
	{ "threats J2 resume before authentication", "proved",
		{ "N", IN_TLS,
			">"
			"<resume" SM " previd='x' h='0'/>",
			FAILED("unexpected-request"), "O" } },
	{ "threats J2 again and again", "proved",
		{ IN_MANAGED, ">" ENABLE ENABLE ENABLE ENABLE ENABLE ENABLE ENABLE, "O", ">" ENABLE,
			UNEXPECTED } },
	{ "threats J2 asked, and not enabled", "proved", { "N", IN_EXTERNAL, ">" R, UNEXPECTED } },
	{ "threats J2 answers to what we did not ask", "proved",
		{ "N", IN_EXTERNAL, ">" ENABLED, UNEXPECTED } },
	{ "threats J1 acknowledges what was never sent", "proved",
		{ IN_MANAGED, ">" A_H("1"), TOO_HIGH, "<h=\"1\" send-count=\"0\"" } },
	{ "threats J1 acknowledges nothing of nothing", "proved",
		{ IN_MANAGED, ">" A_H("0"), "O" } },
	{ "s2s H2 the last word before our end", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x"), "D0",
			">"
			"<x/>",
			"<<a" SM_OUT " h=\"1\"/><stream:error>", "C" } },
	{ "s2s H2 their end waits for what is under way", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x") END, "!" END, "D0", ACK("1") END, "C",
			"Lpeer-closed" } },
	{ "s2s H2 but not for ever", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x") END, "W4999", "!" END, "W1", ACK("0") END, "C" } },
	{ "s2s A23 s2s H2 ends when all is handled, leaves the rest to them", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x"), "I", "!" END, ">" MSG_AB("late"), "slate", "D0",
			ACK("1") END, "!error", ">" MSG_AB("later") END, "slater", "C" } },
	{ "s2s A23 s2s H2 nothing under way: ends at once", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x") R, "D0", "I", ACK("1") END, "O", ">" END, "W1",
			"C" } },
	{ "s2s A23 s2s H2 the end of patience", "proved hold",
		{ IN_MANAGED, ">" MSG_AB("x"), "I", "!" END, "Z", ACK("0") END, ">" END, "W1",
			"C" } },
};

#define BIG(attrs) "<message from='u@a.example/r' to='v@b.example'" attrs "><body>$BIG"
#define TOLD                                                                                       \
	"<<message from=\"v@b.example\" to=\"u@a.example/r\" id=\"7\" type=\"error\">"             \
	"<error type=\"cancel\" by=\"b.example\">"                                                 \
	"<not-allowed xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>" STANZA_TOO_BIG              \
	"</error></message>"
#define ENDS "<" ERR("policy-violation"), "<" STANZA_TOO_BIG "</stream:error>", "s xxx"

static const struct dialogue too_big[] = {
	{ "s2s B16 the sender is told, on a stream of ours", "proved direct small",
		{ "ND", ">" AB AUTH("="), ">" AB, ">" BIG(" id='7'"), ENDS, "C", "K1", "A",
			">" ANSWER("id2") FEATURES(OFFER_SASL) SUCCESS,
			">" ANSWER("id3") FEATURES(""), TOLD } },
	{ "s2s B16 the sender is told, on the same stream", "proved small bidi",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, ">" BIG(" id='7'"), TOLD, ENDS, "C",
			"K0" } },
	{ "s2s B16 s2s H2 it is not to be sent again", "proved small",
		{ IN_MANAGED, ">" BIG(""), "<<a" SM_OUT " h=\"1\"/><stream:error>", ENDS, "C" } },
	{ "s2s B16 too deep", "proved direct",
		{ "ND", ">" AB AUTH("="), ">" AB,
			">"
			"<iq from='a.example' to='b.example' type='get' id='7'>" DEEP,
			"<" ERR("policy-violation"), "<" STANZA_TOO_BIG "</stream:error>", "K1" } },
	{ "s2s B16 s2s C7 an error is not answered", "proved direct small",
		{ "ND", ">" AB AUTH("="), ">" AB, ">" BIG(" type='error'"), ENDS, "C", "K0" } },
	{ "s2s B16 s2s C4 no answer to a pair that is not valid", "proved direct small",
		{ "ND", ">" AB AUTH("="), ">" AB,
			">"
			"<message from='u@c.example' to='v@b.example'><body>$BIG",
			ENDS, "C", "K0" } },
	{ "s2s B16 its start tag is not complete", "proved direct small",
		{ "ND", ">" AB AUTH("="), ">" AB,
			">"
			"<message from='u@a.example' to='v@b.example' x='$BIG",
			ENDS, "C", "K0" } },
	{ "s2s B16 not a limit: no answer", "proved direct small",
		{ "ND", ">" AB AUTH("="), ">" AB,
			">"
			"<message from='u@a.example' to='v@b.example'></iq>",
			"<" ERR("not-well-formed"), "!too-big", "C", "K0" } },
};

static const struct dialogue ours[] = {
	{ "s2s A19 s2s H2 silence: the count is asked for, no ping", "proved",
		{ OUT_MANAGED, ASKS, ">" A_H("1"), "V1", "W299999", "!<r ", "W1", ASKS, "!<ping",
			">" A_H("1"), "W299999", "!<r ", "O", "W1", ASKS, "O" } },
	{ "s2s A19 s2s H2 no answer to that", "proved",
		{ OUT_MANAGED, ASKS, ">" A_H("1"), "W300000", ASKS, "W179999", "O", "W1", "!<ping",
			"C" } },
	{ "s2s H2 not asked for when it is not offered", "proved",
		{ OUT_FEATURES(""), "!enable", "V1" } },
	{ "s2s H2 not asked for in an older version", "proved",
		{ OUT_FEATURES("<sm xmlns='urn:xmpp:sm:2'/>"), "!enable", "V1" } },
	{ "s2s H2 not asked for where it is switched off", "proved unmanaged",
		{ OUT_FEATURES(OFFER_SM), "!enable", "V1" } },
	{ "s2s H2 sent when they say so", "proved",
		{ OUT_MANAGED, ASKS, "V0", ">" A_H("1"), "V1", "!<r", "Mtwo",
			"<" BODY("two") "</message><r", "V1", ">" A_H("2"), "V2", "O" } },
	{ "s2s H2 asked once, and again when they answered", "proved",
		{ OUT_MANAGED, ASKS, "> ", "Mtwo", "Mthree", "!<r", ">" A_H("0"), ASKS, "V0",
			">" A_H("2"), "V2", ASKS, ">" A_H("3"), "V3", "!<r" } },
	{ "s2s H2 unasked answers are welcome", "proved",
		{ OUT_MANAGED, ">" A_H("1"), "V1", ">" A_H("1") A_H("1"), "O" } },
	{ "s2s H2 refused: the kernel's word counts", "proved",
		{ OUT_FEATURES(OFFER_SM), "V0",
			">"
			"<failed" SM "/>",
			"V1", "Mtwo", "V2", "!<r" } },
	{ "s2s H2 not answered: the kernel's word counts", "proved",
		{ OUT_FEATURES(OFFER_SM), "W9999", "V0", "W1", "V1", "Lacknowledgements-refused",
			"O" } },
	{ "s2s H2 they ask us", "proved", { OUT_MANAGED, ">" A_H("1") R, ACK("0") } },
	{ "s2s H2 after dialback", "",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB OFFER_SM),
			"<<db:result", "!enable",
			">"
			"<db:result from='a.example' to='b.example' type='valid'/>",
			"<<enable" SM_OUT "/><message", ">" ENABLED, ASKS, ">" A_H("1"), "V1" } },
	{ "threats J2 enabled, and not asked for", "proved",
		{ OUT_FEATURES(""), ">" ENABLED, UNEXPECTED } },
	{ "threats J2 enabled twice", "proved", { OUT_MANAGED, ">" ENABLED, UNEXPECTED } },
	{ "threats J2 failed after enabled", "proved",
		{ OUT_MANAGED,
			">"
			"<failed" SM "/>",
			UNEXPECTED } },
	{ "threats J1 before enabled", "proved",
		{ OUT_FEATURES(OFFER_SM), ">" A_H("1"), UNEXPECTED } },
	{ "threats J1 too high", "proved",
		{ OUT_MANAGED, ">" A_H("2"), TOO_HIGH, "<h=\"2\" send-count=\"1\"", "V0" } },
	{ "threats J1 backwards", "proved",
		{ OUT_MANAGED, ">" A_H("1"), "V1", ">" A_H("0"), TOO_HIGH } },
	{ "threats J1 highest", "proved", { OUT_MANAGED, ">" A_H("4294967295"), TOO_HIGH } },
	{ "threats J1 more than 32 bits", "proved",
		{ OUT_MANAGED, ">" A_H("4294967297"), TOO_HIGH } },
	{ "threats J1 more than 64 bits", "proved",
		{ OUT_MANAGED, ">" A_H("18446744073709551617"), TOO_HIGH } },
	{ "threats J1 negative", "proved", { OUT_MANAGED, ">" A_H("-1"), TOO_HIGH } },
	{ "threats J1 a sign", "proved", { OUT_MANAGED, ">" A_H("+1"), TOO_HIGH } },
	{ "threats J1 not a number", "proved", { OUT_MANAGED, ">" A_H("one"), TOO_HIGH } },
	{ "threats J1 hexadecimal", "proved", { OUT_MANAGED, ">" A_H("0x1"), TOO_HIGH } },
	{ "threats J1 empty", "proved", { OUT_MANAGED, ">" A_H(""), TOO_HIGH } },
	{ "threats J1 missing", "proved",
		{ OUT_MANAGED,
			">"
			"<a" SM "/>",
			TOO_HIGH } },
	{ "s2s C17 s2s H2 unacknowledged goes on the next stream", "proved direct",
		{ "Mone", DIRECT, ">" ENABLED, ASKS, "Mtwo", ">" A_H("1"), "V1", "H", "K2", "U0",
			DIRECT, "!" BODY("one"), "<<enable" SM_OUT "/><message", "<" BODY("two"),
			">" ENABLED A_H("1"), "V2", "U0" } },
	{ "s2s C17 s2s H2 twice in doubt: given back alone", "proved direct",
		{ "Mone", DIRECT, ">" ENABLED, "Mtwo", "H", "K2", "U0", DIRECT, "<" BODY("one"),
			"H", "U1", "K3", DIRECT, "!" BODY("one"), "<" BODY("two"),
			">" ENABLED A_H("1"), "V1", "U1" } },
	{ "s2s C17 s2s H2 an acknowledgement on the way out counts", "proved",
		{ OUT_MANAGED, "Z", "<" END, "U0", ">" A_H("1"), "V1", ">" END, "W1", "C", "U0" } },
	{ "s2s C17 s2s H2 refused meanwhile: given back once at the end", "proved",
		{ OUT_MANAGED, "Grefuse-a", "R", "<" END, "U0", "Mtwo", "U0", "C", "U2", "V0",
			"mx" } },
	{ "s2s H2 both directions of one stream", "proved bidi hold",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, "<<sm", ">" ENABLE, "<<enabled",
			"Mone", "<" BODY("one"), ASKS, ">" MSG_AB("x") A_H("1") R, "V1", ACK("0"),
			"D0", ACK("1"), "Mtwo", ASKS, "I", "!" END, ">" MSG_AB("late") A_H("2"),
			"slate", "V2", ACK("1") END, "K0" } },
	{ "s2s H2 s2s G10 several pairs on one stream of ours, in the order of the stream", "share",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_DB OFFER_SM),
			">"
			"<db:result from='a.example' to='b.example' type='valid'/>",
			"<<enable", ">" ENABLED, ASKS, "Ftwo", "=",
			">"
			"<db:result from='a2.example' to='b.example' type='valid'/>",
			"<" BODY("two"), "Mthree", "Ffour", "V0", ">" A_H("1"), "V1", ">" A_H("3"),
			"V3", ">" A_H("4"), "V4", "U0", "O" } },
	{ "s2s H2 threats J2 enabled with something under way: when that is taken", "proved bidi",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, "<<sm", "(", "Mone",
			">" ENABLE MSG_AB("early") R, "!<enabled", "searly", "Mtwo",
			"!" BODY("two"), ")", "<" BODY("one"), "V1", "<<enabled", "<" BODY("two"),
			ASKS, "Searly", ACK("1"), ">" A_H("1"), "V2", "U0", "O" } },
	{ "s2s H2 enabled with something under way: ended meanwhile", "proved bidi",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, "<<sm", "(", "Mone", ">" ENABLE END,
			")", "<" BODY("one"), "V1", "<<enabled", "<" END, "C", "U0" } },
	{ "s2s H2 enabled with something under way: we end meanwhile", "proved bidi",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, "<<sm", "(", "Mone", ">" ENABLE,
			"I", "!<enabled", ")", "<" BODY("one"), "!<enabled", ">" END, "C", "V1",
			"U0" } },
	{ "s2s H2 both directions of a stream of ours", "proved bidi hold",
		{ "Mone", "A", OUT_TLS, ">" ANSWER("id2") FEATURES(OFFER_SASL OFFER_BIDI), "<<bidi",
			">" SUCCESS, ">" ANSWER("id3") FEATURES(OFFER_SM), "<<enable", ">" ENABLED,
			ASKS, ">" MSG_AB("x") R A_H("1"), ACK("0"), "V1", "D0", ACK("1"), "O" } },
};

static void test_too_big(void **state)
{
	RUN_ALL(too_big);
}

static void test_theirs(void **state)
{
	RUN_ALL(theirs);
}

static void test_ours(void **state)
{
	RUN_ALL(ours);
}

/* --- what a table cannot say --- */

static bool give(struct one *t, const char *body, uint64_t seq)
{
	return node_send(&t->n, "b.example", "a.example", body, 1, seq);
}

static void become_managed(struct one *t)
{
	t->peer = script_accept(&t->n);
	script_send(t->peer, ANSWER("i") FEATURES(OFFER_SASL) "<success" SASL "/>");
	script_send(t->peer, ANSWER("j") FEATURES(OFFER_SM) ENABLED);
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* Ten thousand questions in one piece: one answer. */
static void test_flood(void **state)
{
	struct one t;
	struct buf many;

	one_begin(&t);
	struct wire *in = script_connect(&t.n, true);
	script_send(in, AB AUTH("="));
	script_send(in, AB ENABLE);
	script_look(in);
	buf_init(&many, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_append_c(&many, R);
	buf_append(&many, str_from("", 1));
	script_send(in, buf_bytes(&many).p);
	assert_int_equal(count(script_look(in), "<a "), 1);
	buf_done(&many);
	one_end(&t);
}

/* One question for all stanzas of a turn. */
static void test_batch(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "x", 1);
	become_managed(&t);
	script_send(t.peer, A_H("1"));
	script_look(t.peer);
	for (uint64_t i = 2; i <= 100; i++)
		give(&t, "x", i);
	const char *got = script_look(t.peer);
	assert_int_equal(count(got, "<message"), 99);
	assert_int_equal(count(got, "<r "), 1);
	script_send(t.peer, A_H("100"));
	assert_int_equal(t.n.sent, 100);
	one_end(&t);
}

/* The count goes from 2^32 - 1 to 0. */
static void test_wrap(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "x", 1);
	become_managed(&t);
	t.peer->other->stream->manage.acked = UINT32_MAX - 1;
	give(&t, "y", 2);
	give(&t, "z", 3);
	script_send(t.peer, A_H("4294967295"));
	assert_int_equal(t.n.sent, 1);
	script_send(t.peer, A_H("1"));
	assert_int_equal(t.n.sent, 3);
	script_send(t.peer, A_H("2"));
	assert_has(script_look(t.peer), "handled-count-too-high");
	one_end(&t);
}

static void test_wrap_theirs(void **state)
{
	struct one t;

	one_begin(&t);
	struct wire *in = script_connect(&t.n, true);
	script_send(in, AB AUTH("="));
	script_send(in, AB ENABLE);
	struct inbox *b = in->other->stream->manage.inbox;
	b->base -= UINT32_MAX;
	in->other->stream->manage.told = UINT32_MAX;
	script_send(in, R);
	assert_has(script_look(in), " h=\"4294967295\"");
	script_send(in, MSG_AB("x") R);
	assert_has(script_look(in), " h=\"0\"");
	one_end(&t);
}

/* They read and never acknowledge: what waits is bounded, nothing is asked again, and it ends. */
static void test_never(void **state)
{
	struct one t;
	uint64_t taken = 0;

	one_begin(&t);
	give(&t, "x", ++taken);
	become_managed(&t);
	while (give(&t, "x", taken + 1))
		taken++;
	assert_int_equal(taken, s2s_settings_default.queue_stanzas);
	assert_int_equal(t.n.last_failure, S2S_FULL);
	assert_int_equal(count(script_look(t.peer), "<r "), 1);
	assert_int_equal(t.n.sent, 0);
	world_wait(&t.w, t.nodes, s2s_settings_default.ack_ms - 1);
	assert_lacks(script_look(t.peer), END);
	world_wait(&t.w, t.nodes, 1);
	assert_has(script_look(t.peer), ERR("connection-timeout"));
	assert_has(node_log(&t.n), "stream-closed out unacknowledged");
	world_wait(&t.w, t.nodes, 5000);
	/* All of it has waited too long by now. */
	assert_int_equal(t.n.unsent, taken);
	assert_int_equal(s2s_pending(t.n.face), 0);
	one_end(&t);
}

/* An answer that covers something is progress. */
static void test_slow(void **state)
{
	struct one t;

	one_begin(&t);
	give(&t, "x", 1);
	become_managed(&t);
	give(&t, "y", 2);
	world_wait(&t.w, t.nodes, 100000);
	script_send(t.peer, A_H("1"));
	world_wait(&t.w, t.nodes, 100000);
	assert_lacks(script_look(t.peer), END);
	world_wait(&t.w, t.nodes, 80000);
	assert_has(script_look(t.peer), END);
	one_end(&t);
}

/* Receipts against a model: random order, several streams, receipts of streams that are gone. */
static void test_inbox(void **state)
{
	enum { STREAMS = 3, KEPT = 200 };
	struct one t;
	struct inbox *boxes[STREAMS] = { 0 };
	struct {
		unsigned box;
		uint64_t receipt, seq;
		struct inbox *of;
	} kept[KEPT];
	unsigned n = 0, seed = 1;

	one_begin(&t);
	for (int step = 0; step < 50000; step++) {
		unsigned i = (unsigned)rand_r(&seed) % STREAMS,
			 dice = (unsigned)rand_r(&seed) % 1000;
		if (!boxes[i]) {
			boxes[i] = inbox_new(t.n.face, NULL);
		} else if (dice == 0) {
			for (unsigned k = 0; k < n; k++) {
				if (kept[k].of == boxes[i])
					kept[k].of = NULL;
			}
			inbox_free(t.n.face, boxes[i]);
			boxes[i] = NULL;
		} else if (dice < 500 && n < KEPT) {
			kept[n].of = boxes[i];
			kept[n].seq = inbox_received(boxes[i]);
			kept[n++].receipt = inbox_add(boxes[i]);
		} else if (n) {
			unsigned k = (unsigned)rand_r(&seed) % n;
			struct inbox *of = kept[k].of;
			bool oldest = true;
			for (unsigned o = 0; o < n; o++)
				oldest = oldest && (kept[o].of != of || kept[o].seq >= kept[k].seq);
			struct inbox *moved = inbox_settle(t.n.face, kept[k].receipt);
			assert_ptr_equal(moved, oldest ? of : NULL);
			kept[k] = kept[--n];
			uint64_t least = of ? inbox_received(of) : 0;
			for (unsigned o = 0; o < n; o++) {
				if (of && kept[o].of == of && kept[o].seq < least)
					least = kept[o].seq;
			}
			if (of)
				assert_int_equal(inbox_handled(of), least);
		}
	}
	for (unsigned i = 0; i < STREAMS; i++)
		inbox_free(t.n.face, boxes[i]);
	s2s_handled(t.n.face, 0);
	s2s_handled(t.n.face, UINT64_MAX);
	one_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "s2s H2 theirs", test_theirs },
		{ "s2s B16 too big", test_too_big },
		{ "s2s H2 ours", test_ours },
		{ "threats J4 a flood of questions", test_flood },
		{ "s2s H2 one question a turn", test_batch },
		{ "threats J1 wrap at 2^32", test_wrap },
		{ "threats J1 wrap of what they are told", test_wrap_theirs },
		{ "threats J3 nothing is ever acknowledged", test_never },
		{ "threats J3 slowly is not never", test_slow },
		{ "s2s H2 receipts", test_inbox },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
