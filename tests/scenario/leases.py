# SPDX-License-Identifier: Apache-2.0
"""The table of leases (src/net/kv.h) over three real brokers: two inners contend, brokers die, hang and come back."""
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from bus import BROKERS, PORT, Brokers
from world import DEADLINE, PR_SET_PDEATHSIG, PRCTL, Failure, check, title

DRIVE = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(sys.argv[1], "tests/scenario/kv_drive"))


def key(name):
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class Inner(threading.Thread):
    """One process with a table."""

    def __init__(self, brokers, node, names=BROKERS):
        super().__init__(daemon=True)
        keys = brokers.path("pki/bus", node)
        self.node, self.brokers, self.ticket = node, brokers, 0
        self.lock, self.answers, self.told, self.ready, self.texts = threading.Condition(), {}, [], False, []
        self.process = subprocess.Popen(
            [DRIVE, node, keys + ".crt", keys + ".key", brokers.path("pki/bus/ca.crt"),
             *["%s:%d" % (brokers.address[n], PORT) for n in names]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.start()

    def run(self):
        for line in self.process.stdout:
            words = line.rstrip("\n").split(" ")
            with self.lock:
                if words[0] == "answered":
                    check(int(words[1]) not in self.answers, "answered twice")
                    self.answers[int(words[1])] = (words[2], int(words[3]), words[4])
                elif words[0] == "told":
                    self.told.append((int(words[1]), words[2]))
                else:
                    self.ready = words[1] == "ready"
                    self.texts.append(line.strip())
                self.lock.notify_all()

    def wait(self, condition, text, seconds=DEADLINE):
        end = time.monotonic() + seconds
        with self.lock:
            while not condition():
                if not self.lock.wait(max(0, end - time.monotonic())) and time.monotonic() > end:
                    raise Failure("%s waited in vain: %s (%s)" % (self.node, text, self.texts[-3:]))

    def wait_ready(self, ready=True):
        self.wait(lambda: self.ready == ready, "ready" if ready else "down", 2 * DEADLINE)
        return self

    def ask(self, line):
        """The ticket."""
        self.ticket += 1
        self.process.stdin.write(line % self.ticket + "\n")
        self.process.stdin.flush()
        return self.ticket

    def answer(self, ticket):
        self.wait(lambda: ticket in self.answers, "an answer")
        return self.answers[ticket]

    def ask_put(self, name, revision, old, value):
        """old: what is there with this revision; no matter what if that is 0."""
        return self.ask("put %%d %s %d %s %s" % (key(name), revision, old or "-", value))

    def put(self, name, revision, old, value):
        return self.answer(self.ask_put(name, revision, old, value))

    def get(self, name):
        return self.answer(self.ask("get %%d %s" % key(name)))

    def put_until_done(self, name, revision, old, value):
        """As an inner does it: again while the table is not available, and by what was there once it is."""
        end = time.monotonic() + 3 * DEADLINE
        while time.monotonic() < end:
            answer = self.put(name, revision, old, value)
            if answer[0] == "won" or answer[2] == value:
                return answer[1]
            if answer[0] == "lost":
                revision, old = answer[1:]
            time.sleep(0.1)
        raise Failure("%s could not write %s" % (self.node, name))

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(DEADLINE)
        self.join(DEADLINE)
        check(code == 0, "%s ended with %s" % (self.node, code))


def case_compare_and_set(a, b, brokers):
    """Create, update, remove: each needs the revision and value that are there, and the loser learns what is."""
    kind, first, _ = a.put("one", 0, "", "a1")
    check(kind == "won" and first > 0, kind)
    check(a.put("one", 0, "", "a2") == ("lost", first, "a1"), "create needs that there is none")
    check(b.put("one", first + 1000, "a1", "b1") == ("lost", first, "a1"), "a revision that never was")
    check(b.put("one", first, "a0", "b1") == ("lost", first, "a1"), "a value that never was")
    kind, second, _ = b.put("one", first, "a1", "b1")
    check(kind == "won" and second > first, kind)
    check(a.put("one", first, "a1", "a3") == ("lost", second, "b1"), "an old revision")
    check(a.put("one", second, "a1", "a3") == ("lost", second, "b1"), "an old value")
    check(a.get("one") == ("lost", second, "b1") and a.get("none") == ("lost", 0, ""), "reading")
    check(a.put("one", first, "a1", "") == ("lost", second, "b1"), "removing by an old revision")
    kind, third, _ = a.put("one", second, "b1", "")
    check(kind == "won" and third == 0, kind)
    brokers.wait(lambda: a.get("one") == ("lost", 0, ""), "nothing is left")
    kind, fourth, _ = b.put("one", 0, "", "b2")
    check(kind == "won" and fourth > second, "made anew, with a revision that was never used")


def case_the_other_is_told(a, b, brokers):
    """A watch tells what the other one wrote, with its revision; not each change, but sooner or later."""
    revision, n = 0, 0

    def told():
        nonlocal revision, n
        n += 1
        revision = a.put_until_done("watched", revision, "for-b-%d" % (n - 1), "for-b-%d" % n)
        try:
            b.wait(lambda: (revision, "for-b-%d" % n) in b.told, "told", 2)
            return True
        except Failure:
            return False
    brokers.wait(told, "the other is told")
    check(not any(value.startswith("for-b") for _, value in a.told), "nobody is told what it wrote itself")


def race(a, b, names, there, value):
    """Both want to write each entry, in the place of the same one, at once. (kind, revision, value) of both."""
    tickets = [(a.ask_put(n, *t, value + "a"), b.ask_put(n, *t, value + "b")) for n, t in zip(names, there)]
    return [(a.answer(x), b.answer(y)) for x, y in tickets]


def case_one_wins(a, b, brokers):
    """Two inners want the same 100 leases at once, again and again: one wins each, and both agree who."""
    names = ["pair-%d" % i for i in range(100)]
    there = [(0, "")] * len(names)
    for turn in range(12):
        results = race(a, b, names, there, "%d-" % turn)
        for i, (of_a, of_b) in enumerate(results):
            check(sorted([of_a[0], of_b[0]]) == ["lost", "won"], (turn, names[i], of_a, of_b))
            winner, loser = (of_a, of_b) if of_a[0] == "won" else (of_b, of_a)
            there[i] = (winner[1], "%d-%s" % (turn, "a" if winner is of_a else "b"))
            check(loser[1:] == there[i], (of_a, of_b))


def case_more_questions_than_there_is_room_for(a, b, brokers):
    """Each question has one answer; what finds no room is not asked, and never half done."""
    tickets = [a.ask_put("many-%d" % (i % 7), 0, "", "x") for i in range(3000)]
    kinds = [a.answer(t)[0] for t in tickets]
    check(set(kinds) <= {"won", "lost", "unasked"} and kinds.count("won") <= 7, set(kinds))
    check(a.put_until_done("many-0", 0, "", "y") > 0, "goes on")


def case_removals_hit_nothing_else(a, b, brokers):
    """Entries come and go by the hundred, while a broker that leads them dies: those that nobody removes stay."""
    stay = {"stay-%d" % i: a.put_until_done("stay-%d" % i, 0, "", "s%d" % i) for i in range(50)}
    victim = leader(brokers)
    killer = threading.Timer(0.3, brokers.stop, [victim])
    killer.start()
    try:
        for turn in range(6):
            made = [(n, a.ask_put(n, 0, "", "x%d" % turn)) for n in ("go-%d-%d" % (turn, i) for i in range(40))]
            won = [(n, a.answer(t)) for n, t in made]
            # Who looks at one meanwhile clears it away as well.
            gone = [b.ask_put(n, r[1], "x%d" % turn, "") for n, r in won if r[0] == "won"]
            for ticket in gone:
                b.answer(ticket)
    finally:
        killer.join()
        brokers.start(victim)
        brokers.wait_ready()
        a.wait_ready(), b.wait_ready()
    for name in stay:
        brokers.wait(lambda: a.get(name)[2] == "s" + name[5:], "%s is still there" % name)


def leader(brokers):
    """Which broker leads the bucket, from what the brokers say."""
    from bus import Client
    for name in brokers.processes:
        try:
            with Client(brokers, "inner-a", name) as client:
                info = client.request("$JS.API.STREAM.INFO.KV_leases", b"", 2)
                if info.get("cluster", {}).get("leader"):
                    return info["cluster"]["leader"]
        except (OSError, Failure):
            pass
    raise Failure("nobody leads")


def case_the_leader_dies(a, b, brokers):
    """kill -9 of the broker that leads the bucket, while both write: nobody wins twice, and what was won stays."""
    names = ["leader-%d" % i for i in range(100)]
    there = [(b.put_until_done(n, 0, "", "before"), "before") for n in names]
    victim = leader(brokers)
    killer = threading.Timer(0.02, brokers.stop, [victim])
    killer.start()
    try:
        results = race(a, b, names, there, "during-")
        killer.join()
        for i, (of_a, of_b) in enumerate(results):
            check([of_a[0], of_b[0]].count("won") <= 1, (names[i], of_a, of_b))
            for of, value in ((of_a, "during-a"), (of_b, "during-b")):
                if of[0] == "won":
                    # Not by its revision: after such a death nats-server 2.9 may number anew.
                    brokers.wait(lambda: a.get(names[i])[2] == value, "%s is what was won" % names[i])
        a.put_until_done(names[0], *there[0], "after")
        brokers.wait(lambda: b.get(names[0])[2] == "after", "the other sees it")
    finally:
        killer.join()
        brokers.start(victim)
        brokers.wait_ready()
        a.wait_ready(), b.wait_ready()


def case_a_stale_reader_wins_nothing(a, b, brokers):
    """A broker that was stopped while the others went on may tell old entries: a write by those is refused."""
    first = a.put_until_done("stale", 0, "", "old")
    victim = leader(brokers)
    others = [n for n in BROKERS if n != victim]
    reader = Inner(brokers, "inner-b", [victim])
    writer = Inner(brokers, "inner-a", others)
    try:
        reader.wait_ready(), writer.wait_ready()
        check(reader.get("stale") == ("lost", first, "old"), "it knows the entry")
        brokers.processes[victim].send_signal(signal.SIGSTOP)
        writer.put_until_done("stale", first, "old", "new")
        brokers.processes[victim].send_signal(signal.SIGCONT)
        # As fast as it can, with what it knows: this revision is over.
        won = [reader.put("stale", first, "old", "forged") for _ in range(20)]
        check(all(kind != "won" for kind, _, _ in won), won)
        brokers.wait(lambda: reader.get("stale")[2] == "new", "it learns of the new entry")
        reader.put_until_done("stale", reader.get("stale")[1], "new", "next")
    finally:
        brokers.processes[victim].send_signal(signal.SIGCONT)
        reader.close()
        writer.close()
    a.wait_ready(), b.wait_ready()


def case_unavailable(a, b, brokers):
    """With one broker of three nothing is written, every question has its answer in time, and later all is well."""
    revision = a.put_until_done("away", 0, "", "before")
    for name in BROKERS[1:]:
        brokers.stop(name)
    try:
        started = time.monotonic()
        kinds = [a.put("away", revision, "before", "during")[0] for _ in range(3)]
        check("won" not in kinds, kinds)
        check(time.monotonic() - started < 2 * DEADLINE, "the answers took too long")
    finally:
        for name in BROKERS[1:]:
            brokers.start(name)
        brokers.wait_ready()
    a.wait_ready(), b.wait_ready()
    after = b.put_until_done("away", revision, "before", "after")
    for number in (revision, after):
        check(a.put("away", number, "before", "late")[0] != "won", "what was there before is over, by any number")
    brokers.wait(lambda: b.get("away")[2] == "after", "nobody replaced what is there")


def case_all_brokers_hang(a, b, brokers):
    """SIGSTOP of all three: unavailable; after SIGCONT the table is what it was."""
    revision = a.put_until_done("hang", 0, "", "before")
    for process in brokers.processes.values():
        process.send_signal(signal.SIGSTOP)
    try:
        a.wait(lambda: not a.ready or a.put("hang", revision + 1, "before", "during")[0] == "unasked", "not available")
    finally:
        for process in brokers.processes.values():
            process.send_signal(signal.SIGCONT)
    a.wait_ready(), b.wait_ready()
    brokers.wait(lambda: a.get("hang")[2] == "before", "nothing changed")


def case_it_ends_in_time(a, b, brokers):
    """A process ends although its broker hangs."""
    c = Inner(brokers, "inner-b").wait_ready()
    for process in brokers.processes.values():
        process.send_signal(signal.SIGSTOP)
    try:
        for i in range(50):
            c.ask_put("end-%d" % i, 0, "", "x")
        c.close()
    finally:
        for process in brokers.processes.values():
            process.send_signal(signal.SIGCONT)


def case_numbers_that_come_again(a, b, brokers):
    """The brokers count anew: what has the revision of an entry that is known is another one, and stays."""
    for name in BROKERS:
        brokers.stop(name)
    shutil.rmtree(brokers.path("store"))
    for name in BROKERS:
        brokers.start(name)
    brokers.wait_ready()
    a.wait_ready(), b.wait_ready()
    revision = b.put_until_done("again", 0, "", "other")
    check(a.put("again", revision, "mine", "next") == ("lost", revision, "other"), "the number is not enough")
    check(a.put("again", revision, "other", "next")[0] == "won", "with the value it is")


def main():
    failed, brokers, inners = 0, Brokers(), []
    cases = [f for n, f in list(globals().items()) if n.startswith("case_")]
    try:
        for node in ("inner-a", "inner-b"):
            inners.append(Inner(brokers, node))
        for inner in inners:
            inner.wait_ready()
        for case in cases:
            try:
                case(*inners, brokers)
                check(all(i.process.poll() is None for i in inners), "an inner died")
                print("ok     %s" % title(case), flush=True)
            except Exception as error:  # noqa: a failed case must not stop the others
                failed += 1
                print("FAILED %s: %s: %s" % (title(case), type(error).__name__, error), flush=True)
                brokers.show()
        for inner in inners:
            inner.close()
    finally:
        brokers.close()
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
