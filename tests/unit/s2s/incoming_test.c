/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that peers open: sections A, B, C, E and F of doc/conformance.md, E of doc/threats.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dialogue.h"

#define NO_VERSION STREAM("from='a.example' to='b.example'")
#define VERSION(v) STREAM("from='a.example' to='b.example' version='" v "'")

static const struct dialogue streams[] = {
	{ "s2s A5 s2s A11 header and features in one write", "",
		{ "N", ">" AB, "<<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:server\"",
			"<from=\"b.example\" to=\"a.example\" id=\"",
			"< version=\"1.0\" xml:lang=\"en\">",
			"<<required/></starttls></stream:features>", "!dialback>", "!mechanisms",
			"B1", "P1", "Lstream-open in - b.example>a.example" } },
	{ "s2s A7 no version, no features", "no-tls",
		{ "N", ">" NO_VERSION, "<xml:lang=\"en\">", "!version=\"1.0\" xml:lang",
			"!features", "O" } },
	{ "s2s A7 no version where TLS is required", "",
		{ "N", ">" NO_VERSION, "!features", "<" ERR("policy-violation"), "<" END, "C" } },
	{ "s2s A7 version 0.9 is no version", "no-tls",
		{ "N", ">" VERSION("0.9"), "!features", "O" } },
	{ "s2s A7 version 1.1 is 1.0", "", { "N", ">" VERSION("1.1"), "<features", "O" } },
	{ "s2s A7 version 2.0", "",
		{ "N", ">" VERSION("2.0"), "<" ERR("unsupported-version"), "C" } },
	{ "threats E19 version empty", "",
		{ "N", ">" VERSION(""), "<" ERR("unsupported-version"), "C" } },
	{ "threats E19 version -1", "",
		{ "N", ">" VERSION("-1"), "<" ERR("unsupported-version"), "C" } },
	{ "threats E19 version 1.0.0", "",
		{ "N", ">" VERSION("1.0.0"), "<" ERR("unsupported-version"), "C" } },
	{ "threats E19 version 1", "",
		{ "N", ">" VERSION("1"), "<" ERR("unsupported-version"), "C" } },
	{ "s2s A8 unknown host", "",
		{ "N", ">" HEAD("a.example", "c.example"), "<<stream:stream ",
			"<" ERR("host-unknown"), "<" END, "!features", "C",
			"Lstream-closed in unknown-host", "P0" } },
	{ "s2s A8 host is no domain", "",
		{ "N", ">" HEAD("a.example", "b@c/d"), "<" ERR("host-unknown"), "C" } },
	{ "threats E21 other spelling of a served domain", "",
		{ "N", ">" HEAD("A.EXAMPLE.", "B.Example."), "<from=\"b.example\" to=\"a.example\"",
			"<features", "O" } },
	{ "s2s A9 no from", "",
		{ "N", ">" STREAM("to='b.example' version='1.0'"), "<starttls", "<required",
			">" STARTTLS, "T", ">" STREAM("to='b.example' version='1.0'"), "<dialback",
			"!EXTERNAL", "P0", "O" } },
	{ "s2s A9 no from first, then one", "proved",
		{ "N", ">" STREAM("to='b.example' version='1.0'"), ">" STARTTLS, "T", ">" AB,
			"<EXTERNAL", "P1" } },
	{ "s2s A9 no to", "proved",
		{ "N", ">" STREAM("from='a.example' version='1.0'"), ">" STARTTLS, "T",
			">" STREAM("from='a.example' version='1.0'"), "<dialback", "!EXTERNAL",
			"O" } },
	{ "s2s A9 from is no domain", "",
		{ "N", ">" HEAD("x@a.example", "b.example"), "<" ERR("improper-addressing"),
			"C" } },
	{ "s2s C16 threats E22 from is ours", "",
		{ "N", ">" HEAD("b2.example", "b.example"), "<" ERR("invalid-from"), "C", "P0" } },
	{ "s2s C16 pair forbidden", "refuse-a",
		{ "N", ">" AB, "<" ERR("policy-violation"), "!features", "C", "P0",
			"Lpair-refused" } },
	{ "s2s A10 content namespace", "",
		{ "N",
			">"
			"<stream:stream xmlns='jabber:client' "
			"xmlns:stream='http://etherx.jabber.org/streams'"
			" from='a.example' to='b.example' version='1.0'>",
			"<" ERR("invalid-namespace"), "C" } },
	{ "s2s A10 stream namespace", "",
		{ "N",
			">"
			"<stream:stream xmlns='jabber:server' xmlns:stream='urn:x' to='b.example'>",
			"<" ERR("invalid-namespace"), "C" } },
	{ "s2s A10 stream name", "",
		{ "N",
			">"
			"<stream:river" NS_ALL " to='b.example' version='1.0'>",
			"<" ERR("bad-format"), "C" } },
	{ "threats D15 another protocol", "",
		{ "N",
			">"
			"GET / HTTP/1.1\r\n\r\n",
			"!GET", "W1", "C" } },
	{ "s2s A13 restart with another from", "",
		{ "N", ">" AB, ">" STARTTLS, "T", ">" HEAD("x.example", "b.example"),
			"<" ERR("invalid-from"), "C", "Lrestart-from" } },
	{ "s2s A13 restart with another to", "",
		{ "N", ">" AB, ">" STARTTLS, "T", ">" HEAD("a.example", "b2.example"),
			"<" ERR("host-unknown"), "C", "Lrestart-to" } },
	{ "s2s A13 threats E14 restart after SASL with another from", "covers-a2",
		{ "N", IN_TLS, ">" AUTH("="), "<<success", ">" HEAD("a2.example", "b.example"),
			"<" ERR("invalid-from"), "C" } },
	{ "s2s A12 after TLS and SASL: new header, new id", "proved",
		{ "N", ">" AB, "<<stream:stream ", "<$ID0", ">" STARTTLS, "T", ">" AB, "!$ID0",
			"<<?xml version=\"1.0\"?><stream:stream ", "<$ID0", ">" AUTH("="), ">" AB,
			"!$ID0", "<<?xml version=\"1.0\"?><stream:stream " } },
	{ "s2s A12 nothing is remembered from before TLS", "proved",
		{ "N", ">" STREAM("from='a.example' to='b.example' version='1.0' xml:lang='fi'"),
			">" STARTTLS, "T", ">" AB, ">" AUTH("="), ">" AB, ">" MSG_AB("one"),
			"Sone []" } },
	{ "s2s A12 a header in clear does not do for TLS", "proved",
		{ "N", ">" AB, ">" STARTTLS, "T", ">" AUTH("="), "!success", "C",
			"Lbad-stream-namespace" } },
	{ "s2s A21 two streams of one pair", "proved",
		{ "N", IN_EXTERNAL, "N", IN_EXTERNAL, "@0", ">" MSG_AB("one"), "@1",
			">" MSG_AB("two"), "@0", ">" MSG_AB("three"), "Sone", "Stwo", "Sthree", "H",
			"@1", ">" MSG_AB("four"), "Sfour", "O" } },
	{ "s2s A21 one stream at a time for sending", "proved bidi",
		{ "N", IN_TLS, ">" BIDI, ">" AUTH("="), ">" AB, "N", IN_TLS, ">" BIDI,
			">" AUTH("="), ">" AB, "@0", "Mone", "Mtwo", "<one", "<two", "@1", "!one",
			"!two", "@0", "H", "Mthree", "@1", "<three", "K0" } },
	{ "s2s A14 orderly close", "",
		{ "N", ">" AB, ">" END, "<" END, "!error", "W1", "C",
			"Lstream-closed in peer-closed" } },
	{ "s2s A14 connection lost", "",
		{ "N", ">" AB, "H", "Lstream-closed in connection-lost" } },
	{ "s2s A15 nothing counts after an error", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@x.example", "v@b.example", "one") MSG_AB("two"),
			"<" ERR("invalid-from"), ">" MSG_AB("three"), "!e", "stwo", "sthree",
			">" END, "C" } },
	{ "s2s A16 a peer's error is not answered with one", "",
		{ "N", ">" AB,
			">"
			"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text"
			" xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no &lt;more</text><own "
			"xmlns='urn:x'/>"
			"</stream:error>",
			"!stream:error", "<" END,
			"Lpeer-error b.example>a.example none conflict: no <more +own", ">" END,
			"W1", "C" } },
	{ "s2s A18 white space", "proved",
		{ "N", IN_EXTERNAL, "> \n\t ", ">" MSG_AB("one"), ">   ", ">" MSG_AB("two"), "Sone",
			"Stwo" } },
	{ "s2s A24 second header", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<stream:stream from='a.example' to='b.example'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s A24 features on an incoming stream", "",
		{ "N", ">" AB,
			">"
			"<stream:features/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s A24 proceed without a request", "",
		{ "N", ">" AB, ">" PROCEED, "<" ERR("unsupported-stanza-type"), "C" } },
	{ "threats J5 s2s H7 compression", "proved",
		{ "N", IN_TLS,
			">"
			"<compress "
			"xmlns='http://jabber.org/protocol/compress'><method>zlib</method></"
			"compress>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s B1 comment", "",
		{ "N", ">" AB,
			">"
			"<!-- x -->",
			"<" ERR("restricted-xml"), "C" } },
	{ "s2s B14 text between stanzas, later", "proved",
		{ "N", IN_EXTERNAL, ">" MSG_AB("one") "x" MSG_AB("two"), "<" ERR("bad-format"),
			"Sone", "stwo", "C" } },
	{ "s2s B14 text between stanzas", "",
		{ "N", ">" AB,
			">"
			"hello",
			"<" ERR("bad-format"), "C" } },
	{ "s2s B15 early limit", "",
		{ "N", ">" AB,
			">"
			"<x a='$BIG'/>",
			"<" ERR("policy-violation"), "C" } },
	{ "s2s B15 later limit", "proved", { "N", IN_EXTERNAL, ">" MSG_AB("$BIG"), "Sxxxx", "O" } },
};

static const struct dialogue stanzas[] = {
	{ "a stanza", "proved",
		{ "N", IN_EXTERNAL, ">" MSG_AB("one"), "S" GOT("one") "pkix one []" } },
	{ "s2s B6 other namespaces", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message xmlns='jabber:client' from='u@a.example' to='v@b.example'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s B6 other names", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<route from='u@a.example' to='v@b.example'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s B6 stanza in no namespace", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message xmlns='' from='u@a.example' to='v@b.example'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s B6 stanza in the stream's namespace", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<stream:message from='u@a.example' to='v@b.example'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s B8 other prefixes", "proved",
		{ "N",
			">"
			"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams'"
			" from='a.example' to='b.example' version='1.0'>",
			"<features",
			">"
			"<t:starttls xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'/>",
			"<<proceed", "T",
			">"
			"<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams'"
			" xmlns:d='jabber:server:dialback' from='a.example' to='b.example' "
			"version='1.0'>",
			">"
			"<d:result from='a.example' to='b.example'>00</d:result>",
			"<type=\"valid\"" } },
	{ "s2s B9 content namespace by prefix", "proved",
		{ "N", IN_TLS, ">" AUTH("="),
			">"
			"<stream:stream xmlns:q='jabber:server' "
			"xmlns:stream='http://etherx.jabber.org/streams'"
			" from='a.example' to='b.example' version='1.0'>",
			">"
			"<q:message from='u@a.example/r' "
			"to='v@b.example'><q:body>one</q:body></q:message>",
			"S" GOT("one") "pkix one" } },
	{ "s2s B11 language of the header", "proved",
		{ "N", IN_TLS, ">" AUTH("="),
			">" STREAM(
				"from='a.example' to='b.example' version='1.0' xml:lang='fi-FI'"),
			">" MSG_AB("one"), "Sone [fi-FI]" } },
	{ "s2s B11 threats K7 language is none", "proved",
		{ "N", IN_TLS, ">" AUTH("="),
			">" STREAM(
				"from='a.example' to='b.example' version='1.0' xml:lang='&lt;x>'"),
			">" MSG_AB("one"), "Sone []" } },
	{ "s2s B11 a stanza's own language stays", "proved",
		{ "N", IN_TLS, ">" AUTH("="),
			">" STREAM("from='a.example' to='b.example' version='1.0' xml:lang='fi'"),
			">"
			"<message from='u@a.example/r' to='v@b.example' "
			"xml:lang='sv'><body>one</body></message>",
			"Sone [fi]" } },
	{ "s2s B18 a stanza is handed on with its last byte", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example/r' to='v@b.example' "
			"x='$BIG'><body>one</body></message",
			"sone", ">>", "Sone" } },
	{ "s2s C1 no from", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message to='v@b.example'/>",
			"<" ERR("improper-addressing"), "C" } },
	{ "s2s C1 no to", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example'/>",
			"<" ERR("improper-addressing"), "C" } },
	{ "s2s C2 from of another domain", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@x.example", "v@b.example", "one"),
			"<" ERR("invalid-from"), "sone", "C" } },
	{ "s2s C3 to a domain that is not served", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@a.example", "v@c.example", "one"),
			"<" ERR("host-unknown"), "sone", "C" } },
	{ "s2s C4 s2s F7 threats E13 pair not authenticated", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@a.example", "v@b2.example", "one"),
			"<" ERR("invalid-from"), "sone", "C" } },
	{ "s2s C5 malformed to: the sender is told, the stream stays", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example/r' to='@b.example' "
			"id='&quot;1'><body>one</body></message>",
			"sone", "O", "K1", "A", ">" ANSWER("x") FEATURES(OFFER_TLS) PROCEED, "T",
			">" ANSWER("y") FEATURES(OFFER_SASL) "<success" SASL "/>",
			">" ANSWER("z") FEATURES(""),
			"<<message from=\"b.example\" to=\"u@a.example/r\" id=\"&quot;1\" "
			"type=\"error\"><error"
			" type=\"modify\" by=\"b.example\"><jid-malformed"
			" xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error></message>",
			"Lstanza-refused" } },
	{ "s2s C7 malformed to of a result: no answer", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<iq from='u@a.example/r' to='v@b.example/' type='result' id='1'/>",
			"O", "K0", "Lstanza-refused" } },
	{ "s2s C7 threats G1 malformed to of an error: no answer", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example/r' to='v@b.example/' type='error'/>",
			"O", "K0", "Lstanza-refused" } },
	{ "s2s C5 malformed to, and of a pair that is not valid", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@a.example", "@b2.example/x/y", "one"),
			"<" ERR("invalid-from"), "K0", "C" } },
	{ "s2s C5 to without a domain", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@a.example", "v@/x", "one"),
			"<" ERR("improper-addressing"), "sone", "C" } },
	{ "s2s C5 empty to", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@a.example", "", "one"),
			"<" ERR("improper-addressing"), "C" } },
	{ "s2s C5 malformed from", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("u@@a.example/", "v@b.example", "one"),
			"<" ERR("improper-addressing"), "sone", "C" } },
	{ "s2s D5 prepared forms are handed on", "proved",
		{ "N", IN_EXTERNAL, ">" MSG("U@A.EXAMPLE/R", "V@B.example.", "one"),
			"Su@a.example/R>v@b.example pkix one" } },
	{ "threats E1 stanza before authentication", "",
		{ "N", IN_TLS, ">" MSG_AB("one"), "<" ERR("not-authorized"), "sone", "C" } },
	{ "threats E1 stanza before TLS", "",
		{ "N", ">" AB, ">" MSG_AB("one"), "<" ERR("not-authorized"), "sone", "C" } },
	{ "no room: pause, then resume", "proved one-room",
		{ "N", IN_EXTERNAL, ">" MSG_AB("one") MSG_AB("two"), "Sone", "stwo", "O", "W700000",
			"O", "Y", "Stwo", "O" } },
	{ "an answer from within the callback", "proved bounce",
		{ "N", IN_EXTERNAL, ">" MSG_AB("one") MSG_AB("two"), "Sone", "Stwo", "K1", "A",
			"<to=\"a.example\"" } },
};

static const struct dialogue tls[] = {
	{ "s2s E3 threats D1 bytes behind starttls", "",
		{ "N", ">" AB, ">" STARTTLS AB MSG_AB("one"), "W5000", "C", "sone",
			"Lstream-closed in " } },
	{ "s2s E3 one space behind starttls", "", { "N", ">" AB, ">" STARTTLS " ", "W5000", "C" } },
	{ "s2s E1 no certificate for the domain, TLS required", "no-creds",
		{ "N", ">" AB, "<" ERR("policy-violation"), "!features", "!proceed", "C",
			"Lstream-closed in no-credentials" } },
	{ "s2s E1 no certificate, TLS not required: not offered", "no-creds no-tls",
		{ "N", ">" AB, "<features", "!starttls", "<dialback", "O" } },
	{ "s2s E1 the certificate is gone when TLS is to start", "",
		{ "N", ">" AB, "<starttls", "Gno-creds", ">" STARTTLS, "!proceed",
			"<<failure xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"/>", "<" END, "C",
			"Lno-credentials" } },
	{ "s2s E5 the header's to selects the certificate", "",
		{ "N", ">" HEAD("a.example", "B2.Example."), ">" STARTTLS, "T", "Eb2.example" } },
	{ "s2s E6 direct TLS: no starttls inside", "proved",
		{ "ND", ">" AB, "!starttls", "<EXTERNAL", "<dialback", ">" STARTTLS,
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s E1 TLS not required: offered all the same", "no-tls",
		{ "N", ">" AB, "<<starttls xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"></starttls>",
			"<dialback", "!required" } },
	{ "s2s E14 certificate bad, no dialback", "no-dialback",
		{ "N", IN_TLS, "<" ERR("not-authorized"), "!features", "C",
			"Lstream-closed in bad-certificate b.example>a.example none "
			"self-signed" } },
	{ "s2s E14 certificate bad, dialback goes on", "",
		{ "N", IN_TLS, "<dialback", "!EXTERNAL", "O" } },
	{ "handshake fails", "",
		{ "N", ">" AB, ">" STARTTLS, "<<proceed", "H", "Lstream-closed in tls-failed" } },
	{ "starttls twice", "",
		{ "N", IN_TLS, ">" STARTTLS, "<" ERR("unsupported-stanza-type"), "C" } },
};

#define FAIL(condition) "<" condition "/></failure>"

static const struct dialogue sasl[] = {
	{ "s2s F1 offered for a good certificate", "proved",
		{ "N", IN_TLS, "<<mechanism>EXTERNAL</mechanism>" } },
	{ "s2s F1 not offered otherwise", "", { "N", IN_TLS, "!mechanism" } },
	{ "s2s F1 not offered when the rule does not take it", "proved no-pkix",
		{ "N", IN_TLS, "!mechanism", "<dialback", ">" AUTH("="), "<" FAIL("not-authorized"),
			"O" } },
	{ "s2s F2 our own domain", "proved",
		{ "N", IN_TLS, ">" AUTH(A_IN_BASE64), "<<success", "O" } },
	{ "s2s F2 equals sign", "proved", { "N", IN_TLS, ">" AUTH("="), "<<success" } },
	{ "s2s F2 nothing", "proved", { "N", IN_TLS, ">" AUTH(""), "<<success" } },
	{ "s2s F3 another authzid", "proved",
		{ "N", IN_TLS, ">" AUTH(B_IN_BASE64), "<" FAIL("invalid-authzid"), "O" } },
	{ "s2s F3 bad base64", "proved",
		{ "N", IN_TLS, ">" AUTH("YS5leG=tcGxl"), "<" FAIL("incorrect-encoding"), "O" } },
	{ "s2s F3 base64 with loose bits", "proved",
		{ "N", IN_TLS, ">" AUTH("YR=="), "<" FAIL("incorrect-encoding"), "O" } },
	{ "s2s F4 failure, then dialback", "",
		{ "N", IN_TLS, ">" AUTH("="), "<" FAIL("not-authorized"),
			">" KEY("a.example", "b.example"), "K1", "O" } },
	{ "s2s F5 threats E15 three failures", "proved",
		{ "N", IN_TLS, ">" AUTH(B_IN_BASE64), "O", ">" AUTH(B_IN_BASE64), "O",
			">" AUTH(B_IN_BASE64), "<" FAIL("invalid-authzid"),
			"<" ERR("policy-violation"), "C" } },
	{ "s2s F6 another mechanism", "proved",
		{ "N", IN_TLS,
			">"
			"<auth" SASL " mechanism='PLAIN'>AGEAYg==</auth>",
			"<" FAIL("invalid-mechanism"), "O" } },
	{ "s2s F6 SASL2 does not exist here", "proved",
		{ "N", IN_TLS,
			">"
			"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='EXTERNAL'/>",
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "threats E15 EXTERNAL without TLS", "proved",
		{ "N", ">" AB, ">" AUTH("="), "<" FAIL("encryption-required"), "O" } },
	{ "SASL abort and response", "proved",
		{ "N", IN_TLS,
			">"
			"<abort" SASL "/>",
			"<" FAIL("aborted"),
			">"
			"<response" SASL "/>",
			"<" FAIL("malformed-request"), "O" } },
	{ "EXTERNAL twice", "proved",
		{ "N", IN_EXTERNAL, ">" AUTH("="), "<" ERR("unsupported-stanza-type"), "C" } },
	{ "s2s A11 empty features at the end", "proved",
		{ "N", IN_TLS, ">" AUTH("="), ">" AB, "<<stream:features><limits", "!mechanism",
			"!dialback>", "Lpair-valid in - b.example>a.example pkix" } },
	{ "EXTERNAL while a key is verified", "proved",
		{ "N", IN_TLS, ">" KEY("a2.example", "b.example"), ">" AUTH("="),
			"<" ERR("unsupported-stanza-type"), "C" } },
	{ "the same, not accepted", "proved no-pkix",
		{ "N", IN_TLS, ">" KEY("a.example", "b.example"), ">" AUTH("="),
			"<" FAIL("not-authorized"), "O" } },
};

static const struct dialogue deadlines[] = {
	{ "threats H1 s2s A20 silent after connect", "",
		{ "N", "W9999", "O", "W1", "<" ERR("connection-timeout"), "C",
			"Lheader-timeout" } },
	{ "threats H2 slow header", "",
		{ "N",
			">"
			"<stream:stream",
			"W5000", "> ", "W4999", "O", "W1", "C", "Lheader-timeout" } },
	{ "threats H3 silent after features", "",
		{ "N", ">" AB, "W9999", "O", "W1", "C", "Lauth-timeout" } },
	{ "threats H4 no ClientHello", "",
		{ "N", ">" AB, ">" STARTTLS, "W9999", "O", "W1", "C", "Ltls-timeout" } },
	{ "threats H5 silent after TLS", "",
		{ "N", ">" AB, ">" STARTTLS, "T", "W9999", "O", "W1", "C", "Lheader-timeout" } },
	{ "threats H6 SASL element open", "proved",
		{ "N", IN_TLS,
			">"
			"<auth" SASL " mechanism='EXTERNAL'>",
			"W9999", "O", "W1", "C", "Lauth-timeout" } },
	{ "threats H8 threats A13 stanza half sent", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example' to='v@b.example'>",
			"W29999", ">x", "O", "W1", "<" ERR("connection-timeout"), "C",
			"Lstanza-timeout" } },
	{ "threats H8 the deadline starts anew per stanza", "proved",
		{ "N", IN_EXTERNAL,
			">"
			"<message from='u@a.example' to='v@b.example'>",
			"W29999",
			">"
			"</message><message from='u@a.example' to='v@b.example'>",
			"W29999", "O", "W1", "C" } },
	{ "threats H10 no end tag", "",
		{ "N", ">" AB,
			">"
			"<x/>",
			"<" END, "W4999", "W1", "C" } },
	{ "s2s A19 one way: white space, then the end", "proved",
		{ "N", IN_EXTERNAL, "W299999", "B5", "W1", "B6", "W299999", "O", "> ", "W599999",
			"!<iq", "O", "W1", "<" ERR("connection-timeout"), "C",
			"Lstream-closed in idle" } },
	{ "s2s A23 shutdown", "proved",
		{ "N", IN_EXTERNAL, "Z", "<" END, ">" MSG_AB("in time"), "Sin time",
			">" END MSG_AB("late"), "slate", "W1", "C", "Lshutdown" } },
	{ "s2s A23 shutdown, no end tag", "proved",
		{ "N", IN_EXTERNAL, "Z", "<" END, "W5001", "C" } },
	{ "s2s A23 shutdown, other elements", "proved",
		{ "N", IN_EXTERNAL, "Z", "<" END, "><x/>" MSG_AB("in time"), "Sin time", "C" } },
	{ "s2s A23 shutdown during set-up", "",
		{ "N", ">" AB, "Z", "<" ERR("system-shutdown"), "<" END, ">" MSG_AB("late"),
			"slate", ">" END, "W1", "C", "Lshutdown" } },
};

static const struct dialogue reloads[] = {
	{ "threats K2 pair forbidden later", "proved",
		{ "N", IN_EXTERNAL, "R", "O", "Grefuse-a", "R", "<" ERR("policy-violation"), "C",
			"Lpolicy-changed" } },
	{ "proof no longer accepted", "proved",
		{ "N", IN_EXTERNAL, "Gno-pkix", "R", "<" ERR("policy-violation"), "C" } },
	{ "TLS required later", "no-tls", { "N", ">" AB, "R", "O", "Gneed-tls", "R", "O" } },
	{ "during set-up", "", { "N", ">" AB, "R", "O", "Grefuse-a", "R", "C" } },
};

static void test_streams(void **state)
{
	RUN_ALL(streams);
}

static void test_stanzas(void **state)
{
	RUN_ALL(stanzas);
}

static void test_tls(void **state)
{
	RUN_ALL(tls);
}

static void test_sasl(void **state)
{
	RUN_ALL(sasl);
}

static void test_deadlines(void **state)
{
	RUN_ALL(deadlines);
}

static void test_reloads(void **state)
{
	RUN_ALL(reloads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_stanzas),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_sasl),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_reloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
