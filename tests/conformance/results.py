# SPDX-License-Identifier: Apache-2.0
"""What a run of the tests says about their names: lines of the test programs' output, and the interop report."""
import re

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
LINE = re.compile(r"(?P<word>row|ok|FAILED|\[ RUN      \]|\[       OK \]|\[  FAILED  \]) +(?P<name>\S.*)$")


class Results:
    """outcome of each name; a name that ran several times passed if it passed each time."""

    def __init__(self):
        self.outcome = {}

    def add(self, name, outcome):
        worst = [FAILED, PASSED, SKIPPED]
        self.outcome[name] = min(self.outcome.get(name, outcome), outcome, key=worst.index)

    def add_program(self, text, good):
        """The output of one program. A row has the outcome of the case that it is in, which ends behind it."""
        waiting = []
        for line in text.splitlines():
            found = LINE.match(line)
            if not found:
                continue
            word, name = found["word"], found["name"]
            if word == "row":
                waiting.append(name)
            elif word == "[ RUN      ]":
                self.add_all(waiting, FAILED)  # a case that never ended
                waiting = []
            elif word in ("ok", "[       OK ]"):
                self.add_all(waiting + [name], PASSED)
                waiting = []
            else:
                self.add_all(waiting + [re.sub(r": \w+: .*", "", name)], FAILED)
                waiting = []
        self.add_all(waiting, PASSED if good else FAILED)

    def add_all(self, names, outcome):
        for name in names:
            self.add(name, outcome)

    def add_interop(self, result):
        """One line of the report: the title stands behind the module and the world.

        A check of the matrix has its title in every cell.
        """
        cell = result.get("cell") or {}
        name = cell.get("title") or result["name"].split(": ", 1)[-1].splitlines()[0]
        self.add(name, SKIPPED if result.get("skipped") else PASSED if result["ok"] else FAILED)


def faults(named, results):
    """[(name, file, what)] of the tests that sources name and that did not pass, or ran under no such name."""
    found = []
    for name, file in named:
        outcome = results.outcome.get(name, "did not run")
        if outcome not in (PASSED, SKIPPED):
            found.append((name, file, outcome))
    return found
