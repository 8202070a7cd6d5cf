# SPDX-License-Identifier: Apache-2.0
"""What became of each message, from what the crowds wrote down."""
import statistics
import struct

from field import AT, INNERS, OUTERS

ROW = struct.Struct("<QQIIII")
ARRIVED, BOUNCED, DOWN, UP, SETTLED = 1, 2, 3, 4, 5
STILL_MS = 150  # a pair that heard nothing for so long was touched by the fault, whatever its stream did
LEASE = 800e6  # ns: a node that hears nobody may write so long (doc/link.md, section 6)
DEAD = 1000e6  # ns: and gets nothing more after so long
UNDER_WAY = 500e6  # ns: what it wrote may take so long to be written down on a busy machine

WRITERS = {"in": INNERS, "out": OUTERS}  # of each way: who hands its messages to the next server


class Way:
    """One direction: the rows of the receiver, those of the sender, and its numbers."""

    def __init__(self, rows, own, made, unsettled):
        self.made, self.unsettled = made, unsettled
        self.arrivals = [[] for _ in made]  # (now, sent, seq, node) by pair
        self.bounced = [set() for _ in made]
        self.broken = [[] for _ in made]  # when the sender's stream ended, by pair
        self.settled = [[] for _ in made]  # (now, seq): all below are acknowledged, by pair
        for now, sent, pair, seq, kind, node in rows:
            if kind == ARRIVED:
                self.arrivals[pair].append((now, sent, seq, node))
        for now, _, pair, seq, kind, _ in own:
            if kind == BOUNCED:
                self.bounced[pair].add(seq)
            elif kind == DOWN:
                self.broken[pair].append(now)
            elif kind == SETTLED:
                self.settled[pair].append((now, seq))

    def came(self, pair):
        """The numbers that arrived."""
        return {arrival[2] for arrival in self.arrivals[pair]}

    def lost(self):
        return sum(len(set(range(made)) - self.came(pair) - self.bounced[pair]) for pair, made in enumerate(self.made))

    def both(self):
        """Delivered and bounced."""
        return sum(len(self.came(pair) & bounced) for pair, bounced in enumerate(self.bounced))

    def duplicated(self):
        return sum(len(got) - len(self.came(pair)) for pair, got in enumerate(self.arrivals))

    def stale(self, start):
        """Messages that came again after the start, although their server had heard before it that they are taken."""
        wrong = 0
        for got, settled in zip(self.arrivals, self.settled):
            base = max((seq for now, seq in settled if now < start), default=0)
            seen = set()
            for now, _, seq, _ in got:
                wrong += now > start and seq < base and seq in seen
                seen.add(seq)
        return wrong

    def disordered(self):
        """Messages that came for the first time after one that was sent later."""
        wrong = 0
        for got in self.arrivals:
            seen, highest = set(), -1
            for _, _, seq, _ in got:
                if seq not in seen and seq < highest:
                    wrong += 1
                seen.add(seq)
                highest = max(highest, seq)
        return wrong

    def trespassed(self, node, span):
        """Messages that came from a node that was cut off for longer than a lease."""
        return sum(src == node and span.begun + LEASE + UNDER_WAY < now < span.healing
                   for got in self.arrivals for now, _, _, src in got)

    def relapsed(self, node, span):
        """Messages that a node had of pairs which it lost, and that came from it after those of the node that has them.

        Not where the server's stream leads to another node meanwhile: that one may send the same ones to whom it likes.
        """
        wrong = 0
        for got, broken in zip(self.arrivals, self.broken):
            if any(now >= span.start for now in broken):
                continue
            reached = -1  # by its mate
            for now, sent, seq, src in got:
                if src != node and now > span.start:
                    reached = max(reached, seq)
                wrong += (src == node and seq <= reached and now > span.begun + LEASE + UNDER_WAY and
                          sent < span.begun + DEAD)
        return wrong

    def gaps(self, start, end):
        """{pair: the longest silence in ms that began or ended in the window}."""
        longest = {}
        for pair, got in enumerate(self.arrivals):
            times = sorted(now for now, _, _, _ in got if start - 1e9 <= now <= end + 30e9)
            silent = [(b - a) / 1e6 for a, b in zip(times, times[1:]) if b >= start and a <= end]
            longest[pair] = max(silent, default=(end - start) / 1e6)
        return longest

    def touched(self, gaps, start, end):
        """The pairs whose stream ended in the window, or that heard nothing for long."""
        return {pair for pair, gap in gaps.items()
                if gap >= STILL_MS or any(start <= now <= end + 1e9 for now in self.broken[pair])}

    def delays(self, start, end, pairs):
        """Of the messages of these pairs that were made in the window, in ms."""
        return sorted((now - sent) / 1e6 for pair in pairs for now, sent, _, _ in self.arrivals[pair]
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


def fenced(field, fault, way, writers, span):
    """Messages that the writers of this way delivered when they had no right to; None where nobody can tell."""
    cut_off, replaced = fault.cut_off() & set(writers), fault.replaced() & set(writers)
    if not field.net.isolated or not cut_off | replaced:
        return None
    return (sum(way.trespassed(AT[node], span) for node in cut_off) +
            sum(way.relapsed(AT[node], span) for node in replaced))


def reckon(field, fault, told, span):
    """One line of the table for each direction."""
    result = {}
    for name, way in ways(field, told).items():
        gaps = way.gaps(span.start, span.end)
        pairs = way.touched(gaps, span.start, span.end)
        touched = sorted(gaps[pair] for pair in pairs)
        others = [pair for pair in gaps if pair not in pairs]
        delays = way.delays(span.start, span.end + 1e9, others)
        result[name] = {
            "made": sum(way.made), "lost": way.lost(), "duplicated": way.duplicated(), "disordered": way.disordered(),
            "bounced": sum(map(len, way.bounced)), "both": way.both(), "unsettled": sum(way.unsettled),
            "stale": way.stale(span.start), "fenced": fenced(field, fault, way, WRITERS[name], span),
            "touched": len(touched), "gap": statistics.median(touched) if touched else 0.0,
            "worst": touched[-1] if touched else 0.0, "others": len(others), "p99": at(delays, 0.99)}
    return result
