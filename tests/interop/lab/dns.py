# SPDX-License-Identifier: Apache-2.0
"""The name server of the outside world (Debian's unbound with local data only), and a query."""
import random
import socket
import struct
import subprocess

from .net import LabError
from .proc import Process

CONFIG = """server:
  interface: {addr}
  port: {port}
  do-ip6: no
  access-control: 0.0.0.0/0 allow
  chroot: ""
  username: ""
  directory: "{dir}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  do-daemonize: no
  module-config: "iterator"
  local-zone: "." static
{data}
remote-control:
  control-enable: no
"""


def srv(name, target, port=5269, priority=5, service="xmpp-server"):
    return '_%s._tcp.%s. 60 IN SRV %d 0 %d %s' % (service, name, priority, port, target)


def a(name, addr):
    return "%s. 60 IN %s %s" % (name, "AAAA" if ":" in addr else "A", addr)


def tlsa(target, port, digest):
    """The key of the server at this name and port is the one with this digest (DANE-EE, SPKI, SHA-256)."""
    return "_%d._tcp.%s. 60 IN TLSA 3 1 1 %s" % (port, target, digest)


class NameServer:
    """Answers from `records` and NXDOMAIN for all else."""

    def __init__(self, net, host, addr, folder, records, keep=False):
        self.addr, self.port = addr, net.dns_port
        data = "\n".join("  local-data: '%s'" % r for r in records)
        path = folder + "/unbound.conf"
        with open(path, "w") as out:
            out.write(CONFIG.format(addr=addr, port=self.port, dir=folder, data=data))
        self.process = Process(net, host, ["unbound", "-d", "-p", "-c", path],
                               folder + "/unbound.log", keep)

    def start(self):
        self.process.start()
        self.process.wait_port(self.addr, self.port)


NSD = """server:
  ip-address: {addr}
  port: {port}
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: ""
  logfile: "{dir}/nsd.log"
  server-count: 1
remote-control:
  control-enable: no
"""
HEAD = """$ORIGIN .
$TTL 60
{zone} SOA ns.{zone} admin.{zone} 1 3600 600 86400 60
{zone} NS ns.{zone}
ns.{zone} A {addr}
"""


class SignedNameServer:
    """Debian's nsd with these zones, {zone: signed}: each has the records under its name. `anchor`: the file with
    what a validating resolver has to trust."""

    def __init__(self, net, host, addr, folder, records, zones, keep=False):
        self.addr, self.port = addr, net.dns_port
        config = NSD.format(addr=addr, port=self.port, dir=folder)
        for zone, signed in zones.items():
            path = folder + "/" + zone
            mine = [r for r in records if r.split()[0].rstrip(".").endswith(zone)]
            with open(path, "w") as out:
                out.write(HEAD.format(zone=zone, addr=addr) + "\n".join(mine) + "\n")
            if signed:
                self.anchor = self._sign(folder, zone)
            config += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (zone, zone + (".signed" if signed else ""))
        path = folder + "/nsd.conf"
        with open(path, "w") as out:
            out.write(config)
        self.process = Process(net, host, ["nsd", "-d", "-c", path], folder + "/nsd-out.log", keep)

    @staticmethod
    def _sign(folder, zone):
        def run(*words):
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                raise LabError("%s: %s" % (words[0], done.stderr.strip()))
            return done.stdout.strip()
        key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
        run("ldns-signzone", "-n", zone, key)
        return "%s/%s.ds" % (folder, key)

    def start(self):
        self.process.start()
        self.process.wait_port(self.addr, self.port)


def query(net, host, server, port, name, kind="A"):
    """Ask `server` from `host`. Returns (rcode word, [addresses or SRV targets])."""
    ident = random.randrange(65536)
    number = {"A": 1, "SRV": 33, "AAAA": 28}[kind]
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.rstrip(".").split("."))
    packet = struct.pack("!6H", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" \
        + struct.pack("!2H", number, 1)
    with net.socket(host, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2.0)
        sock.sendto(packet, (server, port))
        answer = sock.recv(4096)
    _, flags, _, count = struct.unpack("!4H", answer[:8])
    words = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
    found, pos = [], _skip_name(answer, 12) + 4
    for _ in range(count):
        pos = _skip_name(answer, pos)
        rtype, _, _, length = struct.unpack("!2HIH", answer[pos:pos + 10])
        pos += 10
        if rtype == 1 and number == 1:
            found.append(socket.inet_ntoa(answer[pos:pos + 4]))
        elif rtype == number:
            found.append(_name_at(answer, pos + (6 if rtype == 33 else 0)))
        pos += length
    return words.get(flags & 15, str(flags & 15)), found


def _skip_name(data, pos):
    while data[pos] != 0:
        if data[pos] >= 0xC0:
            return pos + 2
        pos += 1 + data[pos]
    return pos + 1


def _name_at(data, pos):
    parts = []
    while data[pos] != 0:
        if data[pos] >= 0xC0:
            pos = struct.unpack("!H", data[pos:pos + 2])[0] & 0x3FFF
            continue
        parts.append(data[pos + 1:pos + 1 + data[pos]].decode())
        pos += 1 + data[pos]
    return ".".join(parts)
