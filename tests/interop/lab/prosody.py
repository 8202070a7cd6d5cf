# SPDX-License-Identifier: Apache-2.0
"""One Prosody as packaged by Debian: configuration, accounts, life."""
import os
import pwd

from .proc import Process, user_prefix

C2S_PORT = 5222
S2S_PORT = 5269
S2S_TLS_PORT = 5270

MODULES = ["roster", "saslauth", "tls", "disco", "ping", "presence", "message", "iq",
           "version", "c2s", "s2s", "offline", "posix"]

CONFIG = """-- Written by the lab; nothing outside {dir} is read or written.
daemonize = false
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
certificates = "{dir}"
plugin_paths = {{}}
modules_enabled = {{ {modules} }}
modules_disabled = {{ "s2s_bidi" }}
interfaces = {{ "{addr}" }}
c2s_ports = {{ {c2s_port} }}
s2s_ports = {{ {s2s_port} }}
s2s_direct_tls_ports = {{ {tls_port} }}
c2s_direct_tls_ports = {{}}
component_ports = {{}}
use_ipv6 = false
use_dane = false
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = true
s2s_secure_auth = {secure_auth}
unbound = {{ resolvconf = false, hoststxt = false, forward = "{dns}",
  options = {{ ["do-not-query-localhost:"] = "no", ["module-config:"] = "iterator" }} }}
ssl = {{ certificate = "{cert}", key = "{key}", cafile = "{trust}", capath = "{dir}/none" }}
log = {{ debug = "{dir}/debug.log", info = "*console" }}
{hosts}
"""

MUC = """Component "%s" "muc"
  muc_room_locking = false
  muc_room_default_public = true
"""


class Prosody:
    """`dns` is "ADDRESS@PORT"; `trust` the CA file s2s peers must chain to.

    proof: "certificates" (EXTERNAL only, no dialback) or "dialback" (no certificate is looked
    at). domains are virtual hosts, rooms are MUC components, users {"alice@example.se": "pw"}.
    direct_tls: listen on port 5270 too, for streams that begin with TLS.
    """

    def __init__(self, net, host, addr, folder, *, domains, rooms, users, cert, key, trust,
                 dns, proof="certificates", direct_tls=False, keep=False):
        os.makedirs(folder + "/none", exist_ok=True)
        self.net, self.host, self.addr, self.folder = net, host, addr, folder
        modules = MODULES + (["dialback"] if proof == "dialback" else [])
        hosts = "".join('VirtualHost "%s"\n' % d for d in domains)
        hosts += "".join(MUC % r for r in rooms)
        text = CONFIG.format(
            dir=folder, addr=addr, c2s_port=C2S_PORT, s2s_port=S2S_PORT, dns=dns,
            tls_port=S2S_TLS_PORT if direct_tls else "",
            modules=", ".join('"%s"' % m for m in modules), cert=self._own(cert, "cert"),
            key=self._own(key, "key"), trust=self._own(trust, "trust"), hosts=hosts,
            secure_auth="true" if proof == "certificates" else "false")
        with open(folder + "/prosody.cfg.lua", "w") as out:
            out.write(text)
        for jid, password in users.items():
            self._account(jid, password)
        self._give_away()
        self.process = Process(
            net, host, user_prefix("prosody") + ["prosody", "--config",
                                                 folder + "/prosody.cfg.lua", "-F"],
            folder + "/prosody.log", keep)

    def _own(self, path, stem):
        """A copy that the server's user may read."""
        copy = "%s/%s.pem" % (self.folder, stem)
        with open(path) as src, open(copy, "w") as dst:
            dst.write(src.read())
        os.chmod(copy, 0o600)
        return copy

    def _account(self, jid, password):
        user, domain = jid.split("@")
        folder = "%s/data/%s/accounts" % (self.folder, _datastore(domain))
        os.makedirs(folder, exist_ok=True)
        with open("%s/%s.dat" % (folder, _datastore(user)), "w") as out:
            out.write('return { ["password"] = "%s"; };\n' % password)

    def _give_away(self):
        if os.geteuid() != 0:
            return
        owner = pwd.getpwnam("prosody")
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        for folder, folders, files in os.walk(self.folder):
            for name in folders + files:
                os.chown(os.path.join(folder, name), owner.pw_uid, owner.pw_gid)

    def start(self):
        self.process.start()
        self.wait()

    def wait(self):
        self.process.wait_port(self.addr, C2S_PORT)
        self.process.wait_port(self.addr, S2S_PORT)

    def debug_log(self):
        with open(self.folder + "/debug.log", errors="replace") as text:
            return text.read()


def _datastore(name):
    """Prosody's file names: everything but letters and digits as %xx."""
    return "".join(chr(c) if chr(c).isascii() and chr(c).isalnum() else "%%%02x" % c
                   for c in name.encode())
