# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes at every reader of both nodes, while a well-behaved stream beside them goes on."""
import os
import random
import re
import socket
import ssl
import struct

from peer import HEADER, Closed, Stream
from world import FOREIGN, LOCAL, Failure, check, run

# (id of the threat, what is sent on an authenticated stream, the expected stream error)
XML = [
    ("A1", "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><message/>", "restricted-xml"),
    ("A2", "<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'>", "restricted-xml"),
    ("A3-comment", "<!-- c --><message/>", "restricted-xml"),
    ("A3-pi", "<?php x?>", "restricted-xml"),
    ("A4", "<!-->", "restricted-xml"),
    ("A5", "<message>&undefined;</message>", "restricted-xml"),
    ("A5-overflow", "<message>&#4294967393;</message>", "not-well-formed"),
    ("A7", "<message from='b@example.com' to='a@example.se'>" + "<a>" * 4000, "policy-violation"),
    ("A8", "<message %s/>" % " ".join("a%d='1'" % i for i in range(4000)), "policy-violation"),
    ("A8-ns", "<message %s/>" % " ".join("xmlns:a%d='u'" % i for i in range(2000)), "policy-violation"),
    ("A9", "<message a='" + "x" * 2000000, "policy-violation"),
    ("A9-name", "<" + "n" * 40000, "policy-violation"),
    ("A12", "<message>" + "<a/>" * 100000, "policy-violation"),
    ("A15", "<message><a></b></message>", "not-well-formed"),
    ("A15-attr", "<message a=b/>", "not-well-formed"),
    ("A15-lt", "<message a='<'/>", "not-well-formed"),
    ("A20", "</wrong>", "not-well-formed"),
    ("B1", b"<message>\xc0\xbc</message>", "(unsupported-encoding|not-well-formed|bad-format)"),
    ("B2", b"<message a='\xe2'/>", "(unsupported-encoding|not-well-formed|bad-format)"),
    ("B3", b"<message>\xed\xa0\x80</message>", "(unsupported-encoding|not-well-formed|bad-format)"),
    ("B4", b"<message>\x01</message>", "not-well-formed"),
    ("B4-ref", "<message>&#0;</message>", "not-well-formed"),
    ("B14", "words", "bad-format"),
    ("C9", "<message xmlns='urn:example:other' from='b@example.com' to='a@example.se'/>",
     "unsupported-stanza-type"),
    ("C11", "<message to='a@example.se' to='b@example.se'/>", "not-well-formed"),
    ("C12", "<message xmlns:xml='urn:x'/>", "not-well-formed"),
    ("C12-xmlns", "<message xmlns:a=''/>", "not-well-formed"),
    ("C18-header", HEADER % "from='example.com' to='example.se'", "stream:error"),
    ("C1-address", "<message from='b@example.com'/>", "improper-addressing"),
    ("C5-jid", "<message from='b@example.com' to='@'/>", "improper-addressing"),
]


def still_works(world, mark):
    """A stream that was there before the attack still delivers."""
    if not hasattr(world, "good"):
        world.good = world.stream()
    world.good.message(mark)
    world.server.wait_for("<body>%s</body>" % mark)


def case_xml(world):
    still_works(world, "before-xml")
    for name, data, condition in XML:
        stream = world.stream()
        try:
            stream.send(data)
            answer = stream.read_to_end()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            answer = None  # closed while we were still sending
        if answer or len(data) < 10000:  # of a large one the end may be lost with the connection
            check(answer and re.search(condition, answer) and "</stream:stream>" in answer,
                  "%s: %r" % (name, answer and answer[-300:]))
        still_works(world, "after-" + name)
    check("xmlns=\"urn:example:other\"" not in world.server.text, "nothing of it passed")


def case_threats_A14_white_space(world):
    stream = world.stream()
    stream.send(" \n\t" * 500)
    stream.message("after-space")
    world.server.wait_for("after-space")


def case_threats_D15_other_protocols(world):
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 300,
                 b"\x80\x2e\x01\x00\x02", b"\x00" * 100, bytes(range(256))):
        stream = Stream.connect(world, world.address["outer"], FOREIGN)
        stream.send(data)
        stream.socket.shutdown(socket.SHUT_WR)
        answer = stream.read_to_end()
        check(len(answer) < 1000, "short: %d" % len(answer))
    still_works(world, "after-protocols")


def case_random_bytes_inside_tls(world):
    seed = random.Random(1)
    for _ in range(30):
        stream = world.stream(authenticate=False)
        stream.send(bytes(seed.randrange(256) for _ in range(seed.randrange(1, 2000))))
        try:
            stream.socket.unwrap()
        except (OSError, ssl.SSLError, ValueError):
            pass
        stream.close()
    still_works(world, "after-random")


def case_threats_K7_log_injection(world):
    """Addresses and error texts with control characters stay inside one JSON line (Node.log() checks each)."""
    stream = Stream.connect(world, world.address["outer"], FOREIGN)
    stream.send(HEADER % "from='evil&#10;{\"level\":\"alarm\"}.example' to='example.se'")
    stream.read_to_end()
    stream = world.stream()
    stream.send("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\u202e&#10;\u009b31m</text></stream:error>")
    try:
        stream.read_to_end()
    except OSError:
        pass
    check(not [e for e in world.outer.log() if e["level"] == "alarm"], "no line was forged")
    still_works(world, "after-log")


# --- the link, with and without a node's certificate ---

def link_connection(world, name="inner-a", ca="pki/link/ca.crt"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(world.path(ca))
    context.set_alpn_protocols(["sallyport-link"])
    if name:
        context.load_cert_chain(world.path("pki/link/%s.crt" % name), world.path("pki/link/%s.key" % name))
    raw = socket.create_connection((world.address["outer"], 5280), 20)
    raw.settimeout(20)
    return context.wrap_socket(raw, server_hostname="outer-a")


def ended(connection):
    """What came until the far side closed; it must close, and nothing that looks like XML may come."""
    data = b""
    while True:
        try:
            more = connection.recv(65536)
        except TimeoutError:
            raise Failure("the connection was left open") from None
        except (OSError, ssl.SSLError):
            return data
        if not more:
            return data
        data += more
        check(b"<" not in data or b"stream" not in data, data)


def case_threats_L14_strangers_at_the_link(world):
    for name in (None, "outer-a"):
        try:
            connection = link_connection(world, name)
        except (OSError, ssl.SSLError):
            continue
        check(ended(connection) == b"", "a stranger (%s) is told nothing" % name)
        connection.close()
    refused = len(world.outer.events("link-refused") + world.outer.events("link-attempt-failed"))
    ups = len(world.outer.events("link-connected"))
    check(refused or ups == 1, "refused and logged")
    raw = socket.create_connection((world.address["outer"], 5280), 20)
    raw.settimeout(20)
    raw.sendall(b"<stream:stream>" * 10)
    ended(raw)
    raw.close()
    still_works(world, "after-strangers")


FRAMES = {
    "L1-zero": struct.pack(">I", 0),
    "L1-huge": struct.pack(">I", 0xffffffff) + b"x" * 100,
    "L2-bytes": bytes.fromhex("5bffffffffffffffff"),
    "L2-array": bytes.fromhex("9b0000000100000000"),
    "L2-map": bytes.fromhex("bb8000000000000000"),
    "L3-indefinite": bytes.fromhex("9fff"),
    "L4-deep": b"\x81" * 100000,
    "L5-tag": bytes.fromhex("c0f93c00"),
    "L6-long-int": bytes.fromhex("8218011801"),
    "L7-utf8": bytes.fromhex("8261ff61ff"),
    "L13-random": bytes(random.Random(2).randrange(256) for _ in range(5000)),
    "xml": b"<message from='b@example.com' to='a@example.se'><body>x</body></message>",
}


def case_L_frames_from_a_captured_inner(world):
    """outer closes the link and raises the alarm; the real inner takes over again and traffic goes on."""
    still_works(world, "before-frames")
    for name, frame in FRAMES.items():
        connection = link_connection(world)
        whole = frame if name.startswith("L1") else struct.pack(">I", len(frame)) + frame
        try:
            connection.sendall(whole)
        except (OSError, ssl.SSLError):
            pass
        ended(connection)
        connection.close()
    world.outer.wait_event("link-violation")
    check(world.outer.alive() and world.inner.alive(), "both live")
    world.wait(lambda: [l for l in world.inner.status()["links"] if l["up"]], "the real link is up again")
    still_works(world, "after-frames")


# --- control socket and DNS ---

def case_control_socket(world):
    for node in (world.outer, world.inner):
        for line in (b"\n", b"nonsense\n", b"status extra words here now\n", b"x" * 5000, b"\xff\xfe\n", b"status\0\n",
                     b"trace a b c\n"):
            answer = node.control(line)
            check(b"error" in answer, "%r: %r" % (line[:20], answer))
        mode = os.stat(world.path(node.role + ".sock")).st_mode & 0o777
        check(mode == 0o600, "mode %o" % mode)
        check(node.status()["node"]["role"] == node.role, "status after garbage")


def dns(world, data, tcp=False):
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(5)
        s.connect((world.address["inner"], 5300))
        for again in range(3):
            s.sendall(struct.pack(">H", len(data)) + data if tcp else data)
            try:
                answer = s.recv(4096)
                return answer[2:] if tcp else answer
            except socket.timeout:  # a datagram behind a flood may be lost, as on any net
                if tcp or again == 2:
                    raise


def question(name, kind=1, flags=0x0100):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack(">HHHHHH", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def rcode(answer):
    return answer[3] & 15


def case_threats_I10_dns(world):
    seed = random.Random(3)
    good = question("example.com")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((world.address["inner"], 5300))
        for _ in range(500):
            data = bytearray(good)
            for _ in range(seed.randrange(1, 8)):
                data[seed.randrange(len(data))] = seed.randrange(256)
            s.send(bytes(data[:seed.randrange(1, len(data) + 1)]))
        s.send(b"\xc0\x0c" * 600)
    for tcp in (False, True):
        answer = dns(world, good, tcp)
        check(rcode(answer) == 0 and socket.inet_aton(world.address["inner"]) in answer, answer)
        check(rcode(dns(world, question("example.se"), tcp)) == 3, "local name")
        check(rcode(dns(world, question("x.example.se"), tcp)) == 3, "below a local name")
        check(rcode(dns(world, question("_xmpps-server._tcp.example.com", 33), tcp)) == 3, "no direct TLS record")
        check(rcode(dns(world, question("example.com", 255), tcp)) == 5, "ANY is refused")
        check(rcode(dns(world, question("example.com", 252), tcp)) == 5, "AXFR is refused")


def case_threats_D16_connect_and_leave(world):
    """Every phase, left in the middle; the node stays and its descriptors come back."""
    before = len(os.listdir("/proc/%d/fd" % world.outer.process.pid))
    for _ in range(60):
        stream = Stream.connect(world, world.address["outer"], FOREIGN)
        stream.close()
        stream = Stream.connect(world, world.address["outer"], FOREIGN)
        stream.header(LOCAL)
        stream.close()
        stream = world.stream(authenticate=False)
        stream.close()
        stream = world.stream()
        stream.send("<message from='b@example.com' to='a@ex")
        stream.close()
    still_works(world, "after-leaving")
    world.wait(lambda: len(os.listdir("/proc/%d/fd" % world.outer.process.pid)) <= before + 4,
               "descriptors are given back")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
