# SPDX-License-Identifier: Apache-2.0
"""Users of the matrix of servers, and what the gateway says of the servers' streams."""
import json

from .expect import expect
from .matrix import inside_domain, outside_domain

PING = "<ping xmlns='urn:xmpp:ping'/>"


def inside(kind, user):
    return "%s@%s" % (user, inside_domain(kind))


def outside(kind, user):
    return "%s@%s" % (user, outside_domain(kind))


def arrive(world, jid, resource=None):
    """A client that is there: its server has taken its presence when it answers a ping."""
    client = world.client(jid, resource)
    client.presence()
    client.iq("get", jid.partition("@")[2], PING)
    return client


def pair_of(world, one, two):
    """alice inside and bob outside, both there."""
    return (arrive(world, inside(one, world.cast[0])),
            arrive(world, outside(two, world.cast[1])))


def ways(alice, bob):
    return ((alice, bob), (bob, alice))


def chat(world, one, two):
    """One message each way to the bare address, one to the full one."""
    alice, bob = pair_of(world, one, two)
    for sender, receiver in ways(alice, bob):
        text = "hello & <welcome> from " + sender.bare
        sender.message(receiver.bare, text)
        receiver.wait_message(sender.jid, text, 20)
        text = "'more' \"words\""
        sender.message(receiver.jid, text)
        receiver.wait_message(sender.jid, text)


def status(world, node):
    return json.loads(world.gateway.ask(node, "status", "--json").splitlines()[0])


def pair_status(world, node, us, them):
    found = [p for p in status(world, node)["pairs"] if (p["us"], p["them"]) == (us, them)]
    expect(found, "%s knows nothing of %s and %s" % (node, us, them))
    return found[0]
