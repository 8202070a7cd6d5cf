# SPDX-License-Identifier: Apache-2.0
"""A daemon restarted, or killed, in the middle of traffic: what becomes of each message."""
import itertools
import re
import threading
import time

from lab.expect import equal, expect

WORLDS = {"traffic": {}}

A, B = "alice@example.se", "bob@example.com"
COUNT, PAUSE = 400, 0.01
_rounds = itertools.count(1)


class Account:
    """What became of numbered messages from one client to another, through the sender's server."""

    def __init__(self, sender, receiver, server, word):
        self.sender, self.receiver, self.server = sender, receiver, server
        self.word = "%s%d" % (word, next(_rounds))
        self.sent_at = []

    def send(self):
        n = len(self.sent_at)
        self.sender.message(self.receiver.jid, "%s %d" % (self.word, n),
                            ident="%s-%d" % (self.word, n))
        self.sent_at.append(time.monotonic())

    def bodies(self):
        return [s.body for s in self.receiver.got if s.kind == "message"
                and s.get("type") != "error" and (s.body or "").startswith(self.word + " ")]

    def bounces(self):
        return [s.get("id") for s in self.sender.got if s.kind == "message"
                and s.get("type") == "error" and s.get("id").startswith(self.word + "-")]

    def settled(self):
        return len(self.bodies()) + len(self.bounces()) >= len(self.sent_at)

    def fate(self):
        """Numbers: lost, doubled, both delivered and bounced; and those that came, in their order."""
        came = [int(b.split()[1]) for b in self.bodies()]
        back = [int(i.rsplit("-", 1)[1]) for i in self.bounces()]
        every = range(len(self.sent_at))
        lost = [n for n in every if n not in came and n not in back]
        doubled = [n for n in every if came.count(n) > 1 or back.count(n) > 1]
        both = [n for n in every if n in came and n in back]
        return lost, doubled, both, came

    def result(self):
        """Numbers: lost, doubled, both delivered and bounced; pairs that came in wrong order."""
        lost, doubled, both, came = self.fate()
        return lost, doubled, both, self.disorder(list(dict.fromkeys(came)))

    def disorder(self, came):
        """Pairs that came in another order than the sender's server put them on the wire.

        (Prosody sends what comes in while a stream becomes ready before what waited for it; with streams for
        both directions it sends on those that came in, too.)
        """
        wire = re.findall(r"Sending\[s2s(?:out|in)\]: <message(?:(?!type='error')[^>])* id='%s-(\d+)'"
                          % self.word, self.server.debug_log())
        place = {int(n): at for at, n in enumerate(wire)}
        return [(a, b) for a, b in zip(came, came[1:]) if place[a] > place[b]]


class Receiver:
    """One user, at his bare address, over several connections."""

    def __init__(self, client):
        self.jid, self.before, self.client = client.bare, [], client

    @property
    def got(self):
        return self.before + self.client.got

    def now(self, client):
        self.before, self.client = self.got, client


def _traffic(world, disturb, patience):
    """Messages both ways, 100 a second each, with disturb() in the middle. Two Accounts.

    After it, whatever is not accounted for may take `patience` seconds from the last that came.
    """
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    alice.message(bob.jid, "warm")
    bob.wait_message(alice.jid, "warm")
    bob.message(alice.jid, "warm")
    alice.wait_message(bob.jid, "warm")
    out = Account(alice, bob, world.inside, "out")
    back = Account(bob, alice, world.outside, "back")
    quarter = threading.Event()

    def talk():
        for n in range(COUNT):
            if n == COUNT // 4:
                quarter.set()
            out.send()
            back.send()
            time.sleep(PAUSE)

    talker = threading.Thread(target=talk)
    talker.start()
    quarter.wait()
    disturb()
    talker.join()
    came, end = -1, 0
    while not (out.settled() and back.settled()):
        for client in (alice, bob):
            client.read_until(lambda: False, 0.2)
        if came != len(alice.got) + len(bob.got):
            came, end = len(alice.got) + len(bob.got), time.monotonic() + patience
        elif time.monotonic() > end:
            break
    for client in (alice, bob):
        client.read_until(lambda: False, 0.5)
    return out, back


def _gentle(world, name):
    gateway = world.gateway

    def restart():
        gateway.daemon(name).stop(10)
        gateway.start_one(name)
    for account in _traffic(world, restart, 45):
        lost, doubled, both, disorder = account.result()
        what = "%s: %d bounced" % (account.word, len(account.bounces()))
        equal((lost, doubled, both, disorder), ([], [], [], []),
              what + "; lost, doubled, delivered and bounced, disorder")
        expect(len(account.bodies()) > COUNT // 2, what + ": hardly anything arrived")


def _killed(world, name):
    """A plain s2s stream has no acknowledgements: what the kernel had taken from a server, or
    given to one, when the process died is lost or comes twice. That is a moment's traffic."""
    gateway = world.gateway
    killed_at = []

    def kill():
        killed_at.append(time.monotonic())
        gateway.daemon(name).kill()
        gateway.start_one(name)
    for account in _traffic(world, kill, 4):
        lost, doubled, both, disorder = account.result()
        text = "%s: lost %s, doubled %s, both %s, disorder %s, %d bounced" % (
            account.word, lost, doubled, both, disorder, len(account.bounces()))
        for n in lost + doubled:
            away = account.sent_at[n] - killed_at[0]
            expect(-1.0 < away < 1.0, text + "; %d was sent %.2f s off the kill" % (n, away))
        expect(len(lost) + len(doubled) <= COUNT // 10, text)
        expect(len(account.bodies()) > COUNT // 2, text)


def case_restart_outer(world):
    """outer restarted in the middle of traffic: each message arrives or is bounced, once"""
    _gentle(world, "outer")


def case_restart_inner(world):
    """inner restarted in the middle of traffic: each message arrives or is bounced, once"""
    _gentle(world, "inner")


def case_kill_outer(world):
    """outer killed in the middle of traffic: only what was in flight may be lost or come twice"""
    _killed(world, "outer")


def case_kill_inner(world):
    """inner killed in the middle of traffic: only what was in flight may be lost or come twice"""
    _killed(world, "inner")
