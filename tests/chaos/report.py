# SPDX-License-Identifier: Apache-2.0
"""The table of a campaign, what counts as a failure, and what is over the targets."""
import json
import sys

GAP_MS, P99_MS = 1500, 50  # the targets: of a take-over, and of the delay of others meanwhile
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"


def whole(name):
    return lambda row: "%.0f" % row[name]


# Head in the terminal, its width there, head in the document, text of the cell
COLUMNS = [
    ("fault", -50, "fault", lambda row: row["fault"]),
    ("acks", -4, "acks", lambda row: "yes" if row["acks"] else "no"),
    ("way", -3, "way", lambda row: row["way"]),
    ("sent", 6, "sent", whole("made")),
    ("lost", 5, "lost", whole("lost")),
    ("twice", 6, "twice", whole("duplicated")),
    ("fenced", 6, "by fenced", lambda row: "-" if row["fenced"] is None else str(row["fenced"])),
    ("disorder", 8, "out of order", whole("disordered")),
    ("bounced", 7, "bounced", whole("bounced")),
    ("pairs", 5, "pairs touched", whole("touched")),
    ("gap ms", 6, "gap ms", whole("gap")),
    ("worst", 6, "worst", whole("worst")),
    ("others p99", 10, "others' p99 ms", lambda row: "%.1f" % row["p99"]),
    ("over", -8, "over", lambda row: " ".join(over(row))),
]


def over(row):
    """The targets that the row misses: they fail no run, but nobody shall overlook them."""
    return ["gap"] * (row["worst"] > GAP_MS) + ["p99"] * (row["p99"] > P99_MS)


def line(cells):
    return " ".join(cell.ljust(-width) if width < 0 else cell.rjust(width)
                    for cell, (_, width, _, _) in zip(cells, COLUMNS)).rstrip()


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.rows = []
        print(line([column[0] for column in COLUMNS]), flush=True)

    def add(self, fault, acks, result):
        wrong = []
        for way, got in result.items():
            row = dict(got, fault=fault.name, acks=acks, way=way)
            self.rows.append(row)
            print(line([text(row) for _, _, _, text in COLUMNS]), flush=True)
            wrong += ["%s: %d %s" % (way, got[what], what) for what in fault.safe[acks] if got[what]]
        if wrong:
            print("FAILED: %s: %s" % (fault.name, "; ".join(wrong)), flush=True)
        self.failed += bool(wrong)
        self.passed += not wrong

    def broke(self, fault, acks, error):
        print("FAILED: %s: %s" % (fault.name, error), flush=True)
        self.failed += 1

    def left_out(self, fault, why):
        print("%-50s left out: %s" % (fault.name, why), flush=True)

    def end(self, path, document):
        if path:
            with open(path, "w") as out:
                json.dump(self.rows, out, indent=1)
        if document:
            self.write(document)
        self.tell_over()
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.stdout.flush()

    def tell_over(self):
        for target, text in (("gap", "a gap over %d ms" % GAP_MS), ("p99", "others' p99 over %d ms" % P99_MS)):
            names = ["%s (%s, %s)" % (r["fault"], r["way"], "acks" if r["acks"] else "no acks")
                     for r in self.rows if target in over(r)]
            print("%d of %d lines have %s%s" % (len(names), len(self.rows), text,
                                               ": " + "; ".join(names) if names else ""))

    def write(self, path):
        with open(path) as old:
            before, _, rest = old.read().partition(BEGIN)
        after = rest.partition(END)[2]
        lines = ["| " + " | ".join(column[2] for column in COLUMNS) + " |",
                 "|" + "|".join("---" if width < 0 else "--:" for _, width, _, _ in COLUMNS) + "|"]
        lines += ["| " + " | ".join(text(row) for _, _, _, text in COLUMNS) + " |" for row in self.rows]
        with open(path, "w") as out:
            out.write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)
