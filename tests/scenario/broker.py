# SPDX-License-Identifier: Apache-2.0
"""What the generated configuration of the brokers lets through, and everything that it must not."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

from bus import BROKERS, INNERS, OUTERS, PORT, ROUTE_PORT, SERVER, Brokers, Client, Ended
from world import PR_SET_PDEATHSIG, PRCTL, Failure, check, name_row, title

# The bucket, as inner makes it.
BUCKET = {"name": "KV_leases", "subjects": ["$KV.leases.>"], "retention": "limits", "max_consumers": -1,
          "max_msgs": -1, "max_bytes": 1 << 20, "discard": "new", "max_age": 0, "max_msgs_per_subject": 1,
          "max_msg_size": 1024, "storage": "file", "num_replicas": 3, "duplicate_window": 0, "deny_purge": True}

# Who may not publish where. Each row is denied by the broker, and nobody hears of it.
MAY_NOT_PUBLISH = {
    "outer-a": [
        "lk.i.inner-a.outer-b", "lk.i.inner-b.outer-b",  # as another outer
        "lk.hb.outer-a", "lk.hb.inner-a",  # there is no such thing
        "lk.o.outer-a.inner-a", "lk.o.outer-b.inner-a", "lk.o.outer-b.outer-a",  # as an inner
        "lk.i.inner-a", "lk.i.inner-a.outer-a.x", "lk.i.inner-c.outer-a", "lk.i", "lk", "other",
        "$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.KV_leases", "$JS.API.STREAM.CREATE.KV_leases",
        "$JS.API.STREAM.MSG.GET.KV_leases", "$JS.API.STREAM.MSG.DELETE.KV_leases",
        "$JS.API.DIRECT.GET.KV_leases.k", "$JS.API.CONSUMER.CREATE.KV_leases",
        "$JS.ACK.x", "$KV.leases.k", "$KV.x",
        "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "$SYS.ACCOUNT.OUTER.x", "$SYS.REQ.ACCOUNT.PING",
        "_INBOX.inner-a.1.1", "_INBOX.outer-b.1", "_INBOX.x", "_R_.x", "_GR_.x", "$MQTT.x", "$LDS.x", "$G.x"],
    "inner-a": [
        "lk.o.outer-a.inner-b", "lk.o.outer-b.inner-b",  # as another inner
        "lk.hb.inner-a", "lk.hb.outer-a",
        "lk.i.inner-b.outer-a", "lk.i.inner-b.inner-a", "lk.i.inner-a.outer-a",  # as an outer
        "lk.o.outer-a", "lk.o.outer-c.inner-a", "lk.o.outer-a.inner-a.x", "lk", "other",
        "$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.STREAM.INFO.OTHER", "$JS.API.STREAM.UPDATE.KV_leases", "$JS.API.STREAM.DELETE.KV_leases",
        "$JS.API.STREAM.PURGE.KV_leases", "$JS.API.STREAM.SNAPSHOT.KV_leases",
        "$JS.API.STREAM.RESTORE.KV_leases", "$JS.API.STREAM.LEADER.STEPDOWN.KV_leases",
        "$JS.API.STREAM.PEER.REMOVE.KV_leases", "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE",
        "$JS.API.ACCOUNT.PURGE.INNER", "$JS.API.DIRECT.GET.KV_leases", "$JS.API.DIRECT.GET.KV_leases.$KV.leases.k",
        "$JS.API.CONSUMER.CREATE.KV_leases", "$JS.API.CONSUMER.CREATE.KV_leases.c", "$JS.API.CONSUMER.LIST.KV_leases",
        "$JS.API.CONSUMER.CREATE.KV_leases.c.lk.o.outer-a.inner-b", "$JS.API.CONSUMER.DURABLE.CREATE.KV_leases.c",
        "$JS.API.CONSUMER.MSG.NEXT.KV_leases.c", "$JS.ACK.KV_leases.c.1.1.1.1.1", "$JS.FC.KV_leases.c.1",
        "$KV.other.k", "$KV.leases.a.b", "$KV.leases",
        "$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "$SYS.ACCOUNT.INNER.x",
        "_INBOX.inner-b.1.1", "_INBOX.inner-a.1.1", "_INBOX.x", "_R_.x", "$MQTT.x"],
}
MAY_NOT_READ = {
    "outer-a": [
        "lk.o.outer-b.inner-a", "lk.o.outer-b.*", "lk.o.*.inner-a", "lk.o.*.*", "lk.o.>",  # of another outer
        "lk.i.inner-a.outer-a", "lk.i.inner-a.outer-b", "lk.i.inner-a.*", "lk.i.>",  # of an inner
        "lk.o.outer-a.*", "lk.o.outer-a.>", "lk.o.outer-a", "lk.hb.*", "lk.>", "lk.*.outer-a.*",
        ">", "*", "*.>", "*.*.*.*", "lk.*.>",
        "$JS.>", "$JS.API.>", "$JS.EVENT.>", "$JS.EVENT.ADVISORY.>", "$JS.API.STREAM.INFO.KV_leases",
        "$KV.>", "$KV.leases.>", "$KV.leases.*", "$KV.leases.k", "$SYS.>", "$SYS.ACCOUNT.>", "$SYS.REQ.>",
        "_INBOX.>", "_INBOX.*", "_INBOX.inner-a.>", "_INBOX.outer-a.>", "_R_.>", "_GR_.>", "$MQTT.>"],
    "inner-a": [
        "lk.i.inner-b.outer-a", "lk.i.inner-b.*", "lk.i.*.outer-a", "lk.i.*.*",  # of another inner
        "lk.o.outer-a.inner-a", "lk.o.outer-a.inner-b", "lk.o.outer-a.*", "lk.o.>",  # of an outer
        "lk.i.inner-a.*", "lk.i.inner-a.>", "lk.hb.*", "lk.>", "lk.i.>", "lk.*.inner-a.*", ">", "*", "*.>", "*.*.*.*",
        "$JS.>", "$JS.API.>", "$JS.EVENT.ADVISORY.>", "$JS.API.STREAM.CREATE.KV_leases",
        "$JS.API.STREAM.INFO.KV_leases",
        "$KV.>", "$KV.*.*", "$KV.other.*", "$SYS.>", "$SYS.REQ.>",
        "_INBOX.>", "_INBOX.*.>", "_INBOX.inner-b.>", "_INBOX.inner-b.1.*", "_INBOX.*", "_R_.>", "$MQTT.>"],
}


def errors_of(client, action):
    client.errors.clear()
    action()
    client.sync()
    return client.errors


def everybody(brokers):
    """Each node, at one broker or another, reading all that it may."""
    clients = {}
    for i, node in enumerate(OUTERS + INNERS):
        client = clients[node] = Client(brokers, node, BROKERS[i % 3])
        outer = node in OUTERS
        for other in INNERS if outer else OUTERS:
            client.subscribe("lk.%s.%s.%s" % ("o" if outer else "i", node, other))
        for subject in [] if outer else ["$KV.leases.*", "_INBOX.%s.>" % node]:
            client.subscribe(subject)
        check(not client.errors, client.errors)
    return clients


def close_all(clients):
    for client in clients.values():
        client.close()


def settle(brokers, clients):
    """What was published before has arrived: a word from each to each on the ways that are permitted."""
    mark = os.urandom(8).hex().encode()
    for _ in range(2):  # routes carry interest first, and messages in order after it
        for o in OUTERS:
            for i in INNERS:
                brokers.wait(lambda: heard(clients[o], "lk.i.%s.%s" % (i, o), clients[i], mark), "%s to %s" % (o, i))
                brokers.wait(lambda: heard(clients[i], "lk.o.%s.%s" % (o, i), clients[o], mark), "%s to %s" % (i, o))


def heard(sender, subject, reader, mark):
    sender.publish(subject, mark)
    sender.sync()
    try:
        reader.wait_for(subject, mark, 0.5)
        return True
    except Failure:
        return False


def case_what_must_work(brokers):
    """Records both ways between accounts and brokers, to the one that they are for and to nobody else."""
    clients = everybody(brokers)
    settle(brokers, clients)
    for client in clients.values():
        client.take()
    for o in OUTERS:
        for i in INNERS:
            clients[o].publish("lk.i.%s.%s" % (i, o), b"in")
            clients[i].publish("lk.o.%s.%s" % (o, i), b"out")
    for client in clients.values():
        client.sync()
        check(not client.errors, client.errors)
    settle(brokers, clients)
    for o in OUTERS:
        got = sorted(m for m in clients[o].take() if m[1] in (b"in", b"out"))
        check(got == sorted(("lk.o.%s.%s" % (o, i), b"out") for i in INNERS), got)
    for i in INNERS:
        got = sorted(m for m in clients[i].take() if m[1] in (b"in", b"out"))
        check(got == sorted(("lk.i.%s.%s" % (i, o), b"in") for o in OUTERS), got)
    close_all(clients)


def case_a_frame_of_the_largest_size(brokers):
    """256 KiB pass, more than any piece of a frame has; more closes the connection."""
    with Client(brokers, "inner-a", BROKERS[0]) as inner, Client(brokers, "outer-a", BROKERS[1]) as outer:
        outer.subscribe("lk.o.outer-a.inner-a")
        frame = os.urandom(256 << 10)
        brokers.wait(lambda: heard(inner, "lk.o.outer-a.inner-a", outer, b"first"), "the way is there")
        inner.publish("lk.o.outer-a.inner-a", frame)
        outer.wait_for("lk.o.outer-a.inner-a", frame)
        try:
            inner.publish("lk.o.outer-a.inner-a", frame + b"x")
            inner.sync()
        except (Ended, OSError):
            pass
        else:
            raise Failure("a larger one was taken: %s" % inner.errors)


def case_publishing_denied(brokers):
    """Each subject that a node may not write: the broker says so, and nobody hears it."""
    clients = everybody(brokers)
    settle(brokers, clients)
    for client in clients.values():
        client.take()
    for node, subjects in MAY_NOT_PUBLISH.items():
        for subject in subjects:
            name_row("%s to %s" % (node, subject))
            for reply in ("", "_INBOX.%s.1.1" % node):
                errors = errors_of(clients[node], lambda: clients[node].publish(subject, b"denied", reply))
                check(errors == ["-ERR 'Permissions Violation for Publish to \"%s\"'" % subject], errors)
    settle(brokers, clients)
    for node, client in clients.items():
        check(all(p != b"denied" and s.startswith("lk.") for s, p in client.messages), (node, client.messages))
    close_all(clients)


def case_reading_denied(brokers):
    """Each subject and wildcard that a node may not read: the broker says so, and nothing comes of it."""
    clients = everybody(brokers)
    settle(brokers, clients)
    for node, subjects in MAY_NOT_READ.items():
        with Client(brokers, node, BROKERS[2]) as spy:
            for subject in subjects:
                name_row("%s from %s" % (node, subject))
                errors = errors_of(spy, lambda: spy.subscribe(subject))
                check(errors == ["-ERR 'Permissions Violation for Subscription to \"%s\"'" % subject], errors)
                errors = errors_of(spy, lambda: spy.subscribe(subject, "group"))
                check(len(errors) == 1 and "Permissions Violation" in errors[0], errors)
            settle(brokers, clients)
            spy.sync()
            check(spy.messages == [], (node, spy.messages))
    close_all(clients)


def refused(brokers, text, *words, **options):
    name_row(text)
    try:
        client = Client(brokers, *words, **options)
    except (Ended, ssl.SSLError, ConnectionError):
        return
    client.close()
    raise Failure("%s: was let in" % text)


def case_certificates(brokers):
    """threats L14 at the brokers: none, another CA's, unpinned ones of the right CA, a broker's own: refused."""
    nodes = ["--outer", "outer-a", "--inner", "inner-a"]
    brokers.pki("stranger", *nodes)
    os.makedirs(brokers.path("later/bus"))
    for name in ("ca.crt", "ca.key"):
        shutil.copy(brokers.path("pki/bus", name), brokers.path("later/bus", name))
    brokers.pki("later", *nodes, "--outer", "outer-z")
    refused(brokers, "none", "outer-a", keys=None)
    refused(brokers, "another CA", "outer-a", keys=brokers.path("stranger/bus/outer-a"))
    refused(brokers, "the link's", "outer-a", keys=brokers.path("pki/link/outer-a"))
    refused(brokers, "same CA and name, not pinned", "outer-a", keys=brokers.path("later/bus/outer-a"))
    refused(brokers, "same CA and inner's name, not pinned", "inner-a", keys=brokers.path("later/bus/inner-a"))
    refused(brokers, "same CA, a new name", "outer-z", keys=brokers.path("later/bus/outer-z"))
    refused(brokers, "a broker's for nodes", "outer-a", keys=brokers.path("pki/bus/broker-1"))
    refused(brokers, "a broker's for routes", "outer-a", keys=brokers.path("pki/bus/broker-2-route"))
    refused(brokers, "a node's at the port of routes", "inner-a", port=ROUTE_PORT)
    refused(brokers, "none at the port of routes", "inner-a", port=ROUTE_PORT, keys=None)
    refused(brokers, "a broker's for nodes at the port of routes", "inner-a", port=ROUTE_PORT,
            keys=brokers.path("pki/bus/broker-1"))
    Client(brokers, "outer-a").close()


def case_the_certificate_is_the_user(brokers):
    """Whatever a node says of itself: its certificate decides which user and account it has."""
    for options in ({"user": "inner-a", "pass": ""}, {"user": "inner-a"}, {"account": "INNER"}, {"account": "SYSTEM"},
                    {"user": "SYSTEM"}, {"auth_token": "x"}, {"account": "INNER", "new_account": True},
                    {"jwt": "x", "sig": "y"}, {"nkey": "UA", "sig": "y"}, {"name": "inner-a"}):
        name_row(str(options))
        try:
            client = Client(brokers, "outer-a", options=options)
        except (Ended, Failure):
            continue  # refusing is right as well
        with client:
            errors = errors_of(client, lambda: client.subscribe("lk.i.inner-a.outer-a"))
            check(len(errors) == 1 and "Permissions Violation" in errors[0], errors)
            errors = errors_of(client, lambda: client.publish("lk.o.outer-a.inner-a"))
            check(len(errors) == 1 and "Permissions Violation" in errors[0], errors)
            errors = errors_of(client, lambda: client.publish("$SYS.REQ.SERVER.PING"))
            check(len(errors) == 1 and "Permissions Violation" in errors[0], errors)
            errors = errors_of(client, lambda: client.publish("lk.i.inner-a.outer-a"))
            check(errors == [], errors)


def case_plain_text(brokers):
    """Without TLS there is no word of the protocol, no HTTP and no WebSocket."""
    for words in (b'CONNECT {"verbose":false}\r\nPING\r\n', b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                  b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                  b"PUB lk.i.inner-a.outer-a 1\r\nx\r\nPING\r\n"):
        with socket.create_connection((brokers.address[BROKERS[0]], PORT), 10) as s:
            s.sendall(words)
            answer = b""
            try:
                while more := s.recv(65536):
                    answer += more
            except ConnectionError:
                pass
        info, rest = answer.split(b"\r\n", 1)
        check(json.loads(info[5:])["tls_required"] and json.loads(info[5:])["tls_verify"], info)
        check(b"PONG" not in rest and b"HTTP" not in rest and b"101" not in rest, rest)


def listeners(pid):
    """(address, port) of each TCP socket on which the process listens."""
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            inodes.add(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except FileNotFoundError:
            pass
    found = set()
    for table in ("tcp", "tcp6"):
        with open("/proc/net/" + table, encoding="ascii") as f:
            for line in f.readlines()[1:]:
                words = line.split()
                if words[3] == "0A" and "socket:[%s]" % words[9] in inodes:
                    host, port = words[1].split(":")
                    found.add((socket.inet_ntoa(bytes.fromhex(host)[::-1]) if len(host) == 8 else host,
                               int(port, 16)))
    return found


def case_two_ports_alone(brokers):
    """No leaf nodes, WebSocket, MQTT, gateway or monitoring: nothing else listens."""
    for name in BROKERS:
        got = listeners(brokers.processes[name].pid)
        check(got == {(brokers.address[name], PORT), (brokers.route_address[name], ROUTE_PORT)}, got)
    with Client(brokers, "outer-a") as client:
        check(not client.info.get("connect_urls") and not client.info.get("ws_connect_urls"), client.info)


def make_bucket(inner):
    answer = inner.request("$JS.API.STREAM.CREATE.KV_leases", json.dumps(BUCKET).encode())
    check("error" not in answer, answer)


def case_the_bucket(brokers):
    """An inner makes the bucket, writes by revision, and can make or change nothing else in JetStream."""
    with Client(brokers, "inner-a", BROKERS[0]) as a, Client(brokers, "inner-b", BROKERS[1]) as b:
        stream = "$JS.API.STREAM.CREATE.KV_leases"
        answer = a.request(stream, json.dumps(dict(BUCKET, name="OTHER", subjects=["lk.>"])).encode())
        check("error" in answer, answer)
        make_bucket(a)
        for change in ({"subjects": ["lk.>"]}, {"subjects": ["$KV.leases.>", "lk.o.>"]},
                       {"republish": {"src": "$KV.leases.>", "dest": "lk.o.outer-a.inner-b"}},
                       {"num_replicas": 1}, {"max_age": 1000000000}):
            answer = a.request(stream, json.dumps(dict(BUCKET, **change)).encode())
            check("error" in answer, answer)
        first = a.request("$KV.leases.k", b"a", headers={"Nats-Expected-Last-Subject-Sequence": 0})
        check(first.get("seq"), first)
        second = b.request("$KV.leases.k", b"b", headers={"Nats-Expected-Last-Subject-Sequence": 0})
        check(second["error"]["err_code"] == 10071, second)
        second = b.request("$KV.leases.k", b"b", headers={"Nats-Expected-Last-Subject-Sequence": first["seq"]})
        check(second.get("seq", 0) > first["seq"], second)
        value = a.request("$JS.API.STREAM.MSG.GET.KV_leases", b'{"last_by_subj":"$KV.leases.k"}')
        check(value["message"]["seq"] == second["seq"] and value["message"]["data"] == "Yg==", value)
        gone = a.request("$JS.API.STREAM.MSG.DELETE.KV_leases", json.dumps({"seq": second["seq"]}).encode())
        check(gone.get("success"), gone)
        value = a.request("$JS.API.STREAM.MSG.GET.KV_leases", b'{"last_by_subj":"$KV.leases.k"}')
        check(value["error"]["code"] == 404, value)


def case_replies_reach_nobody_else(brokers):
    """What JetStream answers never arrives at a node of the other side as a record that says anything else."""
    with Client(brokers, "inner-a", BROKERS[0]) as a, Client(brokers, "outer-a", BROKERS[1]) as outer, \
            Client(brokers, "inner-b", BROKERS[1]) as b:
        outer.subscribe("lk.o.outer-a.inner-a")
        outer.subscribe("lk.o.outer-a.inner-b")
        brokers.wait(lambda: heard(b, "lk.o.outer-a.inner-b", outer, b"first"), "the way is there")
        outer.take()
        a.publish("$JS.API.STREAM.MSG.GET.KV_leases", b'{"last_by_subj":"$KV.leases.k"}', "lk.o.outer-a.inner-b")
        a.publish("$KV.leases.k", b"forged", "lk.o.outer-a.inner-b")
        a.sync()
        brokers.wait(lambda: heard(b, "lk.o.outer-a.inner-b", outer, b"last"), "the way is there")
        # JSON that the broker wrote may come; the content of the request, as it was, may not.
        check(all(p == b"last" or p.startswith(b'{"') for _, p in outer.messages), outer.messages)


def case_one_broker_dies(brokers):
    """Two brokers carry everything: records, and the bucket."""
    victim = BROKERS[0]
    brokers.stop(victim)
    with Client(brokers, "inner-a", BROKERS[1]) as inner, Client(brokers, "outer-a", BROKERS[2]) as outer:
        outer.subscribe("lk.o.outer-a.inner-a")
        outer.subscribe("lk.o.outer-a.inner-b")
        brokers.wait(lambda: heard(inner, "lk.o.outer-a.inner-a", outer, b"still"), "records pass")

        def writes():
            try:
                return inner.request("$KV.leases.after", b"x", 2).get("seq")
            except Failure:
                return False
        brokers.wait(writes, "the bucket takes writes")
    brokers.start(victim)
    brokers.wait_ready()


def case_reload(brokers):
    """A key that is taken out of the files is out after a reload, also where it was connected."""
    client = Client(brokers, "outer-b", BROKERS[0])
    nodes = ["--outer", "outer-a", "--inner", *INNERS]
    brokers.sallyport("nats", "config", "pki", *nodes, *brokers.brokers(), "--store", brokers.path("store"))
    for name in BROKERS:
        done = subprocess.run(["/bin/kill", "-HUP", str(brokers.processes[name].pid)], check=False)
        check(done.returncode == 0, "reload")

    def gone():
        try:
            Client(brokers, "outer-b", BROKERS[0]).close()
            return False
        except (Ended, ssl.SSLError, ConnectionError):
            return True
    brokers.wait(gone, "outer-b is refused")

    def cut_off():
        try:
            client.sync()
            return False
        except Ended:
            return True
    brokers.wait(cut_off, "outer-b, which was connected, is so no longer")
    Client(brokers, "outer-a", BROKERS[0]).close()


def case_a_broker_alone(brokers):
    """The file of a broker that is the only one: it starts, with JetStream."""
    address = brokers.address[BROKERS[0]].rsplit(".", 1)[0] + ".31"
    words = ["--outer", *OUTERS, "--inner", *INNERS, "--broker", "alone=" + address]
    brokers.sallyport("pki", "init", "alone", *words, "--domain", "example.se")
    brokers.sallyport("nats", "config", "alone", *words, "--store", brokers.path("alone"))
    log = open(brokers.path("alone.log"), "wb")
    process = subprocess.Popen([SERVER, "-c", brokers.path("alone/bus/alone.conf")], stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log, preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL))

    def told():
        check(process.poll() is None, "it ended: " + brokers.log("alone")[-300:])
        try:
            with socket.create_connection((address, PORT), 1) as client:
                return json.loads(client.makefile().readline()[len("INFO "):])
        except ConnectionRefusedError:
            return None
    try:
        brokers.wait(told, "it listens")
        check(told()["jetstream"], "JetStream serves")
    finally:
        process.kill()
        process.wait()
        log.close()


def main():
    failed, brokers = 0, None
    cases = [f for n, f in list(globals().items()) if n.startswith("case_")]
    try:
        brokers = Brokers()
        for case in cases:
            try:
                case(brokers)
                check(all(p.poll() is None for p in brokers.processes.values()), "a broker died")
                print("ok     %s" % title(case), flush=True)
            except Exception as error:  # noqa: a failed case must not stop the others
                failed += 1
                print("FAILED %s: %s: %s" % (title(case), type(error).__name__, error), flush=True)
                brokers.show()
    finally:
        if brokers:
            brokers.close()
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
