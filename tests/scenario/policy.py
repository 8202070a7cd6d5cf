# SPDX-License-Identifier: Apache-2.0
"""The rules about addresses and content, in both real nodes: what arrives, what is answered, what operators see."""
import itertools
import re

from world import FOREIGN, LOCAL, check, fresh, run

SID = "<stanza-id xmlns='urn:xmpp:sid:0' id='%s' by='a@example.se'/>"


def ask(payload, to=LOCAL, kind="get", ident="q"):
    return "<iq type='%s' from='b@example.com/x' to='%s' id='%s'>%s</iq>" % (kind, to, ident, payload)


def inbound(world):
    if not hasattr(world, "in_stream"):
        world.in_stream = world.stream()
    return world.in_stream


def hits(node, rule):
    return node.status()["rules"][rule]


def case_threats_G5_s2s_H14_forged_ids_and_delays(world):
    """Outer strips them before the link: inner has nothing to find. The log names the rule."""
    inbound(world).message("h14", extra=SID % "forged" + "<delay xmlns='urn:xmpp:delay' from='example.se' "
                           "stamp='2020-01-01T00:00:00Z'/><stanza-id xmlns='urn:xmpp:sid:0' id='good' "
                           "by='b@example.com'/>")
    world.server.wait_for("<body>h14</body>.*?</message>")
    check("forged" not in world.server.text and "delay" not in world.server.text, world.server.text)
    check("id=\"good\"" in world.server.text, world.server.text)
    world.outer.wait_event("rule", rule="stanza-id", verdict="strip", element="stanza-id")
    world.outer.wait_event("rule", rule="delay", verdict="strip")
    check(hits(world.outer, "stanza-id") == 1 and hits(world.outer, "delay") == 1, world.outer.status()["rules"])
    check(not world.inner.events("rule"), "nothing was left for inner")


def case_threats_G9_only_questions_for_everybody_reach_a_domain(world):
    """Registration and commands are refused at outer; ping and a user's card pass."""
    stream = inbound(world)
    stream.send(ask("<query xmlns='jabber:iq:register'><username>m</username></query>", kind="set", ident="reg"))
    stream.send(ask("<command xmlns='http://jabber.org/protocol/commands' node='x'/>", kind="set", ident="cmd"))
    stream.send(ask("<ping xmlns='urn:xmpp:ping'/>", ident="ping"))
    stream.send(ask("<vCard xmlns='vcard-temp'/>", to="a@example.se", ident="card"))
    world.server.wait_for("<iq[^>]*id=\"card\"")
    world.server.wait_for("<iq[^>]*id=\"ping\"")
    check("register" not in world.server.text and "commands" not in world.server.text, world.server.text)
    for ident in ("reg", "cmd"):
        world.foreign.wait_for("<iq[^>]*id=\"%s\"[^>]*>.*?<service-unavailable" % ident)
    check(hits(world.outer, "server") == 2, world.outer.status()["rules"])


def case_threats_G10_items_are_capped(world):
    items = "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n' max_items='99999'/></pubsub>"
    inbound(world).send(ask(items, to="a@example.se", ident="g10"))
    world.server.wait_for("<iq[^>]*id=\"g10\".*?max_items=\"250\"")


def case_threats_G12_formatted_text(world):
    html = ("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>%s"
            "</body></html>")
    inbound(world).message("g12a", extra=html % "<a href='javascript:alert(1)'>click</a>")
    inbound(world).message("g12b", extra=html % "<a href='https://example.com/'>fine</a>")
    inbound(world).message("g12c", extra="<x xmlns='jabber:x:oob'><url>http://169.254.169.254/</url></x>")
    world.server.wait_for("<body>g12c</body></message>")
    check("click" not in world.server.text and "fine" in world.server.text, world.server.text)
    check("169.254" not in world.server.text, world.server.text)
    check(hits(world.outer, "scripts") == 1 and hits(world.outer, "links") == 1, world.outer.status()["rules"])


def case_threats_G11_s2s_C18_a_stanza_that_goes_round(world):
    """The same stanza passes eight times in a minute; after that it is dropped and nobody is answered."""
    world.server.forget()
    stream = inbound(world)
    stream.send("<message type='groupchat' from='room@example.com/n' to='a@example.se/x' id='round'>"
                "<body>round</body></message>" * 30)
    stream.message("g11-after")
    world.server.wait_for("g11-after")
    check(world.server.text.count("<body>round</body>") == 8, world.server.text)
    check(hits(world.outer, "loop") == 22, world.outer.status()["rules"])
    check("round" not in world.foreign.text, "not answered")


def case_threats_K7_log_injection(world):
    """What peers write cannot forge log lines: each line is JSON, and controls and changes of direction are escaped."""
    world.stream().send("<message from='b@example.com/a&#x202E;b&#27;' to='a@example.se'><body>k7</body></message>")
    stream = world.stream()
    stream.send("<message from='b@example.com' to='a@example.se' id='k7&#10;{}'><body>k7</body>"
                "<x xmlns='urn:x:&#10;{&quot;event&quot;:&quot;forged&quot;}&#x202E;'/>" + SID % "k7" + "</message>")
    stream.send("<message from='b@example.com/%s' to='a@example.se'><body>k7b</body><x xmlns='urn:%s'/></message>"
                % ("r" * 1000, "n" * 1000))
    world.server.wait_for("<body>k7b</body>")
    check(not world.outer.events("forged"), "no line of the peer's making")
    with open(world.outer.log_path, "rb") as f:
        raw = f.read()
    check("\u202e".encode() not in raw and b"\x1b" not in raw, "escaped")
    check(max(map(len, raw.split(b"\n"))) < 4096, "capped")


@fresh(outer_extra="rule stanza-id off\nrule server off for example.com\nrule page off at example.se")
def case_switches_and_the_other_node(world):
    """What outer is told to let pass, inner judges by its own file; `for` and `at` choose the pair."""
    stream = world.stream()
    stream.message("own", extra=SID % "forged")
    stream.send(ask("<query xmlns='jabber:iq:register'/>", ident="reg"))
    world.server.wait_for("<body>own</body></message>")
    world.inner.wait_event("rule", rule="stanza-id", verdict="strip")
    world.foreign.wait_for("<iq[^>]*id=\"reg\"[^>]*>.*?<service-unavailable")
    check(hits(world.outer, "server") == 0 and hits(world.inner, "server") == 1, "inner refused")
    check("register" not in world.server.text, world.server.text)
    stream.message("again", extra=SID % "forged")
    world.server.wait_for("<body>again</body>")
    world.write_config(inner_extra="rule stanza-id off")
    world.inner.control(b"reload\n")
    stream.message("off", extra=SID % "through")
    world.server.wait_for("<body>off</body><stanza-id[^>]*id=\"through\"")


@fresh(outer_extra="refuse from mallory@example.com to any")
def case_threats_F7_threats_F1_mallory_in_other_spellings(world):
    """Every spelling and every resource of a refused account; the error says forbidden. Others pass."""
    stream = world.stream()
    senders = ["mallory@example.com", "MALLORY@EXAMPLE.com/x", "\uff4dallory@example.com", "mallory@example.com./y",
               "mal\u00adlory@example.com", "mallory@example.com/b@example.com"]
    for i, sender in enumerate(senders):
        stream.message("bad%d" % i, sender=sender)
    stream.message("good", sender="mallory2@example.com")
    world.server.wait_for("<body>good</body>")
    check("bad" not in world.server.text, world.server.text)
    for i in range(len(senders)):
        world.foreign.wait_for("<message[^>]*id=\"bad%d\"[^>]*>.*?<forbidden" % i)
    world.outer.wait_event("rule", count=len(senders), rule="addresses", verdict="reject", condition="forbidden")
    check(not world.outer.events("stanza-refused"), "one line for each refusal")
    check(hits(world.outer, "addresses") == len(senders), world.outer.status()["rules"])


@fresh(outer_extra="refuse to boss@example.se silently", inner_extra="refuse from mallory@example.com")
def case_refused_silently_and_behind_the_link(world):
    stream = world.stream()
    stream.message("quiet", to="boss@example.se")
    stream.message("behind", sender="mallory@example.com/x", extra="<x xmlns='urn:example:t'/>")
    stream.message("good")
    world.server.wait_for("<body>good</body>")
    world.foreign.wait_for("<message[^>]*id=\"behind\"[^>]*>.*?<forbidden")
    check("quiet" not in world.foreign.text + world.server.text and "behind" not in world.server.text, "refused")
    world.inner.wait_event("rule", rule="addresses", verdict="reject")
    world.outer.wait_event("rule", rule="addresses", verdict="drop")
    # One id from outer over the link to inner, and back with the refusal.
    traces = {what: [e["trace"] for e in node.events(what) if e.get("verdict", "reject") == "reject"]
              for node, what in ((world.outer, "payload-stripped"), (world.inner, "rule"),
                                 (world.outer, "undelivered"))}
    check(len(set(itertools.chain(*traces.values()))) == 1, traces)
    check(all(len(t) == 1 for t in traces.values()), traces)


@fresh(outer_extra="rule label-required on for example.com", inner_extra="rule label-required on for example.com")
def case_threats_K8_s2s_H4_pair_that_needs_labels(world):
    """Without a label nothing passes in either direction; with one it passes unaltered; no member leaves a room."""
    label = ("<securitylabel xmlns=\"urn:xmpp:sec-label:0\"><displaymarking fgcolor=\"black\" bgcolor=\"red\">SECRET"
             "</displaymarking><label><esssecuritylabel xmlns=\"urn:xmpp:sec-label:ess:0\">MQYCAQQGASk="
             "</esssecuritylabel></label></securitylabel>")
    stream, out = world.stream(), world.stream(us=LOCAL, to=FOREIGN, role="inner")
    stream.message("bare-in")
    out.message("bare-out", sender="a@example.se", to="b@example.com")
    stream.send("<message type='groupchat' from='room@example.com/n' to='a@example.se/x' id='room'>"
                "<body>room</body></message>")
    stream.message("in", extra=label)
    out.message("out", sender="a@example.se", to="b@example.com", extra=label)
    world.server.wait_for("<body>in</body>")
    world.foreign.wait_for("<body>out</body>")
    canonical = label.replace(" fgcolor=\"black\" bgcolor=\"red\"", " bgcolor=\"red\" fgcolor=\"black\"")
    check(canonical in world.server.text and canonical in world.foreign.text, world.server.text)
    world.foreign.wait_for("<message[^>]*id=\"bare-in\"[^>]*>.*?<not-acceptable.*?a security label is required")
    world.server.wait_for("<message[^>]*id=\"bare-out\"[^>]*>.*?<not-acceptable")
    check("<body>bare" not in world.server.text + world.foreign.text, "refused")
    check("room" not in world.server.text and "id=\"room\"" not in world.foreign.text, "dropped without an answer")


@fresh()
def case_threats_K2_a_domain_that_policy_closed(world):
    """After a reload that refuses a peer its streams end, and presence to it goes nowhere."""
    out = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    out.message("before", sender="a@example.se", to="b@example.com")
    world.foreign.wait_for("<body>before</body>")
    world.foreign.forget()
    with open(world.path("outer.conf"), encoding="utf-8") as f:
        text = f.read().replace("peer refused.example", "peer example.com refused.example")
    with open(world.path("outer.conf"), "w", encoding="utf-8") as f:
        f.write(text)
    check(b'"ok":true' in world.outer.control(b"reload\n"), "reloaded")
    out.send("<presence from='a@example.se/x' to='b@example.com' id='k2'><show>away</show></presence>")
    out.message("after", sender="a@example.se", to="b@example.com")
    world.server.wait_for("<message[^>]*id=\"after\"[^>]*>.*?<policy-violation")
    world.wait(lambda: "</stream:stream>" in world.foreign.text, "outer ends the stream")
    check("k2" not in world.foreign.text and "after" not in world.foreign.text, world.foreign.text)


@fresh(outer_extra="refuse from mallory@example.com")
def case_threats_K6_what_errors_tell(world):
    """Errors tell the step that failed: no node names, no addresses, no versions, no text of a rule."""
    stream = world.stream()
    stream.message("k6a", sender="mallory@example.com")
    stream.send(ask("<query xmlns='jabber:iq:register'/>", ident="k6b"))
    stream.send("<iq type='get' from='b@example.com' to='a@example.se'><ping xmlns='urn:xmpp:ping'/></iq>")
    out = world.stream(us=LOCAL, to="loop.example", role="inner")
    out.message("k6c", sender="a@example.se", to="x@loop.example")
    world.foreign.wait_for("id=\"k6b\"[^>]*>.*?</iq>")
    world.server.wait_for("id=\"k6c\"[^>]*>.*?</message>")
    errors = re.findall("<error.*?</error>", world.foreign.text + world.server.text, re.S)
    check(len(errors) >= 3, errors)
    for error in errors:
        check(not re.search("outer|inner|sallyport|[.]conf|mallory|[0-9]+[.][0-9]+[.][0-9]+", error, re.I), error)


def result(ident, sender="b@example.com/x", to="a@example.se/x", kind="result", payload=""):
    return "<iq type='%s' from='%s' to='%s' id='%s'>%s</iq>" % (kind, sender, to, ident, payload)


PINGED = "<iq type='get' from='a@example.se/x' to='b@example.com/x' id='%s'><ping xmlns='urn:xmpp:ping'/></iq>"
GONE = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"


@fresh(inner_extra="rule answers on\nlimit question time 1s")
def case_threats_G6_answers_that_nobody_asked_for(world):
    """An answer comes through only from whom was asked, to who asked, and once. A start leaves a time of doubt."""
    out, back = world.stream(us=LOCAL, to=FOREIGN, role="inner"), world.stream()
    out.send(PINGED % "early")
    world.foreign.wait_for("id=\"early\"")
    back.send(result("unasked-early") + result("early"))
    world.server.wait_for("<iq[^>]*id=\"early\"")
    world.inner.wait_event("rule", rule="answers-unsure", verdict="drop")
    # After the time of a question all is known, and what is not is nobody's.
    ident = itertools.count()
    world.wait(lambda: back.send(result("unasked%d" % next(ident))) or
               world.inner.events("rule")[-1]["rule"] == "answers", "inner is sure of what was asked")
    out.send(PINGED % "asked" + PINGED % "failed")
    world.foreign.wait_for("id=\"failed\"")
    back.send(result("asked", sender="c@example.com/x") + result("asked", to="z@example.se/x") +
              result("asked", kind="error", sender="b@example.com", payload=GONE) + result("asked") +
              result("asked", payload="<ping xmlns='urn:xmpp:ping'/>") +
              result("failed", kind="error", payload=GONE) + result("failed"))
    back.message("g6")
    world.server.wait_for("<body>g6</body>")
    answers = re.findall("<iq[^>]*type=\"(?:result|error)\"[^>]*>", world.server.text)
    check(len(answers) == 3 and len([a for a in answers if "type=\"error\"" in a]) == 1, answers)
    check("unasked" not in world.server.text, world.server.text)
    check(hits(world.inner, "answers") >= 6 and hits(world.outer, "answers") == 0, world.inner.status()["rules"])
    check("<error" not in world.foreign.text, "no answer to an answer")


@fresh(inner_extra="rule answers on for example.com\nrule answers-unsure off")
def case_threats_G6_in_doubt_they_pass(world):
    """With `rule answers-unsure off` nothing is dropped while the node cannot know."""
    back = world.stream()
    back.send(result("before-the-start"))
    world.server.wait_for("<iq[^>]*id=\"before-the-start\"")
    check(hits(world.inner, "answers") == 0 and hits(world.inner, "answers-unsure") == 0, "nothing was dropped")


SPAM = "Cheap watches for everybody, only today and only here"


@fresh(outer_extra="rule wave on\nlimit wave senders 5")
def case_threats_G14_one_text_from_many_senders(world):
    """The fifth sender of one text is refused, and all after it; the log and the status give its fingerprint, and
    `refuse text` with it refuses the first one too, after a reload."""
    stream = world.stream()
    for n in range(8):
        stream.message("%s! %d" % (SPAM, n), sender="u%d@example.com/x" % n)
    stream.message("good morning")
    world.server.wait_for("<body>good morning</body>")
    check(world.server.text.count("<body>" + SPAM) == 4, world.server.text)
    world.foreign.wait_for("(?s)<message[^>]*to=\"u7@example.com/x\"[^>]*>.*?<not-acceptable")
    world.outer.wait_event("wave", of="text", senders=5, cure="refuse text")
    world.outer.wait_event("rule", count=4, rule="wave", verdict="reject", reason="from many senders")
    print_of = world.outer.events("wave")[0]["fingerprint"]
    waves = world.outer.status()["waves"]
    check([w for w in waves if (w["fingerprint"], w["senders"], w["messages"], w["refused"]) ==
           (print_of, 8, 8, True)], waves)
    check(hits(world.outer, "wave") == 4, world.outer.status()["rules"])
    with open(world.path("outer.conf"), "a", encoding="utf-8") as f:
        f.write("rule wave off\nrefuse text %s\n" % print_of)
    check(b'"ok":false' in world.outer.control(b"reload\n"), "the rule is on already")
    with open(world.path("outer.conf"), encoding="utf-8") as f:
        text = f.read().replace("rule wave off\n", "").replace("rule wave on\n", "")
    with open(world.path("outer.conf"), "w", encoding="utf-8") as f:
        f.write(text)
    check(b'"ok":true' in world.outer.control(b"reload\n"), "reloaded")
    stream.message("CHEAP WATCHES, for everybody: only today and only here", sender="new@example.com/x")
    stream.message("good evening")
    world.server.wait_for("<body>good evening</body>")
    check("CHEAP" not in world.server.text, world.server.text)
    world.outer.wait_event("rule", rule="wave", reason="`refuse text` names it")


@fresh(outer_extra="rule identity on\nrule capabilities on\nrule software on")
def case_threats_K3_what_tells_the_software(world):
    """Names of software, capabilities and the texts of errors stay inside; what is asked for is answered."""
    out = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    out.send("<presence from='a@example.se/x' to='b@example.com'><show>away</show><c hash='sha-1' "
             "node='http://secret.im' ver='QgayPKawpkPSDYmwT/WM94uAlu0=' "
             "xmlns='http://jabber.org/protocol/caps'/></presence>")
    out.send("<iq type='result' id='k3a' from='example.se' to='b@example.com/x'>"
             "<query xmlns='http://jabber.org/protocol/disco#info'>"
             "<identity category='server' type='im' name='Secret 1.2'/><feature var='urn:xmpp:ping'/></query></iq>")
    out.send("<iq type='result' id='k3b' from='example.se' to='b@example.com/x'><query xmlns='jabber:iq:version'>"
             "<name>Secret</name><version>1.2</version><os>SecretOS</os></query></iq>")
    out.send("<iq type='error' id='k3c' from='example.se' to='b@example.com/x'><error type='cancel'>"
             "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
             "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Secret words</text></error></iq>")
    world.foreign.wait_for("id=\"k3c\"[^>]*>.*?</iq>")
    check("ecret" not in world.foreign.text and "QgayPKawp" not in world.foreign.text, world.foreign.text)
    for kept in ("<show>away</show>", "category=\"server\"", "urn:xmpp:ping", "<item-not-found", "<name/>"):
        check(kept in world.foreign.text, kept + " in " + world.foreign.text)
    rules = world.outer.status()["rules"]
    check((rules["capabilities"], rules["identity"], rules["software"]) == (1, 3, 2), rules)


@fresh(inner_extra="label policy 1.2.840 for example.com")
def case_threats_K8_label_of_another_policy(world):
    """Where a statement says which policies hold, a label of another one is refused, both ways."""
    ess = ("<securitylabel xmlns='urn:xmpp:sec-label:0'><label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>"
           "%s</esssecuritylabel></label></securitylabel>")
    stream, out = world.stream(), world.stream(us=LOCAL, to=FOREIGN, role="inner")
    stream.message("other-in", extra=ess % "MQYCAQQGASk=")  # SET { INTEGER 4, OBJECT IDENTIFIER 1.1 }
    out.message("other-out", sender="a@example.se", to="b@example.com", extra=ess % "MQYCAQQGASk=")
    stream.message("right-in", extra=ess % "MQgGAyqGSAIBBA==")
    out.message("right-out", sender="a@example.se", to="b@example.com", extra=ess % "MQgGAyqGSAIBBA==")
    stream.message("none-in")
    world.server.wait_for("<body>none-in</body>")
    world.foreign.wait_for("<body>right-out</body>")
    world.server.wait_for("<message[^>]*id=\"other-out\"[^>]*>.*?<not-acceptable")
    world.foreign.wait_for("<message[^>]*id=\"other-in\"[^>]*>.*?<not-acceptable.*?a policy that does not hold")
    check("<body>right-in</body>" in world.server.text, world.server.text)
    check("<body>other" not in world.server.text + world.foreign.text, "refused")
    check(hits(world.inner, "label-policy") == 2 and hits(world.outer, "label-policy") == 0, "inner alone has a list")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
