# SPDX-License-Identifier: Apache-2.0
"""Several outers and inners: pairs are spread over them, and move when one dies, hangs, is cut off or cannot reach."""
import json
import re
import signal
import socket
import ssl
import threading
import time

from meshworld import Many, ManyAccepted, Mesh, home
from peer import Stream
from world import LOCAL, check, fresh, run

NOBODY = "127.255.255.1"  # no address that the outers may connect to


class Sender:
    """The local server's streams to an inner, one for each foreign domain; messages n0, n1, ... on each."""

    def __init__(self, world, domains, inner="inner-a"):
        self.world, self.inner, self.count = world, inner, {d: 0 for d in domains}
        self.streams = {d: world.stream(to=d, role=inner) for d in domains}

    def send(self, n=1, domains=None):
        for _ in range(n):
            for d in domains or self.streams:
                self.streams[d].message("n%d" % self.count[d], sender="a@" + LOCAL, to="b@" + d)
                self.count[d] += 1

    def arrived(self, domains=None):
        """Everything came, and first came in the order in which it was sent."""
        for d in domains or self.streams:
            self.world.wait(lambda: set(self.world.foreign.bodies(d)) >= set(range(self.count[d])),
                            lambda: "n0 to n%d at %s; got %r" % (
                                self.count[d] - 1, d, self.world.foreign.bodies(d)))
            first = list(dict.fromkeys(self.world.foreign.bodies(d)))
            check(first == sorted(first), "order at %s: %r" % (d, first))

    def settled(self):
        """Everything is acknowledged between the nodes."""
        self.world.wait(lambda: all(c["unacknowledged"] + c["queued"] == 0
                                    for c in self.world.node(self.inner).status()["channels"] if c["way"] == "out"),
                        "all is acknowledged")

    def no_bounce(self):
        for d, s in self.streams.items():
            s.socket.setblocking(False)
            try:
                got = s.socket.recv(65536)
            except OSError:
                got = b""
            s.socket.setblocking(True)
            check(b"error" not in got, "at %s: %r" % (d, got))


def once(world, sender):
    for d in sender.streams:
        got = world.foreign.bodies(d)
        check(got == list(range(sender.count[d])), "once and in order at %s: %r" % (d, got))


def of(owners, node):
    return sorted(d for d, owner in owners.items() if owner == node)


@fresh()
def case_pairs_are_spread_and_stay(world):
    """All pairs are where the rendezvous hash of both live outers puts them, and both have some."""
    sender = Sender(world, world.domains)
    sender.send(3)
    sender.arrived()
    sender.settled()
    once(world, sender)
    owners = world.owners()
    check(owners == {d: home(d) for d in world.domains}, owners)
    check(all(len(of(owners, n.name)) >= 3 for n in world.outers), owners)
    for node in world.outers:
        out = {c["foreign"] for c in node.status()["channels"] if c["way"] == "in"}
        check(out == set(of(owners, node.name)), (node.name, out))


@fresh()
def case_killed_outer(world):
    """kill -9: its pairs go on at the other outer, in order, nothing lost, the others do not notice."""
    sender = Sender(world, world.domains)
    sender.send()
    sender.arrived()
    theirs = of(world.owners(), "outer-a")
    others = of(world.owners(), "outer-b")
    check(theirs and others, world.owners())
    sender.send(20)
    world.node("outer-a").stop(signal.SIGKILL)
    sender.send(20)
    sender.arrived()
    sender.settled()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())
    for d in others:
        check(world.foreign.bodies(d) == list(range(sender.count[d])), "others' records came once")
    sender.no_bounce()
    # It comes back: what is in use stays where it is, a new pair may go there.
    world.node("outer-a").start()
    world.wait_linked(world.node("inner-a"))
    sender.send(3)
    sender.arrived()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())


@fresh()
def case_stopped_outer_is_fenced(world):
    """SIGSTOP: its pairs move; when it goes on, it writes nothing of what moved."""
    sender = Sender(world, world.domains)
    sender.send(2)
    sender.arrived()
    sender.settled()
    theirs = of(world.owners(), "outer-a")
    stopped = world.node("outer-a")
    stopped.process.send_signal(signal.SIGSTOP)
    sender.send(10)  # lies in the sockets of the stopped node, too
    sender.arrived()
    sender.settled()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())
    stopped.process.send_signal(signal.SIGCONT)
    world.wait_linked(world.node("inner-a"))
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)
    states = {c["foreign"]: c["state"] for c in stopped.status()["channels"] if c["way"] == "in"}
    check(all(states.get(d) != "open" for d in theirs), states)


@fresh(lines=[("inner-a", "outer-a")])
def case_cut_line(world):
    """The line to outer-a is cut (nothing is refused, nothing comes): its pairs move, and none is delivered twice."""
    sender = Sender(world, world.domains)
    sender.send(2)
    sender.arrived()
    sender.settled()
    line = world.lines["inner-a", "outer-a"]
    line.cut()
    sender.send(10)
    sender.arrived()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())
    line.heal()
    world.wait_linked(world.node("inner-a"))
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)


class SlowFirst(Many):
    """The first stream that it accepts is ready and then not read, until read_at_last()."""

    slow = None

    def open(self):
        super().open()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def serve(self, accepted):
        if self.slow:
            super().serve(accepted)
            return
        self.slow = self.accepted(self.world, accepted, self.domain)
        self.slow.serve(self)
        self.slow.socket.settimeout(None)

    def read_at_last(self):
        """Everything that came, and comes until the connection ends."""
        parts = [self.slow.received]
        while data := self.slow.socket.recv(65536):
            parts.append(data)
        return b"".join(parts).decode()


def write_much(world, domain, count):
    """More than the kernel of the outer takes for the server of this domain, which does not read."""
    stream = world.stream(to=domain)
    text = "".join("<message from='a@%s' to='b@%s' id='n%d'><subject>%s</subject><body>n%d</body></message>" % (
        LOCAL, domain, n, "x" * 16000, n) for n in range(count))
    threading.Thread(target=stream.send, args=(text,), daemon=True).start()
    seen = []

    def stuck():
        channel = next((c for c in world.node("inner-a").status()["channels"] if c["way"] == "out"), None)
        seen.append((channel["acked"], channel["unacknowledged"]) if channel else None)
        return channel and channel["unacknowledged"] and len(seen) > 8 and len(set(seen[-8:])) == 1
    world.wait(stuck, lambda: "the kernel is full: %r" % seen[-9:])


@fresh(lines=[("inner-a", "outer-a")], foreign=SlowFirst)
def case_slow_server_of_a_fenced_outer(world):
    """outer-a has written for a server that does not read, and is cut off: what its kernel has not, outer-b writes."""
    domain, count = next(d for d in world.domains if home(d) == "outer-a"), 700
    write_much(world, domain, count)
    world.lines["inner-a", "outer-a"].cut()
    world.node("outer-a").wait_event("stream-closed", reason="fenced")
    world.wait(lambda: count - 1 in world.foreign.bodies(domain), "outer-b writes the rest")
    late = [int(n) for n in re.findall("<body>n([0-9]+)</body></message>", world.foreign.read_at_last())]
    again = world.foreign.bodies(domain)
    check(late and late + again == list(range(count)),
          "outer-a: %r, outer-b: %r" % (late[:1] + late[-1:], again[:1] + again[-1:]))


@fresh(foreign=SlowFirst)
def case_slow_server_of_an_outer_that_ends(world):
    """outer-a ends in order, though what it has written is still with it; outer-b writes that."""
    domain, count = next(d for d in world.domains if home(d) == "outer-a"), 700
    write_much(world, domain, count)
    check(world.node("outer-a").stop() == 0, "it ends in order")
    world.wait(lambda: count - 1 in world.foreign.bodies(domain), "outer-b writes the rest")


@fresh(dns={"outer-a": {"d%d.example" % i: NOBODY for i in range(12)}})
def case_reach_no_passes_to_another(world):
    """outer-a cannot connect to the foreign server: outer-b is asked before anything is bounced."""
    sender = Sender(world, world.domains)
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)
    sender.no_bounce()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())


@fresh(dns={"outer-a": {"d%d.example" % i: NOBODY for i in range(12)},
            "outer-b": {"d%d.example" % i: NOBODY for i in range(12)}})
def case_reach_no_of_all_bounces_once(world):
    """No outer can connect: the sender is told, once."""
    stream = world.stream(to="d0.example")
    stream.message("n0", sender="a@" + LOCAL, to="b@d0.example")
    world.server.wait_for("<remote-server-not-found")
    time.sleep(0.5)
    check(len(re.findall("<remote-server-not-found", world.server.text)) == 1, world.server.text)


# --- dialback keys: each node of a role answers for the others ---

class KeyTaker(ManyAccepted):
    """A server without EXTERNAL: `key` is what the node wants to be known by, `ident` the id of the stream."""

    @classmethod
    def listen(cls, world, address):
        listener = socket.create_server((address, 5269))
        listener.settimeout(20)
        world.closing.append(listener)
        return listener

    @classmethod
    def take(cls, world, listener, us):
        while True:  # another pair may try again
            accepted, _ = listener.accept()
            stream = cls(world, accepted, us)
            stream.expect("<stream:stream[^>]*>")
            if stream.called == us:
                break
            stream.close()
        stream.ident = "stream-%d" % time.monotonic_ns()
        stream.head("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>")
        stream.expect("<starttls[^>]*/>")
        stream.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*world.keys(us))
        stream.socket = context.wrap_socket(stream.socket, server_side=True)
        stream.received = b""
        stream.expect("<stream:stream[^>]*>")
        stream.head("<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>")
        stream.key = stream.expect("<db:result[^>]*>([^<]+)</db:result>").group(1).decode()
        return stream

    def head(self, features):
        self.send("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
                  "xmlns:db='jabber:server:dialback' from='%s' id='%s' version='1.0'><stream:features>%s"
                  "</stream:features>" % (self.us, self.ident, features))


def verdict(world, role, us, them, taker):
    """What a node says of a key that another one made for us, on a stream that was opened for it."""
    stream = Stream.dial(world, world.address[role], us, them, authenticate=False)
    stream.send("<db:verify from='%s' to='%s' id='%s'>%s</db:verify>" % (us, them, taker.ident, taker.key))
    answer = stream.expect("<db:verify[^>]*>").group(0).decode()
    stream.close()
    return re.search("type=.([a-z]+)", answer).group(1)


def outer_key(world, listener, domain):
    """A key that outer-a made for this foreign domain."""
    stream = world.stream(to=domain)
    stream.message("key", sender="a@" + LOCAL, to="b@" + domain)
    taker = KeyTaker.take(world, listener, domain)
    taker.close()
    stream.close()
    return taker


@fresh()
def case_s2s_G4_outer_b_answers_for_outer_a(world):
    """s2s G6 any outer verifies the keys of the others; a secret is replaced with overlap, node by node."""
    domains = of({d: home(d) for d in world.domains}, "outer-a")[:4]
    for dns in world.names.values():
        dns.names.update(dict.fromkeys(domains, world.base + "5"))
    listener = KeyTaker.listen(world, world.base + "5")
    old, new = "of all the outers, one secret", "another one, which is newer"

    def use(node, *secrets):
        world.secret(node, *secrets)
        check(b'"ok":true' in world.node(node).control(b"reload\n"), node)

    first = outer_key(world, listener, domains[0])
    check(verdict(world, "outer-b", domains[0], LOCAL, first) == "valid", "one secret")
    first.key = ("1" if first.key[0] == "0" else "0") + first.key[1:]
    check(verdict(world, "outer-b", domains[0], LOCAL, first) == "invalid", "a forged key")
    # Step 1: all nodes accept the new one. Step 2: they make keys of it. Step 3: the old one goes.
    use("outer-b", old, new)
    check(verdict(world, "outer-b", domains[1], LOCAL, outer_key(world, listener, domains[1])) == "valid", "step 1")
    use("outer-a", old, new)
    use("outer-b", new, old)
    check(verdict(world, "outer-b", domains[2], LOCAL, outer_key(world, listener, domains[2])) == "valid", "old key")
    use("outer-a", new, old)
    last = outer_key(world, listener, domains[3])
    use("outer-b", new)
    check(verdict(world, "outer-b", domains[3], LOCAL, last) == "valid", "step 3")
    use("outer-b", old)
    check(verdict(world, "outer-b", domains[3], LOCAL, last) == "invalid", "the key was made of the new secret")


@fresh(inners=2)
def case_inner_b_answers_for_inner_a(world):
    """s2s G4 the local server asks inner-b about a key of inner-a, as steering may lead it there."""
    world.server.close()
    listener = KeyTaker.listen(world, world.address["server"])
    domain = next(d for d in world.domains if home(d, ("inner-a", "inner-b")) == "inner-a")
    peer = world.stream(us=domain, to=LOCAL, role="outer-a")
    peer.message("n0", to="a@" + LOCAL)
    taker = KeyTaker.take(world, listener, LOCAL)
    check(verdict(world, "inner-b", LOCAL, domain, taker) == "valid", "the same secret")
    check(verdict(world, "inner-a", LOCAL, domain, taker) == "valid", "its own")


# --- inbound, and several inners ---

def arrived_inside(world, domains, n, in_order=True):
    for d in domains:
        def bodies():
            return [int(x) for x in re.findall("<message[^>]*? from=.b@%s['\"][^>]*><body>n([0-9]+)<" % re.escape(d),
                                               world.server.text)]
        world.wait(lambda: set(bodies()) >= set(range(n)), lambda: "n0 to n%d of %s; got %r" % (n - 1, d, bodies()))
        first = list(dict.fromkeys(bodies()))
        check(not in_order or first == sorted(first), "order of %s: %r" % (d, first))


@fresh(inners=2)
def case_every_outer_serves_inbound(world):
    """A foreign server finds either outer; both hand its pair to the same inner, which serves the local domain."""
    for d in world.domains[:4]:
        for i, node in enumerate(("outer-a", "outer-b")):
            world.stream(us=d, to=LOCAL, role=node).message("n%d" % i, to="a@" + LOCAL)
    arrived_inside(world, world.domains[:4], 2, in_order=False)  # of two outers
    for node in world.outers:
        owners = {c["foreign"]: c["owner"] for c in node.status()["channels"] if c["way"] == "out"}
        check(owners == {d: home(d, ("inner-a", "inner-b")) for d in world.domains[:4]}, (node.name, owners))


@fresh(inners=2)
def case_killed_inner(world):
    """kill -9 of an inner: what comes in goes on at the other, and the local server finds its foreign domains there."""
    peers = {d: world.stream(us=d, to=LOCAL, role="outer-a") for d in world.domains[:8]}
    theirs = [d for d in peers if home(d, ("inner-a", "inner-b")) == "inner-a"]
    check(0 < len(theirs) < 8, theirs)
    for i in range(20):
        for d, p in peers.items():
            p.message("n%d" % i, to="a@" + LOCAL)
    sender = Sender(world, world.domains[:4])
    sender.send(5)
    sender.arrived()
    sender.settled()
    world.node("inner-a").stop(signal.SIGKILL)
    for i in range(20, 30):
        for d, p in peers.items():
            p.message("n%d" % i, to="a@" + LOCAL)
    arrived_inside(world, peers, 30)
    # inner-b leads to both; the local server tries the other when inner-a does not answer.
    check(world.steering("inner-b", "d0.example") ==
          (0, [socket.inet_aton(world.address[i]) for i in ("inner-b", "inner-a")]), "addresses")
    code, services = world.steering("inner-b", "_xmpp-server._tcp.d0.example", 33)
    check(code == 0 and len(services) == 2 and services[0] < services[1], services)  # priority comes first
    names = [".".join(re.findall("[a-z0-9-]+", s[6:].decode("latin-1"))) for s in services]
    check(names == ["sallyport-inner-%d.d0.example" % n for n in (1, 2)], names)
    check(world.steering("inner-b", names[1]) == (0, [socket.inet_aton(world.address["inner-a"])]), "one of them")
    check(world.steering("inner-b", LOCAL)[0] == 3, "local names lead nowhere")
    again = Sender(world, world.domains[:4], "inner-b")
    again.count = sender.count
    again.send(5)
    again.arrived()
    again.settled()
    once(world, again)
    check(world.owners("inner-b") == {d: home(d) for d in again.streams}, world.owners("inner-b"))


# --- where a pair goes, by command and by itself ---

def place(world, domain, node="inner-a"):
    state = json.loads(world.node(node).control(b"cluster\n"))
    pair = [p for p in state["pairs"] if p["foreign"] == domain][0]
    return dict(pair["place"], owner=pair.get("owner"))


@fresh(inner_extra="limit return time 4s")
def case_goes_home_when_idle(world):
    """A pair that a death moved stays while it is in use, and goes back with its first stanza after a silence."""
    domain = next(d for d in world.domains if home(d) == "outer-a")
    sender = Sender(world, [domain])
    sender.send(3)
    sender.arrived()
    sender.settled()
    world.node("outer-a").stop(signal.SIGKILL)
    sender.send(3)
    sender.arrived()
    sender.settled()
    world.node("outer-a").start()
    world.wait_linked(world.node("inner-a"))
    now = place(world, domain)
    check(now["owner"] == "outer-b" and now["state"] == "away" and now["why"] in ("dead", "restarted") and
          now["from"] == "outer-a" and now["home"] == "outer-a", now)
    text = world.cli("cluster")
    check("away: by the hash" in text and "outer-a was" in text and "it goes to outer-a" in text, text)
    begin = last = time.monotonic()
    longest = 0
    while last < begin + 5:
        sender.send()
        sender.settled()
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    check(longest > 3 or place(world, domain)["owner"] == "outer-b", "in use, it stays")
    time.sleep(5)
    sender.send(3)
    sender.arrived()
    sender.settled()
    now = place(world, domain)
    check(now["owner"] == "outer-a" and now["state"] == "home" and now["why"] == "home", now)
    once(world, sender)


@fresh()
def case_move_and_hold(world):
    """`sallyport move`: in order and once, under traffic; held there until it is released."""
    domain = next(d for d in world.domains if home(d) == "outer-a")
    sender = Sender(world, [domain])
    for to in ("outer-b", "outer-a", "outer-b"):
        sender.send(200)
        world.cli("move", LOCAL, domain, to)
        sender.send(200)
        world.wait(lambda: place(world, domain)["owner"] == to, "it moved to " + to)
    sender.arrived()
    sender.settled()
    once(world, sender)
    now = place(world, domain)
    check(now["state"] == "held" and now["pinned"] == "outer-b" and now["why"] == "command", now)
    check("held here by command" in world.cli("cluster"), "the table says so")
    world.cli("move", LOCAL, domain, "any")
    check(place(world, domain)["state"] == "away", place(world, domain))
    for words, error in ((("move", LOCAL, domain, "any"), "not held"),
                         (("move", LOCAL, domain, "outer-c"), "no such node"),
                         (("move", domain, LOCAL, "outer-a"), "no pair"),
                         (("move", LOCAL, "a b", "outer-a"), "move takes"),
                         (("drain", "outer-c"), "no such node"),
                         (("undrain", "outer-a"), "not drained")):
        said = world.cli(*words, ok=False)
        check(error in said, (words, said))


@fresh()
def case_drain_an_outer(world):
    """`sallyport drain outer-a`: its pairs leave under traffic, once and in order; its restart ends that."""
    sender = Sender(world, world.domains)
    sender.send(20)
    world.cli("drain", "outer-a")
    sender.send(20)
    world.wait(lambda: "outer-a" not in world.owners().values(), "outer-a has no pairs")
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)
    check("by this node" in world.cli("cluster") and "outer-a was drained" in world.cli("cluster"), "it is shown")
    said = world.cli("drain", "outer-b", ok=False)
    check("no other node" in said, said)
    world.node("outer-a").stop()  # what an upgrade would do
    world.node("outer-a").start()
    world.wait_linked(world.node("inner-a"))
    state = json.loads(world.node("inner-a").control(b"cluster\n"))
    check(all(n["drained"] is None for n in state["nodes"]), state["nodes"])


@fresh()
def case_outer_drains_itself(world):
    """On its own socket: the inners take their pairs away, and foreign servers find the other outer."""
    sender = Sender(world, world.domains)
    sender.send(5)
    sender.arrived()
    stands = world.stream(us="d1.example", to=LOCAL, role="outer-a")
    world.cli("drain", "outer-a", node="outer-a")
    world.wait(lambda: "outer-a" not in world.owners().values(), "outer-a has no pairs")
    check("DRAINED" in world.cli("cluster", node="outer-a"), "it says so")
    check("by itself" in world.cli("cluster"), "the inner knows")
    stands.message("n0", to="a@" + LOCAL)
    arrived_inside(world, ["d1.example"], 1)
    try:
        world.stream(us="d2.example", to=LOCAL, role="outer-a")
        check(False, "outer-a listens")
    except OSError:
        pass
    check(b'"ok":true' in world.node("outer-a").control(b"reload\n"), "a reload does not end it")
    world.stream(us="d2.example", to=LOCAL, role="outer-b").message("n0", to="a@" + LOCAL)
    arrived_inside(world, ["d2.example"], 1)
    world.cli("undrain", "outer-a", node="outer-a")
    world.wait_linked(world.node("inner-a"))
    world.stream(us="d3.example", to=LOCAL, role="outer-a").message("n0", to="a@" + LOCAL)
    arrived_inside(world, ["d3.example"], 1)
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)


@fresh(inners=2)
def case_drain_an_inner(world):
    """An inner drains itself: what comes in goes to the other inner, in order and once."""
    peers = {d: world.stream(us=d, to=LOCAL, role="outer-a") for d in world.domains[:8]}

    def send(first, last):
        for i in range(first, last):
            for p in peers.values():
                p.message("n%d" % i, to="a@" + LOCAL)

    def owners():
        return {c["owner"] for c in world.node("outer-a").status()["channels"] if c["way"] == "out"}
    send(0, 20)
    world.cli("drain", "inner-a", node="inner-a")
    send(20, 30)
    arrived_inside(world, peers, 30)
    world.wait(lambda: "inner-a" not in owners(), "all leave it")
    send(30, 31)
    arrived_inside(world, peers, 31)
    check(owners() == {"inner-b"}, owners())
    check(len(re.findall("<body>n[0-9]+<", world.server.text)) == 31 * 8, "each came once")


@fresh(outers=3, inner_extra="route d0.example via outer-b\nroute d2.example via outer-c else outer-b "
       "else any\nroute d3.example via outer-a else outer-b")
def case_static_map_and_what_it_falls_back_to(world):
    """`route` decides before the hash; an entry may name others for the time when its nodes are not live."""
    sender = Sender(world, ["d0.example", "d2.example", "d3.example"])
    sender.send()
    sender.arrived()
    check(world.owners() == {"d0.example": "outer-b", "d2.example": "outer-c", "d3.example": "outer-a"},
          world.owners())
    check("home: route in line" in world.cli("cluster"), world.cli("cluster"))
    world.node("outer-c").stop(signal.SIGKILL)
    sender.send()
    sender.arrived()
    check(world.owners()["d2.example"] == "outer-b", world.owners())
    world.node("outer-b").stop(signal.SIGKILL)
    sender.send(1, ["d2.example", "d3.example"])
    sender.arrived(["d2.example", "d3.example"])
    check(world.owners()["d2.example"] == world.owners()["d3.example"] == "outer-a", world.owners())
    sender.send(1, ["d0.example"])  # its entry names nobody else: it waits
    world.wait(lambda: place(world, "d0.example")["state"] == "waiting", "d0.example waits")
    check("no node may have it now" in world.cli("cluster"), world.cli("cluster"))
    world.node("outer-b").start()
    sender.arrived()


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], kind=Mesh)
