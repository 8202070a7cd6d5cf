# SPDX-License-Identifier: Apache-2.0
"""Every server of the lab on either side of one gateway.

    in-prosody  ─┐                                           ┌─ out-prosody
    in-ejabberd ─┼─ local ─ inner ─ link ─ outer ─ public ───┼─ out-ejabberd
    in-jabberd2 ─┘                                           └─ out-jabberd2, names (DNS)

KIND.example.se is inside, KIND.example.com outside. Each server is told what `sallyport attach`
prints; those inside also get its firewall.
"""
import itertools
import shutil
import socket
import subprocess
import time

from . import attach, dns, gateway, keys
from .ejabberd import Ejabberd
from .jabberd2 import Jabberd2
from .prosody import Prosody
from .world import PASSWORD, World
from .xmpp import Client, Timeout

KINDS = {cls.kind: cls for cls in (Prosody, Ejabberd, Jabberd2)}
PAIRS = list(itertools.product(KINDS, KINDS))
OCTETS = {kind: 21 + n for n, kind in enumerate(KINDS)}
USERS = ["alice", "bob", "erik", "åsa", "carol", "dave"]
ROTATED = "prosody"  # the local domain whose certificate outer is given anew

OUTER = """# written by the lab
node outer-a
{domains}
listen s2s {addr}:5269
listen s2s {addr}:5270 tls
listen link {link}:{link_port} {{
  certificate "{pki}/link/outer-a.crt" key "{pki}/link/outer-a.key"
  trust "{pki}/link/ca.crt" accept inner-a
}}
resolver {dns}:53
trust "{pki}/lab/ca.crt"
dialback secret "{pki}/dialback.secret"
{peers}
allow address 198.51.100.0/24 2001:db8:100::/64
profile open
flush {flush}
control "{dir}/outer.sock"
"""

INNER = """# written by the lab
node inner-a
link outer-a {link}:{link_port} {{
  certificate "{pki}/link/inner-a.crt" key "{pki}/link/inner-a.key" trust "{pki}/link/ca.crt"
}}
{servers}
listen s2s {addr}:5269
mint {{ certificate "{pki}/mint/ca.crt" key "{pki}/mint/ca.key" }}
steer {dns}:53 target {target} {srv}
dialback secret "{pki}/dialback.secret"
route any via any
profile open
control "{dir}/inner.sock"
"""


def inside_domain(kind):
    return kind + ".example.se"


def outside_domain(kind):
    return kind + ".example.com"


def domains_of(kind, domain):
    return [domain] + (["conference." + domain] if KINDS[kind].has_rooms else [])


class MatrixGateway(gateway.Gateway):
    def _write(self):
        world, net = self.world, self.world.net
        common = {"pki": world.pki, "dir": self.folder, "link_port": gateway.LINK_PORT,
                  "link": bracketed(world.wire_addr("link", 1))}
        domains = "\n".join(
            'domain %s { certificate "%s/lab/%s.crt" key "%s/lab/%s.key" }' % (
                " ".join(domains_of(kind, inside_domain(kind))), world.pki, inside_domain(kind),
                world.pki, inside_domain(kind)) for kind in KINDS)
        self._put("outer", OUTER.format(
            domains=domains, addr=bracketed(world.outer_addr), dns=net.addr("public", 53),
            flush="on" if world.flush_outside else "off",
            peers=self._peers(), **common))
        self._put("inner", INNER.format(
            servers="\n".join(self._server(kind) for kind in KINDS),
            addr=bracketed(world.inner_addr), dns=net.addr("local", 4), target=world.inner_addr,
            srv="srv tls" if world.direct_tls else "", **common))

    def _peers(self):
        if self.world.dane:
            # jabberd2 takes nothing but dialback from us, and brings nothing else beside its certificate.
            return 'anchor "%s"\npeer %s { accept dane dialback }\npeer any { require dane }' % (
                self.world.dns.anchor, outside_domain("jabberd2"))
        proofs = "pkix dialback" if self.world.proof == "certificates" else "dialback"
        plain = "" if self.world.jabberd2_tls else \
            "peer %s { allow plaintext accept dialback }\n" % outside_domain("jabberd2")
        return plain + "peer any { require tls accept %s }" % proofs

    def _server(self, kind):
        world = self.world
        proof = 'trust "%s/lab/ca.crt" accept pkix' % world.pki \
            if world.proof_of(kind) == "pkix" else "accept dialback"
        proof += "" if kind != "jabberd2" or world.jabberd2_tls else " allow plaintext"
        return "server %s %s:5269 { domain %s %s }" % (
            kind, bracketed(world.wire_addr("local", OCTETS[kind])),
            " ".join(domains_of(kind, inside_domain(kind))), proof)


def bracketed(addr):
    return "[%s]" % addr if ":" in addr else addr


class MatrixWorld(World):
    """proof: "certificates" (for the servers that can) or "dialback". family: 4 or 6.

    direct_tls: DNS offers streams that begin with TLS, to both sides. flush_outside: outer
    flushes the parsers of the servers outside, as inner always does for those inside.
    closed_first: the first server that DNS names for a domain outside takes no connections.
    jabberd2_tls: jabberd2 has a certificate. server_auth: the certificates of the public network have no
    clientAuth, as those of public CAs, and ejabberd outside would take dialback, too. prosody_extras:
    Prosody has its modules for XEP-0288 and XEP-0198. dane: nobody's CA vouches for the servers outside; DNS is
    signed, has their keys (TLSA), and outer requires that proof.
    """

    def __init__(self, proof="certificates", family=4, direct_tls=False, flush_outside=False,
                 closed_first=False, jabberd2_tls=True, server_auth=False, prosody_extras=False, dane=False,
                 **settings):
        super().__init__(proof=proof, direct_tls=direct_tls, **settings)
        self.closed_first, self.jabberd2_tls = closed_first, jabberd2_tls
        self.server_auth, self.prosody_extras = server_auth, prosody_extras
        self.family, self.flush_outside, self.dane = family, flush_outside, dane
        self.inside, self.outside = {}, {}
        self.recipe_checks = {}  # kind: the commands by which a recipe lets its reader check
        self.resources = itertools.count(1)
        self.cast = ("alice", "bob")  # who talks: inside, outside

    def proof_of(self, kind):
        """The proof that Sallyport uses with servers of this kind."""
        certificates = self.proof == "certificates" and KINDS[kind].has_certificates
        return "pkix" if certificates else "dialback"

    def wire_addr(self, wire, octet):
        return (self.net.addr6 if self.family == 6 else self.net.addr)(wire, octet)

    @property
    def socket_family(self):
        return socket.AF_INET6 if self.family == 6 else socket.AF_INET

    @property
    def outer_addr(self):
        return self.wire_addr("public", 10)

    @property
    def inner_addr(self):
        return self.wire_addr("local", 4)

    # Construction

    def _build(self):
        if not self.net.isolated:
            return
        self._wires()
        self._keys()
        self._start_dns()
        self.gateway = MatrixGateway(self)
        self.gateway.start()
        for kind in KINDS:
            self.inside[kind] = self._server("in", kind, inside_domain(kind))
            self.outside[kind] = self._server("out", kind, outside_domain(kind))
        servers = [*self.inside.values(), *self.outside.values()]
        for server in servers:
            server.begin()
        for server in servers:
            server.wait()

    def _wires(self):
        for host in ("inner", "outer", "names", *("in-" + k for k in KINDS),
                     *("out-" + k for k in KINDS)):
            self.net.add_host(host)
        self.net.add_lan("local", {"inner": 4, **{"in-" + k: o for k, o in OCTETS.items()}})
        self.net.add_lan("link", {"inner": 2, "outer": 1})
        self.net.add_lan("public", {"outer": 10, "names": 53,
                                    **{"out-" + k: o for k, o in OCTETS.items()}})

    def _keys(self):
        self.pki = self.folder + "/pki"
        names = ["+".join(domains_of(kind, make(kind))) for kind in KINDS
                 for make in (inside_domain, outside_domain)]
        options = ["--outer", "outer-a", "--inner", "inner-a", "--lab"]
        for kind in KINDS:
            for name in domains_of(kind, inside_domain(kind)):
                options += ["--domain", name]
        for name in names:
            options += ["--lab-domain", name]
        keys.pki_init(self.program("cli", "sallyport"), self.pki, *options)
        if self.proof == "dialback" or self.dane:
            keys.openssl_lab(self.pki + "/wild", *names)
        domains = [name for kind in KINDS for name in domains_of(kind, inside_domain(kind))]
        keys.pki_init(self.program("cli", "sallyport"), self.pki + "/next",
                      *[word for name in domains for word in ("--domain", name)])
        for name in names if self.server_auth else []:
            domains = name.split("+")
            keys.renew(self.pki + "/lab", domains[0], *domains, usage="serverAuth")

    def _start_dns(self):
        records = [dns.a("xmpp.example.se", self.outer_addr),
                   dns.a("closed.example", self.wire_addr("public", 53))]
        for kind, cls in KINDS.items():
            target = "xmpp." + outside_domain(kind)
            records.append(dns.a(target, self.wire_addr("public", OCTETS[kind])))
            for name in domains_of(kind, outside_domain(kind)):
                records += self._services(name, target, cls.has_direct_tls)
            for name in domains_of(kind, inside_domain(kind)):
                records += self._services(name, "xmpp.example.se", True)
            if self.dane:
                certificate = "%s/wild/%s.crt" % (self.pki, outside_domain(kind))
                records.append(dns.tlsa(target, 5269, keys.key_digest(certificate)))
        self.dns = self._name_server(records)
        self.dns.start()
        self.processes.append(self.dns.process)

    def _name_server(self, records):
        where = (self.net, "names", self.net.addr("public", 53), self.subfolder("dns"), records)
        if not self.dane:
            return dns.NameServer(*where, self.keep)
        return dns.SignedNameServer(*where, {"example.com": True, "example.se": False}, self.keep)

    def _services(self, name, target, direct):
        found = [dns.srv(name, target, 5269)]
        if self.closed_first and target != "xmpp.example.se":
            found.append(dns.srv(name, "closed.example", 5269, priority=1))
        if self.direct_tls and direct:
            found.append(dns.srv(name, target, 5270, priority=1, service="xmpps-server"))
        return found

    def _server(self, side, kind, domain):
        host = "%s-%s" % (side, kind)
        folder = self.subfolder(host)
        trust = folder + "/trust.pem"
        cli = self.program("cli", "sallyport")
        if side == "in":
            self._trust_both(trust)
            lines = attach.recipe(cli, kind, self.gateway.config("inner"), trust, server=kind)
            self._firewall(host, lines["nftables"])
            self.recipe_checks[kind] = lines["check"]
        else:
            shutil.copyfile(self.pki + "/lab/ca.crt", trust)
            lines = attach.public_recipe(
                cli, kind, self.folder + "/public.conf", trust, domain=domain,
                proof="certificates" if self.proof_of(kind) == "pkix" else "dialback",
                dns=self.net.addr("public", 53) + ":53", family=self.family)
            if self.server_auth and kind == "ejabberd":
                lines["modules"] += "  mod_s2s_dialback: {}\n"
        own = "wild" if self.proof == "dialback" or (self.dane and side == "out") else "lab"
        wire = "local" if side == "in" else "public"
        extra = {"prosody": {"proof": self.proof, "bidi": self.prosody_extras,
                             "acks": self.prosody_extras},
                 "jabberd2": {"tls": self.jabberd2_tls}}.get(kind, {})
        server = KINDS[kind](
            self.net, host, self.net.addr(wire, OCTETS[kind]), folder, domain=domain,
            s2s_addr=self.wire_addr(wire, OCTETS[kind]), attach=lines, keep=self.keep,
            own=["%s/%s/%s.%s" % (self.pki, own, domain, end) for end in ("crt", "key")],
            users={"%s@%s" % (user, domain): PASSWORD for user in USERS},
            direct_tls=self.direct_tls, **extra)
        self.processes += server.processes
        return server

    def new_mint_folder(self):
        """Where the minting CA lies that will follow."""
        return self.pki + "/next/mint"

    def _trust_both(self, path):
        """What a server inside trusts while the minting CA is exchanged."""
        with open(path, "w") as out:
            for folder in (self.pki + "/mint", self.new_mint_folder()):
                with open(folder + "/ca.crt") as ca:
                    out.write(ca.read())

    def _firewall(self, host, rules):
        done = subprocess.run([*self.net.enter(host), "nft", "-f", "-"], input=rules,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise gateway.LabError("nft: " + done.stderr.strip())

    # Use

    def firewall_counts(self, host):
        """{chain: packets dropped}"""
        done = subprocess.run([*self.net.enter(host), "nft", "list", "table", "inet", "sallyport"],
                              capture_output=True, text=True, check=True)
        counts, chain = {}, None
        for line in done.stdout.splitlines():
            words = line.split()
            if words[:1] == ["chain"]:
                chain = words[1]
            elif "counter" in words and "packets" in words:
                counts[chain] = counts.get(chain, 0) + int(words[words.index("packets") + 1])
        return counts

    def s2s_peers(self, kind):
        """Addresses of the s2s connections of a server inside, by the command of its recipe."""
        command = [line for line in self.recipe_checks[kind].splitlines() if line.startswith("ss ")]
        done = subprocess.run([*self.net.enter("in-" + kind), "sh", "-c", command[0]],
                              capture_output=True, text=True, check=True)
        return {line.split()[3].rpartition(":")[0] for line in done.stdout.splitlines()}

    def server_of(self, domain):
        kind, _, rest = domain.partition(".")
        return (self.inside if rest == "example.se" else self.outside)[kind]

    def client(self, jid, resource=None):
        server = self.server_of(jid.partition("@")[2])
        # A name of its own for each session: none takes the place of one that is just ending.
        resource = resource or "lab%d" % next(self.resources)
        for attempt in range(server.login_attempts):
            made = Client(self.net, server.host, server.addr, jid, PASSWORD, resource=resource)
            self.clients.append(made)
            try:
                return made.connect()
            except Timeout:
                if attempt + 1 == server.login_attempts:
                    raise
                time.sleep(0.2)
