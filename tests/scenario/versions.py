# SPDX-License-Identifier: Apache-2.0
"""Nodes of other releases on the link: one release apart works, two are refused, and the log says what to do."""
import json

from linkpeer import ABOUT, ACK, DATA, INNER, LinkListener, LinkPeer, body, message
from world import FOREIGN, LOCAL, check, fresh, run

VERSION, CATALOGUE = 3, 9


def cluster(node, name):
    state = json.loads(node.control(b"cluster\n"))
    return next(n for n in state["nodes"] if n["node"] == name)


def sends(world, peer, mark):
    """A record of ours goes through the real node to the server behind it."""
    inner = peer.role == INNER
    us, them, server = (LOCAL, FOREIGN, world.foreign) if inner else (FOREIGN, LOCAL, world.server)
    peer.open()
    peer.data(message("a@" + us, "b@" + them, body(mark)))
    peer.wait(ACK, lambda frame: frame[3] >= 1)
    server.wait_for("<body>%s</body>" % mark)


def takes(world, peer, mark):
    """What the real node read from its server comes to us."""
    us, them, role = (FOREIGN, LOCAL, "outer") if peer.role == INNER else (LOCAL, FOREIGN, "inner")
    world.stream(us=us, to=them, role=role).message(mark, sender="b@" + us, to="a@" + them)
    frame = peer.wait(DATA, lambda frame: mark.encode() in frame[7])
    peer.send(ACK, frame[1], frame[2], frame[3], frame[3], [])


def older(world, peer, node):
    """We are one release behind: the older protocol, the older catalogue; records both ways."""
    peer.hear_hello()
    check(peer.hello[1:3] == [1, 2], peer.hello)
    peer.say_hello(min=1, max=1, catalogue=peer.hello[6] - 1)
    sends(world, peer, "from-older")
    takes(world, peer, "to-older")
    check(peer.heard == {1} and all(f[0] != ABOUT for f in peer.frames), (peer.heard, peer.frames))
    far = cluster(node, peer.us)
    check(far["up"] and far["protocol"] == 1 and far["catalogue"] == peer.hello[6] - 1 and "version" not in far, far)
    peer.close()


def newer(world, peer, node):
    """We are one release ahead: we speak their version, and members that they do not know are passed over."""
    peer.hear_hello()
    peer.say_hello(min=2, max=3, catalogue=peer.hello[6] + 1)
    peer.version = 2
    peer.wait(ABOUT)
    peer.send(ABOUT, {1: "9.9.9", 2: 125, 1000: "of the future", 1001: True})
    sends(world, peer, "from-newer")
    takes(world, peer, "to-newer")
    check(peer.heard == {2}, peer.heard)
    far = cluster(node, peer.us)
    check(far["version"] == "9.9.9" and far["load"] == 125 and far["protocol"] == 2, far)
    peer.close()


def no_inner(world):
    world.inner.stop()


@fresh()
def case_older_inner(world):
    """An inner one release behind works with the real outer, both ways."""
    no_inner(world)
    older(world, LinkPeer.dial(world), world.outer)


@fresh()
def case_newer_inner(world):
    """An inner one release ahead works with the real outer, both ways."""
    no_inner(world)
    newer(world, LinkPeer.dial(world), world.outer)


def as_outer(world):
    """We are the outer that the real inner dials."""
    world.outer.stop()
    listener = LinkListener(world)
    world.closing.append(listener)
    return listener.accept()


@fresh()
def case_older_outer(world):
    """An outer one release behind works with the real inner, both ways."""
    older(world, as_outer(world), world.inner)


@fresh()
def case_newer_outer(world):
    """An outer one release ahead works with the real inner, both ways."""
    newer(world, as_outer(world), world.inner)


def refused(node, text):
    """The real node's log names both nodes' versions, and the cure."""
    node.wait_event("link-violation", reason=text)
    node.wait_event("link-closed", reason=text, cure="upgrade the older")


@fresh()
def case_two_releases_apart(world):
    """Refused by both sides with a close frame that says why, and a log line that names the cure."""
    no_inner(world)
    for changes, code, text in (({"min": 3, "max": 4}, VERSION, "versions 3 to 4, this one 1 to 2"),
                                ({"min": 0, "max": 0}, VERSION, "versions 0 to 0, this one 1 to 2"),
                                ({"catalogue": 9}, CATALOGUE, "catalogues 1 to 9")):
        peer = LinkPeer.dial(world)
        peer.hear_hello()
        peer.say_hello(**changes)
        check(peer.code() == code, changes)
        peer.close()
        refused(world.outer, text)


@fresh()
def case_refused_by_the_far_node(world):
    """It was the far node that refused: our log says so, and what to do."""
    peer = as_outer(world)
    peer.hear_hello()
    peer.send(9, VERSION, 0, 0, 0)
    world.inner.wait_event("link-closed", reason="no common protocol version", cure="upgrade the older")
    peer.close()


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
