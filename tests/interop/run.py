#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Run the interop cases: real servers on both sides of the gateway.

A module case_*.py here has WORLDS, {label: settings of lab.world.World}, and functions
case_*(world), whose doc strings are their titles. Each world is built once and runs all the
cases of its module, in order, in a process of its own; two worlds run at a time.

    run.py --build build                     everything
    run.py --build build federation          the modules or worlds whose names contain the word
    run.py --build build --list
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

from lab.expect import Skip  # noqa: E402
from lab.proc import die_with_parent  # noqa: E402
from lab.world import World  # noqa: E402

WORLD_SECONDS = 240


def modules():
    return sorted(name[:-3] for name in os.listdir(HERE)
                  if name.startswith("case_") and name.endswith(".py"))


def worlds():
    """Every (module, label)."""
    return [(name, label) for name in modules()
            for label in importlib.import_module(name).WORLDS]


def cases(module):
    found = [getattr(module, n) for n in dir(module) if n.startswith("case_")]
    return sorted(found, key=lambda f: f.__code__.co_firstlineno)


def run_world(module_name, label, args):
    """In a process of its own: one JSON line for each case, on stdout."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    module = importlib.import_module(module_name)
    titles = [(case, "%s/%s: %s" % (module_name[5:], label, case.__doc__.strip()))
              for case in cases(module)]
    settings = dict(module.WORLDS[label], build=os.path.abspath(args.build))
    if args.net:
        settings["net"] = args.net
    if args.direct:
        settings["mode"] = "direct"
    done = 0
    try:
        with World(**settings) as world:
            for case, title in titles:
                emit(run_case(case, title, world))
                done += 1
    except Exception:
        detail = traceback.format_exc()
        for _, title in titles[done:]:
            emit({"name": title, "ok": False, "seconds": 0, "detail": detail})
            detail = "as above"


def run_case(case, title, world):
    start = time.time()
    result = {"name": title, "ok": True, "detail": ""}
    try:
        case(world)
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
    name = "%s/%s" % (module_name[5:], label)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WORLD_SECONDS,
                              preexec_fn=lambda: die_with_parent(signal.SIGTERM))
        output, trouble = done.stdout, done.stderr if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode()
        trouble = "still running after %d s" % WORLD_SECONDS
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--report", help="write one JSON line for each case to this file")
    parser.add_argument("--net", choices=["namespaces", "loopback"])
    parser.add_argument("--direct", action="store_true",
                        help="the servers on one wire: tests the cases, not the gateway")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
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
    bad = 0
    report = open(args.report, "w") if args.report else None
    with ThreadPoolExecutor(args.jobs) as pool:
        for results in pool.map(lambda w: child(*w, args), chosen):
            for result in results:
                show(result)
                bad += not result["ok"]
                if report:
                    report.write(json.dumps(result) + "\n")
    if report:
        report.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
