# SPDX-License-Identifier: Apache-2.0
"""A daemon restarted, or killed, in the middle of traffic: what becomes of each message."""
import threading
import time

from lab.expect import equal, expect

WORLDS = {"traffic": {}}

A, B = "alice@example.se", "bob@example.com"
COUNT, PAUSE = 400, 0.01


class Account:
    """What became of numbered messages from one client to another."""

    def __init__(self, sender, receiver, word):
        self.sender, self.receiver, self.word = sender, receiver, word
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

    def result(self):
        """(lost, doubled, both delivered and bounced, out of order): lists of numbers."""
        came = [int(b.split()[1]) for b in self.bodies()]
        back = [int(i.rsplit("-", 1)[1]) for i in self.bounces()]
        every = range(len(self.sent_at))
        lost = [n for n in every if n not in came and n not in back]
        doubled = [n for n in every if came.count(n) > 1 or back.count(n) > 1]
        both = [n for n in every if n in came and n in back]
        first = list(dict.fromkeys(came))
        return lost, doubled, both, first != sorted(first)


def _traffic(world, disturb):
    """Messages both ways, 100 a second each, with disturb() in the middle. Two Accounts."""
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    alice.message(bob.jid, "warm")
    bob.wait_message(alice.jid, "warm")
    bob.message(alice.jid, "warm")
    alice.wait_message(bob.jid, "warm")
    out, back = Account(alice, bob, "out"), Account(bob, alice, "back")
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
    for account in (out, back):
        account.receiver.read_until(account.settled, 0.5)
        account.sender.read_until(account.settled, 0.5)
    end = time.monotonic() + 45
    while not (out.settled() and back.settled()) and time.monotonic() < end:
        for client in (alice, bob):
            client.read_until(lambda: False, 0.2)
    for client in (alice, bob):
        client.read_until(lambda: False, 0.5)
    return out, back


def _gentle(world, name):
    gateway = world.gateway

    def restart():
        gateway.daemon(name).stop(10)
        gateway.start_one(name)
    for account in _traffic(world, restart):
        lost, doubled, both, disorder = account.result()
        what = "%s: %d bounced" % (account.word, len(account.bounces()))
        equal((lost, doubled, both, disorder), ([], [], [], False),
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
    for account in _traffic(world, kill):
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
