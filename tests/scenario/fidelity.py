# SPDX-License-Identifier: Apache-2.0
"""What is legal arrives as the same thing, once, in whatever spelling and pieces; what changes its meaning does not."""
import re
import socket
import threading
import xml.etree.ElementTree as ElementTree

from peer import Stream
from world import FOREIGN, LOCAL, check, name_row, run

WIDE = "caf\u00e9 \u20ac \U0001f600 \ufeff\u0085\u007f \U0001fffe \U0010ffff"
OTHER = "xmlns='urn:example:x'"
HEAD = ("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
        " xmlns:db='jabber:server:dialback'>")
# (name, the inside of a message that is legal). What arrives must be the same tree.
SAME = [
    ("threats A6 sections of every shape", "<body>a<![CDATA[<b>&amp;]]>c<![CDATA[]]]]><![CDATA[>]]></body>"),
    ("threats B6 wide characters and controls that are legal", "<body>%s</body>" % WIDE),
    ("threats C2 quotes and markup in text", "<body>&lt;/body>&lt;message/>\"'&amp;</body>"),
    ("threats C2 quotes and markup in an attribute", "<x %s a='&quot;/>&lt;message&gt;&apos;'/>" % OTHER),
    ("threats C4 end of a tag in a value of single quotes",
     "<x %s a='\"/>&lt;/message>' b='>'/>" % OTHER.replace("'", '"')),
    ("threats C8 message in a message", "<x %s><message xmlns='jabber:server' to='c@example.se'/></x>" % OTHER),
    ("threats C9 known names elsewhere", "<features %s/><error %s/><result %s/><message %s/>" % ((OTHER,) * 4)),
    ("threats C10 prefixes", "<p:x xmlns:p='urn:example:p'><q:y xmlns:q='urn:example:q' xmlns:p='urn:example:r'>"
     "<p:z/></q:y><p:w/></p:x>"),
    ("threats C10 look-alike attributes", "<x %s xmlns:q='urn:example:q' q:from='x@y' q:to='y@x' to='z@z'/>" % OTHER),
    ("threats C10 no namespace inside another", "<x %s><y xmlns=''><z %s/></y></x>" % (OTHER, OTHER)),
    ("threats C13 references for TAB, CR and LF", "<x %s a='1&#9;2&#10;3&#13;4'>1&#9;2&#10;3&#13;4</x>" % OTHER),
    ("threats C13 the same text in four spellings", "<body>A&#65;&#x41;<![CDATA[A]]></body>"),
    ("threats C14 double escape", "<body>&amp;lt;body&amp;gt;&amp;amp;</body>"),
    ("threats F5 escapes of addresses in text", "<body>a\\40b\\2f\\5c40</body>"),
]


def tree(text):
    """What expat makes of a stanza: (name, attributes, text, children); no language, which the stream may add."""
    def of(e):
        attributes = {k: v for k, v in e.items() if not k.endswith("}lang")}
        return e.tag, attributes, e.text or "", [(of(c), c.tail or "") for c in e]
    return of(ElementTree.fromstring(HEAD + text + "</stream:stream>")[0])


def message(inside, ident, sender="b@example.com", to="a@example.se"):
    return "<message from='%s' to='%s' id='%s' type='chat'>%s</message>" % (sender, to, ident, inside)


def arrived(listener, ident):
    """The one stanza with this id."""
    listener.wait_for("id=\"%s\".*?</message>" % ident)
    found = [s for s in listener.stanzas() if "id=\"%s\"" % ident in s]
    check(len(found) == 1, "%s arrived %d times" % (ident, len(found)))
    return found[0]


def passes(stream, listener, sender, to):
    listener.forget()
    for number, (name, inside) in enumerate(SAME):
        name_row(name)
        sent = message(inside, "row%d" % number, sender, to)
        stream.send(sent)
        got = arrived(listener, "row%d" % number)
        check(tree(got) == tree(sent), "%s: %r became %r" % (name, sent, got))
        check("<![CDATA[" not in got and "'" not in re.sub("&apos;", "", got), "%s: %r" % (name, got))


def case_same_tree_inwards(world):
    passes(world.stream(), world.server, "b@example.com", "a@example.se")


def case_same_tree_outwards(world):
    passes(world.stream(us=LOCAL, to=FOREIGN, role="inner"), world.foreign, "a@example.se", "b@example.com")


def case_threats_C15_fixed_point(world):
    """What came out of both nodes goes through them again without a change of a byte."""
    stream = world.stream()
    for number, (name, inside) in enumerate(SAME):
        stream.send(message(inside, "one%d" % number))
        once = arrived(world.server, "one%d" % number).replace("one%d" % number, "two%d" % number)
        stream.send(once)
        check(arrived(world.server, "two%d" % number) == once, "%s: %r" % (name, once))


# --- pieces ---

class Chopper(threading.Thread):
    """A relay in front of outer that passes on what a peer sends in pieces of so many bytes."""

    def __init__(self, world, size):
        super().__init__(daemon=True)
        self.world, self.size = world, size
        self.address = world.base + "9"
        self.listener = socket.create_server((self.address, 5269))
        self.start()

    def run(self):
        near = self.listener.accept()[0]
        far = socket.create_connection((self.world.address["outer"], 5269))
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self.copy, args=(far, near, 65536), daemon=True).start()
        self.copy(near, far, self.size)
        self.listener.close()

    def copy(self, source, sink, size):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                for at in range(0, len(data), size):
                    sink.sendall(data[at:at + size])
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def chopped(world, size):
    """Every row again, over segments of that size; the set-up of the stream as well."""
    relay = Chopper(world, size)
    stream = Stream.dial(world, relay.address, FOREIGN, LOCAL)
    passes(stream, world.server, "b@example.com", "a@example.se")
    stream.send("</stream:stream>")
    stream.read_to_end()
    stream.close()
    relay.join(20)
    check(not relay.is_alive(), "the relay ended")


def case_threats_B7_B8_C17_D16_one_byte_segments(world):
    chopped(world, 1)


def case_threats_B8_segments_of_seven_bytes(world):
    chopped(world, 7)


def case_threats_B7_one_byte_records(world):
    """Each byte in a TLS record of its own, so that every character is cut."""
    stream = world.stream()
    sent = message("<body>%s</body>" % WIDE, "slow")
    stream.send_slowly(sent)
    check(tree(arrived(world.server, "slow")) == tree(sent), "the same")


def case_threats_C17_every_cut(world):
    """One stanza in two writes, cut at each byte."""
    stream = world.stream()
    text = message("<body>\u20ac&lt;<![CDATA[]]]></body><x %s a='\U0001f600&#9;'/>" % OTHER, "cut%d").encode()
    for at in range(1, len(text)):
        sent = text % at
        stream.send(sent[:at])
        stream.send(sent[at:])
    last = arrived(world.server, "cut%d" % (len(text) - 1))
    for at in range(1, len(text)):
        got = arrived(world.server, "cut%d" % at)
        check(got.replace("cut%d" % at, "") == last.replace("cut%d" % (len(text) - 1), ""), "cut at %d: %r" % (at, got))


def case_threats_C17_glued(world):
    """Many stanzas in one write of 64 KB, and the start of the next one."""
    stream = world.stream()
    text = "".join(message("<body>glued</body>", "glue%d" % i) for i in range(700))
    stream.send(text[:65000])
    stream.send(text[65000:])
    world.server.wait_for("<body>glued</body>", count=700)
    got = re.findall('id="glue([0-9]+)"', world.server.text)
    check(got == [str(i) for i in range(700)], "all, once and in order")


def case_threats_B8_character_at_the_end_of_a_buffer(world):
    """Bodies whose wide characters lie across any boundary of a buffer that there may be."""
    stream = world.stream()
    for shift in range(4):
        for character in ("\u20ac", "\U0001f600"):
            body = "x" * shift + character * (180000 // len(character.encode()))
            ident = "wide%d%d" % (shift, len(character.encode()))
            stream.send(message("<body>%s</body>" % body, ident))
            check("<body>%s</body>" % body in arrived(world.server, ident), ident)


def case_threats_A11_cut_start_tag(world):
    """A start tag of 1 to 40 KB cut by reads, then silence: it is there at once, without another stanza."""
    stream = world.stream()
    for size in (1000, 2000, 4000, 8000, 16000):
        sent = message("<x %s a='%s'/>" % (OTHER, "v" * size), "tag%d" % size)
        for at in range(0, len(sent), 700):
            stream.send(sent[at:at + 700])
        check("v" * size in arrived(world.server, "tag%d" % size), "%d" % size)


# --- content that other servers read differently ---

# (name, inside of a message, what must not arrive, what must)
REMOVED = [
    ("threats C5 second body for clients",
     "<body>first</body><body xmlns='jabber:client'>second</body>", "second", "first"),
    ("threats C5 only a body for clients",
     "<body xmlns='jabber:client'>second</body><thread>t</thread>", "second", "<thread>"),
    ("threats C6 body without namespace", "<body>first</body><body xmlns=''>second</body>", "second", "first"),
    ("threats C6 any child without namespace", "<body>first</body><x xmlns=''>second</x>", "second", "first"),
    ("threats C8 iq in a message", "<body>first</body><iq type='get' id='second'/>", "second", "first"),
    ("threats C8 message in a message", "<body>first</body><message><body>second</body></message>", "second", "first"),
]


def removes(stream, listener, sender, to):
    for number, (name, inside, never, always) in enumerate(REMOVED):
        name_row(name)
        stream.send(message(inside, "out%d" % number, sender, to))
        got = arrived(listener, "out%d" % number)
        check(never not in got and always in got, "%s: %r" % (name, got))


def case_other_readings_inwards(world):
    removes(world.stream(), world.server, "b@example.com", "a@example.se")


def case_other_readings_outwards(world):
    removes(world.stream(us=LOCAL, to=FOREIGN, role="inner"), world.foreign, "a@example.se", "b@example.com")


def case_threats_C7_two_bodies(world):
    """Both arrive, and both are in the trace: none is hidden from who looks."""
    stream = world.stream()
    stream.send(message("<body>first</body><subject>s</subject><body>second</body><subject>t</subject>", "two"))
    got = arrived(world.server, "two")
    check(got.count("<body") == 2 and got.count("<subject") == 2, got)


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], profile="open", close_ms=150)
