# SPDX-License-Identifier: Apache-2.0
"""Which tests prove which rows: the ids in the names of tests, as they stand in the sources."""
import ast
import os
import re

CITED = re.compile(r"(?<![A-Za-z0-9])(s2s|threats)[ _]((?:[A-L][1-9]\d?(?:,? |_|(?=[:.;,)\"]|$)))+)")
IDS = re.compile(r"[A-L][1-9]\d?")
C_TEXT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
C_TEST = re.compile(r"\bcmocka_unit_test\w*\(\s*(\w+)")
FOLDERS = ("unit", "scenario", "interop", "fuzz", "lint")


def cited(name):
    """[(table, id)] that a name cites."""
    return [(table, i) for table, ids in CITED.findall(name) for i in IDS.findall(ids)]


def c_names(text):
    """Names of cmocka tests, and string literals outside comments."""
    found = [m.group(0) for m in C_TEXT.finditer(text) if m.group(0)[0] == '"']
    bare = C_TEXT.sub(lambda m: "" if m.group(0)[0] == "/" else m.group(0), text)
    return [unescaped(f[1:-1]) for f in found] + C_TEST.findall(bare)


def unescaped(literal):
    return re.sub(r"\\(.)", r"\1", literal)


def python_names(text, interop):
    """Names of functions case_* and the first lines of their doc strings, and other strings."""
    tree = ast.parse(text)
    docs = set()
    names = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.Module, ast.ClassDef)):
            continue
        doc = node.body and isinstance(node.body[0], ast.Expr) and node.body[0].value
        if not isinstance(doc, ast.Constant) or not isinstance(doc.value, str):
            doc = None
        else:
            docs.add(doc)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("case_"):
            names.append(case_name(node.name, doc.value if doc else None, interop))
    names += [n.value for n in ast.walk(tree)
              if isinstance(n, ast.Constant) and isinstance(n.value, str) and n not in docs]
    return names


def case_name(function, doc, interop=False):
    """The name of a case: its function and the first line of its doc string; in interop that line alone."""
    first = doc.strip().splitlines()[0] if doc and doc.strip() else ""
    if interop:
        return first
    return "%s: %s" % (function, first) if first else function


def in_sources(top):
    """{(name, file below tests/): [(table, id)]} of all tests that cite a row."""
    found = {}
    for folder in FOLDERS:
        for where, below, files in os.walk(os.path.join(top, "tests", folder)):
            below[:] = sorted(b for b in below if b not in ("corpus", "__pycache__"))
            for file in sorted(files):
                path = os.path.join(where, file)
                for name in names_in(path, folder == "interop"):
                    if cited(name):
                        found[name, os.path.relpath(path, top + "/tests")] = cited(name)
    return found


def names_in(path, interop):
    ending = os.path.splitext(path)[1]
    if ending not in (".c", ".h", ".def", ".py"):
        return []
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return python_names(text, interop) if ending == ".py" else c_names(text)
