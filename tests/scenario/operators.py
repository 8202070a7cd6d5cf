# SPDX-License-Identifier: Apache-2.0
"""What operators see of a running gateway: `sallyport peers`, `sallyport status`, and messages that name the cure."""
import json
import os
import subprocess

from world import FOREIGN, LOCAL, check, fresh, run


def sallyport(world, role, *words):
    program = os.path.join(world.build, "src/cli/sallyport")
    done = subprocess.run([program, *words, "-s", role + ".sock"], cwd=world.folder, capture_output=True, text=True,
                          timeout=30)
    check(done.returncode == 0, done.stderr)
    return done.stdout


def peer(world, role, domain):
    peers = json.loads(sallyport(world, role, "peers", domain, "--json"))["peers"]
    return peers[0] if peers else {}


def case_peers_of_both_nodes(world):
    """A domain that works and one that does not, with the step that failed, why, and what to do."""
    world.stream().message("in")
    out = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    out.message("out", sender="a@example.se", to="b@example.com")
    world.stream(us=LOCAL, to="nowhere.example", role="inner").message("lost", sender="a@example.se",
                                                                         to="x@nowhere.example")
    world.server.wait_for("<body>in</body>")
    world.foreign.wait_for("<body>out</body>")
    world.server.wait_for("<message[^>]*id=\"lost\"[^>]*>.*?remote-server-not-found")
    good, bad = peer(world, "outer", FOREIGN), peer(world, "outer", "nowhere.example")
    check(good["state"] == "up" and good["stanzas_in"] == 1 and good["stanzas_out"] == 1, good)
    check(good["in"][0]["proof"] == "pkix" and good["out"]["tls"].startswith("TLS") and "seconds" in good, good)
    check(bad["state"] == "failing" and bad["failed"]["step"] == "not-in-dns", bad)
    check("dig SRV" in bad["failed"]["cure"] and bad["failed"]["in_a_row"] == 1, bad)
    text = sallyport(world, "outer", "peers")
    check("what to do" in text and "nowhere.example, not-in-dns: check the spelling" in text, text)
    check(peer(world, "inner", FOREIGN)["state"] == "up", "inner plays the foreign domain")
    world.outer.wait_event("pair-failed", reason="not-in-dns", cure="dig SRV")
    check("rules" in world.outer.status(), "counters of the rules")


@fresh()
def case_a_server_that_refuses(world):
    """Nothing listens: the log, the status and the command say so in one word and name the cure."""
    world.foreign.close()
    world.stream(us=LOCAL, to=FOREIGN, role="inner").message("lost", sender="a@example.se", to="b@example.com")
    world.server.wait_for("<message[^>]*id=\"lost\"[^>]*>.*?remote-server-timeout")
    failed = peer(world, "outer", FOREIGN)["failed"]
    check(failed["step"] == "connection-refused" and "their server is down" in failed["cure"], failed)
    world.outer.wait_event("pair-failed", reason="connection-refused", cure="their server is down")


def case_only_what_a_domain_has_to_do_with(world):
    """Of the lists of status and cluster only what belongs to the domains that are named, however they are written."""
    for domain in ("one.example", "two.example"):
        world.stream(us=LOCAL, to=domain, role="inner").message("to", sender="a@" + LOCAL, to="x@" + domain)
        world.server.wait_for("<message[^>]*from=\"x@%s\"[^>]*type=\"error\"" % domain)
    for role in ("outer", "inner"):
        whole = json.loads(sallyport(world, role, "status", "--json"))
        check(whole["pairs_total"] == len(whole["pairs"]) >= 2, whole["pairs"])
        part = json.loads(sallyport(world, role, "status", "ONE.example", "--json"))
        pairs = [{pair["us"], pair["them"]} for pair in part["pairs"]]
        check(pairs == [{"one.example", LOCAL}] and part["pairs_total"] == 1, pairs)
        channels = {channel["foreign"] for channel in part["channels"]}
        check(channels == {"one.example"} and part["channels_total"] == len(part["channels"]), channels)
        check(all("one.example" in (stream["us"], stream["them"]) for stream in part["streams"]), part["streams"])
        check(part["links"] == whole["links"] or part["links"][0]["peer"] == whole["links"][0]["peer"], "the links")
    places = json.loads(sallyport(world, "inner", "cluster", "two.example", "unknown.example", "--json"))
    check([pair["foreign"] for pair in places["pairs"]] == ["two.example"], places["pairs"])
    check(places["pairs_total"] == 1, places)
    for line in (b"status not..a..domain\n", b"cluster \xe2\x82\xac@x\n"):
        check(b"not a domain" in world.outer.control(line), "a word that is no domain")


@fresh()
def case_orders_answer_in_json(world):
    """Whoever scripts the command has an object for each answer; a refusal is a line on stderr, and the status."""
    program = os.path.join(world.build, "src/cli/sallyport")

    def order(*words):
        done = subprocess.run([program, *words, "-s", "inner.sock", "--json"], cwd=world.folder, capture_output=True,
                              text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    world.stream(us=LOCAL, to=FOREIGN, role="inner").message("first", sender="a@" + LOCAL, to="b@" + FOREIGN)
    world.foreign.wait_for("<body>first</body>")
    for words in (("reload",), ("move", LOCAL, FOREIGN, "outer-a"), ("move", LOCAL, FOREIGN, "any")):
        status, said, error = order(*words)
        check(status == 0 and isinstance(json.loads(said), dict), (words, status, said, error))
    for words, reason in ((("drain", "outer-a"), "no other node"), (("drain", "outer-z"), "no such node"),
                          (("undrain", "outer-a"), "not drained"),
                          (("move", FOREIGN, LOCAL, "outer-a"), "no pair"),
                          (("expel", "inner-b", "1"), "lease")):
        status, said, error = order(*words)
        check(status != 0 and not said and reason in error, (words, status, said, error))


@fresh(start=False)
def case_outer_cannot_be_reached(world):
    """The link does not come up: inner says which node, why, and what to do."""
    world.inner.start()
    world.inner.wait_event("link-unreachable", cure="start sallyport-outer there")
    unlinked = world.inner.status()["unlinked"]
    check(unlinked[0]["peer"] == "outer-a" and "refused" in unlinked[0]["reason"], unlinked)
    text = sallyport(world, "inner", "status")
    check("outer nodes that cannot be reached" in text and "start sallyport-outer there" in text, text)
    world.outer.start()
    world.inner.wait_event("link-up")
    check(world.inner.status()["unlinked"] == [], "reached")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
