# SPDX-License-Identifier: Apache-2.0
"""Every accepted stanza is delivered once or bounced once: what ends while stanzas are under way."""
import re
import signal
import socket
import time

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


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
