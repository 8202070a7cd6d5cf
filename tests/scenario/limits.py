# SPDX-License-Identifier: Apache-2.0
"""What one peer may take up: whoever is over a limit is refused or slowed down, and all others go on."""
import os
import resource
import signal
import socket
import ssl
import threading
import time

from peer import Closed, Stream
from world import FOREIGN, LOCAL, NO_LIMITS, check, fresh, run

SMALL = """limit address connections 20
limit network connections 40
limit address attempts 6
limit network attempts 12
limit address handshakes 2"""


def source(world, n):
    """An address of the world's own network that nobody else uses."""
    return world.base + str(n)


def refused(world, name):
    return world.outer.status()["limits"]["refused"][name]


def works(world, mark, n):
    stream = world.stream(source=source(world, n))
    stream.message(mark)
    world.server.wait_for("<body>%s</body>" % mark)
    return stream


def flood(world, addresses, each):
    """Connections that say nothing; returns how many are still open."""
    held = []
    for n in addresses:
        for _ in range(each):
            try:
                held.append(Stream.connect(world, world.address["outer"], FOREIGN, source=source(world, n)))
            except ConnectionResetError:
                pass
    world.outer.status()
    return [stream for stream in held if is_open(stream)]


def is_open(stream):
    stream.socket.setblocking(False)
    try:
        return stream.socket.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        stream.socket.settimeout(20)


@fresh(outer_limits=SMALL)
def case_threats_H12_s2s_H6_flood_from_one_address(world):
    """The flooder gets what is its own, a neighbour and a stranger get in, an established stream goes on."""
    good = works(world, "before", 100)
    held = flood(world, [101], 200)
    check(1 <= len(held) <= 20, "%d connections of one address are held" % len(held))
    check(refused(world, "address attempts") > 100, "counted")
    works(world, "neighbour", 102)
    good.message("still")
    world.server.wait_for("<body>still</body>")
    line = world.outer.events("limit-reached")[0]
    check(line["limit"] in ("address attempts", "address connections") and source(world, 101) in line["address"], line)
    for stream in held:
        stream.close()
    world.wait(lambda: world.outer.status()["limits"]["connections"] <= 3, "passes are given back")


@fresh(outer_limits=SMALL)
def case_threats_H12_flood_from_one_network(world):
    """The whole /24 is used up: a known address in it still gets in, a new one does not."""
    good = works(world, "before", 100)
    held = flood(world, range(101, 131), 10)
    check(10 <= len(held) <= 40, "%d connections of one network are held" % len(held))
    check(refused(world, "network attempts") + refused(world, "network connections") > 50, "counted")
    check(not flood(world, [140], 1), "a new address of this network has to wait")
    works(world, "known", 100)
    good.message("still")
    world.server.wait_for("<body>still</body>")


@fresh(outer_limits=SMALL)
def case_threats_H12_failing_proves_nothing(world):
    """An address is known from a stream on which somebody proved a domain, not from one that merely ended."""
    def known():
        return world.outer.status()["limits"]["known_addresses"]
    before = known()
    for bad in ("<nonsense/>", "<!-- -->", "</stream:stream>"):
        stream = Stream.connect(world, world.address["outer"], FOREIGN, source=source(world, 101))
        stream.send(bad)
        stream.close()
    world.outer.wait_event("stream-closed", count=3)
    check(known() == before, "a stranger that failed is known")
    works(world, "proved", 102)
    world.wait(lambda: known() == before + 1, "a peer that proved its domain is known")


@fresh(outer_limits=SMALL)
def case_s2s_H6_handshakes_of_one_address(world):
    """Handshakes are dear: after twenty at once (ten times two a second) they are refused for a while."""
    good = failed = 0
    for n in range(100):
        try:
            world.stream(source=source(world, 100)).close()
            good += 1
        except (Closed, OSError):
            failed += 1
    check(good >= 20 and failed >= 1, "%d of 100 failed" % failed)
    check(refused(world, "address handshakes") >= 1, "counted")
    works(world, "other", 101)


@fresh(outer_limits=SMALL, outer_extra="limit address bytes 65536")
def case_s2s_H6_bytes_of_one_address(world):
    """Too much is read more slowly, and nothing of it is lost; others are not slowed down."""
    fast = works(world, "before", 100)
    other = works(world, "before", 101)
    body = "x" * 20000
    sent = 60
    for n in range(sent):
        fast.message("flood-%d" % n, extra="<subject>%s</subject>" % body)
    other.message("beside")
    world.server.wait_for("<body>beside</body>")
    check(len(world.server.stanzas()) < sent, "the other one need not wait for the flood")
    world.server.wait_for("<body>flood-%d</body>" % (sent - 1))
    check([n for n in range(sent) if "<body>flood-%d</body>" % n not in world.server.text] == [], "nothing is lost")


class HandshakeFlood:
    """Replays one ClientHello over and over: cheap for the sender, a key exchange and a signature for the node."""

    def __init__(self, world, threads):
        self.world, self.ended, self.sent = world, False, 0
        self.hello = self.record_hello()
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(threads)]

    @staticmethod
    def record_hello():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["xmpp-server"])
        out = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=LOCAL).do_handshake()
        except ssl.SSLWantReadError:
            return out.read()
        raise AssertionError

    def run(self, n):
        held = []
        while not self.ended:
            try:
                s = socket.create_connection((self.world.address["outer"], 5269), 20, (source(self.world, 150 + n), 0))
                s.sendall(self.hello)
            except OSError:
                continue
            self.sent += 1
            held.append(s)
            if len(held) > 300:
                held.pop(0).close()
        for s in held:
            s.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.world.wait(lambda: self.sent > 500, "the flood has begun")
        return self

    def __exit__(self, *_):
        self.ended = True
        for thread in self.threads:
            thread.join()


@fresh()
def case_threats_H4_flood_of_handshakes(world):
    """Established streams keep their pace, known peers come in, and the link's own handshake need not queue."""
    good = works(world, "before", 100)
    with HandshakeFlood(world, 3) as flooding:
        delays = []
        for n in range(40):
            began = time.monotonic()
            good.message("under-%d" % n)
            world.server.wait_for("<body>under-%d</body>" % n)
            delays.append(time.monotonic() - began)
        works(world, "known-under-flood", 100)
        world.inner.stop(signal.SIGKILL)
        world.inner.start()
        world.inner.wait_event("link-up", count=2)
        works(world, "after-restart", 100)
        status = world.outer.status()["node"]
    print("       %d handshakes begun, %d refused, delay of 40 messages: median %.1f ms, most %.1f ms" % (
        flooding.sent, status["handshakes_refused"], sorted(delays)[20] * 1000, max(delays) * 1000))
    check(sorted(delays)[20] < 2, "the established stream was held up")
    world.wait(lambda: world.outer.status()["limits"]["connections"] <= 4, "all are gone")


@fresh(outer_limits=NO_LIMITS, outer_extra="limit pair requests 1\nlimit pair recipients 20")
def case_threats_G8_threats_K1_refused_with_an_error(world):
    """Subscriptions to everybody and a dictionary of names: the sender is told to wait, the stream stays."""
    stream = world.stream()
    for n in range(30):
        stream.send("<presence type='subscribe' from='b@%s' to='a@%s' id='sub-%d'/>" % (FOREIGN, LOCAL, n))
    world.server.wait_for("<presence[^>]*type=\"subscribe\"", 10)
    world.foreign.wait_for("<presence[^>]*type=\"error\".{0,200}<resource-constraint", 20)
    check("<error type=\"wait\"" in world.foreign.text, "wait is what helps")
    for n in range(60):
        stream.message("name-%d" % n, to="user%d@%s" % (n, LOCAL))
    world.foreign.wait_for("<message[^>]*type=\"error\".{0,200}<resource-constraint", 30)
    stream.message("known", to="user1@" + LOCAL)
    world.server.wait_for("<body>known</body>")
    counters = world.outer.status()["counters"]
    check(counters["pair requests"] == 20 and counters["pair recipients"] >= 30, counters)


@fresh(outer_limits=NO_LIMITS, outer_extra="limit domain destinations 2")
def case_threats_G4_stanzas_to_random_domains(world):
    """Of three hundred domains that do not exist, twenty at once are looked up; the rest is told to wait."""
    for n in range(300):
        if n % 50 == 0:
            inside = world.stream(us=LOCAL, to=FOREIGN, role="inner")
        inside.send("<db:result from='%s' to='d%d.example'>x</db:result>" % (LOCAL, n))
        inside.expect("<db:result[^>]*type=.valid.[^>]*>")
        inside.message("m%d" % n, sender="a@" + LOCAL, to="x@d%d.example" % n)
    error = "<message[^>]*type=\"error\"[^>]*><error[^>]*><%s "
    world.server.wait_for(error % "resource-constraint", 200)
    world.server.wait_for(error % "remote-server-not-found", 10)
    looked_up = {name for name in world.dns.asked if name.startswith("d")}
    check(10 <= len(looked_up) < 90, "%d names were looked up" % len(looked_up))
    check(world.outer.status()["counters"]["destinations_refused"] >= 200, "counted")


@fresh(outer_limits=NO_LIMITS + "\nlimit pair stanzas 0\nlimit pair bytes 0\nlimit address bytes 0")
def case_threats_H16_one_domain_floods_the_link(world):
    """Another domain's messages take turns with the flood, whatever is queued of it."""
    world.server.marks = set()
    other = world.stream(us="other.example")
    flooder = world.stream()
    message = ("<message from='b@%s' to='a@%s'><body>%s</body></message>" % (FOREIGN, LOCAL, "x" * 20000)) * 10
    ended, sent = threading.Event(), [0]

    def flood():
        flooder.socket.settimeout(1)
        while not ended.is_set():
            try:
                flooder.send(message)
                sent[0] += len(message)
            except OSError:  # it is full: that is the flood
                break

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    world.wait(lambda: sent[0] > 5000000, "the flood has begun")
    delays = []
    for n in range(20):
        began = time.monotonic()
        other.message("beside-%d" % n)
        world.wait(lambda: "beside-%d" % n in world.server.marks, "it arrives")
        delays.append(time.monotonic() - began)
    ended.set()
    thread.join()
    print("       %d MB of flood, delay of 20 messages: median %.1f ms, most %.1f ms" % (
        sent[0] / 1000000, sorted(delays)[10] * 1000, max(delays) * 1000))
    check(sorted(delays)[10] < 2, "the other domain was held up")


class Doorway(threading.Thread):
    """A server that takes every connection and says nothing until they are turned away."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.create_server((address, 5269), backlog=256)
        self.inside, self.most, self.all = [], 0, 0
        self.lock = threading.Lock()
        self.start()

    def run(self):
        while True:
            try:
                accepted, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.inside.append(accepted)
                self.all += 1
                self.most = max(self.most, len(self.inside))

    def turn_away(self, count):
        with self.lock:
            leaving, self.inside = self.inside[:count], self.inside[count:]
        for one in leaving:
            one.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.turn_away(len(self.inside))


@fresh(outer_limits=NO_LIMITS + "\nlimit header time 100s")
def case_many_domains_at_one_address(world):
    """Of two hundred domains at one address 64 at a time are connected to; the others wait, and none is forgotten."""
    door = Doorway(source(world, 140))
    world.closing.append(door)
    inside = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    for n in range(200):
        domain = "q%d.example" % n
        world.dns.names[domain] = source(world, 140)
        inside.send("<db:result from='%s' to='%s'>x</db:result>" % (LOCAL, domain))
        inside.expect("<db:result[^>]*type=.valid.[^>]*>")
        inside.message("m%d" % n, sender="a@" + LOCAL, to="x@" + domain)
        if n % 40 == 39:
            inside = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    for count in (64, 128, 192, 200):
        world.wait(lambda: door.all == count, lambda: "%d of %d are connected" % (door.all, count))
        door.turn_away(64)
    check(door.most == 64, "%d at once" % door.most)
    world.server.wait_for("<message[^>]*type=\"error\"", 200)
    # What ended gave its place back.
    world.dns.names["late.example"] = source(world, 140)
    inside.send("<db:result from='%s' to='late.example'>x</db:result>" % LOCAL)
    inside.message("late", sender="a@" + LOCAL, to="x@late.example")
    world.wait(lambda: door.all == 201, "one more is connected")


def free_port():
    """Below those that the kernel gives to outgoing connections, of which other tests have thousands."""
    for n in range(1000):
        port = 10000 + (os.getpid() + n) % 20000
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                return port
            except OSError:
                pass
    raise AssertionError("no free port")


@fresh(outer_extra="allow address 127.0.0.0/8\nlisten s2s 0.0.0.0:%d" % free_port())
def case_threats_I1_threats_E10_never_dial_ourselves(world):
    """With a listener on all interfaces each of their addresses is our own, and `allow address` changes nothing."""
    inside = world.stream(us=LOCAL, to="loop.example", role="inner")
    inside.message("loop", sender="a@" + LOCAL, to="x@loop.example")
    world.outer.wait_event("address-forbidden", domain="loop.example")
    world.server.wait_for("<message[^>]*type=\"error\"")


@fresh(outer_limits=NO_LIMITS.replace("address verifications 0", "address verifications 2"))
def case_threats_I5_random_subdomains_by_dialback(world):
    """Keys from names without end are looked up at the rate of one address, and refused beyond."""
    for _ in range(4):
        stream = Stream.connect(world, world.address["outer"], "r.example", source=source(world, 120))
        stream.header(LOCAL)
        stream.expect("</stream:features>")
        stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        stream.expect("<proceed[^>]*/>")
        stream.start_tls(certificate=False)
        stream.header(LOCAL)
        stream.expect("</stream:features>")
        for n in range(15):
            stream.send("<db:result from='r%d-%d.r.example' to='%s'>00</db:result>" % (id(stream), n, LOCAL))
        stream.expect("(<db:result[^>]*type=.error..*){15}")
        stream.close()
    asked = len([name for name in world.dns.asked if name.startswith("r") and name.endswith(".r.example")])
    check(refused(world, "address verifications") > 20, "counted")
    check(10 <= asked <= 50, "%d names were looked up" % asked)


@fresh(outer_limits=NO_LIMITS, outer_extra="limit memory 16M")
def case_threats_H14_every_stream_at_its_limit(world):
    """Half stanzas of many megabytes: the biggest streams end, memory stays near the budget, the others go on."""
    good = works(world, "before", 100)
    start = world.outer.status()["node"]
    held, most, refused_ones = [], 0, 0
    for n in range(200):
        try:
            stream = world.stream(source=source(world, 101))
            stream.send("<message from='b@example.com' to='a@example.se'><body>" + "x" * 200000)
            held.append(stream)
        except (Closed, OSError):
            refused_ones += 1
        if n % 20 == 0:
            good.message("beside-%d" % n)
            most = max(most, world.outer.status()["node"]["memory_held"])
    closed = world.outer.status()["counters"]["closed"].get("memory-short", 0)
    check(closed >= 50, "%d were closed" % closed)
    check(most < 24 * 1024 * 1024, "%d bytes were held" % most)
    check(world.outer.events("memory-short") and world.outer.events("memory-enough"), "both are logged")
    print("       %d streams closed, %d not let in; %.1f MB held at most, %.1f MB resident (%.1f MB before)" % (
        closed, refused_ones, most / 1e6, world.outer.status()["node"]["rss"] / 1e6, start["rss"] / 1e6))
    for stream in held:
        stream.close()
    world.wait(lambda: not world.outer.status()["node"]["memory_short"], "there is room again")
    works(world, "stranger", 102)
    good.message("after")
    world.server.wait_for("<body>after</body>")
    world.wait(lambda: world.outer.status()["node"]["memory_held"] < start["memory_held"] + 1000000,
               lambda: "%s of %s" % (world.outer.status()["node"]["memory_held"], start["memory_held"]))


def processor_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@fresh()
def case_threats_H13_no_descriptors_left(world):
    """Accepting pauses without a busy loop, streams that are there go on, and it resumes by itself."""
    good = works(world, "before", 100)
    pid = world.outer.process.pid
    folder = "/proc/%d/fd" % pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    check(soft == hard, "the node has taken as many as it may: %d of %d" % (soft, hard))
    most = len(os.listdir(folder)) + 20
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))
    held = [Stream.connect(world, world.address["outer"], FOREIGN, source=source(world, 101)) for _ in range(100)]
    world.wait(lambda: len(os.listdir(folder)) >= most - 1, "the descriptors are used up")
    used, began = processor_seconds(pid), time.monotonic()
    for n in range(4):
        good.message("without-%d" % n)
        world.server.wait_for("<body>without-%d</body>" % n)
        time.sleep(0.5)
    share = (processor_seconds(pid) - used) / (time.monotonic() - began)
    check(share < 0.5, "it is busy with nothing: %d per cent" % (share * 100))
    for stream in held:
        stream.close()
    works(world, "after", 100)


@fresh()
def case_threats_H18_the_log_is_gone(world):
    """A full disk, a pipe that nobody reads, a pipe that nobody has: traffic goes on."""
    full = os.open("/dev/full", os.O_WRONLY)
    reader, unread = os.pipe()
    gone, closed = os.pipe()
    os.close(gone)
    for n, target in enumerate((full, unread, closed)):
        world.outer.stop()
        world.outer.start(stderr=target)
        world.inner.wait_event("link-up", count=n + 2)
        for _ in range(400):  # each leaves a line or two, more than a pipe holds
            stream = Stream.connect(world, world.address["outer"], FOREIGN)
            stream.send("nonsense")
            stream.read_to_end()
            stream.close()
        works(world, "unlogged-%d" % n, 100)
    for fd in (full, reader, unread, closed):
        os.close(fd)


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
