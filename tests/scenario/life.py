# SPDX-License-Identifier: Apache-2.0
"""Start, reload, drain, death and return of the nodes, under traffic."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from world import FOREIGN, LOCAL, check, fresh, run


def received(listener):
    return [int(n) for n in re.findall("<body>n([0-9]+)</body>", listener.text)]


def case_status_shows_the_pair(world):
    stream = world.stream()
    stream.message("n1")
    world.server.wait_for("<body>n1</body>")
    text = json.dumps(world.outer.status())
    check(FOREIGN in text and "pkix" in text and "TLSv1.3" in text, text)
    text = json.dumps(world.inner.status())
    check(FOREIGN in text and LOCAL in text, text)
    for program in (["status"], ["status", "--json"]):
        done = subprocess.run([os.path.join(world.build, "src/cli/sallyport"), *program, "-s", "outer.sock"],
                              cwd=world.folder, capture_output=True, text=True, timeout=20)
        check(done.returncode == 0 and FOREIGN in done.stdout, done)


def case_trace_follows_a_pair(world):
    cli = subprocess.Popen([os.path.join(world.build, "src/cli/sallyport"), "trace", LOCAL, FOREIGN, "--json",
                            "-s", "inner.sock"], cwd=world.folder, stdout=subprocess.PIPE, text=True)
    stream = world.stream()
    world.wait(lambda: world.inner.status()["node"]["watchers"] == 1, "the trace has begun")
    stream.message("traced-in")
    line = json.loads(cli.stdout.readline())
    cli.kill()
    cli.wait()
    check(line["direction"] == "in" and "traced-in" in line["diag"] and "<" not in line["diag"], line)
    check("<body>traced-in</body>" in line["xml"], line)


def case_s2s_E13_reload_keeps_streams(world):
    stream = world.stream()
    stream.message("n2")
    world.server.wait_for("<body>n2</body>")
    world.outer.process.send_signal(signal.SIGHUP)
    world.outer.wait_event("reloaded")
    world.inner.process.send_signal(signal.SIGHUP)
    world.inner.wait_event("reloaded")
    stream.message("n3")
    world.server.wait_for("<body>n3</body>")


def case_threats_D17_broken_reload_changes_nothing(world):
    stream = world.stream()
    with open(world.path("outer.conf"), "a") as f:
        f.write("nonsense here\n")
    world.outer.process.send_signal(signal.SIGHUP)
    world.outer.wait_event("reload-failed")
    answer = world.outer.control(b"reload\n")
    check(b"outer.conf:" in answer and b"nonsense" in answer, answer)
    world.write_config()
    shutil.move(world.path("pki/lab/example.se.key"), world.path("away"))
    world.outer.process.send_signal(signal.SIGHUP)
    world.outer.wait_event("reload-failed", count=3)
    shutil.move(world.path("away"), world.path("pki/lab/example.se.key"))
    stream.message("n4")
    world.server.wait_for("<body>n4</body>")
    world.stream().message("n5")
    world.server.wait_for("<body>n5</body>")


def case_reload_that_cannot_listen_changes_nothing(world):
    with open(world.path("outer.conf"), "a") as f:
        f.write("listen s2s 192.0.2.1:5269\nlimit header time 1000\n")
    answer = world.outer.control(b"reload\n")
    check(b'"ok":false' in answer and b"192.0.2.1" in answer, answer)
    world.write_config()
    check(len(world.inner.events("link-up")) == 1, "the link stayed")
    world.stream().message("n6")
    world.server.wait_for("<body>n6</body>")


@fresh()
def case_reload_that_cannot_be_undone(world):
    """The new configuration cannot listen, the old one's secret is gone: what was taken over meanwhile holds."""
    stream = world.stream()
    stream.message("n1")
    world.server.wait_for("<body>n1</body>")
    secret, conf = world.path("inner.secret"), world.path("inner.conf")
    with open(secret, "w") as f:
        f.write("a secret of sixteen letters or more\n")
    with open(conf) as f:
        text = f.read()
    with open(conf, "w") as f:
        f.write(text + "dialback secret \"inner.secret\"\n")
    check(b'"ok":true' in world.inner.control(b"reload\n"), "a secret")
    os.remove(secret)
    with open(conf, "w") as f:
        f.write(text + "listen s2s 192.0.2.1:5269\n")
    answer = world.inner.control(b"reload\n")
    check(b'"ok":false' in answer and b"192.0.2.1" in answer, answer)
    world.inner.wait_event("reload-not-undone")
    stream.message("n2")
    world.server.wait_for("<body>n2</body>")
    check(LOCAL in json.dumps(world.inner.status()), "status")
    local = world.stream(us=LOCAL, to=FOREIGN, role="inner")
    local.message("n3", sender="a@" + LOCAL, to="b@" + FOREIGN)
    world.foreign.wait_for("<body>n3</body>")
    world.write_config()
    check(b'"ok":true' in world.inner.control(b"reload\n"), "a good one is taken over")
    world.stream().message("n4")
    world.server.wait_for("<body>n4</body>")


@fresh()
def case_reload_judges_streams_again(world):
    """A peer that the new configuration refuses loses its stream, with a reason in the log."""
    stream = world.stream()
    stream.message("n1")
    world.server.wait_for("<body>n1</body>")
    with open(world.path("outer.conf")) as f:
        text = f.read()
    with open(world.path("outer.conf"), "w") as f:
        f.write(text.replace("peer refused.example", "peer example.com refused.example"))
    check(b"true" in world.outer.control(b"reload\n"), "reload")
    answer = stream.read_to_end()
    check("<stream:error>" in answer, answer)


@fresh()
def case_check_only(world):
    program = os.path.join(world.build, "src/outer/sallyport-outer")
    good = subprocess.run([program, "-n", "-c", "outer.conf"], cwd=world.folder, capture_output=True, text=True)
    check(good.returncode == 0 and not good.stderr, good)
    with open(world.path("bad.conf"), "w") as f:
        f.write("node outer-a\nlisten s2s nowhere\nprofil standard\n")
    bad = subprocess.run([program, "-n", "-c", "bad.conf"], cwd=world.folder, capture_output=True, text=True)
    check(bad.returncode == 1 and "bad.conf:2:" in bad.stderr and "bad.conf:3:" in bad.stderr and "^" in bad.stderr,
          bad)


def flow(world, restart):
    """Numbers from the foreign server in small steps while a node is restarted; each arrives once, in order."""
    stream = world.stream()
    for i in range(400):
        stream.message("n%d" % i)
        if i == 150:
            restart()
        time.sleep(0.002)
    world.server.wait_for("<body>n399</body>")
    numbers = received(world.server)
    check(numbers == list(range(400)), "lost %s, doubled or out of order: %s" % (
        sorted(set(range(400)) - set(numbers))[:10], [n for n in numbers if numbers.count(n) > 1][:10]))


@fresh()
def case_s2s_C17_threats_L17_inner_restarts_under_traffic(world):
    """Outer holds what inner has not acknowledged, and sends it to the new process."""
    def restart():
        world.inner.stop(signal.SIGTERM)
        world.inner.start()
    flow(world, restart)


@fresh()
def case_threats_L17_inner_is_killed_under_traffic(world):
    """Only what was unacknowledged at the moment of death may come twice; nothing is lost."""
    stream = world.stream()
    for i in range(400):
        stream.message("n%d" % i)
        if i == 150:
            world.inner.stop(signal.SIGKILL)
            world.inner.start()
        time.sleep(0.002)
    world.server.wait_for("<body>n399</body>")
    numbers = received(world.server)
    check(sorted(set(numbers)) == list(range(400)), "lost %s" % sorted(set(range(400)) - set(numbers))[:10])
    check(len(numbers) <= 400 + 64, "at most the unacknowledged tail is doubled: %d" % len(numbers))


@fresh()
def case_s2s_C10_C17_link_cut_bounces_after_the_age_limit(world):
    """Link down, queue age over: each stanza is bounced once, none is delivered later."""
    with open(world.path("outer.conf"), "a") as f:
        f.write("limit queue time 2000\n")
    world.outer.stop()
    world.outer.start()
    world.outer.wait_event("link-up", count=2)
    world.inner.stop(signal.SIGKILL)
    stream = world.stream()
    for i in range(5):
        stream.message("n%d" % i)
    world.foreign.wait_for("remote-server-timeout", count=5)
    world.inner.start()
    world.inner.wait_event("link-up", count=2)
    stream.message("n77")
    world.server.wait_for("<body>n77</body>")
    check(received(world.server) == [77], received(world.server))
    check(world.foreign.text.count("<remote-server-timeout") == 5, "bounced once each")


@fresh()
def case_threats_L18_a_slow_server_stops_the_sender(world):
    """Back-pressure: the foreign sender is stopped, memory stays bounded, then everything arrives."""
    stream = world.stream()
    stream.message("n0")
    world.server.wait_for("<body>n0</body>")
    world.server.reading.clear()
    sent, body = 0, "y" * 50000
    stream.socket.settimeout(3)
    text = "<message from='b@example.com' to='a@example.se'><body>n%d</body><subject>" + body + "</subject></message>"
    try:
        while sent < 4000:
            sent += 1
            stream.send(text % sent)
    except OSError:
        pass
    check(sent < 4000, "the sender was stopped after %d stanzas" % sent)
    for node in (world.outer, world.inner):
        check(node.status()["node"]["rss"] < 200e6, "memory of %s: %d" % (node.role, node.status()["node"]["rss"]))
    world.server.reading.set()
    world.wait(lambda: received(world.server)[-1] >= sent - 1, lambda: "%d sent whole, got up to %s; %s; %s" % (
        sent - 1, received(world.server)[-1], world.outer.status()["channels"], world.inner.status()["pairs"]))
    numbers = received(world.server)
    check(numbers == list(range(len(numbers))), "in order, none lost")


if __name__ == "__main__":
    run([f for name, f in list(globals().items()) if name.startswith("case_")])
