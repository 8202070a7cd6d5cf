#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Build and run every test; the last line is "N passed, N failed" for the whole.

    build        gcc, with all warnings as errors: unit, fuzz replay, lint, scenario
    build-asan   gcc with ASan and UBSan:          unit, fuzz replay, scenario
    build-clang  clang: builds
    interop      real servers, see tests/interop

scripts/test.py [STAGE...] runs only those stages: gcc, asan, clang, interop.
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
ASAN = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def fail(self, name, text, lines=40):
        self.add(0, 1)
        report_failure(name, text, lines)


def report_failure(name, text, lines=40):
    """The end of a log; before it the failed assertions, which cmocka may have printed early."""
    rows = text.rstrip().splitlines()
    early = [r for r in rows[:-lines] if re.match(r"\[  (ERROR|FAILED|LINE) |.*runtime error:|==.*ERROR", r)]
    print("\n--- FAILED: %s" % name)
    print("\n".join(early[:40] + rows[-lines:]))
    print("---\n", flush=True)


def stage_line(name, before, tally, start):
    passed, failed = tally.passed - before.passed, tally.failed - before.failed
    skipped = tally.skipped - before.skipped
    print("%-34s %5d passed %4d failed%s  %6.1f s" % (
        name, passed, failed, " %d skipped" % skipped if skipped else "", time.time() - start),
        flush=True)


def copy_of(tally):
    copy = Tally()
    copy.add(tally.passed, tally.failed, tally.skipped)
    return copy


def build(tally, folder, options=(), compiler="gcc"):
    """True if it built; a failed build counts as one failed test."""
    start, before = time.time(), copy_of(tally)
    done = subprocess.run([TOP + "/scripts/build", folder, *options], cwd=TOP, text=True,
                          capture_output=True, env=dict(os.environ, CC=compiler))
    if done.returncode != 0:
        tally.fail("build of " + folder, done.stdout + done.stderr)
    else:
        tally.add(1, 0)
    stage_line("build %s (%s)" % (folder, compiler), before, tally, start)
    return done.returncode == 0


def cases_of(result):
    """How many cases one test program ran: cmocka says so, others count as one."""
    text = result.get("stdout", "") + result.get("stderr", "")
    good = result["result"] in GOOD
    if result["result"] in SKIPPED:
        return 0, 0, 1
    ran = sum(int(n) for n in re.findall(r"^\[=+\] (?:\S+: )?(\d+) test\(s\) run", text, re.M))
    bad = sum(int(n) for n in re.findall(r"^\[  FAILED  \] (?:\S+: )?(\d+) test\(s\)", text, re.M))
    if not ran:
        return (1, 0, 0) if good else (0, 1, 0)
    if not good:
        bad = max(bad, 1)
    return max(ran - bad, 0), bad, 0


def meson_tests(tally, folder, suites):
    """Run suites of a build folder and count what testlog.json tells."""
    log = "%s/%s/meson-logs/testlog.json" % (TOP, folder)
    for suite in suites:
        start, before = time.time(), copy_of(tally)
        if os.path.exists(log):
            os.unlink(log)
        done = subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "--suite", suite],
                              cwd=TOP, capture_output=True, text=True,
                              env=dict(os.environ, **SANITIZERS))
        results = []
        if os.path.exists(log):
            with open(log) as lines:
                results = [json.loads(line) for line in lines]
        if not results and done.returncode != 0 and "No suitable tests" not in done.stdout:
            tally.fail("meson test of %s in %s" % (suite, folder), done.stdout + done.stderr)
        for result in results:
            passed, failed, skipped = cases_of(result)
            tally.add(passed, failed, skipped)
            if failed:
                report_failure("%s: %s (%s)" % (folder, result["name"], result["result"]),
                               result.get("stdout", "") + result.get("stderr", ""))
        stage_line("%s: %s" % (folder, suite), before, tally, start)


def interop(tally):
    start, before = time.time(), copy_of(tally)
    report = TOP + "/build/interop.json"
    if os.path.exists(report):
        os.unlink(report)
    done = subprocess.run([sys.executable, "tests/interop/run.py", "--build", "build",
                           "--report", report], cwd=TOP, capture_output=True, text=True)
    results = []
    if os.path.exists(report):
        with open(report) as lines:
            results = [json.loads(line) for line in lines]
    for result in results:
        if result.get("skipped"):
            print("skipped: %s: %s" % (result["name"], result["skipped"]))
            tally.add(0, 0, 1)
        elif result["ok"]:
            tally.add(1, 0)
        else:
            tally.fail(result["name"], result["detail"], 80)
    if done.returncode != 0 and all(r.get("ok") for r in results):
        tally.fail("interop runner", done.stdout + done.stderr)
    stage_line("interop", before, tally, start)


def main(stages):
    def wanted(stage):
        return not stages or stage in stages

    tally = Tally()
    start = time.time()
    os.chdir(TOP)
    built = (wanted("gcc") or wanted("interop")) and build(tally, "build")
    if built and wanted("gcc"):
        meson_tests(tally, "build", ["unit", "fuzz", "lint", "scenario"])
    if wanted("asan") and build(tally, "build-asan", ASAN):
        meson_tests(tally, "build-asan", ["unit", "fuzz", "scenario"])
    if wanted("clang"):
        build(tally, "build-clang", compiler="clang")
    if built and wanted("interop"):
        interop(tally)
    print("\n%.0f s%s" % (time.time() - start,
                          ", %d skipped" % tally.skipped if tally.skipped else ""))
    print("%d passed, %d failed" % (tally.passed, tally.failed))
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
