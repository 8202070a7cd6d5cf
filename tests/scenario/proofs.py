# SPDX-License-Identifier: Apache-2.0
"""What proves a foreign domain: DANE in a signed zone, POSH, pins, revocation, and the end of a proof."""
import base64
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading

from dnssec import ZONE, NameServer, cert_der, key_digest, sh
from peer import Closed, Listener, Stream
from world import Skip, LOCAL, Dns, Failure, check, name_row, run

PLAIN = "plain.example"
CA = """[ca]
default_ca = lab
[lab]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {pki}/lab/ca.crt
private_key = {pki}/lab/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
x509_extensions = leaf
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
"""
QUIET = ["q%d.%s" % (n, ZONE) for n in range(30)]
PEERS = """
peer right.signed.example wrong.signed.example bogus.signed.example crowd.signed.example {{ require dane }}
peer late.signed.example {quiet} {{ require dane }}
peer either.signed.example unusable.signed.example none.signed.example {{ accept pkix dane }}
peer contradicted.signed.example broken.signed.example {{ accept pkix dane dialback }}
peer insecure.plain.example {{ accept pkix dane }}
peer posh.plain.example lost.plain.example led.plain.example moved.plain.example {{ accept pkix posh }}
peer pinned.plain.example {{ pin sha256/{pin} }}
peer both.plain.example {{ require pkix pin pin sha256/{both} }}
"""


def self_signed(world, name):
    crt, key = world.keys(name)
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
       "-subj", "/CN=%s" % name.split(".")[0], "-addext", "subjectAltName=DNS:" + name,
       "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", crt)


def issued(world, name, *options):
    """By the CA that outer trusts; options for `openssl ca`."""
    crt, key = world.keys(name)
    sh("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-subj", "/CN=%s" % name.split(".")[0], "-addext", "subjectAltName=DNS:" + name,
       "-keyout", key, "-out", crt + ".csr")
    sh("openssl", "ca", "-batch", "-notext", "-config", world.path("ca/ca.conf"), "-in", crt + ".csr", "-out", crt,
       *options)


def crl(world, *revoked):
    for name in revoked:
        sh("openssl", "ca", "-config", world.path("ca/ca.conf"), "-revoke", world.keys(name)[0])
    sh("openssl", "ca", "-gencrl", "-config", world.path("ca/ca.conf"), "-out", world.path("ca.crl"))


def spki(world, name, usage="3 1 1"):
    return "%s %s" % (usage, key_digest(world.keys(name)[0]))


def server_records(name, address, tlsa=None):
    """A domain of the signed zone, its server, and what the zone says of the server's key."""
    label = name.split(".")[0]
    lines = ["_xmpp-server._tcp.%s SRV 1 0 5269 host-%s" % (label, label), "host-%s A %s" % (label, address)]
    return lines + (["_5269._tcp.host-%s TLSA %s" % (label, tlsa)] if tlsa else [])


def prepare(world):
    os.makedirs(world.path("ca"))
    open(world.path("ca/index"), "w").close()
    with open(world.path("ca/serial"), "w") as f:
        f.write("1000\n")
    with open(world.path("ca/ca.conf"), "w") as f:
        f.write(CA.format(folder=world.path("ca"), pki=world.path("pki")))
    for name in ("right." + ZONE, "wrong." + ZONE, "bogus." + ZONE, "either." + ZONE, "crowd." + ZONE, "posh." + PLAIN,
                 "lost." + PLAIN, "led." + PLAIN, "moved." + PLAIN, "pinned." + PLAIN, "stranger." + PLAIN,
                 "late." + ZONE):
        self_signed(world, name)
    for name in ("contradicted." + ZONE, "broken." + ZONE, "unusable." + ZONE, "none." + ZONE,
                 "insecure." + PLAIN, "both." + PLAIN, "revoked." + PLAIN, "web." + PLAIN):
        issued(world, name)
    crl(world)
    at = {n: world.base + str(n) for n in range(6, 20)}
    world.right_at, world.contradicted_at, world.web_at, world.silent_at = at[6], at[7], at[8], at[9]
    lie = key_digest(world.keys("stranger." + PLAIN)[0])
    right = key_digest(world.keys("bogus." + ZONE)[0])
    broken = key_digest(world.keys("broken." + ZONE)[0])
    records = (server_records("right." + ZONE, at[6], spki(world, "right." + ZONE)) +
               server_records("wrong." + ZONE, at[6], "3 1 1 " + lie) +
               server_records("bogus." + ZONE, at[6], "3 1 1 " + right) +
               server_records("either." + ZONE, at[6], spki(world, "either." + ZONE)) +
               server_records("contradicted." + ZONE, at[7], "3 1 1 " + lie) +
               server_records("broken." + ZONE, at[7], "3 1 1 " + broken) +
               server_records("unusable." + ZONE, at[6], "3 1 9 " + lie) +
               server_records("none." + ZONE, at[6]) +
               server_records("late." + ZONE, at[6], spki(world, "late." + ZONE)) +
               server_records("crowd." + ZONE, at[6], spki(world, "crowd." + ZONE)) +
               ["_5269._tcp.host-crowd TLSA 3 1 1 %064x" % n for n in range(1, 100)])
    plain = ["_xmpp-server._tcp.insecure SRV 1 0 5269 host", "_5269._tcp.host TLSA 3 1 1 " + lie, "host A " + at[6]]
    plain += ["%s A %s" % (name, at[8]) for name in ("posh", "lost", "led", "moved", "web")]
    plain.append("silent A " + at[9])
    zones = {PLAIN: plain, "example.com": ["@ A " + world.address["foreign"]]}
    world.dns.ended = True
    world.dns.join()
    world.names = NameServer(world.path("names"), world.address["dns"], records, zones, right + "|" + broken)
    world.names.start()
    world.closing.append(world.names)
    world.extra["outer_extra"] = 'anchor "%s"\ncrl "ca.crl"\nlimit proof time 15s\n' % world.names.anchor
    world.extra["outer_peers"] = PEERS.format(
        quiet=" ".join(QUIET),
        pin=key_digest(world.keys("pinned." + PLAIN)[0]), both=key_digest(world.keys("both." + PLAIN)[0]))
    world.write_config()


def ask_for_features(world, us, source=None, certificate=None):
    """A stream from this domain, after TLS and the second header."""
    stream = Stream.connect(world, world.address["outer"], us, source=source)
    stream.header(LOCAL)
    stream.expect("</stream:features>")
    stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    stream.expect("<proceed[^>]*/>")
    stream.start_tls(domain=certificate)
    stream.header(LOCAL)
    return stream


def features(world, us):
    """What outer offers a stream from this domain after TLS, or the error that ends it."""
    stream = ask_for_features(world, us)
    try:
        return stream, stream.expect("<stream:features>.*</stream:features>|<stream:features/>").group(0).decode()
    except Closed as closed:
        return stream, closed.args[0].decode()


# (name of the row, domain, proof of the pair or None, what the log or the peer is told)
INCOMING = [
    ("s2s E16 TLSA of a self-signed certificate", "right." + ZONE, "dane", None),
    ("s2s E16 DANE beside PKIX", "either." + ZONE, "dane", "pkix: no"),
    ("s2s E16 TLSA of another key", "wrong." + ZONE, None, "agrees with no TLSA record"),
    ("threats I7 bogus is failure", "bogus." + ZONE, None, "DNS of the TLSA records failed"),
    ("threats I8 no usable record: PKIX", "unusable." + ZONE, "pkix", "dane: silent, no usable TLSA record"),
    ("threats I8 a crowd of records is none at all", "crowd." + ZONE, None, "DNS of the TLSA records failed"),
    ("no record: PKIX", "none." + ZONE, "pkix", "dane: silent, no TLSA record"),
    ("s2s E16 a zone that is not signed: PKIX", "insecure." + PLAIN, "pkix", "dane: silent, DNS of the domain"),
    ("a pinned key", "pinned." + PLAIN, "pin", None),
    ("s2s E18 PKIX and a pin, both required", "both." + PLAIN, "pin", "pkix: yes"),
]


def case_incoming(world):
    """Each proof lets its domain in, is named in the log and in the status, and a contradiction keeps it out."""
    for row, domain, proof, said in INCOMING:
        name_row(row)
        stream, offered = features(world, domain)
        if proof is None:
            check("EXTERNAL" not in offered, "%s: %r" % (row, offered))
            world.outer.wait_event("stream-closed", them=domain, reason="bad-certificate", text=said)
            continue
        check("EXTERNAL" in offered, "%s: %r" % (row, offered))
        stream.external(LOCAL)
        stream.message("from-" + domain)
        world.server.wait_for("<body>from-%s</body>" % domain)
        world.outer.wait_event("pair-valid", them=domain, proof=proof, proofs=said or proof + ": yes")
        pair = [p for p in world.outer.status()["pairs"] if p["them"] == domain][0]
        check(pair["in"][0]["proof"] == proof and
              [s["said"] for s in pair["in"][0]["proofs"] if s["proof"] == proof] == ["yes"], repr(pair))
        stream.close()


def case_audit(world):
    """s2s E19 version, cipher, proof and hash of the certificate are in the log of a stream."""
    stream = world.stream(us="right." + ZONE)
    digest = hashlib.sha256(cert_der(world.keys("right." + ZONE)[0])).hexdigest()
    world.outer.wait_event("pair-valid", them="right." + ZONE, proof="dane", tls="TLSv1.3", cipher="TLS_",
                           certificate=digest)
    stream.close()


def case_contradiction_beats_pkix(world):
    """s2s E16 TLSA decides against a valid certificate: no EXTERNAL; dialback asks the same servers again."""
    for row, domain in (("s2s E16 TLSA of another key, PKIX valid", "contradicted." + ZONE),
                        ("threats I7 bogus TLSA, PKIX valid", "broken." + ZONE)):
        name_row(row)
        stream, offered = features(world, domain)
        check("EXTERNAL" not in offered and "dialback" in offered, "%s: %r" % (row, offered))
        # Its own server cannot confirm it either: it shows the same certificate.
        world.contradicting.domain = domain
        stream.send("<db:result from='%s' to='%s'>0123456789abcdef</db:result>" % (domain, LOCAL))
        stream.expect("type=[\"']error[\"']")
        world.outer.wait_event("pair-failed", them=domain, reason="bad-certificate", proofs="dane: denies")
        stream.close()


def local_message(world, to, text):
    stream = world.stream(us=LOCAL, to=to, role="inner")
    stream.message(text, sender="a@" + LOCAL, to="b@" + to)
    return stream


def case_outgoing(world):
    """s2s E16 outer proves the server that it dials, and sends nothing to one that is not proved."""
    name_row("s2s E16 dialled by DANE")
    world.right.domain = "right." + ZONE
    local_message(world, "right." + ZONE, "to-right")
    world.right.wait_for("<body>to-right</body>")
    world.outer.wait_event("pair-valid", direction="outgoing", them="right." + ZONE, proof="dane")
    name_row("s2s E16 dialled, and contradicted")
    world.right.domain = "wrong." + ZONE
    local_message(world, "wrong." + ZONE, "to-wrong")
    error = "type=[\"']error[\"']"
    world.server.wait_for("<message[^>]*%s[^>]*id=[\"']to-wrong|id=[\"']to-wrong[\"'][^>]*%s" % (error, error))
    check("to-wrong</body>" not in world.right.text, "it was sent all the same")
    world.outer.wait_event("pair-failed", them="wrong." + ZONE, proofs="dane: denies")


def test_peer(world, *words):
    """The command against outer: its exit code, and its steps."""
    done = subprocess.run([os.path.join(world.build, "src/cli/sallyport"), "test-peer", "-s", world.path("outer.sock"),
                           "--json", *words], capture_output=True, text=True, timeout=90)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def step(steps, name):
    return [s for s in steps if s["step"] == name][-1]


def case_test_peer(world):
    """`sallyport test-peer` explains each step, sends no stanza, and leaves the pair as it was."""
    name_row("test-peer: DANE")
    world.right.domain = "right." + ZONE
    world.right.forget()
    before = world.outer.status()["pairs"]
    code, steps, trouble = test_peer(world, "right." + ZONE, "--from", LOCAL)
    check(code == 0 and not trouble, "%r %r" % (steps, trouble))
    check([s["step"] for s in steps] == ["policy", "dns", "connect", "features", "starttls", "certificate", "features",
                                         "sasl", "result"], repr(steps))
    check(step(steps, "policy")["require"] == ["dane"], repr(steps))
    check(step(steps, "dns")["targets"][0]["host"] == "host-right." + ZONE, repr(steps))
    seen = step(steps, "certificate")
    check(seen["tls"] == "TLSv1.3" and seen["proofs"][0] == {"proof": "dane", "said": "yes"} and
          seen["dane"][0]["records"] == 1 and
          seen["sha256"] == hashlib.sha256(cert_der(world.keys("right." + ZONE)[0])).hexdigest(), repr(seen))
    check(step(steps, "result")["proof"] == "dane", repr(steps))
    check(not world.right.stanzas() and len(world.outer.status()["pairs"]) == len(before), "it left something")

    name_row("test-peer: contradicted")
    world.right.domain = "wrong." + ZONE
    code, steps, _ = test_peer(world, "wrong." + ZONE)
    check(code == 1 and step(steps, "certificate")["proofs"][0]["said"] == "denies", repr(steps))
    check(step(steps, "result")["reason"] == "bad-certificate" and "cure" in step(steps, "result"), repr(steps))

    name_row("test-peer: not in DNS, refused, not a domain, not ours")
    code, steps, _ = test_peer(world, "nowhere." + PLAIN)
    check(code == 1 and "dig" in step(steps, "result")["cure"], repr(steps))
    code, steps, _ = test_peer(world, "refused.example")
    check(code == 1 and not step(steps, "policy")["ok"], repr(steps))
    code, _, trouble = test_peer(world, "a b")
    check(code == 1 and "not a domain" in trouble, trouble)
    code, _, trouble = test_peer(world, "right." + ZONE, "--from", "elsewhere.example")
    check(code == 1 and "does not play" in trouble, trouble)

    name_row("test-peer: one at a time, while the node serves")
    silent = socket.socket()
    silent.bind((world.silent_at, 5269))
    silent.listen()
    here = os.getcwd()
    os.chdir(world.folder)
    first = socket.socket(socket.AF_UNIX)
    first.connect("outer.sock")
    os.chdir(here)
    first.sendall(b"test * silent.plain.example\n")
    held, _ = silent.accept()
    code, _, trouble = test_peer(world, "right." + ZONE)
    check(code == 1 and "another test is running" in trouble, trouble)
    stream = world.stream(us="pinned." + PLAIN)
    stream.message("while-testing")
    world.server.wait_for("while-testing")
    first.close()
    held.close()
    silent.close()
    world.right.domain = "right." + ZONE
    world.wait(lambda: test_peer(world, "right." + ZONE)[0] == 0, "the next test may begin")
    check("inner opens no streams" in world.inner.control(b"test * x.example\n").decode(), "inner does not do it")


def case_test_peer_one_way(world):
    """`sallyport test-peer` asks for nothing that would let stanzas come back; streams that carry some do."""
    world.right.offers = "<bidi xmlns='urn:xmpp:features:bidi'/>"
    world.right.features = "<sm xmlns='urn:xmpp:sm:3'/>"
    world.right.domain = "right." + ZONE
    world.right.forget()
    code, steps, _ = test_peer(world, "right." + ZONE)
    check(code == 0, repr(steps))
    check("bidi" not in world.right.before_auth and "<enable" not in world.right.text, "the test asked for more")
    world.right.domain = "either." + ZONE
    local_message(world, "either." + ZONE, "both-ways")
    world.right.wait_for("<body>both-ways</body>")
    check("bidi" in world.right.before_auth and "<enable" in world.right.text, repr(world.right.text))


def case_threats_I5_dead_zone(world):
    """threats I5 names that DNS does not answer: whoever brings them is refused, a new peer waits and gets in."""
    greedy, other = world.base + "30", world.base + "31"
    streams = []
    world.names.pause(True)
    try:
        for name in QUIET:
            streams.append(ask_for_features(world, name, greedy, "stranger." + PLAIN))
        world.outer.wait_event("stream-closed", reason="bad-certificate", text="look-ups because of this address")
        late = ask_for_features(world, "late." + ZONE, other)
        world.outer.status()
    finally:
        world.names.pause(False)
    check(b"EXTERNAL" in late.expect("<stream:features>.*</stream:features>").group(0), "it is not offered EXTERNAL")
    late.external(LOCAL)
    world.outer.wait_event("pair-valid", them="late." + ZONE, proof="dane")
    for stream in streams:
        stream.close()


class Web(threading.Thread):
    """HTTPS for the documents of POSH."""

    def __init__(self, world, pages):
        super().__init__(daemon=True)
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"]
                outer.asked.append(host + self.path)
                status, headers, body = pages[host]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer((world.web_at, 443), Handler)
        self.server.handle_error = lambda *words: None  # outer may go early
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*world.keys("web." + PLAIN))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.start()

    def run(self):
        self.server.serve_forever()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def posh(world, name):
    digest = base64.b64encode(hashlib.sha256(cert_der(world.keys(name)[0])).digest()).decode()
    return b'{"fingerprints":[{"sha-256":"%s"}],"expires":3600}' % digest.encode()


def case_posh(world):
    """s2s E17 a document over HTTPS proves a self-signed certificate; it is fetched once, and only so far."""
    names = ["posh." + PLAIN, "lost." + PLAIN, "led." + PLAIN, "moved." + PLAIN]
    crt, key = world.keys("web." + PLAIN)
    sh("openssl", "req", "-new", "-key", key, "-subj", "/CN=web",
       "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names + ["web." + PLAIN]), "-out", crt + ".csr")
    sh("openssl", "ca", "-batch", "-notext", "-config", world.path("ca/ca.conf"), "-in", crt + ".csr", "-out", crt)
    try:
        web = Web(world, {
            "posh." + PLAIN: (200, {}, posh(world, "posh." + PLAIN)),
            "lost." + PLAIN: (200, {}, b" " * 100000 + posh(world, "lost." + PLAIN)),
            "led." + PLAIN: (200, {}, b'{"url":"https://web.plain.example/led.json","expires":60}'),
            "web." + PLAIN: (200, {}, posh(world, "led." + PLAIN)),
            "moved." + PLAIN: (302, {"Location": "https://posh.plain.example/"}, b""),
        })
    except PermissionError:
        raise Skip("port 443 is not ours") from None
    world.closing.append(web)
    for row, name, good, said in (
            ("s2s E17 its own document", "posh." + PLAIN, True, "posh: yes"),
            ("s2s E17 a document elsewhere", "led." + PLAIN, True, "posh: yes"),
            ("threats I9 a large document", "lost." + PLAIN, False, "the document is too large"),
            ("threats I9 a redirection", "moved." + PLAIN, False, "an HTTP redirection")):
        name_row(row)
        stream, offered = features(world, name)
        check(("EXTERNAL" in offered) == good, "%s: %r" % (row, offered))
        if good:
            stream.external(LOCAL)
            world.outer.wait_event("pair-valid", them=name, proof="posh", proofs=said)
        else:
            world.outer.wait_event("stream-closed", them=name, reason="bad-certificate", proofs=said)
        stream.close()
    before = len(web.asked)
    stream, offered = features(world, "posh." + PLAIN)
    check("EXTERNAL" in offered and len(web.asked) == before, "fetched again: %r" % web.asked)


def case_revoked(world):
    """s2s E12 threats D12 a stream that is up ends when its certificate is revoked, and no new one begins."""
    name = "revoked." + PLAIN
    stream = world.stream(us=name)
    stream.message("before-revocation")
    world.server.wait_for("before-revocation")
    other = world.stream(us="both." + PLAIN)
    crl(world, name)
    world.outer.process.send_signal(signal.SIGHUP)
    text = stream.read_to_end()
    check("not-authorized" in text, text)
    world.outer.wait_event("pair-proof-lost", them=name, proof="pkix", text="certificate revoked")
    world.outer.wait_event("stream-closed", them=name, reason="proof-lost")
    _, offered = features(world, name)
    check("EXTERNAL" not in offered, offered)
    other.message("not-revoked")
    world.server.wait_for("not-revoked")


def case_expired(world):
    """s2s E12 a stream that is up ends when its certificate runs out."""
    name = "short." + PLAIN
    now = subprocess.run(["date", "-u", "-d", "+8 seconds", "+%y%m%d%H%M%SZ"], capture_output=True, text=True)
    issued(world, name, "-enddate", now.stdout.strip())
    stream = world.stream(us=name)
    stream.message("before-the-end")
    world.server.wait_for("before-the-end")
    world.outer.wait_event("pair-proof-lost", them=name, proof="pkix", text="expired")
    check("not-authorized" in stream.read_to_end(), "the stream was not told")


def case_age(world):
    """s2s E12 threats D12 `limit proof age`: a stream ends when nobody can say any more that it is not revoked."""
    name = "insecure." + PLAIN
    world.write_config(outer_extra=world.extra["outer_extra"] + "limit proof age 1s\n")
    sh("openssl", "ca", "-config", world.path("ca/ca.conf"), "-gencrl", "-crlsec", "12", "-out", world.path("ca.crl"))
    check(b"true" in world.outer.control(b"reload\n"), "reload")
    stream = world.stream(us=name)
    stream.message("while-the-list-is-good")
    world.server.wait_for("while-the-list-is-good")
    world.outer.wait_event("pair-proof-lost", them=name, proof="pkix", text="CRL has expired")
    check("not-authorized" in stream.read_to_end(), "the stream was not told")
    world.write_config()
    crl(world)
    check(b"true" in world.outer.control(b"reload\n"), "reload")


def case_another_anchor(world):
    """s2s E16 a reload exchanges trust anchor and resolver; what the old ones said does not count any more."""
    name = "right." + ZONE
    check("EXTERNAL" in features(world, name)[1], "before")
    with open(world.names.anchor) as f:
        digest = re.search("[0-9a-fA-F]{64}", f.read()).group(0)
    with open(world.names.anchor, "r+") as f:
        text = f.read().replace(digest, "0" * 64)
        f.seek(0)
        f.write(text)
    check(b"true" in world.outer.control(b"reload\n"), "another anchor in the same file")
    offered = features(world, name)[1]
    check("EXTERNAL" not in offered, "by an anchor that does not fit: " + offered)
    world.outer.wait_event("stream-closed", them=name, reason="bad-certificate", text="DNS of the")
    with open(world.names.anchor, "w") as f:
        f.write(text.replace("0" * 64, digest))
    check(b"true" in world.outer.control(b"reload\n"), "the right anchor")
    check("EXTERNAL" in features(world, name)[1], "after")

    other = Dns(world.base + "32", {"moved.example": world.address["foreign"]})
    try:
        world.write_config(dns=world.base + "32")
        answer = world.outer.control(b"reload\n")
        check(b"true" in answer and b"next start" not in answer, answer)
        code, steps, _ = test_peer(world, "moved.example")
        check(step(steps, "dns")["targets"][0]["address"].startswith(world.address["foreign"]), repr(steps))
        check("moved.example" in other.asked, repr(other.asked))
    finally:
        other.ended = True
        other.join()
        world.write_config()


def prepare_all(world):
    prepare(world)
    world.right = Listener(world, world.right_at, "right." + ZONE)
    world.contradicting = Listener(world, world.contradicted_at, "contradicted." + ZONE)


if __name__ == "__main__":
    run([case_incoming, case_audit, case_contradiction_beats_pkix, case_outgoing, case_test_peer,
         case_test_peer_one_way, case_posh,
         case_threats_I5_dead_zone, case_revoked, case_expired, case_age,
         case_another_anchor], prepare=prepare_all)
