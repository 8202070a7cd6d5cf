#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The documents of the two catalogues: report.py [--check] TOP writes, or compares, doc/{conformance,threats}.md."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import catalogue  # noqa: E402
import names  # noqa: E402


DOCUMENT = {"s2s": "conformance", "threats": "threats"}
COLUMNS = {
    "s2s": (("id", "id"), ("", "priority"), ("face", "face"), ("requirement", "requirement"),
            ("source", "source"), ("Sallyport", None), ("Prosody", "Prosody"), ("ejabberd", "ejabberd"),
            ("jabberd2", "jabberd2"), ("Openfire", "Openfire")),
    "threats": (("id", "id"), ("input", "input"), ("safe behaviour", "safe behaviour"), ("Sallyport", None)),
}
GENERATED = "<!-- Written by `make conformance` from tests/conformance/%s.table and the names of the tests. -->\n\n"


def proofs(table, named):
    """{id: {file: [name]}} of the tests of a table's rows."""
    found = {}
    for (name, file), rows in sorted(named.items(), key=lambda item: (item[0][1], item[0][0])):
        for which, i in rows:
            if which == table.name:
                found.setdefault(i, {}).setdefault(file, []).append(name)
    return found


def verdict(row, tests):
    if tests:
        count = sum(len(found) for found in tests.values())
        return "pass ([%d](#tests-%s))" % (count, row["id"].lower())
    return row["state"] or "no"


def text_cell(text):
    return text.replace("|", "\\|")


def table_rows(table, have):
    columns = COLUMNS[table.name]
    for title, ids in table.sections:
        yield "\n## %s\n\n" % title
        yield "|%s|\n|%s|\n" % ("|".join(" %s " % head for head, _ in columns), "|".join("---" for _ in columns))
        for i in ids:
            row = table.rows[i]
            cells = [text_cell(row[key]) if key else text_cell(verdict(row, have.get(i))) for _, key in columns]
            yield "|%s|\n" % "|".join(" %s " % cell for cell in cells)


def test_list(table, have):
    yield "\n# The tests\n"
    for i in table.rows:
        if i not in have:
            continue
        yield '\n<a id="tests-%s"></a>**%s**\n\n' % (i.lower(), i)
        for file, found in have[i].items():
            for name in found:
                yield "- `%s`: %s\n" % (file, "`%s`" % name.replace("`", "'"))


def document(table, named):
    have = proofs(table, named)
    with open(os.path.join(HERE, DOCUMENT[table.name] + ".head.md"), encoding="utf-8") as head:
        parts = [GENERATED % table.name, head.read()]
    parts += list(table_rows(table, have)) + list(test_list(table, have))
    return "".join(parts)


def strangers(tables, named):
    """Names that cite rows which do not exist."""
    for (name, file), rows in named.items():
        for which, i in rows:
            if i not in tables[which].rows:
                yield "tests/%s: %r cites %s %s, which is not in the table" % (file, name, which, i)


def gaps(tables, named):
    """What is wrong with the tables, and what is still to be written."""
    wrong, later = [], []
    for table in tables.values():
        have = proofs(table, named)
        wrong += ["%s %s: no test and no reason" % (table.name, i) for i in catalogue.missing(table, have)]
        wrong += ["%s %s has a test: its state must go" % (table.name, i) for i in catalogue.stale(table, have)]
        later += ["%s %s" % (table.name, i) for i in catalogue.pending(table, have)]
    return wrong, later


def load():
    return {name: catalogue.load(name) for name in catalogue.NAMES}


def stale_documents(top, tables, named):
    for name, table in tables.items():
        path = os.path.join(top, "doc", DOCUMENT[name] + ".md")
        text = document(table, named)
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            yield "doc/%s.md is not what the tables and the tests say: make conformance" % DOCUMENT[name]


def write_documents(top, tables, named):
    for name, table in tables.items():
        with open(os.path.join(top, "doc", DOCUMENT[name] + ".md"), "w", encoding="utf-8") as file:
            file.write(document(table, named))


def main(arguments):
    check = arguments[:1] == ["--check"]
    top = arguments[-1]
    try:
        tables = load()
    except catalogue.Fault as fault:
        print(fault)
        return 1
    named = names.in_sources(top)
    wrong, later = gaps(tables, named)
    wrong += list(strangers(tables, named))
    if check:
        wrong += list(stale_documents(top, tables, named))
    else:
        write_documents(top, tables, named)
    print("\n".join(wrong))
    if later:
        print("pending: " + ", ".join(later))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
