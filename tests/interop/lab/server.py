# SPDX-License-Identifier: Apache-2.0
"""What all XMPP servers of the lab have in common."""
import os
import pwd
import subprocess

C2S_PORT = 5222
S2S_PORT = 5269
S2S_TLS_PORT = 5270


class Server:
    """kind, and what it can: rooms and proofs. host, addr (clients), s2s_addr (servers).

    processes: all of it, in the order of starting. `certificates` means SASL EXTERNAL.
    """

    kind = user = package = None
    has_rooms = True
    has_certificates = True
    has_direct_tls = True
    login_attempts = 1
    open_port = S2S_PORT  # that is open when all is up, besides the clients'
    # Its parts pass stanzas to each other through parsers that wait for more, too.
    stalls_inside = False

    def __init__(self, net, host, addr, folder, *, domain, s2s_addr=None):
        os.makedirs(folder, exist_ok=True)
        self.net, self.host, self.addr, self.folder = net, host, addr, folder
        self.s2s_addr = s2s_addr or addr
        self.domain = domain
        self.room_domain = "conference." + domain if self.has_rooms else None
        self.processes = []

    @classmethod
    def version(cls):
        """What Debian calls the version that is installed."""
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", cls.package],
                              capture_output=True, text=True)
        return done.stdout.strip() or "unknown"

    def put(self, name, text):
        path = "%s/%s" % (self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def own(self, name, *paths):
        """A file of the server's own with the contents of others."""
        text = ""
        for path in paths:
            with open(path) as source:
                text += source.read()
        path = self.put(name, text)
        os.chmod(path, 0o600)
        return path

    def slips(self):
        """How often it lost something through a fault of its own that has nothing to do with us."""
        return 0

    def give_away(self):
        """The folder and all in it belongs to the server's user."""
        if os.geteuid() != 0:
            return
        owner = pwd.getpwnam(self.user)
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        for folder, folders, files in os.walk(self.folder):
            for name in folders + files:
                os.chown(os.path.join(folder, name), owner.pw_uid, owner.pw_gid)

    def start(self):
        self.begin()
        self.wait()

    def begin(self):
        for process in self.processes:
            process.start()

    def wait(self):
        self.processes[-1].wait_port(self.addr, C2S_PORT, 30)
        self.processes[-1].wait_port(self.s2s_addr, self.open_port, 30)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
