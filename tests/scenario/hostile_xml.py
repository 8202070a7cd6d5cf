# SPDX-License-Identifier: Apache-2.0
"""Hostile XML on authenticated streams to both nodes: what ends the stream, while others beside it go on."""
import re
import select

from peer import HEADER, Closed
from world import FOREIGN, LOCAL, check, name_row, run

UTF8 = "unsupported-encoding"

# (name, what is sent, the stream error that answers it). FROM and TO are the addresses of a message in that direction.
ROWS = [
    ("threats A1 declarations before a stanza", "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><message/>", "restricted-xml"),
    ("threats A1 declarations inside a stanza", "<message FROM TO><!DOCTYPE x [<!ENTITY a 'aaaa'>]>", "restricted-xml"),
    ("threats A2 external subset", "<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'>", "restricted-xml"),
    ("threats A2 parameter entity", "<!DOCTYPE x [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>", "restricted-xml"),
    ("threats A3 comment", "<!-- c --><message/>", "restricted-xml"),
    ("threats A3 instruction", "<?php x?>", "restricted-xml"),
    ("threats A3 XML declaration", "<?xml version='1.0'?>", "restricted-xml"),
    ("threats A3 marked section", "<message><![IGNORE[x]]></message>", "not-well-formed"),
    ("threats A4 comment that some parsers end early", "<!-->", "restricted-xml"),
    ("threats A4 two hyphens inside", "<message><!-- a -- b --></message>", "restricted-xml"),
    ("threats A5 undefined", "<message>&undefined;</message>", "restricted-xml"),
    ("threats A5 overflow", "<message>&#4294967393;</message>", "not-well-formed"),
    ("threats A5 unterminated", "<message>&amp</message>", "not-well-formed"),
    ("threats A6 section between stanzas", "<![CDATA[x]]>", "bad-format"),
    ("threats A7 4000 open tags", "<message FROM TO>" + "<a>" * 4000, "policy-violation"),
    ("threats A7 200000 open tags", "<message FROM TO>" + "<a>" * 200000, "policy-violation"),
    ("threats A8 4000 attributes", "<message %s/>" % " ".join("a%d='1'" % i for i in range(4000)), "policy-violation"),
    ("threats A8 2000 declarations", "<message %s/>" % " ".join("xmlns:a%d='u'" % i for i in range(2000)),
     "policy-violation"),
    ("threats A9 value of 2 MB", "<message a='" + "x" * 2000000, "policy-violation"),
    ("threats A9 text of 2 MB", "<message FROM TO><body>" + "x" * 2000000, "policy-violation"),
    ("threats A9 name of 40 KB", "<" + "n" * 40000, "policy-violation"),
    ("threats A12 100000 siblings", "<message>" + "<a/>" * 100000, "policy-violation"),
    ("threats A14 8 MB of white space", " " * 8000000, "policy-violation"),
    ("threats A15 tags that do not match", "<message FROM TO><a></b></message>", "not-well-formed"),
    ("threats A15 value without quotes", "<message a=b/>", "not-well-formed"),
    ("threats A15 < in a value", "<message a='<'/>", "not-well-formed"),
    ("threats A15 ]]> in text", "<message>]]></message>", "not-well-formed"),
    ("threats A20 extra end tag", "</wrong>", "not-well-formed"),
    ("threats A20 end of the stream inside a stanza",
     "<message FROM TO><body>inside</stream:stream>", "not-well-formed"),
    ("threats B1 overlong <", b"<message>\xc0\xbc</message>", UTF8),
    ("threats B1 overlong NUL", b"<message a='\xc0\x80'/>", UTF8),
    ("threats B2 lead byte before a quote", b"<message a='\xe2'/>", UTF8),
    ("threats B2 lead byte before <", b"<message>\xc3<body>x</body></message>", UTF8),
    ("threats B3 surrogate", b"<message>\xed\xa0\x80</message>", UTF8),
    ("threats B3 above U+10FFFF", b"<message>\xf4\x90\x80\x80</message>", UTF8),
    ("threats B3 continuation alone", b"<message>\x80</message>", UTF8),
    ("threats B4 control", b"<message>\x01</message>", "not-well-formed"),
    ("threats B4 NUL by reference", "<message>&#0;</message>", "not-well-formed"),
    ("threats B4 U+FFFF", b"<message>\xef\xbf\xbf</message>", "not-well-formed"),
    ("threats B5 Latin-1", b"<message FROM TO><body>caf\xe9</body></message>", UTF8),
    ("threats B5 UTF-16", "<message/>".encode("utf-16-le"), "not-well-formed"),
    ("threats B5 mark between stanzas", b"\xef\xbb\xbf<message/>", "bad-format"),
    ("s2s B14 words between stanzas", "words", "bad-format"),
    ("threats C9 message of another namespace", "<message xmlns='urn:example:other' FROM TO/>",
     "unsupported-stanza-type"),
    ("threats C9 message of clients", "<message xmlns='jabber:client' FROM TO/>", "unsupported-stanza-type"),
    ("threats C9 result that is no dialback", "<result FROM TO>key</result>", "unsupported-stanza-type"),
    ("threats C9 features that are none of a stream", "<features/>", "unsupported-stanza-type"),
    ("threats C9 error that is none of a stream", "<error/>", "unsupported-stanza-type"),
    ("threats C11 address twice", "<message TO TO/>", "not-well-formed"),
    ("threats C11 attribute twice, by namespace",
     "<message FROM TO><a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/></message>", "not-well-formed"),
    ("threats C12 prefix xml bound anew", "<message xmlns:xml='urn:x'/>", "not-well-formed"),
    ("threats C12 prefix undeclared", "<message xmlns:a=''/>", "not-well-formed"),
    ("threats C12 prefix xmlns", "<message xmlns:xmlns='urn:x'/>", "not-well-formed"),
    ("threats C18 second header", HEADER % "from='FROM' to='TO'", "(restricted-xml|bad-format)"),
    ("threats C18 second header without declaration", HEADER[21:] % "from='FROM' to='TO'" + "</stream:stream>",
     "unsupported-stanza-type"),
    ("s2s C1 no address", "<message from='b@example.com'/>", "improper-addressing"),
    ("s2s C5 address that is none", "<message from='b@example.com' to='@'/>", "improper-addressing"),
    ("threats C10 addresses only by prefix",
     "<message xmlns:q='urn:q' q:from='FROM' q:to='TO'/>", "improper-addressing"),
    ("threats J5 compression", "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
     "unsupported-stanza-type"),
]
AFTER = "<message FROM TO><body>behind the fault</body></message>"


def addressed(data, sender, to):
    if isinstance(data, str):
        data = data.encode()
    data = data.replace(b"'FROM'", b"'%s'" % sender.split("@")[1].encode())
    data = data.replace(b"'TO'", b"'%s'" % to.split("@")[1].encode())
    return data.replace(b"FROM", b"from='%s'" % sender.encode()).replace(b"TO", b"to='%s'" % to.encode())


def send_until_answered(stream, data):
    """Sends in pieces, and stops when the other side has something to say."""
    for at in range(0, len(data), 8192):
        if stream.socket.pending() or select.select([stream.socket], [], [], 0)[0]:
            return
        stream.send(data[at:at + 8192])


def answer_to(stream, data):
    """What comes until the connection ends, which our end tag hastens; None if a reset took it."""
    try:
        send_until_answered(stream, data)
        answer = stream.expect("^.*</stream:stream>").group(0).decode()
        stream.send("</stream:stream>")
        return answer + stream.read_to_end()
    except (OSError, Closed):
        return None


def closed(node):
    """The log's lines about streams that a peer opened and that ended with an error."""
    return [e for e in node.events("stream-closed") if e["direction"] == "incoming" and e["level"] == "warning"]


def refused(world, role, open_stream, sender, to):
    node = getattr(world, role)
    for number, (name, data, condition) in enumerate(ROWS):
        name_row(name)
        before = len(closed(node))
        stream = open_stream()
        answer = answer_to(stream, addressed(data, sender, to) + addressed(AFTER, sender, to))
        check(answer and re.search("<stream:error><" + condition, answer), "%s: %r" % (name, answer and answer[-300:]))
        check(answer.endswith("</stream:stream>") and answer.count("<stream:error>") == 1, "%s: %r" % (name, answer))
        world.still_works("after %s %d" % (role, number))
        lines = closed(node)[before:]
        check(len(lines) == 1, "%s: one line: %r" % (name, lines))


def case_streams_of_foreign_servers(world):
    refused(world, "outer", world.stream, "b@example.com", "a@example.se")
    check("behind the fault" not in world.server.text, "nothing behind a fault passed")


def case_streams_of_the_local_server(world):
    """The same against inner, whose peer may have been taken over as well."""
    refused(world, "inner", lambda: world.stream(us=LOCAL, to=FOREIGN, role="inner"), "a@example.se", "b@example.com")
    check("behind the fault" not in world.foreign.text, "nothing behind a fault passed")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], close_ms=150)
