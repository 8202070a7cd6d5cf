# SPDX-License-Identifier: Apache-2.0
"""Hosts and the wires between them.

A host is a network namespace of its own with no default route, no forwarding and only
the addresses of its wires, so what has no wire in common cannot talk. Where namespaces
are not permitted, every host is a set of addresses in 127.0.0.0/8: everything still
runs, but nothing proves that the sides are apart.
"""
import ctypes
import os
import socket
import subprocess
import threading

CLONE_NEWNET = 0x40000000

# The wires, and the prefix of each: in namespaces, and (as the third octet) on loopback.
WIRES = {
    "local": ("10.2.0", 2),         # your XMPP server and inner
    "link": ("10.1.0", 1),          # inner and outer
    "public": ("198.51.100", 100),  # outer and the rest of the world
    "direct": ("203.0.113", 113),   # both servers on one wire: no gateway at all
}

# Prefixes of the wires that have IPv6, too.
WIRES6 = {"local": "fd00:2::", "link": "fd00:1::", "public": "2001:db8:100::"}


class LabError(Exception):
    """The lab itself could not be built or a part of it did not start."""


def _run(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError("%s: %s" % (" ".join(args), done.stderr.strip()))
    return done.stdout


def namespaces_permitted():
    """Try it: make one, enter it, remove it."""
    if os.geteuid() != 0:
        return False
    probe = NamespaceNet()
    try:
        probe.add_host("probe")
        probe.socket("probe").close()
    except (LabError, OSError):
        return False
    finally:
        probe.close()
    return True


class NamespaceNet:
    """Hosts as namespaces, named sp<pid><letter>-<host> so that runs do not meet."""

    isolated = True
    dns_port = 53
    _count = 0

    def __init__(self):
        NamespaceNet._count += 1
        self.prefix = "sp%d%s-" % (os.getpid(), chr(ord("a") + NamespaceNet._count % 26))
        self.hosts = []

    def name(self, host):
        return self.prefix + host

    def add_host(self, host):
        _run("ip", "netns", "add", self.name(host))
        self.hosts.append(host)
        self.ip(host, "link", "set", "lo", "up")

    def add_wire(self, wire, ends):
        """Join two hosts: ends is {host: [last octets]}; each takes its addresses."""
        (one, two) = ends
        self.ip(one, "link", "add", "name", wire, "type", "veth", "peer", "name", wire,
                "netns", self.name(two))
        for host, octets in ends.items():
            for octet in octets:
                self.ip(host, "addr", "add", self.addr(wire, octet) + "/24", "dev", wire)
            self.ip(host, "link", "set", "dev", wire, "up")

    def add_lan(self, wire, ends):
        """Join any number of hosts: ends is {host: last octet}, for IPv4 and IPv6."""
        lan = "lan-" + wire
        self.add_host(lan)
        self.ip(lan, "link", "add", "bridge", "type", "bridge")
        self.ip(lan, "link", "set", "dev", "bridge", "up")
        for n, (host, octet) in enumerate(ends.items()):
            port = "port%d" % n
            self.ip(lan, "link", "add", "name", port, "type", "veth", "peer", "name", wire,
                    "netns", self.name(host))
            self.ip(lan, "link", "set", "dev", port, "master", "bridge", "up")
            self.ip(host, "addr", "add", self.addr(wire, octet) + "/24", "dev", wire)
            self.ip(host, "addr", "add", self.addr6(wire, octet) + "/64", "dev", wire, "nodad")
            self.ip(host, "link", "set", "dev", wire, "up")

    def ip(self, host, *args):
        return _run(*self.enter(host), "ip", *args)

    def addr(self, wire, octet):
        return "%s.%d" % (WIRES[wire][0], octet)

    def addr6(self, wire, octet):
        return "%s%d" % (WIRES6[wire], octet)

    def enter(self, host):
        """The words that start a command inside a host."""
        return ["nsenter", "--net=/run/netns/" + self.name(host)]

    def socket(self, host, kind=socket.SOCK_STREAM, family=socket.AF_INET, proto=0):
        """A socket of this process that lives in the host (setns is per thread)."""
        made = []

        def make():
            libc = ctypes.CDLL(None, use_errno=True)
            with open("/run/netns/" + self.name(host)) as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, kind, proto))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise LabError("cannot enter the namespace of " + host)
        return made[0]

    def close(self):
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", self.name(host)], capture_output=True)
        self.hosts = []


class LoopbackNet:
    """Hosts as addresses 127.<run>.<wire>.<octet>; <run> is taken by holding a port of it."""

    isolated = False

    def __init__(self):
        self.dns_port = 53 if os.geteuid() == 0 else 5353
        self.lock = None
        for run in range(10, 250):
            lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                lock.bind(("127.%d.255.254" % run, 52690))
            except OSError:
                lock.close()
                continue
            self.run, self.lock = run, lock
            return
        raise LabError("no free loopback network")

    def add_host(self, host):
        pass

    def add_wire(self, wire, ends):
        pass

    def addr(self, wire, octet):
        return "127.%d.%d.%d" % (self.run, WIRES[wire][1], octet)

    def enter(self, host):
        return []

    def socket(self, host, kind=socket.SOCK_STREAM, family=socket.AF_INET, proto=0):
        return socket.socket(family, kind, proto)

    def close(self):
        if self.lock:
            self.lock.close()
            self.lock = None


def make_net(want=None):
    """Namespaces where they are permitted, else loopback. want: "namespaces" or "loopback"."""
    if want == "loopback":
        return LoopbackNet()
    if want == "namespaces" or namespaces_permitted():
        return NamespaceNet()
    return LoopbackNet()
