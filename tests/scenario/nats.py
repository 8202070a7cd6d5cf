# SPDX-License-Identifier: Apache-2.0
"""The link over NATS brokers: traffic, brokers that die or hang, and brokers and nodes that were taken over."""
import os
import random
import re
import shutil
import signal
import time

from bus import BROKERS, Client
from linkpeer import decode, encode
from natsworld import NatsWorld
from world import FOREIGN, LOCAL, check, fresh, run

ACCEPT, DATA, TAKEN, END = 1, 2, 3, 4
TO_OUTER, TO_INNER = "lk.o.outer-a.inner-a", "lk.i.inner-a.outer-a"


def bodies(text, count):
    """n0 to n(count-1) are there once each, in order."""
    found = [text.count("<body>n%d</body>" % i) for i in range(count)]
    check(found == [1] * count, "each once: %s" % {i: f for i, f in enumerate(found) if f != 1})
    places = [text.index("<body>n%d</body>" % i) for i in range(count)]
    check(places == sorted(places), "in order")


class Talk:
    """Both directions at once, while something happens."""

    def __init__(self, world):
        self.world = world
        self.out = world.stream(us=LOCAL, to=FOREIGN, role="inner")
        self.into = world.stream()
        self.count = 0

    def say(self, count, pause=0.01):
        for _ in range(count):
            self.out.message("n%d" % self.count, sender="a@example.se", to="b@example.com")
            self.into.message("n%d" % self.count)
            self.count += 1
            time.sleep(pause)

    def arrived(self):
        last = "<body>n%d</body>" % (self.count - 1)
        self.world.server.wait_for(last)
        self.world.foreign.wait_for(last)
        bodies(self.world.server.text, self.count)
        bodies(self.world.foreign.text, self.count)


def case_traffic(world):
    """Stanzas of all sizes in both directions; what the status says."""
    talk = Talk(world)
    talk.say(100, pause=0)
    talk.arrived()
    big = "y" * 200000
    talk.out.send("<message from='a@example.se' to='b@example.com'><body>%s</body></message>" % big)
    world.foreign.wait_for("<body>%s</body>" % big)
    for node in (world.outer, world.inner):
        status = node.status()["nats"]
        check(status["up"] and status["broker"].endswith(":4222") and status["reconnects"] == 0, status)
        check(status["gaps"] == status["malformed"] == status["dropped_in"] == 0, status)
        check(not node.events("nats-trouble"), node.events("nats-trouble"))


def case_more_than_fits(world):
    """threats L18 a foreign server that does not read, over brokers: the local sender is stopped, nothing is lost."""
    text = "<message from='a@example.se' to='b@example.com'><body>%d</body><subject>" + "y" * 50000 + \
        "</subject></message>"
    stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    stream.send(text % 0)
    world.foreign.wait_for("<body>0</body>")
    world.foreign.reading.clear()
    stream.socket.settimeout(3)
    sent = 1
    try:
        while sent < 4000:
            stream.send(text % sent)
            sent += 1
    except OSError:
        pass
    check(sent < 4000, "the sender was stopped after %d stanzas" % sent)
    for node in (world.outer, world.inner):
        rss = node.status()["node"]["rss"]
        check(rss < 100e6, "memory: %d bytes" % rss)
    world.foreign.reading.set()
    world.foreign.wait_for("<body>%d</body>" % (sent - 1))
    check(world.connections() == 1, "on one connection")


@fresh()
def case_broker_killed(world):
    """kill -9 of the broker that outer uses, in the middle of traffic both ways; then of the one that inner uses."""
    talk = Talk(world)
    for node in (world.outer, world.inner):
        talk.say(50)
        broker = world.broker_of(node)
        world.bus.stop(broker)
        talk.say(50)
        node.wait_event("nats-down")
        talk.arrived()
        check(world.broker_of(node) != broker, "another broker")
        world.bus.start(broker)
    check(world.outer.status()["nats"]["reconnects"] >= 1, "reconnects are counted")


@fresh()
def case_broker_hangs(world):
    """A broker that is stopped but keeps its connections is left for another one."""
    talk = Talk(world)
    talk.say(20)
    broker = world.broker_of(world.outer)
    world.bus.processes[broker].send_signal(signal.SIGSTOP)
    talk.say(100)
    world.outer.wait_event("nats-down")
    talk.arrived()
    check(world.broker_of(world.outer) != broker, "another broker")
    world.bus.processes[broker].send_signal(signal.SIGCONT)
    talk.say(20)
    talk.arrived()


@fresh()
def case_all_brokers_gone(world):
    """Nothing is lost while there is no broker at all, for longer than a silent node lives."""
    talk = Talk(world)
    talk.say(20)
    for broker in BROKERS:
        world.bus.stop(broker)
    talk.say(20)
    for node in (world.outer, world.inner):
        node.wait_event("nats-down")
    world.wait(lambda: world.inner.status()["unlinked"], "inner says that it reaches nobody")
    unlinked = world.inner.status()["unlinked"][0]
    check(unlinked["reason"] == "nats: no broker" and unlinked["address"] == "nats", unlinked)
    check(not world.inner.status()["nats"]["up"], "and that it has no broker")
    time.sleep(1.5)
    for broker in BROKERS:
        world.bus.start(broker)
    talk.say(20)
    talk.arrived()
    check(not world.inner.status()["unlinked"], "reached again")


@fresh(outer_extra="limit queue time 2000", inner_extra="limit queue time 2000")
def case_no_broker_for_too_long(world):
    """What comes meanwhile is bounced after the age limit, once, and not delivered later."""
    talk = Talk(world)
    talk.say(20)
    talk.arrived()
    for broker in BROKERS:
        world.bus.stop(broker)
    for node in (world.outer, world.inner):
        node.wait_event("nats-down")
    for i in range(5):
        talk.out.message("late%d" % i, sender="a@example.se", to="b@example.com")
        talk.into.message("late%d" % i)
    for side in (world.server, world.foreign):
        side.wait_for("<remote-server-timeout", count=5)
    for broker in BROKERS:
        world.bus.start(broker)
    for node in (world.outer, world.inner):
        node.wait_event("link-up", count=2)
    talk.say(20)
    talk.arrived()
    for side in (world.server, world.foreign):
        check(side.text.count("<remote-server-timeout") == 5 and "<body>late" not in side.text, side.text[-2000:])


@fresh()
def case_nodes_end_without_brokers(world):
    """What nobody can have any more is bounced before a node ends."""
    talk = Talk(world)
    talk.say(20)
    talk.arrived()
    for broker in BROKERS:
        world.bus.stop(broker)
    for node in (world.outer, world.inner):
        node.wait_event("nats-down")
    talk.out.message("late", sender="a@example.se", to="b@example.com")
    talk.into.message("late")
    for node, side in ((world.inner, world.server), (world.outer, world.foreign)):
        check(node.stop() == 0, "it ends in order")
        side.wait_for("<remote-server-timeout")


@fresh()
def case_inner_killed(world):
    """kill -9 of a node: outer notices, and takes the next process at once, while the old connection still stands."""
    talk = Talk(world)
    talk.say(20)
    talk.arrived()
    world.inner.stop(signal.SIGKILL)
    world.inner.start()
    world.outer.wait_event("link-up", count=2)
    world.good = world.stream()
    world.still_works("after the restart")


@fresh()
def case_outer_not_there(world):
    """What inner says of an outer that does not answer, and how soon it finds the next process."""
    world.outer.stop()
    world.inner.wait_event("link-down")
    world.wait(lambda: world.inner.status()["unlinked"], "inner says so")
    world.wait(lambda: world.inner.status()["unlinked"][0]["reason"] == "nats: no answer from that node", "why")
    check("outer" in world.inner.status()["unlinked"][0]["cure"], "and what to do")
    world.outer.start()
    world.inner.wait_event("link-up", count=2)
    world.still_works("after the restart")


@fresh()
def case_reload(world):
    """A reload keeps the connection; new keys are used at once; a file that is not there changes nothing."""
    talk = Talk(world)
    talk.say(20)
    for node in (world.outer, world.inner):
        check(b"true" in node.control(b"reload\n"), "reload")
    talk.say(20)
    check(world.connections() == 1, "nothing happened")
    key = world.bus.path("pki/bus/inner-a.key")
    os.rename(key, key + ".away")
    check(b"true" not in world.inner.control(b"reload\n"), "refused")
    os.rename(key + ".away", key)
    os.utime(key)
    check(b"true" in world.inner.control(b"reload\n"), "reload")
    talk.say(20)
    world.outer.wait_event("link-up", count=2)
    talk.arrived()


@fresh(start=False)
def case_threats_L14_a_broker_at_another_address(world):
    """threats L14 a broker shows the certificate of another one: it is not used."""
    for suffix in (".crt", ".key"):
        shutil.copy(world.bus.path("pki/bus/broker-2" + suffix), world.bus.path("pki/bus/broker-1" + suffix))
    for role in ("outer", "inner"):
        for name in BROKERS[1:]:
            world.edit(role, " %s:4222" % world.bus.address[name], "")
    for name in BROKERS:
        world.bus.start(name)
    world.outer.start()
    world.outer.wait_event("nats-down")
    time.sleep(1.5)
    check(not world.outer.events("nats-up"), "it is not used")
    status = world.outer.status()["nats"]
    check(not status["up"] and status["why"] == "no broker takes us", status)
    check(len(world.outer.events("nats-down")) == 1, "it says so once")


@fresh(start=False)
def case_not_taken(world):
    """Brokers that do not know the node's key: it says so, and goes on trying until they do."""
    files = {name: world.bus.path("pki/bus", name + ".conf") for name in BROKERS}
    texts = {}
    for name, path in files.items():
        with open(path, encoding="utf-8") as f:
            texts[name] = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(re.sub("(pinned_certs: \\[)[^]]*", "\\1 \"%s\" " % ("0" * 64), texts[name]))
        world.bus.start(name)
    for node in (world.outer, world.inner):
        node.start()
        node.wait_event("nats-down")
        check(not node.events("nats-up") and not node.status()["nats"]["up"], "nobody takes it")
    for name, path in files.items():
        world.bus.stop(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(texts[name])
        world.bus.start(name)
    world.inner.wait_event("link-up")
    world.outer.wait_event("link-up")
    world.still_works("in the end")


@fresh(accept="inner-a inner-b")
def case_threats_L14_captured_inner(world):
    """threats L14, L18 another inner, taken over: it cannot speak as inner-a, and its flood harms nobody."""
    talk = Talk(world)
    talk.say(20)
    rng = random.Random(1)
    with Client(world.bus, "inner-b") as client:
        for i in range(3000):
            subject = (TO_OUTER, "lk.o.outer-a.inner-b", TO_INNER)[i % 3]
            client.publish(subject, (encode([1, 0, i + 1, 1 << 20]), rng.randbytes(rng.randrange(3000)))[i % 2])
            if i % 100 == 0:
                talk.say(1, pause=0)
        client.sync()
        check([e for e in client.errors if TO_OUTER in e] and [e for e in client.errors if TO_INNER in e],
              "the brokers deny what is inner-a's and outer-a's")
    talk.say(20)
    talk.arrived()
    status = world.outer.status()
    check(world.connections() == 1, "the link of inner-a did not notice")
    check(status["nats"]["refused"] > 0 and status["nats"]["malformed"] > 0, status["nats"])
    check(status["node"]["rss"] < 100e6, "memory")


class Sniffer(Client):
    """Hears all that the brokers carry."""

    def __init__(self, world):
        super().__init__(world.bus, "inner-b", broker=next(iter(world.bus.processes)))  # one that runs
        self.subscribe("lk.>")
        self.heard = []

    def listen(self):
        self.sync()
        self.heard += self.take()

    def latest(self):
        """Of what inner said to outer: both numbers, and the place in the stream that comes next."""
        self.listen()
        data = [decode(p)[0] for s, p in self.heard if s == TO_OUTER]
        data = [m for m in data if m[1] == DATA][-1]
        return data[2], data[3], data[4] + len(data[6])


@fresh(captured=True)
def case_threats_L13_captured_brokers_read_and_replay(world):
    """threats L13 what is heard on the bus tells nothing; said again, now or later, it does nothing."""
    with Sniffer(world) as sniffer:
        talk = Talk(world)
        talk.say(30)
        talk.arrived()
        sniffer.listen()
        heard = b"".join(p for _, p in sniffer.heard) + b"".join(s.encode() for s, _ in sniffer.heard)
        check(len(heard) > 10000, "it heard something")
        for secret in (b"example.se", b"example.com", b"<body>", b"n29", b"message"):
            check(secret not in heard, "heard %r" % secret)
        old = list(sniffer.heard)
        for subject, payload in old:
            sniffer.publish(subject, payload)
        talk.say(20)
        talk.arrived()
        check(world.connections() == 1, "no new connection")
        world.bus.stop(world.broker_of(world.inner))
        world.outer.wait_event("link-up", count=2)
        talk.say(20)
        talk.arrived()
        count = world.connections()
    with Sniffer(world) as sniffer:
        for subject, payload in old + old[::-1]:
            sniffer.publish(subject, payload)
        sniffer.sync()
        talk.say(20)
        talk.arrived()
        check(world.connections() == count, "the old one does not come back")


@fresh(captured=True)
def case_threats_L13_captured_brokers_forge(world):
    """threats L13, L16 bytes, credit and ends that were made up cost a connection; nothing comes twice or wrong."""
    with Sniffer(world) as sniffer:
        talk = Talk(world)
        count = 1
        for forged in (lambda to, us: [1, DATA, to, us, 1 << 40, 0, b"x"],
                       lambda to, us: [1, DATA, to, us, 0, 1 << 40, b"x"],
                       lambda to, us: [1, TAKEN, to, us, 1 << 62],
                       lambda to, us: [1, END, to, us]):
            talk.say(20)
            sniffer.publish(TO_OUTER, encode(forged(*sniffer.latest()[:2])))
            count += 1
            world.outer.wait_event("link-up", count=count)
            talk.say(20)
            talk.arrived()
        # In its place, but not what TLS sealed.
        def forged_in_place():
            to, us, at = sniffer.latest()
            sniffer.publish(TO_OUTER, encode([1, DATA, to, us, at, 0, b"\x17\x03\x03\x00\x20" + b"x" * 32]))
            return len(world.outer.events("link-up")) > count
        world.wait(forged_in_place, "a forged record breaks the connection")
        check([e for e in world.outer.events("link-closed") if e["reason"].startswith("tls: ")], "as TLS says")
        talk.say(20)
        talk.arrived()


@fresh(captured=True)
def case_threats_L18_captured_brokers_flood(world):
    """threats L18 a flood on the subjects of a link: memory stays bounded, and traffic goes on."""
    with Client(world.bus, "inner-b") as client:
        talk = Talk(world)
        talk.say(20)
        rng = random.Random(2)
        block = rng.randbytes(60000)
        for i in range(3000):
            client.publish((TO_OUTER, TO_INNER)[i % 2], (
                lambda: encode([1, 0, i + 1, 1 << 20]), lambda: rng.randbytes(100), lambda: block,
                lambda: encode([1, DATA, i + 1, i + 2, 0, 0, block]), lambda: b"")[i % 5]())
            if i % 100 == 0:
                talk.say(1, pause=0)
        talk.say(20)
        talk.arrived()
        for node in (world.outer, world.inner):
            status = node.status()
            check(status["node"]["rss"] < 150e6, "memory: %d" % status["node"]["rss"])
            check(status["nats"]["malformed"] > 0 and status["nats"]["strange"] > 0, status["nats"])


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], kind=NatsWorld)
