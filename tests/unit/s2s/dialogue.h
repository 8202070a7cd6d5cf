/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations between a scripted peer and a face, as tables. The face plays b.example and
 * b2.example; the peer says what the steps say. Each step is one string, its first character
 * says what it is:
 *
 *	>text   the peer sends text; $ID0..$ID9 is the id in the header that connection 0..9 got,
 *	        $KEY the last dialback key that was seen, $PING the id of the last ping, $BIG 10000 letters
 *	<text   what arrived since the last > has this text
 *	!text   and not this one; both know the dollar words as they were at the step before
 *	T       TLS handshake
 *	Edomain the face started TLS for this domain
 *	Ltext   the log has this, ltext: has not
 *	Stext   the stanzas have this, stext: have not
 *	C       the connection is closed by the face (after the peer stays silent for 5 s)
 *	O       it is open
 *	Wms     time passes
 *	N       a new connection of the peer; ND: with TLS from the start
 *	A       the connection that the face wants is accepted; X: it is refused
 *	=       the connection that the face wants leads to where this one does, and is shared; #: the face does
 *	        not want that
 *	@n      goes back to connection n
 *	H       the peer hangs up
 *	Mtext   the face is given a stanza b.example -> a.example with this body; $BIG as above
 *	Ftext   likewise b.example -> a2.example
 *	mtext   it does not take it: the queue is full, or it is too big
 *	Un      n stanzas came back unsent in all; Vn: n were sent
 *	Pn      pair_named was called n times
 *	Kn      n connects were asked for
 *	Bn      the face has written n times on this connection
 *	?n      the certificates of n peers and domains were looked at
 *	Gset    changes the configuration, see configure() in dialogue.c
 *	k       s2s_keep() of b.example, a.example
 *	Q       s2s_proved(), J: s2s_judge_again() on the connection at hand
 *	(       the kernel takes nothing that the face writes on this connection, until )
 *	Dn      the nth stanza that came (from 0) is handled; only with "hold" in the configuration
 *	I       s2s_drain()
 *	R       s2s_rejudge(), Z: s2s_shutdown(), Y: s2s_resume() of b.example, a.example
 */
#ifndef TEST_S2S_DIALOGUE_H
#define TEST_S2S_DIALOGUE_H

#include "world.h"

enum { STEPS_MAX = 48 };

struct dialogue {
	const char *id; /* with "s2s A7", "threats E2": see doc/conformance.md and doc/threats.md */
	const char *config; /* words, see configure() */
	const char *steps[STEPS_MAX];
};

/* Runs all of them, whole and byte by byte. */
void dialogues_run(const struct dialogue *d, size_t n);

#define RUN_ALL(table) dialogues_run((table), sizeof(table) / sizeof((table)[0]))

#define NS_ALL                                                                                     \
	" xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"                   \
	" xmlns:db='jabber:server:dialback'"
#define STREAM(attrs) "<stream:stream" NS_ALL " " attrs ">"
#define HEAD(from, to) STREAM("from='" from "' to='" to "' version='1.0'")
#define AB HEAD("a.example", "b.example")
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define AUTH(text) "<auth" SASL " mechanism='EXTERNAL'>" text "</auth>"
#define A_IN_BASE64 "YS5leGFtcGxl"
#define B_IN_BASE64 "Yi5leGFtcGxl"
#define ERR(condition) "<" condition " xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/>"
#define END "</stream:stream>"
#define MSG(from, to, body) "<message from='" from "' to='" to "'><body>" body "</body></message>"
#define MSG_AB(body) MSG("u@a.example/r", "v@b.example", body)
#define GOT(body) "u@a.example/r>v@b.example "
#define KEY(from, to) "<db:result from='" from "' to='" to "'>0123456789abcdef</db:result>"
#define VERIFIED(type) "<db:verify from='a.example' to='b.example' id='$ID0' type='" type "'/>"

/* The peer's answers on a connection that the face opened. */
#define ANSWER(id) STREAM("from='a.example' to='b.example' id='" id "' version='1.0'")
#define FEATURES(list) "<stream:features>" list "</stream:features>"
#define OFFER_TLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define OFFER_SASL "<mechanisms" SASL "><mechanism>EXTERNAL</mechanism></mechanisms>"
#define OFFER_BIDI "<bidi xmlns='urn:xmpp:features:bidi'/>"
#define BIDI "<bidi xmlns='urn:xmpp:bidi'/>"
#define LIMITS(bytes, seconds)                                                                     \
	"<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>" bytes                               \
	"</max-bytes><idle-seconds>" seconds "</idle-seconds></limits>"
#define OFFER_SM "<sm xmlns='urn:xmpp:sm:3'/>"
#define OFFER_DB "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

/* Several steps at once. */
#define IN_TLS ">" AB, "<<starttls", ">" STARTTLS, "<<proceed", "T", ">" AB
#define IN_EXTERNAL IN_TLS, "<EXTERNAL", ">" AUTH(A_IN_BASE64), "<<success", ">" AB, "<features"
#define OUT_TLS                                                                                    \
	"<from=\"b.example\" to=\"a.example\"", ">" ANSWER("id1") FEATURES(OFFER_TLS),             \
		"<<starttls", ">" PROCEED, "T"

#endif
