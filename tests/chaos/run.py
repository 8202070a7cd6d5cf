#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fault campaign: real nodes under steady traffic, and one fault after the other. See README.md."""
import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import faults  # noqa: E402
import reckoning  # noqa: E402
import report  # noqa: E402
from field import Field, LabError, namespaces_permitted  # noqa: E402

BEFORE, AFTER = 1.5, 2.0  # seconds of traffic on both sides of a fault


def campaign(args, fault, acks):
    """One field, one fault. Returns the lines of the table."""
    with Field(args.build, pairs=args.pairs, rate=args.rate, acks=acks, net=args.net, carrier=fault.carrier,
               patience=fault.patience) as field:
        field.wait(lambda: len(field.owners()) >= args.pairs, "all pairs are up", 60)
        time.sleep(BEFORE)
        span = fault.run(field)
        time.sleep(AFTER)
        return reckoning.reckon(field, fault, field.finish(), span)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults whose name has one of these words")
    parser.add_argument("--build", default="build")
    parser.add_argument("--short", action="store_true", help="only the faults of `make test`")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--rate", type=int, default=2500, help="messages a second in each direction")
    parser.add_argument("--acks", choices=["yes", "no"], help="only with, or only without, stream management")
    parser.add_argument("--net", choices=["namespaces", "loopback"])
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--write", help="put the table into this document, between its marks")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):  # nothing may be left behind
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    isolated = args.net != "loopback" and namespaces_permitted()
    table = report.Report()
    for acks in {None: (True, False), "yes": (True,), "no": (False,)}[args.acks]:
        for fault in faults.chosen(args.words, args.short, acks):
            if fault.isolated and not isolated:
                table.left_out(fault, "no namespaces here")
                continue
            try:
                table.add(fault, acks, campaign(args, fault, acks))
            except LabError as error:
                table.broke(fault, acks, error)
    table.end(args.json, args.write)
    return table.failed > 0


if __name__ == "__main__":
    sys.exit(main())
