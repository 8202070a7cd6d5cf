# SPDX-License-Identifier: Apache-2.0
"""Stream management (XEP-0198) with Prosody on both sides: no message is lost, whatever is restarted or killed."""
import json
import re
import time

from case_restarts import A, B, COUNT, PAUSE, Account, Receiver, _traffic
from lab.expect import equal, expect

WORLDS = {"acks": {"acks": True}, "acks-both-ways": {"acks": True, "bidi": True}}


def _streams(world, role):
    status = json.loads(world.gateway.ask(role, "status", "--json").splitlines()[0])
    return status["streams"]


def _wait(condition, text):
    end = time.monotonic() + 10
    while not condition():
        expect(time.monotonic() < end, text)
        time.sleep(0.05)


def _last_queue(server):
    """How many stanzas Prosody says are not acknowledged, after the last acknowledgement that it got."""
    said = re.findall(r"#queue = (\d+) \(acked: \d+\)", server.debug_log())
    return int(said[-1]) if said else None


def _all_acknowledge(world, role):
    ready = [s for s in _streams(world, role) if s["state"] == "ready"]
    return ready and all(s["acknowledgements"] for s in ready)


def case_negotiated(world):
    """s2s H2: all four legs have acknowledgements, and each message is acknowledged"""
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    # Prosody does not count what it sent before it asked for acknowledgements, which it does when it has time.
    for first, last in ((0, 20), (20, 40)):
        for n in range(first, last):
            alice.message(bob.jid, "there %d" % n)
            bob.message(alice.jid, "here %d" % n)
        bob.wait_message(alice.jid, "there %d" % (last - 1))
        alice.wait_message(bob.jid, "here %d" % (last - 1))
        for role in ("outer", "inner"):
            _wait(lambda r=role: _all_acknowledge(world, r),
                  role + " has acknowledgements on each stream that is ready")
    for server in (world.inside, world.outside):
        _wait(lambda s=server: _last_queue(s) == 0, server.host + " is told that all is handled")
    for role in ("outer", "inner"):
        _wait(lambda r=role: not any(s["unacknowledged"] for s in _streams(world, r)),
              role + " is told that all is handled")


def _check(world, name, disturb, doubles):
    for account in _traffic(world, disturb, 45):
        lost, doubled, both, disorder = account.result()
        text = "%s, %s: %d bounced, doubled %s, both %s, disorder %s" % (
            name, account.word, len(account.bounces()), doubled, both, disorder)
        equal(lost, [], text + "; lost")
        expect(len(doubled) + len(both) <= doubles, text)
        expect(len(account.bodies()) > COUNT // 2, text + ": hardly anything arrived")


def _restart(world, name):
    def disturb():
        world.gateway.daemon(name).stop(15)
        world.gateway.start_one(name)
    _check(world, name + " restarted", disturb, 0)


def _kill(world, name):
    def disturb():
        world.gateway.daemon(name).kill()
        world.gateway.start_one(name)
    _check(world, name + " killed", disturb, COUNT // 4)


def case_restart_outer(world):
    """s2s H2 s2s C17 outer restarted in the middle of traffic: nothing lost, nothing doubled"""
    _restart(world, "outer")


def case_restart_inner(world):
    """s2s H2 s2s C17 inner restarted in the middle of traffic: nothing lost, nothing doubled"""
    _restart(world, "inner")


def case_kill_outer(world):
    """s2s H2 s2s C17 outer killed in the middle of traffic: nothing lost"""
    _kill(world, "outer")


def case_kill_inner(world):
    """s2s H2 s2s C17 inner killed in the middle of traffic: nothing lost"""
    _kill(world, "inner")


def _peer(world, end):
    """Messages to a server that ends and comes back; what its user missed waits for him there."""
    alice, bob = world.client(A), Receiver(world.client(B))
    bob.client.presence()
    alice.message(B, "warm")
    bob.client.wait_message(alice.jid, "warm")
    out = Account(alice, bob, world.inside, "peer")
    for n in range(COUNT):
        if n == COUNT // 4:
            end()
            bob.client.read_until(lambda: False, 0.5)
            world.outside.begin()
            world.outside.wait()
            bob.now(world.client(B))
            bob.client.presence()
        out.send()
        time.sleep(PAUSE)
    limit = time.monotonic() + 30
    while not out.settled() and time.monotonic() < limit:
        for client in (alice, bob.client):
            client.read_until(lambda: False, 0.2)
    lost, doubled, both, disorder = out.result()
    text = "%d bounced, doubled %s, both %s, disorder %s" % (len(out.bounces()), doubled, both, disorder)
    equal(lost, [], text + "; lost")
    # A server that is away is not tried again at once.
    expect(len(out.bodies()) > COUNT // 8, text + ": hardly anything arrived")


def case_restart_peer(world):
    """s2s H2 s2s C17 the foreign server restarted in the middle of traffic: nothing lost"""
    _peer(world, lambda: world.outside.process.stop(15))


def case_kill_peer(world):
    """s2s H2 s2s C17 the foreign server killed in the middle of traffic: nothing lost"""
    _peer(world, world.outside.process.kill)
