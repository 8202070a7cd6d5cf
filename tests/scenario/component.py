# SPDX-License-Identifier: Apache-2.0
"""The component protocol (XEP-0114) as a way to the local server, which here is a script that keeps it or does not."""
import hashlib
import os
import re
import signal
import socket
import subprocess
import threading
import time

from peer import HEADER, Closed, Listener, Stream
from world import FOREIGN, LOCAL, ROOMS, World, check, fresh, name_row, run

SECRET = "a secret of sixteen letters or more"
REPLY = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' %s>"
ERROR = "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
COMPONENT = "component {server}:5347 {{ domain %s secret \"component.secret\" }}" % FOREIGN
BY_TLS = COMPONENT.replace("5347", "5347 tls")
QUICK = "limit retry least 100ms\nlimit retry most 1s"


class Accepted(Stream):
    """The server's side of one connection."""

    def serve(self, listener):
        if listener.tls:
            self.serve_tls(listener.tls)
        if listener.script:
            listener.script(self)
            raise Closed(b"", "the script is over")
        self.greet()
        shown = self.expect("<handshake>([^<]*)</handshake>").group(1).decode()
        if shown != hashlib.sha1((self.id + SECRET).encode()).hexdigest():
            self.send(ERROR % "not-authorized")
            raise Closed(b"", "wrong secret")
        self.send("<handshake/>")
        listener.current = self

    def greet(self):
        self.header = self.expect("<stream:stream[^>]*>").group(0).decode()
        self.id = os.urandom(10).hex()
        self.send(REPLY % "from='%s' id='%s'" % (FOREIGN, self.id))

    def ready(self):
        self.greet()
        self.expect("<handshake>[^<]*</handshake>")
        self.send("<handshake/>")


class Server(Listener):
    """Of components."""

    port = 5347
    accepted = Accepted
    script = None  # what is done with a connection instead
    current = None  # the stream of a component that is ready
    tls = None  # whose certificate it shows: the connection begins with TLS


class ComponentWorld(World):
    def __init__(self, tls=None, **options):
        self.tls = tls
        options.setdefault("server_extra", COMPONENT)
        options.setdefault("inner_extra", QUICK)
        super().__init__(prepare=self.prepare, **options)

    def prepare(self, _):
        self.write_secret(SECRET)
        self.components = Server(self, self.address["server"], FOREIGN)
        self.components.tls = self.tls

    def write_secret(self, secret):
        with open(self.path("component.secret"), "w", encoding="utf-8") as f:
            f.write(secret + "\n")
        os.chmod(self.path("component.secret"), 0o600)

    def component(self):
        """The stream of the component when it is ready."""
        self.wait(lambda: self.components.current, "the component is there")
        return self.components.current

    def both_ways(self, mark):
        """One stanza each way."""
        stream = self.component()
        if not hasattr(self, "good"):
            self.good = self.stream()
        arrived = "<body>in-%s</body>" % mark

        def is_there():
            # Outer remembers for a moment that a domain could not be reached.
            self.good.message("in-" + mark)
            time.sleep(0.2)
            return arrived in self.components.text
        self.wait(is_there, "%s arrives" % arrived)
        stream.message("out-" + mark, sender="a@" + LOCAL, to="b@" + FOREIGN)
        self.foreign.wait_for("<body>out-%s</body>" % mark)

    def sallyport(self, *words):
        return subprocess.run([os.path.join(self.build, "src/cli/sallyport"), *words], cwd=self.folder, check=True,
                              stdout=subprocess.PIPE, timeout=60).stdout.decode()


@fresh()
def case_s2s_H15_both_ways(world):
    """The component is there before anybody speaks; one stream carries all domains of the server, both ways."""
    stream = world.component()
    check(stream.header == REPLY.replace("'", '"') % ('to="%s"' % FOREIGN), stream.header)
    stream.message("hello", sender="a@" + LOCAL, to="b@" + FOREIGN)
    world.foreign.wait_for("<message[^>]*from=\"a@%s\"[^>]*><body>hello</body>" % LOCAL)
    world.stream().message("and back")
    world.components.wait_for("<message[^>]*from=\"b@%s\"[^>]*><body>and back</body>" % FOREIGN)
    stream.send("<presence from='room@%s/n' to='b@%s/r'/>" % (ROOMS, FOREIGN))
    world.foreign.wait_for("<presence[^>]*from=\"room@%s/n\"" % ROOMS)
    check(not world.server.streams, "inner opened an s2s stream")
    text = world.sallyport("status", "--socket", "inner.sock")
    check(re.search("component +%s +%s +ready" % (FOREIGN, LOCAL), text), text)
    text = world.sallyport("peers", "--socket", "inner.sock")
    check(re.search("%s +up .*secret" % FOREIGN, text), text)
    world.inner.wait_event("pair-valid", proof="secret", us=FOREIGN, them=LOCAL)


@fresh(tls=LOCAL, server_extra=BY_TLS)
def case_s2s_H15_by_tls(world):
    """The connection begins with TLS, and the certificate is of the server's first domain."""
    world.both_ways("by-tls")


@fresh(tls=FOREIGN, server_extra=BY_TLS)
def case_s2s_H15_threats_E23_certificate_of_another(world):
    """Who cannot show the server's certificate is told no hash of the secret."""
    world.inner.wait_event("pair-failed", reason="bad-certificate", us=FOREIGN, them=LOCAL)
    check(not world.components.current, "it has the handshake")


@fresh()
def case_s2s_H15_stanzas_of_jabberd2(world):
    """They are in jabber:client; what comes out is like all others."""
    world.component().send("<message xmlns='jabber:client' from='a@%s' to='b@%s'><body>hello</body></message>" %
                           (LOCAL, FOREIGN))
    world.foreign.wait_for("<message [^>]*from=\"a@%s\"[^>]*><body>hello</body></message>" % LOCAL)
    check("jabber:client" not in world.foreign.text, world.foreign.text)


@fresh()
def case_s2s_H15_the_server_restarts(world):
    """The component is there again by itself, and what is said meanwhile comes back to its sender."""
    world.both_ways("before")
    stream = world.stream()
    world.components.current = None
    world.components.close()
    world.inner.wait_event("pair-failed", us=FOREIGN)
    stream.message("meanwhile")
    world.foreign.wait_for("<message[^>]*type=\"error\"[^>]*>.*?remote-server-timeout.*?</message>")
    world.components.open()
    threading.Thread(target=world.components.run, daemon=True).start()
    world.both_ways("after")


@fresh()
def case_s2s_H15_threats_E23_wrong_secret(world):
    """The log and `peers` name the cure; with the right one in the file and a reload it works."""
    world.components.current = None
    world.write_secret("another secret of that length")
    check("reloaded" in world.sallyport("reload", "--socket", "inner.sock"), "reload")
    for stream in list(world.components.streams):
        stream.hang_up()
    world.inner.wait_event("pair-failed", count=3, reason="handshake-refused", cure="secret")
    text = world.sallyport("peers", "--socket", "inner.sock")
    check(re.search("%s, handshake-refused: .*`secret`" % FOREIGN, text), text)
    world.write_secret(SECRET)
    world.sallyport("reload", "--socket", "inner.sock")
    world.both_ways("cured")


@fresh()
def case_s2s_H15_reload(world):
    """A component that is taken out ends, one that is put in begins."""
    world.both_ways("there")
    stream, world.components.current = world.component(), None
    world.write_config(server_extra="")
    world.inner.process.send_signal(signal.SIGHUP)
    check("policy-violation" in stream_end(world, stream), "how it ended")
    world.write_config()
    world.inner.process.send_signal(signal.SIGHUP)
    world.both_ways("again")


def stream_end(world, stream):
    world.wait(lambda: "</stream:stream>" in world.components.text, "the end of the stream")
    stream.close()
    return world.components.text


@fresh()
def case_s2s_H15_only_by_the_component(world):
    """An s2s stream of the local server for the same domain is refused, and says why."""
    stream = Stream.connect(world, world.address["inner"], LOCAL)
    stream.header(FOREIGN)
    check("policy-violation" in stream.read_to_end(), "not refused")
    world.inner.wait_event("stream-closed", reason="by-component", cure="component")
    world.both_ways("still")


@fresh()
def case_s2s_H15_end_of_inner(world):
    """It says good bye, and what the server wrote until then still arrives."""
    world.both_ways("there")
    stream = world.component()
    world.inner.process.send_signal(signal.SIGTERM)
    world.wait(lambda: "</stream:stream>" in world.components.text, "the end of the stream")
    stream.message("last words", sender="a@" + LOCAL, to="b@" + FOREIGN)
    stream.send("</stream:stream>")
    world.foreign.wait_for("<body>last words</body>")
    world.inner.stop()


MESSAGE = "<message from='%s' to='%s'><body>stray</body></message>"
HOSTILE = [
    # name, what is sent for the header, then behind our handshake; the reason in the log
    ("threats E23 no id", REPLY % "", "", "bad-stream-id"),
    ("threats E23 empty id", REPLY % "id=''", "", "bad-stream-id"),
    ("threats E23 an id of 5 KB", REPLY % ("id='%s'" % ("x" * 5000)), "", "bad-stream-id"),
    ("threats E23 an id of 50 KB", REPLY % ("id='%s'" % ("x" * 50000)), "", "bad-xml"),
    ("threats E23 an answer as another domain", REPLY % "from='evil.example' id='x'", "", "invalid-from"),
    ("threats E23 a port for servers", HEADER % "id='x'", "", "bad-content-namespace"),
    ("threats E23 no XML", "SSH-2.0-OpenSSH_9.2\r\n", "", "bad-xml"),
    ("threats E23 a stanza before our handshake", REPLY % "id='x'" + MESSAGE % ("a@" + LOCAL, "b@" + FOREIGN), "",
     "not-authenticated"),
    ("threats E23 a stanza instead of theirs", REPLY % "id='x'", MESSAGE % ("a@" + LOCAL, "b@" + FOREIGN),
     "not-authenticated"),
    ("threats E23 features", REPLY % "id='x'", "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
     "</stream:features>", "unexpected-element"),
    ("threats E23 an answer without end", REPLY % "id='x'", "<handshake>" + "x" * 50000, "bad-xml"),
    ("threats E23 the name is unknown", REPLY % "id='x'" + ERROR % "host-unknown", "", "component-unknown"),
    ("threats E23 another one has the name", REPLY % "id='x'", ERROR % "conflict", "component-conflict"),
    ("threats E23 the handshake twice", REPLY % "id='x'", "<handshake/><handshake/>", "unexpected-element"),
    ("threats E23 for a domain that is no component's", REPLY % "id='x'",
     "<handshake/>" + MESSAGE % ("a@" + LOCAL, "b@other.example"), "unknown-host"),
    ("threats E23 a dialback key", REPLY % "id='x'", "<handshake/><result xmlns='jabber:server:dialback' from='%s' "
     "to='%s'>00</result>" % (LOCAL, FOREIGN), "unexpected-element"),
    ("threats E23 the answer is an end tag", REPLY % "id='x'", "</stream:stream>", "peer-closed"),
]


@fresh()
def case_s2s_H15_threats_E23_hostile_servers(world):
    """Each ends with its reason, and nothing of it reaches anybody; then the server is good again."""
    world.both_ways("before")
    for name, header, answer, reason in HOSTILE:
        name_row(name)
        count = len([e for e in world.inner.events("stream-closed") if e.get("reason") == reason])
        done = threading.Event()

        def script(stream, header=header, answer=answer, done=done):
            stream.expect("<stream:stream[^>]*>")
            if not done.is_set():
                stream.send(header)
                if answer:
                    stream.expect("<handshake>")
                    stream.send(answer)
                done.set()
                stream.read_to_end()

        world.components.script = script
        if world.components.current:
            world.components.current.socket.shutdown(socket.SHUT_RDWR)
            world.components.current = None
        world.inner.wait_event("stream-closed", count=count + 1, reason=reason)
    world.components.script = None
    world.both_ways("after")
    check("stray" not in world.foreign.text, world.foreign.text)


@fresh()
def case_threats_E22_E23_senders_of_other_domains(world):
    """They are dropped with one line in the log that names the cure, and the component serves the others on."""
    stream = world.component()
    for sender in ("u@evil.example", "u@" + FOREIGN, "u@other.example", "u@sub." + LOCAL):
        for _ in range(50):
            stream.send(MESSAGE % (sender, "b@" + FOREIGN))
    world.both_ways("after")
    check("stray" not in world.foreign.text, world.foreign.text)
    check(len(world.inner.events("stanza-refused")) == 1, world.inner.events("stanza-refused"))
    check("section" in world.inner.events("stanza-refused")[0]["cure"], "no cure")
    check(world.inner.status()["counters"]["strangers"] == 200, world.inner.status()["counters"])


@fresh(inner_extra="limit header time 300ms\nlimit authentication time 300ms\nlimit stanza time 1s\n" + QUICK)
def case_threats_E23_H1_servers_that_do_not_go_on(world):
    """Silence and drops of bytes end by a deadline in each state."""
    world.both_ways("before")

    def drip(stream):
        stream.ready()
        stream.send("<message from='a@%s' to='b@%s'><body>" % (LOCAL, FOREIGN))
        try:
            while True:
                stream.send("x")
                time.sleep(0.05)
        except OSError:
            pass

    scripts = [
        ("threats E23, H1 no header", lambda s: s.read_to_end(), "header-timeout"),
        ("threats E23, H1 half a header", lambda s: (s.send("<stream:str"), s.read_to_end()), "header-timeout"),
        ("threats E23, H1 no answer to the handshake", lambda s: (s.greet(), s.read_to_end()), "auth-timeout"),
        ("threats E23, H1 a stanza that does not end", drip, "stanza-timeout"),
    ]
    for name, script, reason in scripts:
        name_row(name)
        world.components.script = script
        if world.components.current:
            world.components.current.socket.shutdown(socket.SHUT_RDWR)
            world.components.current = None
        world.inner.wait_event("stream-closed", reason=reason)
    world.components.script = None
    world.both_ways("after")


@fresh(inner_extra="")
def case_s2s_H15_threats_E23_refused_again_and_again(world):
    """There are fewer tries the longer it lasts: from one second on."""
    world.component()
    world.components.script = lambda s: (s.greet(), s.send(ERROR % "not-authorized"))
    world.components.current.socket.shutdown(socket.SHUT_RDWR)
    world.inner.wait_event("pair-failed", count=3, us=FOREIGN)
    first = [pair for pair in world.inner.status()["pairs"] if pair["us"] == FOREIGN and pair["them"] == LOCAL][0]
    check(first["failed"]["in_a_row"] >= 3 and first["failed"]["cure"], first)
    check(500 <= first["failed"]["retry_in_ms"] <= 8000, first["failed"])


if __name__ == "__main__":
    run([case for name, case in list(globals().items()) if name.startswith("case_")], kind=ComponentWorld)
