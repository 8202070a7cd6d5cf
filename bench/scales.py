# SPDX-License-Identifier: Apache-2.0
"""What a stanza costs when there are many pairs, and when there are more nodes."""
import resource
import threading
import time

import rig as rigs

SECOND = "local2.bench.example"  # a local domain with a server of its own


IDLE = 10  # seconds in which nobody sends
SPARE = 200  # descriptors for all but the streams
EACH = 200  # stanzas for a pair, so that with many pairs a read carries as many as with few; and
LEAST = 5  # times what the other figures take, so that few pairs are measured for as long


def most_pairs():
    """How many pairs a process can hold, with a stream each way."""
    for most in (65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            break
        except (ValueError, OSError):
            pass  # what the system has set must do
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE) // 2


def used(bench):
    """CPU seconds of both nodes so far."""
    return sum(rigs.cpu_seconds(p.pid) for p in (bench.gate.outer, bench.gate.inner))


def pairs(bench):
    """CPU of both nodes for a stanza, from few pairs to many, while as many streams are held in the other direction;
    and what the pairs cost while nobody sends, and what it took to set them up."""
    us, idle, opening = bench.series(), bench.series(), bench.series()
    counts = [min(count, most_pairs()) for count in bench.size["scale"]]
    held = bench.rig.address(8)
    for count in counts * (1 if bench.args.quick else 2):
        bench.restart_gateway()
        bench.rig.dns.leads_to(*held.rsplit(":", 1))  # the foreign servers; the local one stays where it is
        patience = 60 + count // 20
        begun = used(bench)

        def measure(count=count, patience=patience, begun=begun):
            opened = used(bench)
            opening.add(str(count), (opened - begun) * 1000 / count)
            time.sleep(IDLE)
            idle.add(str(count), (used(bench) - opened) * 1000 / IDLE)
            result = bench.load("gateway", messages=max(LEAST * bench.size["relayed"], EACH * count),
                                pairs=count, timeout=patience + 60)
            nodes = (("outer", bench.gate.outer), ("inner", bench.gate.inner))
            memory = {name: rigs.resident(p.pid) / 2**20 for name, p in nodes}
            return sum(bench.cpu("gateway", result).values()), memory

        (cost, memory), _ = bench.rig.idle(bench.gate.inside, held, count, measure, patience, outbound=True)
        us.add(str(count), cost)
        bench.say(f"scale: {count} pairs each way: {cost:.2f} us/stanza, resident MiB {memory}")
    most = str(counts[-1])
    us.emit("scale", "us/stanza", subject=most, detail={
        "pairs": counts, "us": {str(count): us.median(str(count)) for count in counts}, "resident_MiB": memory,
        "ms_of_cpu_to_open_a_pair": opening.median(most),
        "idle_ms_of_cpu_a_second": {str(count): idle.median(str(count)) for count in counts}})


def mesh(bench):
    """Two loads at once through one outer and one inner, and through two of each: stanzas for a second of CPU."""
    us = bench.series()
    for _ in range(min(bench.rounds, 3)):
        for nodes in (1, 2):
            us.add(("one", "two")[nodes - 1], through(bench, nodes))
    us.emit("mesh", "us/stanza", subject="two", detail={"nodes": "two outers and two inners against one of each"})


def through(bench, nodes):
    rig, sinks = bench.rig, (bench.rig.address(8), bench.rig.address(9))
    field = rig.mesh(bench.build, nodes, {rig.LOCAL: sinks[0], SECOND: sinks[1]})
    try:
        for local, sink in ((rig.LOCAL, sinks[0]), (SECOND, sinks[1])):
            for outside in field.outside:
                bench.until_linked(lambda: rig.load(outside, sink, messages=10, timeout=5, local=local))
        before = sum(rigs.cpu_seconds(p.pid) for p in field.processes)
        got = []

        def one(number):
            got.append(rig.load(field.outside[number % nodes], sinks[number], messages=bench.size["relayed"],
                                pairs=bench.size["pairs"], local=(rig.LOCAL, SECOND)[number]))
        threads = [threading.Thread(target=one, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(got) != 2:
            raise rigs.Failed("a load failed")
        after = sum(rigs.cpu_seconds(p.pid) for p in field.processes)
        return (after - before) * 1e6 / sum(r["received"] for r in got)
    finally:
        rig.stop(*field.processes)
