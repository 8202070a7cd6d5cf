# SPDX-License-Identifier: Apache-2.0
"""One-way delays between two clients of this process, by one clock."""
import statistics
import time

from .world import COLD

WARM_MESSAGES = 100
PACE = 0.01


def one_way(sender, receiver, to, body):
    """Seconds from before the send to after the receive of one message."""
    start = time.monotonic()
    sender.message(to, body)
    return receiver.wait_message(sender.bare, body, 30).at - start


def warm(sender, receiver, count=WARM_MESSAGES):
    """Median delay of `count` paced messages on streams that are up."""
    for n in range(5):
        one_way(sender, receiver, receiver.jid, "warming %d" % n)
    delays = []
    for n in range(count):
        delays.append(one_way(sender, receiver, receiver.jid, "warm %d" % n))
        time.sleep(PACE)
    return statistics.median(delays)


def cold(world, sender, count=5):
    """Median delay of the first message ever to a domain: DNS, streams, TLS and proof included."""
    delays = []
    for domain in COLD[:count]:
        receiver = world.client("bob@" + domain)
        receiver.presence()
        # Presence to oneself comes back when the server has taken it: the user is there.
        receiver.wait(lambda s: s.kind == "presence", 10, "own presence")
        delays.append(one_way(sender, receiver, receiver.bare, "first contact"))
    return statistics.median(delays)
