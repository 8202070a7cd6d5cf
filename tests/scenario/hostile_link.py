# SPDX-License-Identifier: Apache-2.0
"""A node that was taken over, against the other one: a hostile inner against outer, a hostile outer against inner."""
import os
import random
import socket
import ssl
import struct
import subprocess

from linkpeer import (ACK, BODY, CLOSE, DATA, DIALBACK, DRAIN, HEARTBEAT, NAK, OPEN, OUTER, PKIX, LinkListener,
                      LinkPeer, Raw, body, encode, message)
from world import FOREIGN, LOCAL, Failure, check, fresh, name_row, run

SIZE, CBOR, VERSION, TYPE, STATE, IDENTITY, ROLE, CATALOGUE = 1, 2, 3, 4, 6, 7, 8, 9
LIMITS, CONTRADICTS, DOMAINS, TIME, CHANNEL, _, SEQUENCE, WINDOW, _, RECORD = range(10, 20)


def frame(hexadecimal):
    data = bytes.fromhex(hexadecimal)
    return lambda p: p.send_frame(data)


def raw(data):
    return lambda p: p.send_bytes(data)


def frames(*items):
    return lambda p: p.send(*items)


def record(data, **options):
    """A record on a channel that is in order."""
    def send(p):
        p.open()
        p.data(data(p) if callable(data) else data, **options)
    return send


def ours(p, *children, **options):
    """A message in the direction in which this node sends, with these children."""
    sender, to = ("b@example.com", "a@example.se") if p.role == OUTER else ("a@example.se", "b@example.com")
    return message(options.pop("sender", sender), options.pop("to", to), *children, **options)


def element(*children, **options):
    return record(lambda p: ours(p, *children, **options))


def nested(depth):
    """Generic elements in each other, written from the inside."""
    item = Raw(encode([0, "urn:x", "a", []]))
    for _ in range(depth):
        item = Raw(b"\x85" + encode(0) + encode("urn:x") + encode("a") + b"\x80" + item)
    return item


def generic(ns="urn:x", name="a", attributes=(), *children):
    return [0, ns, name, list(map(list, attributes)), *children]


# (name, what is sent on a link that is up, the code with which the other side closes it)
ROWS = [
    ("threats L1 length 0", raw(struct.pack(">I", 0)), SIZE),
    ("threats L1 length above the limit", raw(struct.pack(">I", (2 << 20) + 1)), SIZE),
    ("threats L1 length of 2^32 - 1", raw(struct.pack(">I", 0xffffffff) + b"x" * 100), SIZE),
    ("threats L1 bytes behind the item", frame("8301060100"), CBOR),
    ("threats L1 item longer than the frame", frame("830106"), CBOR),
    ("threats L2 bytes of 2^64 - 1", frame("5bffffffffffffffff"), CBOR),
    ("threats L2 text of 2^63 - 1", frame("7b7fffffffffffffff61"), CBOR),
    ("threats L2 array of 2^32", frame("9b0000000100000000"), CBOR),
    ("threats L2 map of 2^63", frame("bb8000000000000000"), CBOR),
    ("threats L2 array of 2^32 as a record", record(bytes.fromhex("9b0000000100000000")), RECORD),
    ("threats L3 endless array", frame("9f010601ff"), CBOR),
    ("threats L3 endless text in a frame", frame("83 01 06 7f 61 31 ff"), CBOR),
    ("threats L3 stray break", frame("ff"), CBOR),
    ("threats L3 endless array as a record", record(bytes.fromhex("9f0002ff")), RECORD),
    ("threats L3 endless text in a record", element(Raw(bytes.fromhex("8301a07f6178ff"))), RECORD),
    ("threats L4 100000 arrays", raw(struct.pack(">I", 100000) + b"\x81" * 100000), CBOR),
    ("threats L4 100000 arrays as a record", record(b"\x81" * 100000), RECORD),
    ("threats L4 100000 tags as a record", record(b"\xc6" * 100000), RECORD),
    ("threats L4 50000 maps as a record", record(b"\xa1\x61\x61" * 50000), RECORD),
    ("threats L5 tag", frame("8301c006"), CBOR),
    ("threats L5 half float", frame("830106f93c00"), CBOR),
    ("threats L5 bignum", frame("830106c249010000000000000000"), CBOR),
    ("threats L5 undefined in a record", element(Raw(bytes.fromhex("8301a0f7"))), RECORD),
    ("threats L5 reserved head in a record", element(Raw(bytes.fromhex("8301a01c"))), RECORD),
    ("threats L6 integer in two bytes", frame("8318010601"), CBOR),
    ("threats L6 long length of a text in a record", element(Raw(bytes.fromhex("8301a0780178"))), RECORD),
    ("threats L7 domain of bad UTF-8", frames(OPEN, 0, 1, 1, False, Raw(b"\x61\xff"), "example.com"), CBOR),
    ("threats L7 NUL in a record", element(body("a\0b")), RECORD),
    ("threats L7 U+0001 in a record", element(body("a\x01b")), RECORD),
    ("threats L7 U+FFFE in a record", element(body("a\ufffeb")), RECORD),
    ("threats L7 surrogate in a record", element(body("a\ud800b")), RECORD),
    ("threats L7 bad UTF-8 in a record", element([BODY, {}, Raw(b"\x61\xff")]), RECORD),
    ("threats L8 text for a number in a frame", frames(HEARTBEAT, "1"), CBOR),
    ("threats L8 item missing", frames(HEARTBEAT), CBOR),
    ("threats L8 item too many", frames(HEARTBEAT, 1, 2), CBOR),
    ("threats L8 attribute twice", element([BODY, Raw(bytes.fromhex("a2 02 62656e 02 626465")), "x"]), RECORD),
    ("threats L8 unknown attribute", element([BODY, {9999: "x"}, "x"]), RECORD),
    ("threats L8 unknown element", element([99999, {}]), RECORD),
    ("threats L8 number for a text", element([BODY, {}, 7]), RECORD),
    ("threats L9 name with a space", element(generic(name="a b")), RECORD),
    ("threats L9 name with markup", element(generic(name="a><b")), RECORD),
    ("threats L9 name with a colon", element(generic(name="p:a")), RECORD),
    ("threats L9 name that is empty", element(generic(name="")), RECORD),
    ("threats L9 name of 1 MB", element(generic(name="a" * 1000000)), RECORD),
    ("threats L9 attribute xmlns", element(generic(attributes=[("", "xmlns", "urn:y")])), RECORD),
    ("threats L9 attribute twice", element(generic(attributes=[("", "a", "1"), ("", "a", "2")])), RECORD),
    ("threats L9 attribute with markup in its name", element(generic(attributes=[("", "a='' b", "1")])), RECORD),
    ("threats L9 element in the namespace of namespaces", element(generic("http://www.w3.org/2000/xmlns/")), RECORD),
    ("threats L9 text where an element is due", element("text"), RECORD),
    ("threats L10 deeper than anybody may be", element(nested(200)), RECORD),
    ("threats L11 address not prepared", element(body("x"), to="A@Example.SE"), RECORD),
    ("threats L11 no address", element(body("x"), sender=None), RECORD),
    ("threats L11 domain with markup", element(body("x"), sender="b@exa<mple.com"), RECORD),
    ("threats L11 sender of another domain than the channel's", element(body("x"), sender="b@other.example"), RECORD),
    ("threats L11 target of another domain than the channel's", element(body("x"), to="a@other.example"), RECORD),
    ("threats L11 against the direction",
     record(lambda p: message(*(("a@example.se", "b@example.com") if p.role == OUTER
                                else ("b@example.com", "a@example.se")), body("x"))), RECORD),
    ("threats L13 more than the window", lambda p: (p.open(), p.data(ours(p, body("x")), seq=600)), WINDOW),
    ("threats L13 number of the far future", lambda p: (p.open(), p.data(ours(p, body("x")), seq=(1 << 62) + 1)),
     SEQUENCE),
    ("threats L13 confirms what was not taken", lambda p: (p.open(), p.data(ours(p, body("x")), seq=9, una=8)),
     SEQUENCE),
    ("threats L13 its own hello sent back", lambda p: p.send(*p.hello), IDENTITY),
    ("threats L16 of what was never sent", frames(ACK, 0, 1, 5, 5, []), CHANNEL),
    ("threats L16 on a channel number that cannot be", frames(ACK, 1 << 40, 1, 5, 5, []), CHANNEL),
    ("threats L16 negative", frames(ACK, 0, 1, -5, 5, []), CBOR),
    ("threats L16 negative window", lambda p: p.say_hello(records=-1), CBOR),
    ("threats L15 type of the future", frames(10), TYPE),
    ("threats L15 version of the future", lambda p: p.send_frame(encode([2, HEARTBEAT, 1])), VERSION),
    ("threats L15 hello of another catalogue later", lambda p: p.say_hello(catalogue=p.hello[6] + 1), CONTRADICTS),
    ("threats L19 another process on one connection", lambda p: p.say_hello(boot=p.boot + 1), CONTRADICTS),
    ("threats L19 echo of the future", lambda p: p.say_hello(echo=p.hello[7] + (1 << 40)), TIME),
    ("threats L11 domain that is empty", lambda p: p.say_hello(domains=[""]), DOMAINS),
]
# The same, instead of a hello.
GREETINGS = [
    ("threats L15 only versions of the future", lambda p: p.say_hello(min=3, max=4), VERSION),
    ("threats L15 catalogue two releases ahead", lambda p: p.say_hello(catalogue=p.hello[6] + 2), CATALOGUE),
    ("threats L14 another name than the certificate's", lambda p: p.say_hello(node="somebody"), IDENTITY),
    ("threats L14 the name of the other side", lambda p: p.say_hello(node=p.hello[3]), IDENTITY),
    ("threats L14 the same role", lambda p: p.say_hello(role=1 - p.role), ROLE),
    ("threats L13 data before the hello", lambda p: p.send(DATA, 0, 1, 1, 1, 1, 1, b"x"), STATE),
    ("threats L16 no window", lambda p: p.say_hello(records=0), LIMITS),
    ("threats L7 name of bad UTF-8", lambda p: p.say_hello(node=Raw(b"\x61\xff")), CBOR),
    ("threats L8 flag that is a number", lambda p: p.say_hello(seen=1), CBOR),
]


def attack(world, node, name, open_peer, act, want):
    """The link is closed with that code and an alarm, and the node lives."""
    name_row(name)
    alarms = len(node.events("link-violation"))
    peer = open_peer()
    try:
        act(peer)
        code = peer.code()
    except (OSError, ssl.SSLError):
        code = None
    peer.close()
    check(code == want, "%s: closed with %s, wanted %s; came: %r" % (name, code, want, peer.frames[-3:]))
    world.wait(lambda: len(node.events("link-violation")) > alarms, "%s: no alarm" % name)
    check(node.alive(), name)


def attacks(world, node, open_peer):
    def greeted():
        return open_peer().greet()

    def heard():
        peer = open_peer()
        peer.hear_hello()
        return peer
    for name, act, want in ROWS:
        attack(world, node, name, greeted, act, want)
    for name, act, want in GREETINGS:
        attack(world, node, name, heard, act, want)


def back(world, node):
    """The real node again; both carry on."""
    ups = len(world.outer.events("link-up")) if node is world.inner else 0
    ups = ups or len(world.outer.events("link-up"))
    node.start()
    world.outer.wait_event("link-up", count=ups + 1)
    world.still_works("after")


@fresh()
def case_hostile_inner_against_outer(world):
    """What a captured inner may send; then the real one comes back."""
    world.inner.stop()
    attacks(world, world.outer, lambda: LinkPeer.dial(world))
    check(not world.foreign.text, "nothing of it reached a foreign server: %r" % world.foreign.text)
    back(world, world.inner)


@fresh()
def case_hostile_outer_against_inner(world):
    """What a captured outer may send; then the real one comes back."""
    world.outer.stop()
    listener = LinkListener(world)
    attacks(world, world.inner, listener.accept)
    check(not world.server.text, "nothing of it reached the local server: %r" % world.server.text)
    listener.close()
    back(world, world.outer)


# --- frames that are in order, in a wrong place ---

def as_outer(world, boot=None):
    """We are outer, in the process of that boot number; the listener is closed with the world."""
    if world.outer.process:
        world.outer.stop()
    if not hasattr(world, "link_listener"):
        world.link_listener = LinkListener(world)
        world.closing.append(world.link_listener)
    peer = world.link_listener.accept()
    peer.boot = boot or peer.boot
    return peer.greet()


def as_inner(world):
    if world.inner.process:
        world.inner.stop()
    return LinkPeer.dial(world).greet()


def rejected(frame):
    return frame[0] == ACK and frame[5]


@fresh(inner_extra="peer any { accept pkix }")
def case_threats_L12_proof_that_policy_does_not_accept(world):
    """inner takes certificates only: what outer says it proved by dialback, or not at all, is rejected and logged."""
    peer = as_outer(world)
    peer.open()
    for seq, proof in ((1, DIALBACK), (2, 0), (3, 77)):
        peer.data(ours(peer, body("unproved")), seq=seq, proof=proof)
        peer.wait(ACK, lambda f: any(r[0] == seq for r in f[5]))
    world.inner.wait_event("record-rejected", count=3)
    peer.data(ours(peer, body("proved")), seq=4, proof=PKIX)
    world.server.wait_for("<body>proved</body>")
    check("unproved" not in world.server.text, world.server.text)


@fresh()
def case_threats_L11_both_domains_on_one_side(world):
    """Local to local and foreign to foreign, in both nodes: rejected with an alarm, the link stays."""
    for node, peer in ((world.inner, as_outer(world)), (world.outer, None)):
        if peer is None:
            world.link_listener.close()
            world.outer.start()
            world.outer.wait_event("link-up", count=2)
            peer = as_inner(world)
        for channel, (local, foreign) in enumerate(((LOCAL, "conference.example.se"), ("other.example", FOREIGN))):
            sender, to = ("b@" + foreign, "a@" + local) if peer.role == OUTER else ("a@" + local, "b@" + foreign)
            peer.open(local, foreign, channel=channel)
            peer.data(message(sender, to, body("astray")), channel=channel)
            peer.wait(ACK, lambda f: f[1] == channel and f[5])
            node.wait_event("record-astray", count=channel + 1)
        peer.close()
    check("astray" not in world.server.text + world.foreign.text, "nothing was delivered")


@fresh()
def case_threats_L13_replayed_and_reordered(world):
    """Each record is delivered once, in order, whatever comes twice, too early or from an older epoch."""
    peer = as_outer(world)
    peer.open()
    records = {n: ours(peer, body("n%d" % n)) for n in range(1, 6)}
    for n in (1, 1, 3, 1):  # 3 leaves a gap
        peer.data(records[n], seq=n)
    peer.wait(NAK)
    for n in (2, 1, 3, 2, 4):
        peer.data(records[n], seq=n)
    peer.data(records[5], seq=5, epoch=peer.epoch - 1)  # of the past
    peer.wait(ACK, lambda f: f[3] == 4)
    peer.data(records[5], seq=5)
    world.server.wait_for("<body>n5</body>")
    peer.close()
    # The same frames in another session, as one who had recorded them would send them.
    again = as_outer(world, boot=peer.boot)
    again.epoch = peer.epoch
    again.send(OPEN, 0, peer.epoch, 1, False, LOCAL, FOREIGN)
    for n in range(1, 6):
        again.data(records[n], seq=n)
    again.open(epoch=peer.epoch + 1, base=6)
    again.data(ours(again, body("n6")), seq=6, una=6)
    world.server.wait_for("<body>n6</body>")
    got = [s.split("<body>")[1].split("<")[0] for s in world.server.stanzas()]
    check(got == ["n1", "n2", "n3", "n4", "n5", "n6"], got)


def ended(connection):
    """What came until the far side closed; it must close."""
    data = b""
    try:
        while True:
            more = connection.recv(65536)
            if not more:
                return data
            data += more
    except TimeoutError:
        raise Failure("the connection was left open") from None
    except (OSError, ssl.SSLError):
        return data


def anonymous(world):
    """TLS without a certificate of our own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(world.path("pki/link/ca.crt"))
    context.set_alpn_protocols(["sallyport-link"])
    return context.wrap_socket(socket.create_connection((world.address["outer"], 5280), 20))


@fresh()
def case_threats_L14_strangers_at_the_link(world):
    """Before anybody is authenticated: no TLS, TLS without a certificate, a node of the wrong side; frames at once."""
    for open_stranger in (lambda: socket.create_connection((world.address["outer"], 5280), 20),
                          lambda: anonymous(world), lambda: LinkPeer.dial(world, name="outer-a").socket):
        for data in (b"<stream:stream>" * 10, struct.pack(">I", 0xffffffff) + b"x" * 1000,
                     struct.pack(">I", 20) + b"\x81" * 20, bytes(random.Random(2).randrange(256) for _ in range(5000))):
            try:
                stranger = open_stranger()
                stranger.settimeout(20)
                stranger.sendall(data)
            except (OSError, ssl.SSLError):
                continue
            told = ended(stranger)
            check(len(told) < 20 and b"<" not in told, "a stranger was told %r" % told)
            stranger.close()
    world.outer.wait_event("link-attempt-failed")
    check(len(world.outer.events("link-up")) == 1, "the real link stayed")
    world.still_works("after the strangers")


@fresh()
def case_threats_L14_certificates(world):
    """The link's CA, but of another node, expired, or without a name: nothing is said to it."""
    os.rename(world.path("pki/link/ca.key"), world.path("ca.key"))
    for name, san, days in (("stranger", "DNS:inner-z", 10), ("expired", "DNS:inner-a", -1), ("nameless", None, 10),
                            ("wildcard", "DNS:*", 10)):
        certify(world, name, san, days)
        try:
            connection = LinkPeer.dial(world, certificate=world.path(name))
            told = connection.read()
        except (OSError, ssl.SSLError):
            told = None
        check(told is None, "%s was told %r" % (name, told))
    check(len(world.outer.events("link-up")) == 1, "the real link stayed")
    world.still_works("after the strangers")


def certify(world, name, san, days):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=world.folder, check=True, capture_output=True)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=inner-a",
            "-keyout", name + ".key", "-out", name + ".csr")
    with open(world.path(name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\n" % san if san else "basicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", "pki/link/ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", str(days), "-extfile", name + ".ext", "-out", name + ".crt")


@fresh()
def case_threats_L17_cut_in_the_middle(world):
    """The link ends inside a frame, and before the report: the record comes again, and is delivered once."""
    peer = as_outer(world)
    peer.open()
    whole = encode([1, DATA, 0, peer.epoch, 1, 1, PKIX, 77, ours(peer, body("cut"))])
    peer.send_bytes(struct.pack(">I", len(whole)) + whole[:-9])
    peer.close()
    peer = as_outer(world)
    peer.open()
    peer.data(ours(peer, body("cut")))
    world.server.wait_for("<body>cut</body>")
    # Outbound: inner has sent what we do not report, and sends it again to us after the cut.
    stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    stream.message("unreported", sender="a@example.se", to="b@example.com")
    first = peer.wait(DATA)
    peer.close()
    peer = as_outer(world)
    opened = peer.wait(OPEN)
    again = peer.wait(DATA)
    check(first[7] == again[7] and first[3] == again[3], (first, again))
    peer.send(ACK, opened[1], opened[2], again[3], again[3], [])
    peer.send(DRAIN)
    check(world.server.text.count("<body>cut</body>") == 1 and "error" not in world.server.text, world.server.text)


@fresh()
def case_threats_L18_a_node_that_does_not_read(world):
    """Neither a window that stays shut nor a socket that is full lets the memory of the other node grow."""
    peer = as_outer(world)
    stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    stream.socket.settimeout(3)
    text = "<message from='a@example.se' to='b@example.com'><body>%s</body></message>" % ("y" * 50000)
    sent = 0
    try:
        while sent < 4000:
            stream.send(text)
            sent += 1
    except OSError:
        pass
    check(sent < 4000, "the sender was stopped after %d stanzas" % sent)
    rss = world.inner.status()["node"]["rss"]
    check(rss < 100e6, "memory of inner: %d" % rss)
    peer.close()


@fresh()
def case_threats_L19_silence(world):
    """A node that says nothing more, on a connection that stands, is dropped; stale state of it does not come back."""
    peer = as_outer(world)
    peer.open()
    peer.data(ours(peer, body("before")))
    world.server.wait_for("<body>before</body>")
    code = None
    while code is None:
        frame = peer.read()  # no heartbeat is answered
        check(frame is not None, "closed without a word")
        code = frame[1] if frame[0] == CLOSE else None
    check(code == 20, code)
    peer.close()
    again = as_outer(world)  # as a new process: what the old one left does not count
    again.open(base=7)
    again.data(ours(again, body("after")), seq=7, una=7)
    world.server.wait_for("<body>after</body>")
    check(world.server.text.count("<body>before</body>") == 1, world.server.text)


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
