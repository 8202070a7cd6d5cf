# SPDX-License-Identifier: Apache-2.0
"""Two outers and two inners over three brokers: what nodes do when one of them or a broker dies."""
import time

from bus import BROKERS, PORT, Brokers
from mesh import Sender, case_killed_outer, case_pairs_are_spread_and_stay, case_stopped_outer_is_fenced, once
from meshworld import Mesh
from natsworld import needs_nats
from world import check, fresh, run


class NatsMesh(Mesh):
    def __init__(self, outers=2, inners=2, **options):
        needs_nats()
        self.bus = Brokers(outers=["outer-a", "outer-b"], inners=["inner-a", "inner-b"], start=False)
        super().__init__(outers, inners, **options)

    def start(self):
        for name in BROKERS:
            self.bus.start(name)
        super().start()

    def close(self):
        try:
            super().close()
        finally:
            self.bus.close()

    def show(self):
        super().show()
        self.bus.show()

    def write_config(self, **extra):
        super().write_config(**extra)
        for node in self.nodes:
            keys = self.bus.path("pki/bus", node.name)
            statement = "nats %s { certificate \"%s.crt\" key \"%s.key\" trust \"%s\" }\n" % (
                " ".join("%s:%d" % (a, PORT) for a in self.bus.address.values()), keys, keys,
                self.bus.path("pki/bus/ca.crt"))
            with open(self.path(node.name + ".conf"), encoding="utf-8") as f:
                text = f.read()
            for outer in self.outers:
                text = text.replace("link %s %s:5280" % (outer.name, self.address[outer.name]),
                                    "link %s nats" % outer.name)
            text = text.replace("listen link %s:5280" % self.address[node.name], "listen link nats")
            with open(self.path(node.name + ".conf"), "w", encoding="utf-8") as f:
                f.write(statement + text)


@fresh()
def case_brokers_gone_and_back(world):
    """All brokers die and come back: nothing is lost, and every pair stays with its outer."""
    sender = Sender(world, world.domains)
    sender.send(3)
    sender.arrived()
    sender.settled()
    before = world.owners()
    for name in BROKERS:
        world.bus.stop(name)
    for node in world.nodes:
        node.wait_event("nats-down")
    sender.send(3)
    time.sleep(1.5)  # longer than a silent node lives
    for name in BROKERS:
        world.bus.start(name)
    sender.arrived()
    sender.settled()
    once(world, sender)
    check(world.owners() == before, (before, world.owners()))
    sender.no_bounce()


@fresh()
def case_brokers_killed_one_by_one(world):
    """Each broker is killed and started again in the middle of traffic: in order, nothing lost, nothing bounced."""
    sender = Sender(world, world.domains)
    sender.send(3)
    for name in BROKERS:
        sender.send(10)
        world.bus.stop(name)
        sender.send(10)
        world.bus.start(name)
        sender.arrived()
        time.sleep(0.5)  # its routes come back
    sender.settled()
    sender.no_bounce()


if __name__ == "__main__":
    run([case_pairs_are_spread_and_stay, case_killed_outer, case_stopped_outer_is_fenced] +
        [f for name, f in list(globals().items()) if name.startswith("case_broker")], kind=NatsMesh)
