#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Build and run every test; the last line is "N passed, N failed" for the whole.

    build        gcc, with all warnings as errors: unit, fuzz replay, lint, scenario, model
    interop      real servers, see tests/interop
    chaos        the short form of the fault campaign, see tests/chaos
    build-asan   gcc with ASan and UBSan:          unit, fuzz replay, scenario
    build-clang  clang: builds
    valgrind     the build of gcc under memcheck:  those scenarios that bear it

The first two and the others run beside each other, in two lanes. After the first two: each test
that proves a row of tests/conformance must have run and passed.
scripts/test.py [STAGE...] runs only those stages: gcc, interop, chaos, asan, clang, valgrind.
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
sys.path[:0] = [TOP + "/tests/interop", TOP + "/tests/conformance"]
sys.dont_write_bytecode = True
from lab.proc import die_with_parent  # noqa: E402
import names  # noqa: E402
import report  # noqa: E402
from results import Results, faults  # noqa: E402

# What was freed, and is kept to notice its use, counts as memory of a node, which tests look at.
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:quarantine_size_mb=16",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# No check for leaks: that is ASan's, and OpenSSL keeps something for each thread of the pool.
VALGRIND = {"SALLYPORT_UNDER": "valgrind -q --error-exitcode=99"}
ASAN = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"]


def run(command, **env):
    """Run it to its end, its output kept; it ends when our thread does."""
    return subprocess.run(command, cwd=TOP, text=True, capture_output=True, errors="replace",
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **env),
                          preexec_fn=lambda: die_with_parent(signal.SIGTERM))


class Tally:
    """What was counted; and, for the tables of tests/conformance, which named tests ran."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.named = Results()

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
    early = [r for r in rows[:-lines] if re.match(r"FAILED |\[  (ERROR|FAILED|LINE) |.*runtime error:|==.*ERROR", r)]
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
    done = run([TOP + "/scripts/build", folder, *options], CC=compiler)
    if done.returncode != 0:
        tally.fail("build of " + folder, done.stdout + done.stderr)
    else:
        tally.add(1, 0)
    stage_line("build %s (%s)" % (folder, compiler), before, tally, start)
    return done.returncode == 0


def cases_of(result):
    """How many cases one test program ran: cmocka and the scenarios say so, others count as one."""
    text = result.get("stdout", "") + result.get("stderr", "")
    good = result["result"] in GOOD
    if result["result"] in SKIPPED:
        return 0, 0, 1
    ran = sum(int(n) for n in re.findall(r"^\[=+\] (?:\S+: )?(\d+) test\(s\) run", text, re.M))
    bad = sum(int(n) for n in re.findall(r"^\[  FAILED  \] (?:\S+: )?(\d+) test\(s\)", text, re.M))
    said = re.search(r"^(\d+) passed, (\d+) failed$", text, re.M)
    if said and not ran:
        bad = int(said.group(2))
        ran = int(said.group(1)) + bad
    if not ran:
        return (1, 0, 0) if good else (0, 1, 0)
    if not good:
        bad = max(bad, 1)
    return max(ran - bad, 0), bad, 0


def meson_tests(tally, folder, suites, logbase="testlog", options=(), **env):
    """Run suites of a build folder and count what the log tells."""
    log = "%s/%s/meson-logs/%s.json" % (TOP, folder, logbase)
    for suite in suites:
        start, before = time.time(), copy_of(tally)
        if os.path.exists(log):
            os.unlink(log)
        done = run(["meson", "test", "-C", folder, "--no-rebuild", "--suite", suite, "--logbase", logbase,
                    *options], **SANITIZERS, **env)
        results = []
        if os.path.exists(log):
            with open(log) as lines:
                results = [json.loads(line) for line in lines]
        if not results and done.returncode != 0 and "No suitable tests" not in done.stdout:
            tally.fail("meson test of %s in %s" % (suite, folder), done.stdout + done.stderr)
        for result in results:
            passed, failed, skipped = cases_of(result)
            tally.add(passed, failed, skipped)
            tally.named.add_program(result.get("stdout", ""), result["result"] in GOOD)
            if failed:
                report_failure("%s: %s (%s)" % (folder, result["name"], result["result"]),
                               result.get("stdout", "") + result.get("stderr", ""))
        stage_line("%s: %s" % (folder if not env else logbase, suite), before, tally, start)


def interop(tally):
    start, before = time.time(), copy_of(tally)
    report = TOP + "/build/interop.json"
    if os.path.exists(report):
        os.unlink(report)
    done = run([sys.executable, "tests/interop/run.py", "--build", "build", "--report", report])
    results = []
    if os.path.exists(report):
        with open(report) as lines:
            results = [json.loads(line) for line in lines]
    for result in results:
        tally.named.add_interop(result)
        if result.get("skipped"):
            print("skipped: %s: %s" % (result["name"], result["skipped"]))
            tally.add(0, 0, 1)
        elif result["ok"]:
            tally.add(1, 0)
        else:
            tally.fail(result["name"], result["detail"], 80)
        if result.get("table"):
            print("\n" + result["table"], flush=True)
    if done.returncode != 0 and all(r.get("ok") for r in results):
        tally.fail("interop runner", done.stdout + done.stderr)
    stage_line("interop", before, tally, start)


def chaos(tally):
    """The short form of the fault campaign: a few faults, less traffic. Nothing in it depends on speed."""
    start, before = time.time(), copy_of(tally)
    done = run([sys.executable, "tests/chaos/run.py", "--build", "build", "--short", "--pairs", "40", "--rate", "400"])
    print(done.stdout, flush=True)
    lines = done.stdout.strip().splitlines()
    last = re.match(r"([0-9]+) passed, ([0-9]+) failed$", lines[-1] if lines else "")
    if last:
        tally.add(int(last.group(1)), int(last.group(2)), done.stdout.count(" left out: "))
    if not last or (done.returncode != 0 and last.group(2) == "0"):
        tally.fail("fault campaign", done.stdout + done.stderr)
    shown = run([sys.executable, "scripts/demo_cluster.py", "--build", "build"])
    if shown.returncode:
        tally.fail("make demo CLUSTER=1", shown.stdout + shown.stderr)
    tally.add(not shown.returncode, 0)
    stage_line("chaos", before, tally, start)


def conformance(tally):
    """Every test that the sources name for a row of the tables ran and passed, and every row has one."""
    start, before = time.time(), copy_of(tally)
    named = names.in_sources(TOP)
    bad = faults(named, tally.named)
    wrong, later = report.gaps(report.load(), named)
    for name, file, what in bad:
        tally.fail("%s in tests/%s" % (name, file), what)
    for text in wrong:
        tally.fail("conformance", text)
    if later:
        print("no test yet: %s" % ", ".join(later))
    tally.add(len(named) - len(bad), 0)
    stage_line("conformance", before, tally, start)


def lane(tally, wanted, stages):
    """One lane: stages in order, each if it is wanted; a stage that builds nothing ends it."""
    try:
        for name, stage in stages:
            if name in wanted and stage(tally) is False:
                return
    except Exception as problem:
        tally.fail("the tests themselves", repr(problem))


def gcc_stages(wanted, ready):
    def built(tally):
        try:
            return build(tally, "build")
        finally:
            ready.set()

    def tests(tally):
        meson_tests(tally, "build", ["unit", "fuzz", "lint", "scenario", "model"])
    first = next((name for name in ("gcc", "interop", "chaos", "valgrind") if name in wanted), "")
    last = "interop" if {"gcc", "interop"} <= set(wanted) else ""
    return [(first, built), ("gcc", tests), ("interop", interop), ("chaos", chaos), (last, conformance)]


def other_stages(ready):
    def asan(tally):
        if build(tally, "build-asan", ASAN):
            meson_tests(tally, "build-asan", ["unit", "fuzz", "scenario"])

    def clang(tally):
        build(tally, "build-clang", compiler="clang")

    def valgrind(tally):
        ready.wait()
        meson_tests(tally, "build", ["memcheck"], "valgrind", ["--timeout-multiplier", "5"], **VALGRIND)
    return [("clang", clang), ("asan", asan), ("valgrind", valgrind)]


def main(stages):
    wanted = stages or ["gcc", "interop", "chaos", "asan", "clang", "valgrind"]
    start = time.time()
    os.chdir(TOP)
    total = Tally()
    tallies = [Tally(), Tally()]
    ready = threading.Event()  # the build of gcc is there, or will never be
    threads = [threading.Thread(target=lane, args=(tally, wanted, todo), daemon=True)
               for tally, todo in zip(tallies, (gcc_stages(wanted, ready), other_stages(ready)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for tally in tallies:
        total.add(tally.passed, tally.failed, tally.skipped)
    print("\n%.0f s%s" % (time.time() - start,
                          ", %d skipped" % total.skipped if total.skipped else ""))
    print("%d passed, %d failed" % (total.passed, total.failed))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
