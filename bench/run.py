#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Sallyport: prints one JSON object per figure, with its comparison from the same run.

See README.md for what each figure is. Progress and trouble go to stderr; a figure that could not be
measured is printed with "skipped" and the reason.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig as rigs  # noqa: E402
import carriers  # noqa: E402
import scales  # noqa: E402
from rig import Failed  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent

FULL = dict(rounds=5, direct=1_000_000, relayed=200_000, pairs=50, many=1000, latency=5_000, cold=40, idle=1000,
            prosody=50_000, scale=[10, 100, 1000, 10000])
QUICK = dict(rounds=1, direct=200_000, relayed=30_000, pairs=20, many=0, latency=1_000, cold=5, idle=100,
             prosody=0, scale=[10, 200])

BRIEFLY = {"xml_bench": "0.2", "record_bench": "20"}  # seconds, rounds


def say(text):
    print(text, file=sys.stderr, flush=True)


def tidy(value):
    """Four significant digits are more than any of this is worth."""
    if isinstance(value, dict):
        return {k: tidy(v) for k, v in value.items()}
    if isinstance(value, list):
        return [tidy(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


class Series:
    """One number per round and name; the rounds are interleaved, so round k of all names belongs together."""

    def __init__(self):
        self.rows = {}

    def add(self, name, value):
        self.rows.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.rows[name])

    def ratio(self, name, other):
        """Median over rounds of name/other: a slow minute of the machine slows both."""
        return statistics.median(a / b for a, b in zip(self.rows[name], self.rows[other]) if b)

    def emit(self, figure, unit, subject="gateway", detail=None):
        """One figure; without the subject only what it would be compared with."""
        others = [n for n in self.rows if n != subject]
        out = {"figure": figure, "unit": unit}
        if subject in self.rows:
            out["value"] = self.median(subject)
            out["runs"] = self.rows[subject]
            out["ratio"] = {n: self.ratio(subject, n) for n in others}
        else:
            out["value"] = None
            out["skipped"] = "no gateway"
        out["compare"] = {n: self.median(n) for n in others}
        if detail:
            out["detail"] = detail
        emit(out)


def emit(figure):
    print(json.dumps(tidy(figure)), flush=True)


def skipped(figure, why):
    say(f"{figure}: {why}")
    emit({"figure": figure, "value": None, "skipped": str(why)[:500]})


class Bench:
    def __init__(self, args):
        self.args = args
        self.size = QUICK if args.quick else FULL
        self.rounds = args.rounds or self.size["rounds"]
        self.build = find_build(args.build)
        self.rig = rigs.Rig(self.build / "bench/load/sallyport-load", args.keep)
        self.nodes = all((self.build / p).exists() for p in (
            "src/outer/sallyport-outer", "src/inner/sallyport-inner", "src/cli/sallyport"))
        self.sink = self.rig.address(1)
        self.ways = {}  # name -> (address to connect to, processes, options of the generator)
        self.gate = None

    def open(self):
        """Everything that may stand between source and sink, up for the whole run."""
        self.ways["direct"] = (self.sink, [], {})
        try:
            process, front = self.rig.haproxy(self.sink)
            self.ways["haproxy_tcp"] = (front, [process], {})
            process, front = self.rig.haproxy(self.sink, tls=True)
            self.ways["haproxy_tls"] = (front, [process], {"tls": "direct"})
        except (Failed, OSError) as e:
            say(f"haproxy: {e}; its comparisons are left out")
        if not self.nodes:
            say("no gateway in the build: only comparisons are measured")
            return
        try:
            self.start_gateway()
        except Failed as e:
            say(f"gateway: {e}")
            self.nodes = False

    def start_gateway(self):
        self.gate = self.rig.gateway(self.build, self.sink)
        try:
            self.until_linked(lambda: self.rig.load(self.gate.outside, self.sink, messages=10, timeout=5))
        except Failed as e:
            raise Failed(f"{e}\n{self.rig.log('outer')}\n{self.rig.log('inner')}") from None
        self.ways["gateway"] = (self.gate.outside, [self.gate.outer, self.gate.inner], {})

    @staticmethod
    def until_linked(attempt):
        """A link may need a moment."""
        end = time.monotonic() + 10
        while True:
            try:
                return attempt()
            except Failed:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    series, say = Series, staticmethod(say)

    def restart_gateway(self):
        self.gate.stop()
        self.start_gateway()

    def load(self, way, **options):
        connect, processes, more = self.ways[way]
        pids = [pid for p in processes for pid in rigs.family(p.pid)]
        return self.rig.load(connect, self.sink, watch=pids or None, **more, **options)

    def cpu(self, way, result):
        """CPU microseconds per message: {name: us} for the processes of the way."""
        used = {w["pid"]: w["us"] for w in result["cpu_us"]["watched"]}
        return {p.name: sum(used.get(pid, 0) for pid in rigs.family(p.pid)) / result["received"]
                for p in self.ways[way][1]}

    # --- figures

    def throughput(self):
        rate, cpu, parts = Series(), Series(), Series()
        for _ in range(self.rounds):
            for way in self.ways:
                n = self.size["relayed" if way == "gateway" else "direct"]
                result = self.load(way, messages=n, pairs=self.size["pairs"])
                rate.add(way, result["rate"])
                own = result["cpu_us"]["source"] + result["cpu_us"]["sink"]
                parts.add(f"generator_{way}", own / result["received"])
                used = self.cpu(way, result)
                if used:
                    cpu.add(way, sum(used.values()))
                for name, us in used.items():
                    parts.add(name, us)
        shape = {"pairs": self.size["pairs"], "bytes": 356}
        rate.emit("throughput", "stanzas/s", detail=shape)
        if self.size["prosody"]:
            self.prosody_cpu(cpu)
        cpu.emit("cpu", "us/stanza", detail={n: parts.median(n) for n in parts.rows})

    def prosody_cpu(self, cpu):
        """What a real server needs to take the same messages from one s2s stream each, and drop them."""
        try:
            process, at = self.rig.prosody()
            self.rig.load(at, None, messages=10)
            before = rigs.cpu_seconds(process.pid)
            self.rig.load(at, None, messages=self.size["prosody"], pairs=self.size["pairs"])
            after, now = -1, rigs.cpu_seconds(process.pid)
            while now - after > 0.002:
                time.sleep(0.3)
                after, now = now, rigs.cpu_seconds(process.pid)
            us = (now - before) * 1e6 / self.size["prosody"]
            for _ in range(self.rounds):  # measured once, compared with every round
                cpu.add("prosody_receiving", us)
            self.rig.stop(process)
        except (Failed, OSError) as e:
            say(f"prosody: {e}")

    def throughput_more(self):
        """The other direction, and many pairs."""
        if "gateway" not in self.ways:
            return
        n, pairs = self.size["relayed"], self.size["pairs"]
        self.one_more("throughput-outbound", self.gate.inside, n, pairs, outbound=True)
        if self.size["many"]:
            self.one_more("throughput-many-pairs", self.gate.outside, n, self.size["many"])

    def one_more(self, figure, connect, n, pairs, outbound=False):
        rate = Series()
        us = []
        try:
            for _ in range(min(self.rounds, 3)):
                direct = self.rig.load(self.sink, self.sink, messages=self.size["direct"], pairs=pairs,
                                       outbound=outbound)
                rate.add("direct", direct["rate"])
                result = self.rig.load(connect, self.sink, messages=n, pairs=pairs, outbound=outbound,
                                       watch=self.gate.pids())
                rate.add("gateway", result["rate"])
                us.append(sum(w["us"] for w in result["cpu_us"]["watched"]) / result["received"])
        except Failed as e:
            skipped(figure, e)
            return
        rate.emit(figure, "stanzas/s", detail={"pairs": pairs, "bytes": 356, "cpu_us": statistics.median(us)})

    def latency(self):
        """With every hop to the other processor, as between machines; and where the kernel puts everybody."""
        self.paced("", [*self.ways] + (["busy_poll"] if "gateway" in self.ways else []), bound=True)
        self.paced("-unbound", [*self.ways], bound=False)

    def paced(self, suffix, ways, bound):
        """Delay against CPU: the gateway as shipped, and with `limit busy poll`."""
        series = {"p50": Series(), "p99": Series()}
        cpu = Series()
        self.place(bound)
        for _ in range(self.rounds):
            for name in ways:
                way = "gateway" if name == "busy_poll" else name
                if way == "gateway":
                    self.gate.busy_poll(2 if name == "busy_poll" else 0)
                hops = len(self.ways[way][1]) + 1 if bound else None
                result = self.load(way, messages=self.size["latency"], rate=1000, pairs=10, warmup=5, hops=hops)
                for key, s in series.items():
                    s.add(name, result["latency_us"][key])
                used = self.cpu(way, result)
                if used:
                    cpu.add(name, sum(used.values()))
        self.place(bound=False)
        if self.gate:
            self.gate.busy_poll(0)
        shape = {"rate": 1000, "pairs": 10}
        for key, s in series.items():
            s.emit(f"latency-{key}{suffix}", "us", detail=shape)
            if "busy_poll" in ways:
                s.emit(f"latency-{key}-busy-poll", "us", subject="busy_poll", detail=shape)
        cpu.emit(f"cpu-paced{suffix}", "us/stanza", detail=shape)

    def place(self, bound):
        """The source has the first processor, the first process behind it the last, and so on in turn."""
        cores = sorted(os.sched_getaffinity(0))
        for _, processes, _ in self.ways.values():
            for i, p in enumerate(processes):
                rigs.bind(p, {cores[0 if i % 2 else -1]} if bound else cores)

    def cold(self):
        """First message of a new pair, from connect() to arrival, the generator on both ends."""
        series = Series()
        if "gateway" in self.ways:
            self.restart_gateway()  # no pair is warm
        for way in self.ways:
            result = self.load(way, cold=True, streams=self.size["cold"], pairs=self.size["cold"])
            series.add(way, result["latency_us"]["p50"] / 1000)
        series.emit("cold-generator", "ms", detail={"pairs": self.size["cold"]})

    def cold_prosody(self):
        """The same between real servers and their clients, in the laboratory of the interoperability tests."""
        sys.path.insert(0, str(ROOT / "tests/interop"))
        sys.dont_write_bytecode = True
        try:
            from lab.world import World
            from lab import measure
        except ImportError as e:
            skipped("cold-prosody", f"no laboratory: {e}")
            return
        for proof in ("certificates",) if self.args.quick else ("certificates", "dialback"):
            figure = "cold-prosody" if proof == "certificates" else f"cold-prosody-{proof}"
            series = Series()
            try:
                for _ in range(min(self.rounds, 2)):
                    for mode in ("direct", "gateway") if self.nodes else ("direct",):
                        with World(mode=mode, proof=proof, build=str(self.build)) as world:
                            alice = world.client("alice@example.se")
                            seconds = measure.cold(world, alice, 3 if self.args.quick else 8)
                            series.add(mode, seconds * 1000)
            except Exception as e:  # whatever the laboratory raises, the other figures go on
                skipped(figure, f"{type(e).__name__}: {e}")
                continue
            series.emit(figure, "ms", detail={"proof": proof})

    def memory(self):
        """Fresh processes each time: what an earlier figure left behind would hide what a stream takes."""
        n = self.size["idle"]
        held = Series()
        detail = {"streams": n}
        if "gateway" in self.ways:
            self.restart_gateway()
            detail.update(self.memory_of_gateway(held, n))
        if shutil.which("haproxy"):
            for name, tls in (("haproxy_tcp", False), ("haproxy_tls", True)):
                process, front = self.rig.haproxy(self.sink, tls)
                held.add(name, self.memory_of(process, front, self.sink, n, tls="direct" if tls else None))
                self.rig.stop(process)
        try:
            process, at = self.rig.prosody()
            self.rig.load(at, None, messages=10)
            held.add("prosody", self.memory_of(process, at, None, n))
            self.rig.stop(process)
        except (Failed, OSError) as e:
            say(f"prosody: {e}")
        held.emit("memory", "KiB/stream", detail=detail)

    def memory_of(self, process, connect, listen, n, **more):
        before = rigs.resident(process.pid)
        after, _ = self.rig.idle(connect, listen, n, lambda: rigs.resident(process.pid), **more)
        return (after - before) / 1024 / n

    def memory_of_gateway(self, held, n):
        """A stream at outer comes with one at inner, towards the server: both count, the mean is the figure."""
        nodes = {"outer": self.gate.outer.pid, "inner": self.gate.inner.pid}
        before = {k: rigs.resident(pid) for k, pid in nodes.items()}
        after, result = self.rig.idle(self.gate.outside, self.sink, n,
                                      lambda: {k: rigs.resident(pid) for k, pid in nodes.items()})
        grown = {k: (after[k] - before[k]) / 1024 for k in nodes}
        far = max(result["accepted"], 1)
        held.add("gateway", sum(grown.values()) / (n + far))
        return {"outer": grown["outer"] / n, "inner": grown["inner"] / far, "inner_streams": far,
                "outer_start_KiB": before["outer"] / 1024, "inner_start_KiB": before["inner"] / 1024}

    def scale(self):
        if "gateway" in self.ways:
            scales.pairs(self)

    def mesh(self):
        if self.nodes:
            scales.mesh(self)

    def nats(self):
        if "gateway" in self.ways:
            carriers.nats(self)

    def xml(self):
        for path in sorted((self.build / "bench").glob("[xr]*/*")):
            if not (path.is_file() and os.access(path, os.X_OK)):
                continue
            try:
                out = rigs.run([path] + ([BRIEFLY.get(path.name, "1")] if self.args.quick else []))
            except (Failed, subprocess.TimeoutExpired) as e:
                skipped(path.name, e)
                continue
            parts = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            emit({"figure": path.name.replace("_", "-"), "detail": parts})


FIGURES = ["throughput", "throughput_more", "latency", "cold", "cold_prosody", "memory", "xml", "scale", "mesh",
           "nats"]
SLOW = {"scale", "mesh", "nats"}  # only when they are named


def find_build(wanted):
    if wanted:
        folders = [pathlib.Path(wanted).resolve()]  # from the caller's folder
    else:
        folders = sorted(ROOT.glob("build*"), key=lambda p: p.name != "build")
    for folder in folders:
        if (folder / "bench/load/sallyport-load").exists():
            return folder
    sys.exit("bench: no build folder with bench/load/sallyport-load; run `make build`")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: small numbers, one round")
    parser.add_argument("--rounds", type=int, help="rounds of every comparison")
    parser.add_argument("--build", help="build folder (default: build, then any build*)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations and logs")
    parser.add_argument("figures", nargs="*", metavar="figure", help="of: " + " ".join(FIGURES))
    args = parser.parse_args()
    for name in args.figures:
        if name not in FIGURES:
            parser.error(f"no figure {name}")
    rigs.end_on_signals()
    signal.alarm(60 if args.quick else 2400 if SLOW & set(args.figures) else 600)
    bench = Bench(args)
    if args.keep:
        say(f"folder: {bench.rig.folder}")
    trouble = False
    try:
        bench.open()
        for name in args.figures or [f for f in FIGURES if f not in SLOW]:
            began = time.monotonic()
            try:
                getattr(bench, name)()
            except Failed as e:
                trouble = True
                skipped(name, e)
            say(f"{name}: {time.monotonic() - began:.1f} s")
    finally:
        signal.alarm(0)
        bench.rig.close()
    return trouble


if __name__ == "__main__":
    sys.exit(main())
