# SPDX-License-Identifier: Apache-2.0
"""Several real outers and inners on loopback, each inner linked with each outer, between scripted servers.

One scripted foreign server plays many foreign domains (`world.domains`), so that there are pairs enough to be spread.
"""
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from peer import Accepted, Listener
from world import LOCAL, NO_LIMITS, Dns, Node, World, check

OUTER = """node {name}
domain {local} {{ certificate "pki/lab/{local}.crt" key "pki/lab/{local}.key" }}
listen s2s {address}:5269
listen link {address}:5280 {{
  certificate "pki/link/{name}.crt" key "pki/link/{name}.key" trust "pki/link/ca.crt" accept {inners}
}}
resolver {dns}:5300
trust "pki/lab/ca.crt"
dialback secret "{name}.secret"
allow address {net}/24
peer any {{ require tls accept pkix dialback }}
control "{name}.sock"
limit close time 1000
limit drain time 5000
{limits}
{extra}
"""

INNER = """node {name}
{links}
server main {server}:5269 {{ domain {local} trust "pki/lab/ca.crt" accept pkix dialback }}
listen s2s {address}:5269
mint {{ certificate "pki/mint/ca.crt" key "pki/mint/ca.key" }}
steer {address}:5300 {targets} ttl 5 srv
dialback secret "{name}.secret"
control "{name}.sock"
limit close time 1000
limit drain time 5000
{limits}
{extra}
"""

LINK = """link {outer} {address}:5280 {{
  certificate "pki/link/{name}.crt" key "pki/link/{name}.key" trust "pki/link/ca.crt"
}}"""


class Line(threading.Thread):
    """A line between an inner and an outer that can be cut: then bytes of both sides are kept, as by a dead router."""

    def __init__(self, world, address, to):
        super().__init__(daemon=True)
        self.to, self.whole, self.ended = to, threading.Event(), False
        self.whole.set()
        self.listener = socket.create_server((address, 5280))
        self.listener.settimeout(0.2)
        world.closing.append(self)
        self.start()

    def run(self):
        while not self.ended:
            try:
                near, _ = self.listener.accept()
            except OSError:
                continue
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        self.whole.wait()
        try:
            far = socket.create_connection((self.to, 5280), 5)
        except OSError:
            near.close()
            return
        try:
            while not self.ended:
                ready, _, _ = select.select([near, far], [], [], 0.2)
                self.whole.wait()
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    (far if one is near else near).sendall(data)
        except OSError:
            pass
        finally:
            near.close()
            far.close()

    def cut(self):
        self.whole.clear()

    def heal(self):
        self.whole.set()

    def close(self):
        self.ended = True
        self.whole.set()
        self.join()  # who waits in accept() keeps the address
        self.listener.close()


class ManyAccepted(Accepted):
    """Answers as whatever domain it is called."""

    called = None

    def expect(self, pattern):
        match = super().expect(pattern)
        to = re.match(rb"<stream:stream[^>]*?[ ]to=['\"]([^'\"]*)", match.group(0))
        self.called = to.group(1).decode() if to else self.called
        return match

    def answer(self, features, listener):
        domain, listener.domain = listener.domain, self.called or listener.domain
        try:
            super().answer(features, listener)
        finally:
            listener.domain = domain


class Many(Listener):
    """One server of many domains."""

    accepted = ManyAccepted

    def bodies(self, domain):
        """The numbers in the messages that came for this domain, in the order of their arrival."""
        return [int(n) for n in re.findall("<message[^>]*? to=.[^'\"]*@%s['\"][^>]*>[^!]*?<body>n([0-9]+)</body>" %
                                           re.escape(domain), self.text)]


class Mesh(World):
    """outers=2, inners=1: nodes outer-a, outer-b, inner-a."""

    foreign_server = Many

    def __init__(self, outers=2, inners=1, lines=(), dns=None, inner_extra="", outer_extra="", start=True, domains=12,
                 foreign=None):
        self.build = os.path.abspath(os.environ.get("SALLYPORT_BUILD") or sys.argv[1])
        self.folder = tempfile.mkdtemp(prefix="sallyport-scenario-")
        self.base = "127.%d.%d." % (32 + os.getpid() // 250 % 200, 1 + os.getpid() % 250)
        self.domains = ["d%d.example" % i for i in range(domains)]
        self.closing, self.extra = [], {"outer": outer_extra, "inner": inner_extra}
        self.outers = [Node(self, "outer", "outer-" + c) for c in "abcdef"[:outers]]
        self.inners = [Node(self, "inner", "inner-" + c) for c in "abcdef"[:inners]]
        self.address = {"net": self.base + "0", "server": self.base + "3", "foreign": self.base + "4"}
        for i, node in enumerate(self.outers + self.inners):
            self.address[node.name] = "%s%d" % (self.base, 20 + i)
        subprocess.run([os.path.join(self.build, "src/cli/sallyport"), "pki", "init", "pki",
                        *[w for n in self.outers for w in ("--outer", n.name)],
                        *[w for n in self.inners for w in ("--inner", n.name)],
                        "--domain", LOCAL, "--lab", "--lab-domain", LOCAL, "--lab-domain", "+".join(self.domains)],
                       cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        self.secret("outer", "of all the outers, one secret")
        self.secret("inner", "of all the inners, one secret")
        self.names = {}
        for i, node in enumerate(self.outers):
            self.address["dns of " + node.name] = "%s%d" % (self.base, 40 + i)
            names = dict.fromkeys(self.domains, self.address["foreign"])
            names.update((dns or {}).get(node.name, {}))
            self.names[node.name] = Dns(self.address["dns of " + node.name], names)
        self.dns = self.names["outer-a"]
        self.lines = {}
        for i, (inner, outer) in enumerate(lines):
            at = "%s%d" % (self.base, 60 + i)
            self.lines[inner, outer] = Line(self, at, self.address[outer])
            self.address[inner + " to " + outer] = at
        self.write_config()
        self.server = Listener(self, self.address["server"], LOCAL)
        self.foreign = (foreign or self.foreign_server)(self, self.address["foreign"], self.domains[0])
        if start:
            self.start()

    @property
    def nodes(self):
        return self.outers + self.inners

    def node(self, name):
        return next(n for n in self.nodes if n.name == name)

    def secret(self, kind, *lines):
        """The dialback secrets of all nodes of a role, or of one; the first makes keys."""
        for node in self.nodes:
            if kind in (node.role, node.name):
                with open(self.path(node.name + ".secret"), "w", encoding="utf-8") as f:
                    f.write("".join(line + "\n" for line in lines))

    def write_config(self, **extra):
        """Words for all nodes of a role, or for one: write_config(outer_b="...")."""
        for node in self.nodes:
            values = dict(self.address, name=node.name, local=LOCAL, address=self.address[node.name],
                          limits=NO_LIMITS, extra=self.extra[node.role] + "\n" +
                          extra.get(node.role, "") + "\n" + extra.get(node.name.replace("-", "_"), ""))
            if node.role == "outer":
                values["inners"] = " ".join(n.name for n in self.inners)
                values["dns"] = self.address["dns of " + node.name]
            else:
                values["targets"] = " ".join("target %s priority %d" % (
                    self.address[n.name], 5 if n is node else 6) for n in self.inners)
                values["links"] = "\n".join(LINK.format(
                    outer=o.name, name=node.name,
                    address=self.address.get(node.name + " to " + o.name, self.address[o.name])) for o in self.outers)
            with open(self.path(node.name + ".conf"), "w", encoding="utf-8") as f:
                f.write((OUTER if node.role == "outer" else INNER).format(**values))

    def start(self):
        try:
            for node in self.nodes:
                node.start()
            for node in self.nodes:
                self.wait_linked(node)
        except Exception:
            self.show()
            self.close()
            raise

    def wait_linked(self, node, to=None):
        """Its links with all nodes of the other role are up."""
        far = {n.name for n in (self.outers if node.role == "inner" else self.inners)} if to is None else set(to)

        def linked():
            try:
                return {x["peer"] for x in node.status()["links"] if x["up"]} == far
            except OSError:
                return False  # its socket is not there yet
        self.wait(linked, "%s is linked with %s" % (node.name, sorted(far)))

    def keys(self, domain):
        group = self.domains[0] if domain in self.domains else domain
        return self.path("pki/lab", group + ".crt"), self.path("pki/lab", group + ".key")

    def stream(self, us=LOCAL, to="d0.example", role="inner-a", **options):
        return super().stream(us, to, role, **options)

    def owners(self, inner="inner-a"):
        """foreign domain: the outer that owns it, for the pairs that inner sends on."""
        return {c["foreign"]: c["owner"] for c in self.node(inner).status()["channels"] if c["way"] == "out"}

    def steering(self, inner, name, kind=1):
        """What the steering responder of an inner says: (code, [bytes of each answer])."""
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(20)
            s.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question + struct.pack(">HH", kind, 1),
                     (self.address[inner], 5300))
            answer = s.recv(4096)
        at, found = 12 + len(question) + 4, []
        for _ in range(struct.unpack(">H", answer[6:8])[0]):
            at += 2 if answer[at] & 0xc0 else answer[at:].index(b"\0") + 1
            size = struct.unpack(">H", answer[at + 8:at + 10])[0]
            found.append(answer[at + 10:at + 10 + size])
            at += 10 + size
        return answer[3] & 15, found

    def cli(self, *words, node="inner-a", ok=True):
        """The sallyport command with the control socket of a node: what it printed."""
        done = subprocess.run([os.path.join(self.build, "src/cli/sallyport"), *words, "-s", node + ".sock"],
                              cwd=self.folder, capture_output=True, text=True, timeout=20)
        check((done.returncode == 0) == ok, "%s: %s" % (" ".join(words), done))
        return done.stdout if ok else done.stderr

    def close(self):
        for dns in self.names.values():
            dns.ended = True
        for line in self.lines.values():
            line.heal()
        super().close()
        for dns in self.names.values():
            dns.join()


def weight(local, foreign, node):
    """The rendezvous weight (src/route/route.c)."""
    mask, h = (1 << 64) - 1, 0xcbf29ce484222325
    for text in (local, foreign, node):
        for byte in text.encode() + b"\xff":
            h = (h ^ byte) * 0x100000001b3 & mask
    for factor in (0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53):
        h ^= h >> 33
        h = h * factor & mask
    return h ^ h >> 33


def home(foreign, live=("outer-a", "outer-b"), local=LOCAL):
    """Which of the live nodes the rendezvous hash gives this pair."""
    return max(live, key=lambda node: weight(local, foreign, node))
