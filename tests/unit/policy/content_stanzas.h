/* SPDX-License-Identifier: Apache-2.0 */
/* A case of the content rules, and the stanzas that the cases are made of. */
#ifndef TEST_POLICY_CONTENT_STANZAS_H
#define TEST_POLICY_CONTENT_STANZAS_H

#include "policy/content.h"

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

#endif
