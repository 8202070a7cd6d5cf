# SPDX-License-Identifier: Apache-2.0
"""Servers that nothing steers: what is foreign is a component there (XEP-0114). s2s H15.

What two organisations do with each other all day is that of case_federation.
"""
from case_federation import (A, B, both, case_chat, case_chat_back_first, case_foreign_letters,  # noqa: F401
                             case_large, case_order, case_ping, case_presence, case_room_inside,
                             case_room_outside, case_unknown_extension, case_unknown_user)
from lab.component import ComponentWorld as World  # noqa: F401
from lab.expect import equal, expect
from lab.xmpp import Timeout

WORLDS = {kind: {"kind": kind} for kind in ("prosody", "ejabberd")}


def _both_ways(alice, bob, mark):
    """For a moment after a failure the nodes remember that the other side could not be reached."""
    for one, other, way in ((alice, bob, "out"), (bob, alice, "in")):
        for attempt in range(1, 11):
            text = "%s %s %d" % (way, mark, attempt)
            one.message(other.jid, text)
            try:
                other.wait_message(one.jid, text, 1 if attempt < 10 else 10)
                break
            except Timeout:
                if attempt == 10:
                    raise


def case_one_stream_each(world):
    """s2s H15 each foreign domain has one stream, which is the component's, and nothing goes another way"""
    alice, bob = both(world)
    _both_ways(alice, bob, "by the component")
    streams = world.streams()
    equal({s["direction"] for s in streams}, {"component"}, "streams: %s" % streams)
    equal({s["us"] for s in streams}, set(world.foreign_domains), "components")


def case_peers(world):
    """s2s H15 `sallyport peers` on inner shows the components"""
    text = world.gateway.ask("inner", "peers")
    expect("secret" in text and " up " in text, text)


def case_server_restarts(world):
    """s2s H15 the server inside is restarted, and its components are there again by themselves"""
    alice, bob = both(world)
    _both_ways(alice, bob, "before")
    for process in reversed(world.inside.processes):
        process.stop()
    world.inside.start()
    bob.presence()
    alice = world.client(A)
    alice.presence()
    world.wait_components()
    _both_ways(alice, bob, "after")


def case_inner_restarts(world):
    """s2s H15 inner is restarted, and the components are there again"""
    alice, bob = both(world)
    _both_ways(alice, bob, "before")
    world.gateway.inner.stop()
    world.gateway.start_one("inner")
    world.wait_components()
    _both_ways(alice, bob, "after")


def case_wrong_secret(world):
    """s2s H15 threats E23 a secret that the server does not know: the log names the cure, and all else stands"""
    path = world.gateway.folder + "/component.secret"
    with open(path) as right:
        secret = right.read()
    inner = world.gateway.inner
    with open(path, "w") as wrong:
        wrong.write("another secret, not the server's\n")
    try:
        inner.stop()
        world.gateway.start_one("inner")
        inner.wait_for(lambda: "handshake-refused" in inner.log_text(), "word of the refusal", 40)
        expect("`secret`" in inner.log_text(), "no cure")
    finally:
        with open(path, "w") as right:
            right.write(secret)
        world.gateway.ask("inner", "reload")
    world.wait_components()
    _both_ways(*both(world), "cured")


def case_no_other_way_out(world):
    """s2s H15 a foreign domain that is no component is not reached, and the sender learns it"""
    alice = world.client(A)
    alice.presence()
    answer = alice.iq("get", "nobody@elsewhere.example/x", "<ping xmlns='urn:xmpp:ping'/>")
    expect(answer.get("type") == "error", "an answer from nowhere: %r" % answer)
