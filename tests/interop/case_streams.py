# SPDX-License-Identifier: Apache-2.0
"""One stream for both directions (XEP-0288) with Prosody on both sides."""
import json
import time

from case_federation import both
from lab.expect import equal, expect

WORLDS = {
    "both ways": {"proof": "certificates", "bidi": True},
    "both ways, dialback": {"proof": "dialback", "bidi": True},
    "both ways, acks": {"proof": "certificates", "bidi": True, "acks": True},
}


def _streams(world, role):
    status = json.loads(world.gateway.ask(role, "status", "--json").splitlines()[0])
    return [s for s in status["streams"] if s["state"] == "ready"]


def _wait(condition, text):
    end = time.monotonic() + 10
    while not condition():
        expect(time.monotonic() < end, text)
        time.sleep(0.05)


def _stanzas(world, role):
    return sum(s["stanzas"] for s in _streams(world, role) if s["bidi"])


def case_both_ways(world):
    """s2s H1 what Prosody opened, or what we opened, carries messages both ways"""
    alice, bob = both(world)
    # Whoever speaks first opens the stream of his leg; from then on both directions are on it.
    alice.message(bob.jid, "first")
    bob.wait_message(alice.jid, "first")
    before = {role: _stanzas(world, role) for role in ("outer", "inner")}
    for n in range(10):
        alice.message(bob.jid, "there %d" % n)
        bob.message(alice.jid, "here %d" % n)
    bob.wait_message(alice.jid, "there 9")
    alice.wait_message(bob.jid, "here 9")
    for role in ("outer", "inner"):
        streams = _streams(world, role)
        expect(streams and all(s["bidi"] for s in streams), "%s: %s" % (role, streams))
        _wait(lambda r=role: _stanzas(world, r) - before[r] >= 20, role + " had them all on such streams")


def case_ping(world):
    """s2s H1 s2s H3 pings of users to the far servers, and their answers"""
    alice, bob = both(world)
    for one, server in ((alice, "example.com"), (bob, "example.se")):
        answer = one.iq("get", server, "<ping xmlns='urn:xmpp:ping'/>")
        equal(answer.get("type"), "result", "ping of " + server)
