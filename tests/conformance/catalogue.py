# SPDX-License-Identifier: Apache-2.0
"""The two tables: reading them, and what a state may say."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ("s2s", "threats")
STATE = re.compile(r"(pending|(waived|not applicable): \S.*)?$")


class Fault(Exception):
    """A table says something it cannot mean."""


class Table:
    """rows: {id: {column: cell}} in the order of the file; sections: [(title, [id])]."""

    def __init__(self, name, lines):
        self.name, self.columns, self.rows, self.sections = name, None, {}, []
        for number, line in enumerate(lines, 1):
            try:
                self.take(line.rstrip("\n"))
            except Fault as fault:
                raise Fault("%s.table:%d: %s" % (name, number, fault)) from None

    def take(self, line):
        if not line or line.startswith("#"):
            return
        if line.startswith("== "):
            self.sections.append((line[3:], []))
            return
        cells = [cell.strip() for cell in re.split(r" \|(?: |$)", line)]
        if self.columns is None:
            self.columns = cells
            return
        if len(cells) == len(self.columns) - 1:
            cells.append("")
        if len(cells) != len(self.columns):
            raise Fault("%d cells, not %d" % (len(cells), len(self.columns)))
        row = dict(zip(self.columns, cells))
        self.judge(row)
        self.rows[row["id"]] = row
        self.sections[-1][1].append(row["id"])

    def judge(self, row):
        if not self.sections or not re.fullmatch(self.sections[-1][0][0] + r"[1-9]\d?", row["id"]):
            raise Fault("%s is in the wrong section" % row["id"])
        if row["id"] in self.rows:
            raise Fault("%s is there twice" % row["id"])
        if row["priority"] not in ("M", "S", "N"):
            raise Fault("priority %r" % row["priority"])
        if row.get("face", "both") not in ("both", "outer", "inner"):
            raise Fault("face %r" % row["face"])
        if not STATE.match(row["state"]):
            raise Fault("state %r" % row["state"])


def load(name):
    with open(os.path.join(HERE, name + ".table"), encoding="utf-8") as lines:
        return Table(name, lines)


def missing(table, have):
    """Ids of rows that must have a test and have none, and say nothing about it."""
    return [i for i, row in table.rows.items()
            if i not in have and row["priority"] != "N" and not row["state"]]


def pending(table, have):
    return [i for i, row in table.rows.items() if row["state"] == "pending" and i not in have]


def stale(table, have):
    """Ids of rows that excuse themselves though they have a test."""
    return [i for i, row in table.rows.items()
            if row["state"] and row["state"] != "pending" and i in have]
