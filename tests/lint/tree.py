#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every file and folder of the tree must have.

Each folder of src/ that has sources: a README.md. Each source file: one SPDX line near its top,
no // comment lines in C, no line over 120 columns (tabs of 8), no blanks at line ends.
"""
import os
import re
import sys

SOURCES = (".c", ".h")
SCRIPTS = (".py", ".sh")
COMMENT = re.compile(r"(^|[;{}\s])//")
MAX_COLUMNS = 120
MAX_LINES = 800


def files_below(top, folders, endings):
    for folder in folders:
        for where, below, names in os.walk(os.path.join(top, folder)):
            below[:] = [b for b in below if b not in ("corpus", "__pycache__")]
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.join(where, name)


def without_strings(line):
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/', '""', line)


def faults(path):
    with open(path, encoding="utf-8") as text:
        lines = text.read().split("\n")
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:5]):
        yield 1, "no SPDX line in the first five"
    if len(lines) > MAX_LINES:
        yield len(lines), "more than %d lines" % MAX_LINES
    in_comment = False
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if len(line.expandtabs(8)) > MAX_COLUMNS:
            yield number, "over %d columns" % MAX_COLUMNS
        if path.endswith(SOURCES):
            bare = without_strings(line)
            if not in_comment and not line.lstrip().startswith("*") and COMMENT.search(bare):
                yield number, "a // comment"
            if "/*" in bare:
                in_comment = True
            if "*/" in bare:
                in_comment = False


def main(top):
    bad = 0
    for folder in sorted(os.listdir(top + "/src")):
        path = os.path.join(top, "src", folder)
        if os.path.exists(path + "/meson.build") and not os.path.exists(path + "/README.md"):
            print("%s: no README.md" % path)
            bad += 1
    paths = list(files_below(top, ["src", "tests", "bench"], SOURCES))
    paths += list(files_below(top, ["scripts", "tests", "bench"], SCRIPTS))
    for path in paths:
        for number, what in faults(path):
            print("%s:%d: %s" % (path, number, what))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
