#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`sallyport attach`: which lines come, from what, and when it refuses. Usage: attach_test.py PROGRAM SOURCE"""
import json
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]

CONF = """node inner-a
link outer-a 10.1.0.1:5280 { certificate "c" key "k" trust "t" }
%(server)s
listen s2s %(listen)s
%(steer)s
%(mint)s
"""
USUAL = {
    "server": 'server main 10.2.0.5:5269 { domain example.se trust "ca" }',
    "listen": "10.2.0.4:5269", "steer": "steer 10.2.0.4:53",
    "mint": 'mint { certificate "/m/ca.crt" key "k" }',
}
KINDS = ("prosody", "ejabberd", "jabberd2", "openfire")


def attach(kind, *words, **changes):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(CONF % dict(USUAL, **changes))
        conf.flush()
        return subprocess.run([PROGRAM, "attach", kind, "--config", conf.name, *words],
                              capture_output=True, text=True, timeout=10)


def lines(kind, *words, **changes):
    """{part: lines}"""
    done = attach(kind, "--json", *words, **changes)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["server"] == kind
    return {part["name"]: part["lines"] for part in answer["parts"]}


class Attach(unittest.TestCase):
    def test_all_kinds_in_all_circumstances(self):
        """No word stays unfilled, whatever the proof and the addresses."""
        servers = (USUAL["server"], USUAL["server"].replace('trust "ca"', ""))
        addresses = (("10.2.0.4:5269", "steer 10.2.0.4:53"), ("[fd00::4]:5269", "steer [fd00::4]:53"),
                     ("[fd00::4]:5269", "steer 10.2.0.4:53"),
                     ("0.0.0.0:5269", "steer 0.0.0.0:53 target 10.2.0.4"))
        for kind in KINDS:
            for server in servers:
                for listen, steer in addresses:
                    done = attach(kind, server=server, listen=listen, steer=steer)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertNotIn("{{", done.stdout.replace("({{", ""))
                    self.assertNotIn("%if", done.stdout)
                    self.assertNotIn("0.0.0.0", done.stdout)

    def test_certificates(self):
        text = lines("prosody", "--trust", "/there/mint.crt")["prosody.cfg.lua"]
        self.assertIn('cafile = "/there/mint.crt"', text)
        self.assertIn("s2s_secure_auth = true", text)
        self.assertIn('forward = "10.2.0.4@53"', text)
        self.assertIn("install -m 644 /m/ca.crt", lines("prosody")["commands"])
        text = lines("ejabberd")
        self.assertIn("s2s_cafile:", text["ejabberd.yml"])
        self.assertNotIn("mod_s2s_dialback: {}", text["modules"])

    def test_dialback(self):
        for change in ({"server": 'server main 10.2.0.5:5269 { domain example.se }'}, {"mint": ""}):
            if "mint" in change:
                change["server"] = 'server main 10.2.0.5:5269 { domain a.example allow plaintext }'
            self.assertIn("s2s_secure_auth = false", lines("prosody", **change)["prosody.cfg.lua"])
            self.assertIn("mod_s2s_dialback: {}", lines("ejabberd", **change)["modules"])

    COMPONENT = ('server main 10.2.0.5:5269 { domain example.se trust "ca"\n component %s { domain a.example b.example '
                 'secret "/s" allow plaintext } }')

    def test_s2s_H15_components(self):
        """What a server is told for its components, alone or beside the steering."""
        server = self.COMPONENT % "10.2.0.5:5347"
        alone = lines("prosody", server=server, steer="", mint="mint { certificate \"c\" key \"k\" }")
        self.assertIn("component_ports = { 5347 }", alone["component"])
        self.assertIn('modules_disabled = { "s2s" }', alone["component"])
        self.assertEqual(alone["components"].count("component_secret"), 2)
        self.assertIn('Component "b.example"', alone["components"])
        self.assertIn("ip saddr != 10.2.0.4", alone["nftables-component"])
        self.assertNotIn("prosody.cfg.lua", alone)
        both = lines("ejabberd", server=server)
        self.assertIn("      \"a.example\":\n        password:", both["component"])
        self.assertIn("ejabberd.yml", both)
        self.assertNotIn("component-top", both)
        local = lines("openfire", server=self.COMPONENT % "127.0.0.1:5275")
        self.assertIn("xmpp.component.socket.port = 5275", local["component"])
        self.assertNotIn("nftables-component", local)
        six = lines("prosody", server=self.COMPONENT % "[fd00::5]:5347", listen="[fd00::4]:5269", steer="")
        self.assertIn("ip6 saddr != fd00::4", six["nftables-component"])

    def test_s2s_H15_no_recipe_for_components(self):
        server = self.COMPONENT % "127.0.0.1:5347"
        self.assertIn("there is no recipe", attach("jabberd2", server=server, steer="").stderr)
        self.assertNotIn("component", lines("jabberd2", server=server))
        two = server[:-2] + ' component 127.0.0.1:5348 { domain c.example secret "/s" } }'
        self.assertIn("differ in address or secret", attach("prosody", server=two).stderr)

    def test_addresses(self):
        text = lines("ejabberd", listen="[fd00::4]:5269", steer="steer 10.2.0.4:53")
        self.assertIn("[ipv6]", text["ejabberd.yml"])
        self.assertIn("nameserver 10.2.0.4\n", text["resolv.conf"])
        self.assertIn("ip6 daddr fd00::4 tcp dport 5269 accept", text["nftables"])
        self.assertIn("ip daddr 10.2.0.4 meta l4proto", text["nftables"])
        self.assertIn("meta skuid ejabberd", text["nftables"])

    def test_text(self):
        done = attach("jabberd2")
        self.assertTrue(done.stdout.startswith("== /etc/systemd/system/jabberd-s2s.service.d/"))
        self.assertIn("\n== /etc/jabberd2/s2s.xml, in <lookup>", done.stdout)

    def test_refusals(self):
        two = USUAL["server"] + "\nserver two 10.2.0.6:5269 { domain two.example }"
        cases = (
            (attach("exim"), "no recipe"),
            (attach("jabberd2", steer="steer 10.2.0.4:5353"), "port 53"),
            (attach("ejabberd", steer="steer 10.2.0.4:5353"), "port 53"),
            (attach("prosody", steer=""), "no `steer`"),
            (attach("jabberd2", server=USUAL["server"].replace(" }", " accept pkix }")), "dialback alone"),
            (attach("prosody", server=two), "which server"),
            (attach("prosody", "--server", "three", server=two), "no such server"),
            (attach("prosody", listen="nonsense"), ":4:12:"),
        )
        for done, text in cases:
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(text, done.stderr)
        self.assertEqual(attach("prosody", "--server", "two", server=two).returncode, 0)
        missing = subprocess.run([PROGRAM, "attach", "prosody", "--config", "/nowhere"],
                                 capture_output=True, text=True)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("/nowhere", missing.stderr)
        self.assertEqual(subprocess.run([PROGRAM, "attach"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
