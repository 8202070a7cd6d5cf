# SPDX-License-Identifier: Apache-2.0
"""What the carrier `nats` costs, beside `tcp`."""
import rig as rigs

BROKER = "broker-a"
PORT = 4222  # what `sallyport nats config` has brokers listen on


class Broker:
    """One real broker with keys and a file as doc/cluster.md has them."""

    def __init__(self, rig, build):
        self.host = f"{rig.net}.9"
        self.pki = rig.folder / "pki-nats"
        nodes = ["--outer", "outer-a", "--inner", "inner-a", "--broker", f"{BROKER}={self.host}"]
        rigs.run([build / "src/cli/sallyport", "pki", "init", self.pki, *nodes, "--domain", rig.LOCAL])
        rigs.run([build / "src/cli/sallyport", "nats", "config", self.pki, *nodes, "--store", rig.folder / "store"])
        self.process = rig.start(BROKER, ["nats-server", "-c", self.pki / "bus" / f"{BROKER}.conf"])
        rig.wait_listening(self.process, f"{self.host}:{PORT}")

    def statement(self, node):
        keys = self.pki / "bus" / node
        return (f'nats {self.host}:{PORT} {{ certificate "{keys}.crt" key "{keys}.key" '
                f'trust "{self.pki}/bus/ca.crt" }}')


def nats(bench):
    """The figures of `throughput` and `latency` over both carriers: round by round, under the same load."""
    broker = Broker(bench.rig, bench.build)
    gate = bench.rig.gateway(bench.build, bench.sink, broker)
    try:
        bench.until_linked(lambda: bench.rig.load(gate.outside, bench.sink, messages=10, timeout=5))
        ways = {"tcp": (bench.gate, {}), "nats": (gate, {"broker": broker.process})}
        fast(bench, ways)
        paced(bench, ways)
    finally:
        gate.stop()
        bench.rig.stop(broker.process)


def measure(bench, way, cpu, parts, **options):
    """A load through the way's nodes: CPU of both together, and of each process apart."""
    name, (gate, more) = way
    nodes = {"outer": gate.outer, "inner": gate.inner}
    processes = {**nodes, **more}
    result = bench.rig.load(gate.outside, bench.sink, watch=[p.pid for p in processes.values()], **options)
    used = {w["pid"]: w["us"] / result["received"] for w in result["cpu_us"]["watched"]}
    cpu.add(name, sum(used[p.pid] for p in nodes.values()))
    for part, process in processes.items():
        parts.add(f"{name}_{part}", used[process.pid])
    return result


def medians(parts):
    return {name: parts.median(name) for name in parts.rows}


def fast(bench, ways):
    rate, cpu, parts = bench.series(), bench.series(), bench.series()
    for _ in range(bench.rounds):
        for way in ways.items():
            result = measure(bench, way, cpu, parts, messages=bench.size["relayed"], pairs=bench.size["pairs"])
            rate.add(way[0], result["rate"])
    shape = {"pairs": bench.size["pairs"], "bytes": 356}
    rate.emit("nats-throughput", "stanzas/s", subject="nats", detail=shape)
    cpu.emit("nats-cpu", "us/stanza", subject="nats", detail=medians(parts))


def paced(bench, ways):
    series, cpu, parts = {"p50": bench.series(), "p99": bench.series()}, bench.series(), bench.series()
    for _ in range(bench.rounds):
        for way in ways.items():
            result = measure(bench, way, cpu, parts, messages=bench.size["latency"], rate=1000, pairs=10, warmup=5)
            for key, s in series.items():
                s.add(way[0], result["latency_us"][key])
    shape = {"rate": 1000, "pairs": 10}
    for key, s in series.items():
        s.emit(f"nats-latency-{key}", "us", subject="nats", detail=shape)
    cpu.emit("nats-cpu-paced", "us/stanza", subject="nats", detail={**shape, **medians(parts)})
