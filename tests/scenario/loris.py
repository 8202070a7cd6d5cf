# SPDX-License-Identifier: Apache-2.0
"""Thousands of peers that stop somewhere and wait, and a hundred thousand that come only to fail.

SALLYPORT_HELD and SALLYPORT_CYCLES set other numbers than 5000 and 100000.
"""
import concurrent.futures
import multiprocessing
import os
import resource
import socket
import ssl
import struct
import threading
import time

from limits import HandshakeFlood
from peer import HEADER, Closed, Listener, Stream
from world import FOREIGN, LOCAL, NO_LIMITS, Failure, check, fresh, run

DEADLINE_MS = 45000
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
DEADLINES = "".join("limit %s time %d\n" % (what, DEADLINE_MS)
                    for what in ("header", "tls", "authentication", "stanza", "write"))
SLOW = (DEADLINES + "limit queue time 30s\nlimit pair verifications 4096\nlimit verifications 100000\n"
        "limit stream verifications 256")


def is_slow(world):
    """Sanitizers make the nodes several times slower, and keep what was freed for a while."""
    with open(os.path.join(world.build, "src/outer/sallyport-outer"), "rb") as f:
        return b"__asan_init" in f.read()


def held_number(world):
    """How many connections are held: as asked for, or what the descriptors of both processes permit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asked = os.environ.get("SALLYPORT_HELD", "1000" if is_slow(world) else "5000")
    return min(int(asked), hard * 9 // 16 - 300)


def connect(world):
    return Stream.connect(world, world.address["outer"], FOREIGN)


# --- one function for each point at which a peer stops; what it returns is held ---

def after_accept(world):
    return connect(world)


def inside_header(world):
    stream = connect(world)
    stream.send((HEADER % "from='example.com' to='example.se'")[:60])
    return stream


def after_features(world):
    stream = connect(world)
    stream.header(LOCAL)
    stream.expect("</stream:features>")
    return stream


def after_starttls(world):
    stream = after_features(world)
    stream.send(STARTTLS)
    stream.expect("<proceed[^>]*/>")
    return stream


HELLO = HandshakeFlood.record_hello()


def inside_handshake(world):
    stream = after_starttls(world)
    stream.send(HELLO[:len(HELLO) // 2])
    return stream


def after_hello(world):
    stream = after_starttls(world)
    stream.send(HELLO)
    stream.socket.recv(100)
    return stream


def after_tls(world):
    stream = after_starttls(world)
    stream.start_tls()
    return stream


def inside_sasl(world):
    stream = world.stream(authenticate=False)
    stream.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>")
    return stream


def after_key(world):
    stream = connect(world)
    stream.header(LOCAL, us="silent.example")
    stream.expect("</stream:features>")
    stream.send(STARTTLS)
    stream.expect("<proceed[^>]*/>")
    stream.start_tls(certificate=False)
    stream.header(LOCAL, us="silent.example")
    stream.expect("</stream:features>")
    stream.send("<db:result from='silent.example' to='%s'>00</db:result>" % LOCAL)
    return stream


def inside_stanza(world):
    stream = world.stream()
    stream.send("<message from='b@example.com' to='a@example.se'><body>" + "x" * 1000)
    return stream


def after_error(world):
    stream = world.stream()
    stream.send("<message a=b/>")
    stream.expect("</stream:stream>")
    return stream


POINTS = [("H1", after_accept), ("H2", inside_header), ("H3", after_features), ("H4", after_starttls),
          ("H4", inside_handshake), ("H4", after_hello), ("H5", after_tls), ("H6", inside_sasl),
          ("H7", after_key), ("H8", inside_stanza), ("H10", after_error)]


class GoodPeer(threading.Thread):
    """Sends, and opens streams, all the time; every message arrives."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.ended, self.delays, self.error = world, False, [], None
        self.stream = world.stream(us="other.example")
        self.start()

    def run(self):
        try:
            while not self.ended:
                mark = "good-%d" % len(self.delays)
                began = time.monotonic()
                if len(self.delays) % 10 == 9:
                    another = self.world.stream(us="other.example")
                    another.message(mark)
                else:
                    self.stream.message(mark)
                self.world.server.wait_for("<body>%s</body>" % mark)
                self.delays.append(time.monotonic() - began)
                time.sleep(0.2)
        except Exception as error:  # noqa: reported by finish()
            self.error = error

    def finish(self):
        self.ended = True
        self.join()
        if self.error:
            raise self.error
        delays = sorted(self.delays)
        print("       %d messages of a good peer meanwhile: median %.1f ms, most %.1f ms" % (
            len(delays), delays[len(delays) // 2] * 1000, delays[-1] * 1000))
        check(delays[len(delays) // 2] < 2, "the good peer was held up")


def silent_server(world, address):
    """Takes connections and says nothing, ever."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 5269))
    s.listen(4096)
    world.closing.append(s)


def trickle(streams, ended):
    """One byte of the header now and then: the deadline does not care."""
    rest = (HEADER % "from='example.com' to='example.se'")[60:].encode()
    at = 0
    while not ended.wait(5) and at < len(rest) - 1:
        for stream in streams:
            try:
                stream.socket.send(rest[at:at + 1])
            except OSError:
                pass
        at += 1


def connections(world):
    return world.outer.status()["limits"]["connections"]


def hold(world, pool, number):
    """Opens number connections over all points. Returns those that trickle."""
    each = number // len(POINTS)
    slow = []
    for name, opener in POINTS:
        before = world.outer.status()["node"]["rss"]
        futures = [pool.submit(opener, world) for _ in range(each)]
        streams = [f.result() for f in futures]
        if name == "H2":
            slow = streams
        after = world.outer.status()["node"]["rss"]
        print("       %-4s %-17s %4d held, %5.1f KB each" % (
            name, opener.__name__, each, (after - before) / 1024 / each), flush=True)
    return slow


def stuck_outgoing(world, number):
    """H11: domains whose server says nothing; a message to each, to be bounced once."""
    for n in range(number):
        world.dns.names["mute%d.example" % n] = world.base + "20"
    for n in range(number):
        if n % 50 == 0:
            inside = world.stream(us=LOCAL, to=FOREIGN, role="inner")
        inside.send("<db:result from='%s' to='mute%d.example'>x</db:result>" % (LOCAL, n))
        inside.expect("<db:result[^>]*type=.valid.[^>]*>")
        inside.message("mute-%d" % n, sender="a@" + LOCAL, to="x@mute%d.example" % n)


def bounces(world, start):
    return [s for s in world.server.stanzas() if 'type="error"' in s.split(">")[0] and 'id="%s' % start in s]


@fresh(outer_limits=NO_LIMITS, outer_extra=SLOW)
def case_threats_H1_H2_H3_H4_H5_H6_H7_H8_H10_H11_slow_loris(world):
    """Thousands of peers, each stopped at one of eleven points: a good one goes on, and all are gone in time."""
    number = held_number(world)
    silent_server(world, world.base + "20")
    world.dns.names["silent.example"] = world.base + "20"
    good = GoodPeer(world)
    began = time.monotonic()
    ended = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = hold(world, pool, number)
    stuck_outgoing(world, 100)
    most = connections(world)
    print("       %d held after %.0f s" % (most, time.monotonic() - began), flush=True)
    check(most >= number * 0.9 or time.monotonic() - began > DEADLINE_MS / 1000, "%d are held" % most)
    trickler = threading.Thread(target=trickle, args=(slow, ended), daemon=True)
    trickler.start()
    world.wait(lambda: connections(world) < 100, lambda: "%d are still held" % connections(world),
               DEADLINE_MS / 1000 + 30)
    ended.set()
    world.wait(lambda: len(bounces(world, "mute-")) >= 100,
               lambda: "%d of 100 bounced" % len(bounces(world, "mute-")), DEADLINE_MS / 1000 + 30)
    check(len(bounces(world, "mute-")) == 100, "each is bounced once")
    good.finish()
    closed = world.outer.status()["counters"]["closed"]
    print("       " + ", ".join("%s %d" % (k, v) for k, v in sorted(closed.items())))
    for reason in ("header-timeout", "tls-timeout", "auth-timeout", "stanza-timeout"):
        check(closed.get(reason, 0) >= number // len(POINTS) // 2, "%s: %s" % (reason, closed))


@fresh(outer_limits=NO_LIMITS, outer_extra="limit write time 5s\nlimit queue time 10s")
def case_threats_H9_a_peer_that_reads_nothing(world):
    """Its stream is closed by the write timer, what it did not take is bounced, and other domains go on."""
    world.dns.names["other.example"] = world.base + "21"
    deaf = Listener(world, world.base + "21", "other.example")
    deaf.reading.clear()
    stuck = world.stream(us=LOCAL, to="other.example", role="inner")
    body = "x" * 20000
    stuck.socket.settimeout(2)
    sent = 0
    try:
        while sent < 3000:
            stuck.message("stuck-%d" % sent, sender="a@" + LOCAL, to="x@other.example",
                          extra="<subject>%s</subject>" % body)
            sent += 1
    except (OSError, ssl.SSLError):
        pass  # back-pressure
    check(sent < 3000, "back-pressure reaches the sender")
    deaf.socket.shutdown(socket.SHUT_RDWR)  # no further stream of it will take anything
    deaf.socket.close()
    inside = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    inside.message("beside", sender="a@" + LOCAL, to="x@" + FOREIGN)
    world.foreign.wait_for("<body>beside</body>")
    world.outer.wait_event("stream-closed", reason="write-timeout")
    world.wait(lambda: bounces(world, "stuck-"), "something is bounced", 60)
    deaf.reading.set()


# --- to come and to fail ---

def one_cycle(address, n):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset keeps no port busy
    s.settimeout(20)
    try:
        s.connect((address, 5269))
        kind = n % 20
        if kind < 8:
            s.sendall((HEADER % "from='d%d.example' to='example.se'" % (n % 5000)).encode())
            while b"</stream:features>" not in s.recv(4096):
                pass
            if kind < 3:
                s.sendall(STARTTLS.encode())
                s.recv(4096)
            elif kind < 5:
                s.sendall(b"<message from='b@example.com' to='a@example.se'/>")
                s.recv(4096)
        elif kind < 12:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            s.recv(4096)
        elif kind < 14:
            s.sendall(b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>")
            s.recv(4096)
        elif kind == 14:
            s.sendall(HELLO)
            s.recv(100)
        elif kind == 15:
            s.sendall(b"\x16\x03\x01\x00\xff" + b"\x01" * 100)
    except OSError:
        pass
    s.close()


def cycles(address, first, last):
    for n in range(first, last):
        one_cycle(address, n)


def run_cycles(world, first, last):
    processes, share = [], (last - first) // 3 + 1
    for at in range(first, last, share):
        process = multiprocessing.Process(
            target=cycles, args=(world.address["outer"], at, min(at + share, last)), daemon=True)
        process.start()
        processes.append(process)
    for process in processes:
        process.join()
        if process.exitcode:
            raise Failure("a process of the flood failed")
    world.wait(lambda: connections(world) < 5, "all are gone", 40)


@fresh(outer_limits=NO_LIMITS)
def case_threats_H15_memory_is_flat_over_failing_peers(world):
    """A hundred thousand that connect and fail, each in one of eight ways, leave nothing behind."""
    world.stream().message("before")
    world.server.wait_for("<body>before</body>")
    number = int(os.environ.get("SALLYPORT_CYCLES", "20000" if is_slow(world) else "100000"))
    began = time.monotonic()
    run_cycles(world, 0, number // 5)
    early = world.outer.status()["node"]
    run_cycles(world, number // 5, number)
    status = world.outer.status()
    late = status["node"]
    print("       %d cycles in %.0f s; %d KB after the first fifth, %d KB in the end" % (
        number, time.monotonic() - began, early["rss"] / 1024, late["rss"] / 1024))
    check(status["counters"]["streams_in"] > number * 0.4, status["counters"])
    check(late["memory_held"] < early["memory_held"] + 200000, "%s, then %s" % (early, late))
    check(is_slow(world) or late["rss"] < early["rss"] + 4 * 1024 * 1024, "%s, then %s" % (early, late))


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
