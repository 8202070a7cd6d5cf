# SPDX-License-Identifier: Apache-2.0
"""One Prosody as packaged by Debian: configuration, accounts, life."""
import os

from .proc import Process, user_prefix
from .server import C2S_PORT, S2S_PORT, S2S_TLS_PORT, Server

MODULES = ["roster", "saslauth", "tls", "disco", "ping", "presence", "message", "iq",
           "version", "c2s", "s2s", "offline", "posix"]

CONFIG = """-- Written by the lab; nothing outside {dir} is read or written.
daemonize = false
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
certificates = "{dir}"
plugin_paths = {{}}
modules_enabled = {{ {modules} }}
c2s_interfaces = {{ "{addr}" }}
s2s_interfaces = {{ "{s2s_addr}" }}
s2s_direct_tls_interfaces = {{ "{s2s_addr}" }}
c2s_ports = {{ {c2s_port} }}
s2s_ports = {{ {s2s_port} }}
s2s_direct_tls_ports = {{ {tls_port} }}
c2s_direct_tls_ports = {{}}
component_ports = {{}}
smacks_s2s_resend = true
use_ipv6 = false
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
ssl = {{ certificate = "{own}", key = "{own}" }}
log = {{ debug = "{dir}/debug.log", info = "*console" }}
-- What `sallyport attach` prints:
{attach}{hosts}{components}"""

MUC = """Component "%s" "muc"
  muc_room_locking = false
  muc_room_default_public = true
"""


class Prosody(Server):
    """attach: the parts of the recipe; own: certificate and key; users: {jid: password}.

    more: further virtual hosts. bidi: streams that carry both ways where the peer can (XEP-0288).
    acks: stream management on its streams (XEP-0198); what was not acknowledged is sent again.
    """

    kind = user = package = "prosody"

    def __init__(self, net, host, addr, folder, *, domain, attach, own, users, s2s_addr=None,
                 direct_tls=False, keep=False, more=(), bidi=False, proof=None, acks=False):
        super().__init__(net, host, addr, folder, domain=domain, s2s_addr=s2s_addr)
        modules = MODULES + (["dialback"] if proof == "dialback" else [])
        modules += (["s2s_bidi"] if bidi else []) + (["smacks"] if acks else [])
        hosts = "".join('VirtualHost "%s"\n' % d for d in [domain, *more]) + MUC % self.room_domain
        self.put("prosody.cfg.lua", CONFIG.format(
            dir=folder, addr=addr, s2s_addr=self.s2s_addr, c2s_port=C2S_PORT, s2s_port=S2S_PORT,
            tls_port=S2S_TLS_PORT if direct_tls else "", own=self.own("own.pem", *own),
            hosts=hosts,
            modules=", ".join('"%s"' % m for m in modules),
            attach=attach.get("prosody.cfg.lua", "") + attach.get("component", ""),
            components=attach.get("components", "")))
        for jid, password in users.items():
            self._account(jid, password)
        self.give_away()
        self.process = Process(
            net, host, user_prefix("prosody") + ["prosody", "--config",
                                                 folder + "/prosody.cfg.lua", "-F"],
            folder + "/prosody.log", keep)
        self.processes = [self.process]

    def _account(self, jid, password):
        user, domain = jid.split("@")
        folder = "%s/data/%s/accounts" % (self.folder, _datastore(domain))
        os.makedirs(folder, exist_ok=True)
        with open("%s/%s.dat" % (folder, _datastore(user)), "w") as out:
            out.write('return { ["password"] = "%s"; };\n' % password)

    def debug_log(self):
        with open(self.folder + "/debug.log", errors="replace") as text:
            return text.read()


def _datastore(name):
    """Prosody's file names: everything but letters and digits as %xx."""
    return "".join(chr(c) if chr(c).isascii() and chr(c).isalnum() else "%%%02x" % c
                   for c in name.encode())
