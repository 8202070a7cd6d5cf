# SPDX-License-Identifier: Apache-2.0
"""The real sallyport-outer and sallyport-inner between a scripted foreign server and a scripted local one.

Everything is on loopback addresses that depend on the process id, so that runs can stand side by side.
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from peer import Listener, Stream

FOREIGN, LOCAL, ROOMS = "example.com", "example.se", "conference.example.se"
# A program that runs the daemons, such as valgrind: what it says goes into their log, and fails the case.
UNDER = os.environ.get("SALLYPORT_UNDER", "").split()
DEADLINE = 60 if UNDER else 20
PRCTL = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1

OUTER = """node outer-a
domain {local} {{ certificate "pki/lab/{local}.crt" key "pki/lab/{local}.key" }}
domain {rooms} {{ certificate "pki/lab/{local}.crt" key "pki/lab/{local}.key" }}
listen s2s {outer}:5269
listen link {outer}:5280 {{
  certificate "pki/link/outer-a.crt" key "pki/link/outer-a.key" trust "pki/link/ca.crt" accept inner-a
}}
resolver {dns}:5300
trust "pki/lab/ca.crt"
dialback secret "pki/dialback.secret"
allow address {net}/24
peer refused.example {{ refuse }}
{outer_peers}
peer any {{ require tls accept pkix dialback }}
profile {profile}
control "outer.sock"
limit close time {close_ms}
{outer_limits}
{outer_extra}
"""

# The scripted peers of a scenario come from one address, as fast as they can.
NO_LIMITS = """limit address connections 0
limit network connections 0
limit address attempts 0
limit network attempts 0
limit address handshakes 0
limit network handshakes 0
limit address verifications 0
limit address answers 0
limit target attempts 0"""

INNER = """node inner-a
link outer-a {outer}:5280 {{
  certificate "pki/link/inner-a.crt" key "pki/link/inner-a.key" trust "pki/link/ca.crt"
}}
server main {server}:5269 {{ domain {local} {rooms} trust "pki/lab/ca.crt" {server_extra} }}
listen s2s {inner}:5269
mint {{ certificate "pki/mint/ca.crt" key "pki/mint/ca.key" }}
steer {inner}:5300
profile {profile}
control "inner.sock"
limit close time {close_ms}
{inner_extra}
"""


class Failure(Exception):
    pass


class Skip(Exception):
    """What the case needs is not to be had here."""


def check(condition, text):
    if not condition:
        raise Failure(text)


class Dns(threading.Thread):
    """Answers A questions from a table of names and their addresses (with spaces between), all else with NXDOMAIN."""

    def __init__(self, address, names):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 5300))
        self.socket.settimeout(0.2)
        self.names = names
        self.asked = set()
        self.ended = False
        self.start()

    def run(self):
        while not self.ended:
            try:
                question, source = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(question), source)
            except socket.timeout:
                pass
        self.socket.close()

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1").lower())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        name, asked = ".".join(labels), question[12:at + 5]
        known = name in self.names
        self.asked.add(name)
        addresses = self.names[name].split() if known and kind == 1 else []
        head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, len(addresses), 0, 0)
        return head + asked + b"".join(b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 5, 4) + socket.inet_aton(a)
                                       for a in addresses)


class Node:
    """One daemon: started, stopped, killed; its log is JSON lines."""

    def __init__(self, world, role, name=None):
        """name: of its configuration, log and socket, where there are several of a role."""
        self.world, self.role, self.name = world, role, name or role
        self.log_path = os.path.join(world.folder, self.name + ".log")
        self.process = None

    def start(self, stderr=None):
        """stderr: where the log goes instead of the file."""
        program = os.path.join(self.world.build, "src", self.role, "sallyport-" + self.role)
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen([*UNDER, program, "-c", self.name + ".conf"], cwd=self.world.folder,
                                        stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log if stderr is None else stderr,
                                        preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
        log.close()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="strict") as f:
            text = f.read()
        if self.process and self.alive():
            # A reader can see the first part of a line that is being written: a write is whole only within a page.
            text = text[:text.rfind("\n") + 1]
        lines = []
        for line in text.splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                raise Failure("%s wrote a line that is not JSON: %r" % (self.name, line[:500])) from None
        return lines

    def events(self, name):
        return [line for line in self.log() if line["event"] == name]

    def wait_event(self, name, count=1, **fields):
        def found():
            return len([e for e in self.events(name)
                        if all(str(v) in str(e.get(k, "")) for k, v in fields.items())]) >= count
        self.world.wait(found, "%s logs %s %s" % (self.name, name, fields or ""))

    def alive(self):
        return self.process.poll() is None

    def stop(self, how=signal.SIGTERM):
        if self.process and self.alive():
            self.process.send_signal(how)
        if self.process:
            code = self.process.wait(DEADLINE)
            self.process = None
            return code
        return None

    def control(self, line):
        """The whole answer to one request on the control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(DEADLINE)
            here = os.getcwd()
            os.chdir(self.world.folder)
            try:
                s.connect(self.name + ".sock")
            finally:
                os.chdir(here)
            s.sendall(line)
            answer = b""
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    more = b""
                if not more:
                    return answer
                answer += more

    def status(self):
        return json.loads(self.control(b"status\n"))


class World:
    def __init__(self, profile="standard", outer_extra="", inner_extra="", outer_limits=NO_LIMITS, close_ms=1000,
                 start=True, outer_peers="", prepare=None, server_extra=""):
        self.build = os.path.abspath(os.environ.get("SALLYPORT_BUILD") or sys.argv[1])
        self.folder = tempfile.mkdtemp(prefix="sallyport-scenario-")
        base = "127.%d.%d." % (32 + os.getpid() // 250 % 200, 1 + os.getpid() % 250)
        self.base = base
        self.address = {"net": base + "0", "outer": base + "1", "inner": base + "2",
                        "server": base + "3", "foreign": base + "4", "dns": base + "5"}
        self.closing = []
        cli = os.path.join(self.build, "src/cli/sallyport")
        subprocess.run([cli, "pki", "init", "pki", "--outer", "outer-a", "--inner", "inner-a",
                        "--domain", LOCAL, "--domain", ROOMS, "--lab",
                        "--lab-domain", LOCAL + "+" + ROOMS, "--lab-domain", FOREIGN,
                        "--lab-domain", "other.example", "--lab-domain", "refused.example"],
                       cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        self.profile, self.extra = profile, {"outer_extra": outer_extra, "inner_extra": inner_extra,
                                             "outer_limits": outer_limits, "close_ms": close_ms,
                                             "outer_peers": outer_peers, "server_extra": server_extra.format(
                                                 **self.address)}
        self.write_config()
        self.outer, self.inner = Node(self, "outer"), Node(self, "inner")
        self.dns = Dns(self.address["dns"], {FOREIGN: self.address["foreign"],
                                             "other.example": self.address["foreign"],
                                             "loop.example": "127.0.0.1"})
        self.server = Listener(self, self.address["server"], LOCAL)
        self.foreign = Listener(self, self.address["foreign"], FOREIGN)
        if prepare:
            prepare(self)
        if start:
            self.start()

    @property
    def nodes(self):
        return [self.outer, self.inner]

    def start(self):
        try:
            self.outer.start()
            self.inner.start()
            self.inner.wait_event("link-up")
            self.outer.wait_event("link-up")
        except Exception:
            self.show()
            self.close()
            raise

    def write_config(self, **changes):
        values = dict(self.address, local=LOCAL, rooms=ROOMS, profile=self.profile, **self.extra)
        values.update(changes)
        for name, text in (("outer", OUTER), ("inner", INNER)):
            with open(os.path.join(self.folder, name + ".conf"), "w", encoding="utf-8") as f:
                f.write(text.format(**values))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def keys(self, domain):
        return self.path("pki/lab", domain + ".crt"), self.path("pki/lab", domain + ".key")

    def wait(self, condition, text, seconds=DEADLINE):
        end = time.monotonic() + seconds
        asked = time.monotonic()
        while not condition():
            now = time.monotonic()
            if now > end:
                raise Failure("waited in vain: " + (text if isinstance(text, str) else text()))
            time.sleep(max(0.02, 2 * (now - asked)))  # a costly question must not slow down what it waits for
            asked = time.monotonic()

    def stream(self, us=FOREIGN, to=LOCAL, role="outer", **options):
        """A stream that we open to a node: from a foreign server to outer, or from the local one to inner."""
        return Stream.dial(self, self.address[role], us, to, **options)

    def still_works(self, mark):
        """A stream that was there before an attack still delivers."""
        if not hasattr(self, "good"):
            self.good = self.stream()
        self.good.message(mark)
        self.server.wait_for("<body>%s</body>" % mark)

    def close(self):
        for thing in self.closing:
            thing.close()
        self.dns.ended = True
        self.dns.join()
        codes = {}
        for node in reversed(self.nodes):
            try:
                codes[node.name] = node.stop()
            except subprocess.TimeoutExpired:
                node.stop(signal.SIGKILL)
                codes[node.name] = "did not stop"
        for name, code in codes.items():
            check(code in (0, None, -signal.SIGKILL), "%s ended with %s" % (name, code))
        for node in self.nodes:
            if os.path.exists(node.log_path):
                node.log()

    def show(self):
        for node in self.nodes:
            if os.path.exists(node.log_path):
                with open(node.log_path, encoding="utf-8", errors="replace") as f:
                    print("--- %s\n%s" % (node.name, f.read()[-6000:]))


def title(case):
    """The name of a case: its function, and the first line of its doc string (see tests/conformance/README.md)."""
    doc = (case.__doc__ or "").strip().splitlines()
    return "%s: %s" % (case.__name__, doc[0]) if doc else case.__name__


def name_row(name):
    """A case that is a table says which of its rows it runs."""
    print("row    %s" % name, flush=True)


def run(cases, kind=World, **options):
    """Runs the functions case_*(world), each in the same world unless it is marked `fresh`; exits 0 if all held."""
    failed = skipped = 0
    world = None
    for case in cases:
        try:
            if world is None or getattr(case, "fresh", None) is not None:
                if world:
                    world.close()
                    shutil.rmtree(world.folder)
                    world = None
                world = kind(**dict(options, **(getattr(case, "fresh", None) or {})))
            case(world)
            for node in world.nodes:
                check(not node.process or node.alive(), node.name + " died")
            print("ok     %s" % title(case), flush=True)
        except Skip as reason:
            skipped += 1
            print("skip   %s: %s" % (title(case), reason), flush=True)
        except Exception as error:  # noqa: a failed case must not stop the others
            failed += 1
            print("FAILED %s: %s: %s" % (title(case), type(error).__name__, error), flush=True)
            if world:
                world.show()
                try:
                    world.close()
                except Exception as again:
                    print("       and then: %s" % again)
                shutil.rmtree(world.folder, ignore_errors=True)
                world = None
    if world:
        try:
            world.close()
        except Exception as error:
            failed += 1
            world.show()
            print("FAILED at the end: %s" % error)
        shutil.rmtree(world.folder, ignore_errors=True)
    print("%d passed, %d failed" % (len(cases) - failed - skipped, failed))
    sys.exit(1 if failed else 0)


def fresh(**options):
    """This case gets a world of its own, with these options."""
    def mark(function):
        function.fresh = options
        return function
    return mark
