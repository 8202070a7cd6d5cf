# SPDX-License-Identifier: Apache-2.0
"""What two organisations do with each other all day, under each way of proving who one is."""
import json

from lab.expect import equal, expect
from lab.xmpp import MUC

WORLDS = {
    "certificates": {"proof": "certificates"},
    "dialback": {"proof": "dialback"},
    "direct TLS": {"proof": "certificates", "direct_tls": True},
}

A, B = "alice@example.se", "bob@example.com"
ROOM_OUT, ROOM_IN = "hall@conference.example.com", "yard@conference.example.se"
DISCO = "http://jabber.org/protocol/disco#info"


def both(world):
    alice, bob = world.client(A), world.client(B)
    alice.presence()
    bob.presence()
    return alice, bob


def case_chat(world):
    """chat from inside to outside, and back"""
    alice, bob = both(world)
    alice.message(B, "hello & <welcome>")
    bob.wait_message(alice.jid, "hello & <welcome>")
    bob.message(alice.jid, "'quoted' \"words\"")
    alice.wait_message(bob.jid, "'quoted' \"words\"")


def case_chat_back_first(world):
    """a chat that begins outside reaches inside though nobody inside spoke first"""
    erik = world.client("erik@example.se")
    erik.presence()
    bob = world.client(B)
    bob.message("erik@example.se", "unasked")
    erik.wait_message(bob.jid, "unasked")


def case_order(world):
    """two hundred messages each way keep their order"""
    alice, bob = both(world)
    for n in range(200):
        alice.message(bob.jid, "to-b %d" % n)
        bob.message(alice.jid, "to-a %d" % n)
    for receiver, word in ((bob, "to-b"), (alice, "to-a")):
        bodies = [receiver.wait(lambda s: s.kind == "message" and (s.body or "").startswith(word),
                                20, word).body for _ in range(200)]
        equal(bodies, ["%s %d" % (word, n) for n in range(200)], "order of " + word)


def case_presence(world):
    """a presence subscription both ways, and what follows from it"""
    alice, bob = both(world)
    for one, other in ((alice, bob), (bob, alice)):
        one.presence(other.bare, "subscribe")
        other.wait(lambda s: s.get("type") == "subscribe", what="subscribe")
        other.presence(one.bare, "subscribed")
        one.wait(lambda s: s.get("type") == "subscribed", what="subscribed")
    alice.presence(inner="<show>away</show><status>at lunch</status>")
    seen = bob.wait(lambda s: s.kind == "presence" and "at lunch" in s.raw, what="away")
    equal(seen.element.findtext("{jabber:client}show"), "away", "show")
    alice.close()
    bob.wait(lambda s: s.kind == "presence" and s.get("type") == "unavailable"
             and s.sender == alice.jid, what="unavailable")


def case_ping(world):
    """ping to the far server and to a far client, both ways"""
    alice, bob = both(world)
    ping = "<ping xmlns='urn:xmpp:ping'/>"
    for one, other, server in ((alice, bob, "example.com"), (bob, alice, "example.se")):
        equal(one.iq("get", server, ping).get("type"), "result", "ping of " + server)
        ident = "client-ping-" + server
        one.send("<iq type='get' id='%s' to='%s'>%s</iq>" % (ident, other.jid, ping))
        other.answer_iq()
        answer = one.wait(lambda s: s.kind == "iq" and s.get("id") == ident, what="the pong")
        equal(answer.get("type"), "result", "ping of " + other.jid)


def case_disco(world):
    """service discovery of the far server"""
    alice, bob = both(world)
    for one, server in ((alice, "example.com"), (bob, "example.se")):
        answer = one.iq("get", server, "<query xmlns='%s'/>" % DISCO)
        query = answer.child(DISCO, "query")
        expect(query is not None, "no disco answer from %s: %r" % (server, answer))
        kinds = {i.get("category") for i in query.findall("{%s}identity" % DISCO)}
        expect("server" in kinds, "%s is no server: %s" % (server, kinds))


def _room(world, room):
    alice, bob = both(world)
    alice.join(room, "alice")
    entered = bob.join(room, "bob")
    expect(entered.child(MUC + "#user", "x") is not None, "presence without muc#user")
    alice.wait(lambda s: s.kind == "presence" and s.sender == room + "/bob", what="bob in the room")
    for one, other, nick in ((alice, bob, "alice"), (bob, alice, "bob")):
        text = "all hear %s in %s" % (nick, room)
        one.message(room, text, "groupchat")
        other.wait_message(room + "/" + nick, text)
        one.wait_message(room + "/" + nick, text)
    alice.message(room + "/bob", "in private")
    bob.wait_message(room + "/alice", "in private")
    bob.presence(room + "/bob", "unavailable")
    alice.wait(lambda s: s.kind == "presence" and s.sender == room + "/bob"
               and s.get("type") == "unavailable", what="bob has left")


def case_room_outside(world):
    """a room outside, with one from inside in it"""
    _room(world, ROOM_OUT)


def case_room_inside(world):
    """a room inside, with one from outside in it"""
    _room(world, ROOM_IN)


def case_foreign_letters(world):
    """addresses and texts that are not ASCII"""
    alice, asa = world.client("åsa@example.se", "hemma på ön"), world.client("åsa@example.com", "☃")
    alice.presence()
    asa.presence()
    text = "Hej då! Γειά σου 你好 🛥 e\u0301"
    alice.message(asa.jid, text)
    got = asa.wait_message("åsa@example.se/hemma på ön", text)
    equal(got.get("to"), "åsa@example.com/☃", "to")
    asa.message(alice.jid, text)
    alice.wait_message("åsa@example.com/☃", text)


def case_large(world):
    """bodies of 100 KB, and of 200 KB on the wire because of what must be escaped in them, both ways"""
    alice, bob = both(world)
    for text in ("a plain line of 32 characters..\n" * 3200, "<&>\"' åäö " * 6000):
        alice.message(bob.jid, text)
        bob.wait_message(alice.jid, text, 20)
        bob.message(alice.jid, text)
        alice.wait_message(bob.jid, text, 20)


def case_unknown_extension(world):
    """the open profile lets an unknown extension pass whole"""
    alice, bob = both(world)
    extra = "<x xmlns='urn:example:unknown' a='1'><deep xmlns='urn:example:more'>text</deep></x>"
    for one, other in ((alice, bob), (bob, alice)):
        one.message(other.jid, "with more", inner=extra)
        got = other.wait_message(one.jid, "with more").child("urn:example:unknown", "x")
        expect(got is not None and got.get("a") == "1", "the extension is gone")
        equal(got.findtext("{urn:example:more}deep"), "text", "what is in it")


def case_unknown_user(world):
    """an error of the far server comes back as it was meant"""
    alice, bob = both(world)
    for one, nobody in ((alice, "nobody@example.com"), (bob, "nobody@example.se")):
        answer = one.iq("get", nobody + "/x", "<query xmlns='%s'/>" % DISCO)
        equal(answer.condition, "service-unavailable", "asking " + nobody)
        equal(answer.sender, nobody + "/x", "sender of the error")


def case_test_peer(world):
    """`sallyport test-peer` explains each step towards a real server, and sends it no stanza"""
    before = world.gateway.ask("outer", "status", "--json")
    text = world.gateway.ask("outer", "test-peer", "example.com", "--from", "example.se", "--json")
    steps = [json.loads(line) for line in text.splitlines()]
    words = [step["step"] for step in steps]
    expect(words[:3] == ["policy", "dns", "connect"] and words[-1] == "result", "steps: %s" % words)
    equal(steps[1]["targets"][0]["host"], "xmpp.example.com", "the server that DNS names")
    equal(steps[-1]["ok"], True, "the result: %s" % steps[-1])
    proof = "dialback" if world.proof == "dialback" else "pkix"
    equal(steps[-1]["proof"], proof, "how they were proved")
    after = world.gateway.ask("outer", "status", "--json")
    pairs = [json.loads(status)["pairs"] for status in (before, after)]
    equal(len(pairs[1]), len(pairs[0]), "pairs of the node")


def case_closed_streams(world):
    """a conversation goes on after the server inside has been restarted"""
    alice, bob = both(world)
    world.inside.process.stop()
    world.inside.start()
    alice, _ = world.client(A), bob.presence()
    alice.presence()
    alice.message(B, "back again")
    bob.wait_message(alice.jid, "back again")
    bob.message(alice.jid, "so I see")
    alice.wait_message(bob.jid, "so I see")
