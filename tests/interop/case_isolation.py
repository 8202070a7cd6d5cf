# SPDX-License-Identifier: Apache-2.0
"""What the hosts can reach, and whom they talk to while all goes well."""
import errno
import subprocess

from lab import dns
from lab.expect import Skip, equal, expect
from lab.watch import Watch

WORLDS = {"namespaces": {}}

A, B = "alice@example.se", "bob@example.com"


def _needs_namespaces(world):
    if not world.net.isolated:
        raise Skip("network namespaces are not permitted here")


def _connect(world, host, addr, port):
    with world.net.socket(host) as sock:
        sock.settimeout(3)
        return sock.connect_ex((addr, port))


def case_no_route(world):
    """no route leads from inside to outside or outer, nor back"""
    _needs_namespaces(world)
    ways = (("inside", world.outside_addr, 5269), ("inside", world.outer_addr, 5269),
            ("inside", world.net.addr("link", 1), 5280), ("outside", world.inside_addr, 5269),
            ("outside", world.inner_addr, 5269), ("outer", world.inside_addr, 5269),
            ("inner", world.outside_addr, 5269))
    for host, addr, port in ways:
        equal(_connect(world, host, addr, port), errno.ENETUNREACH, "%s to %s" % (host, addr))
        route = subprocess.run([*world.net.enter(host), "ip", "route", "get", addr],
                               capture_output=True, text=True)
        expect(route.returncode != 0, "%s has a route to %s: %s" % (host, addr, route.stdout))


def case_steered_names(world):
    """seen from inside every foreign name is inner, and local names are none"""
    def ask(name, kind="A"):
        return dns.query(world.net, "inside", world.inner_addr, world.net.dns_port, name, kind)
    for name in ("example.com", "conference.example.com", "anything.test.example.org"):
        equal(ask(name), ("NOERROR", [world.inner_addr]), name)
    for name in ("example.se", "conference.example.se"):
        equal(ask(name), ("NXDOMAIN", []), name)
    for kind in ("SRV", "AAAA"):
        equal(ask("_xmpp-server._tcp.example.com", kind)[1], [], kind)


def case_whom_they_talk_to(world):
    """inside opens connections to inner alone, and outer opens none to inner"""
    _needs_namespaces(world)
    net = world.net
    with Watch(net, "inside", "local") as inside, Watch(net, "inner", "link") as inner:
        alice, bob = world.client(A), world.client(B)
        alice.presence()
        bob.presence()
        alice.message(B, "out")
        bob.wait_message(A, "out")
        bob.message(alice.jid, "in")
        alice.wait_message(B, "in")
        alice.join("hall@conference.example.com", "alice")
    equal(inside.sent_to, {world.inner_addr}, "addresses that inside sent anything to")
    equal({addr for addr, _ in inside.opened}, {world.inner_addr}, "connections of inside")
    equal(inside.accepted, {world.inner_addr}, "connections to inside")
    equal(inner.accepted, set(), "connections opened towards inner from the DMZ")


def case_outer_takes_no_strangers_link(world):
    """the link port takes nobody without a certificate of the link's own CA"""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(world.pki + "/lab/example.com.crt", world.pki + "/lab/example.com.key")
    with world.net.socket("inner") as sock:
        sock.settimeout(5)
        sock.connect((world.net.addr("link", 1), 5280))
        try:
            with context.wrap_socket(sock) as tls:
                equal(tls.recv(1), b"", "data for a stranger")
        except (ssl.SSLError, ConnectionError):
            pass
