# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes at every reader of both nodes, while a well-behaved stream beside them goes on."""
import os
import random
import socket
import ssl
import struct

from peer import HEADER, Stream
from world import FOREIGN, LOCAL, check, run


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


# --- control socket and DNS ---

def case_control_socket(world):
    for node in (world.outer, world.inner):
        for line in (b"\n", b"nonsense\n", b"status extra words here now\n", b"x" * 5000, b"\xff\xfe\n", b"status\0\n",
                     b"trace a b c\n"):
            answer = node.control(line)
            check(b"error" in answer, "%r: %r" % (line[:20], answer))
        check(len(node.events("control-refused")) == 7, node.events("control-refused"))
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
    dns(world, good)  # answered behind the flood
    before = len(world.inner.events("dns-malformed"))
    check(before > 0, "damaged questions are logged")
    for tcp in (False, True):
        check(rcode(dns(world, good[:-3], tcp)) == 1, "cut short")
        answer = dns(world, good, tcp)
        check(rcode(answer) == 0 and socket.inet_aton(world.address["inner"]) in answer, answer)
        check(rcode(dns(world, question("example.se"), tcp)) == 3, "local name")
        check(rcode(dns(world, question("x.example.se"), tcp)) == 3, "below a local name")
        check(rcode(dns(world, question("_xmpps-server._tcp.example.com", 33), tcp)) == 3, "no direct TLS record")
        check(rcode(dns(world, question("example.com", 255), tcp)) == 5, "ANY is refused")
        check(rcode(dns(world, question("example.com", 252), tcp)) == 5, "AXFR is refused")
    check(len(world.inner.events("dns-malformed")) == before + 2, "one line for each that is malformed")


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
