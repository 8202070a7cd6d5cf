# SPDX-License-Identifier: Apache-2.0
"""Everything put together: two organisations, and what lies between them.

    example.se              gateway lab                      example.com
    inside --local-- inner --link-- outer --public-- outside (Prosody, DNS)

    inside --direct-- outside       direct lab: the same servers on one wire

A World is a context manager: leaving it ends its processes and removes its hosts.
"""
import contextlib
import os
import shutil
import signal
import tempfile

from . import attach, dns, gateway, keys
from .net import make_net
from .prosody import Prosody
from .xmpp import Client

LOCAL = "example.se"
FOREIGN = "example.com"
PASSWORD = "secret"
# Domains that nobody has talked to yet, one for each measurement of a cold start.
COLD = ["cold%d.example.com" % n for n in range(1, 9)]


class World:
    """mode: "gateway" or "direct". proof: "certificates" or "dialback". profile: "open"/"standard".

    net: "namespaces", "loopback" or None for the best there is.
    build: the build folder with the programs. records: a function of the net that gives more
    DNS records; ends: last octets of more public addresses of outside. more_config: lines for
    both configuration files. direct_tls: DNS tells both sides to begin streams with TLS.
    acks: both servers speak stream management (XEP-0198) on their streams.
    bidi: and let one stream carry both directions (XEP-0288).
    """

    def __init__(self, mode="gateway", proof="certificates", profile="open", net=None,
                 build=None, keep=False, folder=None, records=None, ends=None,
                 more_config="", direct_tls=False, acks=False, bidi=False):
        self.mode, self.proof, self.profile, self.keep = mode, proof, profile, keep
        self.build, self.public_extra, self.more_config = build, ends or [], more_config
        self.direct_tls, self.acks, self.bidi = direct_tls, acks, bidi
        self.net = make_net(net)
        self.extra_records = records(self.net) if records else []
        self.folder = folder or tempfile.mkdtemp(prefix="sallyport-lab-")
        os.chmod(self.folder, 0o755)
        self.processes, self.clients = [], []

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *what):
        if not self.keep or what[0]:
            self.close()

    gateway_class = gateway.Gateway

    # Names and addresses

    local_domains = [LOCAL, "conference." + LOCAL]

    @property
    def inside_addr(self):
        return self.net.addr("direct" if self.mode == "direct" else "local", 5)

    @property
    def outside_addr(self):
        return self.net.addr("direct" if self.mode == "direct" else "public", 20)

    @property
    def outer_addr(self):
        return self.net.addr("public", 10)

    @property
    def inner_addr(self):
        return self.net.addr("local", 4)

    # Construction

    def _build(self):
        self._wires()
        self._keys()
        self._start_dns()
        if self.mode == "gateway":
            self.gateway = self.gateway_class(self)
            self.gateway.start()
        self.inside = self._server("inside", LOCAL, self.inside_addr)
        self.outside = self._server("outside", FOREIGN, self.outside_addr, COLD)
        for server in (self.inside, self.outside):
            server.begin()
        for server in (self.inside, self.outside):
            server.wait()

    def _wires(self):
        net = self.net
        if self.mode == "direct":
            for host in ("inside", "outside"):
                net.add_host(host)
            net.add_wire("direct", {"inside": [5], "outside": [20]})
            return
        for host in ("inside", "inner", "outer", "outside"):
            net.add_host(host)
        net.add_wire("local", {"inside": [5], "inner": [4]})
        net.add_wire("link", {"inner": [2], "outer": [1]})
        net.add_wire("public", {"outer": [10], "outside": [20] + self.public_extra})

    def _keys(self):
        self.pki = self.folder + "/pki"
        names = [_with_rooms(LOCAL), _with_rooms(FOREIGN, *COLD)]
        if self.mode == "gateway":
            options = ["--outer", "outer-a", "--inner", "inner-a", "--lab"]
            for name in self.local_domains:
                options += ["--domain", name]
            for name in names:
                options += ["--lab-domain", name]
            keys.pki_init(self.program("cli", "sallyport"), self.pki, *options)
        else:
            keys.openssl_lab(self.pki + "/lab", *names)
        if self.proof == "dialback":
            keys.openssl_lab(self.pki + "/wild", *names)

    def _start_dns(self):
        local_end = self.inside_addr if self.mode == "direct" else self.outer_addr
        records = [dns.a("xmpp.example.com", self.outside_addr),
                   dns.a("xmpp.example.se", local_end)]
        port, service = (5270, "xmpps-server") if self.direct_tls else (5269, "xmpp-server")
        for target, names in (("xmpp.example.com", [FOREIGN, "conference." + FOREIGN, *COLD]),
                              ("xmpp.example.se", self.local_domains)):
            records += [dns.srv(name, target, port, service=service) for name in names]
        folder = self.subfolder("dns")
        self.dns = dns.NameServer(self.net, "outside", self.outside_addr, folder,
                                  records + self.extra_records, self.keep)
        self.dns.start()
        self.processes.append(self.dns.process)

    def _server(self, host, domain, addr, more=()):
        steered = host == "inside" and self.mode == "gateway"
        own, trust = "lab", "mint/ca.crt" if steered else "lab/ca.crt"
        if self.proof == "dialback":
            # A certificate that nobody trusts: only dialback is left.
            own = "wild"
        users = {"%s@%s" % (u, d): PASSWORD for d in (domain, *more)
                 for u in ("alice", "bob", "erik", "åsa")}
        folder = self.subfolder(host)
        trusted = folder + "/trust.pem"
        shutil.copyfile("%s/%s" % (self.pki, trust), trusted)
        cli = self.program("cli", "sallyport")
        if steered:
            lines = attach.recipe(cli, "prosody", self.gateway.config("inner"), trusted)
        else:
            lines = attach.public_recipe(
                cli, "prosody", self.folder + "/public.conf", trusted, domain=domain,
                proof=self.proof, dns="%s:%d" % (self.outside_addr, self.net.dns_port))
        server = Prosody(
            self.net, host, addr, folder, domain=domain, more=more, users=users, attach=lines,
            own=["%s/%s/%s.%s" % (self.pki, own, domain, end) for end in ("crt", "key")],
            direct_tls=self.direct_tls, keep=self.keep, bidi=self.bidi, proof=self.proof,
            acks=self.acks)
        self.processes += server.processes
        return server

    def subfolder(self, name):
        path = self.folder + "/" + name
        os.makedirs(path, exist_ok=True)
        return path

    def program(self, part, name):
        return os.path.join(self.build, "src", part, name)

    # Use

    def client(self, jid, resource=None):
        """A logged-in client on the side that serves its domain."""
        inside = jid.endswith(LOCAL)
        server = self.inside if inside else self.outside
        made = Client(self.net, server.host, server.addr, jid, PASSWORD, resource=resource)
        self.clients.append(made)
        return made.connect()

    def logs(self):
        """The ends of all logs, for a report."""
        return "".join("\n== %s\n%s\n" % (p.name, p.tail()) for p in self.processes)

    def end_case(self):
        """Between cases: nobody stays logged in."""
        for client in self.clients:
            client.close()
        self.clients = []

    def close(self):
        """End everything; neither Ctrl-C nor SIGTERM stops it half-way."""
        with _unhurried():
            self.end_case()
            for process in reversed(self.processes):
                process.stop(2.0)
            self.net.close()
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def _unhurried():
    """Ignore the signals that ask us to end."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(s, signal.SIG_IGN) for s in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before):
            signal.signal(number, handler)


def _with_rooms(domain, *more):
    return "+".join([domain, "conference." + domain, *more])
