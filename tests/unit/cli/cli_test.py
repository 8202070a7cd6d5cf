#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The `sallyport` command against scripted daemons and written files. Usage: cli_test.py PROGRAM SOURCE"""
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
BROKERS = ["broker-1=10.1.0.1,10.9.0.1", "broker-2=10.1.0.2,10.9.0.2",
           "broker-3=[2001:db8::3]:4333,10.9.0.3:6222"]
EVIL = "\x1b]0;owned\x07\u202eevil\u009b2J"

STATUS = {
    "node": {"id": "outer-a", "role": "outer", "version": "0.1.0", "boot": 1, "uptime_ms": 7384000,
             "rss": 24 << 20, "profile": "standard"},
    "links": [{"peer": "inner-a", "up": True, "heard_ms_ago": 120, "rtt_ms": 4, "lease": True,
               "frames_in": 9, "bytes_in": 2048},
              {"peer": "inner-b", "up": False, "why": "refused", "new_thing": 5}],
    "channels": [{"local": "example.se", "foreign": "example.com", "way": "send",
                  "owner": "outer-a", "epoch": 9, "sent": 12}],
    "pairs": [{"us": "example.se", "them": "example.com",
               "in": [{"stream": 1, "proof": "pkix", "tls": "TLSv1.3"}, {"stream": 3}],
               "out": {"stream": 2, "state": "ready", "proof": "dialback", "tls": "TLSv1.2"},
               "stanzas_in": 3, "stanzas_out": 4},
              {"us": "example.se", "them": EVIL, "in": [],
               "failed": {"failure": "timeout", "step": "tls-failed", "text": "TLS handshake", "seconds_ago": 70,
                          "detail": "expired" + EVIL, "cure": "renew it" + EVIL, "in_a_row": 2, "retry_in_ms": 8000}}],
    "unlinked": [{"peer": "inner-b", "address": "10.0.0.1:5280", "reason": "connection refused", "cure": "start it"}],
    "streams": [{"stream": 1, "seconds": 7200}, {"stream": 2, "seconds": 60}],
    "counters": {"streams_in": 1, "nothing": 0, "closed": {"idle": 2}},
    "relay": {"stanzas_in": 7},
    "future": {"unknown": "x" + EVIL},
}
RECORD = {"time_ms": 1700000000123, "trace": "00000000000000ab", "node": "inner-a",
          "direction": "in", "local": "example.se", "foreign": "example.com", "kind": "message",
          "from": "a@example.com/" + EVIL, "to": "b@example.se", "diag": "{1: \"hi\"}",
          "xml": "<message><body>hi\nthere</body></message>"}


class Daemon(threading.Thread):
    """Listens on a Unix socket and answers each connection with the next of some bytes."""

    def __init__(self, path, *answers):
        super().__init__(daemon=True)
        self.asked, self.answers = [], answers
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.start()

    def run(self):
        for answer in self.answers:
            client, _ = self.socket.accept()
            with client:
                self.asked.append(client.makefile("rb").readline())
                client.sendall(answer)

    def close(self):
        self.join(10)
        self.socket.close()


def run(*words, **env):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **env})


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "c.sock")

    def tearDown(self):
        self.folder.cleanup()

    def daemon(self, *answers):
        daemon = Daemon(self.path, *(a if isinstance(a, bytes) else json.dumps(a).encode() + b"\n"
                                     for a in answers))
        self.addCleanup(daemon.close)
        return daemon

    def assert_harmless(self, text):
        for c in text:
            self.assertTrue(c == "\n" or (c.isprintable() and c != "\u202e"), repr(c))

    def test_status(self):
        daemon = self.daemon(STATUS)
        done = run("status", "-s", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(daemon.asked, [b"status\n"])
        for part in ("outer-a (outer) 0.1.0, up 2 h 3 min, 24 MiB of memory, profile standard",
                     "inner-a", "120 ms", "2.0 KiB", "DOWN", "refused", "new_thing", "ready dialback TLSv1.2",
                     "pkix TLSv1.3 and 1 more",
                     "timeout tls-failed TLS handshake expired", ", 70 s ago, 2 in a row, next try in 8 s",
                     "10.0.0.1:5280", "start it",
                     "closed.idle", "\\u{1b}]0;owned", "future", "relay"):
            self.assertIn(part, done.stdout)
        self.assertNotIn("nothing", done.stdout)
        self.assert_harmless(done.stdout)

    def test_peers(self):
        daemon = self.daemon(STATUS)
        done = run("peers", "-s", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(daemon.asked, [b"status\n"])
        lines = done.stdout.splitlines()
        good = [line for line in lines if line.startswith("  example.com")]
        self.assertEqual(len(good), 1)
        self.assertRegex(good[0], r"example\.com +up +2 h 0 min +pkix TLSv1\.3 and 1 more +"
                                  r"ready dialback TLSv1\.2 +1 +3 +4")
        bad = [line for line in lines if "failing" in line]
        self.assertEqual(len(bad), 1)
        self.assertIn("timeout tls-failed TLS handshake expired", bad[0])
        self.assertRegex(done.stdout, r"what to do\n  \\u\{1b\}.*, tls-failed: renew it")
        self.assert_harmless(done.stdout)

    def test_peers_of_inner_are_the_domains_it_plays(self):
        pair = {"us": "example.com", "them": "example.se", "stanzas_in": 1, "out": {"stream": 5, "state": "header"}}
        other = dict(pair, them="rooms.example.se", stanzas_in=2, out={"stream": 6, "state": "ready"},
                     failed={"step": "x", "seconds_ago": 9, "in_a_row": 0})
        self.daemon({"node": {"id": "inner-a", "role": "inner"}, "pairs": [pair, other, {"us": 5}, 7],
                     "streams": [{"stream": 6, "seconds": 9}, {"stream": 5, "seconds": 4}, 0]})
        done = run("peers", "example.com", "-s", self.path, "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["node"]["id"], "inner-a")
        self.assertEqual(len(answer["peers"]), 1)
        peer = answer["peers"][0]
        self.assertEqual((peer["domain"], peer["state"], peer["pairs"], peer["stanzas_in"], peer["seconds"]),
                         ("example.com", "up", 2, 3, 9))
        self.assertEqual(peer["failed"]["step"], "x")

    def test_domains(self):
        pair = {"us": "example.com", "them": "example.se", "stanzas_in": 1, "local": "a", "foreign": "b"}
        answer = {"pairs": [pair], "pairs_total": 12001, "streams": [{"stream": 1}], "streams_total": 1,
                  "channels": [], "channels_total": 7}
        for verb in ("status", "peers", "cluster"):
            daemon = self.daemon(answer, answer, answer)
            done = run(verb, "a.example", "\u00e5.example", "-s", self.path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("\n  and 12000 more pairs: name a domain to see its own\n", done.stdout)
            self.assertNotIn("more streams", done.stdout)
            self.assertEqual(run(verb, "-s", self.path).returncode, 0)
            self.assertEqual(run(verb, "a", "b", "c", "d", "-s", self.path).returncode, 0)
            asked = b"cluster" if verb == "cluster" else b"status"
            self.assertEqual(daemon.asked, [asked + b" a.example \xc3\xa5.example\n", asked + b"\n",
                                            asked + b" a b c d\n"])
            os.unlink(self.path)
            for words in (["a", "b", "c", "d", "e"], [""], ["a b"], ["a\nreload"], ["x" * 1024]):
                done = run(verb, *words, "-s", self.path)
                self.assertEqual((done.returncode, done.stdout), (2, ""), words)
        self.daemon(answer)
        self.assertEqual(json.loads(run("peers", "-s", self.path, "--json").stdout)["pairs_left_out"], 12000)

    def test_peers_of_little(self):
        for answer, words, says in (({}, [], "no traffic"), ({"pairs": []}, ["a.example"], "knows nothing"),
                                    ({"pairs": [{"them": "b.example"}]}, [], "idle"),
                                    ({"pairs": 5, "streams": {}}, [], "no traffic")):
            self.daemon(answer)
            done = run("peers", *words, SALLYPORT_CONTROL=self.path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), answer)
            self.assertIn(says, done.stdout)
            os.unlink(self.path)

    def test_status_json(self):
        self.daemon(STATUS)
        done = run("-s", self.path, "--json", "status")
        self.assertEqual(json.loads(done.stdout), STATUS)
        self.assertTrue(done.stdout.isascii() and done.stdout.count("\n") == 1)

    def test_status_of_waves(self):
        self.daemon({"waves": [{"fingerprint": "3f2a9c0d5be81476", "of": "link", "senders": 21, "messages": 40,
                                "age_ms": 60000, "refused": True}]})
        done = run("status", "-s", self.path)
        self.assertRegex(done.stdout, r"texts and links of many senders")
        self.assertRegex(done.stdout, r"3f2a9c0d5be81476 +link +21 +40 +60 s +yes")

    def test_status_of_little(self):
        for answer in ({}, {"links": []}, {"links": [1, "x", None]}, {"node": 5, "pairs": {"a": 1}},
                       {"links": [{}]}, {"counters": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}}):
            self.daemon(answer)
            done = run("status", SALLYPORT_CONTROL=self.path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), answer)
            os.unlink(self.path)

    def test_status_refused_or_broken(self):
        for answer, says in (({"error": "no" + EVIL}, "no\\u{1b}"), (b"", "not an answer"),
                             (b"{\"a\":", "not an answer"), (b"[]", "not an answer")):
            self.daemon(answer)
            done = run("status", "-s", self.path)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(says, done.stderr)
            self.assert_harmless(done.stderr)
            os.unlink(self.path)

    def test_nobody_there(self):
        done = run("status", "-s", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)
        unused = socket.socket(socket.AF_UNIX)
        unused.bind(self.path)
        unused.close()
        self.assertIn("no daemon listens there", run("status", "-s", self.path).stderr)

    def test_trace(self):
        line = json.dumps(RECORD).encode() + b"\n"
        daemon = self.daemon(line + b"not json\n" + line)
        done = run("trace", "EXAMPLE.se", "example.com", "-s", self.path)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(daemon.asked, [b"trace example.se example.com\n"])
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 6)
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d\.123 inner-a in  message a@example.com/\\u\{1b\}")
        self.assertEqual(lines[2], "    <message><body>hi\\u{a}there</body></message>")
        self.assertIn("not a record", done.stderr)
        self.assert_harmless(done.stdout + done.stderr)

    def test_trace_json(self):
        daemon = self.daemon(RECORD)
        done = run("trace", "--json", "-s", self.path)
        self.assertEqual(daemon.asked, [b"trace * *\n"])
        self.assertEqual(json.loads(done.stdout), RECORD)

    def test_trace_refused(self):
        self.daemon({"error": "too many"})
        self.assertEqual(run("trace", "*", "*", "-s", self.path).returncode, 1)
        self.assertIn("not a domain", run("trace", "a b", "*", "-s", self.path).stderr)

    def test_test_peer(self):
        steps = [{"step": "policy", "ok": True, "peer": "any", "line": 3, "tls_required": True,
                  "accept": ["dane", "pkix"]},
                 {"step": "dns", "ok": True, "targets": [{"host": "x.example.com", "address": "192.0.2.1:5269",
                                                          "direct_tls": True}]},
                 {"step": "connect", "ok": False, "address": "192.0.2.1:5269", "text": "refused " + EVIL},
                 {"step": "features", "ok": True, "starttls": False, "external": True, "dialback": True},
                 {"step": "certificate", "ok": True, "tls": "TLSv1.3", "cipher": "X", "sha256": "ab",
                  "not_after": 1700000000,
                  "proofs": [{"proof": "dane", "said": "silent", "why": "no TLSA record"}]},
                 {"step": "future", "ok": True, "text": "unknown"}]
        good = steps + [{"step": "result", "ok": True, "text": "accepted", "proof": "pkix"}]
        bad = steps + [{"step": "result", "ok": False, "text": "no", "reason": "bad-certificate", "cure": "mend it"}]
        lines = [b"".join(json.dumps(s).encode() + b"\n" for s in answer) for answer in (good, bad, steps, good)]
        daemon = self.daemon(*lines, {"error": "another test " + EVIL}, b"not json\n")
        done = run("test-peer", "EXAMPLE.com", "-s", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for part in ("ok  policy", "peer any (line 3): accepts dane, pkix; TLS is required",
                     "x.example.com 192.0.2.1:5269 direct TLS", "NO  connect", "offers external, dialback",
                     "certificate to 2023-11-14",
                     "dane: silent, no TLSA record", "future", "ok  result", "they are proved by pkix"):
            self.assertIn(part, done.stdout)
        self.assert_harmless(done.stdout)
        done = run("test-peer", "example.com", "--from", "Example.se", "-s", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no [bad-certificate]\n             cure: mend it", done.stdout)
        done = run("test-peer", "example.com", "-s", self.path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("gave no result", done.stderr)
        done = run("test-peer", "example.com", "--json", "-s", self.path)
        self.assertEqual((done.returncode, [json.loads(s) for s in done.stdout.splitlines()]), (0, good))
        for text in ("another test", "not an answer"):
            done = run("test-peer", "example.com", "-s", self.path)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(text, done.stderr)
            self.assert_harmless(done.stderr)
        self.assertEqual(daemon.asked[:2], [b"test * example.com\n", b"test example.se example.com\n"])
        self.assertIn("not a domain", run("test-peer", "a b", "-s", self.path).stderr)
        self.assertIn("not a domain", run("test-peer", "a.example", "--from", "a b", "-s", self.path).stderr)

    def test_reload(self):
        self.daemon({"ok": True, "message": ""}, {"ok": False, "message": "x.conf:1:1: " + EVIL + "\n  ^\n"})
        self.assertEqual(run("reload", "-s", self.path).returncode, 0)
        done = run("reload", "-s", self.path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("\n    ^\n", done.stderr)
        self.assert_harmless(done.stderr)

    def test_cluster(self):
        pair = {"local": "example.se", "foreign": "example.com", "owner": "outer-b", "epoch": 17, "idle_ms": 900,
                "queued": 0, "unacknowledged": 2}
        places = [({"state": "home", "why": "chosen", "route_line": 12}, "home: route in line 12"),
                  ({"state": "home", "why": "chosen"}, "home: by the hash over all live nodes"),
                  ({"state": "away", "why": "dead", "from": "outer-a", "home": "outer-a", "since_ms": 12000},
                   "away: by the hash over all live nodes, outer-a was dead 12 s ago; "
                   "when idle for a while it goes to outer-a"),
                  ({"state": "held", "why": "command", "from": "outer-a", "since_ms": 500, "pinned": "outer-b"},
                   "held here by command, moved by command from outer-a 500 ms ago"),
                  ({"state": "moving", "why": "chosen", "pinned": "outer-c" + EVIL}, "by command, to outer-c\\u{1b}"),
                  ({"state": "waiting", "why": "drained", "from": "outer-a"},
                   "no node may have it now, outer-a was drained"),
                  ({"state": "idle", "why": "revoked", "from": "outer-a"}, "nowhere until its next stanza"),
                  ({"state": "home", "why": "shared", "since_ms": 3},
                   "home: by the hash over all live nodes, another inner had it there\n"),
                  ({"state": "away", "why": "wished", "from": "outer-a", "home": "outer-a", "since_ms": 7000,
                    "others": 1}, "another inner wished it away from outer-a 7 s ago; it belongs to outer-a, but other "
                   "inners use it here\n"),
                  ({"state": "away", "why": "shared", "home": "outer-a", "others": 0},
                   "another inner had it there; when idle for a while it goes to outer-a\n"),
                  ({"state": "asking", "why": "chosen", "others": 0}, "waits for the table of leases\n"),
                  ({"state": "leaving", "why": "dead", "from": "outer-a", "since_ms": 1500, "others": 1},
                   "waits for other inners, who are asked to leave the node that had it, outer-a was dead 1 s ago\n"),
                  ({"state": "blocked", "why": "chosen", "others": 1, "silent": [{"node": "inner-b", "boot": 77}]},
                   "waits, and the node that had it is not there: inner-b (boot 77) does not give it up; if it is dead "
                   "for good: sallyport expel inner-b 77\n"),
                  ({"state": "kept", "why": "chosen", "others": 2, "silent": [
                      {"node": "inner-b", "boot": 77}, {"node": "inner-c" + EVIL, "boot": str(2 ** 64 - 1)}]},
                   "stays here: inner-b (boot 77) does not give it up; if it is dead for good: sallyport expel inner-b "
                   "77, and inner-c\\u{1b}"),
                  ({"state": "kept", "why": "chosen", "silent": 3}, "stays here\n"),
                  ({}, ""), (7, "")]
        leases = [({"owner": "outer-b", "epoch": 1790000000123, "holders": [{"node": "inner-a", "boot": 5},
                                                                           {"node": "inner-b", "boot": 77}]},
                   " outer-b 1790000000123: inner-a inner-b "),
                  ({"owner": "outer-a" + EVIL, "epoch": 4, "wish": "outer-b", "holders": []},
                   " 4 (wished: outer-b) "), ({"holders": 3}, ""), (7, "")]
        answer = {"node": {"node": "inner-a", "role": "inner", "version": "0.1.0", "boot": 5, "uptime_ms": 60000,
                           "drained": True},
                  "nodes": [{"node": "outer-a", "role": "outer", "up": False, "drained": "here",
                             "why_down": "no heartbeat"},
                            {"node": "outer-b", "role": "outer", "up": True, "heard_ms_ago": 40, "owns": 4,
                             "drained": "there"}, 3],
                  "pairs": [dict(pair, place=p) for p, _ in places] + [dict(pair, lease=e) for e, _ in leases] + [None]}
        daemon = self.daemon(answer, {})
        done = run("cluster", "-s", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(daemon.asked, [b"cluster\n"])
        for part in ("inner-a (inner) 0.1.0, boot 5, up 60 s, DRAINED", "no heartbeat", "by this node", "by itself",
                     "40 ms", "outer-b", "17", *[text for _, text in places + leases]):
            self.assertIn(part, done.stdout)
        self.assert_harmless(done.stdout)
        self.assertEqual(run("cluster", "-s", self.path).returncode, 0)

    def test_cluster_with_numbers_that_no_reader_holds(self):
        """A far node says what it likes: such numbers come as strings, and the answer is one."""
        top = str(2 ** 64 - 1)
        self.daemon({"node": {"node": "inner-a", "boot": top},
                     "nodes": [{"node": "outer-a", "up": True, "boot": top, "load": top, "rtt_ms": top}]})
        done = run("cluster", "-s", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, "outer-a .* up .*" + top)
        self.assertNotRegex(done.stdout, "%")

    def test_orders(self):
        daemon = self.daemon({"ok": True}, {"ok": True}, {"ok": True}, {"error": "no such node" + EVIL})
        for words in (("drain", "outer-a"), ("undrain", "outer-a"), ("move", "example.se", "example.com", "outer-b")):
            done = run(*words, "-s", self.path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("done", done.stdout)
        done = run("drain", "outer-z", "-s", self.path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no such node", done.stderr)
        self.assert_harmless(done.stderr)
        self.assertEqual(daemon.asked, [b"drain outer-a\n", b"undrain outer-a\n",
                                        b"move example.se example.com outer-b\n", b"drain outer-z\n"])
        for words in (("drain",), ("drain", "a", "b"), ("undrain",), ("move", "a", "b"), ("drain", "a b"),
                      ("move", "a", "b", "c\nstatus"), ("drain", ""), ("drain", "x" * 2000), ("cluster", "a b"),
                      ("expel", "a")):
            self.assertEqual(run(*words, "-s", self.path).returncode, 2, words)

    def test_usage(self):
        for words, code in ((["--help"], 0), (["--version"], 0), ([], 2), (["wat"], 2),
                            (["check", "--help"], 0), (["status", "--help"], 0),
                            (["trace", "--help"], 0), (["peers", "--help"], 0),
                            (["test-peer", "--help"], 0), (["test-peer"], 2),
                            (["test-peer", "a.example", "b.example"], 2), (["reload", "--help"], 0),
                            (["pki", "init", "--help"], 0), (["pki"], 2), (["check"], 2),
                            (["check", "a", "--outer", "--inner"], 2),
                            (["status", "--wat"], 2), (["status", "-s"], 2), (["status", "x y"], 2),
                            (["trace", "x"], 2), (["status", "--json=1"], 2),
                            (["nats", "config", "--help"], 0), (["nats"], 2), (["nats", "config"], 2),
                            (["pki", "init", "d"], 2), (["pki", "init", "d", "--outer", "a"], 2)):
            done = run(*words)
            self.assertEqual(done.returncode, code, words)
            self.assertTrue(done.stdout if code == 0 else done.stderr, words)


class Pki(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def init(self, *more):
        done = run("pki", "init", self.path("p"), "--outer", "outer-a", "outer-b", "--inner", "inner-a",
                   "--domain", "example.se", "--lab", "--lab-domain",
                   "example.se+conference.example.se", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def text_of(self, name):
        return self.openssl("x509", "-in", self.path("p", name), "-noout", "-text")

    def test_files(self):
        made = json.loads(self.init("--json"))
        self.assertTrue(made["ok"] and all(f["made"] for f in made["files"]))
        for stem in ("link/outer-a", "link/outer-b", "link/inner-a", "lab/example.se"):
            ca = self.path("p", os.path.dirname(stem), "ca.crt")
            self.openssl("verify", "-CAfile", ca, self.path("p", stem + ".crt"))
        self.assertIn("DNS:outer-a", self.text_of("link/outer-a.crt"))
        self.assertIn("DNS:example.se, DNS:conference.example.se", self.text_of("lab/example.se.crt"))
        mint = self.text_of("mint/ca.crt")
        self.assertIn("Excluded:\n                  DNS:example.se", mint)
        self.assertIn("pathlen:0", mint)
        for file in made["files"]:
            if file["file"].endswith((".key", ".secret")):
                public = file["file"].endswith(".crt")
                self.assertEqual(os.stat(file["file"]).st_mode & 0o777, 0o644 if public else 0o600, file)
        with open(self.path("p", "dialback.secret"), encoding="ascii") as f:
            self.assertRegex(f.read(), r"^[0-9a-f]{64}\n$")

    def test_existing_files_are_kept(self):
        self.init()
        before = {}
        for folder, _, names in os.walk(self.path("p")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    before[os.path.join(folder, name)] = f.read()
        self.assertNotIn("made", self.init())
        self.assertIn("made", run("pki", "init", self.path("p"), "--inner", "inner-b", "--domain",
                                  "example.se").stdout)
        for name, content in before.items():
            with open(name, "rb") as f:
                self.assertEqual(f.read(), content, name)
        self.openssl("verify", "-CAfile", self.path("p/link/ca.crt"), self.path("p/link/inner-b.crt"))

    def test_bus(self):
        """Keys for brokers and nodes come from a CA of their own; configurations name them."""
        self.init("--broker", *BROKERS)
        for stem in ("outer-a", "outer-b", "inner-a", "broker-1", "broker-1-route", "broker-3-route"):
            self.openssl("verify", "-CAfile", self.path("p/bus/ca.crt"), self.path("p/bus", stem + ".crt"))
        self.assertIn("DNS:broker-2, IP Address:10.1.0.2", self.text_of("bus/broker-2.crt"))
        self.assertIn("DNS:broker-2, IP Address:10.9.0.2", self.text_of("bus/broker-2-route.crt"))
        self.assertIn("DNS:broker-3, IP Address:2001:DB8:0:0:0:0:0:3", self.text_of("bus/broker-3.crt"))
        done = run("nats", "config", self.path("p"), "--outer", "outer-a", "--inner", "inner-a", "--broker", *BROKERS,
                   "--config", self.outer(node="outer-b"), "--cluster", "border", "--keys", "/etc/nats",
                   "--store", "/srv/leases", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([f["broker"] for f in json.loads(done.stdout)["files"]], ["broker-1", "broker-2", "broker-3"])
        with open(self.path("p/bus/broker-3.conf"), encoding="ascii") as f:
            text = f.read()
        for part in ('listen: "[2001:db8::3]:4333"', 'listen: "10.9.0.3:6222"', 'name: "border"',
                     '"nats-route://10.9.0.2:6222"', 'key_file: "/etc/nats/broker-3-route.key"',
                     'store_dir: "/srv/leases/broker-3"', '"lk.o.outer-b.inner-a"', 'verify_and_map: true'):
            self.assertIn(part, text)
        for part in ("nats-route://10.9.0.3", "no_auth_user", "leafnodes", "websocket", "mqtt", "gateway", "http"):
            self.assertNotIn(part, text)
        pins = set(re.findall(r'"([0-9a-f]{64})"', text))
        self.assertEqual(len(pins), 6)
        key = self.openssl("x509", "-in", self.path("p/bus/outer-b.crt"), "-noout", "-pubkey")
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.encode(),
                             capture_output=True, check=True).stdout
        self.assertIn(hashlib.sha256(der).hexdigest(), pins)
        self.assertIn("broker-1.conf", run("nats", "config", self.path("p"), "--outer", "outer-a", "--inner", "inner-a",
                                           "--broker", *BROKERS).stdout)

    def test_bus_errors(self):
        nodes = ["--outer", "outer-a", "--inner", "inner-a"]
        rest = BROKERS[1:]
        config = ("nats", "config", self.path("p"))
        for words, code, says in (
                ((*config, *nodes), 2, "three brokers"),
                ((*config, *nodes, "--broker", *rest), 2, "three brokers"),
                ((*config, "--outer", "outer-a", "--broker", *BROKERS), 2, "outers and inners"),
                ((*config, *nodes, "--broker", "b", *rest), 2, "NAME=ADDRESS"),
                ((*config, *nodes, "--broker", "b=", *rest), 2, "the port is missing"),
                ((*config, *nodes, "--broker", "=10.1.0.1", *rest), 2, "NAME=ADDRESS"),
                ((*config, *nodes, "--broker", "b=host", *rest), 2, "the port is missing"),
                ((*config, *nodes, "--broker", "b=10.1.0.1:0", *rest), 2, "from 1 to 65535"),
                ((*config, *nodes, "--broker", "b=10.1.0.1,x:1", *rest), 2, "not an IP address"),
                ((*config, *nodes, "--broker", "b=0.0.0.0", *rest), 2, "are none"),
                ((*config, *nodes, "--broker", "b=10.1.0.1:5,10.1.0.1:5", *rest), 2, "share a port"),
                ((*config, *nodes, "--broker", "B=10.1.0.1", *rest), 2, "not a name"),
                ((*config, *nodes, "--broker", "ca=10.1.0.1", *rest), 2, "not a name"),
                ((*config, *nodes, "--broker", "outer-a=10.1.0.1", *rest), 2, "named twice"),
                ((*config, *nodes, "--broker", "broker-2=10.1.0.1", *rest), 2, "named twice"),
                ((*config, *nodes, "--inner", "broker-2-route", "--broker", *BROKERS), 2, "for routes"),
                ((*config, *nodes, "--broker", *BROKERS, "--cluster", "a b"), 2, "--cluster"),
                ((*config, *nodes, "--broker", *BROKERS, "--keys", "pki"), 2, "an absolute path"),
                ((*config, *nodes, "--broker", *BROKERS, "--store", '/a"b'), 2, "an absolute path"),
                ((*config, *nodes, "--broker", *BROKERS, "--config", self.write("c", "wat")), 1, ""),
                ((*config, *nodes, "--broker", *BROKERS), 1, "No such file"),
                (("pki", "init", self.path("q"), *nodes, "--domain", "example.se", "--broker", "b"), 2, "NAME=ADDRESS"),
                (("pki", "init", self.path("q"), "--lab", "--broker", *BROKERS), 2, "needs the nodes")):
            done = run(*words)
            self.assertEqual(done.returncode, code, (words, done.stderr))
            self.assertIn(says, done.stderr, words)
        self.init("--broker", *BROKERS)
        text = """node inner-b
link outer-a nats { certificate "c" key "k" trust "t" }
nats 10.1.0.1:4222 10.1.0.9:4222 { certificate "c" key "k" trust "t" }
server main 10.2.0.5:5269 { domain example.se allow plaintext }
listen s2s 10.2.0.4:5269
"""
        for address, says in (("10.1.0.9", "names 10.1.0.9:4222, which is no --broker"),
                              ("10.1.0.2", "inner-b.crt: no certificate can be read")):
            path = self.write("inner.conf", text.replace("10.1.0.9", address))
            done = run(*config, *nodes, "--config", path, "--broker", *BROKERS)
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr)
        done = run(*config, "--outer", "outer-z", "--inner", "inner-a", "--broker", *BROKERS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("outer-z.crt: no certificate can be read", done.stderr)

    def outer(self, **changes):
        values = dict(node="outer-a", domain="example.se", stem="p/lab/example.se", key="p/lab/example.se")
        values.update(changes)
        return self.write("outer.conf", """node %(node)s
domain %(domain)s { certificate "%(stem)s.crt" key "%(key)s.key" }
listen s2s 127.0.0.1:5269
listen link 127.0.0.1:5280 {
  certificate "p/link/outer-a.crt" key "p/link/outer-a.key" trust "p/link/ca.crt" accept inner-a
}
dialback secret "p/dialback.secret"
trust "p/lab/ca.crt"
""" % values)

    def test_check(self):
        self.init()
        done = run("check", self.outer())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("a good configuration for sallyport-outer", done.stdout)
        inner = self.write("inner.conf", """node inner-a
link outer-a 127.0.0.1:5280 {
  certificate "p/link/inner-a.crt" key "p/link/inner-a.key" trust "p/link/ca.crt"
}
server main 127.0.0.3:5269 { domain example.se trust "p/lab/ca.crt" }
listen s2s 127.0.0.2:5269
mint { certificate "p/mint/ca.crt" key "p/mint/ca.key" }
dialback secret "p/mint/dialback.secret"
""")
        done = run("check", inner)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("sallyport-inner", done.stdout)
        printed = run("check", "--print", inner)
        again = run("check", "--print", self.write("again.conf", printed.stdout))
        self.assertEqual((again.returncode, again.stdout), (0, printed.stdout))

    def inner(self, more=""):
        return self.write("inner.conf", """node inner-a
link outer-a 127.0.0.1:5280 {
  certificate "p/link/inner-a.crt" key "p/link/inner-a.key" trust "p/link/ca.crt"
}
server main 127.0.0.3:5269 { domain example.se trust "p/lab/ca.crt" }
listen s2s 127.0.0.2:5269
mint { certificate "p/mint/ca.crt" key "p/mint/ca.key" }
""" + more)

    def test_check_together(self):
        self.init()
        done = run("check", self.outer(), self.inner())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("the files fit together", done.stdout)
        done = run("check", self.outer(), self.inner("server more 127.0.0.4:5269 { domain b.se allow plaintext }\n"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("`b.se` is served here, but outer has no `domain` for it", done.stderr)
        self.assertNotIn("fit together", done.stdout)
        done = run("check", "--json", self.outer(), self.inner("rule carbons off\n"))
        self.assertEqual(done.returncode, 0)
        last = json.loads(done.stdout.splitlines()[2])
        self.assertTrue(last["together"])
        self.assertIn("warning: ", last["messages"])
        # A file that cannot be read is not compared.
        done = run("check", self.outer(), self.path("nothing.conf"))
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("together", done.stdout)

    def test_minting_ca_alone(self):
        self.init()
        made = json.loads(run("pki", "init", self.path("next"), "--domain", "example.se", "--json").stdout)
        self.assertEqual(sorted(os.path.relpath(f["file"], self.folder.name) for f in made["files"]),
                         ["next/mint/ca.crt", "next/mint/ca.key"])

    def test_check_finds(self):
        self.init()
        for name, changes, says in (
                ("foreign domain", {"domain": "example.org"}, "not for domain example.org"),
                ("foreign key", {"key": "p/link/outer-a"}, "p/lab/example.se"),
                ("no file", {"stem": "p/lab/none"}, "p/lab/none.crt"),
                ("foreign node", {"node": "outer-b"}, "not for node outer-b"),
                ("language", {"node": "Outer"}, "outer.conf:1:6: not a name")):
            done = run("check", self.outer(**changes))
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(says, done.stderr, name)
            done = run("check", "--json", self.outer(**changes))
            answer = json.loads(done.stdout)
            self.assertEqual((done.returncode, answer["ok"], answer["role"]), (1, False, "outer"), name)
            self.assertIn(says, answer["messages"], name)

    def test_check_says_where(self):
        """threats D12, D17 and the files of proofs: each finding with file, line and column of its statement."""
        self.init()
        crt, key = self.path("client.crt"), self.path("client.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "90", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:example.se",
                        "-addext", "extendedKeyUsage=clientAuth", "-addext", "basicConstraints=critical,CA:FALSE",
                        "-keyout", key, "-out", crt], check=True, capture_output=True)
        self.write("ca.conf", "[ca]\ndefault_ca=x\n[x]\ndatabase=%s\ndefault_md=sha256\n" % self.path("index"))
        self.write("index", "")
        for next_one, name in (("20200201000000Z", "old.crl"), ("20990101000000Z", "good.crl")):
            subprocess.run(["openssl", "ca", "-gencrl", "-config", self.path("ca.conf"), "-cert",
                            self.path("p/lab/ca.crt"), "-keyfile", self.path("p/lab/ca.key"), "-out", self.path(name),
                            "-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", next_one],
                           check=True, capture_output=True)
        self.write("root.key", ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n")
        self.write("no.key", "; nothing but a DS in a comment\n")
        base = self.outer()
        with open(base) as f:
            text = f.read()
        rows = (("certificate without serverAuth", text.replace("p/lab/example.se", "client"), None,
                 "has no serverAuth"),
                ("list that is out of date", text + '\n  crl "old.crl"\n', '  crl "old.crl"', "out of date"),
                ("list that is none", text + '\ncrl "p/lab/ca.crt"\n', 'crl "p/lab', "p/lab/ca.crt: "),
                ("list that is not there", text + '\ncrl "good.crl" "no.crl"\n', 'crl "good', "no.crl: No such file"),
                ("anchor without a key", text + '\nanchor "no.key"\n', 'anchor "no', "has no DS or DNSKEY"),
                ("anchor that is not there", text + '\nanchor "nowhere"\n', 'anchor "now', "nowhere: No such file"))
        for name, changed, line, says in rows:
            path = self.write("changed.conf", changed)
            done = run("check", path)
            self.assertEqual(done.returncode, 1, name)
            self.assertRegex(done.stderr, r"changed.conf:\d+:\d+: [^\n]*" + says, name)
            if line:
                number = [n for n, l in enumerate(changed.split("\n"), 1) if l.startswith(line)][0]
                self.assertIn("changed.conf:%d:" % number, done.stderr, name)
        good = self.write("good.conf", text + '\ncrl "good.crl"\nanchor "root.key"\npeer any { accept pkix dane }\n')
        done = run("check", good)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no `peer` accepts dialback", done.stderr)

    def test_check_dates_and_secrets(self):
        self.init("--days", "3")
        done = run("check", self.outer())
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning:", done.stderr)
        self.assertIn("expires in", done.stderr)
        self.write("p/dialback.secret", "short\n")
        os.chmod(self.path("p/dialback.secret"), 0o644)
        done = run("check", self.outer())
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs one secret of at least 16 characters a line", done.stderr)
        self.assertIn("everybody may read it", done.stderr)

    def test_shipped_files_need_their_keys(self):
        for name in ("outer", "inner"):
            done = run("check", os.path.join(SOURCE, "etc", name + ".conf"))
            self.assertEqual(done.returncode, 1)
            self.assertNotIn("expected:", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
