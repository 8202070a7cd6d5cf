# SPDX-License-Identifier: Apache-2.0
"""A name server with a signed zone of its own (Debian's nsd and ldnsutils), and what TLSA records say."""
import ctypes
import hashlib
import os
import re
import signal
import socket
import subprocess
import time

ZONE = "signed.example"
PRCTL = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1

CONFIG = """server:
  ip-address: {address}
  port: 5300
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: ""
  logfile: "{folder}/nsd.log"
  server-count: 1
  hide-version: yes
remote-control:
  control-enable: no
"""
HEAD = "$ORIGIN {zone}.\n$TTL 300\n@ SOA ns.{zone}. admin.{zone}. 1 3600 600 86400 300\n@ NS ns\nns A {address}\n"


def sh(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, **more)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(words), done.stderr.strip()))
    return done.stdout


def key_digest(certificate):
    """SHA-256 of the SubjectPublicKeyInfo, in hex."""
    public = sh("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.encode(),
                         capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def cert_der(certificate):
    return subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                          capture_output=True, check=True).stdout


class NameServer:
    """Debian's nsd. `records`: lines of the signed zone; `plain`: {zone: lines} that nobody signed. `spoil`: TLSA data
    of the signed zone that is changed after signing, as who lies on the wire would."""

    def __init__(self, folder, address, records, plain, spoil):
        self.folder, self.address = folder, address
        os.makedirs(folder)
        zones = dict(plain)
        zones[ZONE] = records
        config = CONFIG.format(address=address, folder=folder)
        for zone, lines in zones.items():
            with open("%s/%s" % (folder, zone), "w") as f:
                f.write(HEAD.format(zone=zone, address=address) + "\n".join(lines) + "\n")
            file = zone + ".signed" if zone == ZONE else zone
            config += 'zone:\n  name: "%s"\n  zonefile: "%s"\n' % (zone, file)
        name = sh("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", ZONE, cwd=folder).strip()
        sh("ldns-signzone", "-n", ZONE, name, cwd=folder)
        with open("%s/%s.signed" % (folder, ZONE)) as f:
            text = f.read()
        with open("%s/%s.signed" % (folder, ZONE), "w") as f:
            f.write(re.sub(spoil, lambda m: "0" * len(m.group()), text, flags=re.I))
        self.anchor = folder + "/" + name + ".ds"
        with open(folder + "/nsd.conf", "w") as f:
            f.write(config)
        self.process = None

    def start(self):
        log = open(self.folder + "/nsd.log", "ab")
        self.process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", self.folder + "/nsd.conf"],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                        preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
        log.close()
        end = time.monotonic() + 20
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                with open(self.folder + "/nsd.log") as f:
                    raise RuntimeError("nsd does not answer: " + f.read()[-2000:])
            time.sleep(0.05)

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            s.connect((self.address, 5300))
            try:
                s.send(b"\0\1\1\0\0\1\0\0\0\0\0\0\2ns\6signed\7example\0\0\1\0\1")
                return len(s.recv(4096)) > 12
            except OSError:
                return False

    def pause(self, paused):
        """The server and its children neither answer nor end."""
        os.killpg(self.process.pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def close(self):
        if self.process:
            self.pause(False)
            self.process.terminate()
            self.process.wait(20)
            self.process = None
