# SPDX-License-Identifier: Apache-2.0
"""The standard profile: what the catalogue knows passes, the rest is taken out."""
from lab.expect import equal, expect

WORLDS = {"standard": {"profile": "standard"}}

A, B = "alice@example.se", "bob@example.com"


def case_stripped(world):
    """an unknown extension is taken out and the message still arrives, both ways"""
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    extra = "<x xmlns='urn:example:unknown'><body xmlns='jabber:client'>hidden</body></x>"
    for one, other in ((alice, bob), (bob, alice)):
        one.message(other.jid, "bare", inner=extra)
        got = other.wait_message(one.jid, "bare")
        expect("unknown" not in got.raw and "hidden" not in got.raw, "it passed: %r" % got)


def case_known(world):
    """receipts and chat states, which it knows, pass"""
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    alice.message(bob.jid, "seen?", inner="<request xmlns='urn:xmpp:receipts'/>"
                  "<active xmlns='http://jabber.org/protocol/chatstates'/>")
    got = bob.wait_message(alice.jid, "seen?")
    expect(got.child("urn:xmpp:receipts", "request") is not None, "no receipt request: %r" % got)
    expect(got.child("http://jabber.org/protocol/chatstates", "active") is not None,
           "no chat state: %r" % got)


def case_unknown_request(world):
    """a request with an unknown payload is answered with an error, not with silence"""
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    answer = alice.iq("get", bob.jid, "<query xmlns='urn:example:unknown'/>")
    equal(answer.get("type"), "error", "answer")
