/* SPDX-License-Identifier: Apache-2.0 */
#include "stanzas.h"

#include "xml/names.h"

const struct str bench_root = STR("<stream:stream xmlns='jabber:server' xmlns:stream='" NS_STREAM
				  "' xmlns:db='jabber:server:dialback' from='montague.example' "
				  "to='capulet.example' version='1.0' xml:lang='en'>");

/* clang-format off */
const struct str bench_stanzas[] = {
	STR("<message from='romeo@montague.example/orchard' to='juliet@capulet.example' type='cha"
	    "t' id='3f1c9a52-7b1e-4a6e-9d0e-0d4b2f1f7a11' xml:lang='en'><body>Art thou not Romeo,"
	    " and a Montague?</body><request xmlns='urn:xmpp:receipts'/><active xmlns='http://jab"
	    "ber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='3f1c9a52-7b1e-4a"
	    "6e-9d0e-0d4b2f1f7a11'/></message>"),
	STR("<message from='juliet@capulet.example/balcony' to='romeo@montague.example/orchard' t"
	    "ype='chat' id='purplecf8b1'><composing xmlns='http://jabber.org/protocol/chatstates'"
	    "/><no-store xmlns='urn:xmpp:hints'/></message>"),
	STR("<message from='juliet@capulet.example/balcony' to='romeo@montague.example/orchard' i"
	    "d='bi29sg183b4v'><received xmlns='urn:xmpp:receipts' id='3f1c9a52-7b1e-4a6e-9d0e-0d4"
	    "b2f1f7a11'/><store xmlns='urn:xmpp:hints'/></message>"),
	STR("<message from='juliet@capulet.example/balcony' to='romeo@montague.example/orchard' t"
	    "ype='chat' id='dm-01'><displayed xmlns='urn:xmpp:chat-markers:0' id='3f1c9a52-7b1e-4"
	    "a6e-9d0e-0d4b2f1f7a11'/><store xmlns='urn:xmpp:hints'/></message>"),
	STR("<message from=\"mercutio@montague.example/street\" to=\"benvolio@montague.example\" "
	    "type=\"chat\" id=\"ab19c\"><body>If love be rough with you, be rough with love; pric"
	    "k love for pricking, and you beat love down. Give me a case to put my visage in: a v"
	    "isor for a visor! What care I what curious eye doth quote deformities? Here are the "
	    "beetle brows shall blush for me.</body><markable xmlns=\"urn:xmpp:chat-markers:0\"/>"
	    "<active xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"),
	STR("<presence from='romeo@montague.example/orchard' to='juliet@capulet.example'><priorit"
	    "y>5</priority><show>away</show><status>be right back</status><c xmlns='http://jabber"
	    ".org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='QgayPKawpkPSDYmwT/WM9"
	    "4uAlu0='/><x xmlns='vcard-temp:x:update'><photo>01b87fcd030b72895ff8e88db57ec525450f"
	    "000d</photo></x><idle xmlns='urn:xmpp:idle:1' since='2026-09-10T23:08:25Z'/></presen"
	    "ce>"),
	STR("<presence from='nurse@capulet.example/kitchen.4f1b' to='romeo@montague.example' xml:"
	    "lang='en'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://conve"
	    "rsations.im' ver='/Xs0Wl2kE+ytbO2PNqsZ9nvpvnA='/><x xmlns='vcard-temp:x:update'><pho"
	    "to/></x></presence>"),
	STR("<presence from='coven@chat.shakespeare.example/thirdwitch' to='crone1@shakespeare.ex"
	    "ample/desktop' id='n13mt3l'><x xmlns='http://jabber.org/protocol/muc#user'><item aff"
	    "iliation='member' role='participant' jid='hag66@shakespeare.example/pda'/><status co"
	    "de='100'/><status code='110'/></x><c xmlns='http://jabber.org/protocol/caps' hash='s"
	    "ha-1' node='http://psi-im.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>"),
	STR("<presence from='hag66@shakespeare.example/pda' to='coven@chat.shakespeare.example/th"
	    "irdwitch' id='n13mt3l'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas"
	    "='20' since='2026-01-01T00:00:00Z'/></x><c xmlns='http://jabber.org/protocol/caps' h"
	    "ash='sha-1' node='http://psi-im.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>"),
	STR("<message from='coven@chat.shakespeare.example/firstwitch' to='hecate@shakespeare.exa"
	    "mple/broom' type='groupchat' id='hysf1v37'><body>Thrice the brinded cat hath mew&apo"
	    "s;d.</body><stanza-id xmlns='urn:xmpp:sid:0' id='5f3dbc5e-e1d3-4077-a492-693f3769c7a"
	    "d' by='coven@chat.shakespeare.example'/><delay xmlns='urn:xmpp:delay' from='coven@ch"
	    "at.shakespeare.example' stamp='2026-10-13T23:58:37Z'/><occupant-id xmlns='urn:xmpp:o"
	    "ccupant-id:0' id='dd72603deec90a38ba552f7c68cbcc61bca202cd'/></message>"),
	STR("<message from='coven@chat.shakespeare.example/secondwitch' to='hecate@shakespeare.ex"
	    "ample/broom' type='groupchat' id='q2'><body>&gt; Thrice the brinded cat hath mew&apo"
	    "s;d.\nThrice and once the hedge-pig whined.</body><reply xmlns='urn:xmpp:reply:0' to"
	    "='coven@chat.shakespeare.example/firstwitch' id='5f3dbc5e-e1d3-4077-a492-693f3769c7a"
	    "d'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end"
	    "='39'/></fallback></message>"),
	STR("<iq type='get' from='romeo@montague.example/orchard' to='plays.shakespeare.example' "
	    "id='info1'><query xmlns='http://jabber.org/protocol/disco#info' node='http://convers"
	    "ations.im#/Xs0Wl2kE+ytbO2PNqsZ9nvpvnA='/></iq>"),
	STR("<iq type='result' from='chat.shakespeare.example' to='romeo@montague.example/orchard"
	    "' id='info1'><query xmlns='http://jabber.org/protocol/disco#info'><identity category"
	    "='conference' type='text' name='Play-Specific Chatrooms'/><identity category='direct"
	    "ory' type='chatroom' name='Play-Specific Chatrooms'/><feature var='http://jabber.org"
	    "/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><featu"
	    "re var='http://jabber.org/protocol/muc'/><feature var='jabber:iq:register'/><feature"
	    " var='jabber:iq:search'/><feature var='jabber:iq:time'/><feature var='jabber:iq:vers"
	    "ion'/><feature var='urn:xmpp:mam:2'/><feature var='urn:xmpp:sid:0'/><feature var='ur"
	    "n:xmpp:ping'/><feature var='vcard-temp'/></query></iq>"),
	STR("<iq type='result' from='chat.shakespeare.example' to='romeo@montague.example/orchard"
	    "' id='items1'><query xmlns='http://jabber.org/protocol/disco#items'><item jid='adark"
	    "cave@chat.shakespeare.example' name='A Dark Cave'/><item jid='theinn@chat.shakespear"
	    "e.example' name='The Inn'/><item jid='councilroom@chat.shakespeare.example' name='Co"
	    "uncil Room'/><item jid='heath@chat.shakespeare.example' name='Heath'/><item jid='for"
	    "res@chat.shakespeare.example' name='Forres'/><item jid='invernesscastle@chat.shakesp"
	    "eare.example' name='Inverness Castle'/><item jid='dunsinane@chat.shakespeare.example"
	    "' name='Dunsinane'/><item jid='birnamwood@chat.shakespeare.example' name='Birnam Woo"
	    "d'/><item jid='fife@chat.shakespeare.example' name='Fife'/><item jid='englishcourt@c"
	    "hat.shakespeare.example' name='English Court'/></query></iq>"),
	STR("<iq type='get' from='montague.example' to='capulet.example' id='ping-4711-2f8a91bc77"
	    "d0e6'><ping xmlns='urn:xmpp:ping'/></iq>"),
	STR("<iq type='error' from='juliet@capulet.example/balcony' to='romeo@montague.example/or"
	    "chard' id='vers2'><query xmlns='jabber:iq:version'/><error type='cancel' by='capulet"
	    ".example'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xm"
	    "lns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>User is not available</text>"
	    "</error></iq>"),
	STR("<message from='mercutio@montague.example/street' to='tybalt@capulet.example' type='c"
	    "hat' id='xh1'><body>Follow me close, for I will speak to them.</body><html xmlns='ht"
	    "tp://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p sty"
	    "le='font-family:serif; font-size:large'><em>Follow</em> me close, for I will <span s"
	    "tyle='color:#aa2222'>speak</span> to <a href='https://capulet.example/them?a=1&amp;b"
	    "=2'>them</a>.<br/></p></body></html></message>"),
	STR("<message from='juliet@capulet.example' to='romeo@montague.example/orchard' type='hea"
	    "dline' id='pep1'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node="
	    "'http://jabber.org/protocol/mood'><item id='ce236e6d5d2b9c3e64f7aa1b'><mood xmlns='h"
	    "ttp://jabber.org/protocol/mood'><annoyed/><text>curse my nurse!</text></mood></item>"
	    "</items></event><delay xmlns='urn:xmpp:delay' stamp='2026-11-01T10:00:00Z'/></messag"
	    "e>"),
	STR("<message from='juliet@capulet.example' to='romeo@montague.example/orchard' type='hea"
	    "dline' id='pep2'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node="
	    "'urn:xmpp:avatar:metadata'><item id='111f4b3c50d7b0df729d299bc6f8e9ef9066971f'><meta"
	    "data xmlns='urn:xmpp:avatar:metadata'><info bytes='12345' id='111f4b3c50d7b0df729d29"
	    "9bc6f8e9ef9066971f' height='64' type='image/png' width='64'/></metadata></item></ite"
	    "ms></event></message>"),
	STR("<message from='juliet@capulet.example' to='romeo@montague.example/orchard' type='hea"
	    "dline' id='pep3'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node="
	    "'eu.siacs.conversations.axolotl.devicelist'><item id='current'><list xmlns='eu.siacs"
	    ".conversations.axolotl'><device id='1298374652'/><device id='772612390'/><device id="
	    "'1098237465'/></list></item></items></event></message>"),
	STR("<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='cha"
	    "t' id='omemo1'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='129837"
	    "4652'><key rid='772612390' prekey='true'>pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw"
	    "0YL4xIB5p/tqg7ui5mX9cfCmZ/a/lkyU81lSvTfrXFCegrrP+6SMvivIhH57kkcWxC+y1Vjv8Hm+TQn7LyP4"
	    "pVeXNjkbcjtS3wnZNKlpNdncG+F2GkAJK1r2jQBvpyMvMyTX2zR9hImrhUzg=</key><key rid='1098237"
	    "465'>rho0AE0zug0kasBMgbG68j47+e71958rSTSvh/VSC2m5Sw2YLoW7VbZyqHJjes10Zvy2Dg6P8YRjsOS"
	    "yuilwNHTwZA==</key><key rid='340918273'>rGj3APWwKz3GZvRb3qosyu3NK1FXQQ5N7krys09DCgc0"
	    "R95jbA6AbJV7poTWQx+16tdCTQnhXQJMWEjyPR+m9zYdfw==</key><iv>YY0VMucOIOKmZo3n</iv></hea"
	    "der><payload>9H6EZ+VG1T7I4qEle9slbJs+T7tJgUbvcDDL+VNyUtzOrddktqMvuwmt6uEJxKmXIDl1NSu"
	    "HixRcikLYhM9M/actjh1d2SWJCC2FKnEihz7oBa3ViUIWejhShhlcZ5+c</payload></encrypted><encr"
	    "yption xmlns='urn:xmpp:eme:0' name='OMEMO' namespace='eu.siacs.conversations.axolotl"
	    "'/><body>I sent you an OMEMO encrypted message but your client does not seem to supp"
	    "ort that.</body><store xmlns='urn:xmpp:hints'/></message>"),
	STR("<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='cha"
	    "t' id='oob1'><body>https://upload.capulet.example/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb"
	    "67/tr%C3%A8s%20cool.jpg</body><x xmlns='jabber:x:oob'><url>https://upload.capulet.ex"
	    "ample/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/tr%C3%A8s%20cool.jpg</url></x><request xm"
	    "lns='urn:xmpp:receipts'/></message>"),
	STR("<message from='crone1@shakespeare.example/desktop' to='darkcave@chat.shakespeare.exa"
	    "mple' id='inv'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='hecate@sha"
	    "kespeare.example'><reason>Hey Hecate, this is the place for all good witches!</reaso"
	    "n></invite><password>cauldronburn</password></x><x xmlns='jabber:x:conference' jid='"
	    "darkcave@chat.shakespeare.example' password='cauldronburn'/></message>"),
	STR("<iq type='result' from='juliet@capulet.example' to='romeo@montague.example/orchard' "
	    "id='v1'><vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY>"
	    "<GIVEN>Juliet</GIVEN><MIDDLE/></N><NICKNAME>jcapulet</NICKNAME><URL>https://www.capu"
	    "let.example/juliet</URL><BDAY>1580-07-31</BDAY><ORG><ORGNAME>House of Capulet</ORGNA"
	    "ME><ORGUNIT/></ORG><TITLE>Daughter</TITLE><JABBERID>juliet@capulet.example</JABBERID"
	    "><PHOTO><TYPE>image/png</TYPE><BINVAL>aZTkW4qxCYASBwlh833kNt39yZ1uda9lR8+xG0IHJILcUx"
	    "wrw5B8lhfrXlCJ5AGGuqilfRGeb7ZdAKvDKvOOZn8CLoctScwVyQuZm3crT8em/UyRShbbRwh1Kw8VRLg1wO"
	    "cZCX36hwHpIy8h8oEmh3hpduv8wyf1kxdlJ0upgptEBvYf+Ikyb/qUku3u7jxmnyvyCJTqJ+aJxmtrJi5Ihr"
	    "hDjzm6dv74yQxRAfvmz5pI1bDAoT2pAKatyz1kBpSBviHJxye424wYjzQakkx/iN+hYb/bDsxoKRnS5kaS+B"
	    "lBV/HUr5CYgoXPepr3yT1VUiZq/nDnqubaR2J8LlmvLqN6vIRnCtPE02vAiq0f/464QG4vin/EzOTdnwtBEN"
	    "ny+gAlyO/lfzdyT0036isUAEB3E5tBgN85MiSZYsaFcgAFmuuOoXzzeH4O0p0cC2P/1ymDdNm9dPwRrde5ym"
	    "UDlSJp/WafY3bucYeXN/1fcvjVHErJG20MSNQaHl7J5qA5KFSoYV7vEJ/Bv6niVjcBKI8ps9c/asK2nt0sGf"
	    "JkvuRipbry</BINVAL></PHOTO></vCard></iq>"),
	STR("<message from='benvolio@montague.example/phone' to='romeo@montague.example' type='ch"
	    "at' id='edit2'><body>This is the correct message, part the second, with a few words "
	    "more.</body><replace xmlns='urn:xmpp:message-correct:0' id='bad1'/><reactions xmlns="
	    "'urn:xmpp:reactions:0' id='744f6e18-a57a-11e9-a656-4889e7820c76'><reaction>up</react"
	    "ion></reactions></message>"),
	STR("<iq from='juliet@capulet.example/balcony' id='jing1' to='romeo@montague.example/orch"
	    "ard' type='set'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' initiato"
	    "r='juliet@capulet.example/balcony' sid='a73sjjvkla37jfea'><content creator='initiato"
	    "r' name='voice'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'><paylo"
	    "ad-type id='96' name='opus' clockrate='48000' channels='2'/><payload-type id='0' nam"
	    "e='PCMU'/><payload-type id='8' name='PCMA'/></description><transport xmlns='urn:xmpp"
	    ":jingle:transports:ice-udp:1' pwd='asd88fgpdd777uzjYhagZg' ufrag='8hhy'><candidate c"
	    "omponent='1' foundation='1' generation='0' id='el0747fg11' ip='198.51.100.3' network"
	    "='1' port='8998' priority='2130706431' protocol='udp' type='host'/></transport></con"
	    "tent></jingle></iq>"),
};
/* clang-format on */

const size_t bench_n_stanzas = sizeof(bench_stanzas) / sizeof(bench_stanzas[0]);
