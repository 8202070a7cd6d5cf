# SPDX-License-Identifier: Apache-2.0
"""A server inside that is not steered at all: foreign domains are its components (XEP-0114), and nothing else is.

It is told what `sallyport attach` prints for a configuration without `steer`.
"""
import json
import os
import re
import shutil
import subprocess

from . import attach, gateway
from .ejabberd import Ejabberd
from .net import LabError
from .prosody import Prosody
from .world import FOREIGN, LOCAL, PASSWORD, World

PORT = 5347
SECRET = "a secret of the lab's components"
KINDS = {cls.kind: cls for cls in (Prosody, Ejabberd)}


class Gateway(gateway.Gateway):
    """inner.conf has no `steer`; its server has components."""

    def _write(self):
        super()._write()
        path = self.config("inner")
        with open(path) as source:
            text = source.read()
        component = ' component %s:%d { domain %s secret "%s/component.secret" allow plaintext }' % (
            self.world.inside_addr, PORT, " ".join(self.world.foreign_domains), self.folder)
        text = re.sub(r"(?m)^(server .*) }$", lambda m: m[1] + component + " }", text)
        with open(path, "w") as out:
            out.write(re.sub(r"(?m)^steer .*\n", "", text))
        with open(self.folder + "/component.secret", "w") as out:
            out.write(SECRET + "\n")
        os.chmod(self.folder + "/component.secret", 0o600)


class ComponentWorld(World):
    """kind: of the server inside. Outside is a Prosody as always."""

    gateway_class = Gateway
    foreign_domains = [FOREIGN, "conference." + FOREIGN]

    def __init__(self, kind, **settings):
        super().__init__(**settings)
        self.inside_class = KINDS[kind]

    @property
    def local_domains(self):
        return [LOCAL] + (["conference." + LOCAL] if self.inside_class.has_rooms else [])

    def _build(self):
        super()._build()
        self.wait_components()

    def streams(self):
        """Inner's streams that are ready."""
        try:
            status = json.loads(self.gateway.ask("inner", "status", "--json"))
        except LabError:  # inner has only just been started
            return []
        return [s for s in status["streams"] if s["state"] == "ready"]

    def wait_components(self):
        """Inner was started before the server, and tries again at growing intervals."""
        self.gateway.inner.wait_for(lambda: len(self.streams()) >= len(self.foreign_domains),
                                    "the components", 40)

    def _server(self, host, domain, addr, more=()):
        if host != "inside":
            return super()._server(host, domain, addr, more)
        folder = self.subfolder(host)
        trust = folder + "/trust.pem"
        shutil.copyfile(self.pki + "/mint/ca.crt", trust)
        lines = attach.recipe(self.program("cli", "sallyport"), self.inside_class.kind,
                              self.gateway.config("inner"), trust)
        self._firewall(host, lines["nftables-component"])
        lines = {name: text.replace("SECRET", SECRET) for name, text in lines.items()}
        server = self.inside_class(
            self.net, host, addr, folder, domain=domain, attach=lines, keep=self.keep,
            users={"%s@%s" % (user, domain): PASSWORD for user in ("alice", "bob", "erik", "åsa")},
            own=["%s/lab/%s.%s" % (self.pki, domain, end) for end in ("crt", "key")])
        server.open_port = PORT
        self.processes += server.processes
        return server

    def _firewall(self, host, rules):
        if not self.net.isolated:
            return
        done = subprocess.run([*self.net.enter(host), "nft", "-f", "-"], input=rules,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError("nft: " + done.stderr.strip())
