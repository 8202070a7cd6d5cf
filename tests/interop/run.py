#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run the interop cases: real servers on both sides of the gateway.

A module case_*.py here has WORLDS, {label: settings of lab.world.World}, and functions
case_*(world), whose doc strings are their titles. Each world is built once and runs all the
cases of its module, in order, in a process of its own; two worlds run at a time.

    run.py --build build                     everything
    run.py --build build federation          the modules or worlds whose names contain the word
    run.py --build build matrix --write-table
    run.py --build build --list

A module may also have cells(label), the cases of a world as (title, cell, function); a cell is a place in the
table of doc/interop.md.
"""
import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import table  # noqa: E402
from lab.expect import Skip  # noqa: E402
from lab.proc import die_with_parent  # noqa: E402
from lab.world import World  # noqa: E402

WORLD_SECONDS = 240
TABLE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "doc", "interop.md")


def modules():
    return sorted(name[:-3] for name in os.listdir(HERE)
                  if name.startswith("case_") and name.endswith(".py"))


def worlds():
    """Every (module, label)."""
    return [(name, label) for name in modules()
            for label in importlib.import_module(name).WORLDS]


def cases(module, label):
    """(title, cell or None, function) of every case: those of cells(), or the functions case_*."""
    if hasattr(module, "cells"):
        return list(module.cells(label))
    found = [getattr(module, n) for n in dir(module) if n.startswith("case_")]
    return [(case.__doc__.strip(), None, case)
            for case in sorted(found, key=lambda f: f.__code__.co_firstlineno)]


def run_world(module_name, label, args):
    """In a process of its own: one JSON line for each case, on stdout."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    module = importlib.import_module(module_name)
    todo = [("%s/%s: %s" % (module_name[5:], label, title),
             cell and dict(cell, world=label), case)
            for title, cell, case in cases(module, label)
            if all(word in title for word in args.case)]
    settings = dict(module.WORLDS[label], build=os.path.abspath(args.build))
    if args.net:
        settings["net"] = args.net
    if args.direct:
        settings["mode"] = "direct"
    done = 0
    try:
        with getattr(module, "World", World)(**settings) as world:
            for title, cell, case in todo:
                emit(run_case(case, title, cell, world))
                done += 1
    except Exception:
        detail = traceback.format_exc()
        for title, cell, _ in todo[done:]:
            emit({"name": title, "cell": cell, "ok": False, "seconds": 0, "detail": detail})
            detail = "as above"


def run_case(case, title, cell, world):
    start = time.time()
    result = {"name": title, "cell": cell, "ok": True, "detail": ""}
    try:
        result["note"] = case(world)
    except Skip as reason:
        result["skipped"] = str(reason)
    except Exception:
        result["ok"] = False
        result["detail"] = traceback.format_exc() + world.logs()
    finally:
        world.end_case()
    result["seconds"] = round(time.time() - start, 2)
    return result


def emit(result):
    print(json.dumps(result), flush=True)


def child(module_name, label, args):
    """The results of one world, whatever becomes of its process."""
    command = [sys.executable, os.path.abspath(__file__), "--build", args.build,
               "--world", module_name, label]
    command += ["--net", args.net] if args.net else []
    command += ["--direct"] if args.direct else []
    for word in args.case:
        command += ["--case", word]
    seconds = getattr(importlib.import_module(module_name), "WORLD_SECONDS", WORLD_SECONDS)
    name = "%s/%s" % (module_name[5:], label)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds,
                              preexec_fn=lambda: die_with_parent(signal.SIGTERM))
        output, trouble = done.stdout, done.stderr if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode()
        trouble = "still running after %d s" % seconds
    results = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if trouble:
        results.append({"name": name, "ok": False, "seconds": 0, "detail": trouble})
    return results


def show(result):
    word = "skip" if result.get("skipped") else "ok" if result["ok"] else "FAILED"
    print("%-6s %s (%.1f s)%s" % (word, result["name"], result["seconds"],
                                  ": " + result["skipped"] if result.get("skipped") else ""))
    if not result["ok"]:
        print(result["detail"])
    sys.stdout.flush()


def matrix_result(results, path, write):
    """The table of all cells, and whether doc/interop.md shows the same. None: they did not all run."""
    import case_matrix
    cells = [dict(r["cell"], state="ok" if r["ok"] and not r.get("skipped") else "",
                  note=r.get("skipped") or (r.get("note") if r["ok"] else "FAILED"))
             for r in results if r.get("cell")]
    wanted = sum(len(list(case_matrix.cells(label))) for label in case_matrix.WORLDS)
    if len(cells) < wanted or all(r.get("skipped") for r in results if r.get("cell")):
        return None
    text = table.render(cells, case_matrix.versions())
    if write:
        with open(path, "w") as out:
            out.write(text)
    with open(path) as kept:
        same = table.same_cells(text, kept.read())
    return {"name": "matrix/table: doc/interop.md shows the cells of this run", "ok": same,
            "seconds": 0, "table": text,
            "detail": "" if same else "they differ; `make interop` writes it anew\n" + text}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--report", help="write one JSON line for each case to this file")
    parser.add_argument("--net", choices=["namespaces", "loopback"])
    parser.add_argument("--direct", action="store_true",
                        help="the servers on one wire: tests the cases, not the gateway")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write-table", action="store_true", help="write doc/interop.md")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--case", action="append", default=[],
                        help="only cases with this word in their title (may be repeated)")
    parser.add_argument("--world", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.world:
        return run_world(*args.world, args)
    chosen = [w for w in worlds()
              if not args.words or any(word in "/".join(w) for word in args.words)]
    if args.list:
        for world in chosen:
            print("/".join(world))
        return 0
    everything = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for results in pool.map(lambda w: child(*w, args), chosen):
            for result in results:
                show(result)
                everything.append(result)
    matrix = matrix_result(everything, TABLE, args.write_table)
    if matrix:
        print("\n" + matrix["table"])
        show(matrix)
        everything.append(matrix)
    if args.report:
        with open(args.report, "w") as report:
            for result in everything:
                report.write(json.dumps(result) + "\n")
    return 0 if all(r["ok"] for r in everything) else 1


if __name__ == "__main__":
    sys.exit(main())
