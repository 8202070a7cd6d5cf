#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doc/attach shows what `sallyport attach` prints for etc/inner.conf.

attach_doc_test.py PROGRAM SOURCE [--write]

In doc/attach/KIND.md a line `<!-- lines: PART -->`, `<!-- lines: PART, dialback -->` or
`..., component -->` stands before a
fenced block with the lines of that part; --write puts them there.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
MARK = re.compile(r"<!-- lines: ([\w.-]+)(, dialback|, component)? -->\n(?:\n```\n(.*?)```\n)?", re.S)
KINDS = ("prosody", "ejabberd", "jabberd2", "openfire")
PLACE = "/etc/sallyport"


COMPONENT = ('component 127.0.0.1:5347 { domain partner.example conference.partner.example '
             'secret "component.secret" } }')


def components_of(text):
    """The example with a server that nothing steers."""
    text = re.sub(r"(?m)^steer .*\n", "", text)
    return text.replace('trust "server-ca.crt"\n}', 'trust "server-ca.crt"\n' + COMPONENT)


def parts(kind, variant):
    """{part: lines} as if the example stood in /etc/sallyport."""
    with open(SOURCE + "/etc/inner.conf") as source:
        text = source.read()
    changed = {None: text, ", dialback": text.replace('trust "server-ca.crt"', "accept dialback"),
               ", component": components_of(text)}[variant]
    assert changed != text or not variant
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/inner.conf", "w") as out:
            out.write(changed)
        done = subprocess.run([PROGRAM, "attach", kind, "--config", folder + "/inner.conf", "--json"],
                              capture_output=True, text=True, check=True)
        return {part["name"]: part["lines"].replace(folder, PLACE)
                for part in json.loads(done.stdout)["parts"]}


def document(kind):
    return os.path.join(SOURCE, "doc", "attach", kind + ".md")


def wanted(kind):
    """The text of the document, and as it should be."""
    made = {variant: parts(kind, variant) for variant in (None, ", dialback")}
    if kind != "jabberd2":
        made[", component"] = parts(kind, ", component")
    with open(document(kind)) as text:
        text = text.read()

    def block(found):
        return "<!-- lines: %s%s -->\n\n```\n%s```\n" % (
            found[1], found[2] or "", made[found[2]][found[1]])
    return text, MARK.sub(block, text), made


class Documents(unittest.TestCase):
    def test_lines(self):
        for kind in KINDS:
            with self.subTest(kind):
                text, right, _ = wanted(kind)
                self.assertEqual(text, right)

    def test_complete(self):
        for kind in KINDS:
            with self.subTest(kind):
                text, _, made = wanted(kind)
                shown = {found[1] for found in MARK.finditer(text)}
                unshown = {"component-check", "component-commands"}
                self.assertEqual(shown - unshown, (set(made[None]) | set(made.get(", component", ()))) - unshown)


if __name__ == "__main__":
    if "--write" in sys.argv:
        for each in KINDS:
            right_text = wanted(each)[1]
            with open(document(each), "w") as target:
                target.write(right_text)
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
