#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""manual.py PROGRAM PAGE: each command that `sallyport --help` lists has its lines in the manual page: its SYNOPSIS
has the command and its options, COMMANDS tells about it."""
import re
import subprocess
import sys


def plain(roff):
    """The words of the page: without requests, fonts and escapes."""
    roff = re.sub(r"\\f.", "", roff.replace("\\-", "-"))
    return re.sub(r"^\.\w+ ?", "", roff, flags=re.M).replace('"', "")


def section(page, name):
    return re.search(r"^\.SH %s\n(.*?)(?=^\.SH )" % name, page, re.M | re.S).group(1)


def commands(program):
    listed = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  ([a-z-]+(?: [a-z]+)?) +[a-z]", listed, re.M)


def faults(program, page):
    synopsis = {}
    for part in re.split(r"^\.br$", section(page, "SYNOPSIS"), flags=re.M):
        words = plain(part).replace("sallyport", "", 1).replace("\n", " ")
        for name in words.split("[")[0].split("|"):
            synopsis[" ".join(re.findall(r"^\s*([a-z-]+(?: [a-z]+)?)", name))] = words
    told = plain(section(page, "COMMANDS"))
    for command in commands(program):
        if command not in synopsis:
            yield "SYNOPSIS has no `%s`" % command
            continue
        if not re.search(r"^(.*, )?%s\b" % command, told, re.M):
            yield "COMMANDS has no `%s`" % command
        usage = subprocess.run([program, *command.split(), "--help"], capture_output=True, text=True, check=True).stdout
        for option in sorted(set(re.findall(r"--[a-z-]+", usage.split("\n\n")[0])) - {"--help"}):
            if option not in synopsis[command]:
                yield "SYNOPSIS of `%s` has no %s" % (command, option)


def main(program, path):
    with open(path, encoding="utf-8") as f:
        found = list(faults(program, f.read()))
    for fault in found:
        print("%s: %s" % (path, fault))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
