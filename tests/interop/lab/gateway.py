# SPDX-License-Identifier: Apache-2.0
"""sallyport-outer and sallyport-inner: their configuration files and their lives."""
import subprocess
import threading
import time

from .net import LabError
from .proc import Process

LINK_PORT = 5280

OUTER = """# written by the lab
node outer-a
{domains}
listen s2s {public}:5269
{listen_tls}
listen link {link}:{link_port} {{
  certificate "{pki}/link/outer-a.crt" key "{pki}/link/outer-a.key"
  trust "{pki}/link/ca.crt" accept inner-a
}}
resolver {dns}:{dns_port}
trust "{pki}/lab/ca.crt"
dialback secret "{pki}/dialback.secret"
peer any {{ require tls accept {proofs} }}
allow address {reachable}
profile {profile}
control "{dir}/outer.sock"
{more}
"""

DOMAIN = 'domain %s { certificate "%s/lab/example.se.crt" key "%s/lab/example.se.key" }'

INNER = """# written by the lab
node inner-a
link outer-a {link}:{link_port} {{
  certificate "{pki}/link/inner-a.crt" key "{pki}/link/inner-a.key" trust "{pki}/link/ca.crt"
}}
server main {server}:5269 {{ domain {domains} trust "{server_trust}" accept {proofs} }}
listen s2s {local}:5269
mint {{ certificate "{pki}/mint/ca.crt" key "{pki}/mint/ca.key" }}
steer {local}:{dns_port} {steer_srv}
dialback secret "{pki}/dialback.secret"
route any via any
profile {profile}
control "{dir}/inner.sock"
{more}
"""


class Gateway:
    """The two daemons of a world. Each is a Process that can be stopped, killed and started."""

    def __init__(self, world):
        self.world = world
        self.folder = world.subfolder("gateway")
        self.cli = world.program("cli", "sallyport")
        self._write()
        self.outer = self._daemon("outer")
        self.inner = self._daemon("inner")
        world.processes += [self.outer, self.inner]

    def _write(self):
        world, net = self.world, self.world.net
        domains = world.local_domains
        dialback = world.proof == "dialback"
        common = {"pki": world.pki, "profile": world.profile, "dir": self.folder,
                  "proofs": "dialback" if dialback else "pkix", "more": world.more_config,
                  "link": net.addr("link", 1), "link_port": LINK_PORT, "dns_port": net.dns_port}
        self._put("outer", OUTER.format(
            domains="\n".join(DOMAIN % (d, world.pki, world.pki) for d in domains),
            public=world.outer_addr, dns=world.outside_addr,
            listen_tls="listen s2s %s:5270 tls" % world.outer_addr if world.direct_tls else "",
            reachable="198.51.100.0/24" if net.isolated else "127.0.0.0/8",
            **common))
        self._put("inner", INNER.format(
            steer_srv="srv tls" if world.direct_tls else "",
            server=world.inside_addr, local=world.inner_addr, domains=" ".join(domains),
            server_trust="%s/%s/ca.crt" % (world.pki, "wild" if dialback else "lab"), **common))

    def _put(self, name, text):
        with open("%s/%s.conf" % (self.folder, name), "w") as out:
            out.write(text)

    def config(self, name):
        return "%s/%s.conf" % (self.folder, name)

    def control(self, name):
        return "%s/%s.sock" % (self.folder, name)

    def _daemon(self, name):
        program = self.world.program(name, "sallyport-" + name)
        return Process(self.world.net, name, [program, "-c", self.config(name)],
                       "%s/%s.log" % (self.folder, name), self.world.keep)

    def start(self):
        for name in ("outer", "inner"):
            self.start_one(name)

    def daemon(self, name):
        return self.outer if name == "outer" else self.inner

    def start_one(self, name):
        """Start a daemon and wait until it listens."""
        addr = self.world.outer_addr if name == "outer" else self.world.inner_addr
        self.daemon(name).start()
        self.daemon(name).wait_port(addr, 5269)

    def ask(self, name, *words):
        """`sallyport WORDS` on the control socket of a daemon."""
        done = subprocess.run([self.cli, "-s", self.control(name), *words],
                              capture_output=True, text=True, timeout=10)
        if done.returncode != 0:
            raise LabError("sallyport %s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout


class Trace:
    """`sallyport trace` of a daemon while something happens: the records as text lines."""

    def __init__(self, gateway, name):
        self.command = [gateway.cli, "-s", gateway.control(name), "trace", "*", "*"]
        self.got = []

    def __enter__(self):
        self.popen = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        time.sleep(0.1)
        return self

    def _read(self):
        for line in self.popen.stdout:
            self.got.append(line.rstrip("\n"))

    def lines(self, patience=1.0):
        """What has come; waits a little for the first."""
        end = time.monotonic() + patience
        while not self.got and time.monotonic() < end:
            time.sleep(0.01)
        return list(self.got)

    def __exit__(self, *what):
        self.popen.terminate()
        self.popen.wait()
        self.reader.join()
