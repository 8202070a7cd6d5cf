# SPDX-License-Identifier: Apache-2.0
"""Processes of the lab: each in its host, ended by its own pid and by nothing else."""
import ctypes
import os
import signal
import socket
import subprocess
import time

from .net import LabError

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent(sig=signal.SIGKILL):
    """For preexec_fn: the kernel sends sig when the *thread* that started us ends.

    So processes of the lab are started by the main thread only.
    """
    _libc.prctl(PR_SET_PDEATHSIG, sig)


class Process:
    """One server. `start` may be called again after `stop` or `kill`; the log is appended to."""

    def __init__(self, net, host, argv, log, keep=False, env=None):
        self.net, self.host, self.argv, self.log = net, host, argv, log
        self.keep = keep
        self.env = dict(os.environ, **env) if env else None
        self.popen = None

    @property
    def pid(self):
        return self.popen.pid if self.popen else None

    @property
    def name(self):
        return os.path.basename(self.log).removesuffix(".log")

    def start(self):
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(
                self.net.enter(self.host) + self.argv, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, env=self.env, start_new_session=True,
                preexec_fn=None if self.keep else die_with_parent)
        return self

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def log_text(self):
        with open(self.log, errors="replace") as text:
            return text.read()

    def tail(self, lines=15):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def wait_for(self, ready, what, timeout=15.0):
        """Wait until ready() is true; say what was waited for when it does not come."""
        end = time.monotonic() + timeout
        while not ready():
            if not self.running():
                raise LabError("%s ended while starting (%s):\n%s"
                               % (self.name, self.popen.returncode, self.tail()))
            if time.monotonic() > end:
                raise LabError("%s: no %s after %d s:\n%s"
                               % (self.name, what, timeout, self.tail()))
            time.sleep(0.02)

    def wait_port(self, addr, port, timeout=15.0):
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET

        def listening():
            with self.net.socket(self.host, family=family) as sock:
                sock.settimeout(1.0)
                return sock.connect_ex((addr, port)) == 0
        self.wait_for(listening, "listener on %s:%d" % (addr, port), timeout)

    def hang_up(self):
        self.popen.send_signal(signal.SIGHUP)

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self, patience=5.0):
        """Ask; after `patience` seconds insist. Returns the exit status."""
        self._end(signal.SIGTERM, patience)
        return self.popen.returncode if self.popen else None

    def _end(self, sig, patience=5.0):
        if not self.running():
            return
        self.popen.send_signal(sig)
        try:
            self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def user_prefix(user):
    """The words that run a command as `user`, when we are root; nothing otherwise."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "--pdeathsig=KILL",
            "--inh-caps=-all", "--"]
