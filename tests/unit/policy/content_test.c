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
#include "policy/content.h"
#include "record/catalogue.h"
#include "text.h"

#define NO_RULE CONFIG_RULES

struct content_case {
	const char *name;
	const char *xml; /* ' stands for " */
	enum policy_verdict verdict;
	enum config_rule_id rule; /* that acted; NO_RULE: none */
	const char *out; /* NULL: as it came */
	const char *lines; /* of the configuration */
	bool outbound;
	bool open; /* profile */
	enum record_condition condition; /* of a rejection; COND_NONE: not tested */
};

#define R(id) CONFIG_RULE_##id
#define IN "from='b@example.com/x' to='a@example.se'"
#define ROOM "from='room@muc.example.com/nick' to='a@example.se/x' type='groupchat'"
#define CHAT(payload) "<message " IN " type='chat' id='1'>" payload "</message>"
#define ASK(to, type, payload)                                                                     \
	"<iq from='b@example.com/x' to='" to "' type='" type "' id='1'>" payload "</iq>"
#define HI "<body>hi</body>"
#define DELAY(from) "<delay xmlns='urn:xmpp:delay' from='" from "' stamp='2026-01-01T00:00:00Z'/>"
#define SID(by) "<stanza-id xmlns='urn:xmpp:sid:0' id='s' by='" by "'/>"
#define MAM(from)                                                                                  \
	"<result xmlns='urn:xmpp:mam:2' id='r'><forwarded xmlns='urn:xmpp:forward:0'>"             \
	"<message xmlns='jabber:client' type='groupchat' from='" from "'>" HI                      \
	"</message></forwarded></result>"
#define COPY(way)                                                                                  \
	"<" way " xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"               \
	"<message xmlns='jabber:client' from='boss@example.se' to='a@example.se'>" HI              \
	"</message></forwarded></" way ">"
#define EVENT                                                                                      \
	"<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='x'>"                  \
	"<retract id='1'/></items></event>"
#define ROSTER "<query xmlns='jabber:iq:roster'><item jid='evil@example.com'/></query>"
#define HTML(content)                                                                              \
	"<html xmlns='http://jabber.org/protocol/xhtml-im'>"                                       \
	"<body xmlns='http://www.w3.org/1999/xhtml'>" content "</body></html>"
#define OOB(url) "<x xmlns='jabber:x:oob'><url>" url "</url></x>"
#define LABEL                                                                                      \
	"<securitylabel xmlns='urn:xmpp:sec-label:0'><displaymarking>SECRET</displaymarking>"      \
	"<label><esssecuritylabel "                                                                \
	"xmlns='urn:xmpp:sec-label:ess:0'>MQYCAQQGASk=</esssecuritylabel>"                         \
	"</label></securitylabel>"
#define JINGLE(candidates)                                                                         \
	"<jingle xmlns='urn:xmpp:jingle:1' sid='s' action='transport-info'>"                       \
	"<content name='a' creator='initiator'><transport xmlns='urn:xmpp:jingle:transports:ice-"  \
	"udp:1'>" candidates "</transport></content></jingle>"
#define ICE(ip, more)                                                                              \
	"<candidate type='host' port='1' component='1' ip='" ip                                    \
	"' priority='1' foundation='1' protocol='udp'" more "/>"
#define S5B(host)                                                                                  \
	"<query xmlns='http://jabber.org/protocol/bytestreams' sid='s'>"                           \
	"<streamhost jid='b@example.com/x' port='1' host='" host "'/></query>"
#define JOIN(history)                                                                              \
	"<presence from='b@example.com/x' to='room@rooms.example.se/nick'>"                        \
	"<x xmlns='http://jabber.org/protocol/muc'>" history "</x></presence>"
#define RSM(max) "<set xmlns='http://jabber.org/protocol/rsm'><max>" max "</max></set>"
#define VERSION(content) "<query xmlns='jabber:iq:version'>" content "</query>"

#define INFO(from, content)                                                                        \
	"<iq from='" from "' to='b@example.com/x' type='result' id='1'>"                           \
	"<query xmlns='http://jabber.org/protocol/disco#info'>" content "</query></iq>"
#define SERVER_NAMED(name) "<identity type='im' name='" name "' category='server'/>"
#define SERVER_NAMELESS "<identity type='im' category='server'/>"
#define FORM(type, var)                                                                            \
	"<x xmlns='jabber:x:data' type='result'><field type='hidden' var='FORM_TYPE'><value>" type \
	"</value></field><field var='" var "'><value>v</value></field></x>"
#define SOFTWARE_FORM FORM("urn:xmpp:dataforms:softwareinfo", "software")
#define CONTACT_FORM FORM("http://jabber.org/network/serverinfo", "abuse-addresses")
#define NS_OF_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define OUT "from='a@example.se/x' to='b@example.com'"
#define FAILED(text)                                                                               \
	"<message " OUT " type='error'><error type='cancel'><gone xmlns='" NS_OF_ERRORS "'/>" text \
	"</error></message>"
#define THERE(payload) "<presence " OUT ">" payload "</presence>"
#define CAPS                                                                                       \
	"<c xmlns='http://jabber.org/protocol/caps' node='http://prosody.im' hash='sha-1' "        \
	"ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
#define CAPS2                                                                                      \
	"<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>"                 \
	"K1Njy3HZBThlo4moOD5gBGhn0U0oK7/CbfLlIUDi6o4=</hash></c>"
#define LABELLED(label)                                                                            \
	"<securitylabel xmlns='urn:xmpp:sec-label:0'><label>" label "</label></securitylabel>"
#define ESS(base64)                                                                                \
	"<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>" base64 "</esssecuritylabel>"
#define NATO(uri, policy)                                                                          \
	"<originatorConfidentialityLabel "                                                         \
	"xmlns='urn:nato:stanag:4774:confidentialitymetadatalabel:1:0'>"                           \
	"<ConfidentialityInformation><PolicyIdentifier" uri ">" policy "</PolicyIdentifier>"       \
	"<Classification>SECRET</Classification></ConfidentialityInformation>"                     \
	"</originatorConfidentialityLabel>"

static const struct content_case cases[] = {
	/* --- passes: what federation is made of --- */
	{ "chat", CHAT(HI), POLICY_PASS, NO_RULE },
	{ "s2s C14 presence probe", "<presence " IN " type='probe'/>", POLICY_PASS, NO_RULE },
	{ "s2s C14 subscribe", "<presence " IN " type='subscribe'/>", POLICY_PASS, NO_RULE },
	{ "s2s C14 subscribed", "<presence " IN " type='subscribed'/>", POLICY_PASS, NO_RULE },
	{ "s2s C14 unsubscribe", "<presence " IN " type='unsubscribe'/>", POLICY_PASS, NO_RULE },
	{ "s2s C14 unsubscribed", "<presence " IN " type='unsubscribed'/>", POLICY_PASS, NO_RULE },
	{ "s2s C14 presence outward",
		"<presence from='a@example.se/x' to='b@example.com' type='subscribe'/>",
		POLICY_PASS, NO_RULE, .outbound = true },
	{ "s2s C12 unknown payload", CHAT(HI "<x xmlns='urn:example:any' a='1'>t<y/></x>"),
		POLICY_PASS, NO_RULE, .open = true },
	{ "s2s C13 order and repetition",
		CHAT("<body>1</body><x xmlns='urn:a'/><body>1</body>"
		     "<x xmlns='urn:a'/><subject>s</subject>"),
		POLICY_PASS, NO_RULE, .open = true },
	{ "s2s H8 abuse report",
		CHAT(HI "<report xmlns='urn:xmpp:reporting:1' "
			"reason='urn:xmpp:reporting:spam'/>"),
		POLICY_PASS, NO_RULE, .open = true },
	{ "s2s H8 operator contacts in disco",
		"<iq from='example.com' to='a@example.se/x' type='result' id='1'>"
		"<query xmlns='http://jabber.org/protocol/disco#info'>"
		"<x xmlns='jabber:x:data' type='result'><field type='hidden' var='FORM_TYPE'>"
		"<value>http://jabber.org/network/serverinfo</value></field>"
		"<field var='abuse-addresses'><value>mailto:abuse@example.com</value></field></x>"
		"</query></iq>",
		POLICY_PASS, NO_RULE },
	{ "s2s H11 federated room",
		"<presence from='room@muc.example.com' to='room@rooms.example.se'>"
		"<fmuc xmlns='http://isode.com/protocol/fmuc' from='b@example.com/x'/></presence>",
		POLICY_PASS, NO_RULE },
	{ "s2s H11 federated room leaves",
		"<presence from='room@muc.example.com' to='room@rooms.example.se' "
		"type='unavailable'>"
		"<fmuc xmlns='http://isode.com/protocol/fmuc'><left/></fmuc></presence>",
		POLICY_PASS, NO_RULE },
	{ "room registration",
		ASK("room@rooms.example.se", "get", "<query xmlns='jabber:iq:register'/>"),
		POLICY_PASS, NO_RULE },
	{ "room archive asked",
		ASK("room@rooms.example.se", "set",
			"<query xmlns='urn:xmpp:mam:2'>" RSM("50") "</query>"),
		POLICY_PASS, NO_RULE },
	{ "card of a user", ASK("a@example.se", "get", "<vCard xmlns='vcard-temp'/>"), POLICY_PASS,
		NO_RULE },

	/* --- G5, H14: the trust that is for the own server --- */
	{ "threats G5 s2s H14 roster push", ASK("a@example.se/x", "set", ROSTER), POLICY_REJECT,
		R(ROSTER), .open = true, .condition = COND_SERVICE_UNAVAILABLE },
	{ "threats G5 s2s H14 roster result", ASK("a@example.se/x", "result", ROSTER),
		POLICY_REJECT, R(ROSTER), .open = true },
	{ "threats G5 roster in an error",
		ASK("a@example.se/x", "error",
			ROSTER
			"<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:"
			"xmpp-stanzas'/></error>"),
		POLICY_STRIP, R(ROSTER),
		ASK("a@example.se/x", "error",
			"<error type='cancel'><service-unavailable "
			"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
		.open = true },
	{ "threats G5 roster in a message", CHAT(HI ROSTER), POLICY_STRIP, R(ROSTER), CHAT(HI),
		.open = true },
	{ "threats G5 s2s H14 carbon received", CHAT(COPY("received")), POLICY_STRIP, R(CARBONS),
		"<message " IN " type='chat' id='1'/>", .open = true },
	{ "threats G5 s2s H14 carbon sent", CHAT(HI COPY("sent")), POLICY_STRIP, R(CARBONS),
		CHAT(HI), .open = true },
	{ "threats G5 carbon through a room", "<message " ROOM ">" HI COPY("sent") "</message>",
		POLICY_STRIP, R(CARBONS), "<message " ROOM ">" HI "</message>", .open = true },
	{ "carbon outward is the local server's matter",
		"<message from='a@example.se' to='b@example.com'>" COPY("sent") "</message>",
		POLICY_PASS, NO_RULE, .outbound = true, .open = true },
	{ "no copy asked for", CHAT(HI "<private xmlns='urn:xmpp:carbons:2'/>"), POLICY_PASS,
		NO_RULE },
	{ "threats G5 s2s H14 archive result from a client", CHAT(MAM("boss@example.se/x")),
		POLICY_STRIP, R(ARCHIVE), "<message " IN " type='chat' id='1'/>" },
	{ "threats G5 s2s H14 archive of another",
		"<message from='b@example.com' to='a@example.se'>" MAM(
			"boss@example.se/x") "</message>",
		POLICY_STRIP, R(ARCHIVE), "<message from='b@example.com' to='a@example.se'/>" },
	{ "threats G5 archive of another room",
		"<message from='room@muc.example.com' to='a@example.se'>" MAM(
			"other@muc.example.com/boss") "</message>",
		POLICY_STRIP, R(ARCHIVE),
		"<message from='room@muc.example.com' to='a@example.se'/>" },
	{ "threats G5 archive result without a message",
		"<message from='room@muc.example.com' to='a@example.se'>"
		"<result xmlns='urn:xmpp:mam:2' id='r'/></message>",
		POLICY_STRIP, R(ARCHIVE),
		"<message from='room@muc.example.com' to='a@example.se'/>" },
	{ "threats G5 archive result that fits no row",
		"<message from='room@muc.example.com' to='a@example.se'>"
		"<result xmlns='urn:xmpp:mam:2'/></message>",
		POLICY_STRIP, R(ARCHIVE),
		"<message from='room@muc.example.com' to='a@example.se'/>", .open = true },
	{ "archive of a room",
		"<message from='room@muc.example.com' to='a@example.se/x'>" MAM(
			"room@muc.example.com/boss") "</message>",
		POLICY_PASS, NO_RULE },
	{ "threats G5 s2s H14 event from a client", CHAT(EVENT), POLICY_STRIP, R(EVENTS),
		"<message " IN " type='chat' id='1'/>" },
	{ "event of a contact",
		"<message from='b@example.com' to='a@example.se'>" EVENT "</message>", POLICY_PASS,
		NO_RULE },
	{ "event of a service",
		"<message from='pubsub.example.com' to='a@example.se'>" EVENT "</message>",
		POLICY_PASS, NO_RULE },
	{ "threats G5 event that fits no row",
		CHAT("<event xmlns='http://jabber.org/protocol/pubsub#event' a='1'/>"),
		POLICY_STRIP, R(EVENTS), "<message " IN " type='chat' id='1'/>", .open = true },
	{ "threats G5 s2s H14 stanza-id by the recipient", CHAT(HI SID("a@example.se")),
		POLICY_STRIP, R(STANZA_ID), CHAT(HI) },
	{ "threats G5 s2s H14 stanza-id by a local room",
		"<message " ROOM ">" HI SID("room@rooms.example.se")
			SID("room@muc.example.com") "</message>",
		POLICY_STRIP, R(STANZA_ID),
		"<message " ROOM ">" HI SID("room@muc.example.com") "</message>" },
	{ "threats G5 stanza-id that fits no row",
		CHAT(HI "<stanza-id xmlns='urn:xmpp:sid:0' by='a@example.se' id='1' x='1'/>"),
		POLICY_STRIP, R(STANZA_ID), CHAT(HI), .open = true },
	{ "stanza-id of the sender's side", CHAT(HI SID("b@example.com")), POLICY_PASS, NO_RULE },
	{ "threats G5 s2s H14 delay by the local server", CHAT(HI DELAY("example.se")),
		POLICY_STRIP, R(DELAY), CHAT(HI) },
	{ "threats G5 s2s H14 delay by a local room in presence",
		"<presence " IN ">" DELAY("room@rooms.example.se") "</presence>", POLICY_STRIP,
		R(DELAY), "<presence " IN "/>" },
	{ "threats G5 old delay",
		CHAT(HI "<x xmlns='jabber:x:delay' from='example.se' "
			"stamp='20260101T00:00:00'/>"),
		POLICY_STRIP, R(DELAY), CHAT(HI) },
	{ "threats G5 delay by a local speaker in a room's history",
		"<message " ROOM ">" HI DELAY("a@example.se/x") "</message>", POLICY_STRIP,
		R(DELAY),
		"<message " ROOM ">" HI
		"<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>" },
	{ "threats G5 delay that fits no row",
		CHAT(HI "<delay xmlns='urn:xmpp:delay' from='example.se' stamp='then'/>"),
		POLICY_STRIP, R(DELAY), CHAT(HI), .open = true },
	{ "delay of the other server", CHAT(HI DELAY("example.com")), POLICY_PASS, NO_RULE },
	{ "threats F9 list of further addresses",
		CHAT(HI "<addresses xmlns='http://jabber.org/protocol/address'>"
			"<address type='to' jid='c@example.se'/></addresses>"),
		POLICY_STRIP, R(MULTICAST), CHAT(HI), .open = true },
	{ "threats F9 other addresses in payload",
		CHAT(HI "<x xmlns='jabber:x:conference' jid='room@rooms.example.se'/>"
			"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
			"from='boss@example.se' to='c@example.se'>" HI "</message></forwarded>"),
		POLICY_PASS, NO_RULE },
	{ "privilege",
		"<message from='example.com' to='a@example.se'><privilege "
		"xmlns='urn:xmpp:privilege:2'/></message>",
		POLICY_STRIP, R(PRIVILEGE), "<message from='example.com' to='a@example.se'/>",
		.open = true },

	/* --- G9: requests from outside --- */
	{ "threats G9 ping", ASK("example.se", "get", "<ping xmlns='urn:xmpp:ping'/>"), POLICY_PASS,
		NO_RULE },
	{ "threats G9 disco info",
		ASK("example.se", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
		POLICY_PASS, NO_RULE },
	{ "threats G9 disco items",
		ASK("rooms.example.se", "get",
			"<query xmlns='http://jabber.org/protocol/disco#items'/>"),
		POLICY_PASS, NO_RULE },
	{ "threats G9 version", ASK("example.se", "get", VERSION("")), POLICY_PASS, NO_RULE,
		ASK("example.se", "get", "<query xmlns='jabber:iq:version'/>") },
	{ "threats G9 time", ASK("example.se", "get", "<time xmlns='urn:xmpp:time'/>"), POLICY_PASS,
		NO_RULE },
	{ "threats G9 registration",
		ASK("example.se", "set",
			"<query xmlns='jabber:iq:register'><username>m</username>"
			"<password>p</password></query>"),
		POLICY_REJECT, R(SERVER), .condition = COND_SERVICE_UNAVAILABLE },
	{ "threats G9 registration asked",
		ASK("example.se", "get", "<query xmlns='jabber:iq:register'/>"), POLICY_REJECT,
		R(SERVER) },
	{ "threats G9 command",
		ASK("example.se", "set",
			"<command xmlns='http://jabber.org/protocol/commands' "
			"node='http://jabber.org/protocol/admin#add-user'/>"),
		POLICY_REJECT, R(SERVER) },
	{ "threats G9 command to a resource of the domain",
		ASK("example.se/admin", "set",
			"<command xmlns='http://jabber.org/protocol/commands' node='x'/>"),
		POLICY_REJECT, R(SERVER) },
	{ "threats G9 card of the domain", ASK("example.se", "get", "<vCard xmlns='vcard-temp'/>"),
		POLICY_REJECT, R(SERVER) },
	{ "threats G9 uptime", ASK("example.se", "get", "<query xmlns='jabber:iq:last'/>"),
		POLICY_REJECT, R(SERVER) },
	{ "threats G9 private storage",
		ASK("example.se", "get",
			"<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>"),
		POLICY_REJECT, R(SERVER), .open = true },
	{ "threats G9 private storage of an account",
		ASK("a@example.se", "get", "<query xmlns='jabber:iq:private'/>"), POLICY_REJECT,
		R(ACCOUNT), .open = true, .condition = COND_SERVICE_UNAVAILABLE },
	{ "threats G9 block list", ASK("a@example.se", "set", "<block xmlns='urn:xmpp:blocking'/>"),
		POLICY_REJECT, R(ACCOUNT), .open = true },
	{ "threats G9 carbons enabled",
		ASK("a@example.se", "set", "<enable xmlns='urn:xmpp:carbons:2'/>"), POLICY_REJECT,
		R(ACCOUNT), .open = true },
	{ "threats G9 push enabled",
		ASK("a@example.se", "set",
			"<enable xmlns='urn:xmpp:push:0' jid='push.example.com'/>"),
		POLICY_REJECT, R(ACCOUNT), .open = true },
	{ "threats G9 archive preferences",
		ASK("a@example.se", "set", "<prefs xmlns='urn:xmpp:mam:2' default='always'/>"),
		POLICY_REJECT, R(ACCOUNT), .open = true },
	{ "threats G9 pubsub service",
		ASK("pubsub.example.se", "get",
			"<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
			"<items node='n'/></pubsub>"),
		POLICY_REJECT, R(SERVER) },
	{ "threats G9 pubsub service opened",
		ASK("pubsub.example.se", "get",
			"<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
			"<items node='n'/></pubsub>"),
		POLICY_PASS, NO_RULE, .lines = "rule server off at pubsub.example.se\n" },
	{ "threats G9 the answer of a domain",
		ASK("example.se", "result", "<query xmlns='jabber:iq:last' seconds='1'/>"),
		POLICY_PASS, NO_RULE },
	{ "threats G9 own users may ask others",
		"<iq from='a@example.se/x' to='example.com' type='set' id='1'>"
		"<query xmlns='jabber:iq:register'/></iq>",
		POLICY_PASS, NO_RULE, .outbound = true },

	/* --- G10: amplifiers --- */
	{ "threats G10 history over the limit", JOIN("<history maxstanzas='100000'/>"),
		POLICY_STRIP, R(PAGE), JOIN("<history maxstanzas='250'/>") },
	{ "threats G10 history without a number", JOIN("<history since='1970-01-01T00:00:00Z'/>"),
		POLICY_PASS, NO_RULE,
		JOIN("<history since='1970-01-01T00:00:00Z' maxstanzas='250'/>") },
	{ "threats G10 no history", JOIN("<history maxstanzas='0'/>"), POLICY_PASS, NO_RULE },
	{ "threats G10 limit of one's own", JOIN("<history maxstanzas='21'/>"), POLICY_STRIP,
		R(PAGE), JOIN("<history maxstanzas='20'/>"), .lines = "limit page items 20\n" },
	{ "threats G10 archive page",
		ASK("room@rooms.example.se", "set",
			"<query xmlns='urn:xmpp:mam:2'>" RSM("18446744073709551615") "</query>"),
		POLICY_STRIP, R(PAGE),
		ASK("room@rooms.example.se", "set",
			"<query xmlns='urn:xmpp:mam:2'>" RSM("250") "</query>") },
	{ "threats G10 disco items",
		ASK("rooms.example.se", "get",
			"<query xmlns='http://jabber.org/protocol/disco#items'>" RSM(
				"5000") "</query>"),
		POLICY_STRIP, R(PAGE),
		ASK("rooms.example.se", "get",
			"<query xmlns='http://jabber.org/protocol/disco#items'>" RSM(
				"250") "</query>") },
	{ "threats G10 pubsub items",
		ASK("a@example.se", "get",
			"<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
			"<items node='n' max_items='251'/></pubsub>"),
		POLICY_STRIP, R(PAGE),
		ASK("a@example.se", "get",
			"<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
			"<items node='n' max_items='250'/></pubsub>") },
	{ "an answer is not capped",
		ASK("a@example.se/x", "result",
			"<query xmlns='http://jabber.org/protocol/disco#items'>" RSM(
				"5000") "</query>"),
		POLICY_PASS, NO_RULE },

	/* --- G12: what a client would show or follow --- */
	{ "formatted text",
		CHAT(HI HTML("<p style='color:red'>a <a href='https://example.com/'>b</a>"
			     "<img src='cid:sha1+x@bob.xmpp.org'/></p>")),
		POLICY_PASS, NO_RULE },
	{ "threats G12 javascript link", CHAT(HI HTML("<a href='javascript:alert(1)'>b</a>")),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI) },
	{ "threats G12 JavaScript in other letters", CHAT(HI HTML("<a href='JaVaScRiPt:x'>b</a>")),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI) },
	{ "threats G12 data image", CHAT(HI HTML("<img src='data:image/svg+xml,x'/>")),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI) },
	{ "threats G12 image from inside", CHAT(HI HTML("<img src='http://10.0.0.1/x'/>")),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI) },
	{ "threats G12 script element", CHAT(HI HTML("<p>a<script>x</script></p>")), POLICY_STRIP,
		R(SCRIPTS), CHAT(HI), .open = true },
	{ "threats G12 handler attribute", CHAT(HI HTML("<p onclick='x'>a</p>")), POLICY_STRIP,
		R(SCRIPTS), CHAT(HI), .open = true },
	{ "threats G12 html that fits no row",
		CHAT(HI "<html xmlns='http://jabber.org/protocol/xhtml-im' x='1'>"
			"<script xmlns='http://www.w3.org/1999/xhtml'/></html>"),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI), .open = true },
	{ "threats G12 style that loads",
		CHAT(HI HTML("<p style='background:URL(http://x.example/)'>"
			     "a</p>")),
		POLICY_STRIP, R(SCRIPTS), CHAT(HI) },
	{ "threats G12 style with an escape",
		CHAT(HI HTML("<p style='width:e\\78pression(1)'>a</p>")), POLICY_STRIP, R(SCRIPTS),
		CHAT(HI) },
	{ "threats G12 OOB to an internal host", CHAT(HI OOB("http://192.168.0.1/admin")),
		POLICY_STRIP, R(LINKS), CHAT(HI) },
	{ "threats G12 OOB to a public host", CHAT(HI OOB("https://files.example.com/a.png")),
		POLICY_PASS, NO_RULE },
	{ "threats G12 active OOB", CHAT(HI OOB("javascript:x")), POLICY_STRIP, R(LINKS),
		CHAT(HI) },
	{ "threats G12 OOB that fits no row",
		CHAT(HI "<x xmlns='jabber:x:oob' a='1'><url>"
			"http://127.0.0.1/</url></x>"),
		POLICY_STRIP, R(LINKS), CHAT(HI), .open = true },
	{ "threats G12 OOB request",
		ASK("a@example.se/x", "set",
			"<query xmlns='jabber:iq:oob'><url>file:///etc/passwd</url>"
			"</query>"),
		POLICY_REJECT, R(LINKS), .condition = COND_NOT_ACCEPTABLE },
	{ "threats G12 SIMS to an internal host",
		CHAT(HI "<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing "
			"xmlns='urn:xmpp:sims:1'><sources><reference xmlns='urn:xmpp:reference:0' "
			"type='data' "
			"uri='http://localhost/x'/></sources></media-sharing></reference>"),
		POLICY_STRIP, R(LINKS), CHAT(HI) },
	{ "threats G12 avatar from an internal host",
		"<message from='b@example.com' to='a@example.se'>"
		"<event xmlns='http://jabber.org/protocol/pubsub#event'>"
		"<items node='urn:xmpp:avatar:metadata'><item id='1'>"
		"<metadata xmlns='urn:xmpp:avatar:metadata'><info id='1' type='image/png' "
		"url='http://[fd00::1]/a' bytes='1'/></metadata></item></items></event></message>",
		POLICY_STRIP, R(LINKS), "<message from='b@example.com' to='a@example.se'/>" },

	/* --- G13: candidates --- */
	{ "candidates pass unless asked", ASK("a@example.se/x", "set", JINGLE(ICE("10.0.0.1", ""))),
		POLICY_PASS, NO_RULE },
	{ "threats G13 candidate that targets the inside",
		ASK("a@example.se/x", "set", JINGLE(ICE("10.0.0.1", "") ICE("203.0.113.1", ""))),
		POLICY_STRIP, R(CANDIDATES),
		ASK("a@example.se/x", "set", JINGLE(ICE("203.0.113.1", ""))),
		.lines = "rule candidates on\n" },
	{ "threats G13 candidate that reveals the inside",
		"<iq from='a@example.se/x' to='b@example.com/x' type='set' id='1'>" JINGLE(
			ICE("fd00::1", "")) "</iq>",
		POLICY_STRIP, R(CANDIDATES),
		"<iq from='a@example.se/x' to='b@example.com/x' type='set' id='1'><jingle "
		"xmlns='urn:xmpp:jingle:1' sid='s' action='transport-info'><content name='a' "
		"creator='initiator'><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>"
		"</content></jingle></iq>",
		.lines = "rule candidates on\n", .outbound = true },
	{ "threats G13 base of a reflexive candidate",
		ASK("a@example.se/x", "set",
			JINGLE("<candidate type='srflx' port='1' component='1' ip='203.0.113.1' "
			       "priority='1' foundation='1' protocol='udp' rel-addr='10.1.1.1' "
			       "rel-port='9'/>")),
		POLICY_STRIP, R(CANDIDATES),
		ASK("a@example.se/x", "set",
			JINGLE("<candidate type='srflx' port='1' component='1' ip='203.0.113.1' "
			       "priority='1' foundation='1' protocol='udp'/>")),
		.lines = "rule candidates on\n" },
	{ "threats G13 SOCKS5 host", ASK("a@example.se/x", "set", S5B("127.0.0.1")), POLICY_STRIP,
		R(CANDIDATES),
		ASK("a@example.se/x", "set",
			"<query xmlns='http://jabber.org/protocol/bytestreams' sid='s'/>"),
		.lines = "rule candidates on\n" },

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
