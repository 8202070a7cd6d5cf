#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The machinery of the tables: what it reads in names, tables and logs, and what it must not miss."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import catalogue  # noqa: E402
import names  # noqa: E402
import report  # noqa: E402
from results import Results, faults  # noqa: E402

CITED = [
    ("s2s A7 no version", "s2s A7"),
    ("threats B1, B2 bad bytes", "threats B1, threats B2"),
    ("threats B1 B2: bad bytes", "threats B1, threats B2"),
    ("case_s2s_C16_threats_E22_no_relay", "s2s C16, threats E22"),
    ("test_threats_L3", "threats L3"),
    ("s2s C4 threats E13 pairs", "s2s C4, threats E13"),
    ("case_pair: threats G1", "threats G1"),
    ("doc/threats.md L3", ""),
    ("A7 no version", ""),
    ("threats A0 none", ""),
    ("threats A1b none", ""),
]
SOURCE_C = r'''
/* "threats A1 in a comment" */
static struct row rows[] = { { "threats A2 \"quoted\"", 1 }, { "plain", '"' } };
	cmocka_unit_test(test_threats_A3_x),
	cmocka_unit_test_setup(test_plain, NULL),
'''
SOURCE_PYTHON = '''
"""threats A1 in the text of a module"""
def case_threats_A2_x(world):
    """What it does.

    threats A9 further down
    """
ROWS = [("threats A3 row", 1)]
'''
HEAD = ["id | priority | face | requirement | state", "== A. Letters"]
TABLES = [
    ("A1 | M | both | a | pending | b", "6 cells"), ("B1 | M | both | a", "wrong section"),
    ("A1 | X | both | a", "priority"), ("A1 | M | here | a", "face"), ("A1 | M | both | a | later", "state"),
    ("A1 | M | both | a | waived:", "state"),
]
LOG = """[ RUN      ] one
row    row a
[       OK ] one
[ RUN      ] two
row    row b
[ RUN      ] three
row    row c
[  FAILED  ] three
row    row d
ok     case_four: threats A4
row    row e
FAILED case_five: threats A5: Failure: it: broke
row    row f
"""


def cited_rows(name):
    return ", ".join("%s %s" % row for row in names.cited(name))


def table_fault(line):
    try:
        catalogue.Table("t", HEAD + [line])
    except catalogue.Fault as fault:
        return str(fault)
    return "none"


def gap_words(state, have):
    table = catalogue.Table("s2s", HEAD + ["A1 | M | both | a | " + state])
    wrong, later = report.gaps({"s2s": table}, {("s2s A1 x", "f.c"): [("s2s", "A1")]} if have else {})
    return " ".join(wrong + later)


def wrongs():
    for name, want in CITED:
        if cited_rows(name) != want:
            yield "%r cites %r" % (name, cited_rows(name))
    found = [n for n in names.c_names(SOURCE_C) if names.cited(n)]
    if found != ['threats A2 "quoted"', "test_threats_A3_x"]:
        yield "C: %s" % found
    found = [n for n in names.python_names(SOURCE_PYTHON, False) if names.cited(n)]
    if found != ["case_threats_A2_x: What it does.", "threats A3 row"]:
        yield "Python: %s" % found
    for line, want in TABLES:
        if want not in table_fault(line):
            yield "%r: %s" % (line, table_fault(line))
    yield from wrong_results()
    yield from wrong_gaps()


def wrong_results():
    results = Results()
    results.add_program(LOG, False)
    results.add_interop({"name": "m/w: threats A6 x", "ok": True, "skipped": "no"})
    got = {name: how for name, how in results.outcome.items() if how == "passed"}
    if sorted(got) != ["case_four: threats A4", "one", "row a", "row d"]:
        yield "passed: %s" % sorted(got)
    for name, want in (("row b", "failed"), ("row c", "failed"), ("row f", "failed"), ("threats A6 x", "skipped"),
                       ("case_five: threats A5", "failed"), ("row e", "failed")):
        if results.outcome.get(name) != want:
            yield "%s: %s" % (name, results.outcome.get(name))
    bad = faults({("row a", "f"): [], ("row c", "f"): [], ("row x", "f"): []}, results)
    if [(name, how) for name, _, how in bad] != [("row c", "failed"), ("row x", "did not run")]:
        yield "faults: %s" % bad


def wrong_gaps():
    for state, have, want in (("", True, ""),
                              ("", False, "s2s A1: no test and no reason"),
                              ("pending", False, "s2s A1"),
                              ("pending", True, ""), ("waived: so", False, ""),
                              ("waived: so", True, "s2s A1 has a test: its state must go")):
        if gap_words(state, have) != want:
            yield "state %r: %r" % (state, gap_words(state, have))


if __name__ == "__main__":
    bad = list(wrongs())
    print("\n".join(bad))
    sys.exit(1 if bad else 0)
