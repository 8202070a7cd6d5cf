# SPDX-License-Identifier: Apache-2.0
"""What can happen. Each fault runs in a field and is over, with everything healed, when run() returns."""
import time

from field import BROKERS, INNERS, OUTERS

AWAY = 3.0  # seconds that a node, a wire or a link is away


class Fault:
    """name; run(field); short: part of `make test`; isolated: needs namespaces; carrier of the link.

    patience: seconds after which a server gives up a stream whose acknowledgements do not come.
    safe: what must be 0, by whether both legs speak stream management (doc/guarantees.md).
    """

    def __init__(self, name, run, short=False, isolated=False, carrier="tcp", patience=2, safe=None):
        self.name, self.run, self.short, self.isolated, self.carrier = name, run, short, isolated, carrier
        self.patience = patience
        self.safe = safe or {True: ("lost", "disordered", "both"), False: ("disordered", "both")}


def killed(*hosts):
    def run(field):
        for host in hosts:
            field.kill(host)
        time.sleep(AWAY)
        for host in hosts:
            field.start(host)
        field.wait_whole()
    return run


def hung(*hosts):
    def run(field):
        for host in hosts:
            field.pause(host)
        time.sleep(AWAY)
        for host in hosts:
            field.resume(host)
        field.wait_whole()
    return run


def cut(host, wire, to=None):
    def run(field):
        field.cut(host, wire, to)
        time.sleep(AWAY)
        field.heal(host)
        field.wait_whole()
    return run


def restarted(*hosts):
    """As an operator does it: one after the other, each drained first."""
    def run(field):
        for host in hosts:
            field.terminate(host)
            field.start(host)
            time.sleep(0.5)
            field.wait_whole()
            time.sleep(1.0)
    return run


SPOTLESS = dict.fromkeys((True, False), ("lost", "duplicated", "disordered", "bounced", "both"))

FAULTS = [
    Fault("none", lambda field: time.sleep(AWAY), patience=60, safe=SPOTLESS),
    Fault("kill outer-a", killed("outer-a"), short=True),
    Fault("kill outer-b", killed("outer-b")),
    Fault("kill inner-a", killed("inner-a"), short=True),
    Fault("kill inner-b", killed("inner-b")),
    Fault("hang outer-a", hung("outer-a"), short=True),
    Fault("hang outer-b", hung("outer-b")),
    Fault("hang inner-a", hung("inner-a")),
    Fault("hang inner-b", hung("inner-b")),
    Fault("cut outer-a from the link", cut("outer-a", "link"), isolated=True, short=True),
    Fault("cut outer-a from the world", cut("outer-a", "public"), isolated=True),
    Fault("cut inner-a from the link", cut("inner-a", "link"), isolated=True),
    Fault("cut inner-a from the servers", cut("inner-a", "local"), isolated=True),
    Fault("cut inner-a from outer-a", cut("inner-a", "link", "outer-a"), isolated=True),
    Fault("kill outer-a and inner-a", killed("outer-a", "inner-a")),
    Fault("kill outer-a and outer-b", killed(*OUTERS)),
    Fault("kill inner-a and inner-b", killed(*INNERS)),
    Fault("hang outer-a and inner-b", hung("outer-a", "inner-b")),
    Fault("rolling restart", restarted(*OUTERS, *INNERS), short=True),
    Fault("nats: none", lambda field: time.sleep(AWAY), carrier="nats", patience=60, safe=SPOTLESS),
    Fault("nats: kill a broker", killed("broker-a"), carrier="nats"),
    Fault("nats: kill two brokers", killed("broker-a", "broker-b"), carrier="nats"),
    Fault("nats: kill all brokers", killed(*BROKERS), carrier="nats"),
    Fault("nats: hang a broker", hung("broker-a"), carrier="nats"),
    Fault("nats: cut a broker off", cut("broker-a", "link"), carrier="nats", isolated=True),
    Fault("nats: hang two brokers", hung("broker-a", "broker-c"), carrier="nats"),
    Fault("nats: hang outer-a and a broker", hung("outer-a", "broker-b"), carrier="nats"),
    Fault("nats: kill outer-a", killed("outer-a"), carrier="nats"),
    Fault("nats: hang outer-a", hung("outer-a"), carrier="nats"),
    Fault("nats: kill inner-a", killed("inner-a"), carrier="nats"),
    Fault("nats: cut inner-a from the link", cut("inner-a", "link"), carrier="nats", isolated=True),
    Fault("nats: kill outer-a and a broker", killed("outer-a", "broker-a"), carrier="nats", short=True),
    Fault("nats: rolling restart", restarted(*BROKERS, *OUTERS, *INNERS), carrier="nats"),
]


def chosen(words, short):
    return [f for f in FAULTS if (not short or f.short) and (not words or any(w in f.name for w in words))]
