# SPDX-License-Identifier: Apache-2.0
"""Three real brokers with the files of `sallyport nats config`, and a client that speaks their protocol as text.

Everything is on loopback addresses that depend on the process id, so that runs can stand side by side.
"""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from world import DEADLINE, PR_SET_PDEATHSIG, PRCTL, Failure, check

SERVER = shutil.which("nats-server") or "/usr/sbin/nats-server"
BROKERS = ["broker-1", "broker-2", "broker-3"]
OUTERS, INNERS = ["outer-a", "outer-b"], ["inner-a", "inner-b"]
PORT, ROUTE_PORT = 4222, 6222


class Ended(Failure):
    """The broker closed the connection."""


class Brokers:
    """The cluster: keys, files and processes."""

    def __init__(self, outers=OUTERS, inners=INNERS, start=True):
        self.build = os.path.abspath(os.environ.get("SALLYPORT_BUILD") or sys.argv[1])
        self.folder = tempfile.mkdtemp(prefix="sallyport-brokers-")
        base = "127.%d.%d." % (32 + os.getpid() // 250 % 200, 1 + os.getpid() % 250)
        self.address = {name: base + str(11 + i) for i, name in enumerate(BROKERS)}
        self.route_address = {name: base + str(21 + i) for i, name in enumerate(BROKERS)}
        self.processes = {}
        nodes = ["--outer", *outers, "--inner", *inners]
        self.pki("pki", *nodes)
        self.sallyport("nats", "config", "pki", *nodes, *self.brokers(), "--store", self.path("store"))
        if start:
            for name in BROKERS:
                self.start(name)
            self.wait_ready()

    def brokers(self):
        return ["--broker"] + ["%s=%s,%s" % (n, self.address[n], self.route_address[n]) for n in BROKERS]

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def sallyport(self, *words):
        done = subprocess.run([os.path.join(self.build, "src/cli/sallyport"), *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, done.stderr)
        return done.stdout

    def pki(self, folder, *nodes):
        self.sallyport("pki", "init", folder, *nodes, "--domain", "example.se", *self.brokers())

    def start(self, name):
        with open(self.path(name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [SERVER, "-c", self.path("pki/bus", name + ".conf")], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))

    def stop(self, name, how=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(how)
        if how != signal.SIGKILL:
            process.send_signal(signal.SIGCONT)
        process.wait(DEADLINE)

    def log(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, condition, text, seconds=2 * DEADLINE):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Failure("waited in vain: " + text)
            time.sleep(0.05)

    def wait_ready(self):
        """Each broker that runs takes connections and finds the leader of JetStream."""
        for name in self.processes:
            self.wait(lambda: self.answers(name), "%s is ready" % name)

    def answers(self, name):
        try:
            with Client(self, "inner-a", name) as client:
                return "error" in client.request("$JS.API.STREAM.INFO.KV_leases", b"", 1) or True
        except (OSError, Failure):
            return False

    def close(self):
        for name in list(self.processes):
            self.processes[name].send_signal(signal.SIGCONT)
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def show(self):
        for name in BROKERS:
            if os.path.exists(self.path(name + ".log")):
                print("--- %s\n%s" % (name, self.log(name)[-3000:]))


class Client:
    """One connection as a node. keys: stem of its certificate and key, None for none; by default the node's own."""

    def __init__(self, brokers, node, broker=BROKERS[0], keys="", port=PORT, options=None):
        self.node, self.errors, self.messages, self.rest, self.sid = node, [], [], b"", 0
        address = brokers.address[broker] if port == PORT else brokers.route_address[broker]
        self.socket = socket.create_connection((address, port), DEADLINE)
        try:
            self.info = json.loads(self.line()[len(b"INFO "):])
            self.secure(brokers, address, brokers.path("pki/bus", node) if keys == "" else keys)
            self.connect(options or {})
        except Exception:
            self.socket.close()
            raise

    def secure(self, brokers, address, keys):
        context = ssl.create_default_context(cafile=brokers.path("pki/bus/ca.crt"))
        if keys:
            context.load_cert_chain(keys + ".crt", keys + ".key")
        self.socket = context.wrap_socket(self.socket, server_hostname=address)

    def connect(self, options):
        words = {"verbose": False, "pedantic": True, "tls_required": True, "lang": "python3", "version": "0",
                 "protocol": 1, "headers": True, "no_responders": True, **options}
        self.send("CONNECT " + json.dumps(words))
        self.sync()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, text, payload=None):
        data = text.encode() + b"\r\n"
        self.socket.sendall(data if payload is None else data + payload + b"\r\n")

    def read(self):
        try:
            more = self.socket.recv(65536)
        except socket.timeout:
            raise
        except OSError as error:
            raise Ended("closed: %s" % error) from None
        if not more:
            raise Ended("closed: %s" % (self.errors or "without a word"))
        self.rest += more

    def line(self):
        while b"\r\n" not in self.rest:
            self.read()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def step(self):
        """Reads one thing; what it was, as the protocol's word."""
        line = self.line()
        word = line.split(b" ", 1)[0].upper().decode()
        if word in ("MSG", "HMSG"):
            parts = line.decode().split(" ")
            size = int(parts[-1])
            while len(self.rest) < size + 2:
                self.read()
            payload, self.rest = self.rest[:size], self.rest[size + 2:]
            self.messages.append((parts[1], payload))
        elif word == "-ERR":
            self.errors.append(line.decode())
        elif word == "PING":
            self.send("PONG")
        return word

    def sync(self):
        """The broker has seen all that was sent."""
        self.send("PING")
        while self.step() != "PONG":
            pass

    def publish(self, subject, payload=b"x", reply=""):
        self.send("PUB %s %s %d" % (subject, reply, len(payload)), payload)

    def subscribe(self, subject, queue=""):
        self.sid += 1
        self.send("SUB %s %s %d" % (subject, queue, self.sid))
        self.sync()

    def take(self):
        taken, self.messages = self.messages, []
        return taken

    def wait_for(self, subject, payload=None, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not any(s == subject and payload in (None, p) for s, p in self.messages):
            if time.monotonic() > end:
                raise Failure("%s waited in vain for %s" % (self.node, subject))
            self.socket.settimeout(max(0.05, end - time.monotonic()))
            try:
                self.step()
            except socket.timeout:
                pass
            finally:
                self.socket.settimeout(DEADLINE)

    def request(self, subject, payload=b"", seconds=DEADLINE, headers=None):
        """The JSON of an answer that comes to an inbox of the node."""
        if not getattr(self, "inbox", None):
            self.inbox, self.asked = "_INBOX.%s.%d" % (self.node, time.monotonic_ns()), 0
            self.subscribe(self.inbox + ".*")
        self.asked += 1
        reply = "%s.%d" % (self.inbox, self.asked)
        if headers:
            head = b"NATS/1.0\r\n%s\r\n" % b"".join(b"%s: %s\r\n" % (k.encode(), str(v).encode())
                                                    for k, v in headers.items())
            self.send("HPUB %s %s %d %d" % (subject, reply, len(head), len(head) + len(payload)), head + payload)
        else:
            self.publish(subject, payload, reply)
        self.wait_for(reply, None, seconds)
        answer = [p for s, p in self.messages if s == reply][0]
        if answer.startswith(b"NATS/1.0"):
            raise Failure("%s: %s" % (subject, answer.split(b"\r\n")[0].decode()))
        return json.loads(answer)
