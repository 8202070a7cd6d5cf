# SPDX-License-Identifier: Apache-2.0
"""Stanzas between a scripted foreign server and a scripted local one, both ways, through both real nodes."""
import re
import socket
import threading

from peer import Closed, HEADER, Listener, Stream
from world import FOREIGN, LOCAL, ROOMS, check, fresh, run


def inbound(world):
    if not hasattr(world, "in_stream"):
        world.in_stream = world.stream()
    return world.in_stream


def outbound(world):
    if not hasattr(world, "out_stream"):
        world.out_stream = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    return world.out_stream


def case_foreign_to_local(world):
    inbound(world).message("hello-in")
    world.server.wait_for("<message[^>]*><body>hello-in</body></message>")
    stanza = world.server.stanzas()[0]
    check("from=\"b@example.com\"" in stanza and "to=\"a@example.se\"" in stanza, stanza)


def case_local_to_foreign(world):
    outbound(world).message("hello-out", to="b@example.com", sender="a@example.se")
    world.foreign.wait_for("<message[^>]*><body>hello-out</body></message>")


def case_s2s_B18_one_byte_at_a_time(world):
    """The stanza arrives at its last byte, and as the same canonical text."""
    text = "<message from='b@example.com' to='a@example.se' id='slow'><body>caf\u00e9 &amp; \U0001f600</body></message>"
    inbound(world).send_slowly(text)
    world.server.wait_for("<body>caf\u00e9 &amp; \U0001f600</body>")


def case_threats_C13_canonical_form(world):
    """Quotes, prefixes, CDATA and references arrive in one form, and only once."""
    inbound(world).send(
        "<s:message xmlns:s='jabber:server' from='b@example.com' to=\"a@example.se\" id='&#x63;15'>"
        "<s:body><![CDATA[<&>]]>&#65;'\"</s:body></s:message>")
    world.server.wait_for("c15")
    stanza = [s for s in world.server.stanzas() if "c15" in s][0]
    check("<body>&lt;&amp;&gt;A" in stanza and "CDATA" not in stanza and "s:" not in stanza, stanza)


def case_standard_profile_strips(world):
    inbound(world).message("strip-me", extra="<x xmlns='urn:example:unknown'>covert</x>")
    world.server.wait_for("strip-me")
    check("covert" not in world.server.text, world.server.text)
    world.outer.wait_event("payload-stripped", namespace="urn:example:unknown")


@fresh(profile="open")
def case_open_profile_passes(world):
    world.stream().message("keep-me", extra="<x xmlns='urn:example:unknown' a='1'>kept<y/></x>")
    world.server.wait_for("<x xmlns=\"urn:example:unknown\" a=\"1\">kept<y/></x>")


@fresh()
def case_threats_C5_C6_body_in_another_namespace(world):
    """What some servers would turn into a second body is removed."""
    inbound(world).message("c5", extra="<body xmlns='jabber:client'>second</body><body xmlns=''>third</body>")
    world.server.wait_for("<body>c5</body>")
    check("second" not in world.server.text and "third" not in world.server.text, world.server.text)


def case_threats_G7_iq_without_id(world):
    """The sender gets the error, on the stream of the other direction."""
    inbound(world).send("<iq type='get' from='b@example.com' to='a@example.se'><ping xmlns='urn:xmpp:ping'/></iq>")
    world.foreign.wait_for("<iq[^>]*type=\"error\".*?bad-request")


def case_s2s_C11_name_not_found(world):
    stream = world.stream(us=LOCAL, to="nowhere.example", role="inner")
    stream.message("lost", sender="a@example.se", to="x@nowhere.example")
    world.server.wait_for("<message[^>]*type=\"error\".*?<remote-server-not-found")
    check(world.server.text.count("remote-server-not-found") == 1, "bounced once")
    check("<body>lost" not in world.server.text, "the payload is not echoed")


def case_s2s_C7_threats_G1_errors_are_not_answered(world):
    stream = world.stream(us=LOCAL, to="nowhere2.example", role="inner")
    before = world.server.text.count("nowhere2.example")
    stream.send("<message type='error' from='a@example.se' to='x@nowhere2.example' id='e1'><error type='cancel'>"
                "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    stream.send("<iq type='result' from='a@example.se' to='x@nowhere2.example' id='e2'/>")
    stream.message("g1", sender="a@example.se", to="x@nowhere2.example")
    world.server.wait_for("id=\"g1\"")
    answers = re.findall("<(?:message|iq)[^>]*nowhere2.example[^>]*>", world.server.text[before:])
    check(len(answers) == 1, answers)


def case_threats_I1_address_forbidden(world):
    """A name that leads to loopback is not dialled."""
    stream = world.stream(us=LOCAL, to="loop.example", role="inner")
    stream.message("loop", sender="a@example.se", to="x@loop.example")
    world.outer.wait_event("address-forbidden", domain="loop.example")
    world.server.wait_for("<message[^>]*id=\"loop\"[^>]*>.*?remote-server-not-found")


def slam_doors(listener):
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


@fresh()
def case_s2s_A3_next_address(world):
    """Servers that refuse, and servers that fail after the connection stands, are passed over; nothing bounces."""
    bad = [world.base + "%d" % i for i in (6, 7, 8)]
    world.dns.names[FOREIGN] = " ".join(bad + [world.address["foreign"]])
    listener = socket.create_server((bad[0], 5269))
    other = Listener(world, bad[1], "other.example")
    threading.Thread(target=slam_doors, args=(listener,), daemon=True).start()
    world.stream(us=LOCAL, to=FOREIGN, role="inner").message("next", sender="a@example.se", to="b@example.com")
    world.foreign.wait_for("<body>next</body>")
    check("error" not in world.server.text and "next" not in other.text, world.server.text)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def case_s2s_C4_threats_E13_pairs_not_senders(world):
    """A stream proved for one pair carries no other: not another target, not another sender."""
    for sender, to in (("b@example.com", "r@" + ROOMS), ("b@other.example", "a@example.se")):
        stream = world.stream()
        stream.message("e13", sender=sender, to=to)
        check("invalid-from" in stream.read_to_end(), "%s to %s" % (sender, to))
    check("e13" not in world.server.text, world.server.text)


def case_s2s_C16_threats_E22_no_relay(world):
    """Neither foreign to foreign nor local to local."""
    for us, to, role in ((FOREIGN, "other.example", "outer"), (LOCAL, ROOMS, "inner")):
        stream = Stream.connect(world, world.address[role], us)
        stream.header(to)
        answer = stream.read_to_end()
        check("host-unknown" in answer, answer)


def case_s2s_A8_unknown_host(world):
    stream = Stream.connect(world, world.address["outer"], FOREIGN)
    stream.header("unknown.example")
    answer = stream.read_to_end()
    check("<stream:stream" in answer and "host-unknown" in answer and "</stream:stream>" in answer, answer)


def case_peer_refused_by_policy(world):
    stream = Stream.connect(world, world.address["outer"], "refused.example")
    stream.header(LOCAL)
    answer = stream.read_to_end()
    check("<stream:error>" in answer and "features" not in answer, answer)


def case_threats_E1_stanza_before_authentication(world):
    stream = world.stream(authenticate=False)
    stream.expect("")
    stream.message("early")
    check("not-authorized" in stream.read_to_end(), "closed with not-authorized")
    check("early" not in world.server.text, "not delivered")


def case_s2s_F1_threats_D13_another_name_than_the_certificate(world):
    """A certificate for A, header from B: EXTERNAL is not offered."""
    stream = Stream.connect(world, world.address["outer"], "other.example")
    stream.header(LOCAL)
    stream.expect("</stream:features>")
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    stream.expect("<proceed[^>]*/>")
    stream.start_tls(domain=FOREIGN)
    stream.header(LOCAL)
    features = stream.expect("<stream:features>(.*)</stream:features>").group(1)
    check(b"EXTERNAL" not in features and b"dialback" in features, features)


def case_s2s_E3_threats_D1_plaintext_behind_starttls(world):
    """What came in clear with <starttls/> is never answered inside TLS."""
    stream = Stream.connect(world, world.address["outer"], FOREIGN)
    stream.header(LOCAL)
    stream.expect("</stream:features>")
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + HEADER % "from='x' to='y'")
    try:
        stream.expect("<proceed[^>]*/>")
        stream.start_tls()
        stream.header(LOCAL)
        answer = stream.read_to_end()
    except (Closed, OSError):
        answer = ""
    check("<stream:features" not in answer, answer)


def case_s2s_A14_orderly_close(world):
    stream = world.stream()
    stream.message("last-words")
    stream.send("</stream:stream>")
    check("</stream:stream>" in stream.read_to_end(), "answered with the end tag")
    world.server.wait_for("last-words")


def case_same_trace_in_both_nodes(world):
    """A refusal behind the link carries the id that the stanza got at the entrance."""
    stream = world.stream(us=LOCAL, to="nowhere3.example", role="inner")
    stream.message("traced", sender="a@example.se", to="x@nowhere3.example", extra="<x xmlns='urn:example:t'/>")
    world.server.wait_for("id=\"traced\"")
    stripped = [e for e in world.inner.events("payload-stripped") if e["namespace"] == "urn:example:t"]
    undelivered = [e["trace"] for e in world.inner.events("undelivered")]
    check(stripped and stripped[0]["trace"] in undelivered, (stripped, undelivered))


def case_s2s_C9_order_within_a_pair(world):
    stream = inbound(world)
    world.server.forget()
    stream.send("".join("<message from='b@example.com' to='a@example.se'><body>n%d</body></message>" % i
                        for i in range(3000)))
    world.server.wait_for("<body>n2999</body>")
    numbers = [int(n) for n in re.findall("<body>n([0-9]+)</body>", world.server.text)]
    check(numbers == list(range(3000)), "in order, none lost or doubled")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
