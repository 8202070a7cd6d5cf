# SPDX-License-Identifier: Apache-2.0
"""Every server inside with every server outside, under each way of proving who one is.

Each case is a cell of the table in doc/interop.md: a world, two servers, and a check. Checks of
one server alone have a table of their own. A cell that cannot be says why, and is skipped.
"""
from lab import keys
from lab.expect import Skip, equal, expect
from lab.matrix import KINDS, PAIRS, ROTATED, MatrixWorld, domains_of, inside_domain, outside_domain
from lab.people import PING, arrive, chat, inside, outside, pair_of, pair_status, status, ways
from lab.watch import Watch
from lab.xmpp import MUC, Timeout
from matrix_life import case_killed, case_mint_rotation, case_restart, case_rotation

World = MatrixWorld
WORLD_SECONDS = 600

WORLDS = {
    "certificates": {"proof": "certificates", "flush_outside": True, "prosody_extras": True},
    "dialback": {"proof": "dialback"},
    "direct TLS": {"proof": "certificates", "direct_tls": True},
    "IPv6": {"proof": "certificates", "family": 6, "closed_first": True},
    "serverAuth": {"proof": "certificates", "server_auth": True},
    "DANE": {"proof": "certificates", "dane": True},
    "jabberd2 without TLS": {"proof": "dialback", "jabberd2_tls": False},
}

PUSHES = 40  # messages behind a stalled one before we give up
BURST = 150  # short messages at once


# --- checks of a pair of servers ---


def case_chat(world, one, two):
    """chat both ways (s2s A1)"""
    chat(world, one, two)


def case_proofs(world, one, two):
    """each leg has the proof that it should have, inside TLS (s2s F2) (s2s G11)"""
    case_chat(world, one, two)
    for node, us, them, kind in (("inner", outside_domain(two), inside_domain(one), one),
                                 ("outer", inside_domain(one), outside_domain(two), two)):
        pair = pair_status(world, node, us, them)
        wanted = world.proof_of(kind)
        if node == "outer" and world.proof == "certificates":
            # jabberd2's certificate is good, too: its dialback key is taken unseen (XEP-0344).
            wanted = "dane" if world.dane else "pkix"
        equal(pair["out"]["proof"], wanted, node + ": proof of the stream to " + them)
        expect(pair["in"], "%s: no stream from %s: %s" % (node, them, pair))
        equal({s["proof"] for s in pair["in"]}, {wanted}, node + ": proof of those from " + them)
        versions = {s.get("tls") for s in [pair["out"], *pair["in"]]}
        expect(versions <= {"TLSv1.2", "TLSv1.3"}, "%s: TLS of %s: %s" % (node, them, versions))


def case_presence(world, one, two):
    """a presence subscription both ways, and what follows from it"""
    alice, bob = pair_of(world, one, two)
    for asks, says in ways(alice, bob):
        asks.presence(says.bare, "subscribe")
        says.wait(lambda s: s.get("type") == "subscribe" and s.sender == asks.bare, 20, "subscribe")
        says.presence(asks.bare, "subscribed")
        asks.wait(lambda s: s.get("type") == "subscribed", 20, "subscribed")
    for says, sees in ways(alice, bob):
        word = "at lunch in " + says.bare
        says.presence(inner="<show>away</show><status>%s</status>" % word)
        seen = sees.wait(lambda s: s.kind == "presence" and word in s.raw, 20, "away")
        equal(seen.element.findtext("{jabber:client}show"), "away", "show")
    alice.close()
    bob.wait(lambda s: s.kind == "presence" and s.get("type") == "unavailable"
             and s.sender == alice.jid, 20, "unavailable")


def case_ping(world, one, two):
    """ping to the far server and to a far client, both ways (s2s H3)"""
    alice, bob = pair_of(world, one, two)
    for asks, answers, server in ((alice, bob, outside_domain(two)),
                                  (bob, alice, inside_domain(one))):
        equal(asks.iq("get", server, PING, 20).get("type"), "result", "ping of " + server)
        ident = "client-ping-" + server
        asks.send("<iq type='get' id='%s' to='%s'>%s</iq>" % (ident, answers.jid, PING))
        answers.answer_iq()
        answer = asks.wait(lambda s: s.kind == "iq" and s.get("id") == ident, 20, "the pong")
        equal(answer.get("type"), "result", "ping of " + answers.jid)


def _room(world, one, two, host):
    alice, bob = pair_of(world, one, two)
    room = "hall-%s-%s@%s" % (one, two, host)
    first, second = (bob, alice) if host.endswith(".com") else (alice, bob)
    first.join(room, "first", 20)
    entered = second.join(room, "second", 20)
    expect(entered.child(MUC + "#user", "x") is not None, "presence without muc#user")
    first.wait(lambda s: s.kind == "presence" and s.sender == room + "/second", 20, "the second")
    for says, hears, nick in ((first, second, "first"), (second, first, "second")):
        text = "all hear %s in %s" % (nick, room)
        says.message(room, text, "groupchat")
        hears.wait_message(room + "/" + nick, text, 20)
        says.wait_message(room + "/" + nick, text, 20)
    first.message(room + "/second", "in private")
    second.wait_message(room + "/first", "in private", 20)
    second.presence(room + "/second", "unavailable")
    first.wait(lambda s: s.kind == "presence" and s.sender == room + "/second"
               and s.get("type") == "unavailable", 20, "the second has left")


def case_room_inside(world, one, two):
    """a room inside, with one from outside in it"""
    if not KINDS[one].has_rooms:
        raise Skip("%s has no rooms" % one)
    _room(world, one, two, "conference." + inside_domain(one))


def case_room_outside(world, one, two):
    """a room outside, with one from inside in it"""
    if not KINDS[two].has_rooms:
        raise Skip("%s has no rooms" % two)
    _room(world, one, two, "conference." + outside_domain(two))


def case_letters(world, one, two):
    """addresses and texts that are not ASCII (s2s D4)"""
    alice = arrive(world, inside(one, "åsa"), "hemma på ön")
    bob = arrive(world, outside(two, "åsa"), "☃")
    text = "Hej då! Γειά σου 你好 🛥 e\u0301"
    for says, hears in ways(alice, bob):
        says.message(hears.jid, text)
        got = hears.wait_message(says.jid, text, 20)
        equal(got.get("to"), hears.jid, "to")


OUTSIDE_STALLS = "inwards at once; outwards the foreign server may take it with the next message"


def _stalls(*kinds):
    """Why a long tag may need messages behind it between these servers, or None."""
    stalling = [kind for kind in kinds if KINDS[kind].stalls_inside]
    return stalling and "%s may hold it back between its own parts until more messages come" \
        % stalling[0] or None


def case_extras(world, one, two):
    """streams carry both ways and are acknowledged where the server can (s2s H1, H2)"""
    if "prosody" not in (one, two):
        raise Skip("neither knows XEP-0288 or XEP-0198 on s2s")
    case_chat(world, one, two)
    for node, us, them, kind in (("inner", outside_domain(two), inside_domain(one), one),
                                 ("outer", inside_domain(one), outside_domain(two), two)):
        pair = pair_status(world, node, us, them)
        streams = {s["stream"]: s for s in status(world, node)["streams"]}
        carrying = {s["stream"] for s in [pair["out"], *pair["in"]]}
        for word in ("bidi", "acknowledgements"):
            equal({streams[n][word] for n in carrying}, {kind == "prosody"},
                  "%s: %s with %s" % (node, word, them))


def case_tag_1(world, one, two):
    """a start tag of 1 KB, both ways (s2s B18)"""
    return _long_tags(world, one, two, 1024)


def case_tag_4(world, one, two):
    """a start tag of 4 KB, both ways (s2s B18)"""
    return _long_tags(world, one, two, 4096)


def case_tag_16(world, one, two):
    """a start tag of 16 KB, both ways (s2s B18)"""
    return _long_tags(world, one, two, 16384)


def _long_tags(world, one, two, size):
    alice, bob = pair_of(world, one, two)
    for says, hears, flushed in ((bob, alice, True), (alice, bob, world.flush_outside)):
        alone = flushed and not _stalls(one, two)
        _long_tag(says, hears, size, alone)
    return _stalls(one, two) or (None if world.flush_outside else OUTSIDE_STALLS)


def _long_tag(says, hears, size, alone):
    """One message with a long start tag. alone: nothing may be needed behind it.

    Otherwise a server that stalls by itself gets messages behind it until it does not.
    """
    body = "%d bytes from %s" % (size, says.bare)
    ident = says.message(hears.jid, body,
                         inner="<x xmlns='urn:example:long' a='%s'/>" % ("x" * size))
    says.send(" " * (2 * size))  # the parser of its own server waits, too
    if alone:
        got = hears.wait_message(says.jid, body, 20)
    else:
        for n in range(PUSHES):
            if hears.read_until(lambda: any(s.body == body for s in hears.waiting), 0.2):
                break
            says.message(hears.jid, "push %d " % n + "." * 2000)
        got = hears.wait_message(says.jid, body, 5)
    equal(got.get("id"), ident, "id")
    equal(len(got.child("urn:example:long", "x").get("a")), size, "length of the attribute")


def case_burst(world, one, two):
    """many short messages at once, both ways, the last as soon as the others (s2s B18)"""
    alice, bob = pair_of(world, one, two)
    for says, hears, flushed in ((bob, alice, True), (alice, bob, world.flush_outside)):
        bodies = ["%d of many from %s" % (n, says.bare) for n in range(BURST)]
        for body in bodies:
            says.message(hears.jid, body)
        says.send(" " * 2048)  # the parser of its own server waits, too
        for n in range(0 if flushed and not _stalls(one, two) else PUSHES):
            if hears.read_until(lambda: any(s.body == bodies[-1] for s in hears.waiting), 0.2):
                break
            says.message(hears.jid, "push %d" % n)
        hears.wait_message(says.jid, bodies[-1], 20)
        equal([s.body for s in hears.got if s.body in bodies], bodies, "at " + hears.bare)
    return _stalls(one, two) or (None if world.flush_outside else OUTSIDE_STALLS)


PAIR_CHECKS = {
    "chat": case_chat, "proofs": case_proofs, "presence": case_presence, "ping": case_ping,
    "room inside": case_room_inside, "room outside": case_room_outside, "letters": case_letters,
    "burst": case_burst, "1 KB tag": case_tag_1, "4 KB tag": case_tag_4, "16 KB tag": case_tag_16,
}


# --- checks of one server ---


def case_many_domains(world, side, kind):
    """three domains of the other side at once (s2s G9) (s2s G10)"""
    here, there = (inside, outside) if side == "inside" else (outside, inside)
    me = arrive(world, here(kind, "erik"))
    others = [arrive(world, there(k, "erik")) for k in KINDS]
    for n in range(10):
        for other in others:
            me.message(other.bare, "to all %d" % n)
    for other in others:
        bodies = [other.wait(lambda s: s.kind == "message", 20, "message %d" % n).body
                  for n in range(10)]
        equal(bodies, ["to all %d" % n for n in range(10)], "order at " + other.bare)
    for n in range(10):
        for other in others:
            other.message(me.jid, "to you %d" % n)
    for other in others:
        bodies = [me.wait(lambda s: s.kind == "message" and s.sender == other.jid, 20,
                          "message %d" % n).body for n in range(10)]
        equal(bodies, ["to you %d" % n for n in range(10)], "order from " + other.bare)
    if side == "inside" and kind == "jabberd2":
        _one_stream(world, kind)


def _one_stream(world, kind):
    """jabberd2 brings the keys of all its pairs over one stream."""
    pairs = [p for p in status(world, "inner")["pairs"] if p["them"] == inside_domain(kind)]
    streams = [{s["stream"] for s in p["in"]} for p in pairs if p["in"]]
    expect(len(streams) >= len(KINDS), "pairs with an incoming stream: %s" % pairs)
    shared = set.intersection(*streams)
    expect(shared, "no stream carries all pairs: %s" % streams)


def case_leaks(world, side, kind):
    """it sends nothing past inner, and what it would is dropped and counted"""
    if side == "outside":
        return
    host, inner = "in-" + kind, world.net.addr("local", 4)
    with Watch(world.net, host, "local") as watch:
        for two in KINDS:
            case_chat(world, kind, two)
    expect(watch.sent_to <= {inner}, "it sent to %s" % watch.sent_to)
    expect({addr for addr, _ in watch.opened} <= {inner}, "it connected to %s" % watch.opened)
    # None at all where streams that inner opened carry both ways.
    expect(world.s2s_peers(kind) <= {inner}, "s2s connections with %s" % world.s2s_peers(kind))
    equal(world.firewall_counts(host), {"past_inner": 0, "past_gateway": 0}, "dropped")
    neighbour = world.inside[[k for k in KINDS if k != kind][0]]
    expect(not _connects(world, host, KINDS[kind].user, neighbour.addr), "it reached its neighbour")
    expect(world.firewall_counts(host)["past_inner"] > 0, "nothing was counted")
    expect(not _connects(world, neighbour.host, "nobody", world.inside[kind].addr),
           "its neighbour reached it")
    expect(world.firewall_counts(host)["past_gateway"] > 0, "nothing was counted")


def _connects(world, host, user, addr):
    import subprocess
    probe = "import socket; s = socket.socket(); s.settimeout(1); s.connect(('%s', 5269))" % addr
    done = subprocess.run([*world.net.enter(host), "setpriv", "--reuid=" + user, "--clear-groups",
                           "/usr/bin/python3", "-c", probe], capture_output=True)
    return done.returncode == 0


SERVER_CHECKS = {"three domains": case_many_domains, "restart": case_restart, "killed": case_killed,
                 "no leak": case_leaks}


WORLD_CHECKS = {"rotation": case_rotation, "minting CA": case_mint_rotation}


# --- the cells ---

# What each world runs beside chat and proofs: all, or what it is there for.
WHOLE = ("certificates", "dialback")


def _guarded(check, *where):
    def case(world):
        if not world.net.isolated:
            raise Skip("network namespaces are not permitted here")
        slips = _slips(world)
        try:
            return check(world, *where)
        except (Timeout, AssertionError):
            if _slips(world) == slips:
                raise
            # A server dropped a stream by a known fault of its own: once more, with others.
            world.end_case()
            world.cast = ("carol", "dave")
            return check(world, *where)
        finally:
            world.cast = ("alice", "bob")
    return case


def _slips(world):
    return sum(s.slips() for s in [*world.inside.values(), *world.outside.values()])


def case_chat_ipv6(world, one, two):
    """chat both ways by IPv6, though the server that DNS names first is closed (s2s A1) (s2s A3)"""
    case_chat(world, one, two)


def case_chat_server_auth(world, one, two):
    """chat both ways, the certificates between outer and outside without clientAuth (s2s E11, F4)"""
    case_chat(world, one, two)
    pair = pair_status(world, "outer", inside_domain(one), outside_domain(two))
    equal({s["proof"] for s in pair["in"]}, {"pkix"}, "proof of the streams from outside")
    # ejabberd refuses our certificate as a client's; dialback follows on the same stream.
    refused = [line for line in world.gateway.outer.log_text().splitlines()
               if '"event":"sasl-failed"' in line and '"us":"%s"' % inside_domain(one) in line
               and '"them":"%s"' % outside_domain(two) in line]
    equal(len(refused), 1 if two == "ejabberd" else 0, "refusals of EXTERNAL")


def case_chat_plain(world, one, two):
    """chat both ways with stream headers that have no version (s2s A7)"""
    case_chat(world, one, two)
    for node, us, them, kind in (("inner", outside_domain(two), inside_domain(one), one),
                                 ("outer", inside_domain(one), outside_domain(two), two)):
        pair = pair_status(world, node, us, them)
        has_tls = {bool(s.get("tls")) for s in [pair["out"], *pair["in"]]}
        equal(has_tls, {kind != "jabberd2"}, "TLS between %s and %s" % (node, them))


def case_proofs_dane(world, one, two):
    """each leg outside has the proof of a TLSA record alone, both ways (s2s E16)"""
    case_proofs(world, one, two)


def case_other_key(world):
    """a server outside whose new key its TLSA record does not know: nothing passes, either way (s2s E16)"""
    domain = outside_domain(ROTATED)
    server = world.outside[ROTATED]
    alice = arrive(world, inside(ROTATED, "erik"))
    server.stop()
    keys.self_signed(server.folder + "/own.pem", *domains_of(ROTATED, domain))
    server.give_away()
    server.start()
    bob = arrive(world, outside(ROTATED, "erik"))
    for says, hears in ways(alice, bob):
        ident = says.message(hears.bare, "whose key is this?")
        says.wait_error(ident, 60)
        expect(hears.quiet(lambda s: s.body == "whose key is this?" and s.get("type") != "error", 0.5),
               "it was delivered at " + hears.bare)
    text = world.gateway.outer.log_text()
    for word in ("incoming", "outgoing"):
        expect(any('"them":"%s"' % domain in line and '"direction":"%s"' % word in line and
                   "agrees with no TLSA record" in line for line in text.splitlines()), "nothing was logged: " + word)


def case_direct(world, one, two):
    """the streams are direct TLS where the server can (s2s E6)"""
    case_chat(world, one, two)
    outer = pair_status(world, "outer", inside_domain(one), outside_domain(two))
    inner = pair_status(world, "inner", outside_domain(two), inside_domain(one))
    # Inner itself knows the local server's address, and begins with STARTTLS there.
    for node, kind, streams in (("outer", two, [outer["out"], *outer["in"]]),
                                ("inner", one, inner["in"])):
        direct = {s["stream"]: s["direct_tls"] for s in status(world, node)["streams"]}
        wanted = KINDS[kind].has_direct_tls
        equal({direct[s["stream"]] for s in streams}, {wanted}, "direct TLS with " + kind)


def pair_checks(label):
    if label == "certificates":
        return dict(PAIR_CHECKS, extras=case_extras)
    if label in WHOLE:
        return PAIR_CHECKS
    if label == "IPv6":
        return {"chat": case_chat_ipv6, "proofs": case_proofs}
    if label == "serverAuth":
        return {"chat": case_chat_server_auth}
    if label == "DANE":
        return {"chat": case_chat, "proofs": case_proofs_dane}
    if label == "direct TLS":
        return {"chat": case_chat, "proofs": case_proofs, "direct TLS": case_direct}
    return {"chat": case_chat_plain}


def cells(label):
    """(title, cell, function) of each case of a world."""
    for one, two in PAIRS:
        if label == "jabberd2 without TLS" and "jabberd2" not in (one, two):
            continue
        for name, check in pair_checks(label).items():
            yield ("%s inside, %s outside: %s" % (one, two, check.__doc__),
                   _cell(check, name, inside=one, outside=two), _guarded(check, one, two))
    if label == "DANE":
        yield "all: " + case_other_key.__doc__, _cell(case_other_key, "other key"), _guarded(case_other_key)
    if label not in WHOLE:
        return
    for name, check in SERVER_CHECKS.items():
        for side in ("inside", "outside"):
            if check is case_leaks and side == "outside":
                continue
            for kind in KINDS:
                yield ("%s %s: %s" % (kind, side, check.__doc__),
                       _cell(check, name, **{side: kind}), _guarded(check, side, kind))
    for name, check in WORLD_CHECKS.items():
        yield "all: " + check.__doc__, _cell(check, name), _guarded(check)


def _cell(check, name, **where):
    return dict(where, check=name, title=check.__doc__)


def versions():
    return {kind: server.version() for kind, server in KINDS.items()}
