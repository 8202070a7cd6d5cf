# SPDX-License-Identifier: Apache-2.0
"""The field of a fault campaign: two outers and two inners between two servers, each a host of its own.

    foreign ──public── outer-a, outer-b ──link── inner-a, inner-b ──local── inside
                                          │
                              broker-a, broker-b, broker-c     (carrier nats)

Both servers are sallyport-crowd: a stream for each pair of domains, messages at a steady rate.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
sys.dont_write_bytecode = True
from lab import dns, keys  # noqa: E402
from lab.net import LabError, make_net, namespaces_permitted  # noqa: E402, F401
from lab.proc import Process  # noqa: E402

LOCAL = "example.se"
OUTERS, INNERS = ("outer-a", "outer-b"), ("inner-a", "inner-b")
BROKERS = ("broker-a", "broker-b", "broker-c")
LEADER, FOLLOWER, THIRD = "the leader", "a follower", "the other follower"  # brokers, by what they are for the leases
# The last octet of each host, on whatever wire it has.
AT = {"foreign": 20, "outer-a": 11, "outer-b": 12, "inner-a": 21, "inner-b": 22, "inside": 5,
      "broker-a": 31, "broker-b": 32, "broker-c": 33}
WIRES = {"public": ["foreign", *OUTERS], "link": [*OUTERS, *INNERS, *BROKERS], "local": [*INNERS, "inside"]}
LIFTED = ["address connections", "network connections", "address attempts", "network attempts", "address handshakes",
          "network handshakes", "address verifications", "address bytes", "target attempts", "pair stanzas",
          "pair bytes", "pair recipients", "pair requests", "domain destinations"]

OUTER = """node {node}
domain {local} {{ certificate "{pki}/lab/{local}.crt" key "{pki}/lab/{local}.key" }}
listen s2s {public}:5269
{nats}
listen link {link} {{
  certificate "{pki}/link/{node}.crt" key "{pki}/link/{node}.key" trust "{pki}/link/ca.crt" accept inner-a inner-b
}}
resolver {dns}
trust "{pki}/lab/ca.crt"
dialback secret "{pki}/dialback.secret"
peer any {{ require tls accept pkix }}
allow address {reachable}
control "{folder}/{node}.sock"
stream-management {management}
{limits}
"""

INNER = """node {node}
{nats}
{links}
server main {server}:5269 {{ domain {local} trust "{pki}/lab/ca.crt" accept pkix }}
listen s2s {address}:5269
mint {{ certificate "{pki}/mint/ca.crt" key "{pki}/mint/ca.key" }}
dialback secret "{pki}/dialback.secret"
control "{folder}/{node}.sock"
stream-management {management}
{limits}
{more}
"""

LINK = """link {outer} {address} {{
  certificate "{pki}/link/{node}.crt" key "{pki}/link/{node}.key" trust "{pki}/link/ca.crt"
}}"""


NATS = """nats {brokers} {{
  certificate "{pki}/bus/{node}.crt" key "{pki}/bus/{node}.key" trust "{pki}/bus/ca.crt"
}}"""


class Field:
    """pairs and rate (messages a second in each direction); acks: stream management on both legs.

    carrier: tcp or nats; patience: seconds that a server waits for an acknowledgement that it asked for.
    """

    def __init__(self, build, pairs=100, rate=2500, acks=True, net=None, carrier="tcp", patience=2):
        self.carrier, self.patience = carrier, patience
        self.build, self.pairs, self.rate, self.acks = os.path.abspath(build), pairs, rate, acks
        self.folder = tempfile.mkdtemp(prefix="sallyport-chaos-")
        os.chmod(self.folder, 0o755)
        self.net = make_net(net)
        self.processes, self.stopped = {}, set()

    def __enter__(self):
        try:
            self._wires()
            self._keys()
            self._name_server()
            if self.carrier == "nats":
                self._brokers()
            self._nodes()
            self._crowds()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *what):
        self.close()

    def addr(self, wire, host):
        return self.net.addr(wire, AT[host])

    def path(self, name):
        return os.path.join(self.folder, name)

    # What stands where

    def _wires(self):
        if not self.net.isolated:
            return
        for host in AT:
            self.net.add_host(host)
        for wire, hosts in WIRES.items():
            self.net.add_lan(wire, {host: AT[host] for host in hosts})

    def _keys(self):
        self.pki = self.path("pki")
        foreign = "+".join(self.foreign_names())
        keys.pki_init(os.path.join(self.build, "src/cli/sallyport"), self.pki,
                      *[w for n in OUTERS for w in ("--outer", n)], *[w for n in INNERS for w in ("--inner", n)],
                      *self._broker_words(), "--domain", LOCAL,
                      "--lab", "--lab-domain", LOCAL, "--lab-domain", foreign)

    def _broker_words(self):
        if self.carrier != "nats":
            return []
        return [w for b in BROKERS for w in ("--broker", "%s=%s" % (b, self.addr("link", b)))]

    def _brokers(self):
        """As doc/cluster.md has it: three, each with the file that sallyport writes for it."""
        store = self.path("store")
        done = subprocess.run([os.path.join(self.build, "src/cli/sallyport"), "nats", "config", self.pki,
                               "--store", store, *self._broker_words(), *[w for n in OUTERS for w in ("--outer", n)],
                               *[w for n in INNERS for w in ("--inner", n)]], capture_output=True, text=True)
        if done.returncode:
            raise LabError("sallyport nats config: " + done.stderr)
        os.makedirs(store, exist_ok=True)
        for broker in BROKERS:
            self.processes[broker] = Process(
                self.net, broker, ["nats-server", "-c", "%s/bus/%s.conf" % (self.pki, broker)],
                self.path(broker + ".log")).start()
        for broker in BROKERS:
            self.processes[broker].wait_port(self.addr("link", broker), 4222)

    def foreign_names(self):
        return ["f%04u.example" % number for number in range(self.pairs)]

    def name_records(self):
        return [dns.a(name, self.addr("public", "foreign")) for name in self.foreign_names()]

    def inner_words(self, node):
        """More statements for the configuration of an inner."""
        return ""

    def _name_server(self):
        address = self.addr("public", "foreign")
        os.mkdir(self.path("dns"))
        server = dns.NameServer(self.net, "foreign", address, self.path("dns"), self.name_records())
        self.processes["dns"] = server.process
        server.start()
        self.resolver = "%s:%d" % (address, server.port)

    def _nodes(self):
        common = {"pki": self.pki, "local": LOCAL, "folder": self.folder, "dns": self.resolver,
                  "server": self.addr("local", "inside"), "management": "on" if self.acks else "off",
                  "reachable": "198.51.100.0/24" if self.net.isolated else "127.0.0.0/8"}
        nats = self.carrier == "nats"
        brokers = " ".join(self.addr("link", b) + ":4222" for b in BROKERS)
        for node in OUTERS + INNERS:
            role = node.split("-")[0]
            program = os.path.join(self.build, "src", role, "sallyport-" + role)
            values = dict(common, node=node, limits=lifted(program),
                          nats=NATS.format(brokers=brokers, pki=self.pki, node=node) if nats else "")
            if role == "outer":
                values.update(public=self.addr("public", node),
                              link="nats" if nats else self.addr("link", node) + ":5280")
            else:
                links = [LINK.format(outer=o, address="nats" if nats else self.addr("link", o) + ":5280", node=node,
                                     pki=self.pki) for o in OUTERS]
                values.update(address=self.addr("local", node), links="\n".join(links),
                              more=("leases shared\n" if nats else "") + self.inner_words(node))
            with open(self.path(node + ".conf"), "w") as out:
                out.write((OUTER if role == "outer" else INNER).format(**values))
            self.processes[node] = Process(self.net, node, [program, "-c", self.path(node + ".conf")],
                                           self.path(node + ".log"))
            self.processes[node].start()
        self.wait_whole()

    def _crowds(self):
        """Each listens where the nodes look for it, and dials the nodes of its side."""
        ways = {"foreign": ("f%.example", LOCAL, ",".join(self.addr("public", n) + ":5269" for n in OUTERS)),
                "inside": (LOCAL, "f%.example", ",".join(self.addr("local", n) + ":5269" for n in INNERS))}
        for host, (own, peer, to) in ways.items():
            stem = LOCAL if host == "inside" else self.foreign_names()[0]
            wire = "local" if host == "inside" else "public"
            argv = [os.path.join(self.build, "bench/crowd/sallyport-crowd"),
                    "--listen", self.addr(wire, host) + ":5269",
                    "--connect", to, "--own", own, "--peer", peer, "--pairs", str(self.pairs), "--rate", str(self.rate),
                    "--certificate", "%s/lab/%s.crt" % (self.pki, stem), "--key", "%s/lab/%s.key" % (self.pki, stem),
                    "--log", self.path(host + ".rows"), "--settle", "30",
                    "--patience", str(self.patience)]
            argv += ["--spread"] if host == "foreign" else []
            argv += ["--acks"] if self.acks else []
            self.processes[host] = Process(self.net, host, argv, self.path(host + ".log"))
        for host in ways:
            self.processes[host].start()

    # Looking

    def ask(self, node, *words):
        done = subprocess.run([os.path.join(self.build, "src/cli/sallyport"), "-s", self.path(node + ".sock"), *words,
                               "--json"], capture_output=True, text=True, timeout=10)
        if done.returncode:
            raise LabError("sallyport %s at %s: %s" % (" ".join(words), node, done.stderr.strip()))
        return json.loads(done.stdout)

    def linked(self, node):
        try:
            status = self.ask(node, "status")
        except (LabError, ValueError, subprocess.TimeoutExpired):
            return False
        return sum(1 for link in status["links"] if link["up"]) == 2

    def wait_linked(self, node, patience=20):
        self.wait(lambda: self.linked(node), "%s has both links" % node, patience)

    def wait_whole(self):
        """Every node has both links."""
        for node in OUTERS + INNERS:
            self.wait_linked(node)

    def wait(self, ready, what, patience=20):
        end = time.monotonic() + patience
        while not ready():
            if time.monotonic() > end:
                raise LabError("waited in vain until %s\n%s" % (what, self.tails()))
            time.sleep(0.05)

    def tails(self):
        return "\n".join("--- %s\n%s" % (name, p.tail(3)) for name, p in self.processes.items()
                         if os.path.exists(p.log))

    def owners(self):
        """{number of the pair: outer} of the pairs that the inners send on."""
        return {int(c["foreign"][1:5]): c["owner"] for inner in INNERS for c in self.ask(inner, "status")["channels"]
                if c["way"] == "out"}

    def leader(self):
        """The broker that leads the bucket of leases: the last one that said so."""
        said = [(line.split(" [INF] ")[0].split("] ")[-1], broker) for broker in BROKERS
                for line in self.processes[broker].log_text().splitlines()
                if "new stream leader for 'INNER > KV_leases'" in line]
        if not said:
            raise LabError("no broker leads the bucket")
        return max(said)[1]

    def names(self):
        """{name: host}: each host by its own name, and the brokers by what they are at the moment."""
        names = {host: host for host in AT}
        if self.carrier == "nats":
            first = BROKERS.index(self.leader())
            names.update({name: BROKERS[(first + n) % 3] for n, name in enumerate((LEADER, FOLLOWER, THIRD))})
        return names

    # Faults

    def kill(self, host):
        self.processes[host].kill()

    def start(self, host):
        self.processes[host].start()

    def pause(self, host):
        self.processes[host].popen.send_signal(signal.SIGSTOP)
        self.stopped.add(host)

    def resume(self, host):
        self.processes[host].popen.send_signal(signal.SIGCONT)
        self.stopped.discard(host)

    def terminate(self, host):
        self.processes[host].stop(patience=20)

    def cut(self, host, wire, to=()):
        """Nothing leaves the host on the wire and nothing comes in; to: only what goes to those hosts."""
        lines = ["add table ip cut"]
        for hook, interface, end in (("output", "oifname", "daddr"), ("input", "iifname", "saddr")):
            only = " ip %s { %s }" % (end, ", ".join(self.addr(wire, t) for t in to)) if to else ""
            lines += ["add chain ip cut %s { type filter hook %s priority 0; }" % (hook, hook),
                      "add rule ip cut %s %s %s%s drop" % (hook, interface, wire, only)]
        subprocess.run(self.net.enter(host) + ["nft", "-f", "-"], input="\n".join(lines) + "\n", text=True, check=True)

    def heal(self, host):
        subprocess.run(self.net.enter(host) + ["nft", "delete", "table", "ip", "cut"], check=True)

    # The end

    def finish(self):
        """No more messages; what is under way ends. Returns {host: what the crowd says at its end}."""
        for host in ("foreign", "inside"):
            self.processes[host].popen.send_signal(signal.SIGUSR1)
        for host in ("foreign", "inside"):
            self.wait(lambda host=host: '"quiet"' in self.processes[host].log_text(), "%s is quiet" % host, 60)
        time.sleep(2)  # what comes late, or twice
        told = {}
        for host in ("foreign", "inside"):
            self.processes[host].stop()
            told[host] = json.loads(self.processes[host].log_text().strip().splitlines()[-1])
        return told

    def close(self):
        for host in list(self.stopped):
            self.resume(host)
        for process in self.processes.values():
            process.kill()
        self.net.close()
        if os.environ.get("KEEP") is None:
            shutil.rmtree(self.folder, ignore_errors=True)


def lifted(program):
    """The statements that lift those limits which this build knows: all load comes from one peer."""
    with open(program, "rb") as code:
        text = code.read()
    return "".join("limit %s 0\n" % words for words in LIFTED if words.encode() in text)
