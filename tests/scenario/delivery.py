# SPDX-License-Identifier: Apache-2.0
"""Every accepted stanza is delivered once or bounced once: what ends while stanzas are under way."""
import re
import signal
import socket
import time

from peer import Accepted, Stream
from world import FOREIGN, LOCAL, check, fresh, run

BOUNCE = "<message[^>]* id=\"n([0-9]+)\"[^>]*><error"


class Silent:
    """A server that accepts connections and says nothing, until it hangs up."""

    def __init__(self, world, address):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, 5269))
        self.socket.listen(8)
        self.socket.settimeout(20)
        world.closing.append(self)

    def close(self):
        self.socket.close()


def numbers(pattern, text):
    return [int(n) for n in re.findall(pattern, text)]


@fresh(outer_extra="limit drain time 20000")
def case_s2s_A23_rejected_while_draining(world):
    """What inner rejects after outer got SIGTERM is still bounced to its sender, before outer ends."""
    world.server.close()
    silent = Silent(world, world.address["server"])
    stream = world.stream()
    for i in range(3):
        stream.message("n%d" % i)
    accepted, _ = silent.socket.accept()
    world.outer.process.send_signal(signal.SIGTERM)
    world.outer.wait_event("stopping")
    check("</stream:stream>" in stream.expect(".*</stream:stream>").group(0).decode(), "outer ends the stream")
    stream.message("n3")  # written before we answer the end: it counts
    stream.send("</stream:stream>")
    time.sleep(0.3)
    check(world.outer.alive() and not world.foreign.text, "outer waits for inner's word")
    silent.close()
    accepted.close()
    world.foreign.wait_for("<remote-server-timeout", count=4)
    world.wait(lambda: not world.outer.alive(), "outer has ended")
    check(world.outer.stop() == 0, "outer ended in order")
    check(sorted(numbers(BOUNCE, world.foreign.text)) == [0, 1, 2, 3], world.foreign.text)
    stopped = world.outer.events("stopped")[0]
    check(stopped["level"] == "info" and stopped["unacknowledged"] == 0, stopped)


class Asked(Accepted):
    """Dialback alone: the other domain's server is asked about the key, on a stream of its own."""

    def serve(self, listener):
        self.expect("<stream:stream[^>]*>")
        self.answer("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
                    "</stream:features>", listener)
        self.expect("<starttls[^>]*/>")
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.serve_tls(listener.domain)
        self.expect("<stream:stream[^>]*>")
        self.answer("<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
                    "</stream:features>", listener)
        key = self.expect("<db:result[^>]*>([^<]*)</db:result>").group(1).decode()
        asking = Stream.dial(self.world, self.world.address["outer"], listener.domain, LOCAL, authenticate=False)
        asking.send("<db:verify from='%s' to='%s' id='s%d'>%s</db:verify>" % (
            listener.domain, LOCAL, id(self) % 1000003, key))
        listener.said = asking.expect("<db:verify[^>]*type=[\"'](valid|invalid|error)").group(1).decode()
        asking.close()
        self.send("<db:result from='%s' to='%s' type='%s'/>" % (listener.domain, LOCAL, listener.said))


@fresh(outer_extra="limit drain time 20000")
def case_s2s_A23_nobody_listens_while_draining(world):
    """A draining outer refuses connections at once; where a bounce needs dialback, it listens for the question."""
    world.server.close()
    world.foreign.accepted = Asked
    silent = Silent(world, world.address["server"])
    stream = world.stream()
    stream.message("n0")
    accepted, _ = silent.socket.accept()
    world.outer.process.send_signal(signal.SIGTERM)
    world.outer.wait_event("stopping")

    def refused():
        try:
            Stream.connect(world, world.address["outer"], FOREIGN).close()
        except ConnectionRefusedError:
            return True
        return False
    world.wait(refused, "nobody listens")
    stream.message("n1")  # what is there goes on
    stream.expect(".*</stream:stream>")
    stream.send("</stream:stream>")
    silent.close()
    accepted.close()
    world.foreign.wait_for("<remote-server-timeout", count=2)
    check(world.foreign.said == "valid", "dialback")
    world.wait(lambda: not world.outer.alive(), "outer has ended")
    check(world.outer.stop() == 0 and world.outer.events("stopped")[0]["unacknowledged"] == 0, "in order")


@fresh(outer_extra="limit drain time 4000")
def case_s2s_A23_link_down_while_draining(world):
    """No node took it and none will before outer ends: it is bounced, not lost."""
    world.inner.stop(signal.SIGKILL)
    world.outer.wait_event("link-down")
    stream = world.stream()
    for i in range(3):
        stream.message("n%d" % i)
    world.wait(lambda: world.outer.status()["counters"]["stanzas_in"] == 3, "outer has them")
    check(world.outer.stop() == 0, "outer ended")
    check(sorted(numbers(BOUNCE, world.foreign.text)) == [0, 1, 2], world.foreign.text)


@fresh(outer_extra="limit queue bytes 16777216", inner_extra="limit queue bytes 16777216")
def case_s2s_C17_refused_with_bytes_under_way(world):
    """A pair is refused by a reload while its peer reads nothing: each stanza arrives or is bounced, never both."""
    stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    text = "<message from='a@example.se' to='b@example.com' id='n%d'><body>n%d</body><subject>" + "y" * 20000 + \
        "</subject></message>"
    stream.send(text % (0, 0))
    world.foreign.wait_for("<body>n0</body>")
    world.foreign.reading.clear()
    count = 900
    stream.socket.settimeout(3)
    try:
        for i in range(1, count):
            stream.send(text % (i, i))
    except OSError:
        count = i  # the last one is there in part
    with open(world.path("outer.conf")) as f:
        old = f.read()
    with open(world.path("outer.conf"), "w") as f:
        f.write(old.replace("peer refused.example", "peer example.com refused.example"))
    check(b"true" in world.outer.control(b"reload\n"), "reload")
    world.outer.wait_event("stream-closed", reason="policy-changed", direction="outgoing")
    world.foreign.reading.set()

    def arrived():
        return numbers("<body>n([0-9]+)</body><subject>y{20000}</subject></message>", world.foreign.text)

    def bounced():
        return numbers(BOUNCE, world.server.text)
    world.wait(lambda: len(arrived()) + len(bounced()) >= count, lambda: "all accounted for: %d and %d of %d" % (
        len(arrived()), len(bounced()), count), seconds=30)
    time.sleep(0.5)
    came, back = arrived(), bounced()
    check(sorted(came + back) == list(range(count)), "once each; both: %s" % sorted(set(came) & set(back)))
    check(back and came == list(range(len(came))), "in order, and the rest is bounced")


SM = "xmlns='urn:xmpp:sm:3'"


def managed(world):
    """A stream of the foreign server with acknowledgements."""
    stream = world.stream()
    stream.send("<enable %s/>" % SM)
    check(b" id=" not in stream.expect("<enabled[^>]*/>").group(0), "nothing can be resumed")
    return stream


@fresh()
def case_s2s_H2_acknowledged_from_end_to_end(world):
    """s2s H2 the foreign server is told that a stanza is handled when the local one says so, and not before."""
    world.server.features = "<sm %s/>" % SM
    stream = managed(world)
    stream.message("n0")
    stream.message("n1")
    world.server.wait_for("<enable ")
    local = world.server.streams[-1]
    local.send("<enabled %s/>" % SM)
    world.server.wait_for("<body>n1</body>")
    world.server.wait_for("<r ")
    time.sleep(0.3)
    stream.send("<r %s/>" % SM)
    stream.expect("<a [^>]*h=\"0\"/>")
    local.send("<a %s h='1'/>" % SM)
    stream.expect("<a [^>]*h=\"1\"/>")  # unasked: it is known now
    local.send("<a %s h='2'/>" % SM)
    stream.expect("<a [^>]*h=\"2\"/>")
    check(not numbers(BOUNCE, world.foreign.text), "nothing came back")


@fresh()
def case_s2s_H2_a_bounce_counts_as_handled(world):
    """s2s H2 a stanza whose error is on its way is acknowledged like one that was delivered."""
    world.server.close()
    stream = managed(world)
    stream.message("n0")
    world.foreign.wait_for("<remote-server-timeout")
    stream.send("<r %s/>" % SM)
    stream.expect("<a [^>]*h=\"1\"/>")


@fresh(inner_extra="limit acknowledgement time 1000")
def case_threats_J3_a_server_that_never_acknowledges(world):
    """threats J3, s2s C17 it gets the stanza twice; then that is bounced, once, and its sender's server is told."""
    world.server.features = "<sm %s/>" % SM
    stream = managed(world)
    stream.message("n0")
    for count in (1, 2):
        world.server.wait_for("<enable ", count=count)
        world.server.streams[-1].send("<enabled %s/>" % SM)
        world.server.wait_for("<connection-timeout", count=count)
    world.foreign.wait_for("<remote-server-timeout")
    stream.send("<r %s/>" % SM)
    stream.expect("<a [^>]*h=\"1\"/>")
    check(len(numbers("<body>n(0)</body>", world.server.text)) == 2, "sent twice")
    check(numbers(BOUNCE, world.foreign.text) == [0], "bounced once: " + world.foreign.text)


@fresh()
def case_threats_J4_a_flood_of_questions(world):
    """threats J4 thousands of questions in a turn have one answer."""
    stream = managed(world)
    stream.send("<r %s/>" % SM * 20000)
    stream.message("n0")
    world.server.wait_for("<body>n0</body>")
    stream.send("<r %s/></stream:stream>" % SM)
    answers = stream.read_to_end().count("<a ")
    check(1 <= answers < 2000, "%d answers" % answers)


@fresh()
def case_s2s_A23_leaves_what_it_does_not_acknowledge(world):
    """s2s A23, s2s H2 outer ends: what is handled is acknowledged, what came too late is its sender's to keep."""
    world.server.features = "<sm %s/>" % SM
    stream = managed(world)
    stream.message("n0")
    world.server.wait_for("<enable ")
    local = world.server.streams[-1]
    local.send("<enabled %s/>" % SM)
    world.server.wait_for("<body>n0</body>")
    world.outer.process.send_signal(signal.SIGTERM)
    world.outer.wait_event("stopping")
    stream.message("n1")
    time.sleep(0.3)
    local.send("<a %s h='1'/>" % SM)
    check("<a xmlns=\"urn:xmpp:sm:3\" h=\"1\"/></stream:stream>" in stream.read_to_end(), "the last word")
    world.wait(lambda: not world.outer.alive(), "outer has ended")
    check(world.outer.stop() == 0 and "n1" not in world.server.text, "in order")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
