# SPDX-License-Identifier: Apache-2.0
"""Negotiation, timers and addresses against the rules: TLS taken away, streams that never end, forged answers."""
import socket
import ssl
import threading
import time

from peer import HEADER, Accepted, Closed, Stream
from world import FOREIGN, LOCAL, check, fresh, name_row, run

TLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
FAILURE = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
OFFER = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
SASL = ("<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
        "</mechanisms></stream:features>")


# --- servers that outer dials ---

class Server(threading.Thread):
    """The foreign server, whose answers a case plays; what came in clear is kept."""

    def __init__(self, world, play):
        super().__init__(daemon=True)
        world.foreign.close()
        self.world, self.play, self.clear = world, play, b""
        self.socket = socket.create_server((world.address["foreign"], 5269))
        world.closing.append(self)
        self.start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        except OSError:
            pass
        self.socket.close()

    def run(self):
        while True:
            try:
                stream = Accepted(self.world, self.socket.accept()[0], FOREIGN)
            except OSError:
                return
            try:
                self.clear += stream.expect("<stream:stream[^>]*>").group(0)
                self.play(stream)
                self.clear += stream.read_to_end().encode()
            except Closed as closed:
                self.clear += closed.args[0]
            except (OSError, ssl.SSLError, TimeoutError):
                pass
            stream.close()


def header(stream):
    stream.send(HEADER % "from='example.com' id='s1'")


def stripped(stream):
    header(stream)
    stream.send("<stream:features/>")


def only_sasl(stream):
    header(stream)
    stream.send(SASL)


def refused(stream):
    header(stream)
    stream.send(OFFER)
    stream.expect("<starttls[^>]*/>")
    stream.send(FAILURE + "</stream:stream>")


def versionless(stream):
    text = HEADER % "from='example.com' id='s1'"
    stream.send(text[:21] + text[21:].replace(" version='1.0'", ""))


def unasked(stream):
    header(stream)
    stream.send(PROCEED)


def alert(stream):
    header(stream)
    stream.send(OFFER)
    stream.expect("<starttls[^>]*/>")
    stream.send(b"\x15\x03\x03\x00\x02\x02\x28")


def garbage_for_tls(stream):
    header(stream)
    stream.send(OFFER)
    stream.expect("<starttls[^>]*/>")
    stream.send(PROCEED)
    time.sleep(0.1)
    stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)


def injected(stream):
    header(stream)
    stream.send(OFFER)
    stream.expect("<starttls[^>]*/>")
    stream.send(PROCEED + SASL)


STRIPPERS = [
    ("threats D3 features without STARTTLS", stripped),
    ("threats D3 SASL in clear instead of STARTTLS", only_sasl),
    ("threats D3 STARTTLS offered, then refused", refused),
    ("threats D3 header without version", versionless),
    ("threats D4 proceed without a request", unasked),
    ("threats D4 TLS alert in place of proceed", alert),
    ("threats D4 garbage in place of the handshake", garbage_for_tls),
    ("threats D2 features in clear behind proceed", injected),
]


@fresh(outer_extra="limit retry least 100\nlimit retry most 1000\nlimit header time 2000\nlimit tls time 2000")
def case_tls_is_taken_away(world):
    """The sender gets remote-server-timeout, once; nothing of the stanza is ever sent in clear."""
    server = Server(world, None)
    stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    for number, (name, play) in enumerate(STRIPPERS):
        name_row(name)
        server.play = play
        time.sleep(1.1)  # past the delay that the last failure earned
        stream.message("strip%d" % number, sender="a@example.se", to="b@example.com")
        world.server.wait_for("<message[^>]*id=\"strip%d\"[^>]*>.*?<remote-server-timeout" % number)
    check(b"strip" not in server.clear and b"<auth" not in server.clear, server.clear)
    check(world.server.text.count("<remote-server-timeout") == len(STRIPPERS), "once each")


# --- timers ---

TIMERS = "limit stanza time 1000\nlimit tls time 1000\nlimit header time 1000\nlimit authentication time 1000"


def drip(stream, data, seconds=8):
    """One byte each 100 ms, until the other side has closed; what it said."""
    end = time.monotonic() + seconds
    for byte in data:
        if time.monotonic() > end:
            break
        try:
            stream.socket.sendall(bytes([byte]))
        except OSError:
            return None
        time.sleep(0.1)
        stream.socket.settimeout(0.01)
        try:
            more = stream.socket.recv(4096)
            if not more:
                return stream.received.decode()
            stream.received += more
            if b"</stream:stream>" in stream.received:
                return stream.received.decode()
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        except (ssl.SSLError, OSError):
            return None
    raise AssertionError("still open after %d s of progress" % seconds)


@fresh(outer_extra=TIMERS, inner_extra=TIMERS, close_ms=200)
def case_threats_A13_stanza_that_never_ends(world):
    """Start tag, text or element without end, a byte at a time: the stanza's time counts, not the progress."""
    for us, to, role in ((FOREIGN, LOCAL, "outer"), (LOCAL, FOREIGN, "inner")):
        for text in ("<message from='b@%s' to='a@%s' id='%s" % (us, to, "x" * 300),
                     "<message from='b@%s' to='a@%s'><body>%s" % (us, to, "x" * 300)):
            stream = world.stream(us=us, to=to, role=role)
            stream.send(text[:20])
            answer = drip(stream, text[20:].encode())
            check(answer and "connection-timeout" in answer, answer)
    world.still_works("after endless stanzas")


@fresh(outer_extra=TIMERS, close_ms=200)
def case_threats_D8_handshake_that_never_ends(world):
    """A ClientHello a byte at a time, a whole one and then nothing, and a record of 16 KB that is not finished."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    for name, data in (("a byte at a time", None), ("nothing behind it", hello),
                       ("16 KB, never finished", b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + b"\x03" * 16000)):
        stream = Stream.connect(world, world.address["outer"], FOREIGN)
        stream.header(LOCAL)
        stream.expect("</stream:features>")
        stream.send(TLS)
        stream.expect("<proceed[^>]*/>")
        began = time.monotonic()
        if data:
            stream.send(data)
            try:
                stream.expect("(?!)")
            except Closed:
                pass
        else:
            drip(stream, hello)
        check(time.monotonic() - began < 8, "%s: closed by its deadline" % name)
    world.still_works("after endless handshakes")


@fresh(outer_extra=TIMERS, close_ms=200)
def case_threats_D16_half_closed(world):
    """A peer that ends its direction, in clear and inside TLS, is not kept."""
    for authenticate in (None, False, True):
        stream = (Stream.connect(world, world.address["outer"], FOREIGN) if authenticate is None
                  else world.stream(authenticate=authenticate))
        stream.socket.shutdown(socket.SHUT_WR) if authenticate is None else socket.socket.shutdown(
            stream.socket, socket.SHUT_WR)
        stream.read_to_end()
    urgent = Stream.connect(world, world.address["outer"], FOREIGN)
    urgent.socket.send(b"!", socket.MSG_OOB)
    urgent.header(LOCAL)
    urgent.expect("</stream:features>|</stream:stream>")
    world.still_works("after half closed ones")


# --- names ---

@fresh()
def case_threats_D14_server_names(world):
    """No name, a name that is not served, another than `to`: the stream's `to` decides, and no other domain is told."""
    for name in (None, "unserved.example", "conference.example.se"):
        stream = Stream.connect(world, world.address["outer"], FOREIGN)
        stream.header(LOCAL)
        stream.expect("</stream:features>")
        stream.send(TLS)
        stream.expect("<proceed[^>]*/>")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(*world.keys(FOREIGN))
        stream.socket = context.wrap_socket(stream.socket, server_hostname=name)
        stream.received = b""
        stream.header(LOCAL)
        stream.expect("</stream:features>")
        stream.external(LOCAL)
        stream.message("sni-%s" % name)
        world.server.wait_for("<body>sni-%s</body>" % name)


def client_hello(name_size):
    """A ClientHello for TLS 1.3 with a server name of so many bytes, in records of at most 16 KB."""
    def part(data, size):
        return len(data).to_bytes(size, "big") + data
    name = part(part(b"\0" + part(b"n" * name_size, 2), 2), 2)
    extensions = b"\0\0" + name + b"\0\x2b" + part(b"\x02\x03\x04", 2) + b"\0\x0a" + part(b"\0\x02\0\x1d", 2) + \
        b"\0\x0d" + part(b"\0\x02\x04\x03", 2) + b"\0\x33" + part(part(b"\0\x1d" + part(b"k" * 32, 2), 2), 2)
    message = b"\x01" + part(b"\x03\x03" + b"r" * 32 + part(b"", 1) + part(b"\x13\x01", 2) + part(b"\0", 1) +
                             part(extensions, 2), 3)
    return b"".join(b"\x16\x03\x01" + part(message[i:i + 16384], 2) for i in range(0, len(message), 16384))


@fresh()
def case_threats_D14_long_server_names(world):
    """A name of 64 KB, of 15 KB and one that is just too long end the handshake before any key is used; 255 do not."""
    for direct in (True, False):
        for size, served in ((64000, False), (15000, False), (256, False), (255, not direct)):
            stream = Stream.connect(world, world.address["outer"], FOREIGN)
            if not direct:
                stream.header(LOCAL)
                stream.expect("</stream:features>")
                stream.send(TLS)
                stream.expect("<proceed[^>]*/>")
            stream.received = b""
            try:
                stream.send(client_hello(size))
                answer = stream.socket.recv(1)
            except (ConnectionResetError, BrokenPipeError):
                answer = b""
            check((answer == b"\x16") == served, "%d bytes, direct %s: %r" % (size, direct, answer))
            stream.close()
    world.still_works("after long names")


# --- answers and errors ---

@fresh()
def case_threats_G6_answers_of_somebody_else(world):
    """A result from a domain that this stream has not proved, or to another one, reaches nobody."""
    for sender, to in (("b@other.example", "a@example.se/r"), ("example.se", "a@example.se/r"),
                       ("b@example.com", "a@other.example")):
        stream = world.stream()
        stream.send("<iq type='result' id='forged' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>" % (sender, to))
        check("<stream:error>" in stream.read_to_end(), "%s to %s" % (sender, to))
    check("forged" not in world.server.text, world.server.text)


@fresh()
def case_threats_G2_bounces_of_bounces(world):
    """One stanza to a dead domain makes one bounce, and a bounce of the bounce makes none."""
    stream = world.stream(us=LOCAL, to="dead.example", role="inner")
    stream.message("g2", sender="a@example.se", to="x@dead.example")
    world.server.wait_for("<message[^>]*type=\"error\"")
    bounce = world.server.stanzas()[0]
    back = bounce.replace("from=\"x@dead.example\"", "from=\"a@example.se\"").replace(
        "to=\"a@example.se\"", "to=\"x@dead.example\"", 1)
    check("from=\"a@example.se\" to=\"x@dead.example\"" in back and "type=\"error\"" in back, back)
    for _ in range(20):
        stream.send(back)
    stream.message("g2-last", sender="a@example.se", to="x@dead.example")
    world.server.wait_for("id=\"g2-last\"")
    check(world.server.text.count("type=\"error\"") >= 2 and len(world.server.stanzas()) == 2, world.server.text)


@fresh()
def case_threats_G3_bounce_is_smaller(world):
    """The bounce of 100 KB to a dead domain carries nothing of it."""
    stream = world.stream(us=LOCAL, to="dead.example", role="inner")
    body = "y" * 100000
    stream.send("<message from='a@example.se' to='x@dead.example' id='g3'><body>%s</body></message>" % body)
    world.server.wait_for("<message[^>]*id=\"g3\".*?</message>")
    bounce = world.server.stanzas()[0]
    check("type=\"error\"" in bounce and len(bounce) < 1000 and "yyy" not in bounce, bounce[:1000])


@fresh()
def case_threats_F9_addresses_in_payloads(world):
    """Addresses inside of a stanza neither route it nor are taken for its own."""
    stream = world.stream()
    stream.message("f9", extra="<addresses xmlns='http://jabber.org/protocol/address'>"
                   "<address type='to' jid='c@other.example'/><address type='bcc' jid='d@example.se'/></addresses>"
                   "<x xmlns='jabber:x:conference' jid='r@other.example'/>"
                   "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='z@other.example' "
                   "to='c@example.se'><body>inner</body></message></forwarded>")
    world.server.wait_for("<body>f9</body>")
    check(len(world.server.stanzas("message")) == 1, "one stanza")
    opening = world.server.text[:world.server.text.index(">")]
    check("from=\"b@example.com\"" in opening and "to=\"a@example.se\"" in opening, opening)
    check("other.example" not in world.dns.asked and not world.foreign.text, "nobody else was asked for")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
