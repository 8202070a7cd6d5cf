# SPDX-License-Identifier: Apache-2.0
"""The link over NATS brokers: traffic, brokers that die or hang, and a client on the bus that was taken over."""
import signal
import time

from brokers import NAMES, Client, NatsWorld
from world import FOREIGN, LOCAL, check, fresh, run


def bodies(text, count):
    """Where n0 to n(count-1) stand; each must be there once, in order."""
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


@fresh()
def case_broker_killed(world):
    """kill -9 of the broker that outer uses, in the middle of traffic both ways; then of the one that inner uses."""
    talk = Talk(world)
    for role in ("outer", "inner"):
        talk.say(50)
        node = getattr(world, role)
        broker = world.broker_of(node)
        broker.stop()
        talk.say(50)
        node.wait_event("nats-down")
        talk.arrived()
        check(world.broker_of(node) is not broker, "another broker")
        broker.start()
    check(world.outer.status()["nats"]["reconnects"] >= 1, "reconnects are counted")


@fresh()
def case_broker_hangs(world):
    """A broker that is stopped but keeps its connections is left for another one."""
    talk = Talk(world)
    talk.say(20)
    broker = world.broker_of(world.outer)
    broker.tell(signal.SIGSTOP)
    talk.say(100)
    world.outer.wait_event("nats-down")
    talk.arrived()
    check(world.broker_of(world.outer) is not broker, "another broker")
    broker.tell(signal.SIGCONT)
    talk.say(20)
    talk.arrived()


@fresh()
def case_all_brokers_gone(world):
    """Nothing is lost while there is no broker at all, and the pair stays where it was."""
    talk = Talk(world)
    talk.say(20)
    for broker in world.brokers.values():
        broker.stop()
    talk.say(20)
    for node in (world.outer, world.inner):
        node.wait_event("nats-down")
    world.wait(lambda: world.inner.status()["unlinked"], "inner says that it reaches nobody")
    unlinked = world.inner.status()["unlinked"][0]
    check(unlinked["reason"] == "nats: no broker" and unlinked["address"] == "nats", unlinked)
    time.sleep(1.5)  # longer than a silent node lives
    for broker in world.brokers.values():
        broker.start()
    talk.say(20)
    talk.arrived()


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], kind=NatsWorld)
