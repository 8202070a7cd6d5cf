# SPDX-License-Identifier: Apache-2.0
"""A scripted node: the far end of the link, played by hand (doc/link.md, doc/record.cddl).

It has the certificate of a real node, as one that was taken over would have.
"""
import socket
import ssl
import struct
import time

HELLO, OPEN, DATA, ACK, NAK, REACH, HEARTBEAT, ECHO, DRAIN, CLOSE, ABOUT = range(11)
OUTER, INNER = 0, 1
PKIX, DIALBACK = 1, 2  # proofs
BODY = 1  # its element in the catalogue
TIMEOUT = 20


class Raw(bytes):
    """Bytes that stand in a frame as they are."""


def head(kind, number):
    kind <<= 5
    if number < 24:
        return bytes([kind | number])
    for code, size, form in ((24, 1, ">B"), (25, 2, ">H"), (26, 4, ">I"), (27, 8, ">Q")):
        if number < 1 << 8 * size:
            return bytes([kind | code]) + struct.pack(form, number)
    raise ValueError(number)


def encode(item):
    """Deterministic CBOR of integers, texts, bytes, lists, maps, booleans and None."""
    if isinstance(item, Raw):
        return bytes(item)
    if item is None or isinstance(item, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        data = item.encode("utf-8", "surrogatepass")
        return head(3, len(data)) + data
    if isinstance(item, dict):
        return head(5, len(item)) + b"".join(encode(k) + encode(v) for k, v in item.items())
    return head(4, len(item)) + b"".join(encode(i) for i in item)


def decode(data, at=0):
    """(item, end) of what an honest node writes."""
    kind, code = data[at] >> 5, data[at] & 31
    at += 1
    if kind == 7:
        return {20: False, 21: True, 22: None}[code], at
    if code >= 24:
        size = 1 << (code - 24)
        code, at = int.from_bytes(data[at:at + size], "big"), at + size
    if kind in (2, 3):
        part = data[at:at + code]
        return part if kind == 2 else part.decode(), at + code
    if kind < 2:
        return code if kind == 0 else -1 - code, at
    items = []
    for _ in range(code * (2 if kind == 5 else 1)):
        item, at = decode(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if kind == 5 else items), at


def message(sender, to, *children, ident="m", kind=2):
    """A record: a chat message."""
    return encode([0, kind, sender, to, ident, "", *children])


def body(text):
    return [BODY, {}, text]


class LinkPeer:
    """One connection as the node `us`; frames in and out. The far node's hello is in `hello`."""

    def __init__(self, world, connection, role):
        self.world, self.socket, self.role = world, connection, role
        self.us = "outer-a" if role == OUTER else "inner-a"
        self.received = b""
        self.hello = None
        self.version = 1  # of the frames that we send but for hello and close; the oldest that nodes speak
        self.heard = set()  # versions of frames that came
        self.frames = []  # all that came, but for hellos and heartbeats
        self.boot = time.monotonic_ns() & 0xffffffffffff

    @classmethod
    def context(cls, world, role, name=None, certificate=None):
        kind = ssl.PROTOCOL_TLS_CLIENT if role == INNER else ssl.PROTOCOL_TLS_SERVER
        context = ssl.SSLContext(kind)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(world.path("pki/link/ca.crt"))
        context.set_alpn_protocols(["sallyport-link"])
        name = name or ("outer-a" if role == OUTER else "inner-a")
        stem = certificate or world.path("pki/link/" + name)
        context.load_cert_chain(stem + ".crt", stem + ".key")
        return context

    @classmethod
    def dial(cls, world, **options):
        """As an inner that dials the real outer."""
        raw = socket.create_connection((world.address["outer"], 5280), TIMEOUT)
        raw.settimeout(TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(world, cls.context(world, INNER, **options).wrap_socket(raw), INNER)

    # --- frames ---

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, *items):
        frame = encode([1 if items[0] in (HELLO, CLOSE) else self.version, *items])
        self.send_bytes(struct.pack(">I", len(frame)) + frame)

    def send_frame(self, frame):
        self.send_bytes(struct.pack(">I", len(frame)) + frame)

    def read(self):
        """The next frame as a list without its version; None when the connection ended."""
        while True:
            if len(self.received) >= 4:
                size = struct.unpack(">I", self.received[:4])[0]
                if len(self.received) >= 4 + size:
                    frame, self.received = self.received[4:4 + size], self.received[4 + size:]
                    items = decode(frame)[0]
                    if items[1] not in (HELLO, CLOSE):
                        self.heard.add(items[0])
                    return items[1:]
            try:
                more = self.socket.recv(65536)
            except socket.timeout:
                raise AssertionError("the link was left open, and silent") from None
            except (OSError, ssl.SSLError):
                more = b""
            if not more:
                return None
            self.received += more

    def say_hello(self, seen=True, **changes):
        """Our hello, with the catalogue that the far node named."""
        values = {"min": 1, "max": 1, "node": self.us, "role": self.role, "boot": self.boot,
                  "catalogue": self.hello[6], "now": self.now(), "echo": self.hello[7], "seen": seen, "channels": 1024,
                  "records": 512, "bytes": 1 << 20, "frame": 2 << 20,
                  "domains": ["example.se", "conference.example.se"] if self.role == INNER else []}
        values.update(changes)
        self.send(HELLO, *values.values())

    @staticmethod
    def now():
        return time.monotonic_ns() // 1000000

    def hear_hello(self):
        while self.hello is None:
            frame = self.read()
            assert frame is not None, "closed before its hello"
            if frame[0] == HELLO:
                self.hello = frame

    def greet(self):
        self.hear_hello()
        self.say_hello()
        return self

    def turn(self):
        """One frame; heartbeats are answered. None at the end."""
        frame = self.read()
        if frame is None:
            return None
        if frame[0] == HEARTBEAT:
            self.send(ECHO, frame[1])
        elif frame[0] not in (HELLO, ECHO):
            self.frames.append(frame)
        return frame

    def wait(self, kind, found=lambda frame: True):
        """The next frame of that kind for which found() says yes."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            frame = self.turn()
            assert frame is not None, "the link was closed: %r" % self.frames[-3:]
            if frame[0] == kind and found(frame):
                return frame
        raise TimeoutError("no frame of kind %d in %r" % (kind, self.frames[-5:]))

    def code(self):
        """Reads to the end: the code of the close frame, or None if there was none."""
        code = None
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                frame = self.turn()
            except (OSError, ssl.SSLError):
                return code
            if frame is None:
                return code
            if frame[0] == CLOSE:
                code = frame[1]
        raise AssertionError("the link was left open")

    # --- records ---

    def open(self, local="example.se", foreign="example.com", channel=0, epoch=None, base=1, expect=False):
        self.epoch = epoch or int(time.time() * 1000)
        self.send(OPEN, channel, self.epoch, base, expect, local, foreign)

    def data(self, record, seq=1, una=1, proof=PKIX, channel=0, epoch=None):
        self.send(DATA, channel, epoch or self.epoch, seq, una, proof, 77, record)

    def close(self):
        self.socket.close()


class LinkListener:
    """As an outer that the real inner dials; the real outer must have been stopped."""

    def __init__(self, world):
        self.world = world
        self.socket = socket.create_server((world.address["outer"], 5280))
        self.socket.settimeout(TIMEOUT)

    def accept(self, **options):
        while True:
            raw, _ = self.socket.accept()
            raw.settimeout(TIMEOUT)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                context = LinkPeer.context(self.world, OUTER, **options)
                return LinkPeer(self.world, context.wrap_socket(raw, server_side=True), OUTER)
            except (OSError, ssl.SSLError):
                raw.close()

    def close(self):
        self.socket.close()
