# SPDX-License-Identifier: Apache-2.0
"""Checks of the matrix in which something ends, comes back or is exchanged while people talk."""
import shutil
import ssl
import time

from case_restarts import Account, Receiver
from lab import keys
from lab.expect import equal, expect
from lab.matrix import KINDS, PAIRS, ROTATED, domains_of, inside_domain, outside_domain
from lab.people import arrive, chat, inside, outside, pair_of, status, ways

KILL_ROUNDS, KILL_AT, KILL_PAUSE = 80, 30, 0.05


def case_restart(world, side, kind):
    """conversations go on after it was restarted"""
    server = (world.inside if side == "inside" else world.outside)[kind]
    pairs = [(kind, k) if side == "inside" else (k, kind) for k in KINDS]
    for one, two in pairs:
        chat(world, one, two)
        world.end_case()
    server.stop()
    server.start()
    for one, two in pairs:
        _chat_again(world, one, two)
        world.end_case()


def _chat_again(world, one, two):
    """The first message may be bounced by a server that had just seen its stream end."""
    for says, hears in ways(*pair_of(world, one, two)):
        _reaches(says, hears)


def _reaches(says, hears):
    end = time.monotonic() + 40
    while True:
        text = "again %f" % time.monotonic()
        ident = says.message(hears.bare, text)
        came = hears.read_until(lambda: any(s.body == text and s.get("type") != "error"
                                            for s in hears.waiting), 5)
        if came:
            break
        says.read_until(lambda: False, 0.1)
        expect(time.monotonic() < end, "%s does not reach %s: %s" % (
            says.bare, hears.bare, [s for s in says.got if s.get("id") == ident]))


def case_killed(world, side, kind):
    """killed (SIGKILL) in the middle of traffic: what it was sent comes once or is bounced once (s2s C17)"""
    here, there = (inside, outside) if side == "inside" else (outside, inside)
    server = (world.inside if side == "inside" else world.outside)[kind]
    victim = Receiver(arrive(world, here(kind, "dave")))
    others = [arrive(world, there(k, "carol")) for k in KINDS]
    to_it = [Account(other, victim, None, "to-it") for other in others]
    from_it = [Account(victim.client, other, None, "from-it") for other in others]
    for account in from_it + to_it:
        account.send()
    # Prosody sends what comes while a stream becomes ready before what waited for it.
    _settle(to_it + from_it, [victim, *others])
    for n in range(KILL_ROUNDS):
        if n == KILL_AT:
            killed_at = _kill(server)
        for account in to_it + (from_it if n < KILL_AT else []):
            account.send()
        time.sleep(KILL_PAUSE)
    server.wait()
    victim.client.read_until(lambda: False, 0.5)
    victim.now(arrive(world, here(kind, "dave")))
    _settle(to_it, [victim, *others])
    for account in to_it + from_it:
        _judge(account, killed_at)
    for other in others:
        _reaches(other, victim.client)
        _reaches(victim.client, other)


def _kill(server):
    """Kills all its processes and starts it again, without waiting. When it was."""
    at = time.monotonic()
    for process in server.processes:
        process.kill()
    server.begin()
    return at


def _settle(accounts, people):
    end = time.monotonic() + 30
    while not all(a.settled() for a in accounts) and time.monotonic() < end:
        for person in people:
            getattr(person, "client", person).read_until(lambda: False, 0.1)


def _judge(account, killed_at):
    """Nothing comes twice or is bounced as well. What the dead server had taken may be lost with it:
    that is a moment's traffic."""
    lost, doubled, both, came = account.fate()
    text = "%s from %s to %s: lost %s, doubled %s, both %s, %d bounced" % (
        account.word, account.sender.jid, account.receiver.jid, lost, doubled, both, len(account.bounces()))
    equal((doubled, both), ([], []), text)
    for n in lost:
        away = account.sent_at[n] - killed_at
        expect(-1.0 < away < 1.0, text + "; %d was sent %.2f s off the kill" % (n, away))
    equal(came, sorted(came), text + "; order")


def case_rotation(world):
    """new certificates by SIGHUP under traffic: no stream ends, no message is lost (s2s E13)"""
    clients = {}
    for kind in KINDS:
        for jid in (inside(kind, "alice"), outside(kind, "bob")):
            clients[jid] = arrive(world, jid)
    flows = [(clients[inside(one, "alice")], clients[outside(two, "bob")]) for one, two in PAIRS]
    flows += [(two, one) for one, two in flows]
    _burst(flows, "before", 3)
    before = {node: _streams(world, node) for node in ("inner", "outer")}
    old = _shown_certificate(world)
    _renew(world)
    _burst(flows, "during", 3, lambda: _hang_up(world))
    equal({node: _streams(world, node) for node in before}, before, "streams that stayed")
    expect(_shown_certificate(world) != old, "outer still shows the old certificate")
    _burst(flows, "after", 3)


def _burst(flows, word, rounds, halfway=None):
    for n in range(rounds):
        for says, hears in flows:
            says.message(hears.jid, "%s %d" % (word, n))
        if halfway and n == rounds // 2:
            halfway()
        time.sleep(0.2)
    for says, hears in flows:
        for n in range(rounds):
            hears.wait_message(says.jid, "%s %d" % (word, n), 20)


def _streams(world, node):
    """The streams of pairs that are up, by their numbers."""
    return sorted((p["us"], p["them"], p["out"]["stream"]) for p in status(world, node)["pairs"]
                  if p.get("out") and p["out"]["state"] == "ready")


def _renew(world):
    """New certificates for outer's face, and for the link of both nodes."""
    domain = inside_domain(ROTATED)
    keys.renew(world.pki + "/lab", domain, *domains_of(ROTATED, domain))
    for node in ("outer-a", "inner-a"):
        keys.renew(world.pki + "/link", node, node)


def _hang_up(world):
    for node in ("outer", "inner"):
        world.gateway.daemon(node).hang_up()
    for node in ("outer", "inner"):
        world.gateway.daemon(node).wait_for(
            lambda: '"event":"reloaded"' in world.gateway.daemon(node).log_text(), "reload")


def _shown_certificate(world):
    """What outer shows to a foreign server that asks for the domain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with world.net.socket("names", family=world.socket_family) as sock:
        sock.settimeout(10)
        sock.connect((world.outer_addr, 5270))
        with context.wrap_socket(sock, server_hostname=inside_domain(ROTATED)) as tls:
            return tls.getpeercert(True)


def case_mint_rotation(world):
    """a new minting CA by SIGHUP under traffic, both trusted meanwhile: no stream ends (s2s E13)"""
    new = world.new_mint_folder()
    clients = {jid: arrive(world, jid) for kind in KINDS
               for jid in (inside(kind, "alice"), outside(kind, "bob"))}
    flows = [(clients[inside(one, "alice")], clients[outside(two, "bob")]) for one, two in PAIRS]
    flows += [(two, one) for one, two in flows]
    _burst(flows, "before", 3)
    before = _streams(world, "inner")
    expect(not _verifies(world, new), "inner shows a certificate of the new CA already")
    for end in ("key", "crt"):
        shutil.copyfile("%s/ca.%s" % (new, end), "%s/mint/ca.%s" % (world.pki, end))
    _burst(flows, "during", 3, lambda: _hang_up(world))
    equal(_streams(world, "inner"), before, "streams that stayed")
    expect(_verifies(world, new), "inner shows no certificate of the new CA")
    _burst(flows, "after", 3)
    world.end_case()
    for server in world.inside.values():
        # The end of the overlap: the server trusts the new CA alone.
        shutil.copyfile(new + "/ca.crt", server.folder + "/trust.pem")
        server.stop()
    for server in world.inside.values():
        server.begin()
    for server in world.inside.values():
        server.wait()
    for one, two in PAIRS:
        _chat_again(world, one, two)
        world.end_case()


def _verifies(world, folder):
    """Does what inner shows a local server for a foreign domain come from the CA in the folder?"""
    context = ssl.create_default_context(cafile=folder + "/ca.crt")
    host = "in-" + ROTATED
    with world.net.socket(host, family=world.socket_family) as sock:
        sock.settimeout(10)
        sock.connect((world.inner_addr, 5269))
        try:
            context.wrap_socket(sock, server_hostname=outside_domain(ROTATED)).close()
        except ssl.SSLCertVerificationError:
            return False
        return True
