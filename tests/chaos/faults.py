# SPDX-License-Identifier: Apache-2.0
"""What can happen. Each fault runs in a field and is over, with everything healed, when run() returns.

A fault is some deeds that begin together and, AWAY seconds later, end together. Outer-a and outer-b are alike: each has
half of the pairs. Inner-a and inner-b are not: the local server speaks to inner-a, and to inner-b if it has to. Brokers
are alike but for the one that leads the bucket of leases; the field knows which one that is when the fault begins.
"""
import time
from collections import namedtuple

from field import BROKERS, FOLLOWER, INNERS, LEADER, OUTERS, THIRD

AWAY = 3.0  # seconds that a node, a wire or a link is away
NODES = OUTERS + INNERS
ALL = (LEADER, FOLLOWER, THIRD)
NAMES = {ALL: "all brokers", (FOLLOWER, THIRD): "both followers"}
LINK, WORLD, SERVERS = "link", "public", "local"  # wires
WIRE_NAMES = {LINK: "the link", WORLD: "the world", SERVERS: "the servers"}

# Times in ns of CLOCK_MONOTONIC: the first deed begins, all have begun, the first ends, everything is whole again.
Span = namedtuple("Span", "start begun healing end")


class Deed:
    """What befalls some hosts at once, and how it reads."""

    def __init__(self, text, hosts, begin, end, kind):
        self.text, self.hosts, self.kind = text, hosts, kind
        self.begin, self.end = begin, end  # of (field, host, names): for each host


def listed(hosts):
    if hosts in NAMES:
        return NAMES[hosts]
    return "%s and %s" % hosts if len(hosts) == 2 else hosts[0]


def kill(*hosts):
    return Deed("kill " + listed(hosts), hosts, lambda field, host, _: field.kill(host),
                lambda field, host, _: field.start(host), "kill")


def hang(*hosts):
    return Deed("hang " + listed(hosts), hosts, lambda field, host, _: field.pause(host),
                lambda field, host, _: field.resume(host), "hang")


def cut(*hosts, wire=LINK, to=()):
    """From everything on the wire, or from some hosts on it. A broker has no other wire."""
    brokers = not set(hosts) & set(NODES)
    way = " from " + listed(to) if to else " off" if brokers else " from " + WIRE_NAMES[wire]
    return Deed("cut " + listed(hosts) + way, hosts,
                lambda field, host, names: field.cut(host, wire, [names[t] for t in to]),
                lambda field, host, _: field.heal(host), "cut" if wire == LINK and not to else "part")


def named(deeds):
    return " and ".join([deeds[0].text] + [d.text.removeprefix("cut ") for d in deeds[1:]]) if deeds else "none"


class Fault:
    """name; run(field) returns its Span; carrier of the link; acks: the legs' stream management, True and False.

    patience: seconds after which a server gives up a stream whose acknowledgements do not come.
    safe: what must be 0 for each of acks (doc/guarantees.md).
    """

    def __init__(self, deeds, carrier, acks):
        self.deeds, self.carrier, self.acks = deeds, carrier, acks
        self.name = ("nats: " if carrier == "nats" else "") + named(deeds)
        self.isolated = any(d.kind in ("cut", "part") for d in deeds)
        self.patience = 2 if deeds else 60
        self.hosts = {host for deed in deeds for host in deed.hosts}
        self.safe = {managed: self.promised(managed) for managed in acks}

    def run(self, field):
        names = field.names()
        done = [(deed, names[host]) for deed in self.deeds for host in deed.hosts]
        start = time.monotonic_ns()
        for deed, host in done:
            deed.begin(field, host, names)
        begun = time.monotonic_ns()
        time.sleep(AWAY)
        healing = time.monotonic_ns()
        for deed, host in done:
            deed.end(field, host, names)
        field.wait_whole()
        return Span(start, begun, healing, time.monotonic_ns())

    def promised(self, managed):
        """Without stream management only a node that dies takes something along."""
        mortal = any(deed.kind == "kill" and set(deed.hosts) & set(NODES) for deed in self.deeds)
        safe = ["disordered", "both"]
        safe += ["lost"] if managed or not mortal else []
        # Without acknowledgements what the kernel has counts as delivered and is left to arrive, however late.
        safe += ["unsettled", "stale", "fenced"] if managed else []
        return safe + ([] if self.deeds else ["duplicated", "bounced"])

    def cut_off(self):
        """Nodes that hear no node of the other role meanwhile."""
        return {host for deed in self.deeds if deed.kind == "cut" for host in deed.hosts if host in NODES}

    def replaced(self):
        """Nodes that were stopped or cut off, live on, and have a mate that nothing befell, which has their pairs."""
        if not self.hosts <= set(NODES):
            return set()  # a mate without a broker is given up, too
        away = {host for deed in self.deeds if deed.kind in ("hang", "cut") for host in deed.hosts}
        return {host for host in away for role in (OUTERS, INNERS) if host in role and not self.hosts >= set(role)}


class Restart(Fault):
    """As an operator does it: one after the other, each drained first. Nothing is lost, and nothing comes twice."""

    def __init__(self, hosts, carrier, acks):
        super().__init__([], carrier, acks)
        self.name = ("nats: " if carrier == "nats" else "") + "rolling restart"
        self.patience, self.order = 2, hosts

    def promised(self, managed):
        return [what for what in super().promised(managed) if what != "bounced"]

    def run(self, field):
        start = time.monotonic_ns()
        for host in self.order:
            field.terminate(host)
            field.start(host)
            time.sleep(0.5)
            field.wait_whole()
            time.sleep(1.0)
        return Span(start, start, start, time.monotonic_ns())


BOTH, WITH, NOT = (True, False), (True,), ()  # with and without stream management; only with; not with this carrier

# What, with tcp, with nats
TABLE = [
    # A node
    ([], BOTH, WITH),
    ([kill("outer-a")], BOTH, BOTH),
    ([kill("inner-a")], BOTH, BOTH),
    ([kill("inner-b")], WITH, NOT),
    ([hang("outer-a")], BOTH, BOTH),
    ([hang("inner-a")], BOTH, BOTH),
    ([hang("inner-b")], WITH, NOT),
    ([cut("outer-a")], BOTH, WITH),
    ([cut("inner-a")], BOTH, WITH),
    ([cut("outer-a", wire=WORLD)], BOTH, NOT),
    ([cut("inner-a", wire=SERVERS)], BOTH, NOT),
    # All of a role
    ([kill(*OUTERS)], BOTH, WITH),
    ([kill(*INNERS)], BOTH, WITH),
    ([hang(*OUTERS)], BOTH, WITH),
    ([hang(*INNERS)], BOTH, WITH),
    ([cut(*OUTERS)], BOTH, NOT),
    ([cut(*OUTERS, wire=WORLD)], BOTH, NOT),
    ([cut(*INNERS, wire=SERVERS)], BOTH, NOT),
    # One of each role: the inner that the local server speaks to, or the other one
    ([kill("outer-a", "inner-a")], BOTH, BOTH),
    ([kill("outer-a", "inner-b")], WITH, WITH),
    ([hang("outer-a", "inner-a")], BOTH, WITH),
    ([hang("outer-a", "inner-b")], BOTH, WITH),
    ([cut("outer-a", "inner-a")], BOTH, WITH),
    ([cut("outer-a", "inner-b")], WITH, NOT),
    # Lines; the second leaves each node one
    ([cut("inner-a", to=("outer-a",))], BOTH, NOT),
    ([cut("inner-a", to=("outer-a",)), cut("inner-b", to=("outer-b",))], BOTH, NOT),
    # Brokers, and the lines between them
    ([kill(LEADER)], NOT, BOTH),
    ([kill(FOLLOWER)], NOT, WITH),
    ([kill(LEADER, FOLLOWER)], NOT, BOTH),
    ([kill(*ALL)], NOT, BOTH),
    ([hang(LEADER)], NOT, BOTH),
    ([hang(FOLLOWER)], NOT, WITH),
    ([hang(LEADER, FOLLOWER)], NOT, WITH),
    ([hang(*ALL)], NOT, BOTH),
    ([cut(LEADER)], NOT, BOTH),
    ([cut(FOLLOWER)], NOT, WITH),
    ([cut(LEADER, FOLLOWER)], NOT, WITH),
    ([cut(*ALL)], NOT, WITH),
    ([cut(LEADER, to=(FOLLOWER,))], NOT, WITH),
    ([cut(LEADER, to=(FOLLOWER, THIRD))], NOT, BOTH),
    # A node and a broker
    ([kill("outer-a", LEADER)], NOT, BOTH),
    ([kill("inner-a", LEADER)], NOT, BOTH),
    ([hang("outer-a", LEADER)], NOT, WITH),
    ([hang("inner-a", LEADER)], NOT, WITH),
    ([cut("outer-a"), cut(LEADER)], NOT, WITH),
    ([cut("inner-a"), cut(LEADER)], NOT, WITH),
]
# Part of `make test`
SHORT = {"kill outer-a", "kill inner-a", "hang outer-a", "cut outer-a from the link", "rolling restart",
         "nats: kill outer-a and the leader"}

FAULTS = [Fault(deeds, "tcp", tcp) for deeds, tcp, _ in TABLE if tcp]
FAULTS += [Restart(NODES, "tcp", BOTH)]
FAULTS += [Fault(deeds, "nats", nats) for deeds, _, nats in TABLE if nats]
FAULTS += [Restart(BROKERS + NODES, "nats", BOTH)]


def chosen(words, short, acks):
    """Those that a word names, or that have it in their names."""
    names = {f.name for f in FAULTS}

    def wanted(fault):
        return not words or any(w == fault.name or w not in names and w in fault.name for w in words)
    return [f for f in FAULTS if acks in f.acks and (not short or f.name in SHORT) and wanted(f)]
