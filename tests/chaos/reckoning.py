# SPDX-License-Identifier: Apache-2.0
"""What became of each message, from what the crowds wrote down."""
import statistics
import struct

ROW = struct.Struct("<QQIIII")
ARRIVED, BOUNCED, DOWN, UP = 1, 2, 3, 4
STILL_MS = 150  # a pair that heard nothing for so long was touched by the fault, whatever its stream did


class Way:
    """One direction: the rows of the receiver, those of the sender, and its numbers."""

    def __init__(self, rows, own, made, unsettled):
        self.made, self.unsettled = made, unsettled
        self.arrivals = [[] for _ in made]  # (now, sent, seq) by pair
        self.bounced = [set() for _ in made]
        self.broken = [[] for _ in made]  # when the sender's stream ended, by pair
        for now, sent, pair, seq, kind, _ in rows:
            if kind == ARRIVED:
                self.arrivals[pair].append((now, sent, seq))
        for now, _, pair, seq, kind, _ in own:
            if kind == BOUNCED:
                self.bounced[pair].add(seq)
            elif kind == DOWN:
                self.broken[pair].append(now)

    def lost(self):
        return sum(len(set(range(made)) - {seq for _, _, seq in got} - bounced)
                   for made, got, bounced in zip(self.made, self.arrivals, self.bounced))

    def both(self):
        """Delivered and bounced."""
        return sum(len({seq for _, _, seq in got} & bounced) for got, bounced in zip(self.arrivals, self.bounced))

    def duplicated(self):
        return sum(len(got) - len({seq for _, _, seq in got}) for got in self.arrivals)

    def disordered(self):
        """Messages that came for the first time after one that was sent later."""
        wrong = 0
        for got in self.arrivals:
            seen, highest = set(), -1
            for _, _, seq in got:
                if seq not in seen and seq < highest:
                    wrong += 1
                seen.add(seq)
                highest = max(highest, seq)
        return wrong

    def gaps(self, start, end):
        """{pair: the longest silence in ms that began or ended in the window}."""
        longest = {}
        for pair, got in enumerate(self.arrivals):
            times = sorted(now for now, _, _ in got if start - 1e9 <= now <= end + 30e9)
            silent = [(b - a) / 1e6 for a, b in zip(times, times[1:]) if b >= start and a <= end]
            longest[pair] = max(silent, default=(end - start) / 1e6)
        return longest

    def touched(self, gaps, start, end):
        """The pairs whose stream ended in the window, or that heard nothing for long."""
        return {pair for pair, gap in gaps.items()
                if gap >= STILL_MS or any(start <= now <= end + 1e9 for now in self.broken[pair])}

    def delays(self, start, end, pairs):
        """Of the messages of these pairs that were made in the window, in ms."""
        return sorted((now - sent) / 1e6 for pair in pairs for now, sent, _ in self.arrivals[pair]
                      if start <= sent <= end)


def read_rows(path):
    with open(path, "rb") as rows:
        data = rows.read()
    return ROW.iter_unpack(data[:len(data) // ROW.size * ROW.size])


def ways(field, told):
    """{"in": Way, "out": Way}: towards the local server, and towards the foreign ones."""
    rows = {host: list(read_rows(field.path(host + ".rows"))) for host in ("foreign", "inside")}
    return {"in": Way(rows["inside"], rows["foreign"], told["foreign"]["made"], told["foreign"]["unsettled"]),
            "out": Way(rows["foreign"], rows["inside"], told["inside"]["made"], told["inside"]["unsettled"])}


def at(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def reckon(field, told, start, end):
    """One line of the table for each direction; start and end of the fault in ns of CLOCK_MONOTONIC."""
    result = {}
    for name, way in ways(field, told).items():
        gaps = way.gaps(start, end)
        pairs = way.touched(gaps, start, end)
        touched = sorted(gaps[pair] for pair in pairs)
        others = [pair for pair in gaps if pair not in pairs]
        delays = way.delays(start, end + 1e9, others)
        result[name] = {
            "made": sum(way.made), "lost": way.lost(), "duplicated": way.duplicated(), "disordered": way.disordered(),
            "bounced": sum(map(len, way.bounced)), "both": way.both(), "unsettled": sum(way.unsettled),
            "touched": len(touched), "gap": statistics.median(touched) if touched else 0.0,
            "worst": touched[-1] if touched else 0.0, "others": len(others), "p99": at(delays, 0.99)}
    return result
