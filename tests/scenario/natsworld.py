# SPDX-License-Identifier: Apache-2.0
"""The world of the scenarios, with the link over three real brokers."""
import os
import subprocess
import sys

from bus import BROKERS, PORT, SERVER, Brokers
from world import Failure, Skip, World

# A broker that was taken over lets everybody read and say everything.
CAPTURED = """server_name: {name}
listen: "{address}:4222"
tls {{ cert_file: "{keys}/{name}.crt", key_file: "{keys}/{name}.key", ca_file: "{keys}/ca.crt", verify: true }}
cluster {{ name: bus, listen: "{route}:6222", routes: [{routes}] }}
"""


def needs_nats():
    """What the link over brokers needs: brokers, and daemons that were built for it."""
    if not os.path.exists(SERVER):
        raise Skip("there is no nats-server")
    outer = os.path.join(os.environ.get("SALLYPORT_BUILD") or sys.argv[1], "src/outer/sallyport-outer")
    if "nats" not in subprocess.run([outer, "-V"], capture_output=True, text=True, check=True).stdout:
        raise Skip("the programs were built without libnats")


class NatsWorld(World):
    def __init__(self, captured=False, accept="inner-a", **options):
        """captured: the brokers obey anybody. accept: the inners that outer takes."""
        needs_nats()
        self.accept = accept
        self.bus = Brokers(outers=["outer-a"], inners=["inner-a", "inner-b"], start=False)
        for name in BROKERS if captured else ():
            self.write_captured(name)
        super().__init__(**options)

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

    def write_captured(self, name):
        routes = ", ".join('"nats-route://%s:6222"' % a for n, a in self.bus.route_address.items() if n != name)
        with open(self.bus.path("pki/bus", name + ".conf"), "w", encoding="utf-8") as f:
            f.write(CAPTURED.format(name=name, address=self.bus.address[name], route=self.bus.route_address[name],
                                    keys=self.bus.path("pki/bus"), routes=routes))

    def write_config(self, **changes):
        super().write_config(**changes)
        for role, here in (("outer", "listen link "), ("inner", "link outer-a ")):
            self.edit(role, here + self.address["outer"] + ":5280", self.statement(role) + "\n" + here + "nats")
        self.edit("outer", "accept inner-a\n", "accept %s\n" % self.accept)

    def statement(self, role):
        keys = self.bus.path("pki/bus", role + "-a")
        return "nats %s { certificate \"%s.crt\" key \"%s.key\" trust \"%s\" }" % (
            " ".join("%s:%d" % (a, PORT) for a in self.bus.address.values()), keys, keys,
            self.bus.path("pki/bus/ca.crt"))

    def edit(self, role, old, new):
        with open(self.path(role + ".conf"), encoding="utf-8") as f:
            text = f.read()
        if old not in text:
            raise Failure("%s.conf has no %r" % (role, old))
        with open(self.path(role + ".conf"), "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def broker_of(self, node):
        """The broker that a node uses now, or used last."""
        address = node.status()["nats"]["broker"].split(":")[0]
        return next(n for n, a in self.bus.address.items() if a == address)

    def connections(self):
        """How often the link was made anew."""
        return self.outer.status()["links"][0]["connections"]
