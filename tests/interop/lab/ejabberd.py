# SPDX-License-Identifier: Apache-2.0
"""One ejabberd as packaged by Debian, run by `erl` alone: no ejabberdctl, node name or epmd."""
import glob
import json

from .proc import Process, user_prefix
from .server import C2S_PORT, S2S_PORT, S2S_TLS_PORT, Server

CONFIG = """# Written by the lab.
loglevel: info
log_rotate_count: 0
hosts: ["{domain}"]
certfiles: ["{own}"]
{top}auth_method: internal
auth_password_format: plain
listen:
  - port: {c2s}
    ip: "{addr}"
    module: ejabberd_c2s
    max_stanza_size: 1000000
    access: all
  - port: {s2s}
    ip: "{s2s_addr}"
    module: ejabberd_s2s_in
    max_stanza_size: 1000000
{direct}
{component}
access_rules:
  muc_create: {{ allow: all }}
modules:
{modules}
  mod_disco: {{}}
  mod_ping: {{}}
  mod_roster: {{}}
  mod_muc:
    host: "conference.{domain}"
    history_size: 0
"""

DIRECT = """  - port: %d
    ip: "%s"
    module: ejabberd_s2s_in
    tls: true
    max_stanza_size: 1000000
"""

READY = "lab: ready"


class Ejabberd(Server):
    """attach: the parts of the recipe; own: certificate and key; users: {jid: password}."""

    kind = user = package = "ejabberd"

    def __init__(self, net, host, addr, folder, *, domain, attach, own, users, s2s_addr=None,
                 direct_tls=False, keep=False):
        super().__init__(net, host, addr, folder, domain=domain, s2s_addr=s2s_addr)
        self.put("ejabberd.yml", CONFIG.format(
            domain=domain, own=self.own("own.pem", *own),
            top=attach.get("ejabberd.yml", "") + attach.get("component-top", ""),
            modules=attach.get("modules", ""), component=attach.get("component", ""),
            addr=addr, s2s_addr=self.s2s_addr, c2s=C2S_PORT,
            s2s=S2S_PORT, direct=DIRECT % (S2S_TLS_PORT, self.s2s_addr) if direct_tls else ""))
        # As the service's drop-in: the file stands where /etc/resolv.conf is.
        bind = attach.get("service", "").rpartition("BindReadOnlyPaths=")[2].strip().split(":")
        mount = "mount --bind %s %s && exec \"$@\"" % (
            self.put("resolv.conf", attach["resolv.conf"]), bind[1]) if bind[0] else 'exec "$@"'
        self.give_away()
        register = "".join("ejabberd_auth:try_register(<<%s/utf8>>, <<%s>>, <<%s>>), " % (
            json.dumps(jid.split("@")[0], ensure_ascii=False), json.dumps(domain),
            json.dumps(password)) for jid, password in users.items())
        env = {
            "HOME": folder, "ERL_LIBS": glob.glob("/usr/lib/*/ejabberd-*/ebin")[0]
            .rsplit("/", 2)[0], "LC_ALL": "C.UTF-8",
            "ERL_INETRC": "/etc/ejabberd/inetrc", "ERL_CRASH_DUMP_BYTES": "0",
            "EJABBERD_CONFIG_PATH": folder + "/ejabberd.yml",
            "EJABBERD_LOG_PATH": folder + "/ejabberd.log",
            "EJABBERD_PID_PATH": folder + "/ejabberd.pid",
        }
        self.processes = [Process(
            net, host, ["unshare", "--mount", "sh", "-c", mount, "sh", *user_prefix("ejabberd")] + [
                "erl", "+S", "1:1", "+sbwt", "none", "-noinput",
                "-mnesia", "dir", '"%s/mnesia"' % folder, "-s", "ejabberd",
                "-eval", '%sio:format("%s~n")' % (register, READY)],
            folder + "/ejabberd-out.log", keep, env=env)]
        self.starts = 0

    def begin(self):
        self.starts += 1
        super().begin()

    def wait(self):
        process = self.processes[0]
        process.wait_for(lambda: process.log_text().count(READY) >= self.starts,
                         "word that all is up", 60)
        super().wait()
