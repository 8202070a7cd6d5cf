# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes at every reader of both nodes, while a well-behaved stream beside them goes on."""
import os
import random
import socket
import ssl
import struct

from peer import HEADER, Stream
from world import FOREIGN, LOCAL, Failure, check, run


def case_threats_A14_white_space(world):
    stream = world.stream()
    stream.send(" \n\t" * 13000)
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
    world.still_works("after-protocols")


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
    world.still_works("after-random")


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
    world.still_works("after-log")


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
    world.still_works("after-strangers")


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
    world.still_works("before-frames")
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
    world.still_works("after-frames")


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
    world.still_works("after-leaving")
    world.wait(lambda: len(os.listdir("/proc/%d/fd" % world.outer.process.pid)) <= before + 4,
               "descriptors are given back")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
