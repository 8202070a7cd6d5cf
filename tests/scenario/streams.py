# SPDX-License-Identifier: Apache-2.0
"""What is negotiated on streams beyond the two directions apart: both ways on one, limits, silence, redirects."""
import re
import socket
import threading

from peer import HEADER, Stream
from world import FOREIGN, LOCAL, check, fresh, run

BIDI = "<bidi xmlns='urn:xmpp:bidi'/>"
BIDI_LIMITED = ("<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>"
                "<max-bytes>10000</max-bytes></limits></bidi>")


def both_ways(world, request, us=FOREIGN, to=LOCAL, role="outer"):
    stream = Stream.connect(world, world.address[role], us)
    stream.header(to)
    check(b"bidi" not in stream.expect("<stream:features>(.*)</stream:features>").group(1), "bidi before TLS")
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    stream.expect("<proceed[^>]*/>")
    stream.start_tls()
    stream.header(to)
    features = stream.expect("<stream:features>(.*)</stream:features>").group(1)
    check(b"urn:xmpp:features:bidi" in features and b"<max-bytes>" in features, features)
    stream.send(request)
    stream.external(to)
    return stream


def say(world, text, to="b@" + FOREIGN):
    """The local user says something to the foreign one."""
    if not hasattr(world, "out_stream"):
        world.out_stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    world.out_stream.message(text, to=to, sender="a@" + LOCAL)


@fresh()
def case_s2s_H1_one_stream_both_ways(world):
    """What the local user says leaves on the stream that the foreign server opened."""
    stream = both_ways(world, BIDI)
    stream.message("there")
    world.server.wait_for("<body>there</body>")
    say(world, "and back")
    stream.expect("<message[^>]*><body>and back</body></message>")
    check(not world.foreign.streams, "outer opened a stream of its own")
    streams = world.outer.status()["streams"]
    check(len(streams) == 1 and streams[0]["bidi"], streams)


@fresh()
def case_s2s_H1_both_ways_at_the_inner_face(world):
    """The local server's stream carries what the foreign user says."""
    stream = both_ways(world, BIDI, us=LOCAL, to=FOREIGN, role="inner")
    world.stream().message("from outside")
    stream.expect("<message[^>]*><body>from outside</body></message>")
    check(not world.server.streams, "inner opened a stream of its own")


@fresh(outer_extra="bidi off")
def case_s2s_H1_switched_off(world):
    """Without it there are two streams."""
    stream = world.stream(authenticate=False)
    stream.external(LOCAL)
    say(world, "apart")
    world.foreign.wait_for("<body>apart</body>")


@fresh()
def case_s2s_H5_larger_than_they_take(world):
    """The sender learns of the other server's limit, from nobody in particular, and the stream goes on."""
    stream = both_ways(world, BIDI_LIMITED)
    say(world, "first")
    world.out_stream.send("<message type='chat' id='big' from='a@%s' to='b@%s'><body>%s</body></message>" %
                          (LOCAL, FOREIGN, "x" * 12000))
    say(world, "small")
    stream.expect("<body>small</body>")
    world.server.wait_for("<message[^>]*type=\"error\"[^>]*>.*?</message>")
    error = world.server.stanzas()[0]
    check("policy-violation" in error and "by=" not in error and "xxx" not in error, error[:500])


@fresh(outer_extra="multiplex on")
def case_s2s_G10_one_stream_for_two_domains(world):
    """The second domain is served at the same address: its key is shown on the first one's stream."""
    world.foreign.offers = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
    say(world, "first")
    world.foreign.wait_for("<body>first</body>")
    world.stream(us=LOCAL, to="other.example", role="inner").message(
        "second", sender="a@" + LOCAL, to="x@other.example")
    world.foreign.wait_for("<db:result [^>]*to=\"other.example\"[^>]*>")
    check("second" not in world.foreign.text, "a stanza before the key was accepted")
    world.foreign.streams[0].send("<db:result from='other.example' to='%s' type='valid'/>" % LOCAL)
    world.foreign.wait_for("<body>second</body>")
    check(len(world.foreign.streams) == 1, "outer opened another stream")


def turn_away(listener, host):
    """A server that knows where the domain is served."""
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        sock.recv(4096)
        sock.sendall((HEADER % ("from='%s' id='x'" % FOREIGN) +
                      "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s</see-other-host>"
                      "</stream:error></stream:stream>" % host).encode())
        sock.recv(4096)
        sock.close()


def turned_away(world, host):
    listener = socket.create_server((world.base + "6", 5269))
    world.dns.names[FOREIGN] = world.base + "6"
    threading.Thread(target=turn_away, args=(listener, host), daemon=True).start()
    return listener


@fresh(outer_extra="redirect on")
def case_s2s_A22_see_other_host_by_address(world):
    listener = turned_away(world, world.address["foreign"])
    say(world, "elsewhere")
    world.foreign.wait_for("<body>elsewhere</body>")
    world.outer.wait_event("redirected", host=world.address["foreign"])
    listener.shutdown(socket.SHUT_RDWR)


@fresh(outer_extra="redirect on")
def case_s2s_A22_see_other_host_by_name(world):
    world.dns.names["im.example.com"] = world.address["foreign"]
    listener = turned_away(world, "im.example.com:5269")
    say(world, "elsewhere")
    world.foreign.wait_for("<body>elsewhere</body>")
    listener.shutdown(socket.SHUT_RDWR)


@fresh(outer_extra="redirect on")
def case_s2s_A22_threats_I1_see_other_host_inside(world):
    """A redirect leads to no address that a name may not lead to."""
    listener = turned_away(world, "127.0.0.1:22")
    say(world, "elsewhere")
    world.server.wait_for("<message[^>]*type=\"error\"[^>]*>.*?remote-server-timeout")
    listener.shutdown(socket.SHUT_RDWR)


@fresh()
def case_s2s_A22_see_other_host_is_not_followed_unasked(world):
    listener = turned_away(world, world.address["foreign"])
    say(world, "elsewhere")
    world.server.wait_for("<message[^>]*type=\"error\"[^>]*>.*?remote-server-timeout")
    check(not world.outer.events("redirected"), "it was followed")
    listener.shutdown(socket.SHUT_RDWR)


@fresh(outer_extra="limit idle time 1000")
def case_s2s_A19_ping_and_answer(world):
    """Outer pings for itself: the answer goes no further."""
    say(world, "hello")
    world.foreign.wait_for("<body>hello</body>")
    world.foreign.wait_for("<iq [^>]*>(?=<ping)")
    ping = re.search("id=\"(idle-[0-9a-f]+)\"", world.foreign.text).group(1)
    stream = world.stream()
    stream.send("<iq type='result' from='%s' to='%s' id='%s'/>" % (FOREIGN, LOCAL, ping))
    stream.message("after it")
    world.server.wait_for("after it")
    check(ping not in world.server.text, world.server.text)
    check(world.outer.status()["counters"]["pings_answered"] >= 1, "the answer was not counted")


@fresh(outer_extra="limit idle time 1000")
def case_s2s_A19_ping_without_answer(world):
    """Then the stream is closed for being silent; the next stanza opens another."""
    say(world, "hello")
    world.outer.wait_event("stream-closed", reason="idle", direction="outgoing")
    say(world, "again")
    world.foreign.wait_for("<body>again</body>")


def case_s2s_E1_no_certificate_can_be_minted(world):
    """Inner makes none for what is below a local domain: it says so before TLS begins."""
    stream = Stream.connect(world, world.address["inner"], LOCAL)
    stream.header("sub." + LOCAL)
    answer = stream.read_to_end()
    check("policy-violation" in answer and "starttls" not in answer, answer)
    world.inner.wait_event("stream-closed", reason="no-credentials")


if __name__ == "__main__":
    run([case for name, case in list(globals().items()) if name.startswith("case_")])
