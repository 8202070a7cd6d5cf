#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make demo: two organisations with real servers, Sallyport between them, and what crosses it.

    demo.py --build build          run, show, take everything away; status 0 if all arrived
    demo.py --build build --keep   leave it running
    demo.py --stop FOLDER          end one that was left running
    demo.py --net loopback ...     without network namespaces
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOP + "/tests/interop")
sys.dont_write_bytecode = True

from lab import dns, measure  # noqa: E402
from lab.gateway import Trace  # noqa: E402
from lab.net import LabError  # noqa: E402
from lab.world import World  # noqa: E402
from lab.xmpp import Timeout  # noqa: E402

A, B = "alice@example.se", "bob@example.com"
WIDTH = 100
TTY = sys.stdout.isatty()

PICTURE = """
   example.com                    DMZ                       example.se
   outside ------ public ------ outer ------ link ------ inner ------ local ------ inside
   Prosody, DNS                 sallyport-outer          sallyport-inner           Prosody
   bob@example.com              speaks XMPP with         speaks XMPP with          alice@example.se
                                the world                inside only
"""


def say(text=""):
    print(text, flush=True)


def title(text):
    say("\n%s%s%s" % ("\033[1m" if TTY else "== ", text, "\033[0m" if TTY else ""))


def show(label, text):
    """A label, and text folded under it."""
    lines = []
    for line in str(text).splitlines():
        lines += textwrap.wrap(line, WIDTH - 16, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        say("  %-13s %s" % (label if number == 0 else "", line))


def of_kind(lines, kind):
    """The entries of a trace about one kind of stanza: a line at the margin, indented ones below."""
    wanted = False
    for line in lines:
        if not line.startswith(" "):
            wanted = kind in line.split()
        if wanted:
            yield line


class Demo:
    def __init__(self, build, keep, net):
        self.build, self.keep, self.net = build, keep, net
        self.failed = []
        self.table = {}

    def run(self):
        self.direct()
        with World(build=self.build, keep=self.keep, net=self.net) as world:
            self.world = world
            self.gateway_part(world)
            self.summary()
            if self.keep:
                self.leave(world)
        return 1 if self.failed else 0

    # The same servers without a gateway, for comparison

    def direct(self):
        title("1. For comparison: both servers on one wire, nothing between them")
        with World(mode="direct", build=self.build, net=self.net) as world:
            self.measure(world, "direct")
        say("  measured; taken away again")

    def measure(self, world, name):
        alice, bob = self.people(world)
        self.table[name] = {
            "A to B, first contact": measure.cold(world, alice),
            "A to B, warm": measure.warm(alice, bob),
            "B to A, warm": measure.warm(bob, alice),
        }
        world.end_case()

    @staticmethod
    def people(world):
        alice, bob = world.client(A), world.client(B)
        alice.presence()
        bob.presence()
        return alice, bob

    # With the gateway

    def gateway_part(self, world):
        title("2. Two organisations and Sallyport between them")
        say(PICTURE)
        self.apart(world)
        alice, bob = self.people(world)
        self.step("3. Chat from A to B (the first contact: every stream is opened now)",
                  alice, bob, lambda: alice.message(B, "Hello from inside & <good day>"),
                  lambda s: s.kind == "message" and s.body == "Hello from inside & <good day>")
        self.step("4. Chat from B to A", bob, alice,
                  lambda: bob.message(alice.jid, "And hello from outside"),
                  lambda s: s.kind == "message" and s.body == "And hello from outside")
        self.step("5. Presence from A to B", alice, bob,
                  lambda: alice.presence(bob.jid, inner="<show>away</show><status>at lunch</status>"),
                  lambda s: s.kind == "presence" and "at lunch" in s.raw)
        self.step("6. Presence from B to A", bob, alice,
                  lambda: bob.presence(alice.jid, inner="<show>dnd</show><status>writing</status>"),
                  lambda s: s.kind == "presence" and "writing" in s.raw)
        self.room("7. A room outside, joined from inside", alice, bob,
                  "hall@conference.example.com")
        self.room("8. A room inside, joined from outside", alice, bob,
                  "yard@conference.example.se")
        self.measure(world, "through Sallyport")

    def apart(self, world):
        if not world.net.isolated:
            say("  Network namespaces are not permitted here: every host is a loopback address, and nothing")
            say("  can prove that the sides are apart. Run as root on a machine that permits them.")
            return
        say("  No route leads from one side to the other:")
        for host, addr in (("inside", world.outside_addr), ("inside", world.outer_addr),
                           ("outside", world.inside_addr)):
            command = [*world.net.enter(host), "ip", "route", "get", addr]
            done = subprocess.run(command, capture_output=True, text=True)
            show("", "%-8s ip route get %-14s %s" % (host, addr, (done.stderr or done.stdout).strip()))
            with world.net.socket(host) as sock:
                sock.settimeout(3)
                code = sock.connect_ex((addr, 5269))
            show("", "%-8s connect to %s:5269%s %s" % (host, addr, " " * (8 - len(addr) // 2),
                                                       os.strerror(code)))
            if done.returncode == 0 or code == 0:
                self.failed.append("%s reaches %s" % (host, addr))
        say("  and the names that inside can look up lead to inner, whatever they are:")
        for name in ("example.com", "conference.example.com", "example.org"):
            code, found = dns.query(world.net, "inside", world.inner_addr, world.net.dns_port, name)
            show("", "inside   %-24s A  %s  %s" % (name, code, " ".join(found)))
            if found != [world.inner_addr]:
                self.failed.append("%s is not steered to inner" % name)

    def step(self, name, sender, receiver, send, match):
        """Send, show what left, what crossed the link, and what came."""
        title(name)
        with Trace(self.world.gateway, "inner") as trace:
            start = time.monotonic()
            send()
            sent = sender.sent[-1]
            try:
                came = receiver.wait(match, 30, name)
            except Timeout as late:
                self.failed.append("%s: %s" % (name, late))
                show("FAILED", late)
                return
            show("A sent" if sender.jid.startswith(A) else "B sent", sent)
            for line in of_kind(trace.lines(), sent[1:].split()[0]):
                show("which says" if line.lstrip().startswith("<") else "on the link", line)
            show("B received" if receiver.jid.startswith(B) else "A received", came.raw)
            show("after", "%.1f ms" % ((came.at - start) * 1000))

    def room(self, name, alice, bob, room):
        title(name)
        try:
            alice.join(room, "alice", 30)
            bob.join(room, "bob", 30)
        except Timeout as late:
            self.failed.append("%s: %s" % (name, late))
            show("FAILED", late)
            return
        show("joined", "%s/alice and %s/bob" % (room, room))
        for one, other, nick in ((alice, bob, "alice"), (bob, alice, "bob")):
            text = "%s says hello to the room" % nick
            self.step("   %s speaks" % nick, one, other,
                      lambda: one.message(room, text, "groupchat"),
                      lambda s: s.kind == "message" and s.body == text
                      and s.sender == room + "/" + nick)

    # The end

    def summary(self):
        title("One-way delay, median, both clients on one clock (this machine, %d CPUs)" % os.cpu_count())
        rows = list(next(iter(self.table.values())))
        say("  %-28s %12s %20s" % ("", *self.table))
        for row in rows:
            say("  %-28s %s" % (row, " ".join(
                "%*.2f ms" % (width, self.table[name][row] * 1000)
                for name, width in zip(self.table, (9, 17)))))
        say()
        if self.failed:
            say("NOT everything arrived:")
            for text in self.failed:
                say("  " + text)
        else:
            say("Everything arrived.")

    def leave(self, world):
        state = {"pids": [p.pid for p in world.processes],
                 "namespaces": [world.net.name(h) for h in getattr(world.net, "hosts", [])],
                 "folder": world.folder}
        with open(world.folder + "/demo.json", "w") as out:
            json.dump(state, out)
        title("It is still running. To look at it:")
        for name in ("outer", "inner"):
            say("    %s -s %s status" % (world.gateway.cli, world.gateway.control(name)))
        for name in ("gateway/outer.log", "gateway/inner.log", "gateway/outer.conf", "gateway/inner.conf",
                     "inside/debug.log", "outside/debug.log"):
            say("    less %s/%s" % (world.folder, name))
        if world.net.isolated:
            for host in world.net.hosts:
                say("    ip netns exec %s ss -tnp" % world.net.name(host))
        say("  To end it:")
        say("    %s --stop %s" % (os.path.abspath(__file__), world.folder))


def runs(pid, folder):
    """Is this pid still a process that runs out of the folder?"""
    try:
        with open("/proc/%d/cmdline" % pid) as words:
            return folder in words.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop(folder):
    """End a demo that was left running: its pids, if they still run out of its folder."""
    with open(folder + "/demo.json") as state:
        state = json.load(state)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in state["pids"]:
            if runs(pid, state["folder"]):
                os.kill(pid, number)
        end = time.monotonic() + 5
        while any(runs(p, state["folder"]) for p in state["pids"]) and time.monotonic() < end:
            time.sleep(0.05)
    for namespace in state["namespaces"]:
        subprocess.run(["ip", "netns", "del", namespace])
    shutil.rmtree(state["folder"])
    say("ended")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--net", choices=["namespaces", "loopback"], help="the best there is")
    parser.add_argument("--stop", metavar="FOLDER")
    args = parser.parse_args()
    if args.stop:
        return stop(args.stop)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        return Demo(os.path.abspath(args.build), args.keep, args.net).run()
    except (LabError, Timeout) as problem:
        say("demo: " + str(problem))
        return 1
    except KeyboardInterrupt:
        say("\ndemo: interrupted; everything it had started is gone")
        return 130


if __name__ == "__main__":
    sys.exit(main())
