#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make demo CLUSTER=1: two outers, two inners and three brokers between two real servers; one of the outers dies."""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TOP + "/tests/chaos", TOP + "/tests/interop"]
sys.dont_write_bytecode = True

from field import BROKERS, INNERS, LOCAL, OUTERS, Field  # noqa: E402
from lab import attach, dns  # noqa: E402
from lab.net import LabError  # noqa: E402
from lab.prosody import Prosody  # noqa: E402
from lab.xmpp import Client, Timeout  # noqa: E402

FOREIGN = "example.com"
A, B = "alice@" + LOCAL, "bob@" + FOREIGN
PASSWORD = "secret"
MESSAGES, PAUSE = 200, 0.04  # each way

PICTURE = """
                            ┌─ outer-a ─┐              ┌─ inner-a ─┐
   example.com ── public ───┤           ├── brokers ───┤           ├─── local ── example.se
   Prosody                  └─ outer-b ─┘  a   b   c   └─ inner-b ─┘             Prosody
"""


def say(text=""):
    print(text, flush=True)


class Cluster(Field):
    """The field of the fault campaign with a Prosody at each end."""

    def __init__(self, build, net):
        self.clients = []
        super().__init__(build, net=net, carrier="nats")

    def foreign_names(self):
        return [FOREIGN, "conference." + FOREIGN]

    def name_records(self):
        found = [dns.a("xmpp." + FOREIGN, self.addr("public", "foreign"))]
        found += [dns.srv(name, "xmpp." + FOREIGN) for name in self.foreign_names()]
        for outer in OUTERS:
            found += [dns.a("%s.%s" % (outer, LOCAL), self.addr("public", outer)),
                      dns.srv(LOCAL, "%s.%s" % (outer, LOCAL))]
        return found

    def inner_words(self, node):
        return "steer %s:%d" % (self.addr("local", node), self.net.dns_port)

    def _crowds(self):
        self._prosody("inside", LOCAL, "local", "mint/ca.crt")
        self._prosody("foreign", FOREIGN, "public", "lab/ca.crt")

    def _prosody(self, host, domain, wire, trust):
        cli = os.path.join(self.build, "src/cli/sallyport")
        folder = self.path(host)
        os.mkdir(folder)
        trusted = folder + "/trust.pem"
        shutil.copyfile("%s/%s" % (self.pki, trust), trusted)
        if host == "inside":
            lines = attach.recipe(cli, "prosody", self.path("inner-a.conf"), trusted)
        else:
            lines = attach.public_recipe(cli, "prosody", self.path("public.conf"), trusted, domain=domain,
                                         proof="certificates", dns=self.resolver)
        server = Prosody(self.net, host, self.addr(wire, host), folder, domain=domain, attach=lines, acks=True,
                         own=["%s/lab/%s.%s" % (self.pki, domain, end) for end in ("crt", "key")],
                         users={"%s@%s" % (user, domain): PASSWORD for user in ("alice", "bob")})
        self.processes[host] = server.process
        server.process.start()
        server.process.wait_port(server.addr, 5222)

    def client(self, jid, host, wire):
        client = Client(self.net, host, self.addr(wire, host), jid, PASSWORD).connect()
        self.clients.append(client)
        client.presence()
        return client

    def cluster(self, node):
        cli = os.path.join(self.build, "src/cli/sallyport")
        done = subprocess.run([cli, "-s", self.path(node + ".sock"), "cluster"], capture_output=True, text=True,
                              timeout=10)
        for line in (done.stdout or done.stderr).splitlines():
            say("    " + line)

    def owner(self):
        """The outer that owns the demo's pair, and the inner that sends on it."""
        for inner in INNERS:
            for c in self.ask(inner, "status")["channels"]:
                if c["way"] == "out" and c["foreign"] == FOREIGN:
                    return c["owner"], inner
        raise LabError("nobody owns the pair")

    def close(self):
        for client in self.clients:
            client.close()
        super().close()


def numbers(client, word):
    """The numbers of the messages that came, in the order of their arrival."""
    return [int(m.group(1)) for s in client.got
            if s.kind == "message" and s.body and (m := re.fullmatch(word + " ([0-9]+)", s.body))]


def verdict(name, got):
    first = list(dict.fromkeys(got))
    lost = MESSAGES - len(set(got))
    order = "in order" if first == sorted(first) else "NOT in order"
    say("  %-28s %d sent, %d arrived, %d lost, %d twice, %s" % (
        name, MESSAGES, len(set(got)), lost, len(got) - len(first), order))
    return lost == 0 and first == sorted(first)


def run(field):
    say("1. Two outers, two inners, three brokers\n%s" % PICTURE)
    if not field.net.isolated:
        say("  Network namespaces are not permitted here: every host is a loopback address.\n")
    alice, bob = field.client(A, "inside", "local"), field.client(B, "foreign", "public")
    alice.message(B, "hello")
    bob.wait(lambda s: s.body == "hello", 30, "the first message")
    bob.message(alice.jid, "hello, too")
    alice.wait(lambda s: s.body == "hello, too", 30, "the answer")
    owner, inner = field.owner()
    say("2. As %s sees the cluster (sallyport cluster)\n" % inner)
    field.cluster(inner)
    say("\n3. Both talk, %d messages each way, 25 a second." % MESSAGES)
    say("   In the middle: kill -9 %s, which owns the pair" % owner)
    for n in range(MESSAGES):
        alice.message(B, "from inside %d" % n)
        bob.message(alice.jid, "from outside %d" % n)
        time.sleep(PAUSE)
        if n == MESSAGES // 2:
            field.kill(owner)
            say("   message %d: %s is dead" % (n, owner))
    try:
        bob.wait(lambda s: s.body == "from inside %d" % (MESSAGES - 1), 60, "the last message to the outside")
        alice.wait(lambda s: s.body == "from outside %d" % (MESSAGES - 1), 60, "the last message to the inside")
    except Timeout as late:
        say("   " + str(late))
    time.sleep(1)
    say("\n4. After it\n")
    field.cluster(inner)
    say()
    good = verdict("from inside to outside", numbers(bob, "from inside"))
    good = verdict("from outside to inside", numbers(alice, "from outside")) and good
    say("\n%s" % ("Nothing was lost." if good else "SOMETHING WAS LOST."))
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--net", choices=["namespaces", "loopback"])
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Cluster(os.path.abspath(args.build), args.net) as field:
            return run(field)
    except (LabError, Timeout) as problem:
        say("demo: " + str(problem))
        return 1


if __name__ == "__main__":
    sys.exit(main())
