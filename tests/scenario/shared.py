# SPDX-License-Identifier: Apache-2.0
"""Two inners with `leases shared` over three brokers: a pair that both use goes over one outer."""
import json
import re
import signal
import time

from bus import BROKERS, PORT, Brokers
from mesh import Sender
from meshworld import Many, Mesh
from world import LOCAL, check, fresh, run

NAMES = {"outers": ["outer-a", "outer-b"], "inners": ["inner-a", "inner-b"]}


class Shared(Mesh):
    def __init__(self, leases="shared", **options):
        self.bus, self.leases = Brokers(start=False, **NAMES), leases
        super().__init__(outers=2, inners=2, **options)

    def start(self):
        for name in BROKERS:
            self.bus.start(name)
        self.bus.wait_ready()
        super().start()
        if self.leases == "shared":
            for inner in self.inners:
                inner.wait_event("leases-up")

    def close(self):
        try:
            super().close()
        finally:
            self.bus.close()

    def write_config(self, **extra):
        super().write_config(**extra)
        for node in self.nodes:
            with open(self.path(node.name + ".conf"), encoding="utf-8") as f:
                text = f.read()
            text = re.sub(r"link (outer-\w) [0-9.]+:5280", r"link \1 nats", text)
            text = re.sub(r"listen link [0-9.]+:5280", "listen link nats", text)
            keys = self.bus.path("pki/bus", node.name)
            text += 'nats %s { certificate "%s.crt" key "%s.key" trust "%s" }\n' % (
                " ".join("%s:%d" % (a, PORT) for a in self.bus.address.values()), keys, keys,
                self.bus.path("pki/bus/ca.crt"))
            if node.role == "inner":
                text += "leases %s\n" % self.leases
            with open(self.path(node.name + ".conf"), "w", encoding="utf-8") as f:
                f.write(text)

    def owners_of(self, inner):
        """The outer of each pair that this inner sends on."""
        return {c["foreign"]: c["owner"] for c in self.node(inner).status()["channels"] if c["way"] == "out"}

    def agree(self, domains):
        a, b = self.owners_of("inner-a"), self.owners_of("inner-b")
        return all(a.get(d) and a.get(d) == b.get(d) for d in domains)


def case_both_use_one_outer(world):
    """Each pair has the same outer for both inners, whoever was first."""
    a, b = Sender(world, world.domains), Sender(world, world.domains, "inner-b")
    half = len(world.domains) // 2
    a.send(1, world.domains[:half])
    b.send(1, world.domains[half:])
    world.wait(lambda: all(world.foreign.bodies(d) for d in world.domains), "the first messages")
    a.send(1, world.domains[half:])
    b.send(1, world.domains[:half])
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 2 for d in world.domains), "those of the other inner")
    world.wait(lambda: world.agree(world.domains), lambda: "one outer each: %r %r" % (
        world.owners_of("inner-a"), world.owners_of("inner-b")))
    check(len(set(world.owners_of("inner-a").values())) == 2, "both outers are used")
    a.no_bounce(), b.no_bounce()


@fresh()
def case_the_outer_of_both_dies(world):
    """kill -9: both inners find the other outer, and agree; nothing is lost."""
    a, b = Sender(world, world.domains), Sender(world, world.domains, "inner-b")
    a.send(2), b.send(2)
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 4 for d in world.domains), "the first messages")
    world.node("outer-a").stop(signal.SIGKILL)
    a.send(2), b.send(2)
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 8 for d in world.domains), "all others")
    world.wait(lambda: world.agree(world.domains), "one outer each")
    check(set(world.owners_of("inner-b").values()) == {"outer-b"}, world.owners_of("inner-b"))
    a.no_bounce(), b.no_bounce()


@fresh()
def case_without_most_brokers(world):
    """One broker of three: what moves or is new waits, and goes in order when the brokers are back; nothing bounces."""
    old, new = world.domains[:6], world.domains[6:]
    a = Sender(world, world.domains)
    a.send(1, old)
    a.arrived(old)
    for name in BROKERS[1:]:
        world.bus.stop(name)
    a.send(2, old)
    a.send(1, new)
    world.node("inner-a").wait_event("leases-down")
    for name in BROKERS[1:]:
        world.bus.start(name)
    a.arrived()
    a.no_bounce()


@fresh()
def case_an_inner_and_its_outer_die_together(world):
    """What both had waits, since they may be cut off and alive, until an operator says that the inner is dead."""
    a, b = Sender(world, world.domains), Sender(world, world.domains, "inner-b")
    a.send(1), b.send(1)
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 2 for d in world.domains), "the first messages")
    world.wait(lambda: world.agree(world.domains), "one outer each")
    of_both = [d for d, owner in world.owners_of("inner-a").items() if owner == "outer-a"]
    boot = world.node("inner-b").status()["node"]["boot"]
    world.node("inner-b").stop(signal.SIGKILL)
    world.node("outer-a").stop(signal.SIGKILL)
    a.send(1)
    others = [d for d in world.domains if d not in of_both]
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 3 for d in others), "those of the outer that lives")
    world.node("inner-a").wait_event("link-down", peer="outer-a")
    holders = [c["lease"]["holders"] for c in world.node("inner-a").status()["channels"]
               if c["way"] == "out" and c["foreign"] in of_both]
    check(of_both and all({"node": "inner-b", "boot": boot} in those for those in holders), holders)
    for words, error in ((("inner-a", str(boot)), "lives"), (("inner-b", "b1"), "is a number"),
                         (("inner-b", "0"), "is a number"), (("inner-b",), "expel takes")):
        said = world.cli("expel", *words, ok=False)
        check(error in said, (words, said))
    check("no leases are shared" in world.cli("expel", "inner-b", str(boot), node="outer-b", ok=False), "outer")
    advice = "waits, and the node that had it is not there: inner-b (boot %d) does not give it up; if it is dead for " \
        "good: sallyport expel inner-b %d" % (boot, boot)
    world.wait(lambda: world.cli("cluster").count(advice) == len(of_both), lambda: world.cli("cluster"))
    places = [p for p in json.loads(world.node("inner-a").control(b"cluster\n"))["pairs"] if p["foreign"] in of_both]
    check(all(p["place"]["state"] == "blocked" and p["lease"]["owner"] == "outer-a" and p["lease"]["epoch"] > 0 and
              p["lease"]["holders"] == p["place"]["silent"] == [{"node": "inner-b", "boot": boot}]
              for p in places), places)
    world.cli("expel", "inner-b", str(boot - 1))
    check(all(len(world.foreign.bodies(d)) == 2 for d in of_both), "another process of it is not meant")
    world.cli("expel", "inner-b", str(boot))
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 3 for d in of_both), "they go on")
    check(set(world.owners_of("inner-a").values()) == {"outer-b"}, world.owners_of("inner-a"))
    a.no_bounce()


def both_and_one_dies(world):
    """Both inners use all pairs, and inner-b is killed: inner-a's streams, and the pairs that both had at outer-a."""
    a, b = Sender(world, world.domains), Sender(world, world.domains, "inner-b")
    a.send(1), b.send(1)
    world.wait(lambda: all(len(world.foreign.bodies(d)) >= 2 for d in world.domains), "the first messages")
    world.wait(lambda: world.agree(world.domains), "one outer each")
    theirs = [d for d, owner in world.owners_of("inner-a").items() if owner == "outer-a"]
    check(theirs, "outer-a has some")
    world.node("inner-b").stop(signal.SIGKILL)
    return a, theirs


def goes_on(world, a, n):
    """Within some seconds, far less than a message waits before it comes back."""
    begin = time.monotonic()
    a.send(n)
    a.arrived()
    check(time.monotonic() - begin < 8, "it took %.1f s" % (time.monotonic() - begin))


@fresh()
def case_an_inner_dies_and_its_outer_is_set_aside(world):
    """The dead inner's row keeps a pair at the outer that is drained: it goes on there, and leaves when it may."""
    a, theirs = both_and_one_dies(world)
    world.cli("drain", "outer-a")
    goes_on(world, a, 2)
    goes_on(world, a, 5)
    check(all(world.owners_of("inner-a")[d] == "outer-a" for d in theirs), world.owners_of("inner-a"))
    check(world.cli("cluster").count("stays here: inner-b (boot ") == len(theirs), world.cli("cluster"))
    world.node("inner-b").start()
    world.wait_linked(world.node("inner-b"))
    again = Sender(world, theirs, "inner-b")
    again.count = {d: a.count[d] for d in theirs}
    again.send(1)
    world.wait(lambda: "outer-a" not in world.owners_of("inner-a").values(), "the order is carried out")
    again.arrived()
    again.no_bounce(), a.no_bounce()


@fresh()
def case_an_inner_dies_and_its_outer_restarts(world):
    """The same while the outer drains itself, ends, and comes back."""
    a, theirs = both_and_one_dies(world)
    world.cli("drain", "outer-a", node="outer-a")
    goes_on(world, a, 5)
    world.node("outer-a").stop()
    a.send(2)
    world.node("outer-a").start()
    world.wait_linked(world.node("outer-a"), ["inner-a"])
    goes_on(world, a, 2)
    world.wait(lambda: all(world.owners_of("inner-a")[d] for d in theirs), "all have an owner")
    a.no_bounce()


@fresh()
def case_an_inner_dies_and_a_server_is_away(world):
    """A foreign server is down for a while: what is for it comes back soon, not after a minute; later it goes on."""
    a, theirs = both_and_one_dies(world)
    world.foreign.close()
    begin = time.monotonic()
    a.send(1, theirs[:1])
    world.server.wait_for("<remote-server-")
    check(time.monotonic() - begin < 10, "it took %.1f s" % (time.monotonic() - begin))
    world.foreign = Many(world, world.address["foreign"], world.domains[0])

    def arrives():
        a.send(1, theirs[:1])
        time.sleep(0.5)
        return world.foreign.bodies(theirs[0])
    world.wait(arrives, "it goes on")


@fresh(start=False)
def case_a_reload_cannot_change_it(world):
    """`leases own` takes a restart: the reload is refused, and the node goes on."""
    world.start()
    world.leases = "own"
    world.write_config()
    answer = world.node("inner-a").control(b"reload\n")
    check(b"takes a restart" in answer, answer)
    a = Sender(world, world.domains[:1])
    a.send(1)
    a.arrived()


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], kind=Shared)
