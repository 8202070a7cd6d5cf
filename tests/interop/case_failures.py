# SPDX-License-Identifier: Apache-2.0
"""Far servers that are missing, deaf or mute: every stanza is bounced, once, and nobody waits."""
import time

from lab import dns
from lab.expect import Skip, equal, expect

MUTE_OCTET = 30
LIMITS = "limit header time 3000\nlimit connect time 6000"
WORLDS = {"missing servers": {"ends": [MUTE_OCTET], "more_config": LIMITS, "records": lambda net: [
    dns.srv("down.example", "closed.example", 5999),
    dns.a("closed.example", net.addr("public", 20)),
    dns.srv("mute.example", "mute.example"),
    dns.a("mute.example", net.addr("public", MUTE_OCTET)),
    dns.srv("away.example", "away.example"),
    dns.a("away.example", net.addr("public", 99)),
    dns.srv("none.example", "."),
    dns.srv("local.example", "loop.example"),
    dns.a("loop.example", "127.0.0.1"),
]}}

A, B = "alice@example.se", "bob@example.com"
NOT_FOUND, TIMEOUT = "remote-server-not-found", "remote-server-timeout"


def _bounce(world, domain, wanted, patience):
    alice = world.client(A)
    alice.presence()
    ident = alice.message("someone@" + domain, "is anybody there?")
    error = alice.wait_error(ident, patience)
    expect(error.condition in wanted, "%s: %s, wanted %s" % (domain, error.condition, wanted))
    equal(error.sender, "someone@" + domain, "sender of the bounce")
    expect(alice.quiet(lambda s: s.get("id") == ident, 1.0), "bounced twice")
    return error


def case_no_such_name(world):
    """a name that does not exist: remote-server-not-found, soon"""
    _bounce(world, "nowhere.example", {NOT_FOUND}, 5)


def case_no_service(world):
    """a name whose SRV record says that there is no service: remote-server-not-found"""
    _bounce(world, "none.example", {NOT_FOUND}, 5)


def case_refused(world):
    """a server that is down (connection refused): remote-server-timeout, soon"""
    _bounce(world, "down.example", {TIMEOUT}, 5)


def case_unreachable(world):
    """a server whose address does not answer: remote-server-timeout"""
    _bounce(world, "away.example", {TIMEOUT}, 40)


def case_loopback_record(world):
    """a name that leads to the loopback of outer itself"""
    if not world.net.isolated:
        raise Skip("on loopback every address is one")
    _bounce(world, "local.example", {NOT_FOUND, TIMEOUT}, 10)


def case_mute(world):
    """a server that takes the connection and says nothing: remote-server-timeout; others go on"""
    with world.net.socket("outside") as mute:
        mute.bind((world.net.addr("public", MUTE_OCTET), 5269))
        mute.listen(5)
        alice, bob = world.client(A), world.client(B)
        alice.presence()
        bob.presence()
        ident = alice.message("someone@mute.example", "well?")
        alice.message(B, "meanwhile")
        bob.wait_message(A, "meanwhile", 5)
        equal(alice.wait_error(ident, 40).condition, TIMEOUT, "condition")


def case_error_is_not_answered(world):
    """an error to a domain that does not exist vanishes"""
    alice = world.client(A)
    alice.presence()
    alice.send("<message type='error' id='e1' to='x@nowhere.example'><error type='cancel'>"
               "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    alice.send("<iq type='result' id='e2' to='x@nowhere.example/y'/>")
    expect(alice.quiet(lambda s: s.get("id") in ("e1", "e2"), 2), "an error was answered")


def case_request_bounced(world):
    """a request to a domain that does not exist is answered with an error"""
    alice = world.client(A)
    answer = alice.iq("get", "nowhere.example", "<ping xmlns='urn:xmpp:ping'/>")
    equal(answer.condition, NOT_FOUND, "condition")


def case_local_server_down(world):
    """the server inside is down: one outside gets an error, and later the message arrives"""
    bob = world.client(B)
    bob.presence()
    world.inside.process.stop()
    ident = bob.message(A, "knock")
    error = bob.wait_error(ident, 70)
    expect(error.condition in (NOT_FOUND, TIMEOUT), "condition " + str(error.condition))
    world.inside.start()
    alice = world.client(A)
    alice.presence()
    end = time.monotonic() + 20
    while time.monotonic() < end:
        ident = bob.message(A, "knock again")
        answer = alice.read_until(lambda: any(s.body == "knock again" for s in alice.got), 2)
        if answer:
            return
    raise AssertionError("nothing came through after the restart; last message " + ident)
