#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The lint itself: includes it must refuse, and includes it must accept."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from includes import verdict  # noqa: E402

REFUSED = [
    ("outer/main.c", '"', "inner/steer.h"),
    ("inner/main.c", '"', "outer/session.h"),
    ("base/buf.c", '"', "xml/reader.h"),
    ("s2s/session.c", '"', "net/conn.h"),
    ("link/engine.c", '"', "net/conn.h"),
    ("link/engine.c", "<", "uv.h"),
    ("link/engine.c", "<", "nats/nats.h"),
    ("bus/stream.c", '"', "net/conn.h"),
    ("outer/main.c", "<", "uv.h"),
    ("node/loop.c", "<", "openssl/ssl.h"),
    ("outer/dns.c", "<", "ldns/ldns.h"),
    ("s2s/stream.c", "<", "sys/socket.h"),
    ("xml/reader.c", "<", "expat.h"),
    ("net/conn.c", '"', "s2s/session.h"),
]
ACCEPTED = [
    ("outer/main.c", '"', "net/conn.h"),
    ("record/record.c", '"', "xml/tree.h"),
    ("xml/reader.c", '"', "reader.h"),
    ("net/loop.c", "<", "uv.h"),
    ("net/nats.c", "<", "nats/nats.h"),
    ("inner/steer.c", "<", "ldns/ldns.h"),
    ("base/str.c", "<", "string.h"),
    ("net/conn.c", "<", "sys/socket.h"),
]

bad = ["%s should be refused" % (c,) for c in REFUSED if verdict(*c) is None]
bad += ["%s should be accepted: %s" % (c, verdict(*c)) for c in ACCEPTED if verdict(*c)]
print("\n".join(bad))
sys.exit(1 if bad else 0)
