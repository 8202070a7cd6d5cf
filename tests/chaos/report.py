# SPDX-License-Identifier: Apache-2.0
"""The table of a campaign, and what counts as a failure."""
import json
import sys

HEAD = ("fault", "acks", "way", "sent", "lost", "twice", "disorder", "bounced", "pairs", "gap ms", "worst",
        "others p99")
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"
FORMAT = "%-30s %-4s %-3s %7s %5s %6s %8s %7s %5s %7s %7s %10s"


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.rows = []
        print(FORMAT % HEAD, flush=True)

    def add(self, fault, acks, result):
        wrong = []
        for way, got in result.items():
            print(FORMAT % (fault.name, "yes" if acks else "no", way, got["made"], got["lost"], got["duplicated"],
                            got["disordered"], got["bounced"], got["touched"], "%.0f" % got["gap"],
                            "%.0f" % got["worst"], "%.1f" % got["p99"]), flush=True)
            wrong += ["%s: %d %s" % (way, got[what], what) for what in fault.safe[acks] if got[what]]
            self.rows.append(dict(got, fault=fault.name, acks=acks, way=way))
        if wrong:
            print("FAILED: %s: %s" % (fault.name, "; ".join(wrong)), flush=True)
        self.failed += bool(wrong)
        self.passed += not wrong

    def broke(self, fault, acks, error):
        print("FAILED: %s: %s" % (fault.name, error), flush=True)
        self.failed += 1

    def left_out(self, fault, why):
        print("%-30s left out: %s" % (fault.name, why), flush=True)

    def end(self, path, document):
        if path:
            with open(path, "w") as out:
                json.dump(self.rows, out, indent=1)
        if document:
            self.write(document)
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.stdout.flush()

    def write(self, path):
        with open(path) as old:
            before, _, rest = old.read().partition(BEGIN)
        after = rest.partition(END)[2]
        lines = ["| fault | acks | way | sent | lost | twice | out of order | bounced | pairs touched | gap ms | worst "
                 "| others' p99 ms |", "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
        lines += ["| %s | %s | %s | %d | %d | %d | %d | %d | %d | %.0f | %.0f | %.1f |" % (
            r["fault"], "yes" if r["acks"] else "no", r["way"], r["made"], r["lost"], r["duplicated"], r["disordered"],
            r["bounced"], r["touched"], r["gap"], r["worst"], r["p99"]) for r in self.rows]
        with open(path, "w") as out:
            out.write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)
