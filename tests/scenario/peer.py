# SPDX-License-Identifier: Apache-2.0
"""A scripted XMPP server: streams that are opened or accepted by hand, byte for byte."""
import base64
import codecs
import os
import queue
import re
import select
import socket
import ssl
import threading

TIMEOUT = 20

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
          " xmlns:db='jabber:server:dialback' %s version='1.0' xml:lang='en'>")


class Closed(Exception):
    """The other side ended the connection; what it had sent before is in args[0]."""


class Stream:
    def __init__(self, world, sock, us):
        self.world, self.socket, self.us = world, sock, us
        self.received = b""
        self.skipped = b""  # before the latest match
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # --- bytes ---

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def send_slowly(self, data):
        for byte in data if isinstance(data, bytes) else data.encode():
            self.socket.sendall(bytes([byte]))

    def expect(self, pattern):
        """Reads until the pattern is there; returns the match and drops everything up to its end."""
        expression = re.compile(pattern.encode(), re.S)
        while True:
            match = expression.search(self.received)
            if match:
                self.skipped, self.received = self.received[:match.start()], self.received[match.end():]
                return match
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError, BrokenPipeError) as error:
                raise Closed(self.received, str(error)) from None
            except socket.timeout:
                raise TimeoutError("no %r in %r" % (pattern, self.received[-2000:])) from None
            if not data:
                raise Closed(self.received, "end of stream, wanted %r" % pattern)
            self.received += data

    def read_to_end(self):
        """Everything until the connection ends."""
        try:
            self.expect("(?!)")
        except Closed as closed:
            return closed.args[0].decode("utf-8", "replace")
        raise AssertionError

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def hang_up(self):
        """Ends the connection and wakes who reads from it; it may have ended already."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # --- opening ---

    @classmethod
    def connect(cls, world, address, us, port=5269, source=None):
        stream = cls(world, socket.create_connection((address, port), TIMEOUT, source and (source, 0)), us)
        world.closing.append(stream)
        return stream

    def header(self, to, us=None):
        self.send(HEADER % ("from='%s' to='%s'" % (us or self.us, to)))

    def serve_tls(self, domain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.world.keys(domain))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.received = b""

    def start_tls(self, certificate=True, domain=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(*self.world.keys(domain or self.us))
        self.socket = context.wrap_socket(self.socket)
        self.received = b""

    @classmethod
    def dial(cls, world, address, us, to, certificate=True, authenticate=True, source=None):
        stream = cls.connect(world, address, us, source=source)
        stream.header(to)
        stream.expect("<starttls")
        stream.expect("</stream:features>")
        stream.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        stream.expect("<proceed[^>]*/>")
        stream.start_tls(certificate)
        stream.header(to)
        features = stream.expect("<stream:features>(.*)</stream:features>").group(1)
        if authenticate:
            if b"EXTERNAL" not in features:
                raise AssertionError("EXTERNAL is not offered: %r" % features)
            stream.external(to)
        return stream

    def external(self, to):
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>%s</auth>" %
                  base64.b64encode(self.us.encode()).decode())
        self.expect("<success[^>]*/>")
        self.received = b""
        self.header(to)
        self.expect("<stream:features ?/>|</stream:features>")

    def message(self, text, sender=None, to=None, extra=""):
        self.send("<message type='chat' from='%s' to='%s' id='%s'><body>%s</body>%s</message>" % (
            sender or "b@" + self.us, to or "a@example.se", text, text, extra))


class Accepted(Stream):
    """A stream that a node opened to us: the server's side of the negotiation."""

    def serve(self, listener):
        """Until the node is authenticated; afterwards stanzas are read by the listener."""
        self.expect("<stream:stream[^>]*>")
        self.answer("<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
                    "</stream:features>", listener)
        self.expect("<starttls[^>]*/>")
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.serve_tls(listener.domain)
        self.expect("<stream:stream[^>]*>")
        self.answer("<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                    "<mechanism>EXTERNAL</mechanism></mechanisms>" + listener.offers + "</stream:features>", listener)
        self.expect("<auth[^>]*>[^<]*</auth>|<auth[^>]*/>")
        listener.before_auth = self.skipped.decode()
        self.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        self.expect("<stream:stream[^>]*>")
        self.answer("<stream:features>%s</stream:features>" % listener.features, listener)

    def answer(self, features, listener):
        self.send(HEADER % ("from='%s' id='s%d'" % (listener.domain, id(self) % 1000003)) + features)


class Reader(threading.Thread):
    """Reads the streams of one listener in the order in which bytes arrived on them, as a server does with one loop."""

    def __init__(self, listener):
        super().__init__(daemon=True)
        self.listener, self.streams, self.new = listener, {}, queue.Queue()
        self.poll, self.bell = select.epoll(), os.eventfd(0, os.EFD_CLOEXEC)
        self.poll.register(self.bell, select.EPOLLIN)
        self.start()

    def add(self, stream):
        """None is the end."""
        self.new.put(stream)
        try:
            os.eventfd_write(self.bell, 1)
        except (OSError, ValueError):
            pass  # it has ended

    def run(self):
        while True:
            # What is ready comes in the order in which it became so.
            for descriptor, _ in self.poll.poll():
                if descriptor != self.bell:
                    self.read(descriptor)
                elif not self.welcome():
                    return

    def welcome(self):
        """False if this is the end."""
        os.eventfd_read(self.bell)
        while not self.new.empty():
            stream = self.new.get()
            if not stream:
                self.poll.close()
                bell, self.bell = self.bell, -1
                os.close(bell)
                return False
            descriptor = stream.socket.fileno()
            try:
                self.poll.register(descriptor, select.EPOLLIN)
            except (OSError, ValueError) as error:
                self.listener.ended(stream, error)
                continue
            self.streams[descriptor] = stream
            self.read(descriptor)  # TLS may have read it before
        return True

    def read(self, descriptor):
        """All that is there."""
        stream = self.streams[descriptor]
        try:
            stream.socket.setblocking(False)
            while True:
                self.listener.reading.wait()
                data = stream.socket.recv(65536)
                stream.socket.setblocking(True)
                if not data:
                    break
                self.listener.received(stream, data)
                stream.socket.setblocking(False)
            error = None
        except (BlockingIOError, ssl.SSLWantReadError):
            stream.socket.setblocking(True)
            return
        except OSError as failure:
            error = failure
        try:
            self.poll.unregister(descriptor)
        except (OSError, ValueError):
            pass  # somebody else closed it
        del self.streams[descriptor]
        self.listener.ended(stream, error)


class Listener(threading.Thread):
    """Accepts streams as the server of a domain; everything that arrives on them is one text."""

    port = 5269
    features = ""  # offered after authentication
    accepted = Accepted

    def __init__(self, world, address, domain):
        super().__init__(daemon=True)
        self.world, self.domain, self.address = world, domain, address
        self.lock = threading.Lock()
        self.whole, self.parts = "", []
        self.marks = None  # a set: of a flood only the texts of short bodies are kept
        self.tail = ""
        self.offers = ""  # features beside EXTERNAL
        self.before_auth = ""  # what the latest stream said between these and EXTERNAL
        self.streams = []
        self.errors = queue.Queue()
        self.reading = threading.Event()
        self.reading.set()
        self.open()
        world.closing.append(self)
        self.start()

    def open(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((self.address, self.port))
        self.socket.listen(64)
        self.reader = Reader(self)

    def run(self):
        while True:
            try:
                accepted, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(accepted,), daemon=True).start()

    def serve(self, accepted):
        stream = self.accepted(self.world, accepted, self.domain)
        with self.lock:
            self.streams.append(stream)
        stream.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        try:
            stream.serve(self)
            stream.socket.settimeout(None)
        except (OSError, Closed, TimeoutError) as error:
            self.ended(stream, error)
            return
        self.reader.add(stream)

    def received(self, stream, data):
        self.take(stream.decoder.decode(data))

    def ended(self, stream, error):
        if error:
            self.errors.put(str(error)[:300])
        stream.close()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
        except OSError:
            pass
        self.socket.close()
        self.reading.set()
        self.reader.add(None)
        with self.lock:
            streams, self.streams = self.streams, []
        for stream in streams:
            stream.hang_up()
            stream.close()

    def take(self, more):
        if self.marks is not None:
            more = self.tail + more
            self.marks.update(re.findall("<body>([a-z0-9-]{1,40})</body>", more))
            self.tail = more[-80:]
            return
        with self.lock:
            self.parts.append(more)

    @property
    def text(self):
        """Everything that arrived so far, or since forget()."""
        with self.lock:
            new, self.parts = self.parts, []
            if new:
                self.whole += "".join(new)
            return self.whole

    def stanzas(self, kind="message"):
        return re.findall("<%s[ >].*?</%s>" % (kind, kind), self.text, re.S)

    def wait_for(self, pattern, count=1):
        def found():
            return len(re.findall(pattern, self.text, re.S)) >= count
        self.world.wait(found, lambda: "%d times %r at %s; got %r" % (
            count, pattern, self.domain, self.text[-1500:]))

    def forget(self):
        with self.lock:
            self.whole, self.parts = "", []
