#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The arrows between the folders of src/, read from the #include lines.

Each row: a folder, and the folders whose headers its files may include (its own always).
Prints each line that breaks a rule; the exit status is 1 if there is one.
"""
import os
import re
import sys

PARTS = ["base", "xml", "jid", "record", "policy", "route", "link", "bus", "s2s", "net", "config"]
ARROWS = {
    "base": [],
    "xml": ["base"],
    "jid": ["base"],
    "record": ["xml", "jid", "base"],
    "policy": ["record", "jid", "config", "base"],
    "route": ["base"],
    "link": ["base"],
    "bus": ["base"],
    "s2s": ["xml", "jid", "base"],
    "net": ["base"],
    "config": ["jid", "record", "base"],
    "node": PARTS,
    "outer": PARTS + ["node"],
    "inner": PARTS + ["node"],
    "cli": ["base", "jid", "config", "net"],
}
# Files that may include more than their folder: `sallyport check` looks at files as the daemons do.
EXCEPTIONS = {"cli/check.": ["node"]}

# Headers of libraries, and the only folders that may name them.
LIBRARIES = {
    "uv.h": ["net"],
    "openssl/": ["net"],
    "unbound.h": ["net"],
    "ldns/": ["inner"],
    "stringprep.h": ["jid"],
    "idna.h": ["jid"],
    "idn2.h": ["jid"],
    "hs": ["policy"],
    "hs/": ["policy"],
    "sqlite3.h": ["inner"],
    "nats/": ["net"],
    "nats.h": ["net"],
    "expat.h": [],
    "libxml/": [],
}

# Pure folders own no socket, timer or thread.
PURE = ["xml", "jid", "record", "policy", "route", "link", "bus", "s2s", "config"]
# (<arpa/inet.h>, which turns addresses into text and back, is no socket.)
IMPURE_HEADERS = ["sys/socket.h", "sys/un.h", "netdb.h", "poll.h", "sys/poll.h", "sys/epoll.h",
                  "sys/timerfd.h", "sys/select.h", "pthread.h", "threads.h", "signal.h",
                  "sys/wait.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def exception(path):
    for start, folders in EXCEPTIONS.items():
        if path.startswith(start):
            return folders
    return []


def matches(header, pattern):
    return header.startswith(pattern) if pattern.endswith("/") else header == pattern


def verdict(path, quote, header):
    """Why file `path` (relative to src/) may not include `header`, or None."""
    folder = path.split("/")[0]
    if quote == '"':
        target = header.split("/")[0] if "/" in header else folder
        if target == folder or target in ARROWS.get(folder, []) + exception(path):
            return None
        return "%s may not include %s/" % (folder, target)
    for pattern, folders in LIBRARIES.items():
        if matches(header, pattern) and folder not in folders:
            return "<%s> is named only in: %s" % (header, ", ".join(folders) or "nowhere")
    if folder in PURE and not exception(path):
        for pattern in IMPURE_HEADERS:
            if matches(header, pattern):
                return "%s owns no socket, timer or thread" % folder
    return None


def main(src):
    bad = 0
    for folder, _, files in os.walk(src):
        for name in sorted(files):
            if not name.endswith((".c", ".h", ".def", ".inc")):
                continue
            full = os.path.join(folder, name)
            path = os.path.relpath(full, src)
            if path.split("/")[0] not in ARROWS:
                print("%s: a folder that tests/lint/includes.py does not know" % full)
                bad += 1
                continue
            with open(full, errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    found = INCLUDE.match(line)
                    why = found and verdict(path, found.group(1), found.group(2))
                    if why:
                        print("%s:%d: %s" % (full, number, why))
                        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
