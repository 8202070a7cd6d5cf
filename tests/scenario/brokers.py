# SPDX-License-Identifier: Apache-2.0
"""Real NATS brokers on loopback, and a client that speaks their protocol as it likes."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

from world import DEADLINE, PRCTL, PR_SET_PDEATHSIG, Failure, Skip, World

NAMES = ("broker-a", "broker-b", "broker-c")
CONFIG = """server_name: {name}
listen: "{address}:4222"
max_payload: 262144
tls {{
  cert_file: "bus/{name}.crt"
  key_file: "bus/{name}.key"
  ca_file: "bus/ca.crt"
  verify: true
}}
cluster {{
  name: bus
  listen: "{address}:6222"
  routes: [{routes}]
}}
"""


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_keys(folder, issued):
    """A CA, and a certificate for each (name, subjectAltName)."""
    os.makedirs(folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-subj", "/CN=bus", "-days", "10", "-keyout", "ca.key", "-out", "ca.crt")
    for name, san in issued:
        openssl(folder, "req", "-new", *key, "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        with open(os.path.join(folder, name + ".ext"), "w", encoding="utf-8") as f:
            f.write("subjectAltName=%s\n" % san)
        openssl(folder, "x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "10", "-extfile", name + ".ext", "-out", name + ".crt")


class Broker:
    def __init__(self, world, name, address):
        self.world, self.name, self.address = world, name, address
        self.process = None

    def start(self):
        log = open(self.world.path(self.name + ".log"), "ab")
        self.process = subprocess.Popen([self.world.server_program, "-c", self.name + ".conf"], cwd=self.world.folder,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
        log.close()

    def tell(self, what):
        self.process.send_signal(what)

    def stop(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(DEADLINE)
            self.process = None

    close = stop


class NatsWorld(World):
    """The link goes over three brokers; which of them a node uses is its own choice, unless it is told one."""

    def __init__(self, outer_brokers=NAMES, inner_brokers=NAMES, **options):
        self.server_program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/bin")
        if not self.server_program:
            raise Skip("there is no nats-server")
        self.used = {"outer": outer_brokers, "inner": inner_brokers}
        self.brokers = {}
        super().__init__(**options)

    def start(self):
        for broker in self.brokers.values():
            broker.start()
        super().start()

    def write_config(self, **changes):
        if not self.brokers:
            self.make_brokers()
        super().write_config(**changes)
        for role, address in (("outer", "listen link "), ("inner", "link outer-a ")):
            self.edit(role, address + self.address["outer"] + ":5280", "%s\n%snats" % (self.statement(role), address))

    def make_brokers(self):
        self.brokers = {name: Broker(self, name, self.base + str(11 + i)) for i, name in enumerate(NAMES)}
        nodes = [(n, "DNS:" + n) for n in ("outer-a", "inner-a", "inner-b")]
        make_keys(self.path("bus"), nodes + [(b.name, "IP:" + b.address) for b in self.brokers.values()])
        for broker in self.brokers.values():
            self.write_broker(broker)
            self.closing.append(broker)

    def statement(self, role):
        return "nats %s { certificate \"bus/%s-a.crt\" key \"bus/%s-a.key\" trust \"bus/ca.crt\" }" % (
            " ".join(self.brokers[name].address + ":4222" for name in self.used[role]), role, role)

    def edit(self, role, old, new):
        with open(self.path(role + ".conf"), encoding="utf-8") as f:
            text = f.read()
        if old not in text:
            raise Failure("%s.conf has no %r" % (role, old))
        with open(self.path(role + ".conf"), "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))

    def write_broker(self, broker):
        routes = ", ".join('"nats-route://%s:6222"' % other.address for other in self.brokers.values()
                           if other is not broker)
        with open(self.path(broker.name + ".conf"), "w", encoding="utf-8") as f:
            f.write(CONFIG.format(name=broker.name, address=broker.address, routes=routes))

    def broker_of(self, node):
        """The broker that a node uses now."""
        address = node.status()["nats"]["broker"]
        return next(b for b in self.brokers.values() if address.startswith(b.address + ":"))


class Client:
    """Says what it likes to a broker, with a node's certificate."""

    def __init__(self, world, broker, name):
        self.buffer = b""
        self.socket = socket.create_connection((broker.address, 4222), DEADLINE)
        self.info = json.loads(self.line().split(b" ", 1)[1])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(world.path("bus/ca.crt"))
        context.load_cert_chain(world.path("bus", name + ".crt"), world.path("bus", name + ".key"))
        self.socket = context.wrap_socket(self.socket, server_hostname=broker.address)
        self.say(b'CONNECT {"verbose":false,"pedantic":false,"name":"%s","echo":false}\r\n' % name.encode())
        self.sync()

    def sync(self):
        """The broker has done what was said so far."""
        self.say(b"PING\r\n")
        while self.line() != b"PONG":
            pass

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Failure("the broker closed the connection")
        self.buffer += data

    def say(self, data):
        self.socket.sendall(data)

    def subscribe(self, subject):
        self.say(b"SUB %s 1\r\n" % subject.encode())
        self.sync()

    def publish(self, subject, data):
        self.say(b"PUB %s %d\r\n%s\r\n" % (subject.encode(), len(data), data))

    def read(self):
        """The next message: subject, bytes."""
        while True:
            line = self.line()
            if line == b"PING":
                self.say(b"PONG\r\n")
            if not line.startswith(b"MSG "):
                continue
            words = line.split()
            size = int(words[-1])
            while len(self.buffer) < size + 2:
                self.more()
            data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
            return words[1].decode(), data

    def close(self):
        self.socket.close()
