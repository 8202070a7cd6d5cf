# SPDX-License-Identifier: Apache-2.0
"""A node that is cut off on one side only, while another of its role serves: servers are sent there, pairs go there."""
import ctypes
import json
import re
import signal
import socket
import struct
import time

from mesh import Sender, arrived_inside, of, once
from meshworld import Many, Mesh, home
from world import LOCAL, check, fresh, run

SM = "xmlns='urn:xmpp:sm:3'"
SO_ATTACH_FILTER, SO_DETACH_FILTER, DROP_ALL = 26, 27, 0x06  # Linux; BPF_RET | BPF_K: 0 bytes of the packet


class Acknowledging(Many):
    """One server of many domains, which acknowledges stanzas (XEP-0198)."""

    features = "<sm %s/>" % SM

    def received(self, stream, data):
        super().received(stream, data)
        stream.unread, stream.handled = getattr(stream, "unread", "") + data.decode(), getattr(stream, "handled", 0)
        while event := re.search("<enable [^>]*/>|</message>|<r [^>]*/>", stream.unread):
            stream.unread = stream.unread[event.end():]
            stream.handled += event.group().startswith("</")
            if event.group().startswith("<e"):
                stream.send("<enabled %s/>" % SM)
            elif event.group().startswith("<r"):
                stream.send("<a %s h='%d'/>" % (SM, stream.handled))


class AcknowledgingMesh(Mesh):
    foreign_server = Acknowledging


def managed(world, **options):
    stream = world.stream(**options)
    stream.send("<enable %s/>" % SM)
    stream.expect("<enabled[^>]*/>")
    return stream


def acknowledged(stream, n):
    """The node says that so many stanzas are handled: the far node's server has them, and it knows."""
    handled = 0
    while handled < n:
        stream.send("<r %s/>" % SM)
        handled = int(stream.expect("<a [^>]*h=[\"']([0-9]+)").group(1))


def deaf(streams):
    """What comes for these sockets is dropped before TCP sees it, as on a line that was cut."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", DROP_ALL, 0, 0, 0))
    for stream in streams:
        stream.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(code)))


def hearing(streams):
    for stream in streams:
        stream.socket.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def listens(world, name, us="d9.example"):
    try:
        world.stream(us=us, to=LOCAL, role=name).close()
    except OSError:
        return False
    return True


def isolated(world, name):
    return world.node(name).status()["node"]["isolated"]


def wait_told(world, name):
    """The far nodes have told this one that there is another of its role."""
    world.wait(lambda: all(n["others"] for n in json.loads(world.node(name).control(b"cluster\n"))["nodes"]),
               name + " knows of another")


# --- a node that hears no far node ---

@fresh(lines=[("inner-a", "outer-a")])
def case_isolated_outer(world):
    """outer-a loses its inner: foreign servers that keep what it has not acknowledged go to outer-b, others wait."""
    kept = managed(world, us="d1.example", to=LOCAL, role="outer-a")
    plain = world.stream(us="d2.example", to=LOCAL, role="outer-a")
    kept.message("n0")
    plain.message("n0")
    arrived_inside(world, ["d1.example", "d2.example"], 1)
    acknowledged(kept, 1)
    wait_told(world, "outer-a")
    world.lines["inner-a", "outer-a"].cut()
    kept.message("n1")
    plain.message("n1")
    world.node("outer-a").wait_event("isolated", streams_ended=1)
    last = kept.read_to_end()
    check("<a xmlns=\"urn:xmpp:sm:3\" h=\"1\"/><stream:error><system-shutdown" in last, last)
    check(isolated(world, "outer-a") and not isolated(world, "outer-b"), "the status says so")
    for words in (["status"], ["cluster"]):
        check("ISOLATED" in world.cli(*words, node="outer-a"), words)
    check(not listens(world, "outer-a"), "it listens")
    check(b'"ok":true' in world.node("outer-a").control(b"reload\n"), "a reload")
    check(not listens(world, "outer-a"), "a reload does not end it")
    again = managed(world, us="d1.example", to=LOCAL, role="outer-b")
    again.message("n1")
    again.message("n2")
    arrived_inside(world, ["d1.example"], 3)
    plain.message("n2")
    world.lines["inner-a", "outer-a"].heal()
    world.node("outer-a").wait_event("isolation-over")
    arrived_inside(world, ["d2.example"], 3)
    check(listens(world, "outer-a") and not isolated(world, "outer-a"), "it listens again")
    once_in_order(world, ["d1.example", "d2.example"], ["n0", "n1", "n2"])


@fresh(outers=1, inners=2, lines=[("inner-a", "outer-a")])
def case_isolated_inner(world):
    """inner-a loses its outer: the local server goes to inner-b."""
    stream = managed(world, to="d0.example", role="inner-a")
    stream.message("n0", sender="a@" + LOCAL, to="b@d0.example")
    world.wait(lambda: world.foreign.bodies("d0.example") == [0], "n0 arrives")
    wait_told(world, "inner-a")
    world.lines["inner-a", "outer-a"].cut()
    stream.message("n1", sender="a@" + LOCAL, to="b@d0.example")
    check("<system-shutdown" in stream.read_to_end(), "it is sent away")
    again = managed(world, to="d0.example", role="inner-b")
    for n in (1, 2):
        again.message("n%d" % n, sender="a@" + LOCAL, to="b@d0.example")
    world.wait(lambda: world.foreign.bodies("d0.example") == [0, 1, 2], "they arrive")
    world.lines["inner-a", "outer-a"].heal()
    world.node("inner-a").wait_event("isolation-over")
    world.stream(to="d0.example", role="inner-a").message("n3", sender="a@" + LOCAL, to="b@d0.example")
    world.wait(lambda: world.foreign.bodies("d0.example") == [0, 1, 2, 3], "once, in order")


def once_in_order(world, domains, want):
    for domain in domains:
        got = re.findall("from=.b@%s['\"][^>]*><body>(n[0-9])<" % re.escape(domain), world.server.text)
        check(got == want, "once, in order: %s %r" % (domain, got))


@fresh()
def case_paused_outer(world):
    """outer-a did not run, and its pairs moved: what lies in its sockets it leaves to servers that keep it."""
    kept = managed(world, us="d1.example", to=LOCAL, role="outer-a")
    plain = world.stream(us="d2.example", to=LOCAL, role="outer-a")
    kept.message("n0")
    plain.message("n0")
    arrived_inside(world, ["d1.example", "d2.example"], 1)
    acknowledged(kept, 1)
    wait_told(world, "outer-a")
    outer = world.node("outer-a")
    outer.process.send_signal(signal.SIGSTOP)
    kept.message("n1")
    plain.message("n1")
    world.node("inner-a").wait_event("link-down")
    again = managed(world, us="d1.example", to=LOCAL, role="outer-b")
    again.message("n1")
    again.message("n2")
    arrived_inside(world, ["d1.example"], 3)
    outer.process.send_signal(signal.SIGCONT)
    last = kept.read_to_end()
    check("h=\"1\"/><stream:error><system-shutdown" in last, last)
    outer.wait_event("paused", streams_ended=1)
    plain.message("n2")
    arrived_inside(world, ["d2.example"], 3)
    once_in_order(world, ["d1.example", "d2.example"], ["n0", "n1", "n2"])
    check(listens(world, "outer-a") and not isolated(world, "outer-a"), "it serves")


def stays(world, why):
    """outer-a has lost its link, and keeps its streams and listens."""
    stream = managed(world, us="d1.example", to=LOCAL, role="outer-a")
    world.node("outer-a").wait_event("link-down")
    time.sleep(1.5)
    check(not isolated(world, "outer-a") and not world.node("outer-a").events("isolated"), why)
    check(listens(world, "outer-a"), "it listens")
    return stream


@fresh(outers=1, lines=[("inner-a", "outer-a")])
def case_a_node_alone_waits(world):
    """There is no other outer: what comes in waits for the line."""
    world.lines["inner-a", "outer-a"].cut()
    stream = stays(world, "it is alone")
    stream.message("n0")
    world.lines["inner-a", "outer-a"].heal()
    arrived_inside(world, ["d1.example"], 1)


@fresh()
def case_a_restart_of_the_far_node_is_no_isolation(world):
    """The inner's process ends: it will be back soon, wherever a server is connected."""
    wait_told(world, "outer-a")
    world.node("inner-a").stop(signal.SIGKILL)
    stream = stays(world, "the inner is being restarted")
    stream.message("n0")
    world.node("inner-a").start()
    arrived_inside(world, ["d1.example"], 1)


@fresh(lines=[("inner-a", "outer-a")], outer_extra="limit isolation time 60s")
def case_isolation_can_wait(world):
    """Where all links have one line in common, an operator has the nodes wait for it."""
    wait_told(world, "outer-a")
    world.lines["inner-a", "outer-a"].cut()
    stream = stays(world, "it waits")
    stream.message("n0")
    world.lines["inner-a", "outer-a"].heal()
    arrived_inside(world, ["d1.example"], 1)


# --- a node whose next server has vanished ---

def vanish(world, sender):
    """The foreign server hears nothing any more of the streams that outer-a's pairs use."""
    sender.send(3)
    sender.arrived()
    sender.settled()
    streams = [s for s in world.foreign.streams if home(s.called) == "outer-a"]
    check(len(streams) >= 3, "outer-a has streams")
    deaf(streams)
    sender.send(5)
    return streams


@fresh()
def case_vanished_server(world):
    """Nothing of what outer-a writes comes through: outer-b takes its pairs, in order, once."""
    sender = Sender(world, world.domains)
    streams = vanish(world, sender)
    sender.arrived()
    check(set(world.owners().values()) == {"outer-b"}, world.owners())
    world.node("outer-a").wait_event("stream-closed", reason="vanished")
    hearing(streams)
    sender.send(5)
    sender.arrived()
    sender.settled()
    once(world, sender)
    sender.no_bounce()
    check("could not reach the domain" in world.cli("cluster"), world.cli("cluster"))


@fresh(outers=1)
def case_vanished_server_of_a_node_alone(world):
    """There is no other outer: it goes on when packets come through again."""
    sender = Sender(world, world.domains)
    streams = vanish(world, sender)
    time.sleep(2)
    hearing(streams)
    sender.arrived()
    sender.settled()
    once(world, sender)
    sender.no_bounce()
    check(not world.node("outer-a").events("stream-closed"), world.node("outer-a").events("stream-closed"))


@fresh()
def case_vanished_server_without_acknowledgements(world):
    """Nobody knows what came through, so nothing moves: lost would be what lies in the connection."""
    world.foreign.features = ""
    sender = Sender(world, world.domains)
    streams = vanish(world, sender)
    time.sleep(2)
    hearing(streams)
    sender.arrived()
    sender.settled()
    once(world, sender)
    check(of(world.owners(), "outer-a"), world.owners())


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")], kind=AcknowledgingMesh)
