#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doc/attach shows what `sallyport attach` prints for etc/inner.conf.

attach_doc_test.py PROGRAM SOURCE [--write]

In doc/attach/KIND.md a line `<!-- lines: PART -->` or `<!-- lines: PART, dialback -->` stands before a
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
MARK = re.compile(r"<!-- lines: ([\w.]+)(, dialback)? -->\n(?:\n```\n(.*?)```\n)?", re.S)
KINDS = ("prosody", "ejabberd", "jabberd2", "openfire")
PLACE = "/etc/sallyport"


def parts(kind, dialback):
    """{part: lines} as if the example stood in /etc/sallyport."""
    with open(SOURCE + "/etc/inner.conf") as source:
        text = source.read()
    changed = text.replace('trust "server-ca.crt"', "accept dialback")
    assert changed != text
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/inner.conf", "w") as out:
            out.write(changed if dialback else text)
        done = subprocess.run([PROGRAM, "attach", kind, "--config", folder + "/inner.conf", "--json"],
                              capture_output=True, text=True, check=True)
        return {part["name"]: part["lines"].replace(folder, PLACE)
                for part in json.loads(done.stdout)["parts"]}


def document(kind):
    return os.path.join(SOURCE, "doc", "attach", kind + ".md")


def wanted(kind):
    """The text of the document, and as it should be."""
    made = {dialback: parts(kind, dialback) for dialback in (False, True)}
    with open(document(kind)) as text:
        text = text.read()

    def block(found):
        return "<!-- lines: %s%s -->\n\n```\n%s```\n" % (
            found[1], found[2] or "", made[bool(found[2])][found[1]])
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
                self.assertEqual(shown, set(made[False]))


if __name__ == "__main__":
    if "--write" in sys.argv:
        for each in KINDS:
            right_text = wanted(each)[1]
            with open(document(each), "w") as target:
                target.write(right_text)
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
